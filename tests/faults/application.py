# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the faults share: deployments that are watched from outside, and the nodes as they are, asked without Ansible."""

from __future__ import annotations

import abc
import argparse
import collections
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "demo"))

from lab import RATE, ROOT, STEADY_S, Failure, Lab, Load, ask, say, start

RELEASES = ("1.0.0", "2.0.0")
# Several times what the slowest takes. One that hangs is a fault, too.
DEPLOY_WITHIN_S = 600.0
HEARTBEAT = "/var/lib/halfswap-heartbeat/shop.json"
LOCK = "/var/lib/halfswap-bluegreen/lock.json"
# As far as a run can tell, another machine. unshare ignores the signal with which this process asks its children to end; not this one.
APART = ("setpriv", "--pdeathsig", "KILL", "unshare", "--uts", "--ipc", "--pid", "--fork", "--kill-child", "--mount-proc")


@dataclass(frozen=True)
class Node:
    """What one node has on disk of its heartbeat and of a run's lock, and what its application says that it is; None is what it does not tell."""

    state: str | None = None
    since: float | None = None
    release: str | None = None
    locked_by: str | None = None

    @classmethod
    def parse(cls, output: str) -> Node:
        heartbeat, status, lock = map(_json, (output + "\0\0").split("\0")[:3])
        return cls(heartbeat.get("state"), heartbeat.get("since"), status.get("release"), lock.get("run_id"))

    def serves(self, release: str) -> bool:
        return (self.state, self.release) == ("live", release)

    def __str__(self) -> str:
        return f"{self.release or 'nothing'} {self.state or 'silent'}"


def _json(text: str) -> dict:
    try:
        return json.loads(text)
    except ValueError:
        return {}


def look(lab: Lab) -> dict[str, Node]:
    script = f"cat {HEARTBEAT}; printf '\\0'; curl --silent --max-time 3 http://127.0.0.1:8080/status; printf '\\0'; cat {LOCK}"
    return {node: Node.parse(answer) for node, answer in ask(lab, lab.nodes, script).items()}


def describe(nodes: dict[str, Node]) -> str:
    groups = collections.defaultdict(list)
    for name, node in nodes.items():
        groups[str(node)].append(name)
    return ", ".join(f"{' '.join(names)}: {what}" for what, names in sorted(groups.items()))


def served(nodes: dict[str, Node]) -> str | None:
    """The release that all nodes serve, if they do."""
    return next((release for release in RELEASES if all(node.serves(release) for node in nodes.values())), None)


def other(release: str) -> str:
    return RELEASES[1 - RELEASES.index(release)]


def apart(host: str) -> list[str]:
    """What a command is put behind to run on a machine of its own, of this name."""
    user = () if os.geteuid() == 0 else ("--user", "--map-root-user")
    return [*APART, *user, "sh", "-c", 'hostname "$0" && exec "$@"', host]


def can_be_apart() -> bool:
    return subprocess.run([*apart("apart"), "true"], check=False, capture_output=True).returncode == 0


def at_home(home: Path) -> dict[str, str]:
    """The environment of a run that shares no file and no connection with others. The path is short: the sockets of SSH lie below it."""
    home.mkdir(exist_ok=True)
    return {"HOME": str(home), "ANSIBLE_LOCAL_TEMP": f"{home}/tmp", "ANSIBLE_SSH_CONTROL_PATH_DIR": f"{home}/cp"}


def _processes(variable: str) -> list[int]:
    """Those with this variable in their environment."""
    found = []
    for environment in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if variable.encode() in environment.read_bytes().split(b"\0"):
                found.append(int(environment.parent.name))
    return found


@dataclass(frozen=True)
class Record:
    """What the callback plugin wrote of one run: the task that each boundary is before, None at the end of the run, and when it was."""

    boundaries: list[str | None]
    changed: list[str] | None
    failed: str | None = None
    at: Sequence[float] = ()

    @classmethod
    def read(cls, path: Path) -> Record:
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []
        first = {key: next((line[key] for line in lines if key in line), None) for key in ("changed", "failed")}
        passed = [line for line in lines if "task" in line]
        return cls([line["task"] for line in passed], at=[line["at"] for line in passed], **first)

    @property
    def last(self) -> str:
        """The boundary at which a run was killed."""
        return self._last("before")

    @property
    def during(self) -> str:
        """The task that a run was killed in, where that was at no boundary."""
        return self._last("in")

    def _last(self, where: str) -> str:
        if not self.boundaries:
            return "before any task"
        return f'{where} "{self.boundaries[-1]}"' if self.boundaries[-1] else "after the last task"

    @property
    def task(self) -> str:
        """The task of the first failure; without one, the last task."""
        return next((f'"{task}"' for task in (self.failed, *reversed(self.boundaries)) if task), "no task")


class Playbook:
    """One run of a playbook, whose output and record go to files: what outlives a kill -9 cannot hold up who reads them."""

    def __init__(self, command: Sequence[str | Path], records: Path, name: str, kill_at: int = 0) -> None:
        self.log = records / f"{name}.log"
        self._record = records / f"{name}.jsonl"
        self._command = command
        self._environment = {
            "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "tests" / "faults" / "callback_plugins"),
            "ANSIBLE_CALLBACKS_ENABLED": "boundaries",
            "BOUNDARIES_RECORD": str(self._record),
            "BOUNDARIES_KILL_AT": str(kill_at),
        }

    def start(self, *wrapper: str, **environment: str) -> Playbook:
        self._began = time.monotonic()
        with open(self.log, "w", encoding="utf-8") as log:
            self._process = start(
                *wrapper,
                *self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **self._environment, **environment},
            )
        return self

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def wait(self) -> Playbook:
        try:
            self.status: int | str = self._process.wait(max(0.0, self._began + DEPLOY_WITHIN_S - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._end()
            self._process.wait()
            self.status = f"none within {DEPLOY_WITHIN_S:g} s"
        self.seconds = time.monotonic() - self._began
        self.record = Record.read(self._record)
        return self

    def run(self) -> Playbook:
        return self.start().wait()

    def run_for(self, seconds: float) -> Playbook:
        """Run it, and end it with kill -9 after this time, unless it has ended by itself."""
        self.start()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        self._end()
        return self.wait()

    def _end(self) -> None:
        """As a lost machine does: at once, with every worker and its SSH. They have sessions of their own, so no process group has all of them."""
        while processes := _processes(f"BOUNDARIES_RECORD={self._record}"):
            for process in processes:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)


class Deployment(Playbook):
    """One run of the playbook deploy."""

    def __init__(self, lab: Lab, release: str, records: Path, name: str, *options: str, kill_at: int = 0) -> None:
        super().__init__([*lab.deploy(release), *options], records, name, kill_at)


def fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


class Trial(abc.ABC):
    """A lab under load, from one release that all nodes serve; what is done to it, and the verdict, are the subclass's."""

    name: str

    def __init__(self, lab: Lab, rate: float) -> None:
        self.lab = lab
        self.rate = rate
        self.records = ROOT / ".cache" / "faults" / lab.name / self.name

    @abc.abstractmethod
    def attempt(self) -> None:
        """What is done to it, under load."""

    @abc.abstractmethod
    def verdict(self, summary: dict) -> bool:
        """Whether all went as it should; prints the last line."""

    def run(self) -> bool:
        fresh(self.records)
        self.release = self._settle()
        say(f"Load: {self.rate:g} requests a second through the live load balancer")
        self.load = Load(self.lab, self.rate, self.records)
        with open(self.records / "load.log", "w", encoding="utf-8") as log:
            self.load.start(stderr=log)
        try:
            self.attempt()
            time.sleep(STEADY_S)
        finally:
            say("Stopping the load, and reading back every order it wrote")
            summary = self.load.stop()
            if summary["failed"] or summary["lost_writes"]:
                self._complain(summary)
            print(f"{summary['requests']} requests in {summary['lasted_s']:.0f} s, slowest {summary['slowest_s']:.3f} s")
            good = self.verdict(summary)
        return good

    def failures(self) -> list[dict]:
        """The requests that failed since this was asked last."""
        if not self.load.running:
            raise Failure(f"The load has ended by itself; what it recorded is in {self.load.requests}")
        return [record for record in self.load.news() if record["failed"]]

    def _settle(self) -> str:
        release = served(look(self.lab))
        if release is None:
            release = RELEASES[0]
            self.bring_to(release, self.records, "settle")
        return release

    def bring_to(self, release: str, records: Path, name: str) -> None:
        """For the next attempt, whatever this one left."""
        deployment = Deployment(self.lab, release, records, name).run()
        nodes = look(self.lab)
        if served(nodes) != release:
            raise Failure(f"The lab {self.lab.name} cannot be brought to {release}: {describe(nodes)}; see {deployment.log}")
        self.release = release

    def _complain(self, summary: dict) -> None:
        for error, times in summary["errors"].items():
            print(f"{times} times: {error}")
        writes = summary["writes"]
        print("orders: " + ", ".join(f"{len(writes[what])} {what}" for what in ("lost", "doubled", "altered")) + f"; read back: {writes['read_back']}")
        print(f"Each request is a line of {self.load.requests}; those that failed: grep -v '\"error\": null'")


def parser(description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lab", help="a running lab to use and to leave running (default: one of its own)")
    parser.add_argument("--rate", type=float, default=RATE, help="requests a second (default: %(default)g)")
    return parser


def numbers(text: str) -> list[int]:
    """An option's value, such as 3,17."""
    chosen = [int(number) for number in text.split(",")]
    if min(chosen) < 1:
        raise ValueError("these are counted from 1")
    return chosen


def positive(text: str) -> int:
    (number,) = numbers(text)
    return number
