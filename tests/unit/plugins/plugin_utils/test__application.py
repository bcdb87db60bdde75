# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._application import ApplicationError, load_balancers, stacks

GOOD = [
    {"name": "live", "follows": "live", "path": "/heartbeat/live", "url": "http://lb", "hosts": ["lb1"]},
    {"name": "standby", "follows": "standby", "path": "/heartbeat/standby", "fall": 2, "url": "http://lb2"},
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
        {"name": "live", "follows": "live", "path": "/heartbeat/live", "fall": 3, "rise": 2, "probers": 1},
        {"name": "standby", "follows": "standby", "path": "/heartbeat/standby", "fall": 2, "rise": 2, "probers": 1},
    ]


@pytest.mark.parametrize(
    "described, text",
    [
        (GOOD[:1], "none follows standby"),
        ([], "none follows live and none follows standby"),
        ([GOOD[0], {**GOOD[1], "path": "/heartbeat/live"}], "two check the same path"),
        ([GOOD[0], {**GOOD[1], "follows": "dead"}], "value of follows must be one of: live, standby"),
        ([GOOD[0], {**GOOD[1], "fal": 1}], "fal"),
        ("nonsense", "bluegreen_load_balancers"),
    ],
)
def test_what_does_not_describe_load_balancers(described, text):
    with pytest.raises(ApplicationError) as error:
        load_balancers(described)
    assert text in str(error.value)
