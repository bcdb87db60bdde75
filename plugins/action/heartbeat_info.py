# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._ready import not_ready_text, readiness
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._whose import OPTIONS
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._action import Keeping
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.reach._ways import far, sending, way


class ActionModule(Keeping):
    """Runs the module heartbeat_info on the node, or asks by itself where the heartbeat is reached from here: that takes no Python there."""

    MODULE = "heartbeat_info"

    def act(self, args: dict[str, Any]) -> dict[str, Any]:
        via = way(args.get("components") or [])
        if via == "node":
            return super().act(args)
        _valid, args = self.validate_argument_spec(
            argument_spec={
                **OPTIONS,
                "components": {"type": "list", "elements": "dict", "required": True},
                "token": {"type": "str", "no_log": True},
                "wait_healthy": {"type": "bool", "default": False},
                "timeout_s": {"type": "float", "default": 60.0},
            }
        )
        components = args["components"]
        wait = args["wait_healthy"] and not self._task.check_mode
        with sending(via, self._connection, self._play_context.remote_addr) as send:
            heartbeats = [far(component, args["token"], send) for component in components]
            found, missing = readiness(components, heartbeats, args["timeout_s"] if wait else 0)
        if wait and missing:
            return {**found, "failed": True, "msg": not_ready_text(found, missing)}
        return dict(found)
