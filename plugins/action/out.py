# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.halfswap.bluegreen.plugins.action.heartbeat import ActionModule as Flip


class ActionModule(Flip):
    """Out of the traffic, on the interlock's permit: standby, settle, drain; the proof of it stays on the node."""

    MODULE = "out"
    # The interlock has judged, and there is one direction.
    NOT_ASKED = ("evidence", "evidence_max_age_s", "batch", "min_live", "max_unavailable", "capacity", "without", "state", "tested")

    def permitted(self, args: dict[str, Any]) -> dict[str, Any]:
        return super().permitted({**args, "state": "standby"})

    def ask(self, args: dict[str, Any]) -> dict[str, Any]:
        return super().ask({key: value for key, value in args.items() if key not in self.NOT_ASKED})

    def from_here(self, via: str, args: dict[str, Any]) -> dict[str, Any]:
        switched = super().from_here(via, args)
        if switched.get("failed") or self._task.check_mode:
            return switched
        # The node drains by itself; the proof is about the revision that was written.
        revisions = {component["name"]: component["revision"] for component in switched["components"]}
        components = [{**component, "revision": revisions[component["name"]]} for component in args["components"]]
        drained = self.ask({**args, "components": components, "step": "drain"})
        return {**switched, **{key: value for key, value in drained.items() if key not in ("components", "changed")}}
