# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import socket
from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._author import author
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._process import identity, is_gone

MODULE = "halfswap.bluegreen.deploy_lock"


class ActionModule(ActionBase):
    """Says who asks for the lock, and takes over what a run that died on this machine has left behind."""

    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        args = dict(self._task.args)
        args["owner"] = args.get("owner") or author(task_vars)
        args["host"] = args.get("host") or socket.gethostname()
        # Each task runs in a process of its own; the run is the one that started it.
        args["process"] = identity(os.getppid())
        held = args.get("state", "held") == "held"
        if held:
            args["node"] = task_vars.get("inventory_hostname")
        answer = self._execute_module(MODULE, module_args=args, task_vars=task_vars)
        holder = answer.get("holder")
        if answer.get("failed") and held and args["process"] and holder and is_gone(holder.get("process")):
            self._display.display(
                f"{task_vars.get('inventory_hostname')}: run {holder['run_id']} of {holder['owner']} died on this machine; its lock is taken over."
            )
            answer = self._execute_module(MODULE, module_args={**args, "take_over": holder["run_id"]}, task_vars=task_vars)
        result.update(answer)
        return result
