# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deploys a release of the shop while a load runs, and counts what the deployment cost its users.

    make demo                                       2.0.0 over 1.0.0, migration included, in a lab of its own; KEEP=1 keeps the lab
    python tests/demo/run.py --lab halfswap --to 1.0.0     in the lab that `make lab` started, from whatever runs there

The last line is ``RESULT requests=N failed=N lost_writes=N slowest_s=X p99_ms=X nodes=N from=VERSION to=VERSION wall_s=X``:

- failed: requests without the right answer within 10 s, as tests/demo/load.py judges them
- lost_writes: orders that are not stored exactly once, as they were sent
- slowest_s, p99_ms: of all requests, and of those that do not ask to take 2 s, counted from the time they were due
- nodes: how many of the four nodes report the new release by their own status
- wall_s: how long the deployment took

Exits 0 only when the deployment succeeded, nothing failed or was lost, and all four nodes run the new release.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LABS = ROOT / ".cache" / "labs"
OWN_LAB = "demo"
NODES = 4
STEADY_S = 5.0
STEADY_WITHIN_S = 60.0
LOAD_AT_MOST_S = 1800
READ_BACK_WITHIN_S = 120.0

_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1


class Failure(Exception):
    """The demo cannot go on; the text says why and where to look."""


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


class Demo:
    def __init__(self, lab: str, to: str, rate: float, migrate: bool) -> None:
        self.lab = lab
        self.to = to
        self.rate = rate
        self.migrate = migrate
        self.inventory = LABS / lab / "inventory"
        self.records = ROOT / ".cache" / "demo" / lab

    def run(self) -> bool:
        shutil.rmtree(self.records, ignore_errors=True)
        self.records.mkdir(parents=True)
        before = self._releases()
        say(f"Load: {self.rate:g} requests a second through the live load balancer")
        load = self._start_load()
        try:
            self._wait_until_steady(load)
            deployed, wall_s = self._deploy()
            time.sleep(STEADY_S)
        finally:
            summary = self._stop_load(load)
        after = self._releases()
        return self._report(summary, before, after, deployed, wall_s)

    def _releases(self) -> dict[str, str]:
        """What the application on each node says that it is; a node that does not answer is not in it."""
        answers = self.records / "releases.json"
        run_quietly("ansible-playbook", "-i", self.inventory, "tests/demo/releases.yml", "-e", f"releases_file={answers}")
        return json.loads(answers.read_text(encoding="utf-8"))

    def _start_load(self) -> subprocess.Popen:
        hosts = json.loads(subprocess.check_output(["ansible-inventory", "-i", str(self.inventory), "--list"], cwd=ROOT))
        url = f"http://127.0.0.1:{hosts['_meta']['hostvars']['lb-live']['lab_http_port']}"
        options = ["--url", url, "--rate", str(self.rate), "--duration", str(LOAD_AT_MOST_S), "--out", self.records]
        return start(sys.executable, "tests/demo/load.py", *options, stdout=subprocess.DEVNULL)

    def _wait_until_steady(self, load: subprocess.Popen) -> None:
        deadline = time.monotonic() + STEADY_WITHIN_S
        while self._answers() < self.rate * STEADY_S:
            if load.poll() is not None or time.monotonic() > deadline:
                raise Failure(f"The load does not get going: {self._answers()} answers after {STEADY_WITHIN_S:g} s; see {self.records}")
            time.sleep(0.5)

    def _answers(self) -> int:
        try:
            lines = (self.records / "requests.jsonl").read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return 0
        return sum('"error": null' in line for line in lines)

    def _deploy(self) -> tuple[bool, float]:
        command = ["ansible-playbook", "-i", self.inventory, "halfswap.bluegreen.deploy", "-e", f"bluegreen_release={self.to}"]
        command += ["-e", "bluegreen_migrate=true"] if self.migrate else []
        say(" ".join(map(str, command)))
        started = time.monotonic()
        deploy = start(*command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        with open(self.records / "deploy.log", "w", encoding="utf-8") as log:
            for line in deploy.stdout:
                print(line, end="", flush=True)
                log.write(line)
        return deploy.wait() == 0, time.monotonic() - started

    def _stop_load(self, load: subprocess.Popen) -> dict:
        say("Stopping the load, and reading back every order it wrote")
        load.terminate()
        try:
            load.wait(READ_BACK_WITHIN_S)
        except subprocess.TimeoutExpired:
            load.kill()
        try:
            return json.loads((self.records / "summary.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise Failure(f"The load ended without a summary; the requests it recorded are in {self.records}") from None

    def _report(self, summary: dict, before: dict[str, str], after: dict[str, str], deployed: bool, wall_s: float) -> bool:
        say(f"From {summary['began']}, {summary['lasted_s']} s")
        for group in ("kind", "client", "release", "node"):
            for name, figures in summary[group].items():
                print(
                    f"{group:8}{name:10}{figures['requests']:7d} requests  {figures['failed']:4d} failed  p50 {figures['p50_ms']:7.1f} ms"
                    f"  p99 {figures['p99_ms']:7.1f} ms  due {figures['first_s']:.1f} to {figures['last_s']:.1f} s"
                )
        writes = summary["writes"]
        print(
            f"orders  {writes['acknowledged']} acknowledged; {len(writes['lost'])} of them lost, {len(writes['doubled'])} stored twice,"
            f" {len(writes['altered'])} altered; {writes['unacknowledged']} not acknowledged"
        )
        on_release = sorted(node for node, release in after.items() if release == self.to)
        good = deployed and not summary["failed"] and not summary["lost_writes"] and len(on_release) == NODES
        if not good:
            self._complain(summary, after, deployed)
        print(
            f"RESULT requests={summary['requests']} failed={summary['failed']} lost_writes={summary['lost_writes']}"
            f" slowest_s={summary['slowest_s']:.3f} p99_ms={summary['p99_ms']:.1f} nodes={len(on_release)}"
            f" from={','.join(sorted(set(before.values()))) or 'none'} to={self.to} wall_s={wall_s:.1f}",
            flush=True,
        )
        return good

    def _complain(self, summary: dict, after: dict[str, str], deployed: bool) -> None:
        say("This is not as it should be")
        if not deployed:
            print(f"The deployment failed; its output is above and in {self.records}/deploy.log")
        if after != dict.fromkeys(after, self.to) or len(after) != NODES:
            print(f"Not every node runs {self.to}: {', '.join(f'{node} {release}' for node, release in sorted(after.items()))}")
        if not summary["writes"]["read_back"]:
            print("The orders could not be read back, so all count as lost")
        for error, times in summary["errors"].items():
            print(f"{times} times: {error}")
        print(f"Each request is a line of {self.records}/requests.jsonl; those that failed: grep -v '\"error\": null'")
        print(f"The nodes say more: ansible-playbook -i {self.inventory} halfswap.bluegreen.status")
        print("The load balancers' side: ansible load_balancers -i INVENTORY -m ansible.builtin.command -a 'journalctl -u haproxy'")


@contextlib.contextmanager
def only_one(lab: str) -> Iterator[None]:
    LABS.mkdir(parents=True, exist_ok=True)
    with open(LABS / f"{lab}.lock", "w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Failure(f"Another demo is running in the lab {lab} of this checkout; wait for its end") from None
        yield


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lab", help="a running lab to use and to leave running (default: one of its own)")
    parser.add_argument("--to", default="2.0.0", help="the release to deploy (default: %(default)s)")
    parser.add_argument("--migrate", action="store_true", help="run the deferred migrations, too; always so in a lab of its own")
    parser.add_argument("--rate", type=float, default=120.0, help="requests a second (default: %(default)g)")
    options = parser.parse_args()
    os.environ["PATH"] = f"{ROOT}/.venv/bin:{os.environ['PATH']}"
    os.environ["ANSIBLE_COLLECTIONS_PATH"] = f"{ROOT}/.cache/collections"
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    lab = options.lab or OWN_LAB
    clean = ("sh", "molecule/lab/clean.sh", lab)
    keep = bool(options.lab or os.environ.get("KEEP"))
    try:
        with only_one(lab):
            try:
                if not options.lab:
                    # What a demo left that was killed or kept.
                    run(*clean)
                    run("sh", "molecule/lab/up.sh", lab)
                elif not (LABS / lab / "inventory").is_dir():
                    raise Failure(f"There is no lab {lab}: start one with `make lab`")
                good = Demo(lab, options.to, options.rate, options.migrate or not options.lab).run()
            finally:
                if not keep:
                    run(*clean)
    except Failure as failure:
        print(f"ERROR: {failure}", file=sys.stderr, flush=True)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
