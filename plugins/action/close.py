# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._action import Judgement, Refused
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._application import load_balancers, stacks_of
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._refusals import Refusal
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._evidence import Unstaged, read_nodes, staged
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._interlock import Limits
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._planner import STRATEGIES, Policy, plan
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.show._report import next_lines, standing_by_lines, status_lines


class ActionModule(Judgement):
    """The last word of a run: whether something is left to do, and if so, where the application stands and what comes next."""

    SPEC = {
        "observed": {"type": "str", "required": True},
        "complete": {"type": "bool", "required": True},
        "packages": {"type": "str"},
        "strategy": {"type": "str", "choices": list(STRATEGIES)},
        "without": {"type": "list", "elements": "str", "default": []},
        "load_balancers": {"type": "list", "elements": "dict", "default": []},
        "next": {"type": "bool", "default": True},
    }

    def judge(self, args: dict[str, Any]) -> dict[str, Any]:
        hostvars = self.task_vars["hostvars"]
        nodes = read_nodes(stacks_of(self.task_vars), hostvars, args["observed"], without=args["without"])
        balancers = load_balancers(args["load_balancers"]) if args["load_balancers"] else []
        left: list[str] = []
        # The strategy is the task's own: that of the site says nothing about whether this playbook swaps anything.
        if args["complete"] and self._task.args.get("strategy") and not self._task.check_mode:
            try:
                wanted = {} if any(node.unread for node in nodes) else staged(nodes, hostvars, args["packages"])
            except Unstaged as exc:
                raise Refused(Refusal("HS-PACKAGES", str(exc)).told) from exc
            rest = plan(nodes, wanted, Policy(strategy=args["strategy"], limits=Limits(without=args["without"], load_balancers=balancers)))
            left = [
                *(refusal.told for refusal in rest.refusals),
                *(f"batch {batch.number} ({', '.join(batch.nodes + batch.retire)}) is left to do" for batch in rest.batches),
            ]
        done = args["complete"] and not left
        if done:
            lines = standing_by_lines(nodes) if self._task.args.get("strategy") else []
        else:
            lines = status_lines(nodes, balancers) + (next_lines(nodes, bool(self._task.check_mode)) if args["next"] else [])
        for line in lines:
            self._display.display(line)
        if left:
            raise Refused(f"All batches are through, but something is left to do: {'; '.join(left)}. Run the same command again.", table=lines)
        return {"complete": done, "table": lines}
