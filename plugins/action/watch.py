# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._evidence import registered
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._watch import anomalies, verdict


class ActionModule(ActionBase):
    """Judges for all hosts what was registered on each of them; never fails, so that every host comes to what follows from it."""

    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        _valid, args = self.validate_argument_spec(
            argument_spec={
                "batch": {"type": "dict", "required": True},
                "on_failure": {"type": "str", "required": True},
                "observed": {"type": "str", "required": True},
                "traffic": {"type": "list", "elements": "str", "required": True},
                "traffic_attempts": {"type": "int", "required": True},
                "former": {"type": "str", "required": True},
            }
        )
        hosts = task_vars["ansible_play_hosts_all"]
        found = (registered(task_vars["hostvars"], task_vars["inventory_hostname"], args["former"]) or {}).get("anomalies") or anomalies(
            {name: registered(task_vars["hostvars"], name, args["observed"]) for name in hosts},
            [registered(task_vars["hostvars"], hosts[0], name) for name in args["traffic"]],
            args["traffic_attempts"],
        )
        result.update(changed=False, found=bool(found), anomalies=found, verdict=verdict(found, args["batch"], args["on_failure"]) if found else "")
        return result
