# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deploys a release of the shop while a load runs, and counts what the deployment cost its users.

    make demo                                       2.0.0 over 1.0.0, migration included, in a lab of its own; KEEP=1 keeps the lab
    make demo STRATEGY=cutover EXCLUSIVE=1          the same, but no moment has both releases serving
    python tests/demo/run.py --lab halfswap --to 1.0.0     in the lab that `make lab` started, from whatever runs there
    python tests/demo/run.py --lab halfswap --playbook rollback --to 1.0.0     the same with another playbook, which has to lead there

The last line is ``RESULT requests=N failed=N lost_writes=N slowest_s=X p99_ms=X mixed_s=X nodes=N from=VERSION to=VERSION wall_s=X refused_by_app=N``:

- failed: requests without the right answer within 10 s, as tests/demo/load.py judges them
- lost_writes: orders that are not stored exactly once, as they were sent
- slowest_s, p99_ms: of all requests, and of those that do not ask to take 2 s, counted from the time they were due
- mixed_s: for how long both releases answered
- nodes: how many of the four nodes report the new release by their own status
- wall_s: how long the deployment took
- refused_by_app: requests that the shop itself refused, marked as such, because its database had too much to do; that happens on a slow machine
  without a deployment, too, and is not in failed. What was refused, failed and took its time before the deployment is told above

Exits 0 only when the deployment succeeded, nothing failed or was lost, all four nodes run the new release (--on: so many of them), and, where the
switch was to be exclusive, at no moment both releases answered.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TextIO

from lab import RATE, ROOT, STEADY_S, Lab, Load, ask, in_lab, say, start
from load import SHOP

OWN_LAB = "demo"
LOAD_AT_MOST_S = 1800
# One that is slow, and not one that is off.
ASK_S = 10
# How the live load balancer has to be set up for an exclusive switch; see group_vars/all.yml.
EXCLUSIVE = "shop_exclusive=true"


class Demo:
    def __init__(self, lab: Lab, options: argparse.Namespace) -> None:
        self.lab = lab
        self.to = options.to
        self.rate = options.rate
        self.on = options.on or len(lab.nodes)
        self.exclusive = options.exclusive
        variables = [f"bluegreen_strategy={options.strategy}"] if options.strategy else []
        variables += [EXCLUSIVE, "bluegreen_exclusive=true"] if options.exclusive else []
        extra = [word for variable in [*variables, *options.extra_vars] for word in ("-e", variable)]
        verbose = ["-v"] if options.verbose else []
        # A release is for those that do not find it by themselves.
        release = ["-e", f"bluegreen_release={options.to}"]
        confirmed = options.strategy == "cutover" and not options.on
        playbooks = [(options.playbook, release if options.playbook == "deploy" else [])]
        playbooks += [("confirm", [])] if confirmed else []
        if options.migrate and confirmed:
            playbooks += [("migrate", release)]
        elif options.migrate:
            playbooks[-1][1].extend(["-e", "bluegreen_migrate=true"])
        self.commands = [["ansible-playbook", "-i", lab.inventory, f"halfswap.bluegreen.{name}", *own, *extra, *verbose] for name, own in playbooks]
        self.records = ROOT / ".cache" / "demo" / lab.name

    def run(self) -> bool:
        shutil.rmtree(self.records, ignore_errors=True)
        self.records.mkdir(parents=True)
        before = self._releases()
        say(f"Load: {self.rate:g} requests a second through the live load balancer")
        load = Load(self.lab, self.rate, self.records)
        load.start(LOAD_AT_MOST_S)
        try:
            deployed, wall_s = self._deploy()
            time.sleep(STEADY_S)
        finally:
            say("Stopping the load, and reading back every order it wrote")
            summary = load.stop()
        after = self._releases()
        return self._report(load.before, summary, before, after, deployed, wall_s)

    def _releases(self) -> dict[str, str]:
        """What the application on each node says that it is; a node that does not answer is not in it."""
        said = ask(self.lab, self.lab.nodes, f"curl --silent --max-time {ASK_S} http://127.0.0.1:8080/status")
        return {node: json.loads(status)["release"] for node, status in said.items() if status}

    def _deploy(self) -> tuple[bool, float]:
        started = time.monotonic()
        # Line by line: a story waits for one of them.
        with open(self.records / "deploy.log", "w", encoding="utf-8", buffering=1) as log:
            good = all(self._play(command, log) for command in self.commands)
        return good, time.monotonic() - started

    def _play(self, command: list[str | Path], log: TextIO) -> bool:
        say(" ".join(map(str, command)))
        playbook = start(*command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for line in playbook.stdout:
            print(line, end="", flush=True)
            log.write(line)
        return playbook.wait() == 0

    def _report(self, baseline: list[dict], summary: dict, before: dict[str, str], after: dict[str, str], deployed: bool, wall_s: float) -> bool:
        say(f"From {summary['began']}, {summary['lasted_s']} s")
        for group in ("kind", "client", "release", "node"):
            for name, figures in summary[group].items():
                print(
                    f"{group:8}{name:10}{figures['requests']:7d} requests  {figures['failed']:4d} failed  p50 {figures['p50_ms']:7.1f} ms"
                    f"  p99 {figures['p99_ms']:7.1f} ms  due {figures['first_s']:.1f} to {figures['last_s']:.1f} s"
                )
        refused = sum(record["cause"] == SHOP for record in baseline)
        print(
            f"before the deployment: {len(baseline)} requests, {sum(record['failed'] for record in baseline)} failed, {refused} refused by the shop itself,"
            f" slowest {max(record['latency_s'] for record in baseline):.3f} s"
        )
        print("failed by cause: " + ", ".join(f"{cause} {times}" for cause, times in summary["failed_by"].items()))
        writes = summary["writes"]
        print(
            f"orders  {writes['acknowledged']} acknowledged; {len(writes['lost'])} of them lost, {len(writes['doubled'])} stored twice,"
            f" {len(writes['altered'])} altered; {writes['unacknowledged']} not acknowledged"
        )
        on_release = sorted(node for node, release in after.items() if release == self.to)
        good = deployed and not summary["failed"] and not summary["lost_writes"] and len(on_release) == self.on
        good = good and not (self.exclusive and summary["mixed_s"])
        if not good:
            self._complain(summary, after, deployed)
        print(
            f"RESULT requests={summary['requests']} failed={summary['failed']} lost_writes={summary['lost_writes']}"
            f" slowest_s={summary['slowest_s']:.3f} p99_ms={summary['p99_ms']:.1f} mixed_s={summary['mixed_s']:g} nodes={len(on_release)}"
            f" from={','.join(sorted(set(before.values()))) or 'none'} to={self.to} wall_s={wall_s:.1f}"
            f" refused_by_app={summary['refused_by_app']}",
            flush=True,
        )
        return good

    def _complain(self, summary: dict, after: dict[str, str], deployed: bool) -> None:
        say("This is not as it should be")
        if not deployed:
            print(f"The deployment failed; its output is above and in {self.records}/deploy.log")
        if list(after.values()).count(self.to) != self.on:
            print(f"Not {self.on} nodes run {self.to}: {', '.join(f'{node} {release}' for node, release in sorted(after.items()))}")
        if self.exclusive and summary["mixed_s"]:
            print(f"Both releases answered for {summary['mixed_s']} s")
        if not summary["writes"]["read_back"]:
            print("The orders could not be read back, so all count as lost")
        for error, times in summary["errors"].items():
            print(f"{times} times: {error}")
        print(f"Each request is a line of {self.records}/requests.jsonl; those that failed: grep -v '\"error\": null'")
        print(f"The nodes say more: ansible-playbook -i {self.lab.inventory} halfswap.bluegreen.status")
        print("The load balancers' side: ansible load_balancers -i INVENTORY -m ansible.builtin.command -a 'journalctl -u haproxy'")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lab", help="a running lab to use and to leave running (default: one of its own)")
    parser.add_argument("--to", default="2.0.0", help="the release to deploy (default: %(default)s)")
    parser.add_argument("--migrate", action="store_true", help="run the deferred migrations, too; always so in a lab of its own")
    parser.add_argument("--rate", type=float, default=RATE, help="requests a second (default: %(default)g)")
    parser.add_argument("--playbook", default="deploy", help="the playbook that leads to the release (default: %(default)s)")
    parser.add_argument("--on", type=int, help="how many nodes run the release in the end (default: all)")
    parser.add_argument("--strategy", choices=["halves", "cutover", "rolling"], help="cutover is confirmed, too, unless --on is given (default: halves)")
    parser.add_argument("--exclusive", action="store_true", help=f"switch both halves at the same moment; a running lab was set up with -e {EXCLUSIVE}")
    parser.add_argument("--verbose", action="store_true", help="show the result of every task")
    parser.add_argument("-e", "--extra-vars", action="append", default=[], metavar="VARS", help="more variables for the playbook")
    options = parser.parse_args()
    options.migrate = options.migrate or not options.lab
    if options.exclusive and options.strategy != "cutover":
        parser.error("--exclusive is for --strategy cutover")
    setup = ["-e", EXCLUSIVE] if options.exclusive else []
    return in_lab(options.lab, OWN_LAB, lambda lab: Demo(lab, options).run(), setup)


if __name__ == "__main__":
    sys.exit(main())
