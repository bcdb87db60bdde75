# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # The part of LIMITS_SPEC (plugin_utils/_application.py) that is the same for a plan and for each step of it.
    DOCUMENTATION = r"""
options:
  min_live:
    description:
      - How many nodes of each component must stay live and healthy while a batch is out.
      - V(0) stands for all nodes outside the batch that have the component, and at least one. There is no way to ask for none.
    type: int
    default: 0
  max_unavailable:
    description: How many nodes may be out at once, those that were out before included, as a number or as a percentage of all. V(0) sets no limit.
    type: str
    default: "0"
  capacity:
    description: How many requests per second one node can serve. With it, a batch does not leave while the others could not carry the load.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the component.
        type: str
        required: true
      per_s:
        description: Requests per second.
        type: float
        required: true
  override:
    description:
      - Refusals that are passed, and why. C(refusals) is a list of their names, as C(docs/refusals.md) has them, and C(reason) a text.
      - A refusal that may not be passed refuses all the same. What is passed is shown, and written into the journal of the nodes.
    type: dict
    default: {}
"""
