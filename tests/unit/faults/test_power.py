# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a power-off excuses, and what it does not."""

from __future__ import annotations

import power
import pytest
from application import Node

BEGAN = 1000.0
OFF = 1060.0


@pytest.mark.parametrize(
    ("due_s", "latency_s", "excused"),
    [
        (59.0, 0.5, False),  # answered while the power was on
        (59.0, 2.0, True),  # on its way
        (60.1, 1.0, True),
        (60.0 + power.NOTICED_WITHIN_S, 1.0, True),
        (60.1 + power.NOTICED_WITHIN_S, 1.0, False),
    ],
)
def test_what_was_caused_by_a_power_off(due_s: float, latency_s: float, excused: bool) -> None:
    record = {"t": due_s, "latency_s": latency_s, "error": "status 503"}
    assert power.caused([record], BEGAN, [100.0, OFF]) == ([record] if excused else [])
    assert power.caused([record], BEGAN, []) == []


@pytest.mark.parametrize(
    ("before", "after", "gone"),
    [
        (Node("live", 1.0, "1.0.0"), Node("live", 1.0, "1.0.0"), False),
        (Node("live", 1.0, "1.0.0"), Node("standby", 2.0, "1.0.0"), True),
        (Node("live", 1.0, "1.0.0"), Node("live", 2.0, "1.0.0"), True),  # it was out, and has come back
        (Node("live", 1.0, "1.0.0"), Node(), True),
        (Node("standby", 1.0, "1.0.0"), Node("live", 2.0, "2.0.0"), False),
        (Node("standby", 1.0, "1.0.0"), Node("standby", 1.0, None), False),
    ],
)
def test_who_has_left_the_live_half(before: Node, after: Node, gone: bool) -> None:
    assert power.left({"green1": before}, {"green1": after, "blue1": Node()}) == (["green1"] if gone else [])
