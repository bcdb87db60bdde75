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
extends_documentation_fragment:
  - halfswap.bluegreen.attributes
  - halfswap.bluegreen.records
attributes:
  check_mode:
    description: Reads only. In check mode it does not wait.
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
        description: Base URL of the control side of its heartbeat as the node reaches it, for instance V(http://127.0.0.1:8791).
        type: str
      heartbeat:
        description:
          - Instead of O(components[].url), the heartbeat of an application that does not answer the heartbeat API. Its key C(profile) says which
            kind it is; C(docs/heartbeats.md) has the keys of each. With O(components[].url), only its key C(via) counts.
          - With C(via) being V(controller) or V(tunnel) the controller itself asks it, over the network or through SSH.
        type: dict
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
      - {name: shop, url: "http://127.0.0.1:8791", release: "2.0.0"}
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
      description: >-
        The status as the heartbeat API answers it, see C(docs/heartbeat-api.md); what an application with another heartbeat cannot tell is null.
        Its keys C(probers) and C(refused) have who asked for the heartbeat, and who asked something that got no word. Null when there was no answer in time.
      type: dict
      returned: always
      sample: {state: live, answer: live, revision: 7, healthy: true, release: 2.0.0}
waited_s:
  description: Seconds waited.
  returned: always
  type: float
  sample: 1.2
"""

from ansible_collections.halfswap.bluegreen.plugins.module_utils.heartbeat._heartbeat_api import HeartbeatError
from ansible_collections.halfswap.bluegreen.plugins.module_utils.heartbeat._heartbeats import components_option, heartbeat_of
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._ready import not_ready_text, readiness
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._whose import Keeping


def run(module):
    params = module.params
    wait = params["wait_healthy"] and not module.check_mode
    heartbeats = [heartbeat_of(c, params["token"], module) for c in params["components"]]
    result, missing = readiness(params["components"], heartbeats, params["timeout_s"] if wait else 0)
    if wait and missing:
        module.fail_json(msg=not_ready_text(result, missing), **result)
    return result


def main():
    module = Keeping(
        guarded=["components"],
        argument_spec=dict(
            components=components_option(release=dict(type="str")),
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
