# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time
from typing import Any

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._action import Judgement, Refused
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._application import LIMITS_SPEC, limits, stacks_of
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._refusals import all_told, divided
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._evidence import read_nodes
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._permit import MAX_AGE_S, judge, permit
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.show._report import fit


class ActionModule(Judgement):
    """May this batch be swapped? Judged once for all of its nodes, each of whose flips asks for the permit."""

    SPEC = {
        **LIMITS_SPEC,
        "batch": {"type": "list", "elements": "str", "required": True},
        "batch_id": {"type": "str", "required": True},
        "run_id": {"type": "str", "required": True},
        "evidence": {"type": "str", "required": True},
    }

    def judge(self, args: dict[str, Any]) -> dict[str, Any]:
        application = stacks_of(self.task_vars)
        bounds = limits(args, application)
        oldest = time.monotonic() - MAX_AGE_S
        nodes = read_nodes(application, self.task_vars["hostvars"], args["evidence"], args["batch_id"], oldest, bounds.without)
        reasons, passed = divided(judge(nodes, args["batch"], args["run_id"], self.lost, bounds), bounds.override)
        if reasons:
            told = f"Interlock: {', '.join(args['batch']) or 'nobody'} does not leave, nothing was changed. {all_told(reasons)}."
            raise Refused(told, refused=[reason.told for reason in reasons])
        for line in fit(bounds.override.lines(passed)):
            self._display.display(line)
        return {**permit(nodes, args["batch"], args["batch_id"]), "override": bounds.override.record(passed)}
