# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells where the time of a deployment goes. Its unit is a round trip: a task that does nothing, on the same nodes, measured in the same run.

    make bench                                       two deployments, there and back, in a lab of its own; KEEP=1 keeps the lab
    python tests/bench/swap.py --lab halfswap        the same in the lab that `make lab` started

The last line is ``RESULT deployments=N round_trips=X out=X round_trip_s=X``:

- round_trips: how many round trips a deployment took as long as, in the mean
- out: of these, those for which one half was out of service, in the mean of all batches
- round_trip_s: the median of the tasks that do nothing, in seconds, which is the machine's own speed

Seconds of two machines cannot be compared, nor those of a busy machine with its own an hour ago; round trips can, roughly. It always exits 0 when
the deployments succeed: there is no limit that a slow machine could miss.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "demo"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "faults"))

from application import RELEASES, Deployment, Playbook, Record, fresh, look, other, positive, served
from lab import ROOT, Failure, Lab, in_lab

OWN_LAB = "bench"
NOTHING = "tests/bench/nothing.yml"
# The tasks between which a half is out: it begins with the first one, and the second one ends it.
OUT = ("Steps 1 and 2", "Steps 6 and 7")
SLOWEST = 8


def took(record: Record) -> list[tuple[str, float]]:
    """Each task of a run and its seconds."""
    return [(task, after - at) for task, at, after in zip(record.boundaries, record.at, record.at[1:]) if task]


def outages(record: Record) -> Iterator[float]:
    """For each batch, the seconds from the first to the last of the seven steps."""
    total = None
    for task, seconds in took(record):
        if OUT[0] in task:
            total = 0.0
        if total is not None:
            total += seconds
        if OUT[1] in task and total is not None:
            yield total
            total = None


def round_trip(record: Record) -> float:
    """Without the first task, which opens the connections."""
    return statistics.median(seconds for _task, seconds in took(record)[1:])


class Bench:
    def __init__(self, lab: Lab, times: int) -> None:
        self.lab = lab
        self.times = times
        self.records = ROOT / ".cache" / "bench" / lab.name

    def run(self) -> bool:
        fresh(self.records)
        release = served(look(self.lab)) or other(RELEASES[0])
        totals, outs, units = [], [], []
        for number in range(1, self.times + 1):
            nothing = self._ran(Playbook(["ansible-playbook", "-i", self.lab.inventory, NOTHING], self.records, f"nothing-{number}"))
            release = other(release)
            deployment = self._ran(Deployment(self.lab, release, self.records, f"deploy-{number}"))
            unit = round_trip(nothing.record)
            units.append(unit)
            totals.append(sum(seconds for _task, seconds in took(deployment.record)) / unit)
            outs += [seconds / unit for seconds in outages(deployment.record)]
            self._show(release, deployment.record, unit)
        print(
            f"RESULT deployments={self.times} round_trips={statistics.mean(totals):.1f} out={statistics.mean(outs or [0.0]):.1f}"
            f" round_trip_s={statistics.median(units):.3f}",
            flush=True,
        )
        return True

    def _ran(self, playbook: Playbook) -> Playbook:
        if playbook.run().status != 0:
            raise Failure(f"This ended with status {playbook.status} in {playbook.record.task}; see {playbook.log}")
        return playbook

    def _show(self, release: str, record: Record, unit: float) -> None:
        print(f"\n{release}: {len(took(record))} tasks. The slowest, in round trips of {unit:.3f} s:", flush=True)
        for task, seconds in sorted(took(record), key=lambda one: -one[1])[:SLOWEST]:
            print(f"{seconds / unit:6.1f}  {task}")


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--lab", help="a running lab to use and to leave running (default: one of its own)")
    options.add_argument("--times", type=positive, default=2, metavar="N", help="how many deployments (default: %(default)d)")
    given = options.parse_args()
    return in_lab(given.lab, OWN_LAB, lambda lab: Bench(lab, given.times).run())


if __name__ == "__main__":
    sys.exit(main())
