# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two runs at once end well only in one way."""

from __future__ import annotations

from argparse import Namespace

import pytest
import two
from application import Record

JOURNAL = """Started halfswap-heartbeat@shop.service.
standby -> live, STANDING_BY -> SERVING, revision 3, by "root@controller-b", run "1": "release"
live -> live, SERVING -> CLEANING_UP, revision 4, by "root@controller-a", run "2": "release"
live -> standby, SERVING -> STANDING_BY, revision 5, by "root@controller-a", run "2": "a \\"reason\\""
the component is not healthy: live -> standby, or so
"""
AWAY_AND_BACK = [("standby", "controller-a", "2"), ("live", "controller-a", "2")]
REFUSAL = {"controller-a": "", "controller-b": "locked by root@controller-a since 12:00"}


def test_flips_are_read_from_the_journal_of_an_agent() -> None:
    assert two.flips(JOURNAL) == [("live", "controller-b", "1"), ("standby", "controller-a", "2")]


def objections(statuses=(0, 1), logs=None, flipped=None) -> list[str]:
    names = ("controller-a", "controller-b")
    runs = {name: Namespace(status=status, record=Record([], None)) for name, status in zip(names, statuses)}
    flips = {"blue1": AWAY_AND_BACK, "green1": AWAY_AND_BACK if flipped is None else flipped}
    return two.objections(runs, logs or REFUSAL, {name: name for name in names}, flips)


def test_one_works_and_the_other_is_told() -> None:
    assert objections() == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"statuses": (0, 0)},
        {"statuses": (1, 1)},
        {"statuses": (0, "none within 600 s")},
        {"logs": {**REFUSAL, "controller-b": "locked"}},
        {"flipped": []},
        {"flipped": AWAY_AND_BACK * 2},
        {"flipped": [("standby", "controller-a", "2"), ("live", "controller-b", "2")]},
        {"flipped": [("standby", "controller-a", "3"), ("live", "controller-a", "3")]},
    ],
)
def test_anything_else_is_wrong(wrong: dict) -> None:
    assert len(objections(**wrong)) == 1
