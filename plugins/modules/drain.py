#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: drain
short_description: Wait until nobody uses the components of a node any more
version_added: 0.1.0
description:
  - Waits on the node until none of the components has a request in flight. It stops nothing and changes nothing.
  - It proves something only after the load balancers have noticed that the node is standby; see M(halfswap.bluegreen.heartbeat).
  - At the deadline it fails and says what is still in flight.
author:
  - halfswap.bluegreen contributors (@halfswap)
attributes:
  check_mode:
    description: Reads once and does not wait. RV(drained) then says what that one sample showed.
    support: full
  diff_mode:
    description: Nothing changes.
    support: none
  idempotent:
    description: Nothing changes.
    support: full
options:
  components:
    description: Every component of the node that is about to be stopped.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the component.
        type: str
        required: true
      in_flight_url:
        description:
          - URL of a JSON document, as the node reaches it, in which the application counts its requests in flight. For O(method=counter).
          - The request for this document must not be counted.
        type: str
      in_flight_key:
        description: Key of the number of requests in flight; dots lead into inner objects.
        type: str
        default: in_flight
      requests_key:
        description:
          - Key of the number of all requests so far. When given, a request that came and went between two samples is noticed too.
          - Health checks and requests for this document must not be counted.
        type: str
      ports:
        description: TCP ports of the application. For O(method=connections).
        type: list
        elements: int
  method:
    description:
      - V(counter) waits until the application's own counter shows nothing in flight.
      - V(connections) waits until there is no established TCP connection to the component's ports in the network namespace of the node.
        Load balancers that keep idle connections hold this up, often for a minute, unless the application answers
        C(Connection) with C(close) in standby.
      - V(seconds) waits O(seconds) and proves nothing. The result says so.
    type: str
    choices: [counter, connections, seconds]
    default: counter
  samples:
    description: Number of samples in a row, of all components, that must show nothing in flight.
    type: int
    default: 3
  interval_s:
    description: Seconds between two samples.
    type: float
    default: 0.1
  seconds:
    description: Seconds to wait, for O(method=seconds).
    type: float
  timeout_s:
    description: Seconds after which to give up, for the other methods. It must be above the longest request.
    type: float
    default: 60.0
seealso:
  - module: halfswap.bluegreen.heartbeat
"""

EXAMPLES = r"""
- name: Wait until the shop has answered its last request
  halfswap.bluegreen.drain:
    components:
      - name: shop
        in_flight_url: http://127.0.0.1:8080/status
        in_flight_key: requests.active
        requests_key: requests.total

- name: Wait until nobody is connected
  halfswap.bluegreen.drain:
    method: connections
    components:
      - name: shop
        ports: [8080]
    timeout_s: 120
"""

RETURN = r"""
drained:
  description: Whether nothing was in flight. Always true with O(method=seconds), where nobody looked.
  returned: always
  type: bool
  sample: true
method:
  description: The method used.
  returned: always
  type: str
  sample: counter
guess:
  description: Whether this is only a guess, which O(method=seconds) is.
  returned: always
  type: bool
  sample: false
waited_s:
  description: Seconds waited.
  returned: always
  type: float
  sample: 1.304
components:
  description: What the last sample of each component showed.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: Name of the component.
      type: str
      returned: always
      sample: shop
    in_flight:
      description: Requests in flight, or connections with O(method=connections). Null when nobody could say.
      type: int
      returned: always
      sample: 0
    requests:
      description: All requests so far. Null without O(components[].requests_key).
      type: int
      returned: always
      sample: 18044
    samples:
      description: Samples in a row that showed nothing in flight.
      type: int
      returned: always
      sample: 3
"""

import time

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.halfswap.bluegreen.plugins.module_utils._drain import DrainError, Unread, Watch, count_connections, read_counter
from ansible_collections.halfswap.bluegreen.plugins.module_utils._wait import wait_until

READERS = {"counter": (read_counter, "in_flight_url"), "connections": (count_connections, "ports")}


def check(params):
    """Refuse what could never prove anything."""
    if not params["components"]:
        raise DrainError("components is empty: name every component that is about to be stopped.")
    if params["samples"] < 1 or params["interval_s"] < 0:
        raise DrainError("samples must be at least 1, and interval_s at least 0.")
    if params["method"] == "seconds":
        if params["seconds"] < 0:
            raise DrainError("seconds must be at least 0.")
        return
    needed = READERS[params["method"]][1]
    for component in params["components"]:
        if not component[needed]:
            raise DrainError("component %s has no %s, which method %s needs." % (component["name"], needed, params["method"]))


def guess(module):
    params = module.params
    if not module.check_mode:
        time.sleep(params["seconds"])
    module.warn(
        "Drained by waiting %g s: a guess, which loses every request that takes longer. "
        "Method counter or connections would look." % params["seconds"]
    )
    return dict(drained=True, guess=True, waited_s=0.0 if module.check_mode else params["seconds"])


def prove(module, watches):
    params = module.params
    read = READERS[params["method"]][0]
    samples = 1 if module.check_mode else params["samples"]

    def missing():
        for watch, component in zip(watches, params["components"]):
            try:
                watch.sample(*read(component))
            except Unread as exc:
                watch.unread(str(exc))
        return [text for text in (watch.missing(samples) for watch in watches) if text]

    left, waited_s = wait_until(missing, 0 if module.check_mode else params["timeout_s"], params["interval_s"])
    return dict(drained=not left, guess=False, waited_s=waited_s), left


def run(module):
    params = module.params
    check(params)
    watches = [Watch(component["name"]) for component in params["components"]]
    left = []
    if params["method"] == "seconds":
        result = guess(module)
    else:
        result, left = prove(module, watches)
    result.update(changed=False, method=params["method"], components=[watch.result() for watch in watches])
    if left and not module.check_mode:
        module.fail_json(
            msg="Not drained after %.1f s: %s. Nothing was stopped. Where requests may take that long, raise timeout_s; otherwise find out "
            "what holds them." % (result["waited_s"], "; ".join(left)),
            **result
        )
    return result


def main():
    module = AnsibleModule(
        argument_spec=dict(
            components=dict(
                type="list",
                elements="dict",
                required=True,
                options=dict(
                    name=dict(type="str", required=True),
                    in_flight_url=dict(type="str"),
                    in_flight_key=dict(type="str", default="in_flight", no_log=False),
                    requests_key=dict(type="str", no_log=False),
                    ports=dict(type="list", elements="int"),
                ),
            ),
            method=dict(type="str", choices=["counter", "connections", "seconds"], default="counter"),
            samples=dict(type="int", default=3),
            interval_s=dict(type="float", default=0.1),
            seconds=dict(type="float"),
            timeout_s=dict(type="float", default=60.0),
        ),
        required_if=[("method", "seconds", ["seconds"])],
        supports_check_mode=True,
    )
    try:
        module.exit_json(**run(module))
    except DrainError as exc:
        module.fail_json(msg="Not drained, and nothing was stopped: %s" % exc)


if __name__ == "__main__":
    main()
