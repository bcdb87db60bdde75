#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The work is done by the action plugin of the same name; this file is its documentation.

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: plan
short_description: Plan a release from what every node says now
version_added: 0.1.0
description:
  - Compares what every node of the inventory groups C(blue) and C(green) said with the release wanted, and gives the batches that are still
    missing, or refuses with every reason found. It changes nothing.
  - What does not serve anyway comes first, so that half-finished work of an earlier run is finished first; then one stack after the other.
  - Runs on the controller, once for all nodes.
author:
  - halfswap.bluegreen contributors (@halfswap)
attributes:
  check_mode:
    description: Reads only what was registered.
    support: full
  diff_mode:
    description: Nothing changes.
    support: none
  idempotent:
    description: The same nodes and the same wish give the same plan.
    support: full
options:
  observed:
    description: Name of the variable in which M(halfswap.bluegreen.node_info) was registered on every node.
    type: str
    required: true
  packages:
    description: >-
      Name of the variable in which M(halfswap.bluegreen.rpm_release), in check mode, was registered on every node. It tells which package the
      node's repositories hold for the release.
    type: str
    required: true
  load_balancers:
    description: The load balancers, as for M(halfswap.bluegreen.heartbeat). A node that one of them does not check is a reason to refuse.
    type: list
    elements: dict
    required: true
  ignore_probers:
    description: Addresses that ask for the heartbeat but are no load balancers.
    type: list
    elements: str
    default: []
  min_live:
    description: How many nodes must serve while a batch is out. V(0) stands for all nodes outside the batch, and at least one.
    type: int
    default: 0
seealso:
  - module: halfswap.bluegreen.node_info
  - module: halfswap.bluegreen.rpm_release
"""

EXAMPLES = r"""
- name: Plan
  halfswap.bluegreen.plan:
    observed: bluegreen_observed
    packages: bluegreen_packages
    load_balancers: "{{ bluegreen_load_balancers }}"
  run_once: true
  register: bluegreen_plan
"""

RETURN = r"""
batches:
  description: What is to be done, in this order. Empty when every node is live, healthy and on the release.
  returned: always
  type: list
  elements: dict
  contains:
    number:
      description: Counts from one.
      type: int
      returned: always
      sample: 1
    nodes:
      description: The nodes that are swapped together.
      type: list
      elements: str
      returned: always
      sample: [blue1, blue2]
    before:
      description: Per node and component, the package installed now.
      type: dict
      returned: always
      sample: {blue1: {shop: shop-1.0.0-1.noarch}}
    after:
      description: Per node and component, the package wanted.
      type: dict
      returned: always
      sample: {blue1: {shop: shop-2.0.0-1.noarch}}
    restore:
      description: Per node and component, the package to go back to if the batch fails. Empty for a node for which there is none.
      type: dict
      returned: always
      sample: {blue1: {shop: shop-1.0.0-1.noarch}}
    staying:
      description: How many nodes serve while this batch is out.
      type: int
      returned: always
      sample: 2
    total:
      description: How many nodes the application has.
      type: int
      returned: always
      sample: 4
refusals:
  description: Why nothing is to be done. The task fails when there are any.
  returned: always
  type: list
  elements: str
  sample: []
hash:
  description: Names the plan. The same nodes, packages and order give the same one.
  returned: always
  type: str
  sample: 3fa9c2e1d0ab
run_id:
  description: Identifies this run, for M(halfswap.bluegreen.heartbeat).
  returned: always
  type: str
  sample: 20261120T101500Z-4711
table:
  description: The plan as it was shown, line by line.
  returned: always
  type: list
  elements: str
  sample: ["PLAN nothing to do: all 4 nodes are live, healthy and on shop-2.0.0-1.noarch"]
"""
