# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.halfswap.bluegreen.plugins.module_utils._shown import LONG, shown


class ActionModule(ActionBase):
    """The module command, with what others print made fit to be shown."""

    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        self.validate_argument_spec(argument_spec={"argv": {"type": "list", "elements": "str", "required": True}, "chdir": {"type": "path"}})
        answer = self._execute_module("ansible.legacy.command", module_args=dict(self._task.args), task_vars=task_vars)
        for stream in ("stdout", "stderr", "msg"):
            if stream in answer:
                # The reason is at the end.
                answer[stream] = shown(answer[stream], LONG, lines=True, end=True)
            if f"{stream}_lines" in answer:
                answer[f"{stream}_lines"] = answer[stream].splitlines()
        result.update(answer)
        return result
