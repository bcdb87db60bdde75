# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleConnectionFailure

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._action import Refused, Step
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._author import author
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._evidence import registered
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._reason import reason
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._way_back import elsewhere, outcome, verdict


class ActionModule(Step):
    """Writes into the node's journal why its batch stopped, and fails with where that left it."""

    def act(self, args: dict[str, Any]) -> dict[str, Any]:
        _valid, args = self.validate_argument_spec(
            argument_spec={
                "batch": {"type": "dict", "required": True},
                "run_id": {"type": "str", "required": True},
                "task": {"type": "str", "default": ""},
                "way_back": {"type": "str", "required": True},
                "back": {"type": "list", "elements": "str", "required": True},
                "services": {"type": "list", "elements": "str", "required": True},
            }
        )
        failed = self.task_vars.get("ansible_failed_result")
        why = (reason(failed) or "see the output above") if args["task"] else self._elsewhere(args["batch"])
        found = self.task_vars.get(args["way_back"])
        rest = outcome(self.name, found if isinstance(found, Mapping) else {}, *(self.task_vars.get(name) for name in args["back"]))
        # Whatever becomes of this line, the failure itself has to be told.
        line = {
            "run_id": args["run_id"],
            "by": author(self.task_vars),
            "what": "batch stopped",
            "after": {"task": args["task"], "why": why[:2000]},
            "result": "failed",
        }
        with contextlib.suppress(AnsibleConnectionFailure):
            self.module("journal", line)
        raise Refused(verdict(args["batch"], args["task"], why, rest, args["services"]))

    def _elsewhere(self, batch: Mapping[str, Any]) -> str:
        """The nodes of the batch that did not come to this, and at which task: Ansible notes it on each of them."""
        hostvars = self.task_vars.get("hostvars") or {}
        failed = {name: registered(hostvars, name, "ansible_failed_task") for name in batch["nodes"]}
        tasks = {name: str(task.get("name") or "a task without a name") for name, task in failed.items() if isinstance(task, Mapping)}
        here = self.task_vars.get("ansible_play_hosts")
        return elsewhere(batch, self.name, tasks, [] if here is None else [name for name in batch["nodes"] if name not in here])
