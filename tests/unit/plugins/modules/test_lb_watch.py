# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os

import pytest

from ansible_collections.halfswap.bluegreen.plugins.modules import lb_watch

PATH = "/heartbeat/live"


def prober(seen, last_seen_s, path=PATH, address="10.0.0.5", interval_s=0.5, **runs):
    consecutive = dict(live=0, not_live=0, standby=0, not_standby=0)
    consecutive.update(runs)
    return dict(address=address, path=path, seen=seen, last_seen_s=last_seen_s, interval_s=interval_s, consecutive=consecutive)


@pytest.fixture
def watch(run_module, heartbeat_server, clock, tmp_path):
    """Watches for some seconds; `happens` maps times to what changes in the status then."""
    file = str(tmp_path / "watch")

    def run(seconds, happens, **args):
        heartbeat_server.status.update(happens.pop(-1, {}))
        for at, change in happens.items():
            clock.at(at, lambda change=change: change() if callable(change) else heartbeat_server.status.update(change))
        clock.at(seconds, lambda: os.remove(file))
        components = [dict(name="shop", url=heartbeat_server.url)]
        started = run_module(lb_watch, dict(dict(state="started", file=file, components=components, paths=[PATH]), **args))
        assert started == {"changed": False}
        return run_module(lb_watch, dict(state="stopped", file=file))

    return run


def test_what_nobody_was_told_to_watch_does_not_fill_the_book(watch):
    def strangers(at):
        return [prober(1, 0.0, path="%s?%d" % (PATH, number), address="10.0.0.9", live=1) for number in range(at, at + 20)]

    changes = {number / 10.0: {"probers": [prober(7 + number, 0.0, live=7 + number)] + strangers(20 * number)} for number in range(1, 10)}
    changes[-1] = {"probers": [prober(7, 0.0, live=7)]}
    told = watch(1, changes)
    (mine,) = told["components"][0]["probers"]
    assert (mine["address"], mine["path"], len(mine["answers"])) == ("10.0.0.5", PATH, 9)


def test_what_each_prober_got_and_when(watch):
    # The agent says how long ago it was, so that the time is exact however seldom one looks.
    told = watch(
        2,
        {
            -1: {"since_s": 100.0, "probers": [prober(7, 0.2, live=7, not_standby=7)]},
            0.52: {"probers": [prober(8, 0.01, live=8, not_standby=8)]},
            1.02: {"state": "standby", "since_s": 0.01, "probers": [prober(9, 0.005, standby=1, not_live=1)]},
            1.52: {"probers": [prober(10, 0.0, standby=2, not_live=2)]},
        },
    )
    assert told.pop("looks") in (40, 41)
    assert told == {
        "changed": False,
        "cut_off": False,
        "components": [
            {
                "name": "shop",
                "states": [[900.0, "live"], [1001.04, "standby"]],
                "probers": [{"address": "10.0.0.5", "path": PATH, "answers": [[1000.54, "live"], [1001.045, "standby"], [1001.55, "standby"]]}],
                "gone": [],
                "tests": [],
            }
        ],
    }


def test_answers_between_two_looks_are_spread(watch):
    told = watch(
        2,
        {
            -1: {"probers": [prober(7, 0.0, standby=7, not_live=7)]},
            0.5: {"probers": [prober(8, 0.0, standby=8, not_live=8)]},
            1.0: {"probers": [prober(11, 0.0, standby=11, not_live=11)]},
        },
        every_s=0.5,
    )
    assert told["components"][0]["probers"][0]["answers"] == [[1000.5, "standby"], [1000.667, "standby"], [1000.833, "standby"], [1001.0, "standby"]]


def test_of_those_before_a_flip_none_is_taken_for_one_after_it(watch):
    told = watch(
        2,
        {
            -1: {"probers": [prober(7, 0.0, live=7, not_standby=7)]},
            1.0: {"state": "standby", "since_s": 0.1, "probers": [prober(10, 0.0, standby=1, not_live=1)]},
        },
        every_s=0.5,
    )
    assert told["components"][0]["probers"][0]["answers"] == [[1001.0, "standby"]]


def test_down_is_neither(watch):
    told = watch(1, {-1: {"probers": [prober(7, 0.0, live=7)]}, 0.5: {"probers": [prober(8, 0.0, not_live=1, not_standby=1)]}}, every_s=0.5)
    assert told["components"][0]["probers"][0]["answers"] == [[1000.5, "down"]]


def test_a_test_of_the_match(watch):
    told = watch(2, {0.5: {"test": {"run_id": "r1", "left_s": 1.0}}, 1.5: {"test": None}}, every_s=0.5)
    assert told["components"][0]["tests"] == [[1000.5, 1001.5]]


def test_a_heartbeat_that_dies_and_counts_anew(watch, heartbeat_server):
    def die():
        heartbeat_server.next_answers = [(500, "{}")] * 2

    told = watch(
        3,
        {
            -1: {"probers": [prober(70, 0.0, live=70)]},
            0.5: die,
            1.5: {"probers": [prober(2, 0.0, live=2, not_standby=2)]},
        },
        every_s=0.5,
    )
    assert told["components"][0]["gone"] == [[1000.5, 1001.5]]
    assert [word for _at, word in told["components"][0]["probers"][0]["answers"]] == ["live", "live"]


def test_an_agent_that_only_answers_the_watch_too_late_has_not_died(watch, heartbeat_server):
    told = watch(
        3,
        {
            -1: {"probers": [prober(70, 0.0, live=70)]},
            0.5: lambda: heartbeat_server.next_answers.extend([(500, "{}")] * 2),
            1.5: {"probers": [prober(72, 0.0, live=72, not_standby=72)]},
            # This one has been restarted.
            2.0: lambda: heartbeat_server.next_answers.append((500, "{}")),
            2.5: {"probers": [prober(1, 0.0, live=1, not_standby=1)]},
        },
        every_s=0.5,
    )
    assert told["components"][0]["gone"] == [[1002.0, 1002.5]]


def test_what_a_restarted_agent_has_answered_came_after_its_restart(watch, heartbeat_server):
    told = watch(
        4,
        {
            -1: {"probers": [prober(70, 0.0, live=70)]},
            0.5: {"probers": [prober(71, 0.0, live=71)]},
            1.0: lambda: heartbeat_server.next_answers.extend([(500, "{}")] * 4),
            # A busy machine: it is seen after several answers.
            3.0: {"probers": [prober(3, 0.0, live=3, not_standby=3)]},
        },
        every_s=0.5,
    )
    assert [at for at, _word in told["components"][0]["probers"][0]["answers"]] == [1000.5, 1002.0, 1002.5, 1003.0]


def test_a_heartbeat_that_does_not_come_back(watch, heartbeat_server):
    told = watch(1, {0.5: lambda: heartbeat_server.next_answers.extend([(500, "{}")] * 9)}, every_s=0.5)
    assert told["components"][0]["gone"] == [[1000.5, None]]


def test_a_heartbeat_that_keeps_no_book(watch):
    assert watch(1, {-1: {"probers": None, "since_s": None}})["components"][0]["probers"] == []


def test_nothing_to_stop(run_module, tmp_path):
    result = run_module(lb_watch, dict(state="stopped", file=str(tmp_path / "watch")))
    assert result.failed and "nothing is recorded" in result["msg"]


def test_nothing_to_watch(run_module, tmp_path):
    assert "components is empty" in run_module(lb_watch, dict(state="started", file=str(tmp_path / "watch")))["msg"]


def test_check_mode_skips(run_module, tmp_path):
    assert run_module(lb_watch, dict(state="stopped", file=str(tmp_path / "watch")), check_mode=True)["skipped"]
