# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils._settle import missing_probers, unsettled

LIVE = {"name": "live", "follows": "live", "path": "/heartbeat/live", "fall": 3, "rise": 2, "probers": 1}
STANDBY = {"name": "standby", "follows": "standby", "path": "/heartbeat/standby", "fall": 3, "rise": 2, "probers": 1}
BOTH = [LIVE, STANDBY]


def prober(path="/heartbeat/live", live=0, not_live=0, seen=50, address="10.0.0.5", last_seen_s=0.1, interval_s=0.5):
    return {
        "address": address,
        "path": path,
        "consecutive": {"live": live, "not_live": not_live},
        "seen": seen,
        "last_seen_s": last_seen_s,
        "interval_s": interval_s,
    }


def status(*probers):
    return {"probers": list(probers)}


@pytest.mark.parametrize("answers, proven", [(0, False), (2, False), (3, True), (9, True)])
def test_out_after_fall_answers(answers, proven):
    assert (unsettled(status(prober(not_live=answers)), BOTH, "standby") == []) is proven


@pytest.mark.parametrize("answers, proven", [(0, False), (1, False), (2, True)])
def test_in_after_rise_answers(answers, proven):
    assert (unsettled(status(prober(live=answers)), BOTH, "live") == []) is proven


def test_every_prober_counts():
    slow = prober(not_live=1, address="10.0.0.6", last_seen_s=2.0, interval_s=None)
    assert unsettled(status(prober(not_live=3), slow), BOTH, "standby") == [
        "prober 10.0.0.6 /heartbeat/live got 1 of 3 answers that say not live, the last request 2.0 s ago"
    ]


def test_a_late_prober_is_named_with_its_interval():
    assert unsettled(status(prober(not_live=1)), BOTH, "standby") == [
        "prober 10.0.0.5 /heartbeat/live got 1 of 3 answers that say not live, the last request 0.1 s ago (it asks every 0.50 s)"
    ]


def test_no_prober_is_no_proof():
    assert unsettled(status(), BOTH, "standby") == ["load balancer live: 0 of 1 probers seen on /heartbeat/live"]


def test_a_person_with_curl_is_no_prober():
    assert unsettled(status(prober(not_live=3), prober(seen=2, address="10.0.0.9")), BOTH, "standby") == []


def test_an_undeclared_prober_of_a_live_url_is_waited_for_before_a_stop():
    unknown = prober(path="/heartbeat", not_live=2, address="10.0.0.7")
    assert len(unsettled(status(prober(not_live=3), unknown), BOTH, "standby")) == 1
    assert unsettled(status(prober(not_live=3), unknown), BOTH, "standby", ignore=["10.0.0.7"]) == []


def test_an_undeclared_prober_is_not_waited_for_on_the_way_in():
    assert unsettled(status(prober(live=2), prober(path="/heartbeat", address="10.0.0.7")), BOTH, "live") == []


def test_the_standby_load_balancer_is_not_waited_for():
    silent = prober(path="/heartbeat/standby", address="10.0.0.8")
    assert unsettled(status(prober(not_live=3), silent), BOTH, "standby") == []
    assert unsettled(status(prober(not_live=3), silent), [LIVE], "standby") == []


def test_a_pair_of_load_balancers_is_two_probers():
    pair = [dict(LIVE, probers=2), STANDBY]
    one = status(prober(), prober(path="/heartbeat/standby", address="10.0.0.8"))
    assert missing_probers(one, pair) == ["load balancer live: 1 of 2 probers seen on /heartbeat/live"]
    assert missing_probers(one, BOTH) == []
    assert missing_probers(one, BOTH, ignore=["10.0.0.8"]) == ["load balancer standby: 0 of 1 probers seen on /heartbeat/standby"]
