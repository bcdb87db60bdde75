# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._action import Step
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.reach._reading import seen, stamped


class ActionModule(Step):
    """Runs the module node_info on the node and stamps what it says with the controller's monotonic time; compares their clocks."""

    def act(self, args: dict[str, Any]) -> dict[str, Any]:
        return stamped(lambda asked: self.module("node_info", asked), seen(args, self._connection, self._play_context.remote_addr))
