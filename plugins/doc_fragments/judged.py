# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # What JUDGED of module_utils/heartbeat/_switch.py takes, beside the limits: it is for the action plugins, which judge before the module is sent.
    DOCUMENTATION = r"""
options:
  batch:
    description: All nodes that are swapped together with this one, itself included. Defaults to this node alone.
    type: list
    elements: str
  evidence:
    description: >-
      Name of the variable in which the M(halfswap.bluegreen.node_info) task of this batch registered what each node said.
    type: str
    default: bluegreen_evidence
  evidence_max_age_s:
    description: Evidence older than this many seconds is refused. It must have been read I(just now).
    type: float
    default: 60.0
  without:
    description: Nodes known to be dead. They are not asked, and count as not serving.
    type: list
    elements: str
    default: []
  permit:
    description:
      - Name of the variable in which M(halfswap.bluegreen.interlock) was registered, which has judged once for the whole batch.
      - Where it is not given, the action plugin judges by O(evidence).
    type: str
"""
