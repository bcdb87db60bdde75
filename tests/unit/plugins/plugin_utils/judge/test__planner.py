# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._evidence import read_node
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._interlock import Limits
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._planner import Policy, going_on, plan

NAMES = ["blue1", "blue2", "green1", "green2"]
BALANCERS = (
    {"name": "live", "follows": "live", "path": "/heartbeat/live", "addresses": ["10.0.0.5"], "fall": 3, "rise": 2, "probers": 1},
    {"name": "standby", "follows": "standby", "path": "/heartbeat/standby", "addresses": ["10.0.0.5"], "fall": 3, "rise": 2, "probers": 1},
)
LIMITS = Limits(load_balancers=BALANCERS)
POLICY = Policy(limits=LIMITS)
OLD, NEW = {"shop": "shop-1.0.0-1.noarch"}, {"shop": "shop-2.0.0-1.noarch"}
WANTED = dict.fromkeys(NAMES, NEW)


@pytest.fixture
def nodes(said):
    def build(default=None, **changes):
        return [read_node(name, name[:-1], changes.get(name, default or said())) for name in NAMES]

    return build


def batches(found):
    assert found.refusals == ()
    return [list(batch.nodes) for batch in found.batches]


def test_one_half_then_the_other(nodes):
    found = plan(nodes(), WANTED, POLICY)
    assert batches(found) == [["blue1", "blue2"], ["green1", "green2"]]
    first, second = found.batches
    assert (first.staying, first.total, second.staying) == (("green1", "green2"), 4, ("blue1", "blue2"))
    assert first.serving_after == second.serving_after == tuple(NAMES)
    assert (first.ready, first.retire, first.exclusive, first.observe_s) == ((), (), False, 0.0)
    assert first.before == {"blue1": OLD, "blue2": OLD}
    assert first.after == {"blue1": NEW, "blue2": NEW}
    assert first.restore == {"blue1": OLD, "blue2": OLD}


def test_a_batch_has_the_deployment_and_its_way_back_has_none(nodes):
    first, second = plan(nodes(), WANTED, replace(POLICY, deployment="d2")).batches
    assert (first.deployment, second.deployment, first.undo.deployment) == ("d2", "d2", "")


def test_a_plan_has_the_same_name_in_every_run(nodes):
    assert plan(nodes(), WANTED, replace(POLICY, deployment="d2")).digest == plan(nodes(), WANTED, replace(POLICY, deployment="d3")).digest


def test_a_deployment_goes_on_under_its_name(nodes, said):
    def noted(deployment, packages=NEW, **changes):
        record = {"current": packages, "deployment": deployment, "previous": [], "cut_off": None}
        return dict(said(packages["shop"].split("-")[1], **changes), record=record)

    old = noted("d1", OLD)
    assert going_on(nodes(old), WANTED) == ""
    assert going_on(nodes(old, blue1=noted("d2"), blue2=noted("d2")), WANTED) == "d2"
    # Two runs that did not know of each other: the name that most nodes have.
    assert going_on(nodes(noted("d2"), green2=noted("d3")), WANTED) == "d2"
    # It stands by, or its note is of another release: nobody knows how it came there.
    assert going_on(nodes(old, blue1=noted("d2", state="standby")), WANTED) == ""
    assert going_on(nodes(old, blue1=dict(noted("d2"), record=old["record"])), WANTED) == ""
    assert going_on(nodes(old, blue1=None, blue2=noted("d2")), {}) == ""


def test_nothing_to_do(nodes):
    assert batches(plan(nodes(), dict.fromkeys(NAMES, OLD), POLICY)) == []


FILES = ["/opt/shop/app.py (size, content)"]


def test_a_node_that_serves_a_mixture_is_something_to_do(nodes, said):
    found = plan(nodes(blue1=said(differing=FILES)), dict.fromkeys(NAMES, OLD), POLICY)
    assert batches(found) == [["blue1"]]
    assert found.differences[0].startswith(f"blue1: shop: 1 file on the disk differs from shop-1.0.0-1.noarch ({FILES[0]}): deploy installs")


def test_a_mixture_that_stands_by_is_not_ready(nodes, said):
    (batch,) = plan(nodes(blue1=said(state="standby", differing=FILES)), dict.fromkeys(NAMES, OLD), POLICY).batches
    assert (batch.nodes, batch.ready) == (("blue1",), ())


def test_files_changed_in_place_everywhere_keep_no_release_out(nodes, said):
    """All of them serve, whatever was done to them."""
    assert batches(plan(nodes(said(differing=FILES)), WANTED, POLICY)) == [["blue1", "blue2"], ["green1", "green2"]]
    assert batches(plan(nodes(said(state="standby", differing=FILES)), WANTED, replace(POLICY, strategy="all_live"))) == []


def test_the_half_done_half_goes_first(nodes, said):
    found = plan(nodes(green1=said("2.0.0", state="standby")), WANTED, POLICY)
    assert batches(found) == [["green1", "green2"], ["blue1", "blue2"]]
    # What green1 had before the run that was cut off is what the others serve.
    assert found.batches[0].restore == {"green1": OLD, "green2": OLD}


def test_a_finished_half_is_left_alone(nodes, said):
    new = said("2.0.0")
    assert batches(plan(nodes(blue1=new, blue2=new), WANTED, POLICY)) == [["green1", "green2"]]


def test_what_serves_in_neither_stack_is_repaired_first(nodes, said):
    out = said(state="standby")
    found = plan(nodes(blue1=out, green1=out), WANTED, POLICY)
    assert batches(found) == [["blue1", "green1"], ["blue2"], ["green2"]]
    assert [len(batch.staying) for batch in found.batches] == [2, 3, 3]


def test_who_may_leave_is_counted_as_the_interlock_does(nodes, said):
    # green1 serves, but nobody knows what: blue may not leave to it, and it may leave to blue.
    stale = said("2.0.0", started_at=1.0)
    found = plan(nodes(green1=stale), WANTED, POLICY)
    assert batches(found) == [["green1", "green2"], ["blue1", "blue2"]]
    assert found.batches[0].restore == {"green1": OLD, "green2": OLD}
    rolling = plan(nodes(green1=stale), WANTED, Policy("rolling", limits=LIMITS))
    assert batches(rolling) == [["green1"], ["blue1"], ["blue2"], ["green2"]]


@pytest.mark.parametrize(
    "changes, why",
    [
        ({"started_at": 1.0}, "its process was started before shop-2.0.0-1.noarch was installed"),
        ({"started_at": None}, "its service is active, but there is no process in its control group"),
        ({"owed": True}, "its package was changed, and its service not started again"),
        ({"release": "1.9"}, "it reports release 1.9"),
    ],
)
def test_why_a_node_that_serves_does_not_count_is_said(nodes, said, changes, why):
    """Otherwise "0 of at least 1 nodes would serve" stands beside a status of 4 of 4."""
    refusals = plan(nodes(said("2.0.0", **changes)), WANTED, POLICY).refusals
    out = "while batch 1 (blue1, blue2, green1, green2) is out, 0 of at least 1 nodes would serve"
    assert refusals[0] == f"{out} with a release that is known for certain"
    assert [text.split(": ")[0] for text in refusals[1:]] == ["blue1", "blue2", "green1", "green2"] and all(why in text for text in refusals[1:])


def test_what_stands_by_is_no_reason(nodes, said):
    """Its doubts keep nobody from leaving."""
    refusals = plan(nodes(blue1=said(state="standby", started_at=1.0)), WANTED, Policy(limits=replace(LIMITS, min_live=4))).refusals
    assert refusals and not [text for text in refusals if "blue1:" in text or "known for certain" in text]


def test_what_says_live_waits_for_what_need_not_leave(nodes, said):
    ill, out = said(healthy=False), said(state="standby")
    assert batches(plan(nodes(ill, green1=out, green2=out), WANTED, POLICY)) == [["green1", "green2"], ["blue1", "blue2"]]
    assert batches(plan(nodes(blue1=ill, green1=out), WANTED, POLICY)) == [["green1"], ["blue1", "blue2"], ["green2"]]
    assert batches(plan(nodes(blue1=ill, green1=out), WANTED, Policy("rolling", limits=LIMITS)))[:2] == [["green1"], ["blue1"]]


def test_a_first_deployment_takes_nothing_out(nodes, said):
    fresh = said(None, state="standby", healthy=False, release=None, active=False, started_at=None)
    found = plan(nodes(fresh), WANTED, POLICY)
    assert batches(found) == [["blue1", "blue2"], ["green1", "green2"]]
    # There is nothing to go back to: what the first batch serves by then is what the second one has just failed with.
    assert found.batches[0].restore == {"blue1": {}, "blue2": {}}
    assert found.batches[1].restore == {"green1": {}, "green2": {}}
    assert [batch.undo for batch in found.batches] == [None, None]


@pytest.mark.parametrize("changes", [{"state": "standby"}, {"started_at": 1.0}, {"release": "1.9"}, {"healthy": False}])
def test_the_wanted_package_is_not_enough(nodes, said, changes):
    found = plan(nodes(said("2.0.0"), blue1=said("2.0.0", **changes)), WANTED, POLICY)
    assert batches(found) == [["blue1"]]


def test_unread_is_refused(nodes):
    assert plan(nodes(green2={"unreachable": True}), WANTED, POLICY).refusals == ("green2: it is unreachable",)


def test_too_few_left_is_refused(nodes):
    found = plan(nodes(), WANTED, Policy(limits=replace(LIMITS, min_live=3)))
    assert "while batch 1 (blue1, blue2) is out, 2 of at least 3 nodes would serve" in found.refusals
    assert found.batches == ()


def test_a_load_balancer_that_does_not_check_a_node_is_refused(nodes, said):
    unwatched = said()
    del unwatched["components"][0]["heartbeat"]["probers"][1]
    found = plan(nodes(blue2=unwatched), WANTED, POLICY)
    assert found.refusals[0] == "blue2: shop: load balancer standby: 0 of 1 probers seen on /heartbeat/standby"
    done = plan(nodes(blue2=unwatched), dict.fromkeys(NAMES, OLD), POLICY)
    assert (done.batches, done.refusals) == ((), ())


def test_the_digest_names_the_plan(nodes, said):
    assert plan(nodes(), WANTED, POLICY).digest == plan(nodes(), WANTED, POLICY).digest
    assert plan(nodes(), WANTED, POLICY).digest != plan(nodes(green1=said("2.0.0")), WANTED, POLICY).digest
    assert plan(nodes(), WANTED, POLICY).digest != plan(nodes(), WANTED, CUTOVER).digest


def test_what_went_badly_gets_back_what_it_served(nodes):
    undo = plan(nodes(), WANTED, POLICY).batches[0].undo
    assert (undo.nodes, undo.before, undo.after) == (("blue1", "blue2"), {"blue1": NEW, "blue2": NEW}, {"blue1": OLD, "blue2": OLD})
    assert (undo.restore, undo.ready, undo.retire, undo.undo) == ({}, (), (), None)
    assert undo.staying == ("green1", "green2")


CUTOVER = Policy("cutover", limits=LIMITS)


def test_cutover_lets_one_half_serve_and_the_other_stand_by(nodes):
    (batch,) = plan(nodes(), WANTED, CUTOVER).batches
    assert (batch.nodes, batch.retire, batch.ready) == (("blue1", "blue2"), ("green1", "green2"), ())
    assert (batch.staying, batch.serving_after) == (("green1", "green2"), ("blue1", "blue2"))
    # The way back is a flip: nothing is installed on the half that stands by.
    assert (batch.undo.nodes, batch.undo.retire, batch.undo.ready) == (("green1", "green2"), ("blue1", "blue2"), ("green1", "green2"))
    assert batch.undo.before == batch.undo.after == {"green1": OLD, "green2": OLD}


def test_cutover_is_done_when_one_half_serves(nodes, said):
    new, old = said("2.0.0"), said(state="standby")
    assert batches(plan(nodes(blue1=new, blue2=new, green1=old, green2=old), WANTED, CUTOVER)) == []
    assert batches(plan(nodes(new), WANTED, CUTOVER)) == []


def test_cutover_goes_on_with_the_switch_alone(nodes, said):
    new = said("2.0.0")
    (batch,) = plan(nodes(blue1=new, blue2=new), WANTED, CUTOVER).batches
    assert (batch.nodes, batch.retire) == ((), ("green1", "green2"))
    assert (batch.undo.nodes, batch.undo.retire) == (("green1", "green2"), ("blue1", "blue2"))


def test_cutover_takes_the_half_that_stands_by(nodes, said):
    old = said(state="standby")
    (batch,) = plan(nodes(said("1.5.0"), green1=old, green2=old), WANTED, CUTOVER).batches
    assert (batch.nodes, batch.retire) == (("green1", "green2"), ("blue1", "blue2"))


def test_cutover_begins_where_the_other_half_can_do_without(nodes, said):
    ill, out = said(healthy=False), said(state="standby")
    assert plan(nodes(green1=ill), WANTED, CUTOVER).batches[0].nodes == ("green1", "green2")
    assert plan(nodes(blue1=out, green1=ill, green2=ill), WANTED, CUTOVER).refusals != ()
    assert plan(nodes(ill, green1=out, green2=out), WANTED, CUTOVER).batches[0].nodes == ("green1", "green2")


def test_going_back_after_a_cutover_installs_nothing(nodes, said):
    old = said(state="standby")
    (batch,) = plan(nodes(said("2.0.0"), green1=old, green2=old), dict.fromkeys(NAMES, OLD), CUTOVER).batches
    assert (batch.nodes, batch.ready, batch.retire) == (("green1", "green2"), ("green1", "green2"), ("blue1", "blue2"))


def test_cutover_confirms_by_itself(nodes, said):
    policy = replace(CUTOVER, confirm_after_s=3600)
    first, second = plan(nodes(), WANTED, policy).batches
    assert (first.nodes, first.retire, first.observe_s) == (("blue1", "blue2"), ("green1", "green2"), 3600)
    assert (second.nodes, second.retire, second.staying) == (("green1", "green2"), (), ("blue1", "blue2"))
    # It was live on the old release before, but it will not have been when its turn comes.
    assert second.restore == {"green1": {}, "green2": {}}
    new, old = said("2.0.0", since_s=3000), said(state="standby")
    watch, second = plan(nodes(blue1=new, blue2=new, green1=old, green2=old), WANTED, policy).batches
    assert (watch.nodes, watch.retire, watch.observe_s, second.nodes) == ((), (), 600, ("green1", "green2"))
    assert (watch.undo.nodes, watch.undo.retire) == (("green1", "green2"), ("blue1", "blue2"))
    new = said("2.0.0", since_s=4000)
    assert batches(plan(nodes(blue1=new, blue2=new, green1=old, green2=old), WANTED, policy)) == [["green1", "green2"]]


def test_an_exclusive_switch_takes_both_halves(nodes, said):
    holding = replace(LIMITS, load_balancers=({**BALANCERS[0], "hold_s": 8.0, "fall": 1, "rise": 3}, BALANCERS[1]))
    policy = replace(CUTOVER, exclusive=True, limits=holding)
    assert plan(nodes(), WANTED, policy).batches[0].exclusive
    assert "no exclusive switch behind it" in plan(nodes(), WANTED, replace(policy, limits=LIMITS)).refusals[0]
    new = said("2.0.0")
    # One half is in already, so there is nothing left that could be exclusive.
    assert not plan(nodes(blue1=new, blue2=new), WANTED, policy).batches[0].exclusive


def test_rolling_takes_a_few_at_a_time(nodes, said):
    policy = Policy("rolling", batch_size=1, observe_s=10, limits=LIMITS)
    found = plan(nodes(green2=said(state="standby")), WANTED, policy)
    assert batches(found) == [["green2"], ["blue1"], ["blue2"], ["green1"]]
    assert {batch.observe_s for batch in found.batches} == {10}
    assert batches(plan(nodes(), WANTED, replace(policy, batch_size=3))) == [["blue1", "blue2", "green1"], ["green2"]]


def test_what_a_batch_is_compared_with(nodes, said):
    """Nodes that serve the old release while the batch is watched: of the other half, of what has yet to roll, none of a half that stands by."""

    def old(found):
        assert found.refusals == ()
        return [batch.old for batch in found.batches]

    rolling = Policy("rolling", limits=LIMITS)
    assert old(plan(nodes(), WANTED, POLICY)) == [("green1", "green2"), ()]
    assert old(plan(nodes(), WANTED, rolling)) == [("blue2", "green1", "green2"), ("green1", "green2"), ("green2",), ()]
    assert old(plan(nodes(), WANTED, CUTOVER)) == [()]
    assert old(plan(nodes(), WANTED, replace(CUTOVER, confirm_after_s=3600))) == [(), ()]
    # One that an earlier run has brought in serves the new release, one that stands by serves nobody.
    assert old(plan(nodes(blue1=said("2.0.0")), WANTED, rolling)) == [("green1", "green2"), ("green2",), ()]
    assert old(plan(nodes(green2=said(state="standby")), WANTED, rolling)) == [("blue1", "blue2", "green1"), ("blue2", "green1"), ("green1",), ()]
    assert plan(nodes(), WANTED, POLICY).batches[0].undo.old == ()


def test_rolling_never_takes_more_than_may_be_unavailable(nodes):
    policy = Policy("rolling", batch_size=3, limits=replace(LIMITS, max_unavailable=2))
    assert batches(plan(nodes(), WANTED, policy)) == [["blue1", "blue2"], ["green1", "green2"]]
    dead = replace(policy, limits=replace(policy.limits, without=("green2",)))
    assert batches(plan(nodes()[:3], WANTED, dead)) == [["blue1"], ["blue2"], ["green1"]]


def test_too_many_unavailable_is_refused(nodes):
    found = plan(nodes(), WANTED, Policy(limits=replace(LIMITS, max_unavailable=1)))
    assert found.refusals[0] == "while batch 1 (blue1, blue2) is out, 2 nodes would not serve, and bluegreen_max_unavailable is 1"


def test_a_dead_node_counts_against_capacity(nodes):
    limits = replace(LIMITS, without=("green2",))
    found = plan(nodes()[:3], WANTED, Policy(limits=limits))
    assert batches(found) == [["blue1", "blue2"], ["green1"]]
    assert [(len(batch.staying), batch.total) for batch in found.batches] == [(1, 4), (2, 4)]
    refused = plan(nodes()[:3], WANTED, Policy(limits=replace(limits, max_unavailable=2))).refusals
    assert refused[0] == "while batch 1 (blue1, blue2) is out, 3 nodes would not serve, and bluegreen_max_unavailable is 2"


def test_peak_load_is_refused(nodes, said):
    busy = said(rate=30.0)
    assert batches(plan(nodes(busy), WANTED, Policy(limits=replace(LIMITS, capacity={"shop": 60})))) != []
    found = plan(nodes(busy), WANTED, Policy(limits=replace(LIMITS, capacity={"shop": 50})))
    assert found.refusals[0] == (
        "while batch 1 (blue1, blue2) is out, 2 nodes can serve 100 requests/s of shop (capacity_per_s), and there are 120 now: wait for less"
    )
    assert batches(plan(nodes(busy), WANTED, Policy("rolling", limits=replace(LIMITS, capacity={"shop": 50})))) != []


def test_what_a_migration_cut_off_does_not_come_back(nodes, said):
    new = dict(
        said("2.0.0"), record={"current": NEW, "previous": [], "cut_off": {"previous": [{"deployment": "", "packages": OLD}], "why": "migration shop ran"}}
    )
    found = plan(nodes(new), dict.fromkeys(NAMES, OLD), POLICY)
    assert found.refusals[0] == "blue1: shop-1.0.0-1.noarch cannot run any more: migration shop ran"
    assert batches(plan(nodes(new), dict.fromkeys(NAMES, {"shop": "shop-3.0.0-1.noarch"}), POLICY)) != []


def test_all_live_lets_what_is_healthy_serve_as_it_is(nodes, said):
    out, new, ill = said(state="standby"), said("2.0.0", state="standby"), said(state="standby", healthy=False)
    found = nodes(blue1=out, blue2=new, green1=ill, green2=out)
    found = plan(found, {node.name: node.nevras for node in found}, Policy("all_live", limits=LIMITS))
    assert batches(found) == [["blue1", "green2"], ["blue2"]]
    assert found.batches[0].ready == ("blue1", "green2")
    assert found.batches[1].after == {"blue2": NEW}
    # Should one fail its sanity test, nothing else is installed on it.
    assert {name: packages for batch in found.batches for name, packages in batch.restore.items() if packages} == {}


PACED = replace(POLICY, limits=replace(LIMITS, load_balancers=tuple({**balancer, "interval_s": 2.0} for balancer in LIMITS.load_balancers)))


def with_prober(said, **changes):
    found = said()
    found["components"][0]["heartbeat"]["probers"][0].update(changes)
    return found


def test_a_prober_that_has_fallen_silent_is_refused(nodes, said):
    found = plan(nodes(blue2=with_prober(said, last_seen_s=30.0)), WANTED, POLICY)
    assert found.batches == () and found.refusals[0].startswith("blue2: shop: prober 10.0.0.5 /heartbeat/live has fallen silent")
    assert "take the address out of bluegreen_load_balancers" in found.refusals[1]


def with_stranger(said, **changes):
    found = said()
    probers = found["components"][0]["heartbeat"]["probers"]
    probers.append({**probers[0], "address": "10.0.0.9", "seen": 3, "last_seen_s": 300.0, **changes})
    return found


def test_a_stranger_that_has_fallen_silent_refuses_nothing_and_is_shown(nodes, said):
    found = plan(nodes(blue2=with_stranger(said, path="/heartbeat/live?\x1b[2J")), WANTED, POLICY)
    assert len(found.batches) == 2
    (shown,) = found.differences
    assert shown.startswith("blue2: shop: no load balancer of this site, but it is asked by 10.0.0.9 for /heartbeat/live?\\x1b[2J;")
    assert found.digest == plan(nodes(), WANTED, POLICY).digest


def test_a_load_balancer_without_addresses_is_refused_with_those_that_asked(nodes, said):
    nameless = replace(POLICY, limits=replace(LIMITS, load_balancers=({**BALANCERS[0], "addresses": []}, BALANCERS[1])))
    found = plan(nodes(blue2=with_stranger(said)), WANTED, nameless)
    assert found.batches == () and found.refusals == (
        "load balancer live: its addresses are not declared, so that whoever asks for /heartbeat/live could pass for it. It is asked for by 10.0.0.5 "
        "(blue1, blue2, green1, green2), 10.0.0.9 (blue2). Find out which of them it is, and add to its entry in bluegreen_load_balancers: "
        "addresses: [10.0.0.5]",
    )
    # Where nobody logs who asks, they would be of no use.
    unseen = said()
    unseen["components"][0]["heartbeat"]["probers"] = None
    paced = replace(PACED, limits=replace(LIMITS, load_balancers=tuple({**each, "addresses": [], "interval_s": 2.0} for each in BALANCERS)))
    assert len(plan(nodes(unseen), WANTED, paced).batches) == 2


def test_another_pace_than_declared_is_a_warning(nodes, said):
    steady = with_prober(said, interval_s=2.0)
    assert plan(nodes(steady), WANTED, PACED).differences == ()
    found = plan(nodes(steady, green1=with_prober(said, interval_s=5.0)), WANTED, PACED)
    assert len(found.batches) == 2
    assert found.differences == (
        "green1: shop: load balancer live: prober 10.0.0.5 asks every 5.00 s, and interval_s says 2; fall and rise may be declared wrongly, too",
    )
    assert found.digest == plan(nodes(steady), WANTED, PACED).digest


def test_probers_that_nobody_logs_need_an_interval(nodes, said):
    unseen = said()
    unseen["components"][0]["heartbeat"]["probers"] = None
    assert len(plan(nodes(unseen), WANTED, PACED).batches) == 2
    found = plan(nodes(blue1=unseen), WANTED, POLICY)
    assert found.refusals[0] == (
        "blue1: shop: load balancer live: the heartbeat does not tell who asks for it, so that its interval_s is needed (bluegreen_load_balancers)"
    )


def test_a_cutover_that_it_is_not_known_since_when_it_serves_is_watched_whole(nodes, said):
    new, unknown = said("2.0.0"), said("2.0.0", since_s=None)
    old = said(state="standby")
    policy = replace(CUTOVER, confirm_after_s=60.0)
    watched = plan(nodes(new, blue1=unknown, green1=old, green2=old), WANTED, policy).batches[0]
    assert (watched.nodes, watched.observe_s) == ((), 60.0)


def having(said, *names, **changes):
    """What a node says that has these components."""
    found = said(**changes)
    found["components"] = [dict(said(**changes)["components"][0], name=name) for name in names]
    return found


def wanted_of(nodes):
    return {node.name: dict.fromkeys(node.nevras, NEW["shop"]) for node in nodes}


ALONE = (
    "the component {0} is on nodes of the stack {1} alone ({1}1, {1}2), so that nobody would serve it while they are out: put it on nodes of the other "
    "stack, too"
)


@pytest.mark.parametrize("strategy", ["halves", "cutover", "rolling"])
def test_a_component_that_one_stack_alone_has_is_refused(nodes, said, strategy):
    blue, green = having(said, "shop"), having(said, "basket")
    apart = nodes(blue1=blue, blue2=blue, green1=green, green2=green)
    found = plan(apart, wanted_of(apart), Policy(strategy, limits=LIMITS))
    assert not found.batches
    assert found.refusals[:2] == (ALONE.format("shop", "blue"), ALONE.format("basket", "green"))
    # A third one, beside one that all have.
    more = nodes(having(said, "shop"), blue1=having(said, "shop", "report"), blue2=having(said, "shop", "report"))
    assert ALONE.format("report", "blue") in plan(more, wanted_of(more), Policy(strategy, limits=LIMITS)).refusals


def test_coming_in_takes_nothing_away(nodes, said):
    blue, green = having(said, "shop", state="standby"), having(said, "basket", state="standby")
    apart = nodes(blue1=blue, blue2=blue, green1=green, green2=green)
    assert batches(plan(apart, {node.name: node.nevras for node in apart}, Policy("all_live", limits=LIMITS))) == [["blue1", "blue2"], ["green1", "green2"]]


def test_too_few_of_one_component(nodes, said):
    both, shop = having(said, "shop", "report"), having(said, "shop")
    spread = nodes(shop, blue1=both, green1=both)
    assert batches(plan(spread, wanted_of(spread), POLICY)) == [["blue1", "blue2"], ["green1", "green2"]]
    refusals = plan(spread, wanted_of(spread), replace(POLICY, limits=replace(LIMITS, min_live=2))).refusals
    assert refusals[0] == "while batch 1 (blue1, blue2) is out, 1 of at least 2 nodes would serve report"


UNKNOWN = {"shop": None}


@pytest.fixture
def foreign(said):
    """A node that serves without a package, in the unit old."""

    def build(adopted=True, **changes):
        defaults = {"release": None, "active": False, "installed_at": None, "started_at": None, "replaces": "old", "replaced_active": True}
        record = {"current": UNKNOWN, "deployment": "", "previous": [], "cut_off": None}
        return {**said(None, **{**defaults, **changes}), "record": record if adopted else None}

    return build


def test_what_was_adopted_leaves_half_by_half(nodes, foreign):
    found = plan(nodes(foreign()), WANTED, POLICY)
    assert batches(found) == [["blue1", "blue2"], ["green1", "green2"]]
    first = found.batches[0]
    assert (first.before, first.restore, first.one_way) == (dict.fromkeys(NAMES[:2], UNKNOWN), dict.fromkeys(NAMES[:2], UNKNOWN), {})
    assert first.undo.after == dict.fromkeys(NAMES[:2], UNKNOWN)


def test_what_nobody_adopted_does_not_leave(nodes, foreign):
    refused = plan(nodes(foreign(adopted=False)), WANTED, POLICY).refusals
    assert refused[0].code == "HS-LAST"
    assert "green1: shop: no package is installed: what serves without one is adopted by halfswap.bluegreen.adopt" in refused


def test_a_first_package_may_be_one_way(nodes, foreign):
    for node, policy, text in (
        (foreign(replaces=None, active=True), POLICY, "the component has no key replaces"),
        (foreign(), replace(POLICY, way_back=False), "bluegreen_way_back is false"),
    ):
        first = plan(nodes(node), WANTED, policy).batches[0]
        assert list(first.one_way) == NAMES[:2] and text in first.one_way["blue1"] and first.undo is None


def test_a_new_node_beside_what_was_adopted_has_nothing_to_go_back_to(nodes, foreign):
    found = plan(nodes(foreign(), blue1=foreign(adopted=False, state="standby", replaced_active=False)), WANTED, replace(POLICY, limits=LIMITS))
    first = found.batches[0]
    assert "blue1" in first.nodes and first.one_way["blue1"] == "shop was not adopted on it"


def test_a_half_that_was_cut_off_goes_on_and_could_go_back(nodes, foreign, said):
    cut_off = {**said("1.0.0", state="standby", replaces="old"), "record": foreign()["record"]}
    first = plan(nodes(foreign(), blue1=cut_off, blue2=cut_off), WANTED, POLICY).batches[0]
    assert (first.nodes, first.restore, first.one_way) == (("blue1", "blue2"), dict.fromkeys(NAMES[:2], UNKNOWN), {})


def test_a_cutover_keeps_what_was_adopted_as_the_way_back(nodes, foreign):
    (batch,) = plan(nodes(foreign()), WANTED, replace(POLICY, strategy="cutover")).batches
    assert batch.retire == ("green1", "green2") and batch.undo.after == dict.fromkeys(NAMES[2:], UNKNOWN) and batch.undo.ready == ("green1", "green2")


def test_nobody_follows_to_what_has_no_package(nodes, foreign, said):
    served = {**said("2.0.0"), "record": {"current": NEW, "deployment": "d1", "previous": [{"deployment": "", "packages": UNKNOWN}], "cut_off": None}}
    out = foreign(state="standby")
    policy = replace(POLICY, strategy="cutover", confirm_after_s=60.0)
    found = plan(nodes(served, green1=out, green2=out), dict.fromkeys(NAMES, UNKNOWN), policy)
    assert [(batch.nodes, batch.retire) for batch in found.batches] == [(("green1", "green2"), ("blue1", "blue2"))]
