# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.halfswap.bluegreen.plugins.module_utils._heartbeat_api import HeartbeatError
from ansible_collections.halfswap.bluegreen.plugins.module_utils._ready import not_ready_text, readiness
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._ways import WayError, far, sending, way

MODULE = "halfswap.bluegreen.heartbeat_info"


class ActionModule(ActionBase):
    """Runs the module heartbeat_info on the node, or asks by itself where the heartbeat is reached from here: that takes no Python there."""

    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        via = way(self._task.args.get("components") or [])
        if via == "node":
            result.update(self._execute_module(MODULE, task_vars=task_vars))
            return result
        _valid, args = self.validate_argument_spec(
            argument_spec={
                "components": {"type": "list", "elements": "dict", "required": True},
                "token": {"type": "str", "no_log": True},
                "wait_healthy": {"type": "bool", "default": False},
                "timeout_s": {"type": "float", "default": 60.0},
            }
        )
        components = args["components"]
        wait = args["wait_healthy"] and not self._task.check_mode
        try:
            with sending(via, self._connection, self._play_context.remote_addr) as send:
                heartbeats = [far(component, args["token"], send) for component in components]
                found, missing = readiness(components, heartbeats, args["timeout_s"] if wait else 0)
        except (HeartbeatError, WayError) as exc:
            result.update(failed=True, msg=str(exc))
            return result
        result.update(found)
        if wait and missing:
            result.update(failed=True, msg=not_ready_text(found, missing))
        return result
