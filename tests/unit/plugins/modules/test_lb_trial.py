# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json

import pytest

from ansible_collections.halfswap.bluegreen.plugins.modules import lb_trial

UNIT = "halfswap-heartbeat@shop.service"
WORDS = {"/heartbeat/live": "live"}


class Systemd(object):
    """One unit, and the timer that starts it again."""

    def __init__(self, clock):
        self.clock = clock
        self.active = True
        self.did = []
        # What fails, and what takes its time.
        self.fails = ()
        self.slow_stop_s = 0.0

    def __call__(self, _module, argv, **_more):
        what = argv[1] if argv[0] == "systemctl" else "timer"
        if what != "is-active":
            self.did.append((self.clock.elapsed, what))
        if what in self.fails:
            return 1, "", "no such unit"
        if what == "timer":
            seconds = float(argv[1].split("=")[1].rstrip("s"))
            assert argv[2:] == ["--timer-property=AccuracySec=100ms", "systemctl", "start", UNIT]
            self.clock.at(self.clock.elapsed + seconds, self.start)
        elif what == "stop":
            self.clock.advance(self.slow_stop_s)
            self.active = False
        elif what == "start":
            self.start()
        return (0 if self.active or what != "is-active" else 3), "", ""

    def start(self):
        self.active = True


@pytest.fixture
def systemd(clock, monkeypatch):
    made = Systemd(clock)
    monkeypatch.setattr(lb_trial.Keeping, "run_command", lambda module, argv, **more: made(module, argv, **more))
    return made


@pytest.fixture
def trial(run_module, heartbeat_server, records, systemd):
    def run(*acts, **changes):
        components = [dict(name="shop", url=heartbeat_server.url)]
        arguments = dict(acts=acts, units=[UNIT], components=components, token="secret", words=WORDS, seconds=4, run_id="r1", by="ops@laptop")
        return run_module(lb_trial, dict(arguments, **changes.pop("args", {})), **changes)

    return run


def test_one_act_after_the_other_in_one_round_trip(trial, heartbeat_server, systemd, clock):
    heartbeat_server.status.update(state="standby", test=None)
    heartbeat_server.next_answers = [(200, json.dumps(heartbeat_server.status))] * 2
    assert trial("hold", "match", "hold", "dead") == {"changed": False, "tested": ["shop"], "unable": [], "stopped": [UNIT]}
    assert [request[:2] for request in heartbeat_server.asked] == [("GET", "/heartbeat/status"), ("PUT", "/heartbeat/test")]
    assert systemd.did[:2] == [(12.0, "timer"), (12.0, "stop")] and systemd.active
    assert 16.0 <= clock.elapsed < 16.5


def test_a_heartbeat_that_cannot_be_tested_is_held_all_the_same(trial, clock):
    assert trial("match") == {"changed": False, "tested": [], "unable": ["shop"], "stopped": []}
    assert clock.elapsed == 4.0


def test_without_a_unit_nothing_dies(trial, systemd, clock):
    assert trial("dead", args={"units": []})["stopped"] == []
    assert systemd.did == [] and clock.elapsed == 0.0


def test_on_a_machine_so_busy_that_the_timer_comes_first_they_run_again_all_the_same(trial, systemd, clock):
    systemd.slow_stop_s = 6.0
    assert trial("dead")["stopped"] == [UNIT]
    assert systemd.active and systemd.did[-1][1] == "start" and clock.elapsed == pytest.approx(6.0 + 14.0)


@pytest.mark.parametrize("fails, did", [(("timer",), ["timer"]), (("stop",), ["timer", "stop", "start"]), (("start",), ["timer", "stop", "start"])])
def test_what_systemd_refuses_is_said_and_nothing_is_left_stopped(trial, systemd, fails, did):
    systemd.fails = fails
    result = trial("dead")
    assert result.failed and "no such unit" in result["msg"] and "See systemctl status" in result["msg"]
    assert [what for _at, what in systemd.did] == did and systemd.active


def test_a_live_node_is_not_tested(trial, heartbeat_server, systemd):
    heartbeat_server.next_answers = [(200, json.dumps(dict(heartbeat_server.status, test=None))), (409, '{"error": "the heartbeat is live"}')]
    result = trial("match", "dead")
    assert result.failed and "the heartbeat is live" in result["msg"] and systemd.did == []


@pytest.mark.parametrize("seconds", [0, -1])
def test_seconds_have_a_bound(trial, seconds):
    assert "seconds must be above 0, but is %d" % seconds in trial("hold", args={"seconds": seconds})["msg"]


def test_check_mode_does_nothing(trial, systemd, heartbeat_server):
    assert trial("hold", "match", "dead", check_mode=True)["skipped"]
    assert systemd.did == [] and heartbeat_server.asked == []
