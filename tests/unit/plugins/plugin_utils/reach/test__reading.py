# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time
from unittest import mock

import pytest

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.reach._reading import seen, stamped

SHOP = {"name": "shop", "package": "shop", "service": "shop"}


def test_what_the_node_reaches_itself_is_left_to_it():
    args = {"components": [{**SHOP, "url": "http://127.0.0.1:9101"}], "token": "t"}
    connection = mock.MagicMock()
    assert seen(args, connection, "192.0.2.1") is args and connection.mock_calls == []
    assert seen({}, connection, "192.0.2.1") == {}


def test_what_only_the_controller_reaches_goes_with_the_question(heartbeat_server):
    args = {"components": [{**SHOP, "url": heartbeat_server.url, "heartbeat": {"via": "controller"}}], "token": "t", "batch_id": "r1/1"}
    found = seen(args, mock.MagicMock(), "127.0.0.1")
    assert found["components"] == [{**SHOP, "url": heartbeat_server.url, "heartbeat": {"via": "controller", "relayed": {"status": heartbeat_server.status}}}]
    assert (found["token"], found["batch_id"]) == ("t", "r1/1")
    # What was given stays as it was.
    assert args["components"][0]["heartbeat"] == {"via": "controller"}


def test_one_out_of_reach_says_so_and_the_others_are_seen(heartbeat_server):
    near = {**SHOP, "url": heartbeat_server.url, "heartbeat": {"via": "controller"}}
    one, other = seen({"components": [near, {**near, "name": "cart", "url": "http://127.0.0.1:1"}]}, mock.MagicMock(), "127.0.0.1")["components"]
    assert one["heartbeat"]["relayed"]["status"]["state"] == "live"
    assert "component cart: no heartbeat answers" in other["heartbeat"]["relayed"]["error"]


def test_without_a_way_every_component_says_so():
    components = [{**SHOP, "name": name, "url": "http://x", "heartbeat": {"via": "tunnel"}} for name in ("shop", "cart")]
    found = seen({"components": components, "token": "t"}, mock.MagicMock(), "192.0.2.1")["components"]
    assert [each["heartbeat"]["relayed"]["error"].partition(": a tunnel takes")[0] for each in found] == ["component shop", "component cart"]


def test_a_slow_node_makes_its_evidence_older(clock):
    def ask(args):
        clock.advance(7)
        return {"components": [], **args}

    assert stamped(ask, {"batch_id": "r1/1"}) == {"components": [], "batch_id": "r1/1", "at": 1000.0}


@pytest.mark.parametrize("node_time, skew", [(1000.0, 0.0), (1002.0, 0.0), (997.5, 2.5), (1002.25, 0.25)])
def test_the_least_skew_that_explains_what_was_seen(clock, monkeypatch, node_time, skew):
    monkeypatch.setattr(time, "time", iter([1000.0, 1002.0]).__next__)
    assert stamped(lambda args: {"time": node_time}, {})["clock_skew_s"] == skew


def test_no_skew_of_a_node_that_did_not_tell_its_time(clock):
    assert stamped(lambda args: {"failed": True}, {}) == {"failed": True, "at": 1000.0}
