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
  - Capacity and the nodes that must stay are counted for each component. A component that the nodes of one stack alone have is refused, because
    nobody would serve it while they are out, and so are two names of one machine.
  - What does not serve anyway comes first, so that half-finished work of an earlier run is finished first; then one stack after the other.
  - Runs on the controller. Run it once for all hosts, in a block of its own that has no rescue, so that every host comes to what follows a refusal.
author:
  - halfswap.bluegreen contributors (@halfswap)
extends_documentation_fragment:
  - halfswap.bluegreen.attributes
  - halfswap.bluegreen.observed
  - halfswap.bluegreen.limits
  - halfswap.bluegreen.site
attributes:
  idempotent:
    description: The same nodes and the same wish give the same plan.
options:
  packages:
    description: >-
      Name of the variable in which M(halfswap.bluegreen.rpm_stage) was registered on every node. It tells which package each node is to have.
      Without it, each node keeps what it has.
    type: str
  load_balancers:
    description: The load balancers, as for M(halfswap.bluegreen.heartbeat). A node that one of them does not check, or has
      stopped to, is a reason to refuse.
    type: list
    elements: dict
    required: true
  run_id:
    description: The run that plans. A node on which the lock of another one lies is a reason to refuse.
    type: str
    default: ""
  strategy:
    description:
      - V(halves) swaps one stack, then the other one.
      - V(cutover) swaps one stack and lets it serve alone; the other one stands by on what it has, as the way back.
      - V(rolling) swaps O(batch_size) nodes at a time.
      - V(all_live) lets every healthy node serve what it has installed.
    type: str
    choices: [halves, cutover, rolling, all_live]
    default: halves
  batch_size:
    description: For O(strategy=rolling), how many nodes at a time, as a number or as a percentage of all; never more than O(max_unavailable).
    type: str
    default: "1"
  exclusive:
    description: >-
      For O(strategy=cutover), both halves switch at the same moment. It takes live load balancers that hold requests while no node is live
      (C(hold_s)), and whose C(rise) is at least C(fall) + 2, so that they take nodes out before they take others in.
    type: bool
    default: false
  confirm_after:
    description: For O(strategy=cutover), seconds of observation after which the other half follows. Without it, it waits to be confirmed.
    type: float
  observe_s:
    description: How long a batch is watched once it serves, in seconds. The default is V(10) for O(strategy=rolling), else V(0).
    type: float
  node_count:
    description: How many nodes the application has. V(0) stands for as many as there are. Under AWX, where a job may be sliced, it is required.
    type: int
    default: 0
  way_back:
    description: Whether releases are refused whose way back was not rehearsed. With V(false), what serves without a package has none.
    type: bool
    default: true
  clock_skew_s:
    description: Seconds by which the clock of a node may differ from that of the controller.
    type: float
    default: 5.0
  windows:
    description:
      - When the plan may be carried out. Its keys are C(timezone), C(allowed) and C(blocked); the latter two are lists of windows, each with
        C(from) and C(until), as times of the day (with C(days), from C(mon) to C(sun)) or as dates with times.
      - The whole plan, as long as it is expected to take, has to lie within what is allowed and to touch nothing that is blocked.
    type: dict
    default: {}
  plan_hash:
    description: The RV(hash) of the plan that was approved. Any other plan is refused.
    type: str
    default: ""
  forward:
    description: >-
      Whether the release is new to the nodes, even where they have served it before. Otherwise each node goes back to what it last served of these
      packages, and forgets what it has served since.
    type: bool
    default: true
  deployment:
    description: >-
      The deployment that is gone back to, as M(halfswap.bluegreen.target) found it. Without it, a plan that goes forward goes on with the deployment
      of the nodes that serve the release already, or is a new one with the name O(run_id).
    type: str
    default: ""
seealso:
  - module: halfswap.bluegreen.node_info
  - module: halfswap.bluegreen.rpm_stage
"""

EXAMPLES = r"""
- name: Plan
  halfswap.bluegreen.plan:
    observed: bluegreen_observed
    packages: bluegreen_packages
    load_balancers: "{{ bluegreen_load_balancers }}"
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
      description: >-
        Per node and component, the package to go back to if the batch fails; null for what was adopted without one. Empty for a node for which there is none.
      type: dict
      returned: always
      sample: {blue1: {shop: shop-1.0.0-1.noarch}}
    one_way:
      description: For each node that cannot go back there any more once a package is installed, why.
      type: dict
      returned: always
      sample: {}
    ready:
      description: Those of the nodes that stand by with everything in place, and need a sanity test only.
      type: list
      elements: str
      returned: always
      sample: []
    retire:
      description: The nodes that leave as they are once the batch serves.
      type: list
      elements: str
      returned: always
      sample: []
    exclusive:
      description: Whether the batch comes in and the others leave at the same moment.
      type: bool
      returned: always
      sample: false
    observe_s:
      description: How long the batch is watched once it serves, in seconds.
      type: float
      returned: always
      sample: 0.0
    deployment:
      description: What the nodes note as the deployment that brought the release. A way back has none.
      type: str
      returned: always
      sample: 2026-05-04T10-11-12-ops1
    staying:
      description: The nodes that serve while this batch is out.
      type: list
      elements: str
      returned: always
      sample: [green1, green2]
    serving_after:
      description: The nodes that serve after it.
      type: list
      elements: str
      returned: always
      sample: [blue1, blue2, green1, green2]
    old:
      description: Those of them that still serve what a later batch replaces. What the batch answers can be compared with what they answer.
      type: list
      elements: str
      returned: always
      sample: [green1, green2]
    undo:
      description: The batch that takes this one back, in the same form; null where there is nothing to go back to.
      type: dict
      returned: always
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
differences:
  description: Where a load balancer is seen to check at another interval than declared, and who asks that is none. The table shows them as warnings.
  returned: always
  type: list
  elements: str
  sample: []
override:
  description: >-
    What would have been a reason to refuse, and was passed by O(override), as C(passed), and its C(reason). Empty where nothing was passed.
  returned: success
  type: dict
  sample: {}
hash:
  description: Names the plan. The same nodes, packages and order give the same one.
  returned: always
  type: str
  sample: 3fa9c2e1d0ab
strategy:
  description: The strategy of the plan.
  returned: always
  type: str
  sample: halves
eta_s:
  description: How long it is expected to take, in seconds, as far as that is known.
  returned: always
  type: float
  sample: 17.4
waits_s:
  description: Seconds of it in which no node is out, as planned - settling in, the others out, the watch.
  returned: success
  type: float
  sample: 2.0
at:
  description: When it was planned, in seconds since 1970 by the clock of the controller.
  returned: success
  type: float
  sample: 1795170304.512
table:
  description: The plan as it was shown, line by line.
  returned: always
  type: list
  elements: str
  sample: ["PLAN nothing to do: all 4 nodes are live, healthy and on shop-2.0.0-1.noarch"]
"""
