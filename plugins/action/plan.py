# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible import constants, context
from ansible.errors import AnsibleActionFail

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._action import Judgement, Refused
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._application import LIMITS_SPEC, count_of, limits, speaker, stacks_of
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._refusals import Refusal, all_told, divided
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._doctor import before_a_swap
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._evidence import Node, Unstaged, read_nodes, staged
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._interlock import held_by_another
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._planner import STRATEGIES, Plan, Policy, going_on, plan
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._windows import WindowError, refusals
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.show._report import eta_s, plan_lines, waits_s


class ActionModule(Judgement):
    """The planner's hands: gathers what was registered on every node, plans, shows the plan."""

    SPEC = {
        **LIMITS_SPEC,
        "observed": {"type": "str", "required": True},
        "packages": {"type": "str"},
        "run_id": {"type": "str", "default": ""},
        "strategy": {"type": "str", "choices": list(STRATEGIES), "default": "halves"},
        "batch_size": {"type": "str", "default": "1"},
        "exclusive": {"type": "bool", "default": False},
        "confirm_after": {"type": "float"},
        "observe_s": {"type": "float"},
        "plan_hash": {"type": "str", "default": ""},
        "forward": {"type": "bool", "default": True},
        "deployment": {"type": "str", "default": ""},
        "way_back": {"type": "bool", "default": True},
        "node_count": {"type": "int", "default": 0},
        "windows": {"type": "dict", "default": {}},
        "clock_skew_s": {"type": "float", "default": 5.0},
    }

    def judge(self, args: dict[str, Any]) -> dict[str, Any]:
        application = stacks_of(self.task_vars)
        hostvars = self.task_vars["hostvars"]
        nodes = read_nodes(application, hostvars, args["observed"], without=args["without"])
        try:
            wanted = {} if any(node.unread for node in nodes) else staged(nodes, hostvars, args["packages"])
        except Unstaged as exc:
            raise Refused(Refusal("HS-PACKAGES", str(exc)).told) from exc
        policy = Policy(
            strategy=args["strategy"],
            batch_size=count_of("bluegreen_batch_size", args["batch_size"], sum(map(len, application.values()))),
            exclusive=args["exclusive"],
            confirm_after_s=args["confirm_after"],
            # A few nodes at a time is only worth the time when somebody looks at them.
            observe_s=args["observe_s"] if args["observe_s"] is not None else ROLLING_OBSERVE_S if args["strategy"] == "rolling" else 0.0,
            deployment=args["deployment"] or ((going_on(nodes, wanted) or args["run_id"]) if args["forward"] else ""),
            way_back=args["way_back"],
            limits=limits(args, application),
        )
        found = plan(nodes, wanted, policy)
        unfit = before_a_swap(nodes, bool(found.batches), args["clock_skew_s"])
        reasons = [*_around(application, nodes, args, self.task_vars), *unfit, *found.refusals]
        if found.batches:
            reasons += _forks(found) + _approval(found, args["plan_hash"]) + _time(found, nodes, policy, args["windows"])
        refused, passed = divided(reasons, policy.limits.override)
        found = replace(found, refusals=tuple(refused), passed=(*found.passed, *passed))
        if refused:
            found = replace(found, batches=(), passed=())
        lines = plan_lines(found, nodes, policy)
        for line in lines if speaker(self.task_vars) else ():
            self._display.display(line)
        if found.refusals:
            raise Refused(f"Refused, nothing was changed: {all_told(found.refusals)}.", **found.as_dict(), table=lines)
        seconds, _certain = eta_s(found, nodes, policy)
        times = {"eta_s": round(seconds, 1), "waits_s": round(waits_s(found, nodes, policy), 3), "at": round(time.time(), 3)}
        override = policy.limits.override.record(found.passed)
        return {**found.as_dict(), "table": lines, "hash": found.digest, **times, "override": override}


# Long enough for a handful of health checks and, where there is traffic, for every kind of request to come by.
ROLLING_OBSERVE_S = 10.0


def _around(application: Mapping[str, Sequence[str]], nodes: Sequence[Node], args: Mapping[str, Any], task_vars: Mapping[str, Any]) -> list[Refusal]:
    """What has to be right around the nodes, whatever is planned."""
    count = sum(map(len, application.values()))
    reasons = held_by_another(nodes, args["run_id"])
    if args["node_count"] not in (0, count):
        sliced = f"the inventory has {count} nodes here, and bluegreen_node_count is {args['node_count']}: a sliced job sees a part of them only"
        reasons.append(Refusal("HS-SLICED", sliced))
    if not args["node_count"] and ("awx_job_id" in task_vars or "tower_job_id" in task_vars):
        reasons.append(Refusal("HS-SLICED", f"under AWX a job may be sliced: declare how many nodes there are, bluegreen_node_count: {count}"))
    return reasons


def _forks(found: Plan) -> list[Refusal]:
    """Ansible lets so many nodes act side by side. Were the switch made in turns, the first ones would serve while the last ones still do."""
    at_once = max((len(batch.nodes) + len(batch.retire) for batch in found.batches if batch.exclusive), default=0)
    forks = int(context.CLIARGS.get("forks") or constants.DEFAULT_FORKS)
    if at_once <= forks:
        return []
    told = f"an exclusive switch of {at_once} nodes needs as many forks, and there are {forks}: run it with --forks {at_once} (in AWX: forks of the template)"
    return [Refusal("HS-FORKS", told)]


def _approval(found: Plan, approved: str) -> list[Refusal]:
    if approved in ("", found.digest):
        return []
    return [
        Refusal(
            "HS-APPROVAL",
            f"the plan is {found.digest} now, and bluegreen_plan_hash approves {approved}: the nodes or packages are others than they were then. "
            "Look at the plan with --check, and have it approved again",
        )
    ]


def _time(found: Plan, nodes: Sequence[Node], policy: Policy, windows: Mapping[str, Any]) -> list[Refusal]:
    seconds, _certain = eta_s(found, nodes, policy)
    try:
        return refusals(windows, datetime.datetime.now(datetime.timezone.utc), seconds)
    except WindowError as exc:
        raise AnsibleActionFail(f"bluegreen_windows: {exc}") from exc
