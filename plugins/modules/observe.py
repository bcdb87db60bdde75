#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: observe
short_description: Watch a node for a while, and fail at the first anomaly
version_added: 0.1.0
description:
  - Watches the components of a node for O(seconds), on the node, in one round trip. It fails as soon as one of them is not healthy, changes
    its heartbeat, does not answer, or runs in another process than at the beginning.
  - While it watches it renews the lock of the run, so that a long watch does not lose it.
author:
  - halfswap.bluegreen contributors (@halfswap)
extends_documentation_fragment:
  - halfswap.bluegreen.attributes
  - halfswap.bluegreen.records
attributes:
  check_mode:
    description: Looks once and does not wait.
options:
  components:
    description: The components of the node.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the component.
        type: str
        required: true
      service:
        description: Name of its systemd unit.
        type: str
        required: true
      replaces:
        description: The systemd unit in which it serves as long as its package is not installed, where that is not O(components[].service).
        type: str
      url:
        description: Base URL of the control side of its heartbeat as the node reaches it, for instance V(http://127.0.0.1:8791).
        type: str
      heartbeat:
        description:
          - Instead of O(components[].url), the heartbeat of an application that does not answer the heartbeat API, as for
            M(halfswap.bluegreen.heartbeat). Its key C(via) does not count, since it is the node that watches.
        type: dict
  seconds:
    description: How long to watch, in seconds.
    type: float
    required: true
  first:
    description: RV(first) of an earlier watch, to go on with that one. Without it, what is seen first is what is compared with.
    type: dict
  run_id:
    description: Identifies the run whose lock is renewed.
    type: str
    default: ""
seealso:
  - module: halfswap.bluegreen.heartbeat_info
"""

EXAMPLES = r"""
- name: Watch the node for a minute
  halfswap.bluegreen.observe:
    components:
      - {name: shop, service: shop, url: "http://127.0.0.1:8791"}
    seconds: 60
"""

RETURN = r"""
anomalies:
  description: What was not as it was in the beginning. The task fails when there is any.
  returned: always
  type: list
  elements: str
  sample: ["component shop is not healthy: HTTP 503"]
first:
  description: Per component its heartbeat and when its process was started, as they were in the beginning; null when it was never seen.
  returned: always
  type: dict
  sample: {shop: {state: live, started_at: 1790000001.5}}
looks:
  description: How many times the node was looked at.
  returned: always
  type: int
  sample: 20
observed_s:
  description: Seconds watched.
  returned: always
  type: float
  sample: 10.0
"""

from ansible_collections.halfswap.bluegreen.plugins.module_utils._shown import LONG, shown
from ansible_collections.halfswap.bluegreen.plugins.module_utils._wait import monotonic, wait_until
from ansible_collections.halfswap.bluegreen.plugins.module_utils.heartbeat._heartbeat_api import HeartbeatError
from ansible_collections.halfswap.bluegreen.plugins.module_utils.heartbeat._heartbeats import components_option, heartbeat_of
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node import _lock
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._adopted import REPLACES, units_of
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._records import RecordsError
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._systemd import SystemdError, services
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._whose import Keeping

# As often as the agent checks the health of a component by default.
LOOK_S = 0.5
# The start of a process is told by the time since the boot, which differs a little from one question to the next.
CLOCK_S = 1.0
# The shortest lock is ten times as long.
RENEW_S = 30.0
# What an application says of itself, in a sentence of ours.
LENGTH = 400


class Watch(object):
    """What the node said in the beginning, and how it differs now."""

    def __init__(self, module):
        self.module = module
        self.components = module.params["components"]
        self.heartbeats = [heartbeat_of(c, module=module) for c in self.components]
        self.first = module.params["first"]
        self.looks = 0
        self.renewed_at = monotonic()

    def anomalies(self):
        self.looks += 1
        units = services(self.module, [unit for c in self.components for unit in units_of(c)])
        try:
            said = {heartbeat.name: heartbeat.status() for heartbeat in self.heartbeats}
        except HeartbeatError as exc:
            return [shown(exc, LENGTH)]
        now = {c["name"]: dict(state=said[c["name"]]["state"], started_at=units[self._unit(c, units)]["started_at"]) for c in self.components}
        self.first = self.first or now
        return [shown(text, LENGTH) for c in self.components for text in self._differences(c, said[c["name"]], now[c["name"]], units)]

    @staticmethod
    def _unit(component, units):
        """The unit in which it serves."""
        return next((unit for unit in units_of(component) if units[unit]["active"]), component["service"])

    def _differences(self, component, status, now, units):
        unit = self._unit(component, units)
        name, first = component["name"], self.first[component["name"]]
        if not status["healthy"]:
            yield "component %s is not healthy: %s" % (name, status["why"])
        if now["state"] != first["state"]:
            yield "component %s went from %s to %s (by %s, run %s)" % (name, first["state"], now["state"], status["by"], status["run_id"])
        # What was adopted may have its processes elsewhere, as a container has.
        if not now["started_at"] and not (unit != component["service"] and units[unit]["active"]):
            yield "component %s: its service %s does not run" % (name, unit)
        elif first["started_at"] and now["started_at"] and abs(now["started_at"] - first["started_at"]) > CLOCK_S:
            yield "component %s: its service %s was started again" % (name, unit)

    def renew(self):
        if self.module.params["run_id"] and monotonic() - self.renewed_at >= RENEW_S:
            _lock.renew(self.module.params["run_id"])
            self.renewed_at = monotonic()


def run(module):
    watch = Watch(module)
    found = []

    def still_good():
        found[:] = watch.anomalies()
        watch.renew()
        # The wait ends at once when nothing is missing, and what is missing here is the end of the time.
        return [] if found else ["the time is not up"]

    _left, observed_s = wait_until(still_good, 0 if module.check_mode else module.params["seconds"], LOOK_S)
    result = dict(changed=False, anomalies=found, first=watch.first, looks=watch.looks, observed_s=observed_s)
    if found:
        module.fail_json(msg=shown("After %.1f s: %s." % (observed_s, "; ".join(found)), LONG), **result)
    return result


def main():
    module = Keeping(
        guarded=["components"],
        argument_spec=dict(
            components=components_option(service=dict(type="str", required=True), replaces=REPLACES),
            seconds=dict(type="float", required=True),
            first=dict(type="dict"),
            run_id=dict(type="str", default=""),
        ),
        supports_check_mode=True,
    )
    module.run_command_environ_update = dict(LC_ALL="C")
    try:
        module.exit_json(**run(module))
    except (HeartbeatError, RecordsError, SystemdError, _lock.Held) as exc:
        module.fail_json(msg=str(exc))


if __name__ == "__main__":
    main()
