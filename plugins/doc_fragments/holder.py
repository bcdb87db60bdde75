# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # What HOLDER of module_utils/node/_lock.py takes.
    DOCUMENTATION = r"""
options:
  run_id:
    description:
      - The run that holds the lock, or whose lock is released.
      - A run is one process on one controller. Where two have the same id, the second one is refused like any other run.
    type: str
    required: true
  owner:
    description: Who runs it. Defaults to the user (in AWX the one who launched the job) and the host of the controller, V(user@host).
    type: str
  host:
    description: Where it runs. Defaults to the host name of the controller.
    type: str
  process:
    description: The process of the run on the controller. The action plugin fills it in; null where the controller has no C(/proc).
    type: dict
"""
