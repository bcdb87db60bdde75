# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._action import Judgement
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._application import load_balancers, speaker, stacks_of
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._evidence import Node, read_nodes
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.show._report import standing_by_lines, status_lines


class ActionModule(Judgement):
    """Shows what was registered on every node as one table."""

    SPEC = {
        "observed": {"type": "str", "required": True},
        "without": {"type": "list", "elements": "str", "default": []},
        "load_balancers": {"type": "list", "elements": "dict", "default": []},
    }

    def judge(self, args: dict[str, Any]) -> dict[str, Any]:
        nodes = read_nodes(stacks_of(self.task_vars), self.task_vars["hostvars"], args["observed"], without=args["without"])
        lines = status_lines(nodes, load_balancers(args["load_balancers"]) if args["load_balancers"] else ())
        lines += standing_by_lines(nodes)
        for line in lines if speaker(self.task_vars) else ():
            self._display.display(line)
        return {"table": lines, "serving": [node.name for node in nodes if node.serving], "running": _running(nodes)}


def _running(nodes: list[Node]) -> list[dict[str, Any]]:
    """The release that runs, for each component of each node; None where that is in doubt, and why."""
    return [
        {"name": node.name, "component": component.name, "release": None if component.doubts() else component.version, "why": "; ".join(component.doubts())}
        for node in nodes
        for component in node.components
    ] + [{"name": node.name, "component": "any component", "release": None, "why": node.unread} for node in nodes if node.unread]
