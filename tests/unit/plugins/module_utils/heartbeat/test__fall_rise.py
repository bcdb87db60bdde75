# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils.heartbeat._fall_rise import FallRise

# A load balancer asks twice a second here.
INTERVAL_S = 0.5


def balancer(name="live", fall=3, rise=2, follows="live"):
    return dict(name=name, follows=follows, path="/heartbeat/%s" % name, addresses=["10.0.0.5"], fall=fall, rise=rise)


def flip(clock, state, requests, balancers, rate_per_s=50.0):
    """What is said in the end, where with the nth answer so many requests had come as `requests` has at n."""
    seen = FallRise(state, rate_per_s, balancers)
    for number, count in enumerate(requests):
        clock.advance(INTERVAL_S if number else 0)
        probers = [
            dict(address="10.0.0.5", path=each["path"], seen=50, consecutive={dict(live="live", standby="not_live")[state]: number}) for each in balancers
        ]
        seen.see(dict(probers=probers, requests=dict(since_flip=count)))
    return seen.difference


@pytest.mark.parametrize(
    "state, requests, declared",
    [
        # The last request may come just before the answer that counts, or just before the node has gone with it.
        ("standby", [0, 25, 50, 50], dict(fall=3)),
        ("standby", [0, 25, 50, 74], dict(fall=3)),
        ("standby", [0, 0, 0], dict(fall=1)),
        # The first one comes with the answer that counts, or a little later.
        ("live", [0, 0, 1, 20], dict(rise=2)),
        ("live", [0, 0, 0, 20], dict(rise=2)),
    ],
)
def test_as_declared(clock, state, requests, declared):
    assert flip(clock, state, requests, [balancer(**declared)]) is None


@pytest.mark.parametrize(
    "state, requests, declared, text",
    [
        ("standby", [0, 25, 25, 25], dict(fall=3), "its last request came when load balancer live had had 1 answers that say not live, and fall says 3"),
        ("standby", [0, 0, 0, 0], dict(fall=5), "its last request came when load balancer live had had 0 answers that say not live, and fall says 5"),
        ("live", [0, 0, 20, 45], dict(rise=5), "requests came when load balancer live had had 2 answers that say live, and rise says 5"),
        ("live", [0, 0, 0, 0, 0, 20], dict(rise=2), "no request had come when load balancer live had had 4 answers that say live, and rise says 2"),
    ],
)
def test_not_as_declared(clock, state, requests, declared, text):
    said = flip(clock, state, requests, [balancer(**declared)])
    assert said == text + " (bluegreen_load_balancers); the playbook halfswap.bluegreen.verify_lb measures it"


@pytest.mark.parametrize(
    "state, requests, declared",
    [("standby", [0, 1, 1, 1], dict(fall=3)), ("live", [0, 0, 0, 0, 0, 1], dict(rise=2))],
)
def test_few_requests_prove_nothing_by_not_coming(clock, state, requests, declared):
    assert flip(clock, state, requests, [balancer(**declared)], rate_per_s=2.0) is None
    assert flip(clock, state, requests, [balancer(**declared)], rate_per_s=50.0)


def test_early_requests_are_seen_at_any_rate(clock):
    assert flip(clock, "live", [0, 1, 1], [balancer(rise=3)], rate_per_s=0.0)


def test_all_of_them_have_to_be_too_early(clock):
    # Whichever of the two needs fewer answers may have sent them.
    assert flip(clock, "live", [0, 0, 20], [balancer("one", rise=2), balancer("two", rise=5)]) is None
    said = flip(clock, "live", [0, 0, 20], [balancer("one", rise=3), balancer("two", rise=5)])
    assert "load balancer one had had 2 answers that say live, and rise says 3; load balancer two had had 2 answers that say live, and rise says 5" in said


def test_two_of_the_same_name(clock):
    both = [dict(balancer(rise=5), path="/heartbeat/live?lb=1"), dict(balancer(rise=4), path="/heartbeat/live?lb=2")]
    assert "and rise says 5; load balancer live had had 1 answers that say live, and rise says 4" in flip(clock, "live", [0, 1, 1], both)


@pytest.mark.parametrize(
    "changes",
    [
        dict(balancers=[balancer(rise=5, follows="standby")]),
        # It is somebody else who asks.
        dict(balancers=[dict(balancer(rise=5), addresses=["10.0.0.6"])]),
        dict(requests=[None, None, None]),
    ],
)
def test_nothing_to_judge_by(clock, changes):
    assert flip(clock, "live", **dict(dict(requests=[0, 1, 20], balancers=[balancer(rise=5)]), **changes)) is None


def test_a_heartbeat_that_does_not_tell_who_asks(clock):
    seen = FallRise("live", 50.0, [balancer(rise=5)])
    seen.see(dict(probers=None, requests=dict(since_flip=20)))
    assert seen.difference is None
