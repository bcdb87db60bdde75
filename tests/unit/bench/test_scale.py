# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the seconds of a size say of those of another one."""

from __future__ import annotations

import json

import scale
from application import Record
from scale import Size


def size(nodes: int, plan_s: float) -> Size:
    return Size(nodes, {**dict.fromkeys(scale.TASKS, 0.0), "plan": plan_s})


def test_a_row_has_the_seconds_of_each_task() -> None:
    assert size(500, 12.0).row().split() == ["500", "0.00", "0.00", "12.00", "0.00", "0.00"]
    assert size(500, 12.0).per_node("plan") == 0.024


def test_without_fifty_nodes_the_smallest_size_is_what_is_compared_with() -> None:
    assert scale.result([size(10, 1.0), size(100, 5.0)]) == "RESULT nodes=100 plan_s=5.0 per_node_ratio_100_10=0.50"


def test_a_plan_that_grows_with_the_square_is_ten_times_as_dear_for_each_node() -> None:
    grown = [size(10, 0.2), size(50, 5.0), size(500, 500.0)]
    assert scale.result(grown) == "RESULT nodes=500 plan_s=500.0 per_node_ratio_500_50=10.00"
    assert scale.result([size(50, 5.0), size(500, 50.0)]).endswith("per_node_ratio_500_50=1.00")


def test_the_tasks_that_prepare_are_not_measured() -> None:
    tasks = ["Register what node_info says", *map(str.capitalize, scale.TASKS), None]
    record = Record(tasks, [], at=[0.0, *(100.0 + number for number in range(len(scale.TASKS) + 1))])
    assert scale.seconds(record) == dict.fromkeys(scale.TASKS, 1.0)


def test_each_node_is_in_one_half() -> None:
    stacks = scale.names(20)
    assert [len(set(names)) for names in stacks.values()] == [10, 10]
    assert not set(stacks["blue"]) & set(stacks["green"])


def test_the_pattern_is_a_node_that_serves_and_holds_no_secret() -> None:
    text = (scale.ROOT / "tests" / "bench" / "node_info.json").read_text(encoding="utf-8")
    (component,) = json.loads(text)["components"]
    assert (component["heartbeat"]["state"], component["heartbeat"]["healthy"], component["error"]) == ("live", True, None)
    assert "token" not in text
