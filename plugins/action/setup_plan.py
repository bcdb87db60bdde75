# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._action import Judgement, Refused
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._application import LIMITS_SPEC, limits, stacks_of
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._refusals import all_told
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._doctor import Seen, place_of
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._evidence import read_nodes, registered
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._setup import Plan, plan, plan_lines, unfit, with_agents


class ActionModule(Judgement):
    """What a set-up does on which node, or why it does nothing anywhere."""

    SPEC = {
        **LIMITS_SPEC,
        "observed": {"type": "str", "required": True},
        "asked": {"type": "str"},
        "agents": {"type": "list", "elements": "str", "default": []},
        "repository": {"type": "dict"},
        "run_id": {"type": "str", "required": True},
        "clock_skew_s": {"type": "float", "default": 5.0},
    }

    def judge(self, args: dict[str, Any]) -> dict[str, Any]:
        application, hostvars = stacks_of(self.task_vars), self.task_vars["hostvars"]
        nodes = read_nodes(application, hostvars, args["observed"], without=args["without"])
        places = {node.name: place_of(registered(hostvars, node.name, args["observed"])) for node in nodes}
        seen = Seen(nodes, places={name: place for name, place in places.items() if place}, clock_skew_s=args["clock_skew_s"], repository=args["repository"])
        # In check mode nobody has set up the repository that this playbook would set up first.
        published = not (self._task.check_mode and self.task_vars["groups"].get("repository"))
        if not args["asked"]:
            refusals = unfit(seen, args["run_id"], published)
            self._refuse(Plan(refusals=tuple(refusals)))
            return {"ask": with_agents(seen)}
        asked = {node.name: registered(hostvars, node.name, args["asked"]) for node in nodes}
        found = plan(seen, asked, args["agents"], args["run_id"], limits(args, application), published)
        self._refuse(found)
        lines = plan_lines(found)
        for line in lines:
            self._display.display(line)
        return {**found.as_dict(), "table": lines}

    def _refuse(self, found: Plan) -> None:
        if found.refusals:
            lines = plan_lines(found)
            for line in lines:
                self._display.display(line)
            raise Refused(f"Refused, nothing was changed on a node: {all_told(found.refusals)}.", **found.as_dict(), table=lines)
