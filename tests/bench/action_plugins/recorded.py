# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import time
from pathlib import Path

from ansible.plugins.action import ActionBase

PATTERN = Path(__file__).parents[1] / "node_info.json"
BATCH_ID = "run/1"


class ActionModule(ActionBase):
    """Gives what a node would have said, had there been one: what module node_info said of a real node, or what rpm_stage would have found."""

    _requires_connection = False

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        if self._task.args["what"] == "packages":
            result["packages"] = [{"name": "shop", "before": "shop-1.0.0-1.noarch", "after": "shop-2.0.0-1.noarch"}]
        else:
            result.update(
                json.loads(PATTERN.read_text(encoding="utf-8")), at=time.monotonic(), batch_id=BATCH_ID, machine=(task_vars or {})["inventory_hostname"]
            )
        return result
