#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The work is done by the action plugin of the same name; this file is its documentation.

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: setup_plan
short_description: Judge what a set-up does on which node
version_added: 0.1.0
description:
  - Puts together what M(halfswap.bluegreen.node_check) registered on every node, and what the role C(heartbeat_agent) said there in check mode.
  - Without O(asked) it judges the places alone, and says which nodes have agents that can be asked.
  - It refuses where a node is not reached, is not fit for what is to run there, does not find the repository, or would have an agent that is down; and where
    an agent of a node that serves has to be restarted, with too few others that serve meanwhile. Every reason is told at once.
  - Runs on the controller. Run it once for all hosts, in a block of its own that has no rescue.
author:
  - halfswap.bluegreen contributors (@halfswap)
extends_documentation_fragment:
  - halfswap.bluegreen.attributes
  - halfswap.bluegreen.limits
  - halfswap.bluegreen.observed
  - halfswap.bluegreen.site
options:
  observed:
    description: Name of the variable in which M(halfswap.bluegreen.node_check) was registered on every node.
  asked:
    description: Name of the variable in which the role C(heartbeat_agent) registered on every node what would become of its agents.
    type: str
  agents:
    description: The names of the components that have an agent.
    type: list
    elements: str
    default: []
  repository:
    description: The repository of the nodes, with its C(name), C(url), C(gpgcheck) and C(proxy).
    type: dict
  run_id:
    description: This run. A lock of another one refuses it.
    type: str
    required: true
  clock_skew_s:
    description: How far the clock of a node may be from that of the controller, in seconds.
    type: float
    default: 5.0
  load_balancers:
    description: The load balancers, as for M(halfswap.bluegreen.heartbeat).
    type: list
    elements: dict
    required: true
seealso:
  - module: halfswap.bluegreen.node_check
  - module: halfswap.bluegreen.setup_permit
"""

EXAMPLES = r"""
- name: Plan
  halfswap.bluegreen.setup_plan:
    site: "{{ site }}"
    observed: examined
    asked: asked
    agents: [shop]
  run_once: true
  register: plan
"""

RETURN = r"""
ask:
  description: The nodes that have the package of the agent, and can say what would become of their agents.
  returned: success, without O(asked)
  type: list
  elements: str
  sample: [blue1]
changes:
  description: >-
    For each node what an agent of it goes through (C(takes)), and for a restart C(because) of what; what differs of its C(agents) and in the file of the
    repository (C(client)); and whether it may be serving (C(live)).
  returned: with O(asked)
  type: list
  elements: dict
  sample: [{node: blue1, takes: reload, agents: ["shop: configuration (health)"], client: [], live: true, because: ""}]
order:
  description: The nodes that are changed, in this order.
  returned: with O(asked)
  type: list
  elements: str
  sample: [blue1]
steps:
  description: Those of them in their order, as M(halfswap.bluegreen.setup_permit) takes them.
  returned: with O(asked)
  type: list
  elements: dict
  sample: [{node: blue1, takes: reload, live: true}]
refusals:
  description: Why nothing is changed.
  returned: with O(asked), or when it is refused
  type: list
  elements: str
  sample: ["HS-AGENT: blue1: shop: health_url answers 302"]
notes:
  description: What is worth a look, and refuses nothing.
  returned: with O(asked)
  type: list
  elements: str
  sample: []
table:
  description: What was shown.
  returned: with O(asked), or when it is refused
  type: list
  elements: str
  sample: []
"""
