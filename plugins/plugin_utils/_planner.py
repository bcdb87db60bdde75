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
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.halfswap.bluegreen.plugins.module_utils._settle import KNOWN_AFTER, missing_probers

from ._evidence import Node
from ._interlock import least_live


@dataclass(frozen=True)
class Policy:
    """What the operator decided beforehand."""

    min_live: int = 0
    load_balancers: Sequence[Mapping[str, Any]] = ()
    ignore_probers: Collection[str] = ()


@dataclass(frozen=True)
class Batch:
    """Nodes that are swapped together."""

    number: int
    nodes: tuple[str, ...]
    # Per node and component: the package that is there and the package that is to be there.
    before: Mapping[str, Mapping[str, str | None]]
    after: Mapping[str, Mapping[str, str]]
    # Per node, the packages to go back to when the batch fails: what it serves itself, or else what the nodes that stay serve.
    # Empty where there is no such thing: a node that has never served stays in standby.
    restore: Mapping[str, Mapping[str, str]]
    # How many nodes stay live while the batch is out, and how many there are.
    staying: int
    total: int


@dataclass(frozen=True)
class Plan:
    """What is to be done; with refusals, nothing is."""

    batches: tuple[Batch, ...] = ()
    refusals: tuple[str, ...] = ()

    def as_dict(self) -> dict:
        return asdict(self)

    @property
    def digest(self) -> str:
        """Names this plan: the same nodes, packages and order give the same digest, on any controller."""
        return hashlib.sha256(json.dumps([asdict(b) for b in self.batches], sort_keys=True).encode()).hexdigest()[:12]


def plan(nodes: Sequence[Node], wanted: Mapping[str, Mapping[str, str]], policy: Policy) -> Plan:
    """The batches of strategy `halves`: first what does not serve anyway, then one stack after the other.

    nodes: every node of the application, as it described itself.
    wanted: per node and component, the package (NEVRA) that it is to run.
    policy: what the operator decided beforehand.
    """
    unread = [f"{node.name}: {node.unread}" for node in nodes if node.unread]
    if unread:
        return Plan(refusals=tuple(unread))

    todo = [node for node in nodes if not _done(node, wanted[node.name])]
    groups = _halves(todo)
    batches: list[Batch] = []
    refusals = _unwatched(nodes, policy) if todo else []
    serving = {node.name for node in nodes if node.serving}
    for number, group in enumerate(groups, start=1):
        names = {node.name for node in group}
        staying = serving - names
        if serving & names:
            least = least_live(nodes, names, policy.min_live)
            if len(staying) < least:
                refusals.append(f"while batch {number} ({', '.join(sorted(names))}) is out, {len(staying)} of at least {least} nodes would serve")
        batches.append(
            Batch(
                number=number,
                nodes=tuple(node.name for node in group),
                before={node.name: node.nevras for node in group},
                after={node.name: dict(wanted[node.name]) for node in group},
                restore={node.name: _restore(node, [other for other in nodes if other.name in staying], batches, wanted) for node in group},
                staying=len(staying),
                total=len(nodes),
            )
        )
        serving |= names
    if refusals:
        refusals += [f"{node.name}: {text}" for node in nodes for text in node.unhealthy()]
        return Plan(refusals=tuple(refusals))
    return Plan(batches=tuple(batches))


def _unwatched(nodes: Sequence[Node], policy: Policy) -> list[str]:
    """A load balancer that does not check a node can never be seen to notice."""
    missing = [
        f"{node.name}: {component.name}: {text}"
        for node in nodes
        for component in node.components
        for text in missing_probers(component.status, policy.load_balancers, policy.ignore_probers)
    ]
    if missing:
        missing.append(
            f"a prober is known once it has asked {KNOWN_AFTER} times: does the load balancer check that URL, do bluegreen_load_balancers and its "
            "configuration agree, and does the firewall let its checks through?"
        )
    return missing


def _done(node: Node, wanted: Mapping[str, str]) -> bool:
    return node.serving and not node.doubts() and node.nevras == dict(wanted)


def _halves(todo: Sequence[Node]) -> list[list[Node]]:
    """Half-finished work first: nodes that do not serve cost no capacity. They take the rest of their stack with them."""
    idle = [node for node in todo if not node.serving]
    idle_stacks = list(dict.fromkeys(node.stack for node in idle))
    groups: list[list[Node]] = []
    rest = list(todo)
    if len(idle_stacks) > 1 and len(idle) < len(todo):
        # In both stacks something does not serve: repairing that first keeps the most nodes live.
        groups.append(idle)
        rest = [node for node in todo if node.serving]
    order = list(dict.fromkeys([*(idle_stacks if not groups else ()), *(node.stack for node in rest)]))
    return groups + [[node for node in rest if node.stack == stack] for stack in order]


def _restore(node: Node, staying: Sequence[Node], done: Collection[Batch], wanted: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """What the node itself serves; or else what the staying nodes will be serving by then, if they all serve the same."""
    if node.serving and not node.doubts():
        served = [node.nevras]
    else:
        moved = {name for batch in done for name in batch.nodes}
        served = [dict(wanted[other.name]) if other.name in moved else other.nevras for other in staying]
    if not served or any(other != served[0] for other in served):
        return {}
    return {name: nevra for name, nevra in served[0].items() if nevra}
