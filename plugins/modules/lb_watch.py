#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: lb_watch
short_description: Record when the load balancers asked a node for its heartbeat, and what they were told
version_added: 0.1.0
description:
  - Reads the status of the heartbeats of a node all the time, on the node, and keeps when each prober asked and what it got, when the
    heartbeat was flipped, when it was away, and when a match was tested.
  - It runs in the background. A task with O(state=started) and C(async) begins, one with O(state=stopped) ends it and returns the record.
  - All times are those of the clock of the node. M(halfswap.bluegreen.verify_lb) puts them together with what M(halfswap.bluegreen.lb_traffic)
    records elsewhere.
author:
  - halfswap.bluegreen contributors (@halfswap)
attributes:
  check_mode:
    description: Nothing is recorded in check mode; it is skipped.
    support: none
  diff_mode:
    description: Nothing changes.
    support: none
  idempotent:
    description: Each recording is one of its own.
    support: none
options:
  state:
    description: Whether to record until another task stops it, or to stop it and to return the record.
    type: str
    required: true
    choices: [started, stopped]
  file:
    description: Names the recording. There must be no such file yet when it is started.
    type: path
    required: true
  components:
    description: The components of the node. Needed to start.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the component.
        type: str
        required: true
      url:
        description: Base URL of the control side of its heartbeat as the node reaches it, for instance V(http://127.0.0.1:8791).
        type: str
        required: true
  paths:
    description: The URL paths, with the query string, that load balancers ask for. What others ask for is not kept. Needed to start.
    type: list
    elements: str
    default: []
  seconds:
    description: The recording ends by itself after this many seconds.
    type: float
    default: 600.0
  every_s:
    description: How often the status is read, in seconds. It must be well below the shortest interval of a load balancer.
    type: float
    default: 0.05
seealso:
  - module: halfswap.bluegreen.lb_traffic
  - module: halfswap.bluegreen.verify_lb
"""

EXAMPLES = r"""
- name: Begin to watch
  halfswap.bluegreen.lb_watch:
    state: started
    file: /run/watch-of-today
    components:
      - {name: shop, url: "http://127.0.0.1:8791"}
    paths: [/heartbeat/live, /heartbeat/standby]
  async: 600
  poll: 0

- name: See what was recorded
  halfswap.bluegreen.lb_watch:
    state: stopped
    file: /run/watch-of-today
  register: seen
"""

RETURN = r"""
components:
  description: What was seen of each component. All times are seconds since 1970 by the clock of the node.
  returned: when O(state=stopped)
  type: list
  elements: dict
  contains:
    name:
      description: Name of the component.
      type: str
      returned: always
      sample: shop
    states:
      description: Each state that the heartbeat had, with the time of the flip to it.
      type: list
      elements: list
      returned: always
      sample: [[1795170304.512, live], [1795170310.02, standby]]
    probers:
      description: Each prober, with its C(address), its C(path), and for each of its C(answers) the time and the word that it got.
      type: list
      elements: dict
      returned: always
      sample: [{address: 192.0.2.5, path: /heartbeat/live, answers: [[1795170310.411, standby]]}]
    gone:
      description: Between which times no heartbeat answered. The second one is null when it did not come back.
      type: list
      elements: list
      returned: always
      sample: [[1795170320.1, 1795170324.3]]
    tests:
      description: Between which times a match was tested; see module M(halfswap.bluegreen.heartbeat_test).
      type: list
      elements: list
      returned: always
      sample: []
looks:
  description: How many times the status was read.
  returned: when O(state=stopped)
  type: int
  sample: 812
cut_off:
  description: Whether the recording had ended by itself.
  returned: when O(state=stopped)
  type: bool
  sample: false
"""

from ansible_collections.halfswap.bluegreen.plugins.module_utils._http import Sender
from ansible_collections.halfswap.bluegreen.plugins.module_utils._secrets import Module
from ansible_collections.halfswap.bluegreen.plugins.module_utils.heartbeat._heartbeat_api import Heartbeat, HeartbeatError
from ansible_collections.halfswap.bluegreen.plugins.module_utils.sanity._recording import RecordingError, record, steady_wall, take


def last_word(prober):
    """What a prober got last, and how often in a row since the flip."""
    runs = prober["consecutive"]
    for state in ("live", "standby"):
        if runs[state]:
            return state, runs[state]
    return "down", min(runs["not_live"], runs["not_standby"])


class Span(object):
    """The times between which something was so."""

    def __init__(self):
        self.spans = []

    @property
    def is_open(self):
        return bool(self.spans) and self.spans[-1][1] is None

    def note(self, so, now):
        if so and not self.is_open:
            self.spans.append([now, None])
        elif self.is_open and not so:
            self.spans[-1][1] = now


class Book(object):
    """What one component was seen to do."""

    def __init__(self, heartbeat, clock, paths):
        self._heartbeat = heartbeat
        self._paths = paths
        self._clock = clock
        self._revision = None
        self._seen = {}
        self._answers = {}
        self._states = []
        self._gone = Span()
        self._tests = Span()

    def look(self):
        try:
            status = self._heartbeat.status()
        except HeartbeatError:
            self._gone.note(True, self._clock())
            return
        now = self._clock()
        if self._gone.is_open and self._went_on(status["probers"] or ()):
            # Nothing died: the answer to this reader was late.
            self._gone.spans.pop()
        self._gone.note(False, now)
        self._tests.note(bool(status.get("test")), now)
        if not self._states or self._states[-1][1] != status["state"]:
            self._states.append([now - (status["since_s"] or 0.0), status["state"]])
        for prober in status["probers"] or ():
            # Whoever asks for something else at each time would fill the book.
            if prober["path"] in self._paths:
                self._note(prober, now)

    def _went_on(self, probers):
        """Whether the agent goes on counting where it was: one that was restarted begins anew."""
        counts = [(self._seen[prober["address"], prober["path"]], prober["seen"]) for prober in probers if (prober["address"], prober["path"]) in self._seen]
        return bool(counts) and all(seen >= before > 0 for before, seen in counts)

    def _note(self, prober, now):
        key = (prober["address"], prober["path"])
        before, self._seen[key] = self._seen.get(key), prober["seen"]
        answers = self._answers.setdefault(key, [])
        if before is None:
            return  # what it got before the watch began is not its affair
        # A restarted agent begins to count anew.
        word, in_a_row = last_word(prober)
        anew = prober["seen"] < before
        new = min(prober["seen"] - (0 if anew else before), in_a_row)
        at = now - prober["last_seen_s"]
        # While it was restarted it gave no answer: those that it has given came after that.
        since = answers[-1][0] if answers and not anew else at - (prober["interval_s"] or 0.0) * new
        # Those between two looks: all but the last one came at about even distances.
        answers.extend([since + (at - since) * number / new, word] for number in range(1, new + 1))

    def told(self):
        def rounded(rows):
            return [[value if not isinstance(value, float) else round(value, 3) for value in row] for row in rows]

        return dict(
            name=self._heartbeat.name,
            states=rounded(self._states),
            probers=[dict(address=address, path=path, answers=rounded(self._answers[address, path])) for address, path in sorted(self._answers)],
            gone=rounded(self._gone.spans),
            tests=rounded(self._tests.spans),
        )


def start(params):
    clock, send = steady_wall(), Sender()
    books = [Book(Heartbeat(c["name"], c["url"], send=send), clock, params["paths"]) for c in params["components"]]
    looks = []

    def look():
        looks.append(None)
        for book in books:
            book.look()

    record(params["file"], params["seconds"], look, lambda: dict(components=[book.told() for book in books], looks=len(looks)), params["every_s"])


def main():
    module = Module(
        guarded=["components"],
        argument_spec=dict(
            state=dict(type="str", required=True, choices=["started", "stopped"]),
            file=dict(type="path", required=True),
            components=dict(
                type="list",
                elements="dict",
                default=[],
                options=dict(name=dict(type="str", required=True), url=dict(type="str", required=True)),
            ),
            paths=dict(type="list", elements="str", default=[]),
            seconds=dict(type="float", default=600.0),
            every_s=dict(type="float", default=0.05),
        ),
        supports_check_mode=False,
    )
    for needed in ("components", "paths"):
        if module.params["state"] == "started" and not module.params[needed]:
            module.fail_json(msg="%s is empty: there is nothing to watch." % needed)
    try:
        if module.params["state"] == "started":
            start(module.params)
            module.exit_json(changed=False)
        module.exit_json(changed=False, **take(module.params["file"]))
    except RecordingError as exc:
        module.fail_json(msg=str(exc))


if __name__ == "__main__":
    main()
