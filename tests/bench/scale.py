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
# The first is done by every host, the others by one for all.
TASKS = ("nothing", "judging", "plan", "interlock", "status")


@dataclass(frozen=True)
class Size:
    """The seconds that tasks took for so many nodes."""

    nodes: int
    seconds: dict[str, float]

    def per_node(self, task: str) -> float:
        return self.seconds[task] / self.nodes

    def row(self) -> str:
        return f"{self.nodes:6d}" + "".join(f"{self.seconds[task]:11.2f}" for task in TASKS)


def names(nodes: int) -> dict[str, list[str]]:
    """The nodes of both halves."""
    return {stack: [f"{stack}{number}" for number in range(1, nodes // 2 + 1)] for stack in ("blue", "green")}


def result(sizes: Sequence[Size]) -> str:
    last = sizes[-1]
    base = next((size for size in sizes if size.nodes == 50), sizes[0])
    ratio = last.per_node("plan") / base.per_node("plan")
    return f"RESULT nodes={last.nodes} plan_s={last.seconds['plan']:.1f} per_node_ratio_{last.nodes}_{base.nodes}={ratio:.2f}"


def measure(nodes: int, records: Path) -> Size:
    stacks = names(nodes)
    inventory = records / f"{nodes}.json"
    groups = {stack: {"hosts": {name: {"ansible_connection": "local"} for name in members}} for stack, members in stacks.items()}
    inventory.write_text(json.dumps({"all": {"children": groups}}), encoding="utf-8")
    told, log = records / f"{nodes}.jsonl", records / f"{nodes}.log"
    environment = {
        **os.environ,
        "ANSIBLE_ACTION_PLUGINS": str(ROOT / "tests" / "bench" / "action_plugins"),
        "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "tests" / "faults" / "callback_plugins"),
        "ANSIBLE_CALLBACKS_ENABLED": "boundaries",
        "BOUNDARIES_RECORD": str(told),
    }
    command = ["ansible-playbook", "-i", inventory, "tests/bench/scale.yml", "--forks", str(FORKS)]
    with open(log, "w", encoding="utf-8") as output:
        if start(*command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=environment).wait():
            raise Failure(f"This ended with an error; see {log}")
    return Size(nodes, seconds(Record.read(told)))


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
    print(f"Seconds of a task for all nodes, with {FORKS} forks; {', '.join(TASKS[1:])} are done by one host.")
    print(f"{'nodes':>6}" + "".join(f"{task:>11}" for task in TASKS), flush=True)
    sizes: list[Size] = []
    try:
        for nodes in sorted(given.nodes):
            sizes.append(measure(nodes, records))
            print(sizes[-1].row(), flush=True)
    except Failure as failure:
        print(f"ERROR: {failure}", file=sys.stderr)
        return 1
    print(f"load average {' '.join(f'{load:.1f}' for load in os.getloadavg())}")
    print(result(sizes), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
