# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time
from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._ways import WayError, look, sending, way, with_seen

MODULE = "halfswap.bluegreen.node_info"


class ActionModule(ActionBase):
    """Runs the module node_info on the node and stamps what it says with the controller's monotonic time; compares their clocks."""

    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        # Before the question, not after the answer: a slow node makes its evidence older, never younger.
        at = time.monotonic()
        args = dict(self._task.args)
        via = way(args.get("components") or [])
        if via != "node":
            args["components"] = self._seen(via, args["components"], args.get("token"))
        before = time.time()
        result.update(self._execute_module(MODULE, module_args=args, task_vars=task_vars))
        after = time.time()
        result["at"] = at
        if "time" in result:
            result["clock_skew_s"] = round(max(0.0, before - result["time"], result["time"] - after), 3)
        return result

    def _seen(self, via: str, components: list[dict[str, Any]], token: str | None) -> list[dict[str, Any]]:
        """The components with what the controller sees of their heartbeats. One that it does not reach says so in the evidence."""
        try:
            with sending(via, self._connection, self._play_context.remote_addr) as send:
                return [with_seen(component, look(component, token, send)) for component in components]
        except WayError as exc:
            return [with_seen(component, {"error": f"component {component['name']}: {exc}"}) for component in components]
