# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.halfswap.bluegreen.plugins.module_utils._shown import shown_all
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._application import stacks_of
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._evidence import LENGTH
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.show._history import history_lines, runs


class ActionModule(ActionBase):
    """Shows the journals that were registered on every node as one table of runs."""

    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        _valid, args = self.validate_argument_spec(argument_spec={"observed": {"type": "str", "required": True}, "count": {"type": "int", "default": 10}})
        if args["count"] < 1:
            raise AnsibleActionFail(f"halfswap.bluegreen.history: count must be at least 1, not {args['count']}.")
        nodes = [name for names in stacks_of(task_vars).values() for name in names]
        read: dict[str, Mapping[str, Any]] = {}
        unread: dict[str, str] = {}
        hostvars = task_vars["hostvars"]
        for name in nodes:
            registered = shown_all((hostvars[name].get(args["observed"]) if name in hostvars else None) or {}, LENGTH)
            if "lines" in registered:
                read[name] = registered
            else:
                unread[name] = "it is unreachable" if registered.get("unreachable") else registered.get("msg", "no journal was registered")
        told = runs({name: said["lines"] for name, said in read.items()}, {name: said.get("lock") for name, said in read.items()})[-args["count"] :]
        lines = history_lines(told, nodes, unread, {name: said["strange"] for name, said in read.items() if said.get("strange")})
        for line in lines:
            self._display.display(line)
        result.update(changed=False, table=lines, runs=[{"run_id": run.run_id, "result": run.result} for run in told])
        return result
