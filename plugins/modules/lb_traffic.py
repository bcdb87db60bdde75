#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: lb_traffic
short_description: Send requests through load balancers all the time, and record which node answered each
version_added: 0.1.0
description:
  - Sends one GET after the other to each of some URLs, each on a connection of its own, and keeps when it was sent, when it was answered, by
    which node and with which status.
  - The time between two requests is half as long as the rate says, or half as long again, or anything between. So users whose requests come at a
    steady rate do not always leave the same turn to these.
  - It runs in the background, where it is delegated to. A task with O(state=started) and C(async) begins, one with O(state=stopped) ends it and
    returns the record.
  - Nothing else is sent than these requests, so their paths have to be harmless.
author:
  - halfswap.bluegreen contributors (@halfswap)
extends_documentation_fragment:
  - halfswap.bluegreen.requests
attributes:
  check_mode:
    description: Nothing is sent in check mode; it is skipped.
    support: none
  diff_mode:
    description: Nothing changes.
    support: none
  idempotent:
    description: Each recording is one of its own.
    support: none
options:
  state:
    description: Whether to send requests until another task stops it, or to stop it and to return the record.
    type: str
    required: true
    choices: [started, stopped]
  file:
    description:
      - Names the recording. There must be no such file yet when it is started.
      - As soon as a load balancer answers that did not for a while, as when it is restarted, there is the word C(back) in it.
    type: path
    required: true
  streams:
    description: Where to send requests. Needed to start.
    type: list
    elements: dict
    default: []
    suboptions:
      load_balancer:
        description: Name of the load balancer.
        type: str
        required: true
      component:
        description: Name of the component behind it.
        type: str
        required: true
      url:
        description: The whole URL. No proxy is used and no redirect is followed.
        type: str
        required: true
  rate_per_s:
    description: Requests per second to each URL, on average. When answers are slow there are fewer, as the next one waits for the one before.
    type: float
    default: 50.0
  seconds:
    description: The recording ends by itself after this many seconds.
    type: float
    default: 600.0
seealso:
  - module: halfswap.bluegreen.lb_watch
  - module: halfswap.bluegreen.verify_lb
"""

EXAMPLES = r"""
- name: Begin to send requests
  halfswap.bluegreen.lb_traffic:
    state: started
    file: /tmp/traffic-of-today
    streams:
      - {load_balancer: live, component: shop, url: "http://192.0.2.5/"}
      - {load_balancer: standby, component: shop, url: "http://192.0.2.6/"}
  delegate_to: localhost
  async: 600
  poll: 0

- name: See who answered
  halfswap.bluegreen.lb_traffic:
    state: stopped
    file: /tmp/traffic-of-today
  delegate_to: localhost
  register: answered
"""

RETURN = r"""
streams:
  description: What became of the requests to each URL.
  returned: when O(state=stopped)
  type: list
  elements: dict
  contains:
    load_balancer:
      description: Name of the load balancer.
      type: str
      returned: always
      sample: live
    component:
      description: Name of the component behind it.
      type: str
      returned: always
      sample: shop
    requests:
      description:
        - For each request when it was sent and when it had been answered (seconds since 1970 by the clock of the host that sent it), the node
          that answered or null, the status, and the time in the header C(Date) of the answer or null.
        - Status 0 means that the connection was not accepted, -1 that no whole answer came.
      type: list
      elements: list
      returned: always
      sample: [[1795170304.512, 1795170304.516, blue1, 200, 1795170304]]
    errors:
      description: What went wrong with those that have no status, and how often.
      type: dict
      returned: always
      sample: {}
cut_off:
  description: Whether the recording had ended by itself.
  returned: when O(state=stopped)
  type: bool
  sample: false
"""

import random
import threading
import time
from email.utils import mktime_tz, parsedate_tz

from ansible_collections.halfswap.bluegreen.plugins.module_utils._http import LONG_ANSWER, REQUEST_OPTIONS, NoAnswer, NotReached, Sender
from ansible_collections.halfswap.bluegreen.plugins.module_utils._secrets import Module
from ansible_collections.halfswap.bluegreen.plugins.module_utils._shown import shown
from ansible_collections.halfswap.bluegreen.plugins.module_utils._wait import monotonic
from ansible_collections.halfswap.bluegreen.plugins.module_utils.sanity._recording import RecordingError, note, record, steady_wall, take

NOT_REACHED = 0
NO_ANSWER = -1
BACK = "back"
# How often it is seen that nobody wants more.
LOOK_S = 0.1


def date_of(answer):
    parsed = parsedate_tz(answer.headers.get("Date") or "")
    return None if parsed is None else mktime_tz(parsed)


class Stream(object):
    """Requests to one URL, one after the other."""

    def __init__(self, described, params, send, clock):
        self._described = described
        self._params = params
        self._send = send
        self._clock = clock
        self._requests = []
        self._errors = {}
        self.wanted = True
        self._gone = False
        # Whether it was gone for a while, as it is when it is restarted.
        self.back = False

    def run(self):
        every_s = 1.0 / self._params["rate_per_s"]
        due = monotonic()
        while self.wanted:
            self.ask()
            # What could not be sent in time is left out, and does not come all at once.
            due = max(due + every_s * random.uniform(0.5, 1.5), monotonic())
            time.sleep(max(0.0, due - monotonic()))

    def ask(self):
        began = self._clock()
        node = date = None
        try:
            answer = self._send(self._described["url"], timeout_s=self._params["request_timeout_s"])
        except (NotReached, NoAnswer) as exc:
            status = NOT_REACHED if isinstance(exc, NotReached) else NO_ANSWER
            error = shown(exc)
            self._errors[error] = self._errors.get(error, 0) + 1
            self._gone = True
        else:
            self.back = self._gone
            status, node, date = answer.status, answer.headers.get(self._params["node_header"]), date_of(answer)
        self._requests.append([round(began, 3), round(self._clock(), 3), None if node is None else shown(node), status, date])

    def told(self):
        return dict(
            load_balancer=self._described["load_balancer"],
            component=self._described["component"],
            requests=list(self._requests),
            errors=dict(self._errors),
        )


def start(params):
    clock, send = steady_wall(), Sender(params["validate_certs"], params["ca_path"], LONG_ANSWER)
    streams = [Stream(described, params, send, clock) for described in params["streams"]]
    threads = [threading.Thread(target=stream.run) for stream in streams]
    for thread in threads:
        thread.daemon = True

    def end():
        for stream in streams:
            stream.wanted = False
        for thread in threads:
            thread.join(params["request_timeout_s"])
        return dict(streams=[stream.told() for stream in streams])

    def look():
        for thread in threads:
            if thread.ident is None:
                thread.start()
        if any(stream.back for stream in streams):
            note(params["file"], BACK)

    record(params["file"], params["seconds"], look, end, LOOK_S)


def main():
    module = Module(
        guarded=["streams"],
        argument_spec=dict(
            REQUEST_OPTIONS,
            state=dict(type="str", required=True, choices=["started", "stopped"]),
            file=dict(type="path", required=True),
            streams=dict(
                type="list",
                elements="dict",
                default=[],
                options=dict(
                    load_balancer=dict(type="str", required=True),
                    component=dict(type="str", required=True),
                    url=dict(type="str", required=True),
                ),
            ),
            rate_per_s=dict(type="float", default=50.0),
            seconds=dict(type="float", default=600.0),
        ),
        supports_check_mode=False,
    )
    params = module.params
    if params["state"] == "started" and not params["streams"]:
        module.fail_json(msg="streams is empty: there is nowhere to send requests to.")
    wrong = [stream["url"] for stream in params["streams"] if not stream["url"].startswith(("http://", "https://"))]
    if wrong:
        module.fail_json(msg="url must begin with http:// or https://, but is %s." % wrong[0])
    if not 0 < params["rate_per_s"] <= 1000:
        module.fail_json(msg="rate_per_s must be above 0 and at most 1000, but is %g." % params["rate_per_s"])
    try:
        if params["state"] == "started":
            start(params)
            module.exit_json(changed=False)
        module.exit_json(changed=False, **take(params["file"]))
    except RecordingError as exc:
        module.fail_json(msg=str(exc))


if __name__ == "__main__":
    main()
