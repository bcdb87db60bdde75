#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The work is done by the action plugin of the same name; this file is its documentation.

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: interlock
short_description: Judge whether a batch may leave, once for all of its nodes
version_added: 0.1.0
description:
  - Judges, from what every node of the application said for this very batch, whether the batch may be swapped. What it registers is the permit that
    M(halfswap.bluegreen.out) and M(halfswap.bluegreen.heartbeat) ask for on each node.
  - For each component, the nodes that would stay live, healthy and on a known release have to be enough (O(min_live)) and able to carry the load
    (O(capacity)). A node that was not read counts as not live; two names of one machine count as none; a node that has left the run, or that another
    run has locked, is a reason to refuse.
  - A permit is worth nothing for another batch, nor after 60 seconds, and it carries the revision of each heartbeat.
  - Runs on the controller. Run it once, in a block of its own that has no rescue, so that every host of the play comes to what follows a refusal.
author:
  - halfswap.bluegreen contributors (@halfswap)
extends_documentation_fragment:
  - halfswap.bluegreen.attributes
  - halfswap.bluegreen.limits
  - halfswap.bluegreen.site
attributes:
  check_mode:
    description: Reads only what was registered.
options:
  batch:
    description: The nodes that are swapped together.
    type: list
    elements: str
    required: true
  batch_id:
    description: Names the batch that the evidence must have been gathered for.
    type: str
    required: true
  run_id:
    description: The run that swaps.
    type: str
    required: true
  evidence:
    description: Name of the variable in which M(halfswap.bluegreen.begin) or M(halfswap.bluegreen.node_info) was registered on every node.
    type: str
    required: true
  without:
    description: Nodes known to be dead, which were not asked. They count as not serving.
    type: list
    elements: str
    default: []
  load_balancers:
    description: The load balancers, as for M(halfswap.bluegreen.heartbeat).
    type: list
    elements: dict
    required: true
seealso:
  - module: halfswap.bluegreen.begin
  - module: halfswap.bluegreen.out
"""

EXAMPLES = r"""
- name: Judge whether the blue half may leave
  halfswap.bluegreen.interlock:
    batch: "{{ groups['blue'] }}"
    batch_id: "{{ run_id }}/1"
    run_id: "{{ run_id }}"
    evidence: evidence
    load_balancers: "{{ bluegreen_load_balancers }}"
  run_once: true
  register: permit
"""

RETURN = r"""
batch_id:
  description: The batch that it is for.
  returned: success
  type: str
  sample: 20261120T101500Z-4711/1
at:
  description: The controller's monotonic time of the oldest evidence, in seconds.
  returned: success
  type: float
  sample: 123456.7
nodes:
  description: For each node of the batch, the revision of each heartbeat and what it serves beyond doubt.
  returned: success
  type: dict
  sample: {blue1: {revisions: {shop: 7}, serves: {shop: shop-1.0.0-1.noarch}}}
served:
  description: The packages that nodes serve beyond doubt. What a node serves has been tested.
  returned: success
  type: list
  elements: dict
  sample: [{shop: shop-1.0.0-1.noarch}]
expected_per_s:
  description: For each component, the requests per second that each node gets when all of them serve.
  returned: success
  type: dict
  sample: {shop: 60.0}
override:
  description: >-
    What would have been a reason to refuse, and was passed by O(override), as C(passed), and its C(reason). Empty where nothing was passed.
  returned: success
  type: dict
  sample: {}
refused:
  description: Why the batch may not leave.
  returned: when it is refused
  type: list
  elements: str
  sample: ["green1 is in standby"]
"""
