# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.vars import load_extra_vars

from ansible_collections.halfswap.bluegreen.plugins.module_utils._shown import shown
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._application import address_of, stacks
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._components import ComponentError, view
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._refusals import Refusal
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._target import TARGETS
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._waits import lock_s
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.lb_check._verify_plan import faults as unmeasurable
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.lb_check._verify_plan import verification
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.site.description import PREFIX, REASON_CHARACTERS, SiteError
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.site.reading import description, differing
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.site.table import EXAMINED, PLAYBOOKS, VARIABLES

# Each of these runs every task on all hosts before the next one, which is what a swap rests on.
LINEAR = ("linear", "ansible.builtin.linear", "mitogen_linear")
# Inventories hide secrets in them; the lookup `setting` gives them, and secrets, to whoever needs them.
# Playbooks that take the locks, under the name of a run.
LOCKING = ("setup", "deploy", "adopt", "migrate", "verify_lb")
# Targets of deploy that are no way back.
FORWARD = ("release", "confirm")
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
                "target": {"type": "str", "choices": list(TARGETS), "default": "release"},
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
            settings = found.check(args["playbook"], _needed(args["playbook"], args["target"]))
        except SiteError as exc:
            faults += exc.faults
        application = stacks(task_vars["groups"], found.application)
        faults += differing(application, task_vars["hostvars"])
        if settings:
            faults += _strangers(settings, application)
            faults += _unfit(settings, args["playbook"]) if args["playbook"] in (*LOCKING, "doctor") else []
            faults += unmeasurable(settings) if args["playbook"] == "verify_lb" else []
        if faults:
            count = f"{len(faults)} faults" if len(faults) > 1 else "a fault"
            told = "\n- ".join([f"The description of the site has {count}. Nothing was changed.", *faults])
            result.update(failed=True, faults=faults, msg=Refusal("HS-SITE", told).told)
            return result
        result.update({name: value for name, value in settings.items() if name not in UNREGISTERED})
        result.update(_of_run(args["playbook"], args["target"], settings, task_vars))
        result.update({"verification": verification(settings, application, found.application)} if args["playbook"] == "verify_lb" else {})
        result.update({"servers": servers(application, task_vars["hostvars"])} if args["playbook"] == "setup" else {})
        result.update(changed=False, application=found.application, nodes=[name for stack in application.values() for name in stack], **application)
        return result


def _needed(playbook: str, target: str) -> list[str]:
    """The variables without which this playbook has nothing to do; deploy needs a release only where it deploys one."""
    required = [key.name for key in VARIABLES if key.required and key.read_by(playbook)]
    # A doctor can do without a repository: packages may come from wherever the nodes find them.
    spared = {"deploy": ["release"] if target != "release" else [], "doctor": ["repository"]}.get(playbook, [])
    return [name for name in required if name not in spared]


def _of_run(playbook: str, target: str, settings: Mapping[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
    """What is the same for every step of a run that takes the locks: its name, why it is done, and for how long it may keep a lock."""
    if playbook == "doctor":
        return {"drain": _drain(settings)}
    if playbook not in LOCKING:
        return {}
    job = task_vars.get("awx_job_id") or task_vars.get("tower_job_id") or random.randint(1000, 9999)
    release = shown(settings.get("release") or "", REASON_CHARACTERS)
    what = {"deploy": f"release {release}" if target == "release" else target, "migrate": f"migrate {release}"}
    found: dict[str, Any] = {
        "run_id": f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{job}",
        "reason": what.get(playbook, playbook),
        "capacity": view(settings["components"], "capacity"),
    }
    if playbook == "deploy":
        forward = target in FORWARD
        found.update(target=target, forward=forward, lock_s=lock_s(settings), drain=_drain(settings))
        # Whoever has to go back does not wait for a window.
        found.update({} if forward else {"windows": {}})
        found.update(_broken_glass(found["reason"], settings["override"]) if settings["override"] else {})
    return found


def _broken_glass(reason: str, override: Mapping[str, Any]) -> dict[str, Any]:
    """The override goes where the reason of the run goes: into the lock and each switch, and so into status, journal and history."""
    why = shown(override["reason"], REASON_CHARACTERS)
    return {
        "override": {"reason": why, "refusals": override["refusals"]},
        "reason": shown(f"{reason}, override of {', '.join(override['refusals'])}: {why}", REASON_CHARACTERS),
    }


def _unfit(settings: Mapping[str, Any], playbook: str) -> list[str]:
    """What only shows where the description is put to use; a lock is no place to find it out."""
    try:
        # Who does not drain needs no way to.
        for kind in ("node", "drain") if playbook in EXAMINED else ("node",):
            view(settings["components"], kind, settings.get("drain_method"))
    except ComponentError as exc:
        return [str(exc)]
    return []


def _drain(settings: Mapping[str, Any]) -> dict[str, Any]:
    """How it is known that nothing is in flight; which components is for whoever asks."""
    return {name.removeprefix("drain_"): value for name, value in settings.items() if name.startswith("drain_")}


def servers(application: Mapping[str, list[str]], hostvars: Any) -> list[dict[str, str]]:
    """Every node and its address as the load balancers reach it; also of those that this run leaves out, which they go on checking."""
    return [{"name": name, "address": address_of(hostvars[name], name)} for stack in application.values() for name in stack]


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
