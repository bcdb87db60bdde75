# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every trial in a lab needs, here and in tests/faults: the lab, the load on it, and commands that do not outlive who started them."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import functools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LABS = ROOT / ".cache" / "labs"
RATE = 120.0
STEADY_S = 5.0
STEADY_WITHIN_S = 60.0
READ_BACK_WITHIN_S = 120.0
ASK_WITHIN_S = 20.0

_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1


class Failure(Exception):
    """The trial cannot go on; the text says why and where to look."""


def _end_with_parent() -> None:
    # However this process ends, kill -9 included, no load and no playbook goes on by itself.
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def start(*command: str | Path, **options) -> subprocess.Popen:
    return subprocess.Popen([str(word) for word in command], cwd=ROOT, preexec_fn=_end_with_parent, text=True, **options)


def run(*command: str | Path) -> None:
    if start(*command).wait():
        raise Failure(f"This failed, for the reason above: {' '.join(map(str, command))}")


def run_quietly(*command: str | Path) -> None:
    process = start(*command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    output = process.communicate()[0]
    if process.returncode:
        raise Failure(f"This failed: {' '.join(map(str, command))}\n{output}")


def say(text: str) -> None:
    print(f"\n== {text}", flush=True)


class Lab:
    def __init__(self, name: str) -> None:
        self.name = name
        self.inventory = LABS / name / "inventory"

    @functools.cached_property
    def _hosts(self) -> dict:
        return json.loads(subprocess.check_output(["ansible-inventory", "-i", str(self.inventory), "--list"], cwd=ROOT))

    @property
    def stacks(self) -> dict[str, list[str]]:
        return {stack: self._hosts[stack]["hosts"] for stack in ("blue", "green")}

    @property
    def nodes(self) -> list[str]:
        return [node for stack in self.stacks.values() for node in stack]

    @property
    def hostvars(self) -> dict[str, dict]:
        return self._hosts["_meta"]["hostvars"]

    def container(self, host: str) -> str:
        return self.hostvars[host]["lab_container"]

    @property
    def live_url(self) -> str:
        return f"http://127.0.0.1:{self.hostvars['lb-live']['lab_http_port']}"

    def deploy(self, release: str) -> list[str | Path]:
        return ["ansible-playbook", "-i", self.inventory, "halfswap.bluegreen.deploy", "-e", f"bluegreen_release={release}"]


def ask(lab: Lab, nodes: Sequence[str], script: str) -> dict[str, str]:
    """What a shell script prints on each of these nodes; nothing, on one that is off."""
    command = ("podman", "exec")
    asked = {node: start(*command, lab.container(node), "sh", "-c", script, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) for node in nodes}
    answers = {}
    for node, process in asked.items():
        try:
            answers[node] = process.communicate(timeout=ASK_WITHIN_S)[0]
        except subprocess.TimeoutExpired:
            process.kill()
            answers[node] = ""
    return answers


class Load:
    """tests/demo/load.py as a process of its own, with its records in a directory."""

    def __init__(self, lab: Lab, rate: float, records: Path) -> None:
        self.rate = rate
        self.requests = records / "requests.jsonl"
        self._url = lab.live_url
        self._records = records
        self._read = 0
        # What ended before the trial began: how the shop fares with nothing but the load.
        self.before: list[dict] = []

    def start(self, at_most_s: float | None = None, **options) -> None:
        """Start it, and wait until it is steady; a load that does not get there is stopped."""
        limit = [] if at_most_s is None else ["--duration", str(at_most_s)]
        command = ["tests/demo/load.py", "--url", self._url, "--rate", str(self.rate), "--out", self._records, *limit]
        self._process = start(sys.executable, *command, stdout=subprocess.DEVNULL, **options)
        answers, deadline = 0, time.monotonic() + STEADY_WITHIN_S
        while answers < self.rate * STEADY_S:
            if not self.running or time.monotonic() > deadline:
                self._process.kill()
                raise Failure(f"The load does not get going: {answers} answers after {STEADY_WITHIN_S:g} s; see {self._records}")
            time.sleep(0.5)
            news = self.news()
            self.before += news
            answers += sum(not record["error"] for record in news)

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def news(self) -> list[dict]:
        """The requests that ended since this was asked last."""
        with contextlib.suppress(FileNotFoundError), open(self.requests, "rb") as file:
            file.seek(self._read)
            # The last line may be half written.
            lines = [line for line in file if line.endswith(b"\n")]
            self._read += sum(map(len, lines))
            return [json.loads(line) for line in lines]
        return []

    def stop(self) -> dict:
        """Stop it, and have it read back every order that it wrote."""
        self._process.terminate()
        try:
            self._process.wait(READ_BACK_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
        try:
            return json.loads((self._records / "summary.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise Failure(f"The load ended without a summary; the requests it recorded are in {self._records}") from None


@contextlib.contextmanager
def _only_one(lab: str) -> Iterator[None]:
    LABS.mkdir(parents=True, exist_ok=True)
    with open(LABS / f"{lab}.lock", "w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Failure(f"Another trial is running in the lab {lab} of this checkout; wait for its end") from None
        yield


def in_lab(running: str | None, own: str, trial: Callable[[Lab], bool], setup: Sequence[str] = ()) -> int:
    """The exit status of a trial in this running lab, which is left running, or else in one of its own, which KEEP=1 keeps.

    setup: options of ansible-playbook with which a lab of its own is set up.
    """
    os.environ["PATH"] = f"{ROOT}/.cache/bin:{ROOT}/.venv/bin:{os.environ['PATH']}"
    os.environ["ANSIBLE_COLLECTIONS_PATH"] = f"{ROOT}/.cache/collections"
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    lab = Lab(running or own)
    clean = ("sh", "molecule/lab/clean.sh", lab.name)
    keep = bool(running or os.environ.get("KEEP"))
    try:
        with _only_one(lab.name):
            try:
                if not running:
                    # What a trial left that was killed or kept.
                    run(*clean)
                    run("sh", "molecule/lab/up.sh", lab.name, *setup)
                elif not lab.inventory.is_dir():
                    raise Failure(f"There is no lab {lab.name}: start one with `make lab`")
                good = trial(lab)
            finally:
                if not keep:
                    run(*clean)
    except Failure as failure:
        print(f"ERROR: {failure}", file=sys.stderr, flush=True)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0 if good else 1
