# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.halfswap.bluegreen.plugins.module_utils._shown import shown
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._action import Step
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._evidence import LENGTH
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.reach._reading import seen, stamped


class ActionModule(Step):
    """Reads the node and its place. Why that does not go is a finding like others, and no failure."""

    def act(self, args: dict[str, Any]) -> dict[str, Any]:
        asked = {"remote_tmp": self._remote_tmp(), **seen(args, self._connection, self._play_context.remote_addr)}
        said = stamped(lambda each: self.module("node_check", each), asked)
        if not said.get("failed") or said.get("unreachable"):
            return said
        # What sudo or a missing Python says is beside the message of core.
        told = " ".join(filter(None, (str(said.get(key) or "").strip() for key in ("msg", "module_stderr", "module_stdout"))))
        return {"changed": False, "unreadable": shown(told or "no reason was given", LENGTH)}

    def _remote_tmp(self) -> str:
        """Where Ansible puts what it runs on the node."""
        try:
            return str(self._connection._shell.get_option("remote_tmp"))
        except (AttributeError, KeyError):
            return "~/.ansible/tmp"
