# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.vars import load_extra_vars

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._application import stacks
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.site.description import PREFIX, SiteError
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.site.reading import description, differing
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.site.table import PLAYBOOKS, VARIABLES

# Each of these runs every task on all hosts before the next one, which is what a swap rests on.
LINEAR = ("linear", "ansible.builtin.linear", "mitogen_linear")
# Inventories hide secrets in them; the lookup `setting` gives them, and secrets, to whoever needs them.
UNREGISTERED = ("components", "observe", "migrations", "release", *(key.name for key in VARIABLES if key.secret))


class ActionModule(ActionBase):
    """Checks every variable of the site at once, and registers those that are no secrets."""

    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        _valid, args = self.validate_argument_spec(
            argument_spec={
                "playbook": {"type": "str", "choices": list(PLAYBOOKS), "required": True},
                "release": {"type": "bool", "default": False},
            }
        )
        faults: list[str] = []
        strategy = str(self._task.get_play().strategy)
        if strategy not in LINEAR:
            faults.append(f"The play's strategy is {strategy}, with which nodes do not wait for each other: use ansible.builtin.linear.")
        found = description(task_vars, self._loader, load_extra_vars(self._loader))
        settings: Mapping[str, Any] = {}
        application: dict[str, list[str]] = {}
        try:
            settings = found.check(args["playbook"], _needed(args["playbook"], args["release"]))
        except SiteError as exc:
            faults += exc.faults
        application = stacks(task_vars["groups"], found.application)
        faults += differing(application, task_vars["hostvars"])
        if settings:
            faults += _strangers(settings, application)
        if faults:
            count = f"{len(faults)} faults" if len(faults) > 1 else "a fault"
            result.update(failed=True, msg="\n- ".join([f"The description of the site has {count}. Nothing was changed.", *faults]))
            return result
        result.update({name: value for name, value in settings.items() if name not in UNREGISTERED})
        result.update(changed=False, application=found.application, nodes=[name for stack in application.values() for name in stack], **application)
        return result


def _needed(playbook: str, release: bool) -> list[str]:
    """The variables without which this playbook has nothing to do; deploy needs a release only where it deploys one."""
    required = [key.name for key in VARIABLES if key.required and key.read_by(playbook)]
    return required if release or playbook != "deploy" else [name for name in required if name != "release"]


def _strangers(settings: Mapping[str, Any], application: Mapping[str, list[str]]) -> list[str]:
    """Names of nodes that are none."""
    names = {name for stack in application.values() for name in stack}
    given = {"without": settings.get("without") or [], "verify_nodes": settings.get("verify_nodes") or []}
    return [
        f"{PREFIX}{variable} names {name}, which is no node: there are {', '.join(sorted(names)[:20])}."
        for variable, nodes in given.items()
        if nodes != "all"
        for name in nodes
        if name not in names
    ]
