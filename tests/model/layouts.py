# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which node has which components, and which names are one machine: what may leave then, judged by the real evidence, interlock and planner.

The rest of the model takes one component on every node, each of which is a machine of its own. Here are all other layouts of up to four nodes with two
components, each with every node live, in standby or unread, and each with any two names on one machine.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._refusals import REFUSALS, Override, divided
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._evidence import Node, read_nodes
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._interlock import Limits, refuse_standby
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._planner import Policy, plan

from .nodes import Violation

COMPONENTS = ("shop", "basket")
HAVING = (("shop",), ("basket",), COMPONENTS)
BEATS = ("live", "standby", "unread")
STACKS = {"blue": ["blue1", "blue2"], "green": ["green1", "green2"]}
# Each refusal that may be passed, and for all the model knows, each that may not.
EVERYTHING = Override("the model", tuple(row.code for row in REFUSALS))
NAMES = [name for names in STACKS.values() for name in names]
OLD, NEW = "package-1.0.0-1.noarch", "package-2.0.0-1.noarch"


class Placed(NamedTuple):
    """What one name stands for."""

    components: tuple[str, ...]
    beat: str
    machine: str


Layout = dict[str, Placed]


def said(placed: Placed) -> dict[str, Any]:
    """What node_info registers for it."""
    if placed.beat == "unread":
        return {"unreachable": True}
    status = {
        "state": placed.beat,
        "healthy": True,
        "why": "HTTP 200",
        "revision": 1,
        "by": None,
        "run_id": None,
        "since_s": 100.0,
        "release": None,
        "probers": [],
    }
    component: dict[str, Any] = {
        "package": "package",
        "heartbeat": status,
        "error": None,
        "nevra": OLD,
        "version": "1.0.0",
        "active": True,
        "installed_at": 1.0,
        "started_at": 2.0,
        "differing": [],
    }
    return {"at": 1.0, "batch_id": "", "machine": placed.machine, "components": [{**component, "name": name} for name in placed.components]}


def layouts() -> Iterator[Layout]:
    kinds = list(itertools.product(HAVING, BEATS))
    for placed in itertools.product(kinds, repeat=len(NAMES)):
        yield {name: Placed(*kind, machine=name) for name, kind in zip(NAMES, placed)}
    for one, other in itertools.combinations(NAMES, 2):
        for having in itertools.product(HAVING, repeat=len(NAMES)):
            apart = {name: Placed(components, "live", machine=name) for name, components in zip(NAMES, having)}
            yield {**apart, other: apart[one]}


def describe(layout: Layout) -> str:
    return "".join(f"\n    {name}: {placed.beat}, {' and '.join(placed.components)}, machine {placed.machine}" for name, placed in layout.items())


def may_leave(layout: Layout, out: Collection[str], least: int) -> bool:
    """What is the case: machines that would go on serving a component are counted, not names, and all of them are known."""
    if any(placed.beat == "unread" for placed in layout.values()) or len({placed.machine for placed in layout.values()}) < len(layout):
        return False
    for component in {component for name in out for component in layout[name].components}:
        others = [placed for name, placed in layout.items() if name not in out and component in placed.components]
        if sum(placed.beat == "live" for placed in others) < max(1, least or len(others)):
            return False
    return True


def check_layout(layout: Layout) -> int:
    """How many judgements were made; a wrong one raises a Violation."""
    nodes = read_nodes(STACKS, {name: {"seen": said(placed)} for name, placed in layout.items()}, "seen")
    outs = [*STACKS.values(), *([name] for name in NAMES)]
    for out, least, override in itertools.product(outs, (0, 1), (Override(), EVERYTHING)):
        reasons, _passed = divided(refuse_standby(nodes, out, Limits(min_live=least)), override)
        # Passed or not: of each component one machine stays, and all of them are known.
        if may_leave(layout, out, 1 if override.refusals else least) == bool(reasons):
            raise Violation(
                "of each component enough machines stay", f"{', '.join(out)} to leave, and the interlock says {reasons or 'yes'}:{describe(layout)}"
            )
    return 4 * len(outs) + sum(_planned(layout, nodes, strategy) for strategy in ("halves", "cutover", "rolling"))


def _planned(layout: Layout, nodes: list[Node], strategy: str) -> int:
    wanted = {node.name: dict.fromkeys(node.nevras, NEW) for node in nodes}
    for batch in plan(nodes, wanted, Policy(strategy)).batches[:1]:
        leaving = [name for name in batch.nodes if layout[name].beat == "live"]
        if leaving and not may_leave(layout, batch.nodes, 0):
            raise Violation("no plan takes a component away", f"strategy {strategy}, {', '.join(batch.nodes)} to leave:{describe(layout)}")
        for component in COMPONENTS:
            stacks = {name[:-1] for name, placed in layout.items() if component in placed.components}
            if len(stacks) == 1:
                raise Violation("a component of one stack alone is refused", f"strategy {strategy}, {component}:{describe(layout)}")
    return 1


def check_layouts(sample: int = 1) -> tuple[int, int, dict[str, str]]:
    """How many layouts and judgements there were, and the first counterexample of each rule."""
    count = judged = 0
    broken: dict[str, str] = {}
    for layout in itertools.islice(layouts(), None, None, sample):
        count += 1
        try:
            judged += check_layout(layout)
        except Violation as violation:
            broken.setdefault(violation.rule, str(violation))
    return count, judged, broken
