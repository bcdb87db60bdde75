# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._refusals import ROWS, Override, divided
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._evidence import read_node, read_nodes
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._interlock import (
    Limits,
    held_by_another,
    refuse_adoption,
    refuse_exclusive,
    refuse_live,
    refuse_standby,
    served_by,
)

BALANCERS = [
    {"name": "live", "follows": "live", "path": "/heartbeat/live", "addresses": ["10.0.0.5"], "fall": 3, "rise": 2, "probers": 1},
    {"name": "standby", "follows": "standby", "path": "/heartbeat/standby", "addresses": ["10.0.0.5"], "fall": 3, "rise": 2, "probers": 1},
]
LIMITS = Limits(load_balancers=BALANCERS)
BLUE, GREEN = ["blue1", "blue2"], ["green1", "green2"]
PROOF = {"shop": "shop-2.0.0-1.noarch"}
PASSED = [{"nodes": [{"name": "blue1"}, {"name": "blue2"}]}]


@pytest.fixture
def nodes(said):
    def build(default=None, **changes):
        names = [*BLUE, "green1", "green2"]
        return [read_node(name, name[:-1], changes.get(name, default or said())) for name in names]

    return build


def test_a_node_that_is_adopted_needs_no_sanity_test_but_the_rest(nodes, said):
    out = {name: said(state="standby") for name in [*BLUE, *GREEN]}
    here = nodes(**out)
    installed = dict(here[0].nevras)

    def adopted(all_of_them, wanted=installed):
        return refuse_live(all_of_them[0], served_by(all_of_them), wanted, [], refuse_adoption(all_of_them[0], all_of_them))

    assert adopted(here) == []
    assert "it has not passed the sanity test" in refuse_live(here[0], served_by(here), installed, [])[0]
    assert "installed, not" in adopted(here, {"shop": "shop-9-1.noarch"})[0]
    for changes, text in (({"healthy": False}, "HTTP 503"), ({"release": "9"}, "it reports release 9"), ({"error": "no agent"}, "no agent")):
        assert text in adopted(nodes(**{**out, "blue1": said(state="standby", **changes)}))[0]
    before = nodes(**{**out, "blue1": dict(said(state="standby"), record={"current": installed, "previous": []})})
    assert "it has been live before" in adopted(before)[0]


def test_a_half_may_leave_when_the_other_half_serves(nodes):
    assert refuse_standby(nodes(), BLUE, LIMITS) == []


@pytest.mark.parametrize(
    "changes, text",
    [
        ({"state": "standby"}, "green1 is in standby"),
        ({"healthy": False}, "green1: shop: HTTP 503"),
        ({"release": "9"}, "green1: shop: it reports release 9"),
        ({"error": "no agent"}, "green1 counts as not live: no agent"),
    ],
)
def test_a_half_stays_when_one_of_the_other_does_not_serve(nodes, said, changes, text):
    reasons = refuse_standby(nodes(green1=said(**changes)), BLUE, LIMITS)
    assert "1 of at least 2 other nodes" in reasons[0]
    assert any(text in reason for reason in reasons)


def test_min_live_may_be_lower_but_not_for_a_node_that_was_not_read(nodes, said):
    assert refuse_standby(nodes(green1=said(state="standby")), BLUE, Limits(min_live=1)) == []
    assert refuse_standby(nodes(green1={"unreachable": True}), BLUE, Limits(min_live=1)) != []


def test_min_live_is_never_below_one(nodes, said):
    both_out = nodes(green1=said(state="standby"), green2=said(state="standby"))
    assert "0 of at least 2 other nodes" in refuse_standby(both_out, BLUE, Limits())[0]
    assert "0 of at least 1 other nodes" in refuse_standby(both_out, BLUE, Limits(min_live=1))[0]
    everybody = [*BLUE, "green1", "green2"]
    assert "0 of at least 1 other nodes" in refuse_standby(nodes(), everybody, Limits())[0]


def test_a_member_of_the_batch_that_was_not_read_stops_the_batch(nodes):
    assert "blue2 counts as not live" in refuse_standby(nodes(blue2={"unreachable": True}), BLUE, Limits())[0]


def test_a_node_that_the_live_load_balancer_has_not_taken_in_does_not_count(nodes, said):
    not_yet = said()
    not_yet["components"][0]["heartbeat"]["probers"][0]["consecutive"]["live"] = 1
    assert any("got 1 of 2 answers that say live" in reason for reason in refuse_standby(nodes(green1=not_yet), BLUE, LIMITS))


def test_a_stranger_does_not_show_that_a_node_is_in(nodes, said):
    displaced = said()
    displaced["components"][0]["heartbeat"]["probers"][0]["address"] = "10.0.0.9"
    reasons = refuse_standby(nodes(green1=displaced), BLUE, LIMITS)
    assert any("green1: shop: load balancer live: 0 of 1 probers seen on /heartbeat/live, where 10.0.0.9 asked" in reason for reason in reasons)


def test_without_addresses_no_node_is_known_to_be_in(nodes):
    nameless = replace(LIMITS, load_balancers=[{**balancer, "addresses": []} for balancer in LIMITS.load_balancers])
    reasons = refuse_standby(nodes(), BLUE, nameless)
    assert "0 of at least 2 other nodes" in reasons[0] and "green1: shop: load balancer live: its addresses are not declared" in reasons[1]


def test_a_node_without_traffic_does_not_count_where_others_have_it(nodes, said):
    idle, busy = said(served=0, since_s=20.0, rate=0.0), said(rate=2.0)
    reasons = refuse_standby(nodes(blue1=busy, blue2=busy, green1=idle, green2=busy), BLUE, Limits())
    assert any("green1: shop: no request in the 20 s that it has been live, although about 15 were to be expected" in reason for reason in reasons)


def test_a_node_without_traffic_counts_at_night(nodes, said):
    quiet = said(served=0, since_s=20.0, rate=0.0)
    assert refuse_standby(nodes(green1=quiet), BLUE, Limits()) == []
    restarted_agent = said(served=0, since_s=9000.0, rate=0.0)
    restarted_agent["components"][0]["heartbeat"]["agent"] = {"started_s": 0.5}
    assert refuse_standby(nodes(green1=restarted_agent, green2=said(rate=2.0)), BLUE, Limits()) == []
    just_in = said(served=0, since_s=0.5, rate=0.0)
    assert refuse_standby(nodes(green1=just_in, green2=said(rate=2.0)), BLUE, Limits()) == []
    one_of_ours = said(rate=0.1)
    all_night = said(served=0, since_s=30000.0, rate=0.0)
    assert refuse_standby(nodes(green1=all_night, green2=one_of_ours), BLUE, Limits()) == []


@pytest.fixture
def swapped(said):
    return read_node("blue1", "blue", said("2.0.0", state="standby"))


def test_live_after_the_sanity_test(nodes, swapped):
    assert refuse_live(swapped, served_by(nodes()), PROOF, PASSED) == []


@pytest.mark.parametrize(
    "sanity",
    [
        [],
        [{}],
        [{"nodes": [{"name": "blue2"}]}],
        [{**PASSED[0], "failed": True}],
        [{"skipped": True}],
        # One of two components.
        [PASSED[0], {"nodes": [{"name": "blue2"}]}],
    ],
)
def test_not_live_without_the_sanity_test(nodes, swapped, sanity):
    assert refuse_live(swapped, served_by(nodes()), PROOF, sanity) == [
        "blue1: it has not passed the sanity test, and no node served this release when the batch began"
    ]


@pytest.fixture
def two(said):
    """A node with two components, both on the new release."""
    registered = said("2.0.0", state="standby")
    shop = registered["components"][0]
    registered["components"].append(dict(shop, name="cart", package="cart", nevra="cart-2.0.0-1.noarch"))
    return read_node("blue1", "blue", registered)


@pytest.mark.parametrize(
    "components, missing",
    [
        (["shop", "cart"], None),
        # Further tests of one of them come on top.
        (["shop", "cart", "shop"], None),
        (["shop"], " of cart"),
        (["cart", "cart"], " of shop"),
        # Which of the two was tested, nobody knows.
        ([""], ""),
        (["shop", ""], " of cart"),
        (["search"], ""),
        ([], ""),
    ],
)
def test_every_component_has_to_pass_a_sanity_test(nodes, two, components, missing):
    proof = {name: f"{name}-2.0.0-1.noarch" for name in ("shop", "cart")}
    found = refuse_live(two, served_by(nodes()), proof, [{**PASSED[0], "component": name} for name in components])
    refusal = f"blue1: it has not passed the sanity test{missing}, and no node served this release when the batch began"
    assert found == ([] if missing is None else [refusal])


def test_nor_do_they_come_in_at_the_moment_of_a_switch(nodes, two):
    others = [node for node in nodes() if node.stack == "green"]
    held = replace(LIMITS, load_balancers=[{**balancer, "hold_s": 5.0, "fall": 1, "rise": 3} for balancer in BALANCERS])
    proofs = {"blue1": {name: f"{name}-2.0.0-1.noarch" for name in ("shop", "cart")}}

    def refused(*components):
        tests = [{**PASSED[0], "component": name} for name in components]
        return [refusal.code for refusal in refuse_exclusive([two], [two, *others], ["green1", "green2"], proofs, tests, held)]

    assert "HS-UNTESTED" in refused("shop") and "HS-UNTESTED" not in refused("shop", "cart")


def test_back_to_what_served_needs_no_sanity_test(nodes, said):
    back = read_node("blue1", "blue", said("1.0.0", state="standby"))
    assert refuse_live(back, served_by(nodes()), {"shop": "shop-1.0.0-1.noarch"}, []) == []


@pytest.mark.parametrize(
    "changes, text",
    [
        ({"version": "1.0.0"}, "shop-1.0.0-1.noarch is installed, not shop-2.0.0-1.noarch"),
        ({"version": None}, "no package is installed"),
        ({"healthy": False}, "HTTP 503"),
        ({"started_at": 1.0}, "its process was started before"),
        ({"release": "1.0.0"}, "it reports release 1.0.0"),
        ({"error": "no agent"}, "no agent"),
    ],
)
def test_not_live_unproven(nodes, said, changes, text):
    node = read_node("blue1", "blue", said(**{"version": "2.0.0", "state": "standby", **changes}))
    assert text in "; ".join(refuse_live(node, served_by(nodes()), PROOF, PASSED))


def test_not_live_on_files_that_are_not_those_of_the_package(nodes, said):
    changed = {"differing": ["/opt/shop/app.py (size)"]}
    node = read_node("blue1", "blue", said("2.0.0", state="standby", **changed))
    (reason,) = refuse_live(node, served_by(nodes()), PROOF, PASSED)
    assert "1 file on the disk differs from shop-2.0.0-1.noarch (/opt/shop/app.py (size))" in reason and "may_differ" in reason
    # What was served before goes back: the step release has read its files, and the application changes them again once it runs.
    back = read_node("blue1", "blue", said(state="standby", **changed))
    assert refuse_live(back, served_by(nodes()), {"shop": "shop-1.0.0-1.noarch"}, []) == []


def test_not_live_when_nobody_says_what_it_must_run(nodes, swapped):
    assert "option proof" in refuse_live(swapped, served_by(nodes()), {}, PASSED)[0]


def test_the_lock_of_another_run(nodes, said):
    mine, theirs = dict(said(), lock={"run_id": "r1", "owner": "me@ops"}), dict(said(), lock={"run_id": "r2", "owner": "alice@ops1"})
    assert held_by_another(nodes(blue1=mine), "r1") == []
    assert held_by_another(nodes(blue1=mine, green1=theirs), "r1") == ["green1: the lock is held by alice@ops1 (run r2)"]


def test_a_capacity_of_a_component_that_no_node_has(nodes):
    (reason,) = refuse_standby(nodes(), BLUE, Limits(capacity={"shpo": 50}))
    assert reason == "a capacity is given for the component shpo, which no node has (there are shop)"


def test_a_half_stays_at_peak_load(nodes, said):
    limits = Limits(capacity={"shop": 50})
    assert refuse_standby(nodes(**dict.fromkeys([*BLUE, "green1", "green2"], said(rate=25.0))), BLUE, limits) == []
    (reason,) = refuse_standby(nodes(**dict.fromkeys([*BLUE, "green1", "green2"], said(rate=26.0))), BLUE, limits)
    assert reason == "2 nodes can serve 100 requests/s of shop (capacity_per_s), and there are 104 now: wait for less"


def test_a_capacity_that_nobody_can_judge(nodes, said):
    """A counter that is not understood must not switch the guard off."""
    limits = Limits(capacity={"shop": 50})
    text = "whether the others can carry the load of shop (capacity_per_s) cannot be judged, as the requests per second are not known of "
    (reason,) = refuse_standby(nodes(blue1=said(rate=None), green1=said(rate=None)), ["blue1"], limits)
    assert reason.startswith(f"{text}blue1, green1. An agent tells them two seconds after")
    wrong = said(rate=None)
    wrong["components"][0]["heartbeat"]["status_error"] = 'key requests has "many"'
    assert any(reason.startswith(f'{text}blue2 (key requests has "many"). ') for reason in refuse_standby(nodes(blue2=wrong), ["blue1"], limits))
    # One that is down, or out, has no load. What is not live is not asked for it, so that the first half may leave an empty one.
    assert refuse_standby(nodes(blue1=said(rate=None, healthy=False)), ["blue1"], limits) == []
    assert refuse_standby(nodes(blue1=said(rate=None, state="standby")), ["blue1"], limits) == []
    assert refuse_standby(nodes(blue1=said(rate=None)), ["blue1"], Limits()) == []


def test_no_more_than_may_be_unavailable(nodes):
    assert refuse_standby(nodes(), BLUE, Limits(max_unavailable=2)) == []
    assert refuse_standby(nodes(), BLUE, Limits(max_unavailable=1)) == ["2 nodes would not serve, and bluegreen_max_unavailable is 1"]
    dead = Limits(max_unavailable=2, without=("green2",))
    assert refuse_standby(nodes()[:3], BLUE, dead) == ["3 nodes would not serve, and bluegreen_max_unavailable is 2"]


HOLDING = Limits(load_balancers=[{**BALANCERS[0], "hold_s": 8.0, "fall": 1, "rise": 3}, BALANCERS[1]])


def test_an_exclusive_switch_takes_proven_successors(nodes, said, swapped):
    proofs = {"blue1": PROOF}
    assert refuse_exclusive([swapped], nodes(), GREEN, proofs, PASSED, HOLDING) == []
    assert "has not passed the sanity test" in refuse_exclusive([swapped], nodes(), GREEN, proofs, [], HOLDING)[0]
    ill = read_node("blue1", "blue", said("2.0.0", state="standby", healthy=False))
    assert refuse_exclusive([ill], nodes(), GREEN, proofs, PASSED, HOLDING) == ["blue1: shop: HTTP 503"]
    assert refuse_exclusive([], nodes(), GREEN, {}, PASSED, HOLDING) == ["no node comes in"]
    assert "no exclusive switch behind it" in refuse_exclusive([swapped], nodes(), GREEN, proofs, PASSED, LIMITS)[0]
    quick_in = Limits(load_balancers=[{**BALANCERS[0], "hold_s": 8.0, "fall": 1, "rise": 2}, BALANCERS[1]])
    assert refuse_exclusive([swapped], nodes(), GREEN, proofs, PASSED, quick_in) == [
        "load balancer live may take a node in (rise 2) before it has taken the others out (fall 1): an exclusive switch needs a rise of at least fall + 2"
    ]
    # blue2 serves on, and blue1 comes in.
    assert refuse_exclusive([swapped], nodes(), GREEN, proofs, PASSED, replace(HOLDING, min_live=2)) == []
    assert refuse_exclusive([swapped], nodes(), GREEN, proofs, PASSED, replace(HOLDING, min_live=3)) == ["2 of at least 3 nodes would serve afterwards"]
    busy = dict.fromkeys([*BLUE, *GREEN], said(rate=30.0))
    assert "2 nodes can serve 100 requests/s" in refuse_exclusive([swapped], nodes(**busy), GREEN, proofs, PASSED, replace(HOLDING, capacity={"shop": 50}))[0]


def unseen(said, since_s):
    found = said(since_s=since_s)
    found["components"][0]["heartbeat"].update(probers=None, since_s=since_s)
    return found


def test_where_nobody_logs_the_probers_the_time_since_the_flip_counts(nodes, said):
    limits = Limits(load_balancers=[{**BALANCERS[0], "interval_s": 2.0}, BALANCERS[1]])
    assert refuse_standby(nodes(green1=unseen(said, 4.5)), BLUE, limits) == []
    reasons = refuse_standby(nodes(green1=unseen(said, 4.4)), BLUE, limits)
    assert reasons[1] == "green1: shop: it has said live for 4.4 of 4.5 s (a guess by interval_s)"
    assert "it is not known since when it says live" in refuse_standby(nodes(green1=unseen(said, None)), BLUE, limits)[1]
    assert "its interval_s is needed" in refuse_standby(nodes(green1=unseen(said, 900.0)), BLUE, LIMITS)[1]


def having(said, *names, **changes):
    """What a node says that has these components."""
    found = said(**changes)
    found["components"] = [dict(said(**changes)["components"][0], name=name) for name in names]
    return found


def test_a_component_that_one_half_alone_has_does_not_leave(nodes, said):
    """The other half serves, but something else."""
    blue, green = having(said, "shop"), having(said, "basket")
    apart = nodes(blue1=blue, blue2=blue, green1=green, green2=green)
    for min_live in (0, 1, 2):
        (reason,) = refuse_standby(apart, BLUE, Limits(min_live=min_live))
        assert reason == f"0 of at least {max(1, min_live)} other nodes would stay live, healthy and on a known release of shop (none)"
    assert "known release of basket (none)" in refuse_standby(apart, GREEN, Limits())[0]
    # One of the two that have it stays.
    assert refuse_standby(apart, ["blue1"], Limits()) == []
    assert "1 of at least 2 other nodes" in refuse_standby(apart, ["blue1"], Limits(min_live=2))[0]


def test_enough_nodes_stay_but_not_of_each_component(nodes, said):
    both, shop = having(said, "shop", "report"), having(said, "shop")
    spread = nodes(blue1=both, blue2=shop, green1=both, green2=shop)
    assert refuse_standby(spread, BLUE, Limits()) == []
    assert refuse_standby(spread, BLUE, Limits(min_live=1)) == []
    (reason,) = refuse_standby(spread, BLUE, Limits(min_live=2))
    assert reason == "1 of at least 2 other nodes would stay live, healthy and on a known release of report (green1)"
    # green1 alone has it over there, and is out.
    out = nodes(blue1=both, blue2=shop, green1=having(said, "shop", "report", state="standby"), green2=shop)
    reasons = refuse_standby(out, ["blue1"], Limits(min_live=1))
    assert "0 of at least 1 other nodes would stay live, healthy and on a known release of report (none)" in reasons
    # Whoever leaves without it takes nothing of it away.
    assert refuse_standby(out, ["blue2"], Limits(min_live=1)) == []


def test_what_is_wrong_with_all_components_alike_is_said_once(nodes, said):
    reasons = refuse_standby(nodes(having(said, "shop", "report")), ["blue1", "blue2", "green1", "green2"], Limits())
    assert reasons == ["0 of at least 1 other nodes would stay live, healthy and on a known release (none)"]


def test_the_capacity_of_a_component_is_that_of_the_nodes_that_have_it(nodes, said):
    both, shop = having(said, "shop", "report", rate=30.0), having(said, "shop", rate=30.0)
    spread = nodes(blue1=both, blue2=shop, green1=both, green2=shop)
    assert refuse_standby(spread, BLUE, Limits(capacity={"shop": 60, "report": 60})) == []
    (reason,) = refuse_standby(spread, BLUE, Limits(capacity={"shop": 60, "report": 50}))
    assert reason == "1 nodes can serve 50 requests/s of report (capacity_per_s), and there are 60 now: wait for less"


def test_an_exclusive_switch_takes_no_component_away(nodes, said):
    proofs = {"blue1": {"basket": "shop-2.0.0-1.noarch"}}
    basket = read_node("blue1", "blue", having(said, "basket", version="2.0.0", state="standby"))
    apart = nodes(blue1=having(said, "basket", state="standby"), blue2=having(said, "basket"))
    assert refuse_exclusive([basket], apart, GREEN, proofs, PASSED, HOLDING) == ["0 of at least 1 nodes would serve shop afterwards"]


def test_two_names_of_one_machine_do_not_leave(said):
    """The other name would go to standby with it: it is the same heartbeat."""
    for twins in (["blue1", "green1"], ["blue1", "blue2", "green1"], ["green1", "green2"]):
        hostvars = {name: {"seen": said()} for name in [*BLUE, *GREEN]}
        for name in twins:
            hostvars[name]["seen"]["machine"] = "boot/1/x"
        found = read_nodes({"blue": BLUE, "green": GREEN}, hostvars, "seen")
        for limits in (Limits(), Limits(min_live=1)):
            reasons = refuse_standby(found, BLUE, limits)
            for name in twins:
                assert any(f"{name} counts as not live: it is the same machine as" in reason for reason in reasons)
        assert "is the same machine as" in refuse_exclusive([found[0]], found, GREEN, {}, PASSED, HOLDING)[0]


def codes(reasons):
    return [reason.code for reason in reasons]


def test_with_nobody_left_it_has_another_name_than_with_too_few(nodes, said):
    """Only the one can be passed, and what it is for goes with it."""
    ill = said(healthy=False, why="HTTP 503")
    assert codes(refuse_standby(nodes(green1=ill), BLUE, Limits())) == ["HS-MIN-LIVE", "HS-MIN-LIVE"]
    assert codes(refuse_standby(nodes(green1=ill, green2=ill), BLUE, Limits())) == ["HS-LAST", "HS-LAST", "HS-LAST"]
    assert codes(refuse_standby(nodes(green1=ill), ["blue1", "blue2", "green2"], Limits(min_live=2))) == ["HS-LAST", "HS-LAST"]


def test_whoever_was_not_read_is_not_passed_with_too_few(nodes, said):
    found = refuse_standby(nodes(green1={"unreachable": True}), BLUE, Limits())
    assert codes(found) == ["HS-MIN-LIVE", "HS-UNREAD"]
    left, _passed = divided(found, Override("why", ("HS-MIN-LIVE", "HS-UNREAD")))
    assert codes(left) == ["HS-UNREAD"]


def test_the_last_one_of_each_component_stays_whatever_is_passed(nodes, said):
    """Of the basket nobody would stay, of the shop somebody."""
    both = having(said, "shop", "basket")
    found = refuse_standby(nodes(blue1=both, blue2=both, green1=said(state="standby")), BLUE, Limits())
    assert set(codes(found)) == {"HS-LAST", "HS-MIN-LIVE"}
    left, _passed = divided(found, Override("why", tuple(ROWS)))
    assert "HS-LAST" in codes(left) and "HS-MIN-LIVE" not in codes(left)


def test_an_exclusive_switch_has_the_same_names(nodes, swapped):
    proofs = {"blue1": PROOF}
    assert codes(refuse_exclusive([], nodes(), GREEN, {}, PASSED, HOLDING)) == ["HS-LAST"]
    assert codes(refuse_exclusive([swapped], nodes(), GREEN, proofs, PASSED, replace(HOLDING, min_live=3))) == ["HS-MIN-LIVE"]


def foreign(said, adopted=True, **changes):
    """A node that serves without a package, in the unit old."""
    found = said(None, **{"release": None, "active": False, "installed_at": None, "started_at": None, "replaces": "old", "replaced_active": True, **changes})
    return {**found, "record": {"current": {"shop": None}, "deployment": "", "previous": [], "cut_off": None} if adopted else None}


UNKNOWN = {"shop": None}


def test_a_half_may_leave_when_the_other_half_serves_what_was_adopted(nodes, said):
    everywhere = {name: foreign(said) for name in [*BLUE, *GREEN]}
    assert refuse_standby(nodes(**everywhere), BLUE, LIMITS) == []
    for changes in ({"adopted": False}, {"replaced_active": False}, {"healthy": False}):
        reasons = refuse_standby(nodes(**{**everywhere, "green1": foreign(said, **changes)}), BLUE, LIMITS)
        assert "1 of at least 2 other nodes" in reasons[0] and any("green1: shop: " in reason for reason in reasons[1:])


def test_what_was_adopted_comes_back_without_a_test_and_no_other_does(nodes, said):
    back, new = read_node("blue1", "blue", foreign(said, state="standby")), read_node("blue2", "blue", foreign(said, adopted=False, state="standby"))
    assert refuse_live(back, [UNKNOWN], UNKNOWN, []) == []
    assert "it has not passed the sanity test" in refuse_live(back, [PROOF], UNKNOWN, [])[0]
    reasons = refuse_live(new, [UNKNOWN], UNKNOWN, PASSED)
    assert "nothing says which package it must have" in reasons[0] and "no package is installed" in reasons[1]
    assert "nothing says which package" in refuse_live(back, [UNKNOWN], {}, PASSED)[0]
    assert "shop-2.0.0-1.noarch is installed, not unknown (adopted)" in str(
        refuse_live(read_node("blue1", "blue", {**said("2.0.0", state="standby"), "record": foreign(said)["record"]}), [UNKNOWN], UNKNOWN, PASSED)
    )


def test_what_has_no_package_is_adopted_by_the_word_of_the_operator(nodes, said):
    here = nodes(blue1=foreign(said, adopted=False, state="standby"), blue2=foreign(said, adopted=False), green1=said(), green2=said(state="standby"))
    for node in here[:2]:
        assert refuse_live(node, served_by(here), UNKNOWN, [], refuse_adoption(node, here)) == []
    stopped = read_node("blue1", "blue", foreign(said, adopted=False, state="standby", replaced_active=False))
    assert "old in which it was adopted is not active" in refuse_live(stopped, [], UNKNOWN, [], refuse_adoption(stopped, here))[0]
    again = read_node("blue1", "blue", foreign(said, state="standby"))
    assert "it has been live before" in refuse_adoption(again, here)[0]
    gone = read_node("blue1", "blue", {**foreign(said), "record": {"current": {"shop": "shop-1.0.0-1.noarch"}, "deployment": "", "previous": []}})
    assert "which is not installed any more" in refuse_adoption(gone, here)[0]
