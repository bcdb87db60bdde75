# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._action import Refused, Step
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._refusals import Refusal
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._evidence import registered
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.reach._lease import had, holder
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.reach._reading import seen, stamped


class ActionModule(Step):
    """The lock of the node, and what it says, in one round trip."""

    def act(self, args: dict[str, Any]) -> dict[str, Any]:
        decided = args.pop("decided", None)
        if decided:
            self._require(decided)
        args = {**seen(args, self._connection, self._play_context.remote_addr), **holder(self.task_vars, args), "node": self.name}
        return stamped(lambda asked: had(lambda once: self.module("begin", once), asked, self._display.display), args)

    def _require(self, decided: str) -> None:
        """On core 2.16 the others come here, too, when the node that decides has refused the run."""
        first = self.task_vars["ansible_play_hosts_all"][0]
        result = registered(self.task_vars["hostvars"], first, decided)
        if not result or result.get("failed") or result.get("unreachable") or result.get("skipped"):
            text = f"The lock of {first}, which decides between two runs, was not had. Nothing was changed here."
            raise Refused(Refusal("HS-LOCKED", text).told)
