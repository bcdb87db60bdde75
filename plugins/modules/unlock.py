#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The work is done by the action plugin of the same name; this file is its documentation.

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: unlock
short_description: Check that a run whose lock is to be released is named, and holds one
version_added: 0.1.0
description:
  - Reads what M(halfswap.bluegreen.journal_info) registered on every node, and fails where O(run_id) is not one of the runs that hold a lock. It
    then names those that do.
  - Runs on the controller and releases nothing; M(halfswap.bluegreen.deploy_lock) does.
author:
  - halfswap.bluegreen contributors (@halfswap)
extends_documentation_fragment:
  - halfswap.bluegreen.attributes
attributes:
  check_mode:
    description: Reads only what was registered.
options:
  observed:
    description: Name of the variable in which M(halfswap.bluegreen.journal_info) was registered on each node.
    type: str
    required: true
  run_id:
    description: The run that is dead.
    type: str
    default: ""
seealso:
  - module: halfswap.bluegreen.deploy_lock
"""

EXAMPLES = r"""
- name: Check that the run to be released is named and holds a lock
  halfswap.bluegreen.unlock:
    observed: bluegreen_locks
    run_id: 20261120T101500Z-4711
"""

RETURN = r"""
runs:
  description: The runs that hold a lock.
  returned: always
  type: list
  elements: str
  sample: [20261120T101500Z-4711]
"""
