# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._action import Judgement, Refused
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._application import stacks_of
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._refusals import all_told
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._evidence import read_nodes
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._planner import STRATEGIES
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._target import TARGETS, target


class ActionModule(Judgement):
    """What each node is to run: the release asked for, the one before, the one that serves, or what it has."""

    SPEC = {
        "kind": {"type": "str", "choices": list(TARGETS), "default": "release"},
        "observed": {"type": "str", "required": True},
        "release": {"type": "raw"},
        "strategy": {"type": "str", "choices": list(STRATEGIES), "default": "halves"},
        "without": {"type": "list", "elements": "str", "default": []},
    }

    def judge(self, args: dict[str, Any]) -> dict[str, Any]:
        nodes = read_nodes(stacks_of(self.task_vars), self.task_vars["hostvars"], args["observed"], without=args["without"])
        found = target(args["kind"], nodes, args["release"], args["strategy"])
        if found.refusals:
            raise Refused(f"Refused, nothing was changed: {all_told(found.refusals)}.")
        return {"wanted": found.wanted, "strategy": found.strategy, "deployment": found.deployment}
