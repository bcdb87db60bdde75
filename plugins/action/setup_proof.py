# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time
from typing import Any

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._action import Refused, Step
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._application import load_balancers
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._refusals import Refusal
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._evidence import registered
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._setup import patience_s, unproven
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.reach._reading import seen, stamped

PAUSE_S = 0.5


class ActionModule(Step):
    """Reads the node until it answers as it did before the change, and the load balancers that asked have asked again."""

    def act(self, args: dict[str, Any]) -> dict[str, Any]:
        began = time.monotonic()
        before = registered(self.task_vars["hostvars"], self.name, args.pop("before"))
        balancers = load_balancers(args.pop("load_balancers"))
        agents = [component["name"] for component in args["components"]]
        patience = patience_s(self.name, before, balancers)
        while True:
            at = time.monotonic()
            said = stamped(lambda asked: self.module("node_info", asked), seen(args, self._connection, self._play_context.remote_addr))
            missing = unproven(self.name, before, said, agents, balancers, at - began)
            if not missing:
                return {**said, "changed": False, "proven": True}
            if time.monotonic() - began >= patience:
                text = f"{self.name}: {'; '.join(missing)} ({patience:.0f} s after the change)"
                raise Refused(Refusal("HS-UNPROVEN", text).told, unproven=missing)
            time.sleep(PAUSE_S)
