# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  observed:
    description: Name of the variable in which M(halfswap.bluegreen.node_info) was registered on every node.
    type: str
    required: true
  without:
    description: Nodes known to be dead, which were not asked. They are left out, and count as not serving.
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    description: Reads only what was registered.
"""
