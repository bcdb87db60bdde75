# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge import _permit
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._evidence import read_node
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._interlock import Limits
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._permit import MAX_AGE_S, judge, permit, refuse

NAMES = ["blue1", "blue2", "green1", "green2"]
BLUE = ["blue1", "blue2"]
OLD = {"shop": "shop-1.0.0-1.noarch"}


@pytest.fixture
def nodes(said):
    def build(default=None, **changes):
        return [read_node(name, name[:-1], changes.get(name, default or said())) for name in NAMES]

    return build


@pytest.fixture
def given(nodes):
    """A permit for the blue half, from what all have said at 1000 s."""
    return permit(nodes(), BLUE, "r1/1")


def judged(nodes, batch=BLUE, lost=(), **limits):
    return judge(nodes, batch, "r1", lost, Limits(**limits))


# ---- May the batch leave? -----------------------------------------------------------------------------------------------------------


def test_a_half_may_leave_when_the_other_half_serves(nodes):
    assert judged(nodes()) == []


@pytest.mark.parametrize("lost", [["green2"], ["blue1"], ["green1", "blue2"]])
def test_who_has_left_the_run_is_named_whatever_was_read_of_it(nodes, lost):
    assert judged(nodes(), lost=lost) == [f"{name} has left this run, see above" for name in lost]


def test_the_lock_of_another_run_anywhere(nodes, said):
    theirs = dict(said(), lock={"run_id": "r9", "owner": "alice@ops1"})
    for name in ("blue1", "green2"):
        assert judged(nodes(**{name: theirs})) == [f"{name}: the lock is held by alice@ops1 (run r9)"]
    assert judged(nodes(blue1=dict(said(), lock={"run_id": "r1", "owner": "me@ops"}))) == []


@pytest.mark.parametrize("out", [(), ("blue2",)])
def test_a_node_of_the_batch_that_was_not_read_keeps_the_batch(nodes, said, out):
    """Also where nobody of it serves, so that no capacity leaves with it: nothing is done to whoever does not answer."""
    changes = {name: said(state="standby") for name in out}
    assert "blue1: it is unreachable" in judged(nodes(blue1={"unreachable": True}, **changes))
    assert "blue1: it was not read" in judged(nodes(blue1=None, **changes))


@pytest.mark.parametrize("wrong", [{"unreachable": True}, None, {"skipped": True}, {"failed": True, "msg": "no rpm"}])
def test_another_node_that_was_not_read_keeps_the_batch_in(nodes, wrong):
    reasons = judged(nodes(green2=wrong))
    assert any(text.startswith("green2 counts as not live: ") for text in reasons)
    assert any("1 of at least 2 other nodes would stay live" in text for text in reasons)
    # A lower limit helps only with those that were read.
    assert judged(nodes(green2=wrong), min_live=1) != []


def test_too_few_stay(nodes, said):
    out = said(state="standby")
    assert "1 of at least 2 other nodes" in judged(nodes(green1=out))[0]
    assert judged(nodes(green1=out), min_live=1) == []
    assert "0 of at least 1 other nodes" in judged(nodes(), batch=NAMES)[0]


def test_the_other_limits_hold_too(nodes, said):
    assert judged(nodes(), max_unavailable=1) == ["2 nodes would not serve, and bluegreen_max_unavailable is 1"]
    assert "2 nodes can serve 40 requests/s of shop" in judged(nodes(said(rate=25.0)), capacity={"shop": 20})[0]


def test_from_a_batch_in_standby_no_capacity_leaves(nodes, said):
    """It can be finished while the others do not serve either: that is how an application comes back that is wholly out."""
    out = said(state="standby")
    assert judged(nodes(blue1=out, blue2=out, green1=said(healthy=False), green2={"unreachable": True})) == []
    # One that is live leaves with its capacity, whatever the others of the batch say.
    assert judged(nodes(blue1=out, green1=said(healthy=False))) != []


def test_a_reason_is_said_once(nodes, said):
    reasons = judged(nodes(blue1={"unreachable": True}, green1={"unreachable": True}), lost=["blue1", "blue1"])
    assert len(reasons) == len(set(reasons))


# ---- What it says -------------------------------------------------------------------------------------------------------------------


def test_what_each_node_of_the_batch_needs(nodes, said):
    new, ill = said("2.0.0"), said("3.0.0", healthy=False)
    new["components"][0]["heartbeat"]["revision"] = 9
    found = permit(nodes(blue1=new, blue2=ill), BLUE, "r1/1")
    assert found["batch_id"] == "r1/1"
    # What is ill or in doubt is nothing to go back to.
    assert found["nodes"] == {
        "blue1": {"revisions": {"shop": 9}, "serves": {"shop": "shop-2.0.0-1.noarch"}},
        "blue2": {"revisions": {"shop": 7}, "serves": None},
    }
    # What serves beyond doubt, each of it once.
    assert found["served"] == [{"shop": "shop-2.0.0-1.noarch"}, OLD]


@pytest.mark.parametrize("changes", [{"state": "standby"}, {"healthy": False}, {"started_at": 1.0}, {"release": "9"}])
def test_what_does_not_serve_or_is_in_doubt_is_not_served(nodes, said, changes):
    found = permit(nodes(said(**changes)), BLUE, "r1/1")
    assert found["served"] == [] and {each["serves"] for each in found["nodes"].values()} == {None}


def test_it_is_as_old_as_the_oldest_answer(nodes, said):
    assert permit(nodes(green2=said(at=970.0), blue1=said(at=990.0)), BLUE, "r1/1")["at"] == 970.0
    # Who was not read has said nothing that could be old.
    assert permit(nodes(green2={"unreachable": True}), BLUE, "r1/1")["at"] == 1000.0


def test_what_traffic_each_node_can_expect(nodes, said):
    # What two get now, four will share.
    busy = {name: said(rate=5.0) for name in ("green1", "green2")}
    out = {name: said(state="standby") for name in BLUE}
    assert permit(nodes(**busy, **out), BLUE, "r1/1")["expected_per_s"] == {"shop": 2.5}


def test_two_components(nodes, said):
    both = said()
    both["components"].append({**said()["components"][0], "name": "cart", "package": "cart"})
    found = permit(nodes(both), ["blue1"], "r1/1")
    assert found["nodes"]["blue1"]["revisions"] == {"shop": 7, "cart": 7} and set(found["expected_per_s"]) == {"shop", "cart"}


def test_it_names_nobody_but_the_batch_and_goes_over_the_line(nodes):
    found = permit(nodes(), ["blue2"], "r1/1")
    assert list(found["nodes"]) == ["blue2"]
    assert json.loads(json.dumps(found)) == found


def test_its_size_does_not_grow_with_the_nodes_around_the_batch(said):
    def size(count):
        return len(json.dumps(permit([read_node(f"n{number}", "blue", said()) for number in range(count)], ["n1", "n2"], "r1/1")))

    assert size(400) == size(4)


# ---- Is it one? ---------------------------------------------------------------------------------------------------------------------


def test_a_permit(given, clock):
    assert refuse(given, "r1/1", "blue1") == [] == refuse(given, "r1/1", "blue2")


@pytest.mark.parametrize(
    "changes",
    [
        {"failed": True},
        {"skipped": True},
        {"nodes": None},
        {"nodes": ["blue1"]},
    ],
)
@pytest.mark.parametrize("age", [MAX_AGE_S, None])
def test_what_was_not_permitted(given, clock, changes, age):
    assert refuse({**given, **changes}, "r1/1", "blue1", age) == ["blue1: the interlock has not permitted it"]


@pytest.mark.parametrize("found", [None, {}, "permit", [], {"skipped": True}, {"unreachable": True}, {"failed": True, "msg": "Interlock: ..."}, True])
def test_what_is_no_permit_at_all(found, clock):
    assert refuse(found, "r1/1", "blue1") == ["blue1: the interlock has not permitted it"]
    assert refuse(found, "r1/1", "blue1", None) == ["blue1: the interlock has not permitted it"]


@pytest.mark.parametrize("age", [MAX_AGE_S, None])
def test_the_permit_of_another_batch(given, clock, age):
    assert refuse(given, "r1/2", "blue1", age) == ["blue1: the interlock has judged r1/1, not r1/2"]
    assert refuse(given, "r2/1", "blue1", age) == ["blue1: the interlock has judged r1/1, not r2/1"]


@pytest.mark.parametrize("age", [MAX_AGE_S, None])
def test_a_node_that_is_not_in_the_batch(given, clock, age):
    assert refuse(given, "r1/1", "green1", age) == ["green1 is not in the batch blue1, blue2"]


def test_too_old_to_leave_but_not_to_come_in(given, clock):
    """Who comes in was out meanwhile: that is what took so long."""
    clock.advance(MAX_AGE_S)
    assert refuse(given, "r1/1", "blue1") == []
    clock.advance(1)
    assert refuse(given, "r1/1", "blue1") == ["blue1: what the nodes said is 61 s old, and the interlock takes at most 60 s: run it again"]
    clock.advance(3600)
    assert refuse(given, "r1/1", "blue1", None) == []


def test_a_minute_is_the_most_that_evidence_may_be_old():
    assert _permit.MAX_AGE_S == 60.0
