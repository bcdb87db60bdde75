#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The work is done by the action plugin of the same name; this file is its documentation.

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: site
short_description: Check every variable of the site before anything is changed
version_added: 0.1.0
description:
  - Checks the names and values of all variables C(bluegreen_*), those that this playbook does not read included, and fails with every fault at once.
    A name that nobody knows is refused with the nearest known one. It changes nothing.
  - What the playbook does not read is not templated. Of that, only what is written plainly is checked.
  - Runs on the controller, once for all hosts. Every playbook of the collection begins with it.
  - The variables, their types, units, defaults and limits are in the README.
author:
  - halfswap.bluegreen contributors (@halfswap)
extends_documentation_fragment:
  - halfswap.bluegreen.attributes
attributes:
  check_mode:
    description: Reads only variables.
  idempotent:
    description: The same variables give the same result.
options:
  playbook:
    description: The playbook that asks. It decides which variables are needed, and which are templated.
    type: str
    choices: [setup, adopt, package, deploy, status, doctor, history, migrate, unlock, verify_lb]
    required: true
  target:
    description: For O(playbook=deploy), where to. Only V(release) needs C(bluegreen_release).
    type: str
    choices: [release, rollback, confirm, all_live, adopt]
    default: release
seealso:
  - plugin: halfswap.bluegreen.setting
    plugin_type: lookup
    description: Gives one variable, also those that are not returned here.
"""

EXAMPLES = r"""
- name: Check the description of the site
  halfswap.bluegreen.site:
    playbook: status
  run_once: true
  register: site

- name: Show which nodes there are
  ansible.builtin.debug:
    var: site.nodes
"""

RETURN = r"""
application:
  description: The name of the application; empty where the inventory has one that has no name.
  returned: success
  type: str
  sample: shop
nodes:
  description: All nodes of the application.
  returned: success
  type: list
  elements: str
  sample: [blue1, green1]
blue:
  description: The nodes of the stack blue.
  returned: success
  type: list
  elements: str
  sample: [blue1]
green:
  description: The nodes of the stack green.
  returned: success
  type: list
  elements: str
  sample: [green1]
faults:
  description: What is wrong with the description, a sentence each.
  returned: failure
  type: list
  elements: str
  sample: ["bluegreen_min_live is -1, but it must be at least 0."]
run_id:
  description: The name of this run, where the playbook takes the locks of the nodes.
  returned: success
  type: str
  sample: 20261120T101500Z-4711
reason:
  description: Why it takes them.
  returned: where the playbook takes the locks of the nodes
  type: str
  sample: release 2.0.0
capacity:
  description: The capacity of each component that has one, as M(halfswap.bluegreen.interlock) takes it.
  returned: where the playbook takes the locks of the nodes
  type: list
  elements: dict
  sample: [{name: shop, per_s: 60.0}]
forward:
  description: Whether the target is no way back.
  returned: for O(playbook=deploy)
  type: bool
  sample: true
lock_s:
  description: Seconds for which one batch can keep the locks.
  returned: for O(playbook=deploy)
  type: float
  sample: 1140.0
drain:
  description: How it is known that nothing is in flight, as M(halfswap.bluegreen.out) takes it, but for the components.
  returned: for O(playbook=deploy) and O(playbook=doctor)
  type: dict
  sample: {method: counter, timeout_s: 60}
servers:
  description: Every node and its address as the load balancers reach it.
  returned: for O(playbook=setup)
  type: list
  elements: dict
  sample: [{name: blue1, address: 10.0.0.11}]
verification:
  description:
    - What the playbook does, by the description - C(nodes) that are tested in the order of the inventory, C(streams) of requests, C(words) by the path
      that is checked, C(watched) heartbeats and their C(units), C(restarts), and what the C(lock) is made of.
  returned: for O(playbook=verify_lb)
  type: dict
  sample: {nodes: [blue1, green1]}
min_live:
  description:
    - As this one, every variable under its name without C(bluegreen_), with its default where nobody gave it.
    - Those that may hold secrets are left out (C(components), C(observe), C(migrations), C(release) and C(token)).
  returned: success
  type: int
  sample: 0
"""
