# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures how judging, plan, interlock and status grow with the number of nodes. It needs no lab.

    make bench-scale
    python tests/bench/scale.py --nodes 10,50,500

ansible-playbook runs scale.yml with recorded nodes, so that all of Ansible's own work is in the figures: a worker for each host, its variables,
those of all other hosts. The last line is ``RESULT nodes=500 plan_s=X per_node_ratio_500_50=X``. README.md says what each figure means.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "demo"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "faults"))

from application import Record, fresh, numbers
from lab import ROOT, Failure, start

NODES = (10, 20, 40, 50, 100, 200, 500)
FORKS = 5
# Longer than this is not waited for: some hosts do it, and the rest is computed.
LIMIT_S = 20.0
# Two rounds of the forks.
SAMPLE = 10
TASKS = ("nothing", "judging", "plan", "interlock", "status")
ON_ONE_HOST = ("judging", "plan", "interlock", "status")


@dataclass(frozen=True)
class Size:
    """What tasks took on some of so many nodes."""

    nodes: int
    hosts: int
    measured: dict[str, float]

    @property
    def extrapolated(self) -> bool:
        return self.hosts < self.nodes

    def seconds(self, task: str) -> float:
        """For all nodes."""
        return self.measured[task] * (1 if task in ON_ONE_HOST else self.nodes / self.hosts)

    def per_node(self, task: str) -> float:
        return self.seconds(task) / self.nodes

    def row(self) -> str:
        how = f"{self.hosts} hosts, the rest computed" if self.extrapolated else "every host"
        return f"{self.nodes:6d}" + "".join(f"{self.seconds(task):11.2f}" for task in TASKS) + f"   {how}"


def names(nodes: int) -> dict[str, list[str]]:
    """The nodes of both halves."""
    return {stack: [f"{stack}{number}" for number in range(1, nodes // 2 + 1)] for stack in ("blue", "green")}


def hosts_for(nodes: int, before: Size | None) -> int:
    """How many hosts do it: all, unless the plan is likely to take longer than the limit.

    A host of twice as many nodes has twice as much to read, at the worst, and there are twice as many of them.
    """
    expected = before.seconds("plan") * (nodes / before.nodes) ** 2 if before else 0.0
    return nodes if expected <= LIMIT_S else min(nodes, SAMPLE)


def result(sizes: Sequence[Size]) -> str:
    last = sizes[-1]
    base = next((size for size in sizes if size.nodes == 50), sizes[0])
    ratio = last.per_node("plan") / base.per_node("plan")
    return f"RESULT nodes={last.nodes} plan_s={last.seconds('plan'):.1f} per_node_ratio_{last.nodes}_{base.nodes}={ratio:.2f}"


def measure(nodes: int, hosts: int, records: Path) -> Size:
    stacks = names(nodes)
    inventory = records / f"{nodes}.json"
    groups = {stack: {"hosts": {name: {"ansible_connection": "local"} for name in members}} for stack, members in stacks.items()}
    inventory.write_text(json.dumps({"all": {"children": groups}}), encoding="utf-8")
    some = [name for pair in zip(*stacks.values()) for name in pair][:hosts]
    told, log = records / f"{nodes}.jsonl", records / f"{nodes}.log"
    environment = {
        **os.environ,
        "ANSIBLE_ACTION_PLUGINS": str(ROOT / "tests" / "bench" / "action_plugins"),
        "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "tests" / "faults" / "callback_plugins"),
        "ANSIBLE_CALLBACKS_ENABLED": "boundaries",
        "BOUNDARIES_RECORD": str(told),
    }
    command = ["ansible-playbook", "-i", inventory, "tests/bench/scale.yml", "--forks", str(FORKS), "-e", json.dumps({"scale_hosts": some})]
    with open(log, "w", encoding="utf-8") as output:
        if start(*command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=environment).wait():
            raise Failure(f"This ended with an error; see {log}")
    return Size(nodes, len(some), seconds(Record.read(told)))


def seconds(record: Record) -> dict[str, float]:
    """Of each task that is measured; the play that prepares them has others."""
    took = {str(task).lower(): after - at for task, at, after in zip(record.boundaries, record.at, record.at[1:])}
    return {task: took[task] for task in TASKS}


def even(text: str) -> list[int]:
    chosen = numbers(text)
    if any(number % 2 for number in chosen):
        raise ValueError("two halves of the same size")
    return chosen


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--nodes", type=even, default=list(NODES), metavar="N,N,...", help=f"default: {','.join(map(str, NODES))}")
    given = options.parse_args()
    os.environ["PATH"] = f"{ROOT}/.venv/bin:{os.environ['PATH']}"
    os.environ["ANSIBLE_COLLECTIONS_PATH"] = f"{ROOT}/.cache/collections"
    records = fresh(ROOT / ".cache" / "bench" / "scale")
    print(f"Seconds of a task for all nodes, with {FORKS} forks; {', '.join(ON_ONE_HOST)} are done by one host.")
    print(f"Where the plan is likely to take more than {LIMIT_S:g} s, {SAMPLE} hosts do it, and the rest is computed.")
    print(f"{'nodes':>6}" + "".join(f"{task:>11}" for task in TASKS), flush=True)
    sizes: list[Size] = []
    try:
        for nodes in sorted(given.nodes):
            sizes.append(measure(nodes, hosts_for(nodes, sizes[-1] if sizes else None), records))
            print(sizes[-1].row(), flush=True)
    except Failure as failure:
        print(f"ERROR: {failure}", file=sys.stderr)
        return 1
    print(f"load average {' '.join(f'{load:.1f}' for load in os.getloadavg())}")
    if sizes[-1].extrapolated:
        print(f"The plan of {sizes[-1].nodes} nodes was extrapolated from {sizes[-1].hosts} hosts.")
    print(result(sizes), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
