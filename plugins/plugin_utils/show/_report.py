# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What people are shown: the plan and the state of the application, as plain lines that survive a log file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any

from ansible_collections.halfswap.bluegreen.plugins.module_utils._shown import LONG, shown
from ansible_collections.halfswap.bluegreen.plugins.module_utils.heartbeat._settle import guess_s, is_guess, known_probers, misasked, strangers

from ..judge._evidence import UNKNOWN, Node
from ..judge._planner import Batch, Packages, Plan, Policy
from ..judge._target import target

# What a cell says has been cut where it came from; this is for whatever has not.
CELL = 1000


def fit(lines: Iterable[str]) -> list[str]:
    """Lines that stay lines whatever others say in them."""
    return [shown(line, LONG) for line in lines]


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """Columns as wide as their widest cell, a rule under the header."""
    cells = [list(header), *([shown(cell, CELL) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in cells]
    return [lines[0], "  ".join("-" * width for width in widths), *lines[1:]]


def plan_lines(plan: Plan, nodes: Sequence[Node], policy: Policy) -> list[str]:
    """The plan as a change board reads it."""
    if plan.refusals:
        return fit(["PLAN refused:", *(f"  {refusal.told}" for refusal in plan.refusals)])
    passed = policy.limits.override.lines(plan.passed)
    if not plan.batches:
        return fit([_nothing(nodes), *passed])
    of = {node.name: node for node in nodes}
    rows: list[tuple[object, ...]] = []
    for batch in plan.batches:
        first = len(rows)
        left = f"{len(batch.staying if batch.nodes else batch.serving_after)} of {batch.total}"
        for name in batch.nodes:
            for component, after in batch.after[name].items():
                before = next(c.named for c in of[name].components if c.name == component)
                after = after or UNKNOWN
                again = "the same, with its own files" if of[name].altered() else "the same"
                rows.append((batch.number, name, before, after if after != before else again, left))
        later = f"{len(batch.serving_after)} of {batch.total}"
        rows += [(batch.number, name, *_packages(of[name]), "stands by with it", later) for name in batch.retire]
        if not batch.nodes and not batch.retire:
            rows.append((batch.number, "-", "-", "only watched", later))
        expected = _expected(batch, of, policy)
        rows[first:] = [(*row, "" if number else expected) for number, row in enumerate(rows[first:])]
    total, certain = eta_s(plan, nodes, policy)
    count = f"{len(plan.batches)} batch{'es' if len(plan.batches) > 1 else ''}"
    return [
        f"PLAN {plan.digest}: {plan.strategy}, {count}, ETA {'about' if certain else 'more than'} {_about(total)}",
        *table(("batch", "node", "from", "to", "nodes serving meanwhile", "expected"), rows),
        *fit(passed),
        *fit(f"NO WAY BACK for {name} once its package is installed: {why}." for batch in plan.batches for name, why in batch.one_way.items()),
        *fit(f"WARNING: {text}." for text in plan.differences),
        *(
            []
            if certain
            else ["Drain, installation, start and sanity test, and what comes between the waits: as long as the last time, which is not known yet."]
        ),
    ]


def _expected(batch: Batch, of: Mapping[str, Node], policy: Policy) -> str:
    """The waits of the batch, in their order."""
    out, work, back, retired, observed, beside = expected_s(batch, list(of.values()), policy)
    mine, others = _guess([of[name] for name in batch.nodes]), _guess([of[name] for name in batch.retire])
    waits = [
        *([f"settle {_about(out)}{mine}"] if out else []),
        *([f"drain to sanity test {_about(work)}", f"settle {_about(back)}{mine}"] if batch.nodes else []),
        *([f"the others out {_about(retired)}{others}"] if batch.retire else []),
        *([f"observe {_about(observed)}"] if observed else []),
        *([f"between them {_about(beside)}"] if batch.nodes else []),
    ]
    return ", ".join(waits)


def _packages(node: Node) -> tuple[str]:
    return (node.named,)


def _names(packages: Packages) -> str:
    return " ".join(nevra or UNKNOWN for nevra in packages.values())


def _nothing(nodes: Sequence[Node]) -> str:
    serving = [node for node in nodes if node.serving]
    serves = ", ".join(sorted({c.named for node in serving for c in node.components}))
    if len(serving) == len(nodes):
        return f"PLAN nothing to do: all {len(nodes)} nodes are live, healthy and on {serves}"
    rest = ", ".join(f"{node.name} with {_packages(node)[0]}" for node in nodes if node not in serving)
    return f"PLAN nothing to do: {len(serving)} of {len(nodes)} nodes are live, healthy and on {serves or 'nothing'}; not live: {rest}"


def expected_s(batch: Batch, nodes: Sequence[Node], policy: Policy) -> tuple[float, float | None, float, float, float, float | None]:
    """Seconds of each wait of the batch: settle out, all that is done in standby, settle in, settle out of the others, observe; and beside them.

    Settling by the intervals at which the probers were seen to ask; the work as it was when the node was last swapped, None where
    that is not known. Beside the waits a batch costs what the last run measured: reading all nodes, the interlock, the ends of a watch.
    """
    mine = [node for node in nodes if node.name in batch.nodes]
    out = _settle_s([node for node in mine if node.live], policy, "fall")
    swapped = [node for node in mine if node.name not in batch.ready]
    took = [(node, (node.record or {}).get("out_s")) for node in swapped]
    known = [max(0.0, seconds - _settle_s([node], policy, "fall")) for node, seconds in took if seconds is not None]
    work = max(known, default=0.0) if len(known) == len(swapped) else None
    retired = _settle_s([node for node in nodes if node.name in batch.retire], policy, "fall")
    measured = [seconds for node in nodes for seconds in [(node.record or {}).get("beside_s")] if seconds is not None]
    beside = (median(measured) if measured else None) if batch.nodes else 0.0
    return out, work, _settle_s(mine, policy, "rise"), retired, batch.observe_s, beside


def eta_s(plan: Plan, nodes: Sequence[Node], policy: Policy) -> tuple[float, bool]:
    """Seconds that the plan takes, and whether all of them are known."""
    waits = [seconds for batch in plan.batches for seconds in expected_s(batch, nodes, policy)]
    return sum(seconds or 0.0 for seconds in waits), None not in waits


def waits_s(plan: Plan, nodes: Sequence[Node], policy: Policy) -> float:
    """Seconds of the plan in which no node is out: settle in, settle out of the others, and observe."""
    return sum(sum(expected_s(batch, nodes, policy)[2:5]) for batch in plan.batches)


def _settle_s(nodes: Sequence[Node], policy: Policy, count: str) -> float:
    """Longest wait until a live load balancer has had that many answers of one of these nodes."""
    guesses = [
        guess_s(policy.limits.load_balancers, {"fall": "standby", "rise": "live"}[count])
        for node in nodes
        for component in node.components
        if is_guess(component.status)
    ]
    waits = [
        (prober["interval_s"] or 0.0) * int(balancer[count])
        for node in nodes
        for component in node.components
        for balancer, prober in known_probers(component.status, policy.limits.load_balancers)
        if balancer["follows"] == "live"
    ]
    return max(waits + guesses, default=0.0)


def _guess(nodes: Sequence[Node]) -> str:
    """What marks the wait for load balancers that these nodes cannot see."""
    return " (guess)" if any(is_guess(component.status) for node in nodes for component in node.components) else ""


def _about(seconds: float | None) -> str:
    if seconds is None:
        return "?"
    return f"{seconds:.1f} s" if seconds < 100 else _age(seconds)


def status_lines(nodes: Sequence[Node], load_balancers: Sequence[Mapping[str, Any]] = ()) -> list[str]:
    """One line for each component of each node. Without load balancers nobody knows which of those that ask are probers."""
    rows = []
    for node in nodes:
        if node.unread:
            rows.append((node.name, node.stack, "-", "unread", "-", "-", "-", node.unread))
        for component in node.components:
            status = component.status
            asked = "unknown probers" if is_guess(status) else f"{len(known_probers(status, load_balancers))} probers" if load_balancers else ""
            notes = [text.split(": ", 1)[1] for text in node.doubts() + node.altered() if text.startswith(f"{component.name}: ")]
            rows.append(
                (
                    node.name,
                    node.stack,
                    component.name,
                    component.state if component.healthy else f"{component.state}, down",
                    component.nevra or (component.named if component.adopted else "-"),
                    "-" if component.since_s is None else _age(component.since_s),
                    "-" if component.rate_per_s is None else f"{component.rate_per_s:.1f}",
                    "; ".join([*filter(None, [asked]), *([] if component.healthy else [component.why]), *notes]),
                )
            )
    serving = sum(node.serving for node in nodes)
    return [
        *table(("node", "stack", "component", "heartbeat", "package", "since", "requests/s", "notes"), rows),
        f"{serving} of {len(nodes)} nodes serve.",
        *fit(_strangers(nodes, load_balancers)),
        *fit(_locks(nodes)),
    ]


def _strangers(nodes: Sequence[Node], load_balancers: Sequence[Mapping[str, Any]]) -> list[str]:
    return [
        f"{node.name}: {component.name}: {text}."
        for node in nodes
        for component in node.components
        for text in (misasked(component.status, load_balancers) + strangers(component.status, load_balancers) if load_balancers else ())
    ]


def _locks(nodes: Sequence[Node]) -> list[str]:
    """Who is at work, a line for each run that holds a lock."""
    runs = {node.lock["run_id"]: node.lock for node in nodes if node.lock}
    return [
        f"LOCK held by {lock['owner']} (run {run_id}, {lock.get('reason') or 'no reason given'}) since {lock.get('since') or 'an unknown time'} on "
        f"{', '.join(node.name for node in nodes if node.lock and node.lock['run_id'] == run_id)}. If that run is dead: "
        f"halfswap.bluegreen.unlock -e bluegreen_run_id={run_id}"
        for run_id, lock in runs.items()
    ]


def next_lines(nodes: Sequence[Node], checked: bool = False) -> list[str]:
    """What can be done from here, the nearest first. checked: the run only looked, and so left nothing half done."""
    waiting, unread = standing_by(nodes), any(node.unread for node in nodes)
    lines = ["This run changed nothing (--check)."] if checked else []
    lines += [_progress(nodes, "without --check" if checked else "again"), *standing_by_lines(nodes)]
    back = target("rollback", nodes, None, "halves")
    if not waiting and not back.refusals:
        releases = ", ".join(dict.fromkeys(_names(packages) for packages in back.wanted.values()))
        lines.append(f"Or halfswap.bluegreen.rollback, which goes back to {releases}: every node has served it.")
    able = [node for node in nodes if not node.serving and node.components and node.ready(node.nevras)]
    # Were what stands by after a cut-over to serve as well, users would get both releases.
    if able and not waiting and not unread:
        lines.append("Or halfswap.bluegreen.all_live, which lets every healthy node serve what it has installed.")
    return fit([*lines, "halfswap.bluegreen.history shows what was done."])


def _progress(nodes: Sequence[Node], how: str) -> str:
    """Whether a deployment has stopped between its beginning and its end, by what the nodes say and nothing else."""
    mended = "Once what is said above is mended, run the same command again."
    unread = [node.name for node in nodes if node.unread]
    if unread:
        return f"Nobody knows whether it is half done: {', '.join(unread)} could not be read. {mended} It goes on from what the nodes say then."
    if not any(component.nevra or component.adopted for node in nodes for component in node.components):
        return f"Nothing is half done: no node has a package installed. {mended}"
    if standing_by(nodes):
        return f"Nothing is half done: one half serves, and the other one stands by. {mended}"
    if all(component.state == "live" for node in nodes for component in node.components) and _one_release(nodes):
        down = [node.name for node in nodes if not node.serving]
        if not down:
            return f"Nothing is half done: every node serves the same release. {mended}"
        return f"Nothing is half done: every node is live on the same release. Not healthy: {', '.join(down)}. {mended}"
    nobody = "" if any(node.serving for node in nodes) else "No node serves. "
    return f"{nobody}It is half done: run the same command {how}, and it goes on from here; what does not serve comes first."


def standing_by(nodes: Sequence[Node]) -> list[Node]:
    """The half that left as it was when the other one took over. It has served what it has: a release that never came in is no way back."""
    serving = [node for node in nodes if node.serving and not node.doubts()]
    waiting = [node for node in nodes if node not in serving]
    told = all(node.record and node.record["current"] == node.nevras and node.ready(node.nevras) and not node.live for node in waiting)
    apart = not {node.stack for node in serving} & {node.stack for node in waiting}
    return waiting if serving and told and apart and _one_release(serving) and not _one_release(nodes) else []


def standing_by_lines(nodes: Sequence[Node]) -> list[str]:
    """What a cut-over leaves to be decided; nothing where there was none."""
    waiting = standing_by(nodes)
    if not waiting:
        return []
    has, serves = (", ".join(dict.fromkeys(node.named for node in half)) for half in (waiting, [node for node in nodes if node not in waiting]))
    wanted = target("rollback", nodes, None, "halves").wanted
    way_back = " Until then halfswap.bluegreen.rollback goes back to them with one flip."
    flip = all(wanted.get(node.name) == node.nevras for node in waiting)
    names = ", ".join(node.name for node in waiting)
    stand = "stand" if len(waiting) > 1 else "stands"
    text = f"{names} {stand} by on {has}. halfswap.bluegreen.confirm lets them follow to {serves}, which serves."
    return fit([text + way_back if flip else text])


def _one_release(nodes: Iterable[Node]) -> bool:
    """Whether each component is on one package; not every node has every component."""
    packages: dict[str, set[str | None]] = {}
    for node in nodes:
        for component, nevra in node.nevras.items():
            packages.setdefault(component, set()).add(nevra)
    return all(len(each) == 1 for each in packages.values())


def _age(seconds: float) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"
