#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: heartbeat_info
short_description: Read the heartbeat of a node's components, or wait until they are healthy
version_added: 0.1.0
description:
  - Reads the status of the heartbeat API of each component, with a health check made for this very answer.
  - With O(wait_healthy=true) it waits on the node, in one round trip, until each component is healthy and reports the release expected
    of it. After a start that is the signal which a fixed pause only guesses.
author:
  - halfswap.bluegreen contributors (@halfswap)
attributes:
  check_mode:
    description: Reads only. In check mode it does not wait.
    support: full
  diff_mode:
    description: Nothing changes.
    support: none
  idempotent:
    description: Nothing changes.
    support: full
options:
  components:
    description: The components to read.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the component.
        type: str
        required: true
      url:
        description: Base URL of the control side of its heartbeat as the node reaches it, for instance V(http://127.0.0.1:9101).
        type: str
        required: true
      release:
        description:
          - The release that the running process must report, for O(wait_healthy=true).
          - A component that reports no release is taken at its health alone.
        type: str
  token:
    description: The bearer token; when given, a wrong one is an error.
    type: str
  wait_healthy:
    description: Wait until every component is healthy and reports the release expected.
    type: bool
    default: false
  timeout_s:
    description: Longest wait in seconds, for O(wait_healthy=true).
    type: float
    default: 60.0
seealso:
  - module: halfswap.bluegreen.heartbeat
"""

EXAMPLES = r"""
- name: Wait until the shop serves 2.0.0
  halfswap.bluegreen.heartbeat_info:
    components:
      - {name: shop, url: "http://127.0.0.1:9101", release: "2.0.0"}
    wait_healthy: true
"""

RETURN = r"""
components:
  description: The name of each component and the status that its heartbeat API answered.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: Name of the component.
      type: str
      returned: always
      sample: shop
    heartbeat:
      description: The status as the heartbeat API answers it; see the README of role heartbeat_agent. Null when there was no answer in time.
      type: dict
      returned: always
      sample: {state: live, answer: live, revision: 7, healthy: true, release: 2.0.0}
waited_s:
  description: Seconds waited.
  returned: always
  type: float
  sample: 1.2
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.halfswap.bluegreen.plugins.module_utils._heartbeat_api import Heartbeat, HeartbeatError
from ansible_collections.halfswap.bluegreen.plugins.module_utils._wait import wait_until

# Each question makes the application check its health; more often than this would be load, not news.
HEALTH_POLL_S = 0.2


def not_ready(component, status):
    """Why the component is not ready yet; nothing when it is."""
    if not status["healthy"]:
        return "component %s is not healthy: %s" % (component["name"], status["why"])
    wanted = component["release"]
    if wanted and status.get("status_error"):
        return "component %s does not tell its release: %s" % (component["name"], status["status_error"])
    if wanted and status["release"] is not None and status["release"] != wanted:
        return "component %s reports release %s, not %s" % (component["name"], status["release"], wanted)
    return None


def run(module):
    components = module.params["components"]
    heartbeats = [Heartbeat(c["name"], c["url"], module.params["token"]) for c in components]
    seen = {}

    def read():
        missing = []
        for component, heartbeat in zip(components, heartbeats):
            seen[heartbeat.name] = heartbeat.status(fresh=True)
            missing.append(not_ready(component, seen[heartbeat.name]))
        return [text for text in missing if text]

    wait = module.params["wait_healthy"] and not module.check_mode
    missing, waited_s = wait_until(read, module.params["timeout_s"] if wait else 0, HEALTH_POLL_S)
    result = dict(
        changed=False,
        components=[dict(name=h.name, heartbeat=seen.get(h.name)) for h in heartbeats],
        waited_s=waited_s,
    )
    if wait and missing:
        module.fail_json(msg="Not ready after %.1f s: %s." % (waited_s, "; ".join(missing)), **result)
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
                    url=dict(type="str", required=True),
                    release=dict(type="str"),
                ),
            ),
            token=dict(type="str", no_log=True),
            wait_healthy=dict(type="bool", default=False),
            timeout_s=dict(type="float", default=60.0),
        ),
        supports_check_mode=True,
    )
    try:
        module.exit_json(**run(module))
    except HeartbeatError as exc:
        module.fail_json(msg=str(exc))


if __name__ == "__main__":
    main()
