# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where to: what each node is to run, when nobody says it but `back`, `on` or `as it is`.

Pure functions of what the nodes say. Each playbook is one of them, in front of the same plan and the same swap.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._refusals import Refusal
from ._evidence import UNKNOWN, Node
from ._interlock import refuse_adoption, unfit
from ._planner import Packages

Served = tuple[tuple[str, str | None], ...]  # the packages of a node, as a key
# What a node has served: the deployment that brought it ("" where nobody knows), and the packages.
Entry = tuple[str, Served]


@dataclass(frozen=True)
class Target:
    """What each node is to run, and how it gets there; with refusals, nowhere."""

    # Per node and component, the version or the package (NEVRA); None leaves the node alone.
    wanted: Mapping[str, Any] = field(default_factory=dict)
    strategy: str = "halves"
    # The deployment that this goes back to, as the nodes call it.
    deployment: str = ""
    refusals: tuple[Refusal, ...] = ()


def release(nodes: Sequence[Node], wanted: Any, strategy: str) -> Target:
    """The release that was asked for, on every node."""
    return Target({node.name: wanted for node in nodes}, strategy)


def rollback(nodes: Sequence[Node], wanted: Any, strategy: str) -> Target:
    """What the last deployment brought that every node has served, and that is not what every node has now."""
    known = {node.name: _served(node) for node in nodes}
    ages = {entry: [_age(entry, found) for found in known.values()] for found in known.values() for entry in found}
    common = {entry: sum(filter(None, of_nodes)) for entry, of_nodes in ages.items() if None not in of_nodes}
    common = {entry: age for entry, age in common.items() if any(_key(node.nevras) != entry[1] for node in nodes)}
    if not common:
        return Target(refusals=tuple(Refusal("HS-NOWHERE", text) for text in _nowhere(nodes, known)))
    # Where some node does not know which deployment it was, one that does has to be named all the same.
    deployment, last = min(common, key=lambda entry: (common[entry], not entry[0]))
    back = dict(last)
    on_it = [node for node in nodes if node.ready(back)]
    stacks = {node.stack for node in on_it if not any(node.live for node in on_it)}
    stands_by = any(all(node in on_it for node in nodes if node.stack == stack) for stack in stacks)
    if None in back.values() and not stands_by:
        told = f"what served before is {_names(back)}: there is no package of it to install. Deploy the release that you want by its version"
        return Target(refusals=(Refusal("HS-NOWHERE", told),))
    return Target(dict.fromkeys((node.name for node in nodes), back), "cutover" if stands_by else strategy, deployment)


def _age(entry: Entry, served: Sequence[Entry]) -> int | None:
    """How many releases ago it was, or None where the node has not served it. Who does not know the deployment means any with the same packages."""
    for age, (deployment, packages) in enumerate(served):
        if packages == entry[1] and (deployment == entry[0] or not (deployment and entry[0])):
            return age
    return None


def confirm(nodes: Sequence[Node], wanted: Any, strategy: str) -> Target:
    """What serves, on every node."""
    serving = [node for node in nodes if node.serving and not node.doubts()]
    releases = {_key(node.nevras) for node in serving}
    if len(releases) != 1:
        told = ", ".join(f"{node.name} {node.named}" for node in serving) or "no node serves"
        return Target(refusals=(Refusal("HS-MIXED", f"there is not one release that serves ({told}): deploy the one that you want by its version"),))
    wanted = dict(releases.pop())
    if None in wanted.values() and any(not node.ready(wanted) for node in nodes):
        told = f"what serves is {_names(wanted)}: there is no package of it to install elsewhere. Deploy the release that you want by its version"
        return Target(refusals=(Refusal("HS-MIXED", told),))
    return Target(dict.fromkeys((node.name for node in nodes), wanted), "halves")


def all_live(nodes: Sequence[Node], wanted: Any, strategy: str) -> Target:
    """What each node has installed, whatever that is."""
    return Target({node.name: node.nevras if all(c.nevra or c.adopted for c in node.components) else None for node in nodes}, "all_live")


def adopt(nodes: Sequence[Node], wanted: Any, strategy: str) -> Target:
    """What each healthy node has installed, where that serves already by the load balancers of before, and is one release. None goes out for it.

    What came without a package is None: the node notes it as unknown, even where it says live already.
    """
    unable = {node.name: [*unfit(node.as_adopted()), *(Refusal("HS-FILES", text) for text in node.altered())] for node in nodes}
    first = [node for node in nodes if not unable[node.name] and (not node.live or any(c.nevra is None and not c.adopted for c in node.components))]
    refusals = [refusal.of(f"{node.name}: ") for node in first for refusal in refuse_adoption(node, nodes)]
    if not first and not any(node.serving for node in nodes):
        refusals = [refusal.of(f"{name}: ") for name, found in unable.items() for refusal in found]
    return Target({node.name: node.nevras if node in first else None for node in nodes}, strategy, refusals=tuple(refusals))


TARGETS: Mapping[str, Callable[[Sequence[Node], Any, str], Target]] = {
    "release": release,
    "rollback": rollback,
    "confirm": confirm,
    "all_live": all_live,
    "adopt": adopt,
}


def target(kind: str, nodes: Sequence[Node], wanted: Any, strategy: str) -> Target:
    unread = tuple(Refusal("HS-UNREAD", f"{node.name}: {node.unread}") for node in nodes if node.unread)
    return Target(refusals=unread) if unread else TARGETS[kind](nodes, wanted, strategy)


def _key(packages: Packages) -> Served:
    return tuple(sorted(packages.items()))


def _names(packages: Packages) -> str:
    return " ".join(nevra or UNKNOWN for nevra in packages.values())


def _served(node: Node) -> list[Entry]:
    """What the node has served, the last first. Without a record, what it serves now is all that is known."""
    record = node.record
    noted = [(record["deployment"], record["current"]), *((former["deployment"], former["packages"]) for former in record["previous"])] if record else []
    # A node that lost power between going live and noting it serves what is not noted yet.
    unnoted = [("", node.nevras)] if node.serving and node.nevras not in [packages for _deployment, packages in noted[:1]] else []
    return [(deployment, _key(packages)) for deployment, packages in unnoted + noted]


def _nowhere(nodes: Sequence[Node], known: Mapping[str, Sequence[Entry]]) -> list[str]:
    reasons = []
    for node in nodes:
        names = ", ".join(_names(dict(packages)) for _deployment, packages in known[node.name]) or "nothing that is known"
        reasons.append(f"{node.name} has served {names}")
        cut_off = (node.record or {}).get("cut_off")
        if cut_off:
            gone = ", ".join(_names(former["packages"]) for former in cut_off["previous"])
            reasons.append(f"{node.name} cannot go back to {gone}: {cut_off['why']}")
    return ["there is no earlier release that all nodes have served: deploy the one that you want by its version", *reasons]
