#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: node_info
short_description: Read what a node says of its components, as evidence
version_added: 0.1.0
description:
  - Reads, in one round trip, everything that a decision about a node rests on. For each component the status of its heartbeat (with a health
    check made for this very answer), the package installed and since when, the state of its service and the start of its process.
  - The action plugin of the same name stamps the result with the controller's monotonic time and with the batch that it was gathered
    for. Registered, it is the evidence that M(halfswap.bluegreen.heartbeat) and M(halfswap.bluegreen.plan) judge.
  - A component whose heartbeat does not answer is reported with C(error); the module itself does not fail for it, so that one run tells
    everything that is wrong with every node.
author:
  - halfswap.bluegreen contributors (@halfswap)
attributes:
  check_mode:
    description: Reads only.
    support: full
  diff_mode:
    description: Nothing changes.
    support: none
  idempotent:
    description: Nothing changes.
    support: full
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
      package:
        description: Name of its RPM.
        type: str
        required: true
      service:
        description: Name of its systemd unit.
        type: str
        required: true
      url:
        description: Base URL of the control side of its heartbeat as the node reaches it, for instance V(http://127.0.0.1:9101).
        type: str
        required: true
  token:
    description: The bearer token; when given, a node that refuses it says so in C(error).
    type: str
  batch_id:
    description: Names the batch that the evidence is gathered for. Evidence of one batch is worth nothing in the next one.
    type: str
    default: ""
seealso:
  - module: halfswap.bluegreen.heartbeat
  - module: halfswap.bluegreen.heartbeat_info
"""

EXAMPLES = r"""
- name: Read what every node says now
  halfswap.bluegreen.node_info:
    batch_id: "{{ run_id }}/1"
    components:
      - {name: shop, package: shop, service: shop, url: "http://127.0.0.1:9101"}
    token: "{{ heartbeat_token }}"
  register: bluegreen_evidence
"""

RETURN = r"""
components:
  description: What the node says of each component.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: Name of the component.
      type: str
      returned: always
      sample: shop
    package:
      description: Name of its RPM.
      type: str
      returned: always
      sample: shop
    heartbeat:
      description: The status as the heartbeat API answers it; null when it does not answer.
      type: dict
      returned: always
      sample: {state: live, answer: live, revision: 7, healthy: true, release: 2.0.0}
    error:
      description: Why the heartbeat did not answer; null when it did.
      type: str
      returned: always
      sample: null
    nevra:
      description: The package installed, null when there is none.
      type: str
      returned: always
      sample: shop-2.0.0-1.noarch
    version:
      description: The version of the package installed, null when there is none.
      type: str
      returned: always
      sample: 2.0.0
    installed_at:
      description: When it was installed, in seconds since the epoch by the node's clock; null when it is not.
      type: int
      returned: always
      sample: 1790000000
    active:
      description: Whether the service runs.
      type: bool
      returned: always
      sample: true
    started_at:
      description: When the main process of the service was started, in seconds since the epoch by the node's clock; null when it does not run.
      type: float
      returned: always
      sample: 1790000001.5
at:
  description: The controller's monotonic time, in seconds, before the node was asked.
  returned: always
  type: float
  sample: 123456.7
batch_id:
  description: The batch that the evidence was gathered for.
  returned: always
  type: str
  sample: 20261120T101500-4711/1
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.halfswap.bluegreen.plugins.module_utils._heartbeat_api import Heartbeat, HeartbeatError
from ansible_collections.halfswap.bluegreen.plugins.module_utils._rpm import installed_packages
from ansible_collections.halfswap.bluegreen.plugins.module_utils._systemd import services


def heartbeat_of(component, token):
    try:
        return dict(heartbeat=Heartbeat(component["name"], component["url"], token).status(fresh=True), error=None)
    except HeartbeatError as exc:
        return dict(heartbeat=None, error=str(exc))


def run(module):
    components = module.params["components"]
    units = services(module, [c["service"] for c in components])
    packages = installed_packages(module, [c["package"] for c in components])
    found = []
    for component in components:
        package = packages.get(component["package"]) or {}
        entry = dict(
            name=component["name"],
            package=component["package"],
            nevra=package.get("nevra"),
            version=package.get("version"),
            installed_at=package.get("installed_at"),
        )
        entry.update(units[component["service"]])
        entry.update(heartbeat_of(component, module.params["token"]))
        found.append(entry)
    return dict(changed=False, components=found, batch_id=module.params["batch_id"])


def main():
    module = AnsibleModule(
        argument_spec=dict(
            components=dict(
                type="list",
                elements="dict",
                required=True,
                options=dict(
                    name=dict(type="str", required=True),
                    package=dict(type="str", required=True),
                    service=dict(type="str", required=True),
                    url=dict(type="str", required=True),
                ),
            ),
            token=dict(type="str", no_log=True),
            batch_id=dict(type="str", default=""),
        ),
        supports_check_mode=True,
    )
    module.run_command_environ_update = dict(LC_ALL="C")
    module.exit_json(**run(module))


if __name__ == "__main__":
    main()
