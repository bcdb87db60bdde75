# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # What REPOSITORIES of module_utils/rpm/_rpm_wanted.py takes.
    DOCUMENTATION = r"""
options:
  enablerepo:
    description: Repositories to enable for this task only.
    type: list
    elements: str
    default: []
  disablerepo:
    description: Repositories to disable for this task only; V(*) with O(enablerepo) asks only the repositories named there, which is faster.
    type: list
    elements: str
    default: []
  lock_timeout_s:
    description: Longest wait, in seconds, for another dnf, yum or rpm on the node to finish. Counts for each question and transaction.
    type: int
    default: 120
"""
