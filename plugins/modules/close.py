#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The work is done by the action plugin of the same name; this file is its documentation.

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: close
short_description: Say what a run has left to do
version_added: 0.1.0
description:
  - The last word of a run. When it came to its end, it plans once more, and fails where something is left to do. When it did not, it shows where the
    application stands and which commands can come next.
  - After a cut-over it names the half that stands by, the playbook C(confirm) which lets it follow, and C(rollback) where that goes back to it.
  - Runs on the controller. Run it once for all hosts.
author:
  - halfswap.bluegreen contributors (@halfswap)
extends_documentation_fragment:
  - halfswap.bluegreen.attributes
  - halfswap.bluegreen.observed
  - halfswap.bluegreen.site
options:
  complete:
    description: Whether the run came to its end.
    type: bool
    required: true
  packages:
    description: As for M(halfswap.bluegreen.plan).
    type: str
  strategy:
    description: As for M(halfswap.bluegreen.plan). Without it, nothing is planned once more.
    type: str
    choices: [halves, cutover, rolling, all_live]
  load_balancers:
    description: The load balancers, as for M(halfswap.bluegreen.heartbeat).
    type: list
    elements: dict
    default: []
  next:
    description: >-
      Say as well which commands can come next. C(rollback) is named only where every node has served an earlier release, and with its packages.
    type: bool
    default: true
seealso:
  - module: halfswap.bluegreen.end
  - module: halfswap.bluegreen.plan
"""

EXAMPLES = r"""
- name: Show what is left to do
  halfswap.bluegreen.close:
    observed: reading
    complete: false
  run_once: true
"""

RETURN = r"""
complete:
  description: Whether nothing is left to do.
  returned: success
  type: bool
  sample: true
table:
  description: What was shown.
  returned: always
  type: list
  elements: str
  sample: []
"""
