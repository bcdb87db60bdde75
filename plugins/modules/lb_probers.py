#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The work is done by the action plugin of the same name; this file is its documentation.

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: lb_probers
short_description: Show from which addresses the heartbeats of all nodes are asked
version_added: 0.1.0
description:
  - A load balancer is who the site says. This shows who asks at the path of each, on which nodes, and whether that is one of its
    C(addresses); and for a load balancer without any, the line that is to be added to its description.
  - Nothing is written down. The operator finds out whether the load balancer really checks from there, and adds the line.
  - Runs on the controller; of the hosts of a play, the first one shows it.
author:
  - halfswap.bluegreen contributors (@halfswap)
extends_documentation_fragment:
  - halfswap.bluegreen.attributes
  - halfswap.bluegreen.observed
options:
  observed:
    description: Name of the variable in which M(halfswap.bluegreen.heartbeat_info) or M(halfswap.bluegreen.node_info) was registered on every node.
    type: str
    required: true
  load_balancers:
    description: The load balancers, as they are declared in C(bluegreen_load_balancers).
    type: list
    elements: dict
    required: true
seealso:
  - module: halfswap.bluegreen.verify_lb
"""

EXAMPLES = r"""
- name: Show from where the heartbeats are asked
  halfswap.bluegreen.lb_probers:
    observed: bluegreen_observed
    load_balancers: "{{ bluegreen_load_balancers }}"
  run_once: true
"""

RETURN = r"""
table:
  description: What was shown, line by line.
  returned: always
  type: list
  elements: str
  sample: ["load balancer  path             asked by  on            its own"]
load_balancers:
  description:
    - The load balancers as declared. One without C(addresses) has those from which every node was asked for its path, three times or more.
    - Such addresses are confirmed by nobody, and good enough to measure what a load balancer does; no application may be stopped because of them.
  returned: always
  type: list
  elements: dict
  sample: [{name: live, follows: live, path: /heartbeat/live, addresses: [10.0.0.5]}]
interval_s:
  description: The longest time between two checks of one of them, as declared or as seen. Null where neither is known.
  returned: always
  type: float
  sample: 0.5
hold_s:
  description:
    - Seconds in which each of them has surely changed its mind about a node, as declared, with three checks more. Where no interval is known, one
      second is taken for it.
  returned: always
  type: float
  sample: 4.0
"""
