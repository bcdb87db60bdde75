# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kills a deployment with kill -9 at each of its task boundaries in turn, under load, and sees that `deploy` again finishes the work.

    make crash                                                 every boundary, in a lab of its own; KEEP=1 keeps the lab
    python tests/faults/crash.py --lab halfswap --points 3,17  these two, in the lab that `make lab` started

Each point goes the other way between 1.0.0 and 2.0.0, from wherever the one before has ended. The last line is
``RESULT crash_points=N converged=N failed_requests=N``:

- crash_points: boundaries that were to be tried
- converged: of these, how many were killed there and ended with all nodes live on the new release after one more `deploy`
- failed_requests: requests without the right answer, and orders that are not stored exactly once as they were sent

Exits 0 only when every point converged and nothing failed.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from application import Deployment, Trial, describe, fresh, look, numbers, other, parser, positive, served
from lab import Failure, Lab, in_lab

OWN_LAB = "crash"


def choose(count: int, first: int = 1, last: int | None = None, every: int = 1) -> list[int]:
    """The boundaries to try, of 1 to count."""
    points = list(range(first, min(last or count, count) + 1, every))
    if not points:
        raise Failure(f"There are {count} boundaries; none is left of {first} to {last or count}")
    return points


class Crash(Trial):
    name = "crash"
    points: Sequence[int] = ()
    converged = 0

    def __init__(self, lab: Lab, rate: float, options: argparse.Namespace) -> None:
        super().__init__(lab, rate)
        self.options = options

    def attempt(self) -> None:
        self.points = self.options.points or choose(self._count(), self.options.first, self.options.last, self.options.every)
        for done, number in enumerate(self.points, start=1):
            self.converged += self._try(number, f"{done}/{len(self.points)}")

    def verdict(self, summary: dict) -> bool:
        failed = summary["failed"] + summary["lost_writes"]
        print(f"RESULT crash_points={len(self.points)} converged={self.converged} failed_requests={failed}", flush=True)
        return bool(self.points) and self.converged == len(self.points) and not failed

    def _count(self) -> int:
        """How many boundaries a deployment has that nothing disturbs; there and back, because the two may differ."""
        counts = []
        for way in ("there", "back"):
            to = other(self.release)
            deployment = Deployment(self.lab, to, self.records, way).run()
            failed = self.failures()
            if deployment.status != 0 or failed:
                told = f"exit status {deployment.status}, {len(failed)} failed requests"
                raise Failure(f"The deployment of {to} is not well without any kill: {told}; see {deployment.log}")
            self.release = to
            counts.append(len(deployment.record.boundaries))
            print(f"{to} undisturbed: {counts[-1]} boundaries in {deployment.seconds:.1f} s", flush=True)
        return max(counts)

    def _try(self, number: int, progress: str) -> bool:
        folder = fresh(self.records / f"point-{number:03d}")
        to, killed = self._kill(number, folder)
        at_kill = look(self.lab)
        again = Deployment(self.lab, to, folder, "again").run()
        after = look(self.lab)
        failed = self.failures()
        problems = []
        if killed.status != -signal.SIGKILL:
            problems.append(f"it was not killed there: exit status {killed.status} in {killed.record.task}")
        if again.status != 0:
            problems.append(f"deploy again ended with exit status {again.status} in {again.record.task}")
        if served(after) != to:
            problems.append(f"not every node serves {to}: {describe(after)}")
        converged = not problems
        if failed:
            problems.append(f"{len(failed)} requests failed, the first: {failed[0]}")
        changed = "unknown" if again.record.changed is None else " ".join(again.record.changed) or "nothing"
        print(
            f"point {number} ({progress}) to {to}, killed {killed.record.last}\n"
            f"    {killed.seconds:5.1f} s  at the kill {describe(at_kill)}\n"
            f"    {again.seconds:5.1f} s  again: {len(again.record.boundaries)} boundaries, changed {changed};"
            f" {'OK' if not problems else 'FAILED: ' + '; '.join(problems) + f'; see {folder}'}",
            flush=True,
        )
        self.release = to
        if not converged:
            self.bring_to(to, folder, "mend")
        return converged

    def _kill(self, number: int, folder: Path) -> tuple[str, Deployment]:
        """Where a deployment one way ends well before it gets that far, the way back may get there."""
        for way in ("killed", "killed-back"):
            to = other(self.release)
            killed = Deployment(self.lab, to, folder, way, kill_at=number).run()
            if killed.status != 0:
                break
            self.release = to
        return to, killed


def main() -> int:
    options = parser(__doc__)
    options.add_argument("--points", type=numbers, metavar="N,N", help="these boundaries only, without counting them first")
    options.add_argument("--first", type=positive, default=1, metavar="N", help="start with this boundary (default: %(default)d)")
    options.add_argument("--last", type=positive, metavar="N", help="end with this boundary (default: the last one)")
    options.add_argument("--every", type=positive, default=1, metavar="K", help="try only each K-th one (default: %(default)d)")
    given = options.parse_args()
    return in_lab(given.lab, OWN_LAB, lambda lab: Crash(lab, given.rate, given).run())


if __name__ == "__main__":
    sys.exit(main())
