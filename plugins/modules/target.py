#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The work is done by the action plugin of the same name; this file is its documentation.

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: target
short_description: Find out what each node is to run
version_added: 0.1.0
description:
  - Says for each node of the inventory groups C(blue) and C(green) which release it is to run, from what every node said. It changes nothing.
  - Runs on the controller; all hosts of a play find the same, and the first one shows it. What it finds is what M(halfswap.bluegreen.plan) then plans for.
author:
  - halfswap.bluegreen contributors (@halfswap)
extends_documentation_fragment:
  - halfswap.bluegreen.attributes
  - halfswap.bluegreen.observed
  - halfswap.bluegreen.site
attributes:
  idempotent:
    description: The same nodes give the same target.
options:
  kind:
    description:
      - V(release) is O(release) for every node.
      - V(rollback) is the last deployment that every node has served, and that is not what every node has now. A release that was deployed twice
        is two deployments. Where a whole stack stands by on
        it, the strategy is C(cutover), one flip; otherwise it is O(strategy).
      - V(confirm) is what serves now, for every node.
      - V(all_live) is what each node has installed.
      - V(adopt) is the same for each healthy node that is not live yet and never was. Null leaves a node alone. It is refused for nodes of two releases.
    type: str
    choices: [release, rollback, confirm, all_live, adopt]
    default: release
  release:
    description: For O(kind=release), a version for all components, or a dictionary with a version for each component.
    type: raw
  strategy:
    description: The strategy that the operator wants; see M(halfswap.bluegreen.plan).
    type: str
    choices: [halves, cutover, rolling, all_live]
    default: halves
seealso:
  - module: halfswap.bluegreen.node_info
  - module: halfswap.bluegreen.plan
"""

EXAMPLES = r"""
- name: Find the release to go back to
  halfswap.bluegreen.target:
    kind: rollback
    observed: bluegreen_observed
  register: bluegreen_wanted
"""

RETURN = r"""
wanted:
  description: >-
    Per node what it is to run, a version for all its components, or a dictionary with a version or an exact package for each; null for a node
    that is left alone.
  returned: always
  type: dict
  sample: {blue1: {shop: shop-1.0.0-1.noarch}}
strategy:
  description: The strategy that leads there.
  returned: always
  type: str
  sample: cutover
deployment:
  description: For O(kind=rollback), the deployment that is gone back to, as the nodes noted it; empty where they did not.
  returned: always
  type: str
  sample: 2026-05-04T10-11-12-ops1
"""
