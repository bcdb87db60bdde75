# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The interlock: may this heartbeat be switched, judged from evidence and from nothing else.

Ansible goes on to the next batch after an unreachable host, even with any_errors_fatal. So the guard does not trust the play to
have stopped: it sits where the switch is thrown, and asks for what every node said within this very batch. Both functions return
the reasons to refuse; an empty list is the permission.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.halfswap.bluegreen.plugins.module_utils.heartbeat._fall_rise import CERTAIN_REQUESTS
from ansible_collections.halfswap.bluegreen.plugins.module_utils.heartbeat._settle import DEFAULT_FALL, DEFAULT_RISE, unsettled

from .._refusals import Override, Refusal
from ._evidence import UNKNOWN, Component, Node

# Seconds that the rate of a component is the mean of. Of what was before them nobody knows, so nothing is expected for longer: a single request
# on a quiet day, one of our own for instance, is not the traffic of an hour.
RATE_WINDOW_S = 10.0


MEND_FILES = "deploy installs them anew; what the application itself changes of its package belongs in may_differ (bluegreen_components)"


@dataclass(frozen=True)
class Limits:
    """What must hold at every moment, whatever is planned."""

    # How many nodes of each component must serve while some are out; 0 stands for all outside the batch that have it.
    min_live: int = 0
    # How many nodes may be out at once, those that were out before included; 0 sets no limit.
    max_unavailable: int = 0
    # Requests per second that one node can serve, for each component where that is known.
    capacity: Mapping[str, float] = field(default_factory=dict)
    # Nodes that the operator knows to be dead. Nobody asks them, and they count as not serving.
    without: Collection[str] = ()
    load_balancers: Sequence[Mapping[str, Any]] = ()
    # What the operator passes in this run, and why.
    override: Override = field(default_factory=Override)


def remaining(nodes: Sequence[Node], out: Collection[str], staying: Collection[str], min_live: int) -> list[tuple[list[str], int, str]]:
    """For the components that leave with those who are out: who stays and has them, how many have to, and which these are.

    By default (0) all outside the batch that have a component have to, and at least one, whatever was asked for. They are not named where they are all
    that there are.
    """
    known = {component.name for node in nodes for component in node.components}
    leaving = dict.fromkeys(component.name for node in nodes if node.name in out for component in node.components)
    alike: dict[tuple[tuple[str, ...], int], list[str]] = {}
    for component in leaving:
        having = [node.name for node in nodes if node.has(component)]
        least = max(1, min_live or sum(name not in out for name in having))
        alike.setdefault((tuple(name for name in having if name in staying), least), []).append(component)
    return [(list(stay), least, "" if len(names) == len(known) else " and ".join(names)) for (stay, least), names in alike.items()]


def too_few(stay: Sequence[str]) -> str:
    """The name of a refusal because these are too few: with none of them, nobody may pass it."""
    return "HS-MIN-LIVE" if stay else "HS-LAST"


def requests_per_s(nodes: Sequence[Node], component: str, shared_by: int = 0) -> float:
    """Requests per second that one of the serving nodes gets, by what all of them got lately; or one of so many, which share them."""
    rates = [c.rate_per_s for node in nodes if node.serving for c in node.components if c.name == component and c.rate_per_s is not None]
    return sum(rates) / (shared_by or len(rates)) if rates else 0.0


def overloaded(nodes: Sequence[Node], staying: Collection[str], capacity: Mapping[str, float]) -> list[Refusal]:
    """Why those that stay cannot carry what all of them carry now, or why nobody can tell; nothing where no capacity is given."""
    reasons = []
    known = {component.name for node in nodes for component in node.components}
    for component, per_node in capacity.items():
        if known and component not in known:
            wrong = f"a capacity is given for the component {component}, which no node has (there are {', '.join(sorted(known))})"
            reasons.append(Refusal("HS-CAPACITY", wrong))
            continue
        # One that is down gets no requests.
        loaded = [(node.name, c) for node in nodes for c in node.components if c.name == component and (c.serving or (node.live and c.rate_per_s is not None))]
        untold = [f"{name}{_why_untold(c)}" for name, c in loaded if c.rate_per_s is None]
        if untold:
            unknown = (
                f"whether the others can carry the load of {component} (capacity_per_s) cannot be judged, as the requests per second are not known of "
                f"{', '.join(untold)}. An agent tells them two seconds after it or its component was started, where requests_key names a counter"
            )
            reasons.append(Refusal("HS-CAPACITY", unknown))
            continue
        load = sum(c.rate_per_s or 0.0 for _name, c in loaded)
        count = sum(node.name in staying and node.has(component) for node in nodes)
        if load > count * per_node:
            much = f"{count} nodes can serve {count * per_node:g} requests/s of {component} (capacity_per_s), and there are {load:.0f} now: wait for less"
            reasons.append(Refusal("HS-PEAK", much))
    return reasons


def _why_untold(component: Component) -> str:
    error = component.status.get("status_error")
    return f" ({error})" if error else ""


def held_by_another(nodes: Sequence[Node], run_id: str) -> list[Refusal]:
    """Where the lock of another run lies."""
    return [
        Refusal("HS-LOCKED", f"{node.name}: the lock is held by {node.lock['owner']} (run {node.lock['run_id']})")
        for node in nodes
        if node.lock and node.lock["run_id"] != run_id
    ]


def _not_in(node: Node, nodes: Sequence[Node], load_balancers: Sequence[Mapping[str, Any]]) -> list[str]:
    """Why a node that says live is not really in the live load balancers' pools."""
    reasons = []
    for component in node.components:
        reasons += [f"{node.name}: {component.name}: {text}" for text in unsettled(component.status, load_balancers, "live")]
        expected = requests_per_s(nodes, component.name) * min(component.served_in_s, RATE_WINDOW_S)
        if component.served == 0 and expected >= CERTAIN_REQUESTS:
            reasons.append(
                f"{node.name}: {component.name}: no request in the {component.served_in_s:.0f} s that it has been live, although about {expected:.0f} "
                "were to be expected of late: does the live load balancer know this node?"
            )
    return reasons


def _unread(nodes: Sequence[Node]) -> list[Refusal]:
    return [Refusal("HS-UNREAD", f"{node.name} counts as not live: {node.unread}") for node in nodes if node.unread]


def refuse_standby(nodes: Sequence[Node], batch: Collection[str], limits: Limits) -> list[Refusal]:
    """Why the nodes of this batch must not leave the live load balancers now."""
    reasons = []
    staying = [node for node in nodes if node.name not in batch and not node.unread]
    good = []
    for node in staying:
        faults = [f"{node.name}: {text}" for text in (node.unhealthy() + node.doubts() if node.live else ())]
        if not node.serving and not faults:
            faults = [f"{node.name} is in standby"]
        if not faults:
            faults = _not_in(node, nodes, limits.load_balancers)
        reasons += faults
        if not faults:
            good.append(node.name)
    few = [
        Refusal(
            too_few(stay),
            f"{len(stay)} of at least {least} other nodes would stay live, healthy and on a known release{' of ' if which else ''}{which} "
            f"({', '.join(stay) or 'none'})",
        )
        for stay, least, which in remaining(nodes, batch, good, limits.min_live)
        if len(stay) < least
    ]
    too_many = overloaded(nodes, good, limits.capacity)
    unavailable = len(nodes) + len(limits.without) - len(good)
    if 0 < limits.max_unavailable < unavailable:
        too_many.append(Refusal("HS-UNAVAILABLE", f"{unavailable} nodes would not serve, and bluegreen_max_unavailable is {limits.max_unavailable}"))
    unread = _unread(nodes)
    if not few and not unread:
        return too_many
    # Why they are too few goes with that: it is passed with it, or refuses as it does.
    code = min(few, key=lambda refusal: refusal.row.passable).code if few else "HS-UNREAD"
    return [*too_many, *few, *unread, *(Refusal(code, text) for text in reasons)]


def refuse_live(
    node: Node,
    served: Sequence[Mapping[str, str | None]],
    proof: Mapping[str, str | None],
    sanity: Sequence[Mapping[str, Any]],
    adoption: Sequence[Refusal] | None = None,
) -> list[Refusal]:
    """Why this node must not take live traffic now.

    node: as it was read last. served: the packages that nodes served beyond doubt when the batch began. adoption: it has users already, and goes live
    without a sanity test; the reasons against that.
    """
    if node.unread:
        return [Refusal("HS-UNREAD", f"{node.name}: {node.unread}")]
    node = node if adoption is None else node.as_adopted()
    reasons: list[Refusal] = []
    for component in node.components:
        wanted = proof.get(component.name)
        if not wanted and not (component.name in proof and component.adopted):
            reasons.append(Refusal("HS-PROOF", f"{component.name}: nothing says which package it must have (option proof)"))
        elif component.nevra != wanted:
            reasons.append(Refusal("HS-PROOF", f"{component.name}: {component.nevra or 'no package'} is installed, not {wanted or UNKNOWN}"))
    reasons += unfit(node)
    # The step release has installed them, and read them then. What was served is not kept out for what its application did to them since.
    reasons += [Refusal("HS-FILES", f"{text}: {MEND_FILES}") for text in node.altered() if node.nevras not in served]
    if adoption is not None:
        reasons += adoption
    elif not reasons and node.nevras not in served:
        missing = untested(node, sanity)
        which = f" of {' and '.join(missing)}" if len(missing) < len(node.components) else ""
        if missing:
            reasons.append(Refusal("HS-UNTESTED", f"it has not passed the sanity test{which}, and no node served this release when the batch began"))
    return [reason.of(f"{node.name}: ") for reason in reasons]


def unfit(node: Node) -> list[Refusal]:
    """Why it could not serve, whatever is wanted of it."""
    return [*(Refusal("HS-DOUBT", text) for text in node.doubts()), *(Refusal("HS-UNHEALTHY", text) for text in node.unhealthy())]


def served_by(nodes: Sequence[Node]) -> list[dict[str, str | None]]:
    """What nodes serve beyond doubt, each of it once."""
    found: list[dict[str, str | None]] = []
    for node in nodes:
        if node.serving and not node.doubts() and node.nevras not in found:
            found.append(node.nevras)
    return found


def refuse_adoption(node: Node, nodes: Sequence[Node]) -> list[Refusal]:
    """Why this node does not go live for the first time without a sanity test: all the proof is that it serves already, through other load balancers.

    That what has no package is one release is the operator's word: it differs from nothing.
    """
    reasons = []
    if node.record and any(c.nevra is None and node.record["current"].get(c.name) for c in node.components):
        reasons.append(Refusal("HS-ADOPT", "what it has served came with a package, which is not installed any more: deploy the release that you want"))
    elif node.record:
        reasons.append(Refusal("HS-ADOPT", "it has been live before, so it is tested before it serves again: halfswap.bluegreen.all_live does that"))
    node = node.as_adopted()
    for other in (each.as_adopted() for each in nodes):
        differs = any(nevra and node.nevras.get(name) and nevra != node.nevras[name] for name, nevra in other.nevras.items())
        if differs and (other.live or not other.doubts() + other.unhealthy()):
            reasons.append(Refusal("HS-ADOPT", f"{other.name} runs {other.named}, not {node.named}: two releases are not adopted together"))
    return reasons


# Checks by which a load balancer must be slower in than out. A node is out at the latest one interval and fall - 1 checks after the flip, and in
# at the earliest after rise - 1 checks, which many load balancers send at half the interval while a node's state changes.
SLOWER_IN = 2


def unfit_for_exclusive(limits: Limits) -> list[Refusal]:
    """Why no moment may be without a live node, or why one might have two releases serving."""
    reasons = []
    for balancer in limits.load_balancers:
        name, fall, rise = balancer["name"], balancer.get("fall", DEFAULT_FALL), balancer.get("rise", DEFAULT_RISE)
        if balancer["follows"] != "live":
            continue
        if not balancer.get("hold_s"):
            reasons.append(f"load balancer {name} is not declared to hold requests while no node is live (hold_s): no exclusive switch behind it")
        if rise < fall + SLOWER_IN:
            reasons.append(
                f"load balancer {name} may take a node in (rise {rise}) before it has taken the others out (fall {fall}): "
                f"an exclusive switch needs a rise of at least fall + {SLOWER_IN}"
            )
    return [Refusal("HS-EXCLUSIVE", text) for text in reasons]


def refuse_exclusive(
    successors: Sequence[Node],
    nodes: Sequence[Node],
    leaving: Collection[str],
    proofs: Mapping[str, Mapping[str, str | None]],
    sanity: Sequence[Mapping[str, Any]],
    limits: Limits,
) -> list[Refusal]:
    """Why the nodes that serve must not leave at the very moment at which their successors come in.

    leaving: all that do not serve afterwards.
    """
    reasons = _unread(nodes) + unfit_for_exclusive(limits)
    if not successors:
        reasons.append(Refusal("HS-LAST", "no node comes in"))
    served = served_by(nodes)
    reasons += [text for node in successors for text in refuse_live(node, served, proofs.get(node.name) or {}, sanity)]
    after = {node.name for node in successors} | {node.name for node in nodes if node.serving and not node.doubts() and node.name not in leaving}
    reasons += [
        Refusal(too_few(stay), f"{len(stay)} of at least {least} nodes would serve{' ' if which else ''}{which} afterwards")
        for stay, least, which in remaining(nodes, leaving, after, limits.min_live or 1)
        if len(stay) < least
    ]
    return reasons + overloaded(nodes, after, limits.capacity)


def untested(node: Node, sanity: Sequence[Mapping[str, Any]]) -> list[str]:
    """The components of which no test was passed by this node; all of them where any result says otherwise, whatever it is of.

    A result that names no component is of the only one that there is. Of several nobody knows which one it is of.
    """
    names = [component.name for component in node.components]
    if any(result.get("failed") or node.name not in [answered["name"] for answered in result.get("nodes") or ()] for result in sanity):
        return names
    passed = {result.get("component") or (names[0] if len(names) == 1 else "") for result in sanity}
    return [name for name in names if name not in passed]
