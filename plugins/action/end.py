# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._action import Step
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._lease import holder
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._reading import seen, stamped


class ActionModule(Step):
    """Gives the lock of the node back, and reads the node, in one round trip."""

    def act(self, args: dict[str, Any]) -> dict[str, Any]:
        args = {**seen(args, self._connection, self._play_context.remote_addr), **holder(self.task_vars, args)}
        return stamped(lambda asked: self.module("end", asked), args)
