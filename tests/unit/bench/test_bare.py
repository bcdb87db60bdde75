# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the bare procedure waits for, and how its steps are told."""

from __future__ import annotations

import bare
import bare_node
import pytest


def prober(live: int, not_live: int, path: str = "/heartbeat/live") -> dict:
    return {"path": path, "consecutive": {"live": live, "not_live": not_live}}


@pytest.mark.parametrize(
    ("state", "probers", "noticed"),
    [
        ("standby", [prober(0, 3)], True),
        ("standby", [prober(0, 2)], False),
        ("standby", [prober(0, 3), prober(0, 2)], False),
        ("live", [prober(2, 0)], True),
        ("live", [prober(1, 0)], False),
        # The standby load balancer is not waited for, and without one that follows live nothing is proven.
        ("live", [prober(2, 0), prober(0, 9, "/heartbeat/standby")], True),
        ("standby", [prober(0, 9, "/heartbeat/standby")], False),
        ("standby", [], False),
    ],
)
def test_every_live_load_balancer_has_noticed(state: str, probers: list[dict], noticed: bool) -> None:
    assert bare_node.noticed({"probers": probers}, state) is noticed


def test_no_step_is_left_out() -> None:
    assert [name for part in bare_node.PARTS.values() for name, _step in part] == [
        "standby, settle",
        "drain",
        "stop",
        "rpm",
        "start",
        "healthy",
        "live, settle",
    ]


def test_a_half_waits_for_its_slowest_node() -> None:
    assert bare.slowest([{"stop": 1.0, "rpm": 3.0}, {"stop": 2.0, "rpm": 0.5}]) == {"stop": 2.0, "rpm": 3.0}
