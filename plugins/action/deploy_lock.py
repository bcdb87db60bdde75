# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._action import Step
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.reach._lease import had, holder


class ActionModule(Step):
    """Says who asks for the lock, and takes over what a run that died on this machine has left behind."""

    def act(self, args: dict[str, Any]) -> dict[str, Any]:
        args = {**args, **holder(self.task_vars, args)}
        if args.get("state", "held") != "held":
            return self.module("deploy_lock", args)
        args["node"] = self.task_vars.get("inventory_hostname")
        return had(lambda asked: self.module("deploy_lock", asked), args, self._display.display)
