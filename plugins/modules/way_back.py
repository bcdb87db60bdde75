#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The work is done by the action plugin of the same name; this file is its documentation.

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: way_back
short_description: Judge whether a node whose swap has failed goes back by itself
version_added: 0.1.0
description:
  - A node in standby goes back to what it served before, or to what the nodes that stay serve. One that says live, or nothing, is left alone.
  - Each node is judged by itself, so that one that cannot come back keeps no other out. Runs on the controller.
author:
  - halfswap.bluegreen contributors (@halfswap)
extends_documentation_fragment:
  - halfswap.bluegreen.attributes
attributes:
  check_mode:
    description: Reads only what was registered.
options:
  batch:
    description: The batch that has failed, as M(halfswap.bluegreen.plan) returns it.
    type: dict
    required: true
  on_failure:
    description: V(hold) lets it stand by as it is, to be looked at.
    type: str
    choices: [rollback, rollback_batch, hold]
    default: rollback
  evidence:
    description: Name of the variable in which M(halfswap.bluegreen.begin) was registered after the failure.
    type: str
    required: true
seealso:
  - module: halfswap.bluegreen.stopped
"""

EXAMPLES = r"""
- name: Judge whether it goes back by itself
  halfswap.bluegreen.way_back:
    batch: "{{ batch }}"
    evidence: reading
  register: way_back
"""

RETURN = r"""
packages:
  description: What it goes back to, a dictionary of component name to NEVRA. Empty when it stays as it is.
  returned: always
  type: dict
  sample: {shop: shop-1.0.0-1.noarch}
stays:
  description: Why it stays as it is; empty when it goes back.
  returned: always
  type: str
  sample: ""
"""
