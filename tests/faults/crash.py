# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kills a deployment with kill -9, under load, and sees that `deploy` again finishes the work.

    make crash                                                 at every task boundary in turn, in a lab of its own; KEEP=1 keeps the lab
    make crash CRASH="--seconds 10 --elsewhere"                at 10 random moments, and goes on from another machine
    python tests/faults/crash.py --lab halfswap --points 3,17  at these two boundaries, in the lab that `make lab` started

Each point goes the other way between 1.0.0 and 2.0.0, from wherever the one before has ended. At a boundary no task is at work; a random
moment is in the middle of one, and what a node has begun by then goes on there. Another machine (`unshare`) has a host name, process ids, a home
and SSH connections of its own. There nobody knows that the killed run is dead: `deploy` is refused, and run again as the refusal says. Where
there is no lock to be in its way it is not refused. The last line is ``RESULT crash_points=N converged=N failed_requests=N``:

- crash_points: boundaries and moments that were to be tried
- converged: of these, how many were killed there and ended with all nodes live on the new release after one more `deploy`
- failed_requests: requests without the right answer, and orders that are not stored exactly once as they were sent

Exits 0 only when every point converged and nothing failed.
"""

from __future__ import annotations

import argparse
import platform
import random
import re
import signal
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from application import Deployment, Node, Record, Trial, apart, at_home, can_be_apart, describe, fresh, look, numbers, other, parser, positive, served
from lab import Failure, Lab, in_lab

OWN_LAB = "crash"
OTHER_MACHINE = "other-laptop"
# Ansible prints it twice, once in lines of a terminal's width; this finds the one in a single line.
REFUSAL = re.compile(r"the lock is held by (\S+) \(run .*; take it over with -e bluegreen_take_over=(\S+) or ")
# What `deploy` says when it takes over by itself, which is for the machine of the dead run alone.
KNOWN_DEAD = "died on this machine"
# What a node has begun it finishes after the kill: here its lock may be gone a moment later.
GIVES_BACK = re.compile(r'\bin "[^"]*give the lock back', re.IGNORECASE)


def choose(count: int, first: int = 1, last: int | None = None, every: int = 1) -> list[int]:
    """The boundaries to try, of 1 to count."""
    points = list(range(first, min(last or count, count) + 1, every))
    if not points:
        raise Failure(f"There are {count} boundaries; none is left of {first} to {last or count}")
    return points


def draw(count: int, lasts_s: float, seed: int) -> list[float]:
    """Moments of a run that lasts this long; with the same seed, at the same parts of it."""
    drawn = random.Random(seed)
    return [drawn.uniform(0.0, lasts_s) for _ in range(count)]


def refusal(log: str) -> tuple[str, str] | None:
    """Who holds the lock, and the run to be taken over, where a run was refused for that."""
    found = REFUSAL.search(log)
    return (found[1], found[2]) if found else None


def locks(nodes: dict[str, Node]) -> str:
    locked = [name for name, node in nodes.items() if node.locked_by]
    return f"{' '.join(locked)} locked by {', '.join(sorted({nodes[name].locked_by or '' for name in locked}))}" if locked else "no lock"


def objections(log: str, at_kill: dict[str, Node], where: str) -> list[str]:
    """What is wrong with the answer that the other machine got; where is where the first one was killed."""
    refused = refusal(log)
    problems = []
    if KNOWN_DEAD in log:
        problems.append("the other machine took the lock over without being told to")
    if refused and not refused[0].endswith(f"@{platform.node()}"):
        problems.append(f"the refusal names {refused[0]}, which is not {platform.node()}")
    if not refused and any(node.locked_by for node in at_kill.values()) and not GIVES_BACK.search(where):
        problems.append(f"the other machine was not refused, with {locks(at_kill)}")
    return problems


@dataclass(frozen=True)
class Boundary:
    number: int

    def __str__(self) -> str:
        return f"point {self.number}"

    def kill(self, *deployment) -> Deployment:
        return Deployment(*deployment, kill_at=self.number).run()

    def where(self, record: Record) -> str:
        return record.last


@dataclass(frozen=True)
class Moment:
    number: int
    after_s: float

    def __str__(self) -> str:
        return f"moment {self.number}"

    def kill(self, *deployment) -> Deployment:
        return Deployment(*deployment).run_for(self.after_s)

    def where(self, record: Record) -> str:
        return f"after {self.after_s:.1f} s {record.during}"


class Crash(Trial):
    name = "crash"
    points: Sequence[Boundary | Moment] = ()
    converged = 0

    def __init__(self, lab: Lab, rate: float, options: argparse.Namespace) -> None:
        super().__init__(lab, rate)
        self.options = options

    def attempt(self) -> None:
        if self.options.elsewhere and not can_be_apart():
            raise Failure("There is no going on from another machine: `unshare` is refused here. Run this as root, or without --elsewhere")
        self.points = self._points()
        for done, point in enumerate(self.points, start=1):
            self.converged += self._try(point, f"{done}/{len(self.points)}")

    def verdict(self, summary: dict) -> bool:
        failed = summary["failed"] + summary["lost_writes"]
        print(f"RESULT crash_points={len(self.points)} converged={self.converged} failed_requests={failed}", flush=True)
        return bool(self.points) and self.converged == len(self.points) and not failed

    def _points(self) -> list[Boundary | Moment]:
        options = self.options
        points: list[Boundary | Moment] = [Boundary(number) for number in options.points or ()]
        if options.seconds or not points:
            undisturbed = self._measure()
        if options.seconds:
            seed = random.randrange(1_000_000) if options.seed is None else options.seed
            print(f"{options.seconds} random moments, once more with --seed {seed}", flush=True)
            # The shorter way, so that both get there.
            moments = draw(options.seconds, min(run.seconds for run in undisturbed), seed)
            points += [Moment(number, after_s) for number, after_s in enumerate(moments, start=1)]
        elif not points:
            count = max(len(run.record.boundaries) for run in undisturbed)
            points += [Boundary(number) for number in choose(count, options.first, options.last, options.every)]
        return points

    def _measure(self) -> list[Deployment]:
        """A deployment that nothing disturbs, there and back, because the two may differ."""
        runs = []
        for way in ("there", "back"):
            to = other(self.release)
            deployment = Deployment(self.lab, to, self.records, way).run()
            failed = self.failures()
            if deployment.status != 0 or failed:
                told = f"exit status {deployment.status}, {len(failed)} failed requests"
                raise Failure(f"The deployment of {to} is not well without any kill: {told}; see {deployment.log}")
            self.release = to
            runs.append(deployment)
            print(f"{to} undisturbed: {len(deployment.record.boundaries)} boundaries in {deployment.seconds:.1f} s", flush=True)
        return runs

    def _try(self, point: Boundary | Moment, progress: str) -> bool:
        folder = fresh(self.records / str(point).replace(" ", "-"))
        to, killed = self._kill(point, folder)
        at_kill = look(self.lab)
        where = point.where(killed.record)
        print(f"{point} ({progress}) to {to}, killed {where}\n    {killed.seconds:5.1f} s  at the kill {describe(at_kill)}; {locks(at_kill)}", flush=True)
        problems = []
        if killed.status != -signal.SIGKILL:
            problems.append(f"it was not killed there: exit status {killed.status} in {killed.record.task}")
        if self.options.elsewhere:
            first, again = self._elsewhere(to, folder)
            problems += objections(first.log.read_text(encoding="utf-8"), at_kill, where)
        else:
            again = Deployment(self.lab, to, folder, "again").run()
        after = look(self.lab)
        failed = self.failures()
        if again.status != 0:
            problems.append(f"deploy again ended with exit status {again.status} in {again.record.task}")
        if served(after) != to:
            problems.append(f"not every node serves {to}: {describe(after)}")
        converged = not problems
        if failed:
            problems.append(f"{len(failed)} requests failed, the first: {failed[0]}")
        changed = "unknown" if again.record.changed is None else " ".join(again.record.changed) or "nothing"
        print(
            f"    {again.seconds:5.1f} s  again: {len(again.record.boundaries)} boundaries, changed {changed};"
            f" {'OK' if not problems else 'FAILED: ' + '; '.join(problems) + f'; see {folder}'}",
            flush=True,
        )
        self.release = to
        if not converged:
            self.bring_to(to, folder, "mend")
        return converged

    def _kill(self, point: Boundary | Moment, folder: Path) -> tuple[str, Deployment]:
        """Where a deployment one way ends well before it gets that far, the way back may get there."""
        for way in ("killed", "killed-back"):
            to = other(self.release)
            killed = point.kill(self.lab, to, folder, way)
            if killed.status != 0:
                break
            self.release = to
        return to, killed

    def _elsewhere(self, to: str, folder: Path) -> tuple[Deployment, Deployment]:
        """The first and the last run of an operator who goes on from another machine, and does what a refusal says."""
        with tempfile.TemporaryDirectory(prefix="crash-") as home:

            def deploy(name: str, *options: str) -> Deployment:
                return Deployment(self.lab, to, folder, name, *options).start(*apart(OTHER_MACHINE), **at_home(Path(home))).wait()

            first = deploy("elsewhere")
            refused = refusal(first.log.read_text(encoding="utf-8"))
            if not refused:
                print(f"    {first.seconds:5.1f} s  elsewhere: not refused", flush=True)
                return first, first
            holder, run_id = refused
            print(f"    {first.seconds:5.1f} s  elsewhere: refused, {holder} has the lock; taking over run {run_id}", flush=True)
            return first, deploy("take-over", "-e", f"bluegreen_take_over={run_id}")


def main() -> int:
    options = parser(__doc__)
    options.add_argument("--points", type=numbers, metavar="N,N", help="these boundaries only, without counting them first")
    options.add_argument("--first", type=positive, default=1, metavar="N", help="start with this boundary (default: %(default)d)")
    options.add_argument("--last", type=positive, metavar="N", help="end with this boundary (default: the last one)")
    options.add_argument("--every", type=positive, default=1, metavar="K", help="try only each K-th one (default: %(default)d)")
    options.add_argument("--seconds", type=positive, metavar="N", help="N random moments instead; boundaries only those of --points")
    options.add_argument("--seed", type=int, metavar="S", help="draw the moments that were drawn with this seed (default: others each time)")
    options.add_argument("--elsewhere", action="store_true", help="go on from another machine: a host name, process ids and a home of its own")
    given = options.parse_args()
    if given.seed is not None and not given.seconds:
        options.error("--seed is for --seconds")
    return in_lab(given.lab, OWN_LAB, lambda lab: Crash(lab, given.rate, given).run())


if __name__ == "__main__":
    sys.exit(main())
