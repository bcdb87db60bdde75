# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase

from ansible_collections.halfswap.bluegreen.plugins.module_utils._heartbeat_api import HeartbeatError
from ansible_collections.halfswap.bluegreen.plugins.module_utils._switch import Failure, Switch, wait
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._application import LIMITS_SPEC, limits, stacks_of
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._author import author
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._evidence import Node, read_node, read_nodes, registered
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._interlock import (
    Limits,
    held_by_another,
    refuse_exclusive,
    refuse_live,
    refuse_standby,
    requests_per_s,
)
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._ways import POLL_S, Remote, WayError, sending, way, with_seen

MODULE = "halfswap.bluegreen.heartbeat"

# Judged here; on the node they would mean nothing.
JUDGED = {**LIMITS_SPEC, "load_balancers": {"type": "list", "elements": "dict"}}

# What the module has its own defaults for, where the work is done here.
DONE_HERE = {
    "reason": {"type": "str", "default": ""},
    "phase": {"type": "str"},
    "settle_timeout_s": {"type": "float", "default": 60.0},
    "traffic_timeout_s": {"type": "float", "default": 10.0},
    "lead_s": {"type": "float", "default": 0.0},
}


class ActionModule(ActionBase):
    """The interlock, in front of the module heartbeat: no proof, no switch."""

    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        args = dict(self._task.args)
        for required in ("state", "batch_id", "components", "run_id"):
            if not args.get(required):
                raise AnsibleActionFail(f"{MODULE}: the option {required} is required.")
        application = stacks_of(task_vars)
        bounds = _limits(args, application)
        if args.get("load_balancers"):
            args["load_balancers"] = bounds.load_balancers
        evidence = _Evidence(args, application, bounds, task_vars)
        reasons = evidence.refuse()
        if reasons:
            result.update(
                failed=True,
                changed=False,
                refused=reasons,
                msg=f"Interlock: {evidence.me.name} does not go to {args['state']}, nothing was changed. " + "; ".join(reasons) + ".",
            )
            return result
        args["components"] = [_as_seen(component, evidence) for component in args["components"]]
        args.setdefault("by", author(task_vars))
        args["release"] = evidence.release()
        # Judged; the node only keeps what is its own of it.
        sanity = args.pop("sanity", None) or []
        args["tested"] = _tested(sanity, evidence.me.name) if args["state"] == "live" else {}
        via = way(args["components"])
        if via == "node":
            result.update(self._execute_module(MODULE, module_args=args, task_vars=task_vars))
            return result
        try:
            with sending(via, self._connection, self._play_context.remote_addr) as send:
                result.update(self._switch([Remote(component, args["token"], send) for component in args["components"]], args, task_vars))
        except (HeartbeatError, WayError) as exc:
            result.update(failed=True, msg=str(exc))
        return result

    def _switch(self, heartbeats: list[Remote], args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """The switch where only the controller reaches the heartbeats: the node judges, it is written from here, the node records."""

        def on_the_node(step: str) -> dict[str, Any]:
            components = [with_seen(component, heartbeat.relayed) for component, heartbeat in zip(args["components"], heartbeats)]
            return self._execute_module(MODULE, module_args={**args, "components": components, "step": step}, task_vars=task_vars)

        judged = on_the_node("judge")
        if judged.get("failed") or "statuses" not in judged:  # which it is not in check mode
            return judged
        params = {**args, **_validated(DONE_HERE, args), "load_balancers": args.get("load_balancers") or []}
        switch = Switch(params, heartbeats, POLL_S)
        switch.before = judged.pop("statuses")
        work = judged.pop("work")
        if work:
            switch.lead()
        for heartbeat in heartbeats:
            if heartbeat.name in work:
                heartbeat.write(switch.before[heartbeat.name], params)
        recorded = on_the_node("record")
        if recorded.get("failed"):
            recorded["msg"] = f"The heartbeat was written, but the node has not recorded it: {recorded['msg']}"
            return recorded
        switch.after = recorded["statuses"]
        for heartbeat in heartbeats:
            heartbeat.recorded(switch.after[heartbeat.name])
        warnings: list[str] = []
        try:
            judged.update(wait(switch, bool(work), warnings.append))
        except Failure as exc:
            judged.update(exc.result, failed=True, msg=str(exc))
        return {**judged, "warnings": [*judged.get("warnings", []), *warnings]} if warnings else judged


class _Evidence:
    """Every node of the inventory as it was read for this batch, and this node as it was read last."""

    def __init__(self, args: Mapping[str, Any], application: Mapping[str, Sequence[str]], bounds: Limits, task_vars: Mapping[str, Any]) -> None:
        self.args = args
        self.limits = bounds
        self.stack_of = {name: stack for stack, names in application.items() for name in names}
        self.hostvars = task_vars["hostvars"]
        self.oldest = time.monotonic() - float(args.get("evidence_max_age_s") or 60.0)
        self.variable = args.get("evidence") or "bluegreen_evidence"
        name = task_vars["inventory_hostname"]
        if name not in self.stack_of:
            raise AnsibleActionFail(f"{MODULE}: {name} is in neither of the inventory groups blue and green.")
        # What the others serve is only a comparison when a node goes live; when it leaves, they must have been read just now.
        oldest = self.oldest if args["state"] == "standby" else None
        self.nodes = read_nodes(application, self.hostvars, self.variable, args["batch_id"], oldest, bounds.without)
        self.me = self.last_read(name)

    def last_read(self, name: str) -> Node:
        said = registered(self.hostvars, name, self.args.get("proof_evidence") or self.variable)
        return read_node(name, self.stack_of[name], said, self.args["batch_id"], self.oldest)

    def refuse(self) -> list[str]:
        args, me = self.args, self.me
        foreign = held_by_another(self.nodes, args["run_id"])
        if args["state"] == "live":
            return foreign + refuse_live(me, self.nodes, args.get("proof") or {}, args.get("sanity") or [], bool(args.get("adopt")))
        if me.unread:
            return [f"{me.name}: {me.unread}"]
        batch = args.get("batch") or [me.name]
        if me.name not in batch:
            return [f"{me.name} is not in the batch {', '.join(batch)}"]
        if not me.live:
            return foreign  # it serves nobody: no capacity leaves
        if args.get("successors"):
            successors = [self.last_read(name) for name in args["successors"]]
            return foreign + refuse_exclusive(successors, self.nodes, batch, args["successors"], args.get("sanity") or [], self.limits)
        return foreign + refuse_standby(self.nodes, batch, self.limits)

    def release(self) -> dict[str, str | None] | None:
        """What the node is known to serve: from now on, or until now."""
        if self.args["state"] == "live":
            return self.args.get("proof")
        return self.me.nevras if self.me.serving and not self.me.doubts() else None


def _validated(spec: Mapping[str, Any], args: Mapping[str, Any]) -> dict[str, Any]:
    given = ArgumentSpecValidator(spec).validate({key: args[key] for key in spec if args.get(key)})
    if given.error_messages:
        raise AnsibleActionFail(f"{MODULE}: {'; '.join(given.error_messages)}.")
    return given.validated_parameters


def _limits(args: Mapping[str, Any], application: Mapping[str, Sequence[str]]) -> Limits:
    return limits(_validated(JUDGED, args), application)


def _as_seen(component: dict[str, Any], evidence: _Evidence) -> dict[str, Any]:
    """Compare-and-set: each write carries the revision that the decision was made on. And one to live the traffic that it can expect."""
    seen = next((each for each in evidence.me.components if each.name == component["name"]), None)
    component = {**component, "revision": seen and seen.revision}
    if evidence.args["state"] == "live" and seen and seen.served is not None:
        component["expected_per_s"] = requests_per_s(evidence.nodes, seen.name, len(evidence.nodes))
    return component


def _tested(sanity: Sequence[Mapping[str, Any]], name: str) -> dict[str, Any]:
    """For the journal of the node, what each component's test showed of it, and the rest, which is of the whole batch."""
    found = {}
    for result in sanity:
        mine = [check for check in result.get("results") or () if check["node"] == name]
        if "component" in result and mine:
            found[result["component"]] = {
                "checks": len(mine),
                "answers": sum(check["answers"] for check in mine),
                "slowest_s": max(check["latency_s"] for check in mine),
                "commands": [check["check"] for check in result["results"] if check["through"] == "command"],
                "compare": result.get("compare") or {},
            }
    return found
