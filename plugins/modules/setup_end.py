#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The work is done by the action plugin of the same name; this file is its documentation.

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: setup_end
short_description: Say where a set-up of the nodes stands
version_added: 0.1.0
description:
  - The last word of a set-up on the nodes. It names those that were changed and proven, the one that was begun, and those that are as before, and says what
    comes next.
  - It fails where the set-up is not complete, so that nothing is done after it that trusts the nodes.
  - Runs on the controller. Run it once for all hosts, in a block of its own that has no rescue.
author:
  - halfswap.bluegreen contributors (@halfswap)
extends_documentation_fragment:
  - halfswap.bluegreen.attributes
attributes:
  check_mode:
    description: Reads only what was registered.
options:
  order:
    description: The nodes that were to be changed, in their order.
    type: list
    elements: str
    required: true
  permit:
    description: Name of the variable in which M(halfswap.bluegreen.setup_permit) was registered.
    type: str
    required: true
  proof:
    description: Name of the variable in which M(halfswap.bluegreen.setup_proof) was registered on each node that is done.
    type: str
    required: true
  complete:
    description: Whether the run came to its end.
    type: bool
    required: true
seealso:
  - module: halfswap.bluegreen.setup_plan
"""

EXAMPLES = r"""
- name: Say where the set-up stands
  halfswap.bluegreen.setup_end:
    order: "{{ plan.order }}"
    permit: permit
    proof: proof
    complete: true
  run_once: true
"""

RETURN = r"""
complete:
  description: Whether every node is what is described.
  returned: always
  type: bool
  sample: true
table:
  description: What was shown.
  returned: always
  type: list
  elements: str
  sample: ["SET-UP complete: blue1 changed and proven."]
"""
