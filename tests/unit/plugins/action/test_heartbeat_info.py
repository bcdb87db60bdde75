# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


def shop(server, via="controller", **changes):
    return {"name": "shop", "url": server.url, "release": "2.0.0", "heartbeat": {"via": via}, **changes}


def test_on_the_node_it_is_the_module(run_action):
    ran = run_action("heartbeat_info", {"components": [{"name": "shop", "url": "http://x"}]}, {}, answer={"changed": False, "waited_s": 0.0})
    assert ran.sent == [("halfswap.bluegreen.heartbeat_info", {"components": [{"name": "shop", "url": "http://x"}]})] and ran.result["waited_s"] == 0.0


def test_the_controller_asks_without_anything_on_the_node(run_action, heartbeat_server, clock):
    ran = run_action("heartbeat_info", {"components": [shop(heartbeat_server)], "token": "t"}, {})
    assert ran.sent == []
    assert ran.result["components"] == [{"name": "shop", "heartbeat": heartbeat_server.status}] and ran.result["changed"] is False
    assert heartbeat_server.asked == [("GET", "/heartbeat/status?fresh=1", None, None, "Bearer t")]


def test_it_waits_for_health(run_action, heartbeat_server, clock):
    args = {"components": [shop(heartbeat_server)], "wait_healthy": True, "timeout_s": 4}
    clock.at(2, lambda: heartbeat_server.status.update(release="2.0.0"))
    assert run_action("heartbeat_info", args, {}).result["waited_s"] == 2.0
    heartbeat_server.status.update(healthy=False, why="HTTP 503")
    ran = run_action("heartbeat_info", args, {})
    assert ran.result["failed"] is True and ran.result["msg"] == "Not ready after 4.0 s: component shop is not healthy: HTTP 503."
    assert "failed" not in run_action("heartbeat_info", args, {}, check_mode=True).result


def test_who_does_not_answer(run_action):
    ran = run_action("heartbeat_info", {"components": [{"name": "shop", "url": "http://127.0.0.1:1", "heartbeat": {"via": "controller"}}]}, {})
    assert ran.result["failed"] is True and "component shop: no heartbeat answers at http://127.0.0.1:1" in ran.result["msg"]


def test_no_way(run_action, heartbeat_server):
    ran = run_action("heartbeat_info", {"components": [shop(heartbeat_server, "tunnel")]}, {})
    assert ran.result["failed"] is True and "a tunnel takes a connection through ssh" in ran.result["msg"]
