# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A flip of the heartbeats of one node, with the interlock in front of it: no proof, no flip."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.halfswap.bluegreen.plugins.module_utils.heartbeat._switch import Failure, Switch, wait

from .._application import LIMITS_SPEC, limits, stacks_of
from .._refusals import Refusal
from ..judge import _permit
from ..judge._evidence import Node, read_node, read_nodes, registered, variable_named
from ..judge._interlock import (
    Limits,
    held_by_another,
    refuse_adoption,
    refuse_exclusive,
    refuse_live,
    refuse_standby,
    requests_per_s,
    served_by,
)
from ..judge._tested import results
from ._ways import POLL_S, Remote, with_seen

JUDGED = {**LIMITS_SPEC, "load_balancers": {"type": "list", "elements": "dict"}}

DONE_HERE = {
    "reason": {"type": "str", "default": ""},
    "phase": {"type": "str"},
    "settle_timeout_s": {"type": "float", "default": 60.0},
    "traffic_timeout_s": {"type": "float", "default": 10.0},
    "lead_s": {"type": "float", "default": 0.0},
}


def validated(spec: Mapping[str, Any], args: Mapping[str, Any]) -> dict[str, Any]:
    given = ArgumentSpecValidator(spec).validate({key: args[key] for key in spec if args.get(key)})
    if given.error_messages:
        raise AnsibleActionFail(f"{'; '.join(given.error_messages)}.")
    found: dict[str, Any] = given.validated_parameters
    return found


class Ground:
    """What a flip of this node rests on: a permit, which was judged once for the batch, or else what every node said, judged here."""

    def __init__(self, args: Mapping[str, Any], task_vars: Mapping[str, Any]) -> None:
        self.args = args
        self.vars = task_vars
        self.name = str(task_vars["inventory_hostname"])
        self.application = stacks_of(task_vars)
        self.stack_of = {name: stack for stack, names in self.application.items() for name in names}
        if self.name not in self.stack_of:
            raise AnsibleActionFail(f"{self.name} is in neither of the inventory groups blue and green.")
        self.limits: Limits = limits(validated(JUDGED, args), self.application)
        self.oldest = time.monotonic() - float(args.get("evidence_max_age_s") or _permit.MAX_AGE_S)
        self.variable = args.get("evidence") or "bluegreen_evidence"
        self.permit: Any = task_vars.get(variable_named(args["permit"])) if args.get("permit") else None
        self.nodes: Sequence[Node] = () if args.get("permit") else self._all()
        tested = args.get("sanity") or []
        shown = [registered(task_vars["hostvars"], args.get("sanity_host") or self.name, name) for name in (tested if isinstance(tested, list) else [tested])]
        # An exclusive switch is part of the batch that was tested.
        self.tests = results(shown, args["batch_id"].removesuffix("/switch"))

    def _all(self) -> Sequence[Node]:
        # What the others serve is only a comparison when a node goes live; when it leaves, they must have been read just now.
        oldest = self.oldest if self.args["state"] == "standby" else None
        return read_nodes(self.application, self.vars["hostvars"], self.variable, self.args["batch_id"], oldest, self.limits.without)

    def last_read(self, name: str) -> Node:
        said = registered(self.vars["hostvars"], name, self.args.get("proof_evidence") or self.variable)
        # What the node itself looks at once more, just before the flip, may be older.
        looks_again = self.args["state"] == "live" and all(c.get("package") and c.get("service") for c in self.args["components"])
        return read_node(name, self.stack_of[name], said, self.args["batch_id"], None if looks_again else self.oldest)

    def refuse(self) -> list[Refusal]:
        if self.args.get("permit"):
            if self.args.get("adopt"):
                why = "whether it may be adopted is told by what all nodes said (option evidence), and a permit does not have that"
                return [Refusal("HS-PERMIT", f"{self.name}: {why}")]
            comes_in = self.args["state"] == "live"
            refused = _permit.refuse(self.permit, self.args["batch_id"], self.name, None if comes_in else _permit.MAX_AGE_S)
            return refused or (self._refuse_live(self.permit["served"]) if comes_in else [])
        return held_by_another(self.nodes, self.args["run_id"]) + self._refuse_by_all()

    def _refuse_by_all(self) -> list[Refusal]:
        args, me = self.args, self.me
        batch = args.get("batch") or [me.name]
        if args["state"] == "live":
            # Of an exclusive switch both halves are judged alike. One that came in while the other one must not leave would serve beside it: on core 2.16
            # whoever is to come in gets here, too, when another node could not be read.
            return self._refuse_live(served_by(self.nodes)) or (self._refuse_exclusive(batch) if args.get("successors") else [])
        if me.unread:
            return [Refusal("HS-UNREAD", f"{me.name}: {me.unread}")]
        if me.name not in batch:
            return [Refusal("HS-PERMIT", f"{me.name} is not in the batch {', '.join(batch)}")]
        if not me.live:
            return []  # it serves nobody: no capacity leaves
        return self._refuse_exclusive(batch) if args.get("successors") else refuse_standby(self.nodes, batch, self.limits)

    def _refuse_exclusive(self, batch: Collection[str]) -> list[Refusal]:
        successors = [self.last_read(name) for name in self.args["successors"]]
        return refuse_exclusive(successors, self.nodes, batch, self.args["successors"], self.tests, self.limits)

    def _refuse_live(self, served: Sequence[Mapping[str, str | None]]) -> list[Refusal]:
        adoption = refuse_adoption(self.me, self.nodes) if self.args.get("adopt") else None
        return refuse_live(self.me, served, self.args.get("proof") or {}, self.tests, adoption)

    @functools.cached_property
    def me(self) -> Node:
        return self.last_read(self.name)

    def expected_per_s(self, component: str) -> float:
        return float(self.permit["expected_per_s"].get(component, 0.0)) if self.permit else requests_per_s(self.nodes, component, len(self.nodes))

    def as_seen(self, component: dict[str, Any]) -> dict[str, Any]:
        """Compare-and-set: each write carries the revision that the decision was made on. And one to live the traffic that it can expect."""
        if self.args["state"] == "standby" and self.permit:
            return {**component, "revision": self.permit["nodes"][self.name]["revisions"].get(component["name"])}
        seen = next((each for each in self.me.components if each.name == component["name"]), None)
        component = {**component, "revision": seen and seen.revision}
        if self.args["state"] == "live" and seen and seen.served is not None:
            component["expected_per_s"] = self.expected_per_s(seen.name)
        return component

    def release(self) -> Mapping[str, str | None] | None:
        """What the node is known to serve: from now on, or until now."""
        if self.args["state"] == "live":
            return self.args.get("proof")
        if self.permit:
            serves: Mapping[str, str | None] | None = self.permit["nodes"][self.name]["serves"]
            return serves
        return self.me.nevras if self.me.serving and not self.me.doubts() else None


def switched_from_here(ask: Callable[..., dict[str, Any]], heartbeats: Sequence[Remote], args: Mapping[str, Any]) -> dict[str, Any]:
    """The switch where only the controller reaches the heartbeats: the node judges, it is written from here, the node records.

    ask: runs the module on the node with some arguments instead of its own.
    """

    def on_the_node(step: str) -> dict[str, Any]:
        return ask(components=[with_seen(component, beat.relayed) for component, beat in zip(args["components"], heartbeats)], step=step)

    judged = on_the_node("judge")
    if judged.get("failed") or "statuses" not in judged:  # which it is not in check mode
        return judged
    params = {**args, **validated(DONE_HERE, args), "load_balancers": args.get("load_balancers") or []}
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
