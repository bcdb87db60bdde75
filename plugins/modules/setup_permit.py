#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The work is done by the action plugin of the same name; this file is its documentation.

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: setup_permit
short_description: Judge whether a node may be set up now
version_added: 0.1.0
description:
  - Judges, from what every node said for this change, whether it may be made. A node that has left the run or gave no lock refuses it, and so does one that
    came before it and was not proven.
  - Where an agent of a node that may be serving has to be restarted, it asks what M(halfswap.bluegreen.interlock) asks of a batch with this node.
  - Runs on the controller. Run it once for all hosts, in a block of its own that has no rescue.
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
  change:
    description: The change, as RV(halfswap.bluegreen.setup_plan#module:steps) has it. Without one it is judged whether every node has given its lock.
    type: dict
    default: {}
  order:
    description: All nodes that are changed, in their order.
    type: list
    elements: str
    default: []
  batch_id:
    description: Names the change that the evidence must have been gathered for.
    type: str
    required: true
  run_id:
    description: This run.
    type: str
    required: true
  evidence:
    description: Name of the variable in which M(halfswap.bluegreen.begin) was registered on every node.
    type: str
    required: true
  proof:
    description: Name of the variable in which M(halfswap.bluegreen.setup_proof) was registered on each node that is done.
    type: str
    default: ""
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
  - module: halfswap.bluegreen.setup_plan
  - module: halfswap.bluegreen.setup_proof
"""

EXAMPLES = r"""
- name: Judge whether the node may be changed
  halfswap.bluegreen.setup_permit:
    site: "{{ site }}"
    change: "{{ change }}"
    order: "{{ plan.order }}"
    batch_id: "{{ site.run_id }}/{{ change.node }}"
    evidence: evidence
    proof: proof
  run_once: true
  register: permit
"""

RETURN = r"""
node:
  description: The node that may be changed; null where none is named.
  returned: success
  type: str
  sample: blue1
batch_id:
  description: The change that it is for.
  returned: success
  type: str
  sample: 20261120T101500Z-4711/blue1
refused:
  description: Why it may not be changed.
  returned: when it is refused
  type: list
  elements: str
  sample: ["HS-UNPROVEN: blue1 was to be set up before, and nothing proves that it was"]
"""
