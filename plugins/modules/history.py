#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The work is done by the action plugin of the same name; this file is its documentation.

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: history
short_description: Show the last runs as one table
version_added: 0.1.0
description:
  - Puts together what M(halfswap.bluegreen.journal_info) registered on every node of the inventory groups C(blue) and C(green), and shows one
    line for each run, newest last - when it began, how long it took, who ran it, what it did, on which nodes, how it ended, and what its sanity tests
    showed.
  - A run whose lock was taken on a node and never given back is V(interrupted); one that holds a lock now is V(running).
  - Lines of a journal that a power loss has torn, or that are not ours, are left out, counted, and the last one is shown.
  - A run that failed before it had changed anything is V(refused).
  - Runs on the controller, once for all nodes.
author:
  - halfswap.bluegreen contributors (@halfswap)
extends_documentation_fragment:
  - halfswap.bluegreen.attributes
attributes:
  check_mode:
    description: Reads only what was registered.
options:
  observed:
    description: Name of the variable in which M(halfswap.bluegreen.journal_info) was registered on every node.
    type: str
    required: true
  count:
    description: How many runs to show at most, the newest ones.
    type: int
    default: 10
seealso:
  - module: halfswap.bluegreen.journal_info
"""

EXAMPLES = r"""
- name: Show the last runs
  halfswap.bluegreen.history:
    observed: bluegreen_journal
  run_once: true
"""

RETURN = r"""
table:
  description: The table as it was shown, line by line.
  returned: always
  type: list
  elements: str
  sample: ["No run is in the journals."]
runs:
  description: The runs shown, newest last.
  returned: always
  type: list
  elements: dict
  contains:
    run_id:
      description: The run.
      type: str
      returned: always
      sample: 20261120T101500Z-4711
    result:
      description: >-
        V(complete), V(failed), V(refused), V(interrupted) or V(running), as far as the journals tell; V(-) for a run that never took the lock.
      type: str
      returned: always
      sample: complete
"""
