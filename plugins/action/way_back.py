# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._action import Judgement
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._evidence import read_node
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._way_back import way_back


class ActionModule(Judgement):
    """Does this node go back by itself? Each node's own: one that cannot come back keeps no other out."""

    SPEC = {
        "batch": {"type": "dict", "required": True},
        "on_failure": {"type": "str", "choices": ["rollback", "rollback_batch", "hold"], "default": "rollback"},
        "evidence": {"type": "str", "required": True},
    }

    def judge(self, args: dict[str, Any]) -> dict[str, Any]:
        node = read_node(self.name, "", self.task_vars.get(args["evidence"]))
        batch = args["batch"]
        return asdict(way_back(node, batch["restore"].get(self.name) or {}, args["on_failure"], (batch.get("one_way") or {}).get(self.name) or ""))
