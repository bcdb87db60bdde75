#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The work is done by the action plugin of the same name; this file is its documentation.

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: setup_proof
short_description: Wait until a node that was set up answers as before
version_added: 0.1.0
description:
  - Reads the node until each component says the state that it said before, is healthy if it was, and was asked again by every load balancer that asked
    before. Of a component that did not answer before, an answer is enough.
  - It takes 10 s at most, or five intervals of the slowest load balancer.
author:
  - halfswap.bluegreen contributors (@halfswap)
extends_documentation_fragment:
  - halfswap.bluegreen.attributes
  - halfswap.bluegreen.node
attributes:
  check_mode:
    description: Reads only.
options:
  before:
    description: Name of the variable in which M(halfswap.bluegreen.begin) was registered before the change.
    type: str
    required: true
  load_balancers:
    description: The load balancers, as for M(halfswap.bluegreen.heartbeat). Whoever else asks is not waited for.
    type: list
    elements: dict
    required: true
seealso:
  - module: halfswap.bluegreen.node_info
  - module: halfswap.bluegreen.setup_permit
"""

EXAMPLES = r"""
- name: Prove it
  halfswap.bluegreen.setup_proof:
    components: "{{ components | halfswap.bluegreen.components('node') }}"
    before: evidence
    load_balancers: "{{ bluegreen_load_balancers }}"
  register: proof
"""

RETURN = r"""
proven:
  description: That it is proven. What M(halfswap.bluegreen.node_info) returns is returned, too.
  returned: success
  type: bool
  sample: true
unproven:
  description: What it does not do as before.
  returned: failure
  type: list
  elements: str
  sample: ["shop: it was healthy, and is not any more: HTTP 503"]
"""
