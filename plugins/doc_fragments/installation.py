# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # What OPTIONS of module_utils/rpm/_rpm_install.py takes beside the repositories.
    DOCUMENTATION = r"""
options:
  rehearse:
    description:
      - Before the transaction, or instead of it in check mode, run it as a test (C(tsflags=test)). That downloads the packages, checks
        their signatures, and finds conflicts of files and a full disk while everything still runs. What was downloaded is kept for the
        transaction itself.
    type: bool
    default: false
  store:
    description:
      - Directory in which M(halfswap.bluegreen.rpm_stage) has put packages, as its O(halfswap.bluegreen.rpm_stage#module:store), for instance V(packages).
      - When every package that changes lies there, they and what they need of the files in their folders are installed from there, and no
        repository is asked. Otherwise those that lie there are taken from there, and everything else from the repositories.
      - Where not given, everything comes from the repositories.
    type: path
  run_id:
    description: The run to which the transaction is ascribed in the journal of the node. Where not given, nothing is written there.
    type: str
  by:
    description: Who makes this run, for the journal.
    type: str
    default: ""
"""
