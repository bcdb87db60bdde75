# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  site:
    description:
      - The settings of the site, as M(halfswap.bluegreen.site) returns them. Each option that is not given is taken from the setting of its name.
    type: dict
    default: {}
"""
