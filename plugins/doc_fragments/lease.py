# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # What LEASE of module_utils/node/_lock.py takes.
    DOCUMENTATION = r"""
options:
  reason:
    description: Why, for whoever is refused and for the journal.
    type: str
    default: ""
  ttl_s:
    description: Seconds after which the lock ends by itself unless it is renewed; longer than the longest step between two renewals.
    type: float
    default: 600.0
  take_over:
    description:
      - The run whose lock may be replaced, or released by somebody else, though it has not ended. Another run's lock is still refused.
      - The takeover is noted in the journal, with the former holder.
    type: str
  node:
    description:
      - The name of the node in the inventory. The action plugin fills it in.
      - A run that has the lock of a machine already and asks for it under another name is refused. Two names of one machine would count as two
        nodes, and both would leave.
    type: str
"""
