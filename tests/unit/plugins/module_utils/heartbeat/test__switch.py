# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils.heartbeat._heartbeat_api import HeartbeatError
from ansible_collections.halfswap.bluegreen.plugins.module_utils.heartbeat._switch import Failure, Switch, wait

LIVE = dict(name="live", follows="live", path="/heartbeat/live", addresses=["10.0.0.5"], fall=3, rise=2, probers=1, interval_s=2.0)


class Scripted(object):
    """A heartbeat that says what the test wants it to."""

    name = "shop"

    def __init__(self, clock, **status):
        self.clock = clock
        self.flipped = clock.now
        self.said = dict(state="live", revision=7, by="me", run_id="r1", phase="SERVING", probers=None, requests=dict(since_flip=None))
        self.said.update(status)

    def status(self, fresh=False):
        return dict(self.said, since_s=round(self.clock.now - self.flipped, 6))

    def put(self, revision, **record):
        self.flipped = self.clock.now
        self.said.update(record, revision=revision + 1)
        return self.status()


def switch(heartbeat, **changes):
    params = dict(
        components=[dict(name="shop", expected_per_s=0.0)],
        state="standby",
        run_id="r2",
        phase=None,
        reason="release",
        by="me",
        load_balancers=[LIVE],
        settle_timeout_s=60.0,
        traffic_timeout_s=10.0,
        lead_s=0.0,
    )
    params.update(changes)
    return Switch(params, [heartbeat])


def test_a_heartbeat_without_a_prober_log_is_given_the_time_that_was_declared(clock):
    made = switch(Scripted(clock))
    made.read()
    made.write(made.work())
    warnings = []
    result = wait(made, True, warnings.append)
    assert (result["settled"], result["guess"], result["settled_s"]) == (True, True, pytest.approx(6.5, abs=0.06))
    assert "is a guess: 6.5 s, by their interval_s" in warnings[0]
    assert result["components"] == [dict(name="shop", before="live", after="standby", revision=8)]


def test_a_guess_that_is_over_is_not_waited_for_again(clock):
    heartbeat = Scripted(clock, state="standby", run_id="r2")
    clock.advance(100)
    made = switch(heartbeat)
    made.read()
    assert made.work() == []
    assert wait(made, False, str)["settled_s"] == 0.0


@pytest.mark.parametrize(
    "changes, text",
    [
        (dict(load_balancers=[dict(LIVE, interval_s=None)]), "load balancer live: the heartbeat does not tell who asks for it"),
        (dict(settle_timeout_s=6.0), "takes up to 6.5 s, which is longer than settle_timeout_s (bluegreen_settle_timeout_s) allows"),
    ],
)
def test_a_guess_that_cannot_be_made_is_known_before_anything_is_written(clock, changes, text):
    with pytest.raises(HeartbeatError) as error:
        switch(Scripted(clock), **changes).read()
    assert text in str(error.value) and "Nothing was changed" in str(error.value)
    # Whoever does not wait needs no guess.
    switch(Scripted(clock), load_balancers=[]).read()


def test_a_load_balancer_without_addresses_is_known_before_anything_is_written(clock):
    nameless = [dict(LIVE, addresses=[])]
    with pytest.raises(HeartbeatError) as error:
        switch(Scripted(clock, probers=[]), load_balancers=nameless).read()
    assert str(error.value).startswith("Nothing was changed: load balancer live: its addresses are not declared")
    # Where nobody tells who asks, they would be of no use.
    switch(Scripted(clock), load_balancers=nameless).read()


def test_a_flood_does_not_settle_it(clock):
    """The measured one: a stranger has its answers after 0.06 s, the load balancer after 5 s."""
    heartbeat = Scripted(clock, probers=[prober(live=50)])
    made = switch(heartbeat)
    made.read()
    made.write(made.work())
    flood = [dict(prober(not_live=3, interval_s=0.02), address="10.0.0.9")]
    heartbeat.said.update(probers=[prober(not_live=0)] + flood)
    clock.at(1, lambda: heartbeat.said.update(probers=flood))
    clock.at(2, lambda: heartbeat.said.update(probers=[prober(not_live=1)] + flood))
    clock.at(5, lambda: heartbeat.said.update(probers=[prober(not_live=3)] + flood))
    assert wait(made, True, str)["settled_s"] == pytest.approx(5, abs=0.06)


def prober(last_seen_s=0.1, interval_s=2.0, **consecutive):
    return dict(
        address="10.0.0.5",
        path="/heartbeat/live",
        consecutive=dict(dict(live=0, not_live=0), **consecutive),
        seen=50,
        last_seen_s=last_seen_s,
        interval_s=interval_s,
    )


def test_a_prober_that_falls_silent_ends_the_wait(clock):
    heartbeat = Scripted(clock, state="standby", run_id="r2", probers=[prober(not_live=1)])
    made = switch(heartbeat)
    made.read()
    clock.at(4, lambda: heartbeat.said.update(probers=[prober(last_seen_s=10.1, not_live=1)]))
    with pytest.raises(Failure) as error:
        wait(made, False, str)
    assert clock.elapsed == pytest.approx(4, abs=0.06)
    assert "prober 10.0.0.5 /heartbeat/live has fallen silent" in str(error.value) and "nothing was stopped" in str(error.value)
    assert error.value.result["settled"] is False and error.value.result["components"][0]["after"] == "standby"


def test_another_pace_than_declared_is_a_warning(clock):
    heartbeat = Scripted(clock, probers=[prober(live=50, interval_s=0.5)])
    made = switch(heartbeat)
    made.read()
    made.write(made.work())
    heartbeat.said.update(probers=[prober(not_live=3)])
    warnings = []
    assert wait(made, True, warnings.append)["guess"] is False
    assert warnings == [
        "component shop: load balancer live: prober 10.0.0.5 asks every 0.50 s, and interval_s says 2; fall and rise may be declared wrongly, too"
    ]


class Lagging(Scripted):
    """Its counter of requests is an old one, unless it is asked afresh."""

    def status(self, fresh=False):
        counted = dict(since_flip=self.requests() if fresh else 0, rate_per_s=50.0)
        return dict(super(Lagging, self).status(), requests=counted)

    def requests(self):
        return 7


def test_the_first_request_is_looked_for_afresh(clock):
    made = switch(Lagging(clock, state="standby", probers=[]), components=[dict(name="shop", expected_per_s=1.0)], state="live", load_balancers=[])
    made.read()
    made.write(made.work())
    assert wait(made, True, str)["components"][0]["served"] is True
    assert clock.elapsed == 0


def test_requests_that_do_not_fit_what_is_declared_are_a_warning(clock):
    heartbeat = Lagging(clock, state="standby", probers=[prober(live=0)])
    made = switch(heartbeat, state="live", load_balancers=[dict(LIVE, rise=5)])
    made.read()
    made.write(made.work())
    for number in range(6):
        clock.at(number, lambda number=number: heartbeat.said.update(probers=[prober(live=number)]))
    warnings = []
    wait(made, True, warnings.append)
    (said,) = warnings
    assert said.startswith("component shop: requests came when load balancer live had had 1 answers that say live, and rise says 5")
    # What was written by a run before is over: nobody saw how its requests began.
    made = switch(Lagging(clock, state="live", run_id="r2", probers=[prober(live=9)]), state="live", load_balancers=[dict(LIVE, rise=5)])
    made.read()
    wait(made, False, warnings.append)
    assert len(warnings) == 1
