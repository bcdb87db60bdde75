# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.halfswap.bluegreen.plugins.module_utils._shown import shown_all
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._application import speaker, stacks_of
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._refusals import Refusal
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._evidence import registered


class ActionModule(ActionBase):
    """Whether the run to be released is one of those that hold a lock."""

    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        _valid, args = self.validate_argument_spec(argument_spec={"observed": {"type": "str", "required": True}, "run_id": {"type": "str", "default": ""}})
        said = [registered(task_vars["hostvars"], name, args["observed"]) or {} for names in stacks_of(task_vars).values() for name in names]
        locks = {lock["run_id"]: lock for lock in (shown_all(each.get("lock")) for each in said) if lock}
        result.update(changed=False, runs=list(locks))
        if locks and args["run_id"] not in locks:
            wrong = f"Run {args['run_id']} holds no lock" if args["run_id"] else "bluegreen_run_id is not given"
            held = [
                f"The lock is held by {lock['owner']} (run {run_id}, {lock['reason'] or 'no reason given'}) since {lock['since']} by the node's clock. "
                f"See that this run is dead, then release it with -e bluegreen_run_id={run_id}."
                for run_id, lock in locks.items()
            ]
            # On every host, so that all of them come to the end of the play alike; the reasons once.
            text = " ".join([f"{wrong}; nothing was released.", *(held if speaker(task_vars) else ())])
            result.update(failed=True, msg=Refusal("HS-LOCKED", text).told)
        return result
