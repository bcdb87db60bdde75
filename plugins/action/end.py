# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._action import Step
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.reach._lease import holder
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.reach._reading import seen, stamped


class ActionModule(Step):
    """Gives the lock of the node back, and reads the node, in one round trip."""

    def act(self, args: dict[str, Any]) -> dict[str, Any]:
        planned = args.pop("plan", None) or {}
        args = {**seen(args, self._connection, self._play_context.remote_addr), **holder(self.task_vars, args)}
        if args.get("result", "complete") == "complete":
            args["batch_s"] = _batch_s(planned, self.name)
        return stamped(lambda asked: self.module("end", asked), args)


def _batch_s(planned: Mapping[str, Any], node: str) -> float | None:
    """What each batch took, but for the waits that were planned; None where the plan did not bring another release to this node."""
    swaps = [batch for batch in planned.get("batches") or () if batch["nodes"]]
    if not any(node in batch["nodes"] and batch["before"][node] != batch["after"][node] and node not in batch["ready"] for batch in swaps):
        return None
    return float(max(0.0, time.time() - planned["at"] - planned["waits_s"]) / len(swaps))
