# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._application import speaker, stacks_of
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._evidence import read_nodes
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._planner import STRATEGIES
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._target import TARGETS, target


class ActionModule(ActionBase):
    """What each node is to run: the release asked for, the one before, the one that serves, or what it has."""

    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        _valid, args = self.validate_argument_spec(
            argument_spec={
                "kind": {"type": "str", "choices": list(TARGETS), "default": "release"},
                "observed": {"type": "str", "required": True},
                "release": {"type": "raw"},
                "strategy": {"type": "str", "choices": list(STRATEGIES), "default": "halves"},
                "without": {"type": "list", "elements": "str", "default": []},
            }
        )
        nodes = read_nodes(stacks_of(task_vars), task_vars["hostvars"], args["observed"], without=args["without"])
        found = target(args["kind"], nodes, args["release"], args["strategy"])
        result.update(changed=False, wanted=found.wanted, strategy=found.strategy)
        if found.refusals:
            result.update(failed=True, msg="Refused, nothing was changed" + (": " + "; ".join(found.refusals) if speaker(task_vars) else "") + ".")
        return result
