# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible_collections.halfswap.bluegreen.plugins.module_utils._shown import LONG, shown
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._ready import not_ready_text, readiness, time_is_up
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._action import Step
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._author import author
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.reach._reading import seen, stamped
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.reach._ways import far, sending, way

# The node is asked only while a component is not ready, and each time through SSH.
LOOK_S = 3.0


class Ended(Exception):
    """What is waited for from here has ended there. `missing` is what was missing."""

    def __init__(self, text: str, missing: list[str]) -> None:
        super().__init__(text)
        self.missing = missing


class Units:
    """The services of a node whose health is waited for from here, looked at in between."""

    def __init__(self, read: Callable[[], Iterable[Mapping[str, Any]]]) -> None:
        self.read = read
        self.first: dict[str, int] = {}
        self.next_at = time.monotonic() + LOOK_S

    def look(self, missing: list[str]) -> None:
        """Raises Ended where one of them has."""
        if time.monotonic() < self.next_at:
            return
        said = list(self.read())
        self.next_at = time.monotonic() + LOOK_S
        for component in said:
            name, restarts = str(component["name"]), int(component.get("restarts") or 0)
            if component.get("ended"):
                raise Ended(shown(component["ended"], LONG), missing)
            if restarts > self.first.setdefault(name, restarts):
                raise Ended(f"the service of component {shown(name)} has ended, and systemd has started it again", missing)


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
        timeout_s = float(args.get("health_timeout_s") or 60.0)
        reads = {"components": [_as_read(component) for component in args["components"]], "token": args.get("token"), "batch_id": args.get("batch_id") or ""}
        with sending(via, self._connection, self._play_context.remote_addr) as send:
            awaited = [{**component, "release": component.get("wait_release") or component.get("version")} for component in args["components"]]
            heartbeats = [far(component, args.get("token"), send) for component in awaited]
            begun = time.monotonic()
            units = Units(lambda: self.module("node_info", reads).get("components") or ())
            try:
                found, missing = readiness(awaited, heartbeats, timeout_s, units.look)
            except Ended as ended:
                waited = {"waited_s": time.monotonic() - begun}
                return {**done, "failed": True, "msg": f"{not_ready_text(waited, ended.missing)} It was not waited for any longer: {ended}."}
        if missing:
            logs = "See " + " and ".join(f"journalctl -u {component['service']}" for component in args["components"]) + " on the node."
            return {**done, "failed": True, "msg": f"{not_ready_text(found, missing)} {time_is_up(timeout_s)}. {logs}"}
        read = stamped(lambda asked: self.module("node_info", asked), seen(reads, self._connection, self._play_context.remote_addr))
        return {**done, **read, "changed": done["changed"]}

    def told(self, done: dict[str, Any]) -> dict[str, Any]:
        """Say what would be installed; what was is in the journal, and in the table of the plan before it."""
        for package in done.get("packages") or () if self._task.check_mode else ():
            if package.get("before") != package["after"]:
                self._display.display(shown(f"{self.name}: {package.get('before') or 'nothing'} -> {package['after']}"))
        return done


def _as_read(component: dict[str, Any]) -> dict[str, Any]:
    return {key: component[key] for key in ("name", "package", "service", "replaces", "may_differ", "url", "heartbeat") if key in component}
