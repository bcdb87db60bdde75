# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._application import load_balancers, stacks
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._evidence import Node, read_nodes
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._planner import Policy, plan
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._report import plan_lines


class ActionModule(ActionBase):
    """The planner's hands: gathers what was registered on every node, plans, shows the plan."""

    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        _valid, args = self.validate_argument_spec(
            argument_spec={
                "observed": {"type": "str", "required": True},
                "packages": {"type": "str", "required": True},
                "min_live": {"type": "int", "default": 0},
                "load_balancers": {"type": "list", "elements": "dict", "required": True},
                "ignore_probers": {"type": "list", "elements": "str", "default": []},
            }
        )
        hostvars = task_vars["hostvars"]
        nodes = read_nodes(stacks(task_vars["groups"]), hostvars, args["observed"])
        wanted = {} if any(node.unread for node in nodes) else self._wanted(nodes, hostvars, args["packages"])
        policy = Policy(args["min_live"], load_balancers(args["load_balancers"]), args["ignore_probers"])
        found = plan(nodes, wanted, policy)
        lines = plan_lines(found, nodes, policy)
        for line in lines:
            self._display.display(line)
        result.update(found.as_dict(), changed=False, table=lines, hash=found.digest, run_id=self._run_id())
        if found.refusals:
            result.update(failed=True, msg="Refused, nothing was changed: " + "; ".join(found.refusals) + ".")
        return result

    @staticmethod
    def _run_id() -> str:
        return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()) + f"-{os.getpid()}"

    @staticmethod
    def _wanted(nodes: list[Node], hostvars: Mapping[str, Any], variable: str) -> dict[str, dict[str, str]]:
        """Per node and component the package that the node's own repositories hold for the release."""
        wanted: dict[str, dict[str, str]] = {}
        for node in nodes:
            registered = hostvars[node.name].get(variable) or {}
            if registered.get("failed") or "packages" not in registered:
                raise AnsibleActionFail(f"{node.name}: the release was not looked up in its repositories ({registered.get('msg', 'skipped')}).")
            resolved = {package["name"]: package["after"] for package in registered["packages"]}
            wanted[node.name] = {component.name: resolved[component.package] for component in node.components}
        return wanted
