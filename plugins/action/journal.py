# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._action import Step
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._author import author


class ActionModule(Step):
    """Says who writes the line."""

    def act(self, args: dict[str, Any]) -> dict[str, Any]:
        args["by"] = args.get("by") or author(self.task_vars)
        return self.module("journal", args)
