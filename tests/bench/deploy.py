# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures `deploy` against the bare procedure, in one lab and one run.

    make bench                                          five pairs in a lab of its own; KEEP=1 keeps the lab
    python tests/bench/deploy.py --lab halfswap         the same in the lab that `make lab` started
    make bench BENCH="--pairs 9"

A pair is one deployment by ssh alone (bare.py) and one by the playbook deploy; every second pair has them in the other order. The last line is
``RESULT wall_ratio=X out_ratio=X round_trips_per_node=N tasks=N lines=N controller_cpu_s=X``. README.md says what each figure means. It exits 0 when
all deployments succeed: there is no limit that a slow machine could miss.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "demo"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "faults"))

from application import RELEASES, Record, ask, describe, fresh, look, other, positive, served
from bare import Bare
from lab import ROOT, Failure, Lab, in_lab, start

OWN_LAB = "bench"
PAIRS = 5
SLOWEST = 12

SSHD = "/etc/ssh/sshd_config.d/bench.conf"
# A connection keeps the log level that it began with. So those that are open have to end.
COUNT_SESSIONS = f"echo LogLevel VERBOSE >{SSHD} && systemctl reload ssh && echo good; pkill -u ops -x sshd"
STOP_COUNTING = f"rm -f {SSHD} && systemctl reload ssh && echo good"

# What systemd writes when it acts on a unit, by systemd's own numbers for these messages.
UNIT = "shop.service"
UNIT_MESSAGES = {
    "de5b426a63be47a7b6ac3eaac82e2f6f": "stopping",
    "9d1aaa27d60140bd96365438aad20286": "stopped",
    "7d4958e842da4a758f6c1cdc7b36dcc5": "starting",
    "39f53479d3a045ac8e11786248231fbf": "started",
}
FLIP = re.compile(r"(live|standby) -> (live|standby), ")
SESSION = "Starting session: "

# What a half passes, in this order, and what lies between two of them.
MARKS = ("standby", "stopping", "stopped", "starting", "started", "live")
BETWEEN = ("standby, settle, drain", "stop", "rpm", "start", "healthy, sanity test")
BEFORE, AFTER, END = "before the first half", "settle, and between the halves", "settle, and after the last half"


@dataclass(frozen=True)
class Event:
    """Something that a node's journal tells of: a command that sshd started, a flip of the heartbeat, a change of the service."""

    at: float
    what: str


def events(journal: str, began: float, ended: float) -> list[Event]:
    """What happened on a node between these two times, as its journal has it in JSON, one entry a line."""
    found = []
    for line in journal.splitlines():
        entry = json.loads(line)
        at = int(entry["__REALTIME_TIMESTAMP"]) / 1e6
        what = _what(entry)
        if what and began <= at <= ended:
            found.append(Event(at, what))
    return found


def _what(entry: Mapping[str, object]) -> str | None:
    message, writer = entry.get("MESSAGE"), str(entry.get("SYSLOG_IDENTIFIER"))
    # What is not text comes as a list of bytes.
    if not isinstance(message, str):
        return None
    if writer.startswith("sshd"):
        return "session" if message.startswith(SESSION) else None
    if writer == "halfswap-heartbeat":
        flip = FLIP.match(message)
        # A change of the phase alone is no flip.
        return flip[2] if flip and flip[1] != flip[2] else None
    return UNIT_MESSAGES.get(str(entry.get("MESSAGE_ID"))) if entry.get("UNIT") == UNIT else None


@dataclass(frozen=True)
class Half:
    """When a half passed each mark: it is out once its first node is, and anything else has happened when the last node has done it."""

    marks: Mapping[str, float]

    @classmethod
    def of(cls, nodes: Mapping[str, Sequence[Event]]) -> Half:
        marks = {}
        for mark in MARKS:
            times = []
            for name, found in nodes.items():
                at = [event.at for event in found if event.what == mark]
                if not at:
                    raise Failure(f'{name}: its journal does not tell of "{mark}", so that this run cannot be measured')
                times.append(at[0] if mark == "standby" else at[-1])
            marks[mark] = min(times) if mark == "standby" else max(times)
        return cls(marks)

    @property
    def out_s(self) -> float:
        return self.marks["live"] - self.marks["standby"]

    def steps(self) -> dict[str, float]:
        return {name: self.marks[end] - self.marks[begin] for name, begin, end in zip(BETWEEN, MARKS, MARKS[1:])}


@dataclass(frozen=True)
class Run:
    """One deployment, bare or by the playbook."""

    began: float
    ended: float
    halves: Sequence[Half]
    # Commands that sshd started, for each node.
    sessions: Mapping[str, int]
    # Bare: the seconds of each step as the nodes measured them, for each half. Otherwise of each task.
    told: Sequence[Mapping[str, float]] = ()
    tasks: int = 0
    lines: int = 0
    cpu_s: float = 0.0

    @property
    def wall_s(self) -> float:
        return self.ended - self.began

    @property
    def out_s(self) -> float:
        return statistics.mean(half.out_s for half in self.halves)

    @property
    def round_trips(self) -> float:
        return sum(self.sessions.values()) / len(self.sessions)

    def steps(self) -> dict[str, float]:
        """Where the time went; the steps of a half are those of all halves together, so that the sum is the whole run."""
        halves = sorted(self.halves, key=lambda half: half.marks["standby"])
        total = Counter({BEFORE: halves[0].marks["standby"] - self.began})
        for half in halves:
            total.update(half.steps())
        total[AFTER] = sum(later.marks["standby"] - half.marks["live"] for half, later in zip(halves, halves[1:]))
        total[END] = self.ended - halves[-1].marks["live"]
        return dict(total)


def by_task(record: Record) -> dict[str, float]:
    """The seconds of a run by the name of the task."""
    seconds: Counter[str] = Counter()
    for task, at, after in zip(record.boundaries, record.at, record.at[1:]):
        if task:
            seconds[task] += after - at
    return dict(seconds)


def medians(runs: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Of each step the median; where a run does not have it, it took no time."""
    runs = list(runs)
    names = dict.fromkeys(name for run in runs for name in run)
    return {name: statistics.median(run.get(name, 0.0) for run in runs) for name in names}


@dataclass
class Pairs:
    bare: list[Run] = field(default_factory=list)
    deploy: list[Run] = field(default_factory=list)

    def ratio(self, figure: Callable[[Run], float]) -> float:
        """The median of the pairs' ratios: both runs of a pair had the machine as it was then."""
        return statistics.median(figure(deploy) / figure(bare) for bare, deploy in zip(self.bare, self.deploy))

    def result(self) -> str:
        def median(figure: Callable[[Run], float]) -> float:
            return statistics.median(map(figure, self.deploy))

        return (
            f"RESULT wall_ratio={self.ratio(lambda run: run.wall_s):.2f} out_ratio={self.ratio(lambda run: run.out_s):.2f}"
            f" round_trips_per_node={median(lambda run: run.round_trips):g} tasks={median(lambda run: run.tasks):g}"
            f" lines={median(lambda run: run.lines):g} controller_cpu_s={median(lambda run: run.cpu_s):.1f}"
        )

    def report(self) -> list[str]:
        bare, deploy = (medians(run.steps() for run in runs) for runs in (self.bare, self.deploy))
        lines = ["", "Seconds of a run, by the nodes' journals; steps of both halves together, medians:", f"{'bare':>8}{'deploy':>9}"]
        lines += [f"{bare[step]:8.2f}{deploy[step]:9.2f}  {step}" for step in (BEFORE, *BETWEEN, AFTER, END)]
        for what, figure in (
            ("whole run", lambda run: run.wall_s),
            ("one half is out", lambda run: run.out_s),
            ("round trips a node", lambda run: run.round_trips),
        ):
            lines.append(f"{statistics.median(map(figure, self.bare)):8.2f}{statistics.median(map(figure, self.deploy)):9.2f}  {what}")
        told = medians({step: sum(half[step] for half in run.told) for step in run.told[0]} for run in self.bare)
        lines += ["", "The bare procedure by its own watch: " + ", ".join(f"{step} {seconds:.2f}" for step, seconds in told.items())]
        lines += ["", "The slowest tasks of deploy, all runs of a task together:"]
        tasks = medians(run.told[0] for run in self.deploy)
        lines += [f"{seconds:8.2f}  {task}" for task, seconds in sorted(tasks.items(), key=lambda one: -one[1])[:SLOWEST]]
        return lines


class Bench:
    def __init__(self, lab: Lab, pairs: int) -> None:
        self.lab = lab
        self.pairs = pairs
        self.records = ROOT / ".cache" / "bench" / lab.name

    def run(self) -> bool:
        fresh(self.records)
        self._on_nodes(COUNT_SESSIONS)
        try:
            with tempfile.TemporaryDirectory(prefix="bench-") as sockets:
                pairs = self._measure(Path(sockets))
        finally:
            self._on_nodes(STOP_COUNTING)
        for line in pairs.report():
            print(line)
        print(f"load average {' '.join(f'{load:.1f}' for load in os.getloadavg())}")
        print(pairs.result(), flush=True)
        return True

    def _on_nodes(self, script: str) -> None:
        deaf = [node for node, answer in ask(self.lab, self.lab.nodes, script).items() if "good" not in answer]
        if deaf:
            raise Failure(f"The log of sshd cannot be set on {', '.join(deaf)}")

    def _measure(self, sockets: Path) -> Pairs:
        self.bare = Bare(self.lab, sockets)
        self.bare.stage(RELEASES)
        release = served(look(self.lab)) or self._brought(sockets)
        pairs = Pairs()
        try:
            for number in range(1, self.pairs + 1):
                for kind in ("bare", "deploy") if number % 2 else ("deploy", "bare"):
                    release = other(release)
                    run = self._bare(release) if kind == "bare" else self._deploy(release, number, sockets)
                    getattr(pairs, kind).append(run)
                    print(
                        f"pair {number}: {kind:6} to {release}  {run.wall_s:6.2f} s, a half out for {run.out_s:5.2f} s,"
                        f" {run.round_trips:4.1f} round trips a node, load {os.getloadavg()[0]:.1f}",
                        flush=True,
                    )
        finally:
            self.bare.close()
        return pairs

    def _brought(self, sockets: Path) -> str:
        """A running lab may be left anywhere."""
        self._playbook(RELEASES[0], "settle", sockets)
        return RELEASES[0]

    def _bare(self, release: str) -> Run:
        self.bare.open()
        began = time.time()
        told = self.bare.swap(release)
        return self._told(began, time.time(), release, told=told)

    def _deploy(self, release: str, number: int, sockets: Path) -> Run:
        began = time.time()
        record, lines, cpu_s = self._playbook(release, f"deploy-{number}", sockets)
        ended = time.time()
        return self._told(began, ended, release, told=[by_task(record)], tasks=sum(task is not None for task in record.boundaries), lines=lines, cpu_s=cpu_s)

    def _playbook(self, release: str, name: str, sockets: Path) -> tuple[Record, int, float]:
        """Run it; returns its tasks, the lines on its screen, and the CPU of all its processes."""
        out, told = self.records / f"{name}.out", self.records / f"{name}.jsonl"
        environment = {
            **os.environ,
            "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "tests" / "faults" / "callback_plugins"),
            "ANSIBLE_CALLBACKS_ENABLED": "boundaries",
            "BOUNDARIES_RECORD": str(told),
            # Its own connections, as when somebody deploys for the first time today. A path of a socket has to be short.
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(sockets / name),
        }
        with open(out, "w", encoding="utf-8") as stdout, open(self.records / f"{name}.err", "w", encoding="utf-8") as stderr:
            process = start(*self.lab.deploy(release), stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, env=environment)
            # This waits for one process and tells the CPU of it and of those that it waited for.
            _pid, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise Failure(f"The deployment of {release} ended with status {process.returncode}; see {out}")
        return Record.read(told), out.read_bytes().count(b"\n"), used.ru_utime + used.ru_stime

    def _told(self, began: float, ended: float, release: str, **figures) -> Run:
        nodes = look(self.lab)
        if served(nodes) != release:
            raise Failure(f"Not all nodes serve {release}: {describe(nodes)}")
        fields = "MESSAGE,MESSAGE_ID,UNIT,SYSLOG_IDENTIFIER"
        script = f"journalctl --sync; journalctl --quiet --since=@{int(began)} --output=json --output-fields={fields}"
        found = {node: events(journal, began, ended) for node, journal in ask(self.lab, self.lab.nodes, script).items()}
        halves = [Half.of({node: found[node] for node in stack}) for stack in self.lab.stacks.values()]
        sessions = {node: sum(event.what == "session" for event in each) for node, each in found.items()}
        return Run(began, ended, halves, sessions, **figures)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--lab", help="a running lab to use and to leave running (default: one of its own)")
    options.add_argument("--pairs", type=positive, default=PAIRS, metavar="N", help="how many pairs (default: %(default)d)")
    given = options.parse_args()
    return in_lab(given.lab, OWN_LAB, lambda lab: Bench(lab, given.pairs).run())


if __name__ == "__main__":
    sys.exit(main())
