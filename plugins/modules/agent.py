#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: agent
short_description: Let the heartbeat agents of a node run with what is wanted
version_added: 0.1.0
description:
  - Tries each configuration on the node, beside the agent that runs. It is valid, its addresses are free or held by the agent whose place it takes, the token
    and the state can be used by the agent's user, and the health check and the status answer as wanted. All faults of all components are told at once, and
    nothing is changed then.
  - A component that is not there yet is no fault. One that the running agent finds healthy, and the new configuration would not, is.
  - A running agent starts its successor, which inherits its sockets and all that it knows, and takes over only when it is ready. No probe goes unanswered.
    An agent that is older than that, or whose port the new configuration wants at an overlapping address, is restarted.
  - It ends with the proof that the agent answers with the version and the configuration wanted, and with the state and revision of before. Where that
    fails, the former configuration is put back.
  - The package C(halfswap-heartbeat) is installed before, by M(halfswap.bluegreen.rpm_release). Needs root and systemd.
author:
  - halfswap.bluegreen contributors (@halfswap)
attributes:
  check_mode:
    description: Tries everything, and says what it would do. Faults are in the result, and do not make it fail.
    support: full
  diff_mode:
    description: What differs is in RV(components[].differs).
    support: none
  idempotent:
    description: Nothing is done where the agent runs with what is wanted.
    support: full
options:
  components:
    description: The components of the node, as O(halfswap.bluegreen.heartbeat_agent#role:main:heartbeat_agent_components) describes them.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the component.
        type: str
        required: true
      probe:
        description: Address and port that load balancers ask.
        type: str
        required: true
      control:
        description: Address and port where the heartbeat is written.
        type: str
        required: true
      health:
        description: The component's health check.
        type: dict
        required: true
        suboptions:
          url:
            description: Where to ask, beginning with C(http://).
            type: str
            required: true
          interval_s:
            description: Seconds between two checks; 0.5 where not given.
            type: float
          timeout_s:
            description: Seconds for the whole answer; 1 where not given.
            type: float
          fall:
            description: Failed checks in a row that make a healthy component V(down); 2 where not given.
            type: int
      status:
        description: What the component says about itself. Where not given, or empty, its release and its requests are not known.
        type: dict
        suboptions:
          url:
            description: Where to ask, beginning with C(http://). Required where anything is given.
            type: str
          release_key:
            description: Key of the release that runs.
            type: str
          requests_key:
            description: Key of the number of requests since the component started.
            type: str
  token:
    description: The bearer token that whoever writes the heartbeat must show.
    type: str
    required: true
  former_token:
    description: A token that is valid besides, while the token is being replaced.
    type: str
    default: ""
  probers:
    description: The addresses or networks from which load balancers check.
    type: list
    elements: str
    default: []
  application:
    description: >-
      Name of the application. Where given, instances are called C(<application>.<component>). One that is called C(<component>) is taken over once, with its
      state; that costs the time of a restart, because the agents of two units cannot hand over sockets.
    type: str
    default: ""
  version:
    description: Version of the package C(halfswap-heartbeat) that is installed.
    type: str
    required: true
  source:
    description: Text of the agent's program, which tries in check mode, where the package may be missing.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Let the agent of the shop run with this configuration
  halfswap.bluegreen.agent:
    version: 0.1.0
    source: "{{ lookup('ansible.builtin.file', 'heartbeat.py', rstrip=false) }}"
    token: "{{ vault_heartbeat_token }}"
    components:
      - name: shop
        probe: 0.0.0.0:8790
        control: 127.0.0.1:8791
        health: {url: "http://127.0.0.1:8080/health"}
  become: true
"""

RETURN = r"""
components:
  description: The agents, in the order wanted, as they were found.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the component.
      type: str
      returned: success
      sample: shop
    instance:
      description: Name of the instance of the unit C(halfswap-heartbeat@.service).
      type: str
      returned: success
      sample: shop
    running:
      description: >-
        What the agent said before this task, null where none answered. Its C(version), the digest of its C(config), C(healthy), C(state) and C(revision).
      type: dict
      returned: success
      sample: {version: 0.1.0, config: 9c56cc51b374c3ba189210d5b6d4bf57790d351c, healthy: true, state: live, revision: 1790000012}
    differs:
      description: What is not as wanted.
      type: list
      elements: str
      returned: success
      sample: [configuration (health)]
    takes:
      description: >-
        What that takes, or took. Of these, users may notice V(restart) alone: nobody answers for less than a second, in which load balancers with C(fall) 2
        or more notice nothing.
      type: str
      returned: success
      sample: reload
    restart_because:
      description: Why it takes a restart; null where it does not.
      type: str
      returned: success
      sample: the agent that runs is older than the take-over
    faults:
      description: Why this configuration would not do here. Each begins with the key.
      type: list
      elements: str
      returned: success
      sample: []
    notes:
      description: What is no fault, but worth a look, such as an application that is not there yet.
      type: list
      elements: str
      returned: success
      sample: ["health.url: http://127.0.0.1:8080/health: Connection refused (2 bad in a row, 2 make it down)"]
"""

import platform

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.halfswap.bluegreen.plugins.module_utils.heartbeat._agent import AgentError, run

HEALTH = dict(url=dict(type="str", required=True), interval_s=dict(type="float"), timeout_s=dict(type="float"), fall=dict(type="int"))
STATUS = dict(url=dict(type="str"), release_key=dict(type="str", no_log=False), requests_key=dict(type="str", no_log=False))
COMPONENT = dict(
    name=dict(type="str", required=True),
    probe=dict(type="str", required=True),
    control=dict(type="str", required=True),
    health=dict(type="dict", required=True, options=HEALTH),
    status=dict(type="dict", options=STATUS),
)
OPTIONS = dict(
    components=dict(type="list", elements="dict", required=True, options=COMPONENT),
    token=dict(type="str", required=True, no_log=True),
    former_token=dict(type="str", default="", no_log=True),
    probers=dict(type="list", elements="str", default=[]),
    application=dict(type="str", default=""),
    version=dict(type="str", required=True),
    source=dict(type="str", required=True),
)


def main():
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    try:
        module.exit_json(**run(module))
    except AgentError as exc:
        module.fail_json(msg="%s: %s" % (platform.node(), exc))


if __name__ == "__main__":
    main()
