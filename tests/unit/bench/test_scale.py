# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many hosts find something out, and what that says of all nodes."""

from __future__ import annotations

import json

import pytest
import scale
from application import Record
from scale import Size


def size(nodes: int, hosts: int, plan_s: float, status_s: float = 1.0) -> Size:
    return Size(nodes, hosts, {**dict.fromkeys(scale.TASKS, 0.0), "plan": plan_s, "status": status_s})


def test_what_all_nodes_take_is_computed_from_some() -> None:
    some = size(500, 10, 12.0)
    assert some.extrapolated
    # Each host does nothing: ten did, and the others would take as long.
    assert some.seconds("nothing") == 50 * some.measured["nothing"]
    assert "10 hosts, the rest computed" in some.row()
    # One host does it, however many nodes there are.
    assert (some.seconds("plan"), some.per_node("plan")) == (12.0, 0.024)
    assert some.seconds("status") == 1.0


def test_what_all_nodes_did_is_not_computed() -> None:
    every = size(50, 50, 4.0)
    assert (every.extrapolated, every.seconds("plan")) == (False, 4.0)
    assert "computed" not in every.row()


@pytest.mark.parametrize(("plan_s", "hosts"), [(4.9, 100), (5.1, scale.SAMPLE)])
def test_only_what_takes_long_is_left_to_some(plan_s: float, hosts: int) -> None:
    assert scale.LIMIT_S == 20.0
    assert scale.hosts_for(100, size(50, 50, plan_s)) == hosts


def test_the_first_size_is_measured_in_full() -> None:
    assert scale.hosts_for(10, None) == 10


def test_a_plan_that_grows_with_the_square_is_ten_times_as_dear_for_each_node() -> None:
    grown = [size(10, 10, 0.2), size(50, 50, 5.0), size(500, 10, 500.0)]
    assert scale.result(grown) == "RESULT nodes=500 plan_s=500.0 per_node_ratio_500_50=10.00"
    assert scale.result([size(50, 50, 5.0), size(500, 500, 50.0)]).endswith("per_node_ratio_500_50=1.00")


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
