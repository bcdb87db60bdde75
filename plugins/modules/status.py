#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The work is done by the action plugin of the same name; this file is its documentation.

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: status
short_description: Show what every node says as one table
version_added: 0.1.0
description:
  - Shows what M(halfswap.bluegreen.node_info) registered on every node of the inventory groups C(blue) and C(green), one line for each component.
  - Runs on the controller; of the hosts of a play, the first one shows it.
author:
  - halfswap.bluegreen contributors (@halfswap)
extends_documentation_fragment:
  - halfswap.bluegreen.attributes
  - halfswap.bluegreen.observed
  - halfswap.bluegreen.site
options:
  load_balancers:
    description: The load balancers, by which it is known who of those that ask is a prober and who a stranger. Without them neither is shown.
    type: list
    elements: dict
    default: []
seealso:
  - module: halfswap.bluegreen.node_info
"""

EXAMPLES = r"""
- name: Show the state of the application
  halfswap.bluegreen.status:
    observed: bluegreen_observed
  run_once: true
"""

RETURN = r"""
table:
  description: The table as it was shown, line by line.
  returned: always
  type: list
  elements: str
  sample: ["4 of 4 nodes serve."]
serving:
  description: The nodes that are live and healthy in every component.
  returned: always
  type: list
  elements: str
  sample: [blue1, blue2, green1, green2]
running:
  description: What runs, for each component of each node.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: Name of the node.
      type: str
      returned: always
      sample: blue1
    component:
      description: Name of the component.
      type: str
      returned: always
      sample: shop
    release:
      description: The version that the process runs. Null where that is in doubt, and for a node that was not read.
      type: str
      returned: always
      sample: 2.0.0
    why:
      description: Why that is in doubt, or why the node was not read; empty where it is known.
      type: str
      returned: always
      sample: ""
"""
