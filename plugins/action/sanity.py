# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.halfswap.bluegreen.plugins.module_utils.sanity import _sanity
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._action import Sending


class ActionModule(Sending):
    """The sanity test. A check may write, so in check mode nothing is sent."""

    _supports_check_mode = False
    MODULE = "sanity"
    SPEC = _sanity.SPEC
    GUARDED = _sanity.GUARDED

    def carry_out(self, params: dict[str, Any]) -> dict[str, Any]:
        result: dict[str, Any] = _sanity.carry_out(params)
        return result
