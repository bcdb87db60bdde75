# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.lb_check._verify_plan import faults, hold_s, verification

SHOP = {"name": "shop", "port": 8080, "health_url": "http://127.0.0.1:8080/health", "heartbeat": {"port": 9100, "control_port": 9101}}
LIVE = {"name": "live", "follows": "live", "path": "/heartbeat/live", "url": "http://192.0.2.5/", "fall": 3, "rise": 2, "kind": "apache", "hosts": ["lb1"]}
STANDBY = {"name": "standby", "follows": "standby", "path": "/heartbeat/standby", "url": "http://192.0.2.6", "fall": 4, "rise": 2}
APPLICATION = {"blue": ["n9", "n1", "n5"], "green": ["n8", "n2"]}


def settings(**changes):
    found = {
        "components": [SHOP],
        "load_balancers": [LIVE, STANDBY],
        "without": [],
        "verify_nodes": None,
        "verify_flips": 2,
        "verify_restart": False,
        "verify_restart_watch_s": 0.0,
        "settle_timeout_s": 60,
    }
    return {**found, **changes}


@pytest.mark.parametrize(
    "changes, nodes",
    [
        # The first one is the inventory's, whatever the names are.
        ({}, ["n9", "n8"]),
        ({"without": ["n9"]}, ["n1", "n8"]),
        ({"without": ["n8", "n2"]}, ["n9"]),
        ({"verify_nodes": "all"}, ["n9", "n1", "n5", "n8", "n2"]),
        ({"verify_nodes": "all", "without": ["n1"]}, ["n9", "n5", "n8", "n2"]),
        ({"verify_nodes": ["n2", "n9"]}, ["n2", "n9"]),
    ],
)
def test_which_nodes_are_tested(changes, nodes):
    assert verification(settings(**changes), APPLICATION)["nodes"] == nodes


def test_through_which_urls_requests_are_sent():
    basket = {**SHOP, "name": "basket", "standby_url": "http://192.0.2.6:81/", "sanity": [{"path": "/x", "method": "post"}, {"path": "/read"}]}
    found = verification(settings(components=[SHOP, basket]), APPLICATION)
    assert [tuple(stream.values()) for stream in found["streams"]] == [
        ("live", "shop", "http://192.0.2.5/"),
        ("live", "basket", "http://192.0.2.5/read"),
        ("standby", "shop", "http://192.0.2.6/"),
        ("standby", "basket", "http://192.0.2.6:81/read"),
    ]
    assert found["words"] == {"/heartbeat/live": "live", "/heartbeat/standby": "standby"}
    assert found["units"] == ["halfswap-heartbeat@shop.service", "halfswap-heartbeat@basket.service"]
    assert found["watched"] == [{"name": "shop", "url": "http://127.0.0.1:9101"}, {"name": "basket", "url": "http://127.0.0.1:9101"}]


@pytest.mark.parametrize(
    "changes, restarts",
    [
        ({}, []),
        ({"verify_restart": True}, [("live", "ansible", ["lb1"], "apache2")]),
        ({"verify_restart_watch_s": 60.0}, [("live", "hand", ["lb1"], "apache2"), ("standby", "hand", [], None)]),
        ({"verify_restart": True, "verify_restart_watch_s": 60.0}, [("live", "ansible", ["lb1"], "apache2"), ("standby", "hand", [], None)]),
        ({"verify_restart": True, "load_balancers": [{**LIVE, "kind": "haproxy"}]}, [("live", "ansible", ["lb1"], "haproxy")]),
        ({"verify_restart": True, "load_balancers": [{**LIVE, "service": "edge"}]}, [("live", "ansible", ["lb1"], "edge")]),
    ],
)
def test_whom_it_restarts_and_who_does_it(changes, restarts):
    found = verification(settings(**changes), APPLICATION)["restarts"]
    assert [(each["name"], each["by"], each["hosts"], each["service"]) for each in found] == restarts
    assert all({stream["load_balancer"] for stream in each["streams"]} == {each["name"]} for each in found)


def test_how_long_the_lock_is_kept():
    assert verification(settings(), APPLICATION)["lock"] == {"fixed_s": 600.0 + 2 * 4 * 60 + 2 * 60, "holds": 14}
    assert verification(settings(verify_flips=3, verify_restart_watch_s=30.0), APPLICATION)["lock"] == {"fixed_s": 600.0 + 2 * 5 * 60 + 2 * 90, "holds": 16}


def test_how_long_a_load_balancer_needs():
    assert hold_s([LIVE, STANDBY], 0.5) == 4.5
    assert hold_s([LIVE], None) == 7.0


@pytest.mark.parametrize(
    "changes, told",
    [
        ({}, []),
        ({"load_balancers": [{**LIVE, "url": None}, STANDBY]}, ["load balancer live has no url"]),
        ({"load_balancers": [{key: value for key, value in LIVE.items() if key != "url"}]}, ["load balancer live has no url"]),
        ({"verify_nodes": ["n1", "n2"], "without": ["n2"]}, ["bluegreen_verify_nodes names n2, which bluegreen_without leaves out"]),
        ({"verify_nodes": "all", "without": ["n2"]}, []),
        ({"components": [{**SHOP, "heartbeat": {"profile": "file", "path": "/x", "port": 80}}]}, ["no component has a heartbeat that tells who asks for it"]),
    ],
)
def test_what_could_not_be_measured_is_refused(changes, told):
    found = faults(settings(**changes))
    assert len(found) == len(told) and all(text in fault for text, fault in zip(told, found))
