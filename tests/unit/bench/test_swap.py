# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is made of the times of a run."""

from __future__ import annotations

import swap
from application import Record


def record(*tasks: tuple[str, float]) -> Record:
    """Of a run whose tasks took so many seconds each."""
    at = [100.0]
    for _task, seconds in tasks:
        at.append(at[-1] + seconds)
    return Record([task for task, _seconds in tasks] + [None], [], at=at)


def test_how_long_each_task_took() -> None:
    assert swap.took(record(("One", 2.0), ("Two", 0.5))) == [("One", 2.0), ("Two", 0.5)]


def test_a_half_is_out_from_the_first_step_to_the_last() -> None:
    batch = [("x : Steps 1 and 2, standby and settle", 2.0), ("x : Step 3, drain", 1.0), ("x : Steps 6 and 7, live and settle", 4.0)]
    told = record(("Plan", 9.0), *batch, ("Swap batch 2", 9.0), *batch, ("End the run", 9.0))
    assert list(swap.outages(told)) == [7.0, 7.0]


def test_a_batch_that_was_not_finished_is_none() -> None:
    assert list(swap.outages(record(("Plan", 9.0), ("x : Steps 1 and 2, standby and settle", 2.0), ("x : Step 3, drain", 1.0)))) == []


def test_the_task_that_opens_the_connections_is_no_measure() -> None:
    assert swap.round_trip(record(("Connect", 5.0), ("Do nothing", 0.5), ("Do nothing", 0.25), ("Do nothing", 0.75))) == 0.5
