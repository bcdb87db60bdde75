# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._application import load_balancers, speaker, stacks_of
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
                "load_balancers": {"type": "list", "elements": "dict", "default": []},
                "next": {"type": "bool", "default": False},
            }
        )
        nodes = read_nodes(stacks_of(task_vars), task_vars["hostvars"], args["observed"], without=args["without"])
        lines = status_lines(nodes, load_balancers(args["load_balancers"]) if args["load_balancers"] else ()) + (next_lines(nodes) if args["next"] else [])
        for line in lines if speaker(task_vars) else ():
            self._display.display(line)
        result.update(changed=False, table=lines, serving=[node.name for node in nodes if node.serving], running=_running(nodes))
        return result


def _running(nodes: list[Node]) -> list[dict[str, Any]]:
    """The release that runs, for each component of each node; None where that is in doubt."""
    return [
        {"name": node.name, "component": component.name, "release": None if component.doubts() else component.version}
        for node in nodes
        for component in node.components
    ] + [{"name": node.name, "component": "any component", "release": None} for node in nodes if node.unread]
