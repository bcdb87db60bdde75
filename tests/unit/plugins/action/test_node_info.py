# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time

import pytest


def test_stamps_the_time_before_the_question(run_action, clock):
    ran = run_action("node_info", {"components": [], "batch_id": "r/1"}, {}, answer={"changed": False, "components": [], "batch_id": "r/1"})
    assert ran.result["at"] == 1000.0
    assert ran.result["batch_id"] == "r/1"
    assert ran.sent == [("halfswap.bluegreen.node_info", {"components": [], "batch_id": "r/1"})]


def test_a_failure_stays_a_failure(run_action, clock):
    ran = run_action("node_info", {}, {}, answer={"failed": True, "msg": "no systemctl"})
    assert ran.result["failed"] is True and ran.result["msg"] == "no systemctl"


@pytest.mark.parametrize("node_time, skew", [(1000.0, 0.0), (1000.7, 0.0), (1002.0, 0.0), (997.5, 2.5), (1002.25, 0.25)])
def test_the_least_skew_that_explains_what_was_seen(run_action, clock, monkeypatch, node_time, skew):
    # The question is asked at 1000 and answered at 1002.
    monkeypatch.setattr(time, "time", iter([1000.0, 1002.0]).__next__)
    ran = run_action("node_info", {}, {}, answer={"components": [], "time": node_time})
    assert ran.result["clock_skew_s"] == skew


def test_no_skew_of_a_node_that_did_not_tell_its_time(run_action, clock):
    assert "clock_skew_s" not in run_action("node_info", {}, {}, answer={"failed": True, "msg": "no systemctl"}).result


def test_what_only_the_controller_reaches_is_seen_by_it(run_action, heartbeat_server):
    components = [{"name": "shop", "package": "shop", "service": "shop", "url": heartbeat_server.url, "heartbeat": {"via": "controller"}}]
    ran = run_action("node_info", {"components": components, "token": "t"}, {}, answer={"components": []})
    (sent,) = ran.sent[0][1]["components"]
    assert sent["package"] == "shop" and sent["heartbeat"] == {"via": "controller", "relayed": {"status": heartbeat_server.status}}
    components[0]["url"] = "http://127.0.0.1:1"
    (sent,) = run_action("node_info", {"components": components}, {}, answer={"components": []}).sent[0][1]["components"]
    assert "component shop: no heartbeat answers" in sent["heartbeat"]["relayed"]["error"]


def test_a_node_without_a_way_says_so_in_the_evidence(run_action):
    components = [{"name": "shop", "url": "http://x", "heartbeat": {"via": "tunnel"}}]
    (sent,) = run_action("node_info", {"components": components}, {}, answer={"components": []}).sent[0][1]["components"]
    assert sent["heartbeat"]["relayed"]["error"].startswith("component shop: a tunnel takes a connection through ssh")
