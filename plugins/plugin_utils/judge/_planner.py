# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The planner: from what the nodes say now and the release wanted, to the batches still missing, or a refusal with reasons.

A pure function of its arguments. It knows nothing of Ansible, of files or of earlier runs, which is why running it again after a
crash at any point is always right: half-finished work is simply what the nodes say.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from ansible_collections.halfswap.bluegreen.plugins.module_utils.heartbeat._settle import (
    KNOWN_AFTER,
    differences,
    misasked,
    missing_probers,
    silent_probers,
    strangers,
)

from .._refusals import Refusal, divided
from ..lb_check._probers import books, undeclared
from ._evidence import Node
from ._interlock import MEND_FILES, Limits, overloaded, remaining, too_few, unfit_for_exclusive

Packages = Mapping[str, str | None]  # component -> NEVRA; None where nothing is installed, or what was adopted has no package


@dataclass(frozen=True)
class Policy:
    """What the operator decided beforehand."""

    strategy: str = "halves"
    # Strategy `rolling`: how many nodes at a time.
    batch_size: int = 1
    # Strategy `cutover`: both halves switch at the same moment, behind a load balancer that holds requests.
    exclusive: bool = False
    # Strategy `cutover`: seconds after which the old half follows by itself; None waits for the playbook confirm.
    confirm_after_s: float | None = None
    # How long a batch is watched once it serves, before anything else moves.
    observe_s: float = 0.0
    # What the nodes call this deployment, or the one that it goes back to; nothing where no deployment is known.
    deployment: str = ""
    # Whether a release is refused whose way back was not rehearsed.
    way_back: bool = True
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True)
class Batch:
    """Nodes that are swapped together."""

    number: int
    nodes: tuple[str, ...]
    # Per node and component: the package that is there and the package that is to be there.
    before: Mapping[str, Mapping[str, str | None]]
    after: Mapping[str, Packages]
    # Per node, the packages to go back to when the batch fails: what it serves itself, or else what the nodes that stay serve.
    # Empty where there is no such thing: a node that has never served stays in standby.
    restore: Mapping[str, Packages]
    # The nodes that cannot go back there any more once a package is installed, and why.
    one_way: Mapping[str, str]
    # Those of the nodes that stand by with everything in place: they need a sanity test and no more.
    ready: tuple[str, ...]
    # The nodes that leave, as they are, once this batch serves: strategy `cutover` keeps them as the way back.
    retire: tuple[str, ...]
    exclusive: bool
    observe_s: float
    # What its nodes note as what brought the release. A way back names none: the nodes know what they served.
    deployment: str
    # The nodes that serve while the batch is out, those that serve after it, and how many there are.
    staying: tuple[str, ...]
    serving_after: tuple[str, ...]
    # Those of them that serve what a later batch replaces: what this one is compared with while it is watched.
    old: tuple[str, ...]
    total: int
    # The batch that takes this one back, should it turn out badly while it is observed.
    undo: Batch | None = None


@dataclass(frozen=True)
class Plan:
    """What is to be done; with refusals, nothing is."""

    strategy: str
    batches: tuple[Batch, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    # What would have refused it, and was passed by the operator's override.
    passed: tuple[Refusal, ...] = ()
    # What was seen to be otherwise than declared, and is worth a look.
    differences: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """What is registered. What was passed is told apart, with its reason."""
        found = {**asdict(self), "refusals": [refusal.told for refusal in self.refusals]}
        del found["passed"]
        return found

    @property
    def digest(self) -> str:
        """Names this plan: the same nodes, packages and order give the same digest, on any controller and in any run."""
        named = [{key: value for key, value in asdict(batch).items() if key not in ("undo", "deployment")} for batch in self.batches]
        return hashlib.sha256(json.dumps([self.strategy, named], sort_keys=True).encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Group:
    """What a strategy decides of a batch; everything else follows from it."""

    nodes: Sequence[Node]
    retire: Sequence[Node] = ()
    observe_s: float = 0.0
    # The nodes that could take over as they are, if this batch turned out badly.
    stand_by: Sequence[Node] = ()


def plan(nodes: Sequence[Node], wanted: Mapping[str, Packages], policy: Policy) -> Plan:
    """The batches that are missing until the application is where the strategy wants it.

    nodes: every node of the application but those of policy.limits.without, as it described itself.
    wanted: per node and component, the package (NEVRA) that it is to run.
    policy: what the operator decided beforehand.
    """
    unread = tuple(Refusal("HS-UNREAD", f"{node.name}: {node.unread}") for node in nodes if node.unread)
    if unread:
        return Plan(policy.strategy, refusals=unread)
    groups = STRATEGIES[policy.strategy](nodes, wanted, policy)
    if not groups:
        return Plan(policy.strategy)
    batches: list[Batch] = []
    refusals = _unwatched(nodes, policy.limits) + _cut_off(nodes, wanted) + (_alone(nodes) if policy.strategy != "all_live" else [])
    serving = [node.name for node in nodes if _counts(node)]
    # What serves, batch after batch.
    runs: dict[str, Packages] = {node.name: node.nevras for node in nodes if _counts(node)}
    for number, group in enumerate(groups, start=1):
        names = [node.name for node in group.nodes]
        leaving = [node.name for node in group.retire]
        staying = [name for name in serving if name not in names]
        after = [node.name for node in nodes if node.name in {*serving, *names} - {*leaving}]
        replaced = {node.name for later in groups[number:] for node in later.nodes if node.nevras != dict(wanted[node.name])}
        if any(node.live for node in group.nodes):
            refusals += _too_few(nodes, number, names, staying, policy)
        if leaving:
            refusals += _too_few(nodes, number, [node.name for node in nodes if node.name not in after], after, policy)
        kept: Mapping[str, Packages] = {} if policy.strategy == "all_live" else {name: _restore(name, staying, runs, wanted[name]) for name in names}
        batch = Batch(
            number=number,
            nodes=tuple(names),
            before={node.name: node.nevras for node in group.nodes},
            after={name: dict(wanted[name]) for name in names},
            restore=kept,
            one_way={node.name: why for node in group.nodes if (why := _one_way(node, kept.get(node.name) or {}, wanted[node.name], policy))},
            ready=tuple(node.name for node in group.nodes if not node.live and node.ready(wanted[node.name])),
            retire=tuple(leaving),
            exclusive=policy.exclusive and bool(leaving and names),
            observe_s=group.observe_s,
            deployment=policy.deployment,
            staying=tuple(staying),
            serving_after=tuple(after),
            old=tuple(name for name in after if name in replaced),
            total=len(nodes) + len(policy.limits.without),
        )
        runs = {name: wanted[name] if name in names else runs[name] for name in after}
        refusals += unfit_for_exclusive(policy.limits) if batch.exclusive else []
        batches.append(replace(batch, undo=_undo(batch, group)))
        serving = after
    refusals, passed = divided(dict.fromkeys(refusals), policy.limits.override)
    if refusals:
        for node in nodes:
            refusals += [Refusal("HS-UNHEALTHY", f"{node.name}: {text}") for text in node.unhealthy()]
            # A node that says live and is healthy may not count all the same.
            refusals += [Refusal("HS-DOUBT", f"{node.name}: {text}") for text in node.doubts() if node.serving]
        return Plan(policy.strategy, refusals=tuple(dict.fromkeys(refusals)))
    return Plan(policy.strategy, tuple(batches), passed=tuple(passed), differences=_otherwise(nodes, policy.limits))


def going_on(nodes: Sequence[Node], wanted: Mapping[str, Packages]) -> str:
    """The deployment that an earlier run began: what the nodes call it that serve what is wanted already."""
    done = [node for node in nodes if node.record and node.name in wanted and _done(node, wanted[node.name])]
    known = [node.record["deployment"] for node in done if node.record and node.record["current"] == node.nevras]
    return max(known, key=known.count, default="")


def _restore(name: str, staying: Collection[str], runs: Mapping[str, Packages], wanted: Packages) -> Packages:
    """What the node itself serves; or else what all of those that stay serve, unless that is what is tried here."""
    served = [runs[name]] if name in runs else [runs[other] for other in staying]
    if not served or any(other != served[0] for other in served) or served[0] == dict(wanted):
        return {}
    return dict(served[0])


def _one_way(node: Node, restore: Packages, wanted: Packages, policy: Policy) -> str:
    """Why what it served without a package does not come back once there is one; nothing where it does."""
    unknown = [c for c in node.components if c.name in restore and restore[c.name] is None and wanted[c.name]]
    for component in unknown:
        if not component.adopted:
            return f"{component.name} was not adopted on it"
        if not component.replaces:
            return f"{component.name} serves without a package, and the component has no key replaces, which names the unit to start again"
    if unknown and not policy.way_back:
        return f"{unknown[0].name} serves without a package, and nobody has looked which of its files the new one replaces (bluegreen_way_back is false)"
    return ""


def _undo(batch: Batch, group: Group) -> Batch | None:
    """The batch that takes this one back: the half that stands by serves again, or else the nodes get back what they served."""
    if group.stand_by:
        nodes: dict[str, Packages] = {node.name: dict(node.nevras) for node in group.stand_by}
        retire, ready = batch.serving_after, tuple(nodes)
    else:
        nodes = {name: packages for name, packages in batch.restore.items() if packages and name not in batch.one_way}
        retire, ready = (), ()
    if not nodes:
        return None
    return replace(
        batch,
        nodes=tuple(nodes),
        before={name: batch.after.get(name, packages) for name, packages in nodes.items()},
        after=nodes,
        restore={},
        one_way={},
        ready=ready,
        retire=retire,
        observe_s=0.0,
        deployment="",
        staying=tuple(name for name in batch.serving_after if name not in nodes),
        serving_after=tuple(nodes) if retire else batch.serving_after,
        old=(),
    )


def _too_few(nodes: Sequence[Node], number: int, out: Sequence[str], staying: Collection[str], policy: Policy) -> list[Refusal]:
    """Why those that stay are too few."""
    what = f"while batch {number} ({', '.join(out)}) is out"
    doubtful = any(node.serving and not _counts(node) for node in nodes)
    known = " with a release that is known for certain" if doubtful else ""
    reasons = [
        Refusal(too_few(stay), f"{what}, {len(stay)} of at least {least} nodes would serve{' ' if which else ''}{which}{known}")
        for stay, least, which in remaining(nodes, out, staying, policy.limits.min_live)
        if len(stay) < least
    ]
    unavailable = len(nodes) + len(policy.limits.without) - len(staying)
    if 0 < policy.limits.max_unavailable < unavailable:
        many = f"{what}, {unavailable} nodes would not serve, and bluegreen_max_unavailable is {policy.limits.max_unavailable}"
        reasons.append(Refusal("HS-UNAVAILABLE", many))
    return reasons + [refusal.of(f"{what}, ") for refusal in overloaded(nodes, staying, policy.limits.capacity)]


def _unwatched(nodes: Sequence[Node], limits: Limits) -> list[Refusal]:
    """A load balancer that does not check a node, or does so no more, can never be seen to notice."""
    kept = books((node.name, component.status) for node in nodes for component in node.components)
    nameless = undeclared(kept, limits.load_balancers)
    if nameless:
        return [Refusal("HS-UNDECLARED", text) for text in nameless]
    missing = _of_each(nodes, missing_probers, limits)
    if kept and missing:
        missing.append(
            f"a prober is known once it has asked {KNOWN_AFTER} times: does the load balancer check that URL, do bluegreen_load_balancers and its "
            "configuration agree, and does the firewall let its checks through?"
        )
    silent = _of_each(nodes, silent_probers, limits)
    if silent:
        silent.append(
            "does that load balancer still run and reach the nodes? If it has left that address for good, take the address out of bluegreen_load_balancers. "
            "Where a network is declared, name in its place the addresses that are left. Otherwise the agents forget it 600 s after its last question"
        )
    return [*(Refusal("HS-UNCHECKED", text) for text in missing), *(Refusal("HS-SILENT", text) for text in silent)]


def _otherwise(nodes: Sequence[Node], limits: Limits) -> tuple[str, ...]:
    """Where a load balancer is seen to check at another pace than declared, who else asks, and what somebody changed that is about to be replaced."""
    altered = [f"{node.name}: {text}: {MEND_FILES}" for node in nodes for text in node.altered()]
    return tuple(altered + _of_each(nodes, differences, limits) + _of_each(nodes, misasked, limits) + _of_each(nodes, strangers, limits))


def _of_each(nodes: Sequence[Node], texts_of: Callable[..., list[str]], limits: Limits) -> list[str]:
    return [
        f"{node.name}: {component.name}: {text}"
        for node in nodes
        for component in node.components
        for text in texts_of(component.status, limits.load_balancers)
    ]


def _cut_off(nodes: Sequence[Node], wanted: Mapping[str, Packages]) -> list[Refusal]:
    """A release that cannot live with what a migration left does not come back."""
    gone = [(node, cut_off, dict(wanted[node.name])) for node in nodes if (cut_off := (node.record or {}).get("cut_off"))]
    return [
        Refusal("HS-CUT-OFF", f"{node.name}: {', '.join(filter(None, packages.values()))} cannot run any more: {cut_off['why']}")
        for node, cut_off, packages in gone
        if packages != node.nevras and any(former["packages"] == packages for former in cut_off["previous"])
    ]


def _alone(nodes: Sequence[Node]) -> list[Refusal]:
    """A component that nobody could serve while its only stack is out."""
    stacks: dict[str, dict[str, list[str]]] = {}
    for node in nodes:
        for component in node.components:
            stacks.setdefault(component.name, {}).setdefault(node.stack, []).append(node.name)
    if not _in_both_stacks(nodes):
        return []
    return [
        Refusal(
            "HS-ONE-STACK",
            f"the component {component} is on nodes of the stack {stack} alone ({', '.join(names)}), so that nobody would serve it while they are out: put it "
            "on nodes of the other stack, too",
        )
        for component, of_stack in stacks.items()
        if len(of_stack) == 1
        for stack, names in of_stack.items()
    ]


def _counts(node: Node) -> bool:
    """Whether the interlock will count it among those that stay."""
    return node.serving and not node.doubts()


def _done(node: Node, wanted: Packages) -> bool:
    return node.serving and node.ready(wanted)


def _todo(nodes: Sequence[Node], wanted: Mapping[str, Packages]) -> list[Node]:
    return [node for node in nodes if not _done(node, wanted[node.name])]


def _halves(nodes: Sequence[Node], wanted: Mapping[str, Packages], policy: Policy) -> list[Group]:
    """Stack by stack, that first in which something does not serve: it costs no capacity, and takes the rest of its stack with it."""
    rest = _todo(nodes, wanted)
    out = [node for node in rest if not node.live]
    doubtful = [node for node in rest if node.live and not _counts(node)]
    groups: list[Sequence[Node]] = []
    if _in_both_stacks(out + doubtful) and len(out) < len(rest):
        # Repairing that first keeps the most nodes live. What says live has to be permitted to leave, so it waits for what does not.
        groups = [group for group in (out, doubtful if _in_both_stacks(doubtful) else []) if group]
        rest = [node for node in rest if all(node not in group for group in groups)]
    stacks = dict.fromkeys(node.stack for node in sorted(rest, key=_counts))
    groups += [[node for node in rest if node.stack == stack] for stack in stacks]
    return [Group(group, observe_s=policy.observe_s) for group in groups]


def _in_both_stacks(nodes: Sequence[Node]) -> bool:
    return len({node.stack for node in nodes}) > 1


def _rolling(nodes: Sequence[Node], wanted: Mapping[str, Packages], policy: Policy) -> list[Group]:
    """A few nodes at a time: first those that do not serve, of which some may say live, then the others in the order of the inventory."""
    rest = _todo(nodes, wanted)
    idle = [node for node in rest if not _counts(node)]
    size = max(1, policy.batch_size)
    if policy.limits.max_unavailable:
        size = max(1, min(size, policy.limits.max_unavailable - len(policy.limits.without)))
    groups: list[Group] = []
    for part in ([node for node in idle if not node.live], [node for node in idle if node.live], [node for node in rest if _counts(node)]):
        groups += [Group(part[first : first + size], observe_s=policy.observe_s) for first in range(0, len(part), size)]
    return groups


def _cutover(nodes: Sequence[Node], wanted: Mapping[str, Packages], policy: Policy) -> list[Group]:
    """One stack takes the release and serves alone; the other one stands by on what it has, as the way back."""
    rest = _todo(nodes, wanted)
    if not rest:
        return []
    stacks = list(dict.fromkeys(node.stack for node in nodes))

    def members(stack: str, of: Sequence[Node] = nodes) -> list[Node]:
        return [node for node in of if node.stack == stack]

    def cost(stack: str) -> tuple[bool, bool, int, int]:
        mine = members(stack)
        kept = any(node.live for node in mine) and not all(_counts(node) for node in nodes if node.stack != stack)
        # The one that is in already; or else one that may leave; or else what serves least; or else what has most of the release.
        return bool(members(stack, rest)), kept, sum(map(_counts, mine)), -sum(node.nevras == dict(wanted[node.name]) for node in mine)

    new = min(stacks, key=cost)
    swap = members(new, rest)
    others = [node for node in rest if node.stack != new]
    retire = [node for node in others if node.live]
    stand_by = [node for node in others if node.ready(node.nevras)]
    if policy.confirm_after_s is None:
        return [Group(swap, retire, policy.observe_s, stand_by)] if swap or retire else []
    in_since_s = 0.0 if swap or retire else min(component.since_s or 0.0 for node in members(new) for component in node.components)
    left_s = max(0.0, round(policy.confirm_after_s - in_since_s))
    watch = [Group(swap, retire, left_s, stand_by)] if swap or retire or left_s else []
    # Whoever has no package of what serves again cannot follow to it.
    follow = [node for node in others if all(wanted[node.name].values())]
    return [*watch, Group(follow, observe_s=policy.observe_s)] if follow else watch


def _all_live(nodes: Sequence[Node], wanted: Mapping[str, Packages], policy: Policy) -> list[Group]:
    """Whatever is healthy serves on what it runs, release by release. What is not healthy is left alone."""
    able = [node for node in nodes if not node.serving and node.ready(node.nevras)]
    releases = list(dict.fromkeys(tuple(node.nevras.items()) for node in able))
    return [Group([node for node in able if tuple(node.nevras.items()) == release]) for release in releases]


STRATEGIES: Mapping[str, Callable[[Sequence[Node], Mapping[str, Packages], Policy], list[Group]]] = {
    "halves": _halves,
    "cutover": _cutover,
    "rolling": _rolling,
    "all_live": _all_live,
}
