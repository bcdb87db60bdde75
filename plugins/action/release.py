# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.halfswap.bluegreen.plugins.module_utils._ready import not_ready_text, readiness
from ansible_collections.halfswap.bluegreen.plugins.module_utils._shown import shown
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._action import Step
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._author import author
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._reading import seen, stamped
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._ways import far, sending, way


class ActionModule(Step):
    """Stop, install, start, healthy, read again: on the node, but for the health of what only the controller reaches."""

    def act(self, args: dict[str, Any]) -> dict[str, Any]:
        args["by"] = args.get("by") or author(self.task_vars)
        via = way([component for component in args["components"] if component.get("url") or component.get("heartbeat")])
        if via == "node":
            return self.told(stamped(lambda asked: self.module("release", asked), args))
        # The node asks for the proof by what is seen from here, but neither waits for the health nor reads.
        done = self.module("release", seen(args, self._connection, self._play_context.remote_addr))
        if done.get("failed") or self._task.check_mode:
            return self.told(done)
        with sending(via, self._connection, self._play_context.remote_addr) as send:
            awaited = [{**component, "release": component.get("wait_release") or component["version"]} for component in args["components"]]
            heartbeats = [far(component, args.get("token"), send) for component in awaited]
            found, missing = readiness(awaited, heartbeats, float(args.get("health_timeout_s") or 60.0))
        if missing:
            return {**done, "failed": True, "msg": not_ready_text(found, missing)}
        reads = {"components": [_as_read(component) for component in args["components"]], "token": args.get("token"), "batch_id": args.get("batch_id") or ""}
        read = stamped(lambda asked: self.module("node_info", asked), seen(reads, self._connection, self._play_context.remote_addr))
        return {**done, **read, "changed": done["changed"]}

    def told(self, done: dict[str, Any]) -> dict[str, Any]:
        """Say what would be installed; what was is in the journal, and in the table of the plan before it."""
        for package in done.get("packages") or () if self._task.check_mode else ():
            if package.get("before") != package["after"]:
                self._display.display(shown(f"{self.name}: {package.get('before') or 'nothing'} -> {package['after']}"))
        return done


def _as_read(component: dict[str, Any]) -> dict[str, Any]:
    return {key: component[key] for key in ("name", "package", "service", "url", "heartbeat") if key in component}
