#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The work is done by the action plugin of the same name; this file is its documentation.

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: tool
short_description: Run a command, and make what it prints fit to be shown
version_added: 0.1.0
description:
  - Runs a command of the application, such as a test or a migration, as M(ansible.builtin.command) does.
  - Of what it prints, the last 4000 characters of each stream are kept, in which control characters and the openings of templates are escaped.
author:
  - halfswap.bluegreen contributors (@halfswap)
attributes:
  check_mode:
    description: Runs nothing.
    support: full
  diff_mode:
    description: Nobody knows what a command changes.
    support: none
  idempotent:
    description: Nobody knows what a command changes.
    support: none
options:
  argv:
    description: The command and its arguments. No shell sees them.
    type: list
    elements: str
    required: true
  chdir:
    description: Directory to run it in.
    type: path
seealso:
  - module: ansible.builtin.command
"""

EXAMPLES = r"""
- name: Run the tests of the application
  halfswap.bluegreen.tool:
    argv: [pytest, tests/smoke]
  changed_when: false
"""

RETURN = r"""
rc:
  description: Its status.
  returned: when it was run
  type: int
  sample: 0
stdout:
  description: What it printed last.
  returned: when it was run
  type: str
  sample: 12 passed
stdout_lines:
  description: The same, line by line.
  returned: when it was run
  type: list
  elements: str
  sample: [12 passed]
stderr:
  description: What it printed last as errors.
  returned: when it was run
  type: str
  sample: ""
"""
