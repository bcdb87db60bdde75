# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from ansible_collections.halfswap.bluegreen.plugins.modules import heartbeat_info


def args(server, **changes):
    found = dict(components=[dict(name="shop", url=server.url, release="2.0.0")])
    found.update(changes)
    return found


def test_reads_a_fresh_status(run_module, heartbeat_server, clock):
    result = run_module(heartbeat_info, args(heartbeat_server))
    assert result == {"changed": False, "components": [{"name": "shop", "heartbeat": heartbeat_server.status}], "waited_s": 0.0}
    assert heartbeat_server.asked == [("GET", "/heartbeat/status?fresh=1", None, None, None)]


def test_waits_for_health_and_release(run_module, heartbeat_server, clock):
    heartbeat_server.status.update(healthy=False, why="connection refused", release=None)
    clock.at(1, lambda: heartbeat_server.status.update(healthy=True, release="1.0.0"))
    clock.at(2, lambda: heartbeat_server.status.update(release="2.0.0"))
    result = run_module(heartbeat_info, args(heartbeat_server, wait_healthy=True))
    assert result["waited_s"] == 2.0


def test_a_component_that_reports_no_release_is_taken_at_its_health(run_module, heartbeat_server, clock):
    heartbeat_server.status.update(release=None)
    assert run_module(heartbeat_info, args(heartbeat_server, wait_healthy=True))["waited_s"] == 0.0


def test_a_release_that_cannot_be_read_is_waited_for(run_module, heartbeat_server, clock):
    heartbeat_server.status.update(release=None, status_error="answered 500")
    clock.at(2, lambda: heartbeat_server.status.update(release="2.0.0", status_error=None))
    assert run_module(heartbeat_info, args(heartbeat_server, wait_healthy=True))["waited_s"] == 2.0


def test_says_what_was_missing_in_the_end(run_module, heartbeat_server, clock):
    result = run_module(heartbeat_info, args(heartbeat_server, wait_healthy=True, timeout_s=3))
    assert result.failed
    assert result["msg"] == "Not ready after 3.0 s: component shop reports release 1.0.0, not 2.0.0."
    heartbeat_server.status.update(healthy=False, why="HTTP 503")
    result = run_module(heartbeat_info, args(heartbeat_server, wait_healthy=True, timeout_s=3))
    assert result["msg"] == "Not ready after 3.0 s: component shop is not healthy: HTTP 503."


def test_check_mode_does_not_wait(run_module, heartbeat_server, clock):
    result = run_module(heartbeat_info, args(heartbeat_server, wait_healthy=True), check_mode=True)
    assert not result.failed
    assert clock.elapsed == 0


def test_no_agent(run_module):
    result = run_module(heartbeat_info, dict(components=[dict(name="shop", url="http://127.0.0.1:1")]))
    assert result.failed
    assert "component shop: no heartbeat answers at http://127.0.0.1:1" in result["msg"]


def test_an_application_that_does_not_answer_yet_is_waited_for(run_module, tmp_path, clock):
    directory = tmp_path / "www"
    heartbeat = dict(profile="file", path=str(directory / "live"))
    clock.at(2, directory.mkdir)
    result = run_module(heartbeat_info, dict(components=[dict(name="shop", heartbeat=heartbeat)], wait_healthy=True))
    assert result["waited_s"] == 2.0
    (shop,) = result["components"]
    assert (shop["heartbeat"]["state"], shop["heartbeat"]["revision"], shop["heartbeat"]["probers"]) == ("standby", 0, None)
