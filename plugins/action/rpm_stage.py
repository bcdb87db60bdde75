# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._action import Step


class ActionModule(Step):
    """Packages into the store of the node, and the rehearsal."""

    def act(self, args: dict[str, Any]) -> dict[str, Any]:
        return self.module("rpm_stage", args)
