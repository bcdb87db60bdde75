# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._application import stacks
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._evidence import Node, read_nodes
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._report import next_lines, status_lines


class ActionModule(ActionBase):
    """Shows what was registered on every node as one table."""

    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        _valid, args = self.validate_argument_spec(
            argument_spec={
                "observed": {"type": "str", "required": True},
                "without": {"type": "list", "elements": "str", "default": []},
                "next": {"type": "bool", "default": False},
            }
        )
        nodes = read_nodes(stacks(task_vars["groups"]), _said(task_vars, args["observed"]), args["observed"], without=args["without"])
        lines = status_lines(nodes) + (next_lines(nodes) if args["next"] else [])
        for line in lines:
            self._display.display(line)
        result.update(changed=False, table=lines, serving=[node.name for node in nodes if node.serving], running=_running(nodes))
        return result


def _said(task_vars: Mapping[str, Any], variable: str) -> Mapping[str, Any]:
    """What each node said: registered on itself, or by one host that asked all of them in a loop."""
    asked = (task_vars["hostvars"].get(task_vars.get("inventory_hostname")) or {}).get(variable) or {}
    if "results" not in asked:
        return task_vars["hostvars"]
    return {result[result["ansible_loop_var"]]: {variable: result} for result in asked["results"]}


def _running(nodes: list[Node]) -> list[dict[str, Any]]:
    """The release that runs, for each component of each node; None where that is in doubt."""
    return [
        {"name": node.name, "component": component.name, "release": None if component.doubts() else component.version}
        for node in nodes
        for component in node.components
    ] + [{"name": node.name, "component": "any component", "release": None} for node in nodes if node.unread]
