# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._application import ApplicationError, count_of, limits, load_balancers, stacks

GOOD = [
    {
        "name": "live",
        "follows": "live",
        "path": "/heartbeat/live",
        "addresses": ["10.0.0.5"],
        "url": "http://lb",
        "hosts": ["lb1"],
        "service": "nginx",
        "kind": "nginx",
        "address": "192.0.2.5",
        "mirror_to": "192.0.2.6",
    },
    {"name": "standby", "follows": "standby", "path": "/heartbeat/standby", "addresses": [], "fall": 2, "url": "http://lb2"},
]


def test_two_stacks_in_the_order_of_the_inventory():
    assert stacks({"all": ["z"], "green": ["g2", "g1"], "blue": ["b1"]}) == {"blue": ["b1"], "green": ["g2", "g1"]}


@pytest.mark.parametrize(
    "groups, text",
    [
        ({}, "the inventory has no group blue; the inventory has no group green"),
        ({"blue": ["b"]}, "the inventory has no group green"),
        ({"blue": ["b"], "green": []}, "the inventory group green is empty"),
        ({"blue": ["b", "x"], "green": ["g", "x"]}, "x in both stacks"),
        ({"blue": ["b"], "green": ["g"], "nodes": ["b", "g", "n"]}, "n of the inventory group nodes in neither stack"),
    ],
)
def test_what_is_no_application(groups, text):
    with pytest.raises(ApplicationError) as error:
        stacks(groups)
    assert text in str(error.value)


def test_every_node_in_a_stack_is_fine():
    assert stacks({"blue": ["b"], "green": ["g"], "nodes": ["g", "b"]})


def test_load_balancers_get_their_defaults_and_lose_their_address():
    assert load_balancers(GOOD) == [
        {
            "name": "live",
            "follows": "live",
            "path": "/heartbeat/live",
            "addresses": ["10.0.0.5"],
            "fall": 3,
            "rise": 2,
            "interval_s": None,
            "probers": 1,
            "hold_s": 0.0,
        },
        {
            "name": "standby",
            "follows": "standby",
            "path": "/heartbeat/standby",
            "addresses": [],
            "fall": 2,
            "rise": 2,
            "interval_s": None,
            "probers": 1,
            "hold_s": 0.0,
        },
    ]


@pytest.mark.parametrize(
    "described, text",
    [
        (GOOD[:1], "none follows standby"),
        ([], "none follows live and none follows standby"),
        ([GOOD[0], {**GOOD[1], "path": "/heartbeat/live"}], "two check the same path"),
        ([GOOD[0], {**GOOD[1], "follows": "dead"}], "value of follows must be one of: live, standby"),
        ([GOOD[0], {**GOOD[1], "fal": 1}], "fal"),
        ([GOOD[0], {**GOOD[1], "addresses": ["lb"]}], "addresses of standby: 'lb' is no address"),
        ("nonsense", "bluegreen_load_balancers"),
    ],
)
def test_what_does_not_describe_load_balancers(described, text):
    with pytest.raises(ApplicationError) as error:
        load_balancers(described)
    assert text in str(error.value)


@pytest.mark.parametrize("value, count", [(2, 2), ("2", 2), ("50%", 2), ("30%", 1), ("10%", 1), ("100%", 4), ("0", 0), (0, 0), ("0%", 0)])
def test_a_number_or_a_share_of_four(value, count):
    assert count_of("bluegreen_batch_size", value, 4) == count


@pytest.mark.parametrize("value", ["", "-1", "half", "1.5", "%", None])
def test_no_number_of_nodes(value):
    with pytest.raises(ApplicationError) as error:
        count_of("bluegreen_batch_size", value, 4)
    assert "bluegreen_batch_size is " in str(error.value)


STACKS = {"blue": ["blue1"], "green": ["green1"]}
ARGS = {
    "min_live": 1,
    "max_unavailable": "50%",
    "capacity": [{"name": "shop", "per_s": "80"}],
    "without": ["green1"],
    "override": {},
    "load_balancers": None,
}


def test_limits():
    found = limits(ARGS, STACKS)
    assert (found.min_live, found.max_unavailable, found.capacity, found.without) == (1, 1, {"shop": 80.0}, ("green1",))
    assert found.load_balancers == ()
    assert limits({**ARGS, "load_balancers": GOOD}, STACKS).load_balancers == load_balancers(GOOD)


def test_limits_know_the_nodes_left_out():
    with pytest.raises(ApplicationError) as error:
        limits({**ARGS, "without": ["red1"]}, STACKS)
    assert "bluegreen_without names red1" in str(error.value)
