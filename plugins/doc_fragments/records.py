# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # What OPTIONS of module_utils/node/_whose.py takes.
    DOCUMENTATION = r"""
options:
  application:
    description:
      - The name of the application whose records the node keeps. They are in C(/var/lib/halfswap-bluegreen/applications/) and this name; where it is
        empty, in C(/var/lib/halfswap-bluegreen).
      - The action plugin fills it in, from C(bluegreen_application) or the only one of C(bluegreen_applications).
    type: str
    default: ""
  application_components:
    description:
      - The names of all components of the application. The records of another application are known by theirs, and left alone.
      - The action plugin fills it in, from C(bluegreen_components). Where there is none, nothing is compared.
    type: list
    elements: str
    default: []
"""
