#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: lb_trial
short_description: Put the heartbeats of a node through what shows how load balancers judge them
version_added: 0.1.0
description:
  - Does one thing after the other on the node, each for O(seconds), in one round trip.
  - Only heartbeats are touched. The application goes on, and the state that they say stays as it is.
  - A timer of systemd starts stopped heartbeats again even when this module is killed meanwhile.
author:
  - halfswap.bluegreen contributors (@halfswap)
extends_documentation_fragment:
  - halfswap.bluegreen.records
  - halfswap.bluegreen.trial
attributes:
  check_mode:
    description: Nothing is done in check mode; it is skipped.
    support: none
  diff_mode:
    description: Nothing changes but for these seconds.
    support: none
  idempotent:
    description: Each trial is one of its own.
    support: none
options:
  acts:
    description:
      - What is done, in this order.
      - V(hold) does nothing, so that what is late has come. V(match) answers what only a match that is not anchored takes for the word, as
        M(halfswap.bluegreen.heartbeat_test) does; the agent refuses it on a node that is live. V(dead) stops O(units).
    type: list
    elements: str
    choices: [hold, match, dead]
    required: true
  units:
    description: The systemd units of the heartbeats. Where there are none, V(dead) is left out.
    type: list
    elements: str
    default: []
  seconds:
    description: How long each act lasts, in seconds. An agent tests a match for 300 at most.
    type: float
    required: true
seealso:
  - module: halfswap.bluegreen.heartbeat_test
  - module: halfswap.bluegreen.lb_watch
"""

EXAMPLES = r"""
- name: Test the load balancers while the node is in standby
  halfswap.bluegreen.lb_trial:
    acts: [hold, match, hold, dead]
    units: [halfswap-heartbeat@shop.service]
    components:
      - {name: shop, url: "http://127.0.0.1:9101"}
    token: "{{ token }}"
    words: {/heartbeat/live: live, /heartbeat/standby: standby}
    seconds: 5
    run_id: 20261120T101500Z-4711
    by: ops@controller
"""

RETURN = r"""
tested:
  description: The components whose agents answered the test of the match.
  returned: success
  type: list
  elements: str
  sample: [shop]
unable:
  description: The components whose heartbeats cannot do it, because they are answered by the application or by an older agent.
  returned: success
  type: list
  elements: str
  sample: []
stopped:
  description: The units that were stopped and run again.
  returned: success
  type: list
  elements: str
  sample: [halfswap-heartbeat@shop.service]
"""

import time

from ansible_collections.halfswap.bluegreen.plugins.module_utils._shown import shown
from ansible_collections.halfswap.bluegreen.plugins.module_utils._wait import wait_until
from ansible_collections.halfswap.bluegreen.plugins.module_utils.heartbeat._heartbeat_api import HeartbeatError
from ansible_collections.halfswap.bluegreen.plugins.module_utils.heartbeat._match_test import SPEC, begin
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._records import RecordsError
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._whose import Keeping

# A busy machine starts a unit late.
START_S = 10.0
LOOK_S = 0.25


class TrialError(Exception):
    """It could not be done; the text says what was, and what to do."""


class Trial(object):
    def __init__(self, module):
        self._module = module
        self._params = module.params
        self.result = dict(tested=[], unable=[], stopped=[])

    def run(self):
        for act in self._params["acts"]:
            getattr(self, act)()
        return self.result

    def hold(self):
        time.sleep(self._params["seconds"])

    def match(self):
        self.result.update(begin(self._params))
        self.hold()

    def dead(self):
        units, seconds = self._params["units"], self._params["seconds"]
        if not units:
            return
        # The timer first: from here on they run again whatever becomes of this process.
        self._do(["systemd-run", "--on-active=%gs" % seconds, "--timer-property=AccuracySec=100ms", "systemctl", "start"] + units)
        try:
            self._do(["systemctl", "stop"] + units)
            wait_until(lambda: [] if self._run(["systemctl", "is-active"] + units) else units, seconds + START_S, LOOK_S)
        finally:
            # On a machine so busy that the timer went off before they were stopped, nobody else starts them.
            self._do(["systemctl", "start"] + units)
        self.result["stopped"] = units

    def _run(self, argv):
        return self._module.run_command(argv)[0] == 0

    def _do(self, argv):
        status, _said, error = self._module.run_command(argv)
        if status != 0:
            raise TrialError("%s failed: %s. See systemctl status of the heartbeats." % (" ".join(argv), shown(error.strip()) or "status %d" % status))


def main():
    spec = dict(
        SPEC,
        acts=dict(type="list", elements="str", choices=["hold", "match", "dead"], required=True),
        units=dict(type="list", elements="str", default=[]),
    )
    module = Keeping(guarded=["components"], argument_spec=spec, supports_check_mode=False)
    module.run_command_environ_update = dict(LC_ALL="C")
    if module.params["seconds"] <= 0:
        module.fail_json(msg="seconds must be above 0, but is %g." % module.params["seconds"])
    try:
        module.exit_json(changed=False, **Trial(module).run())
    except (HeartbeatError, RecordsError, TrialError) as exc:
        module.fail_json(msg=str(exc))


if __name__ == "__main__":
    main()
