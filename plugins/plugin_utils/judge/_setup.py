# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Set-up as a change: what is to be done on which node, whether a node may be changed now, and whether it answers afterwards as it did before.

Pure functions. What a place lacks is judged by the doctor, and who may be interrupted by the interlock.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from ansible_collections.halfswap.bluegreen.plugins.module_utils._dialect import faults, keys, listing, one_of, or_null, text, truth
from ansible_collections.halfswap.bluegreen.plugins.module_utils._http import without_login
from ansible_collections.halfswap.bluegreen.plugins.module_utils._shown import shown, shown_all
from ansible_collections.halfswap.bluegreen.plugins.module_utils.heartbeat._settle import SILENT_DECLARED_S, SILENT_INTERVALS, known_probers

from .._refusals import Refusal
from ..show._report import fit, table
from ._doctor import YES, Check, Finding, Seen, answers, before_a_swap, disks, logins, masked, mounts, parts, taken
from ._evidence import LENGTH, Component, Node, read_node
from ._interlock import Limits, held_by_another, refuse_standby
from ._reason import reason

Balancers = Sequence[Mapping[str, Any]]
# What an agent goes through to become what is described, from what nobody notices to what may be noticed.
NOTHING, START, RELOAD, RESTART = TAKES = ("nothing", "start", "reload", "restart")
NOTICED = {
    NOTHING: "nothing",
    START: "nothing: it is a first start, and nothing serves here yet",
    RELOAD: "nothing: the new agent answers its probes",
    RESTART: "the agent restarts: its probes are not answered for some milliseconds",
}
# What the role heartbeat_agent says of a node.
_AGENT = keys(
    {
        "name": text(),
        "running": or_null(keys({}, {"version": text(), "config": text(), "healthy": truth(), "state": text()})),
        "differs": listing(text(), 1000),
        "takes": one_of(*TAKES),
        "faults": listing(text(), 1000),
    },
    {"restart_because": text(), "notes": listing(text(), 1000)},
)
_ASKED = keys({"components": listing(_AGENT, 1000), "changed": truth()})
# However often a load balancer checks: so long a proof may take.
PATIENCE_S = 10.0


@dataclass(frozen=True)
class Change:
    """What a set-up does on one node."""

    node: str
    takes: str
    # What differs of its agents, and in the file of the repository. Only the agents are a matter of one node after the other.
    agents: tuple[str, ...] = ()
    client: tuple[str, ...] = ()
    # Whether a load balancer may be sending live traffic there.
    live: bool = False
    # Why an agent has to be restarted, where it told.
    because: str = ""

    @property
    def due(self) -> bool:
        """Whether it has its turn. What differs need not take anything: a token counts at once."""
        return self.takes != NOTHING or bool(self.agents)

    @property
    def notice(self) -> str:
        return f"{NOTICED[self.takes]}{' (' + self.because + ')' if self.because else ''}"


@dataclass(frozen=True)
class Plan:
    """What is to be done; with refusals, nothing is."""

    # The nodes that are changed, one after the other, and then those that stay as they are.
    changes: tuple[Change, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    # Worth a look, and no reason to refuse.
    notes: tuple[str, ...] = ()

    @property
    def order(self) -> list[str]:
        return [change.node for change in self.changes if change.due]

    def as_dict(self) -> dict[str, Any]:
        return {
            "changes": [asdict(change) for change in self.changes],
            "order": self.order,
            # What each turn needs, and no text of a node.
            "steps": [{"node": change.node, "takes": change.takes, "live": change.live} for change in self.changes if change.due],
            "refusals": [refusal.told for refusal in self.refusals],
            "notes": list(self.notes),
        }


# What the places say -------------------------------------------------------------------------------

# By the name of the refusal, the checks of the doctor that a set-up asks, too.
_PLACES: tuple[Check, ...] = (disks, mounts, taken)


def unfit(seen: Seen, run_id: str, published: bool) -> list[Refusal]:
    """Why nothing may be written on these nodes, whatever is described. published: whether the repository has to be there already."""
    out = [finding for finding in logins(seen) if not finding.ok]
    found = [Refusal("HS-UNREAD", str(finding)) for finding in out if finding.node not in seen.places]
    found += [Refusal("HS-PLACE", str(finding)) for finding in out if finding.node in seen.places]
    found += held_by_another(seen.nodes, run_id)
    found += before_a_swap(seen.nodes, False, seen.clock_skew_s)
    # What nobody could look at, nobody has judged.
    found += [Refusal("HS-PLACE", str(finding)) for finding in parts(seen) if finding.check in ("unit", "port", "answer")]
    found += [Refusal("HS-PLACE", str(finding)) for check in _PLACES for finding in check(seen) if not finding.ok]
    found += [Refusal("HS-PLACE", str(finding)) for finding in masked(_of_agents(seen))]
    found += [Refusal("HS-REPOSITORY", str(finding)) for finding in _repository(seen) if published]
    return list(dict.fromkeys(found))


def _of_agents(seen: Seen) -> Seen:
    """The same, but for the units of the application: whether those can be started is for a deployment to judge."""
    return replace(
        seen,
        places={name: {**place, "units": [unit for unit in place.get("units") or () if unit["role"] == "agent"]} for name, place in seen.places.items()},
    )


def _repository(seen: Seen) -> list[Finding]:
    return [finding for finding in answers(seen) if finding.check == "repository" and not finding.ok]


def with_agents(seen: Seen) -> list[str]:
    """The nodes where the package of the agent is installed, which can say what would become of their agents."""
    return [name for name, units in seen.each("units") if any(unit["role"] == "agent" and unit["load"] != "not-found" for unit in units)]


# The plan ------------------------------------------------------------------------------------------


def plan(seen: Seen, asked: Mapping[str, Any], agents: Sequence[str], run_id: str, limits: Limits, published: bool = True) -> Plan:
    """What is to be done on which node, in which order.

    asked: by node, what the role heartbeat_agent said in check mode. agents: the components that have an agent.
    """
    refusals = unfit(seen, run_id, published)
    changes: list[Change] = []
    notes = [f"there is no repository yet: {finding}" for finding in _repository(seen) if not published]
    able = with_agents(seen)
    for node in seen.nodes:
        if agents and node.name in able:
            why, told = _told(asked.get(node.name), agents)
            refusals += [Refusal("HS-AGENT", f"{node.name}: {text}") for text in [why] if text]
            refusals += [Refusal("HS-AGENT", f"{node.name}: {each['name']}: {text}") for each in told for text in each["faults"]]
            notes += [f"{node.name}: {each['name']}: {text}" for each in told for text in each.get("notes") or ()]
        else:
            told = [{"name": name, "running": None, "differs": ["it has no agent"], "takes": START} for name in agents]
        changes.append(_change(node, told, _of_client(seen, node.name)))
    # Who serves nobody comes first: what is wrong with a description shows there.
    order = sorted(changes, key=lambda change: (not change.due, change.live, TAKES.index(change.takes)))
    # With a number of nodes that have to be live, those that are only begun do not count; without, all do.
    begun = {change.node for change in changes if change.takes == START}
    counted = [node for node in seen.nodes if not (limits.min_live and node.name in begun)]
    for change in order:
        if change.takes == RESTART and change.live:
            refusals += [refusal.of(f"{change.node} would be interrupted: ") for refusal in refuse_standby(counted, [change.node], limits)]
    notes += [str(finding) for finding in answers(seen) if not finding.ok and finding.check != "repository" and finding.node in begun]
    return Plan(tuple(order), tuple(dict.fromkeys(refusals)), tuple(dict.fromkeys(notes)))


def _told(said: Any, agents: Sequence[str]) -> tuple[str, list[dict[str, Any]]]:
    """What a node said of its agents, or why that is not known."""
    if not isinstance(said, Mapping) or not said or said.get("skipped"):
        return "nobody asked what would become of its agents", []
    said = shown_all(said, LENGTH)
    if said.get("failed") or said.get("unreachable"):
        return f"it could not say what would become of its agents: {reason(said) or 'no reason given'}", []
    wrong = faults(_ASKED, said)
    if wrong:
        return f"it answers in another dialect than the role heartbeat_agent: {'; '.join(wrong)}", []
    told = [dict(each) for each in said["components"]]
    missing = sorted(set(agents) - {each["name"] for each in told})
    return f"it said nothing of the agent of {', '.join(missing)}" if missing else "", told


def _change(node: Node, told: Sequence[Mapping[str, Any]], client: Sequence[str]) -> Change:
    return Change(
        node.name,
        takes=max((each["takes"] for each in told), key=TAKES.index, default=NOTHING),
        agents=tuple(f"{each['name']}: {text}" for each in told for text in each["differs"]),
        client=tuple(client),
        live=node.live or any((each["running"] or {}).get("state") == "live" for each in told),
        because="; ".join(dict.fromkeys(each["restart_because"] for each in told if each.get("restart_because"))),
    )


def _of_client(seen: Seen, name: str) -> list[str]:
    """What is another one in the file by which the node finds the repository."""
    repository, place = seen.repository or {}, seen.places.get(name) or {}
    if not repository.get("url") or place.get("manager") is None:
        return []
    has = {entry["option"]: entry["value"].strip() for entry in place["manager"] if entry["section"] == repository["name"]}
    if not has:
        return [f"it does not know the repository {repository['name']}"]
    wanted = {"baseurl": repository["url"], "proxy": repository.get("proxy") or "_none_"}
    found = [
        f"{option} of the repository is {has.get(option) or 'nothing'}" for option, value in wanted.items() if has.get(option) != shown(without_login(value))
    ]
    checked = has.get("gpgcheck", "").lower() in YES
    return found + ([f"gpgcheck of the repository is {has.get('gpgcheck') or 'nothing'}"] if checked != bool(repository.get("gpgcheck")) else [])


# One node after the other ---------------------------------------------------------------------------


def refuse_change(
    nodes: Sequence[Node],
    change: Mapping[str, Any],
    unanswered: Mapping[str, str],
    unproven: Collection[str],
    lost: Collection[str],
    run_id: str,
    limits: Limits,
) -> list[Refusal]:
    """Why this node may not be changed now; without a change, why none may.

    nodes: all of them, read for this change. unanswered: those that did not even give their lock, and why. unproven: those that came before it and were
    not proven. lost: those that have left the run.
    """
    reasons = [Refusal("HS-LOST", f"{name} has left this run, see above") for name in lost]
    reasons += [Refusal("HS-UNREAD", f"{name}: {why}") for name, why in unanswered.items() if name not in lost]
    reasons += held_by_another(nodes, run_id)
    reasons += [Refusal("HS-UNPROVEN", f"{name} was to be set up before, and nothing proves that it was") for name in unproven]
    mine = next((node for node in nodes if node.name == change.get("node")), None)
    # Of what cannot be read nobody knows that it serves nobody.
    if change.get("takes") == RESTART and (change["live"] or mine is None or mine.live or mine.unread):
        reasons += refuse_standby(nodes, [change["node"]], limits)
    return list(dict.fromkeys(reasons))


def components_of(name: str, said: Any) -> dict[str, Node]:
    """Each component that could be read, by itself: another one, with a heartbeat of its own, need not be there yet."""
    told = said.get("components") if isinstance(said, Mapping) else None
    found = {}
    for each in told if isinstance(told, list) else ():
        node = read_node(name, "", {**said, "components": [each]})
        found.update({component.name: node for component in node.components})
    return found


def unproven(name: str, before: Any, after: Any, agents: Sequence[str], load_balancers: Balancers, since_s: float) -> list[str]:
    """What a node does not do as it did before, a sentence each; nothing where it is proven.

    before, after: what it said. since_s: seconds since the change. Whoever asks and is no load balancer proves nothing, and is not waited for.
    """
    was, now = components_of(name, before), components_of(name, after)
    missing = [each for each in agents if each not in now]
    if missing:
        return [read_node(name, "", after).unread or f"nothing is known of {', '.join(missing)}"]
    return [f"{each}: {text}" for each in agents if each in was for text in _changed(was[each].components[0], now[each].components[0], load_balancers, since_s)]


def _changed(was: Component, now: Component, load_balancers: Balancers, since_s: float) -> Iterator[str]:
    if now.state != was.state:
        yield f"it was {was.state}, and is {now.state}"
    if was.healthy and not now.healthy:
        yield f"it was healthy, and is not any more: {now.why}"
    again = {(prober["address"], prober["path"]) for prober in now.status["probers"] or () if prober["last_seen_s"] < since_s}
    for balancer, prober in _asking(was, load_balancers):
        if (prober["address"], prober["path"]) not in again:
            yield f"load balancer {balancer['name']} ({shown(prober['address'])}) asked for {shown(prober['path'])}, and has not asked again"


def _asking(component: Component, load_balancers: Balancers) -> list[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """The load balancers that check it now, each with its prober."""
    return [
        (balancer, prober)
        for balancer, prober in known_probers(component.status, load_balancers)
        if prober["last_seen_s"] <= max(SILENT_DECLARED_S, SILENT_INTERVALS * (prober["interval_s"] or 0.0))
    ]


def patience_s(name: str, before: Any, load_balancers: Balancers) -> float:
    """How long the proof may take: until each of the load balancers that check it must have asked again."""
    intervals = [
        prober["interval_s"] or 0.0 for node in components_of(name, before).values() for _balancer, prober in _asking(node.components[0], load_balancers)
    ]
    return max(PATIENCE_S, SILENT_INTERVALS * max(intervals, default=0.0))


# What people are shown ------------------------------------------------------------------------------


def plan_lines(found: Plan) -> list[str]:
    if found.refusals:
        return fit(["SET-UP refused:", *(f"  {refusal.told}" for refusal in found.refusals)])
    order, count = found.order, len(found.changes)
    if not order and not any(change.client for change in found.changes):
        head = f"SET-UP nothing to do on the nodes: all {count} have what is described"
    else:
        head = f"SET-UP of {len(order)} of {count} nodes{', one at a time' if len(order) > 1 else ''}"
    rows = [
        (order.index(change.node) + 1 if change.node in order else "-", change.node, "; ".join((*change.agents, *change.client)) or "nothing", change.notice)
        for change in found.changes
    ]
    return [head, *table(("order", "node", "what differs", "what users notice"), rows), *fit(f"WARNING: {note}." for note in found.notes)]


def end_lines(order: Sequence[str], proven: Collection[str], began: str, complete: bool, checked: bool) -> list[str]:
    """Where a set-up stands. began: the node that was changed last, or nothing."""
    if checked:
        return ["This run changed nothing (--check)."]
    done = [name for name in order if name in proven]
    if complete:
        return fit([f"SET-UP complete: {', '.join(done)} changed and proven." if done else "SET-UP complete: no node had to be changed."])
    here = [name for name in order if name == began and name not in proven]
    rest = [name for name in order if name not in [*done, *here]]
    return fit(
        [
            "SET-UP stopped.",
            *([f"Changed and proven: {', '.join(done)}."] if done else []),
            *([f"Begun, and not proven: {', '.join(here)}."] if here else []),
            *([f"As before: {', '.join(rest)}."] if rest else []),
            "Mend what is said above, and run the same command again: it does what is missing.",
        ]
    )
