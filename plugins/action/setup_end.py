# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._action import Judgement, Refused
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._evidence import registered
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._setup import end_lines


class ActionModule(Judgement):
    """The last word of a set-up on the nodes: which of them are what is described, and which are as they were."""

    SPEC = {
        "order": {"type": "list", "elements": "str", "required": True},
        "permit": {"type": "str", "required": True},
        "proof": {"type": "str", "required": True},
        "complete": {"type": "bool", "required": True},
    }

    def judge(self, args: dict[str, Any]) -> dict[str, Any]:
        hostvars, order = self.task_vars["hostvars"], args["order"]
        proven = [name for name in order if (registered(hostvars, name, args["proof"]) or {}).get("proven")]
        began = next((node for name in order if (node := (registered(hostvars, name, args["permit"]) or {}).get("node"))), "")
        checked = bool(self._task.check_mode)
        complete = args["complete"] and (checked or proven == order)
        lines = end_lines(order, proven, began, complete, checked)
        for line in lines:
            self._display.display(line)
        # What comes next trusts the nodes: no load balancer is set up for nodes that are not.
        if not complete:
            raise Refused(" ".join(lines), table=lines, complete=False)
        return {"complete": True, "table": lines}
