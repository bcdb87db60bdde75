# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.halfswap.bluegreen.plugins.module_utils.traffic import _lb_answers
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._action import Sending


class ActionModule(Sending):
    """Whether the load balancers answer."""

    MODULE = "lb_answers"
    SPEC = _lb_answers.SPEC
    GUARDED = _lb_answers.GUARDED

    def carry_out(self, params: dict[str, Any]) -> dict[str, Any]:
        result: dict[str, Any] = _lb_answers.carry_out(params)
        return result
