# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How checks run: each one a job with a log of its own, several at a time, and all of them gone when the operator wants his machine back."""

from __future__ import annotations

import functools
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache"
WORK = CACHE / "checks"
BIN = Path(sys.executable).parent
COLLECTION = Path("ansible_collections/halfswap/bluegreen")
# With more, the systemds in them may want to watch more files than Linux lets one user (fs.inotify.max_user_instances is 128), and some do not start.
LAB_HOSTS_AT_ONCE = 12
# Far longer than any check needs, on a slow machine, too: a check that hangs must not hang the rest.
CHECK_TIMEOUT_S = 3600
PROGRESS_S = 30
# To remove a lab takes some seconds.
STOP_TIMEOUT_S = 60


class Failed(Exception):
    """A command of a check failed."""


class Skipped(Exception):
    """This machine lacks what the check is about."""


class Stopping(Exception):
    """The operator pressed Ctrl-C."""


class Job:
    """One run of a check: its log, its commands and the tests that it counted."""

    running: set[subprocess.Popen] = set()
    stopping = threading.Event()

    def __init__(self, name: str) -> None:
        self.folder = WORK / name.replace(":", "-").replace(" ", "-")
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log = self.folder / "log"
        self.log.write_text("")
        self.passed = self.failed = self.skipped = 0
        # What is worth a look even when it passes.
        self.summary = ""
        self.deadline = time.monotonic() + CHECK_TIMEOUT_S

    def run(self, *command: str | Path, cwd: Path = ROOT, **env: str | Path) -> None:
        if self.stopping.is_set():
            raise Stopping
        with self.log.open("a") as log:
            print("$", *command, file=log, flush=True)
            process = subprocess.Popen(
                [str(word) for word in command],
                cwd=cwd,
                env={**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", **{name: str(value) for name, value in env.items()}},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            self.running.add(process)
            try:
                status = process.wait(timeout=max(0, self.deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                print(f"killed: longer than {CHECK_TIMEOUT_S} s", file=log)
                status = -signal.SIGKILL
            finally:
                self.running.discard(process)
        if status:
            raise Failed(f"{Path(command[0]).name} ended with status {status}")

    def count(self, reports: Iterator[Path]) -> None:
        """Add up the tests in JUnit reports."""
        for report in reports:
            for suite in ElementTree.parse(report).iter("testsuite"):
                failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
                skipped = int(suite.get("skipped", 0))
                self.failed += failed
                self.skipped += skipped
                self.passed += int(suite.get("tests", 0)) - failed - skipped

    @functools.cached_property
    def copy(self) -> Path:
        """The tracked files as they are in the checkout now, as a git work tree at the path of a collection."""
        target = self.folder / COLLECTION
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        for name in tracked_files():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name, follow_symlinks=False)
        self.run("git", "init", "-q", cwd=target)
        self.run("git", "add", "-A", cwd=target)
        return target

    @property
    def collections(self) -> str:
        """ANSIBLE_COLLECTIONS_PATH for the copy and what the lab needs."""
        self.copy  # noqa: B018 - the property makes the copy
        return f"{self.folder}:{CACHE / 'collections'}"


def tracked_files() -> list[str]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [name for name in listed.split("\0") if (ROOT / name).is_file()]


@dataclass(frozen=True)
class Check:
    name: str
    run: Callable[[Job], None]
    # Checks of one group never run side by side.
    group: str = ""
    # Of the lab that it starts.
    hosts: int = 0
    # From which on it is run; see scenarios.py.
    tier: str = "check"


@dataclass
class Outcome:
    check: Check
    seconds: float
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    reason: str = ""
    log: str = ""


def perform(check: Check) -> Outcome:
    started = time.monotonic()
    job = Job(check.name)
    outcome = Outcome(check, 0)
    try:
        check.run(job)
        # A check that counts no tests of its own counts as one.
        outcome.passed, outcome.failed = (job.passed, job.failed) if job.passed or job.failed else (1, 0)
        outcome.reason = job.summary
    except Skipped as skipped:
        outcome.reason = str(skipped)
    except Exception as failure:
        # A check that breaks is a check that failed, and the others go on.
        outcome.passed, outcome.failed = job.passed, max(1, job.failed)
        outcome.reason = str(failure) or repr(failure)
        outcome.log = job.log.read_text(errors="replace")
    outcome.skipped = job.skipped
    outcome.seconds = time.monotonic() - started
    return outcome


class Schedule:
    """Takes the checks in order, several at a time, and keeps apart those of one group and those whose labs would be too large together."""

    def __init__(self, checks: list[Check], workers: int) -> None:
        self.waiting = list(checks)
        self.running: dict[Check, float] = {}
        self.outcomes: queue.Queue[Outcome] = queue.Queue()
        self.turn = threading.Condition()
        self.workers = [threading.Thread(target=self.work, daemon=True) for _number in range(workers)]

    def outcomes_as_they_come(self) -> Iterator[Outcome]:
        expected = len(self.waiting)
        for worker in self.workers:
            worker.start()
        while expected:
            try:
                yield self.outcomes.get(timeout=PROGRESS_S)
                expected -= 1
            except queue.Empty:
                now = time.monotonic()
                print("  ...  " + ", ".join(f"{check.name} for {now - since:.0f} s" for check, since in self.running.copy().items()), flush=True)

    def work(self) -> None:
        while check := self.take():
            outcome = perform(check)
            with self.turn:
                del self.running[check]
                self.turn.notify_all()
            self.outcomes.put(outcome)

    def stop(self) -> None:
        """End what runs, and let it clean up."""
        Job.stopping.set()
        for process in Job.running.copy():
            os.killpg(process.pid, signal.SIGTERM)
        with self.turn:
            self.turn.notify_all()
        for worker in self.workers:
            worker.join(STOP_TIMEOUT_S)

    def take(self) -> Check | None:
        with self.turn:
            while self.waiting and not Job.stopping.is_set():
                busy = {check.group for check in self.running} - {""}
                hosts = sum(check.hosts for check in self.running)
                for check in self.waiting:
                    if check.group not in busy and (not check.hosts or hosts + check.hosts <= LAB_HOSTS_AT_ONCE):
                        self.waiting.remove(check)
                        self.running[check] = time.monotonic()
                        return check
                self.turn.wait()
        return None


def show(outcome: Outcome) -> None:
    tests = f" ({outcome.passed} passed, {outcome.failed} failed, {outcome.skipped} skipped)" if outcome.passed + outcome.failed > 1 else ""
    state = "FAILED" if outcome.failed else "ok" if outcome.passed else "skip"
    reason = f": {outcome.reason}" if outcome.reason else ""
    print(f"{state:6} {outcome.seconds:6.1f} s  {outcome.check.name}{tests}{reason}", flush=True)
    if outcome.log:
        print(f"---- output of {outcome.check.name}\n{outcome.log.rstrip()}\n---- end of {outcome.check.name}", flush=True)
