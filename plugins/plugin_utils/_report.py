# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What people are shown: the plan and the state of the application, as plain lines that survive a log file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ansible_collections.halfswap.bluegreen.plugins.module_utils._settle import known_probers

from ._evidence import Node
from ._planner import Batch, Plan, Policy


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Columns as wide as their widest cell, a rule under the header."""
    cells = [list(header), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in cells]
    return [lines[0], "  ".join("-" * width for width in widths), *lines[1:]]


def plan_lines(plan: Plan, nodes: Sequence[Node], policy: Policy) -> list[str]:
    """The plan as a change board reads it."""
    if plan.refusals:
        return ["PLAN refused:", *(f"  {text}" for text in plan.refusals)]
    if not plan.batches:
        serves = sorted({nevra for node in nodes for nevra in node.nevras.values() if nevra})
        return [f"PLAN nothing to do: all {len(nodes)} nodes are live, healthy and on {', '.join(serves)}"]
    rows = []
    for batch in plan.batches:
        for name in batch.nodes:
            for component, after in batch.after[name].items():
                before = batch.before[name][component] or "nothing"
                rows.append((str(batch.number), name, before, after if after != before else "the same", f"{batch.staying} of {batch.total}"))
    waits = ", ".join(f"batch {batch.number} about {settle_s(batch, nodes, policy):.1f} s" for batch in plan.batches)
    return [
        f"PLAN {plan.digest}: {len(plan.batches)} batch{'es' if len(plan.batches) > 1 else ''}",
        *table(("batch", "node", "from", "to", "nodes serving meanwhile"), rows),
        f"Expected waits for the load balancers: {waits}; beside them drain, installation, start and sanity test.",
    ]


def settle_s(batch: Batch, nodes: Sequence[Node], policy: Policy) -> float:
    """Longest wait for the live load balancers of this batch, out and in again, by the intervals that were seen."""
    rules = {balancer["path"]: balancer for balancer in policy.load_balancers if balancer["follows"] == "live"}
    waits = [
        (prober["interval_s"] or 0.0) * (int(rules[prober["path"]].get("fall", 3)) + int(rules[prober["path"]].get("rise", 2)))
        for node in nodes
        if node.name in batch.nodes
        for component in node.components
        for prober in known_probers(component.status, policy.ignore_probers)
        if prober["path"] in rules
    ]
    return max(waits, default=0.0)


def status_lines(nodes: Sequence[Node]) -> list[str]:
    """One line for each component of each node."""
    rows = []
    for node in nodes:
        if node.unread:
            rows.append((node.name, node.stack, "-", "unread", "-", "-", "-", node.unread))
        for component in node.components:
            status = component.status
            probers = known_probers(status)
            notes = [text.split(": ", 1)[1] for text in node.doubts() if text.startswith(f"{component.name}: ")]
            rows.append(
                (
                    node.name,
                    node.stack,
                    component.name,
                    component.state if component.healthy else f"{component.state}, down",
                    component.nevra or "-",
                    _age(component.since_s),
                    "-" if component.rate_per_s is None else f"{component.rate_per_s:.1f}",
                    "; ".join([f"{len(probers)} probers", *([] if component.healthy else [component.why]), *notes]),
                )
            )
    serving = sum(node.serving for node in nodes)
    return [
        *table(("node", "stack", "component", "heartbeat", "package", "since", "requests/s", "notes"), rows),
        f"{serving} of {len(nodes)} nodes serve.",
    ]


def _age(seconds: float) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"
