#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: begin
short_description: Begin a run on a node - take its lock and read it
version_added: 0.1.0
description:
  - The first step of a run, in one round trip. It takes or renews the lock of the node as M(halfswap.bluegreen.deploy_lock) does, and reads the node as
    M(halfswap.bluegreen.node_info) does.
  - Where another run holds the lock it fails with its holder, and reads nothing.
  - With O(drain) it looks once whether the node will be able to tell when nobody uses it, so that a run which could not prove it ends here.
author:
  - halfswap.bluegreen contributors (@halfswap)
extends_documentation_fragment:
  - halfswap.bluegreen.holder
  - halfswap.bluegreen.lease
  - halfswap.bluegreen.node
  - halfswap.bluegreen.records
attributes:
  check_mode:
    description: Only looks at the lock, and reads without noting anything. It fails as it would without check mode when another run holds the lock.
    support: full
  diff_mode:
    description: What is changed is in the result.
    support: none
  idempotent:
    description: Renewing the lock is no change.
    support: full
options:
  decided:
    description:
      - For the action plugin. Name of the variable in which the first node of the play registered this task, which decides between two runs.
      - Where that node did not get the lock, this one is not asked.
    type: str
  clear_cut_off:
    description: >-
      Note that the schema was restored, so that the releases cut off by a migration can be used again; see O(halfswap.bluegreen.journal#module:clear_cut_off).
    type: bool
    default: false
  drain:
    description:
      - The options of M(halfswap.bluegreen.drain), for a look at the components that are healthy. RV(undrainable) is what came of it.
      - Where it is not given, nobody looks.
    type: dict
seealso:
  - module: halfswap.bluegreen.deploy_lock
  - module: halfswap.bluegreen.node_info
  - module: halfswap.bluegreen.drain
  - module: halfswap.bluegreen.end
"""

EXAMPLES = r"""
- name: Take the lock of every node, and read it
  halfswap.bluegreen.begin:
    run_id: "{{ run_id }}"
    reason: release 2.0.0
    components:
      - {name: shop, package: shop, service: shop, url: "http://127.0.0.1:8791"}
    token: "{{ heartbeat_token }}"
    drain:
      method: kernel
      components: [{name: shop, ports: [8080]}]
  register: bluegreen_evidence
"""

RETURN = r"""
components:
  description: As RV(halfswap.bluegreen.node_info#module:components). Everything else that M(halfswap.bluegreen.node_info) returns is returned, too.
  returned: success
  type: list
  elements: dict
  sample: [{name: shop, nevra: shop-1.0.0-1.noarch, active: true, heartbeat: {state: live}, error: null}]
lock:
  description: Who holds the lock now; in check mode, whoever held it before. As RV(halfswap.bluegreen.deploy_lock#module:after).
  returned: success
  type: dict
  sample: {run_id: 20261120T101500Z-4711, owner: alice@ops1}
before:
  description: Who held the lock before, null when nobody did. As RV(halfswap.bluegreen.deploy_lock#module:before).
  returned: success
  type: dict
  sample: null
taken_over:
  description: The record of another run that was replaced, null when there was none. As RV(halfswap.bluegreen.deploy_lock#module:taken_over).
  returned: success
  type: dict
  sample: null
undrainable:
  description: Why nobody could tell when the node is out of use, or what is wrong with O(drain); null when it can be told, or was not asked.
  returned: success
  type: str
  sample: null
foreign:
  description: Whether the records of the node are in the way, because they are those of another application, or one of the components is.
  returned: when they are, and it fails for that
  type: bool
  sample: true
holder:
  description: Who holds the lock.
  returned: when another run holds it
  type: dict
  sample: {run_id: 20261120T094500Z-17, owner: bob@ops2}
"""

from ansible_collections.halfswap.bluegreen.plugins.module_utils.steps.begin import main

if __name__ == "__main__":
    main()
