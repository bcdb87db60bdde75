# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The runs that the journals of the nodes tell of. Each node has its part of a run; here they are put together again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from ._report import fit, table

LOCK_TAKEN = ("lock acquired", "lock taken over")
LOCK_RELEASED = "lock released"
OVERRIDE = "override"
# So many names fit into a column; beyond, their number tells more.
NAMES = 4
CHANGES = 3

Line = Mapping[str, Any]


@dataclass
class Run:
    """What the journals of all nodes say of one run."""

    run_id: str
    lines: list[tuple[str, Line]] = field(default_factory=list)
    # Whether a node says that this run holds its lock now.
    running: bool = False

    @property
    def began(self) -> str:
        began: str = min(line["at"] for _node, line in self.lines)
        return began

    @property
    def took_s(self) -> float:
        """Up to its last act. That somebody cleared its lock away, perhaps days later, is no act of the run."""
        acts = [line["at"] for _node, line in self.lines if not (line["what"] == LOCK_RELEASED and line.get("result") == "interrupted")]
        return (_time(max(acts, default=self.began)) - _time(self.began)).total_seconds()

    @property
    def by(self) -> str:
        return min(self.lines, key=lambda said: said[1]["at"])[1].get("by") or "-"

    @property
    def nodes(self) -> list[str]:
        """Where it did something; a lock alone changes nothing."""
        return list(dict.fromkeys(node for node, line in self.lines if line["what"] not in (*LOCK_TAKEN, LOCK_RELEASED, OVERRIDE)))

    @property
    def did(self) -> str:
        """The packages that it changed; without any, the reason that it gave."""
        changes = list(dict.fromkeys(change for _node, line in self.lines if line["what"] == "packages" for change in _changes(line)))
        if changes:
            return "; ".join([*changes[:CHANGES], *([f"{len(changes) - CHANGES} more"] if len(changes) > CHANGES else [])])
        reasons = (line.get("reason") for _node, line in self.lines)
        return next((reason for reason in reasons if reason), None) or ", ".join(dict.fromkeys(line["what"] for _node, line in self.lines))

    @property
    def passed(self) -> list[str]:
        """The refusals that the operator passed: which, who, when and why. Each of them once, by its first node."""
        acts = sorted((line for _node, line in self.lines if line["what"] == OVERRIDE), key=lambda line: line["at"])
        told = {text: line for line in reversed(acts) for text in line["after"]["passed"]}
        return [
            f"Run {self.run_id}: {line.get('by') or '-'} passed {text} (at {line['at']}, because {line['after']['reason']})"
            for text, line in sorted(told.items(), key=lambda each: each[1]["at"])
        ]

    @property
    def tested(self) -> str:
        """The answers that the sanity tests got from its nodes, and what differed from the release before."""
        tests = [shown for _node, line in self.lines if line["what"] == "sanity test" for shown in (line.get("after") or {}).values()]
        if not tests:
            return "-"
        # The comparison is one of the whole batch, and every node of it tells of it.
        compared = {(c["compared"], c["differences"]) for c in (shown.get("compare") or {} for shown in tests) if {"compared", "differences"} <= set(c)}
        return ", ".join([f"{sum(shown['answers'] for shown in tests)} answers", *(f"{differ} of {count} differ" for count, differ in sorted(compared))])

    @property
    def result(self) -> str:
        """As bad as the worst of its nodes. A lock that was taken and never given back is that of a run that did not reach its end."""
        if self.running:
            return "running"
        taken = {node for node, line in self.lines if line["what"] in LOCK_TAKEN}
        released = {node: line.get("result") or "complete" for node, line in self.lines if line["what"] == LOCK_RELEASED}
        results = {*released.values(), *("interrupted" for node in taken - set(released))}
        worst = next((result for result in ("failed", "interrupted", "complete") if result in results), "-")
        # It said no, and changed nothing anywhere.
        return "refused" if worst == "failed" and not self.nodes else worst


def runs(journals: Mapping[str, Sequence[Line]], holders: Mapping[str, Line | None]) -> list[Run]:
    """Every run of which a node tells, in the order in which they began."""
    found: dict[str, Run] = {}
    for node, lines in journals.items():
        for line in lines:
            found.setdefault(line["run_id"], Run(line["run_id"])).lines.append((node, line))
    for holder in holders.values():
        if holder and holder["run_id"] in found:
            found[holder["run_id"]].running = True
    return sorted(found.values(), key=lambda run: run.began)


def history_lines(told: Sequence[Run], nodes: Sequence[str], unread: Mapping[str, str], strange: Mapping[str, Sequence[str]]) -> list[str]:
    """One line for each run, newest last, and what is not known because a node was not read, or lines of its journal could not be."""
    rows = [(run.run_id, run.began, _span(run.took_s), run.by, run.did, _names(run.nodes, nodes), run.result, run.tested) for run in told]
    shown = table(("run", "began", "took", "who", "did", "nodes", "result", "sanity test"), rows) if rows else ["No run is in the journals."]
    return [
        *shown,
        *fit(text for run in told for text in run.passed),
        *fit(f"{name} was not read: {why}" for name, why in unread.items()),
        *fit(
            f"{name}: lines of its journal that are torn or not ours were left out, {len(lines)} of them, the last one: {lines[-1]}"
            for name, lines in strange.items()
        ),
    ]


def _names(names: Sequence[str], nodes: Sequence[str]) -> str:
    if set(nodes) <= set(names):
        return f"all {len(nodes)}"
    if len(names) > NAMES:
        return f"{len(names)} of {len(nodes)}"
    return ", ".join(name for name in nodes if name in names) or "-"


def _changes(line: Line) -> Iterable[str]:
    """What the packages of one transaction became; those that are in both lists stayed as they were."""
    before, after = ([_nevr(nevra) for nevra in line.get(key) or [] if nevra] for key in ("before", "after"))
    gone = [nevr for nevr in before if nevr not in after]
    failed = " (failed)" if line.get("result") == "failed" else ""
    for new in (nevr for nevr in after if nevr not in before):
        old = next((nevr for nevr in gone if _name(nevr) == _name(new)), None)
        if old:
            gone.remove(old)
        yield f"{old or 'nothing'} -> {new}{failed}"
    yield from (f"{old} -> nothing{failed}" for old in gone)


def _nevr(nevra: str) -> str:
    return nevra.rpartition(".")[0]


def _name(nevr: str) -> str:
    return nevr.rsplit("-", 2)[0]


def _time(at: str) -> datetime:
    return datetime.strptime(at, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)


def _span(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.1f} min"
