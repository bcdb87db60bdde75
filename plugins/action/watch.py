# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._action import Judgement
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._evidence import registered
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._watch import anomalies, taken_back, verdict


class ActionModule(Judgement):
    """Judges for all hosts what was registered on each of them; never fails, so that every host comes to what follows from it."""

    SPEC = {
        "batch": {"type": "dict", "required": True},
        "batches": {"type": "list", "elements": "dict", "default": []},
        "on_failure": {"type": "str", "required": True},
        "observed": {"type": "str", "required": True},
        "traffic": {"type": "list", "elements": "str", "required": True},
        "traffic_attempts": {"type": "int", "required": True},
        "former": {"type": "str", "required": True},
    }

    def judge(self, args: dict[str, Any]) -> dict[str, Any]:
        hosts, hostvars, batch = self.task_vars["ansible_play_hosts_all"], self.task_vars["hostvars"], args["batch"]
        found = (registered(hostvars, self.name, args["former"]) or {}).get("anomalies") or anomalies(
            {name: registered(hostvars, name, args["observed"]) for name in hosts},
            [registered(hostvars, hosts[0], name) for name in args["traffic"]],
            args["traffic_attempts"],
        )
        undone = taken_back(batch, args["batches"], args["on_failure"]) if found else []
        return {
            "found": bool(found),
            "anomalies": found,
            "undo": undone,
            # To be looked at, on the new release.
            "hold": bool(found) and not undone and args["on_failure"] == "hold" and not batch["retire"] and bool(batch["nodes"]),
            "verdict": verdict(found, batch, undone, args["on_failure"]) if found else "",
        }
