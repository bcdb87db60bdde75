# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils.node import _lock
from ansible_collections.halfswap.bluegreen.plugins.modules import observe


@pytest.fixture
def node(monkeypatch):
    """What systemd says of the service."""
    unit = dict(active=True, started_at=50.0)
    monkeypatch.setattr(observe, "services", lambda module, names: {name: dict(unit) for name in names})
    return unit


def args(server, **changes):
    found = dict(components=[dict(name="shop", service="shop", url=server.url)], seconds=10)
    found.update(changes)
    return found


def test_nothing_to_be_seen(run_module, heartbeat_server, clock, node):
    result = run_module(observe, args(heartbeat_server))
    first = {"shop": {"state": "live", "started_at": 50.0}}
    assert result == {"changed": False, "anomalies": [], "first": first, "looks": 21, "observed_s": 10.0}


def test_goes_on_with_an_earlier_watch(run_module, heartbeat_server, clock, node):
    first = {"shop": {"state": "live", "started_at": 30.0}}
    result = run_module(observe, args(heartbeat_server, first=first))
    assert result["anomalies"] == ["component shop: its service shop was started again"]
    assert result["first"] == first


def test_check_mode_looks_once(run_module, heartbeat_server, clock, node):
    assert run_module(observe, args(heartbeat_server), check_mode=True)["looks"] == 1


@pytest.mark.parametrize(
    "unit, status, text",
    [
        ({}, {"healthy": False, "why": "HTTP 503"}, "component shop is not healthy: HTTP 503"),
        ({}, {"state": "standby", "by": "bob@ops2", "run_id": "r9"}, "component shop went from live to standby (by bob@ops2, run r9)"),
        ({"started_at": 60.0}, {}, "component shop: its service shop was started again"),
        ({"started_at": None}, {}, "component shop: its service shop does not run"),
    ],
)
def test_fails_at_the_first_anomaly(run_module, heartbeat_server, clock, node, unit, status, text):
    def change():
        node.update(unit)
        heartbeat_server.status.update(status)

    clock.at(4, change)
    result = run_module(observe, args(heartbeat_server))
    assert result.failed and result["anomalies"] == [text]
    assert result["observed_s"] == 4.0
    assert result["msg"] == "After 4.0 s: %s." % text


def test_what_is_ill_from_the_beginning_is_no_better(run_module, heartbeat_server, clock, node):
    heartbeat_server.status.update(healthy=False, why="HTTP 503")
    assert run_module(observe, args(heartbeat_server))["observed_s"] == 0.0


def test_a_heartbeat_that_falls_silent(run_module, heartbeat_server, clock, node):
    heartbeat_server.next_answers = [(500, "{}")]
    assert "answered 500" in run_module(observe, args(heartbeat_server))["anomalies"][0]


def test_a_clock_that_is_set_is_no_restart(run_module, heartbeat_server, clock, node):
    clock.at(4, lambda: node.update(started_at=50.4))
    assert not run_module(observe, args(heartbeat_server)).failed


def test_renews_the_lock_of_the_run(run_module, heartbeat_server, clock, node, monkeypatch):
    renewed = []
    monkeypatch.setattr(_lock, "renew", lambda run_id: renewed.append((run_id, clock.elapsed)))
    run_module(observe, args(heartbeat_server, seconds=70, run_id="r1"))
    assert renewed == [("r1", 30.0), ("r1", 60.0)]


def test_ends_when_another_run_has_taken_over(run_module, heartbeat_server, clock, node, monkeypatch):
    holder = dict(run_id="r2", owner="bob@ops2", host="ops2", reason="", since="1970-01-01T00:16:40Z", expires_at=2000.0)

    def taken(run_id):
        raise _lock.Held(holder)

    monkeypatch.setattr(_lock, "renew", taken)
    result = run_module(observe, args(heartbeat_server, seconds=70, run_id="r1"))
    assert result.failed and "the lock is held by bob@ops2" in result["msg"]


def test_what_serves_without_a_package_is_watched_in_its_own_unit(run_module, heartbeat_server, clock, monkeypatch):
    units = {"shop": dict(active=False, started_at=None), "old": dict(active=True, started_at=20.0)}
    monkeypatch.setattr(observe, "services", lambda module, names: {name: dict(units[name]) for name in names})
    asked = args(heartbeat_server)
    asked["components"][0]["replaces"] = "old"
    assert run_module(observe, asked)["first"] == {"shop": {"state": "live", "started_at": 20.0}}
    # A container has its processes elsewhere.
    units["old"]["started_at"] = None
    assert run_module(observe, asked)["anomalies"] == []
    units["old"] = dict(active=True, started_at=40.0)
    result = run_module(observe, dict(asked, first={"shop": {"state": "live", "started_at": 20.0}}))
    assert result["anomalies"] == ["component shop: its service old was started again"]
    units["old"]["active"] = False
    assert run_module(observe, asked)["anomalies"] == ["component shop: its service shop does not run"]
