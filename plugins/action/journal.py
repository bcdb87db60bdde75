# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._action import Refused, Step
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._author import author
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._evidence import registered


class ActionModule(Step):
    """Says who writes the line, and takes what was registered by its name: no template reads it once more."""

    def act(self, args: dict[str, Any]) -> dict[str, Any]:
        override = args.pop("override", None)
        if override:
            found = (registered(self.task_vars["hostvars"], self.name, override) or {}).get("override")
            if not found:
                raise Refused(f"{override} tells of nothing that was passed.")
            args.update(what="override", after=found)
        args["by"] = args.get("by") or author(self.task_vars)
        return self.module("journal", args)
