# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # What a test of the load balancers asks of the heartbeats of a node.
    DOCUMENTATION = r"""
options:
  components:
    description: The components of the node.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the component.
        type: str
        required: true
      url:
        description: Base URL of the control side of its heartbeat as the node reaches it, for instance V(http://127.0.0.1:8791).
        type: str
        required: true
  token:
    description: The bearer token of the write side.
    type: str
    required: true
  words:
    description: For each URL that load balancers check, with its query string, the word they look for, V(live) or V(standby).
    type: dict
    required: true
  reason:
    description: Why, for whoever reads the log of the agent.
    type: str
    default: ""
  run_id:
    description: Identifies the run that tests.
    type: str
    required: true
  by:
    description: Who tests.
    type: str
    required: true
"""
