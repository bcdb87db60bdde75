# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts `deploy` from two controllers at the same moment, and sees that one of them works and the other is told who does.

    python tests/faults/two.py                               in a lab of its own; KEEP=1 keeps the lab
    python tests/faults/two.py --lab halfswap --times 10

Each controller has a home directory of its own and, where this machine lets it (`unshare`), process ids and a host name of its own. The
last line is ``RESULT two_runs=N one_worked=N failed_requests=N``:

- one_worked: how often one run ended well, the other with an error that names the host of the first, and every node has left and come
  back once, by the first run alone
- failed_requests: requests without the right answer, and orders that are not stored exactly once as they were sent

Exits 0 only when that was so every time, and nothing failed.
"""

from __future__ import annotations

import platform
import re
import sys
import tempfile
from pathlib import Path

from application import Deployment, Trial, apart, at_home, can_be_apart, describe, fresh, look, other, parser, positive, served
from lab import Lab, ask, in_lab

OWN_LAB = "two"
# A line of the agent's journal about a change of its state; others are about the phase or the health.
FLIP = re.compile(r'^(?:live -> (standby)|standby -> (live)), .*, by "[^"@]*@?([^"]*)", run "([^"]*)"', re.MULTILINE)


def flips(journal: str) -> list[tuple[str, str, str]]:
    """The changes of state in an agent's journal: the new state, the host it was asked from and the run id."""
    return [(away or back, host, run) for away, back, host, run in FLIP.findall(journal)]


def objections(controllers: dict[str, Deployment], logs: dict[str, str], hosts: dict[str, str], flipped: dict[str, list[tuple[str, str, str]]]) -> list[str]:
    """What is wrong with the end of two runs, by name of the controller; hosts are what the controllers are called."""
    worked = [name for name, run in controllers.items() if run.status == 0]
    if len(worked) != 1:
        told = ", ".join(f"{name} with exit status {run.status} in {run.record.task}" for name, run in controllers.items())
        return [f"{len(worked)} runs ended well: {told}"]
    (winner,) = worked
    (loser,) = set(controllers) - set(worked)
    problems = []
    if not isinstance(controllers[loser].status, int):
        problems.append(f"{loser} did not end: {controllers[loser].status}")
    if hosts[winner] not in logs[loser]:
        problems.append(f"{loser} does not name {hosts[winner]}, which held the lock")
    runs = {run for changes in flipped.values() for _state, _host, run in changes}
    if any([(state, host) for state, host, _run in changes] != [("standby", hosts[winner]), ("live", hosts[winner])] for changes in flipped.values()):
        problems.append(f"the nodes were not flipped once by {winner} alone: {flipped}")
    elif len(runs) != 1:
        problems.append(f"the nodes were flipped by the runs {', '.join(sorted(runs))}")
    return problems


class Two(Trial):
    name = "two"

    def __init__(self, lab: Lab, rate: float, times: int) -> None:
        super().__init__(lab, rate)
        self.times = times
        self.good = 0

    def attempt(self) -> None:
        self.apart = can_be_apart()
        if not self.apart:
            print("unshare is refused here: both controllers share this machine's process ids and host name", flush=True)
        for number in range(1, self.times + 1):
            self.good += self._try(number)

    def verdict(self, summary: dict) -> bool:
        failed = summary["failed"] + summary["lost_writes"]
        print(f"RESULT two_runs={self.times} one_worked={self.good} failed_requests={failed}", flush=True)
        return self.good == self.times and not failed

    def _try(self, number: int) -> bool:
        folder = fresh(self.records / f"time-{number}")
        to = other(self.release)
        before = self._flips()
        names = ("controller-a", "controller-b")
        runs = {name: Deployment(self.lab, to, folder, name) for name in names}
        with tempfile.TemporaryDirectory(prefix="two-") as home:
            for name, run in runs.items():
                run.start(*(apart(name) if self.apart else []), **at_home(Path(home) / name))
            for run in runs.values():
                run.wait()
        after = look(self.lab)
        flipped = {node: changes[len(before[node]) :] for node, changes in self._flips().items()}
        hosts = {name: name if self.apart else platform.node() for name in names}
        problems = objections(runs, {name: run.log.read_text(encoding="utf-8") for name, run in runs.items()}, hosts, flipped)
        if served(after) != to:
            problems.append(f"not every node serves {to}: {describe(after)}")
        if failed := self.failures():
            problems.append(f"{len(failed)} requests failed, the first: {failed[0]}")
        told = ", ".join(f"{name} exit status {run.status} in {run.seconds:.1f} s" for name, run in runs.items())
        print(f"time {number}/{self.times} to {to}: {told}; {'OK' if not problems else 'FAILED: ' + '; '.join(problems) + f'; see {folder}'}", flush=True)
        self.release = to
        if served(after) != to:
            self.bring_to(to, folder, "mend")
        return not problems

    def _flips(self) -> dict[str, list[tuple[str, str, str]]]:
        journals = ask(self.lab, self.lab.nodes, "journalctl --quiet --no-pager --output cat --unit halfswap-heartbeat@shop")
        return {node: flips(journal) for node, journal in journals.items()}


def main() -> int:
    options = parser(__doc__)
    options.add_argument("--times", type=positive, default=3, metavar="N", help="how often (default: %(default)d)")
    given = options.parse_args()
    return in_lab(given.lab, OWN_LAB, lambda lab: Two(lab, given.rate, given.times).run())


if __name__ == "__main__":
    sys.exit(main())
