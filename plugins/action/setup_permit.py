# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time
from typing import Any

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._action import Judgement, Refused
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._application import LIMITS_SPEC, limits, stacks_of
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._refusals import all_told
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._evidence import read_nodes, registered
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._permit import MAX_AGE_S
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._setup import refuse_change


class ActionModule(Judgement):
    """May this node be changed now, or any at all? Judged once for all, from what every node said for it."""

    SPEC = {
        **LIMITS_SPEC,
        "change": {"type": "dict", "default": {}},
        "order": {"type": "list", "elements": "str", "default": []},
        "batch_id": {"type": "str", "required": True},
        "run_id": {"type": "str", "required": True},
        "evidence": {"type": "str", "required": True},
        "proof": {"type": "str", "default": ""},
    }

    def judge(self, args: dict[str, Any]) -> dict[str, Any]:
        application, hostvars, node = stacks_of(self.task_vars), self.task_vars["hostvars"], args["change"].get("node")
        bounds = limits(args, application)
        nodes = read_nodes(application, hostvars, args["evidence"], args["batch_id"], time.monotonic() - MAX_AGE_S, bounds.without)
        unanswered = {each.name: each.unread for each in nodes if not _answered(registered(hostvars, each.name, args["evidence"]), args["batch_id"])}
        before = args["order"][: args["order"].index(node)] if node else []
        unproven = [name for name in before if not (registered(hostvars, name, args["proof"]) or {}).get("proven")]
        reasons = refuse_change(nodes, args["change"], unanswered, unproven, self.lost, args["run_id"], bounds)
        if reasons:
            raise Refused(f"{node or 'No node'} is {'not ' if node else ''}changed. {all_told(reasons)}.", refused=[reason.told for reason in reasons])
        return {"node": node, "batch_id": args["batch_id"]}


def _answered(said: Any, batch_id: str) -> bool:
    """Whether the node gave its lock for this change, whatever its components said; a node that is new says little."""
    return bool(said) and not (said.get("failed") or said.get("unreachable") or said.get("skipped")) and said.get("batch_id") == batch_id
