# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._evidence import read_node
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._interlock import refuse_live, refuse_standby

BALANCERS = [
    {"name": "live", "follows": "live", "path": "/heartbeat/live", "fall": 3, "rise": 2, "probers": 1},
    {"name": "standby", "follows": "standby", "path": "/heartbeat/standby", "fall": 3, "rise": 2, "probers": 1},
]
BLUE = ["blue1", "blue2"]
PROOF = {"shop": "shop-2.0.0-1.noarch"}
PASSED = [{"nodes": [{"name": "blue1"}, {"name": "blue2"}]}]


@pytest.fixture
def nodes(said):
    def build(**changes):
        names = [*BLUE, "green1", "green2"]
        return [read_node(name, name[:-1], changes.get(name, said())) for name in names]

    return build


def test_a_half_may_leave_when_the_other_half_serves(nodes):
    assert refuse_standby(nodes(), BLUE, load_balancers=BALANCERS) == []


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
    reasons = refuse_standby(nodes(green1=said(**changes)), BLUE, load_balancers=BALANCERS)
    assert "1 of at least 2 other nodes" in reasons[0]
    assert any(text in reason for reason in reasons)


def test_min_live_may_be_lower_but_not_for_a_node_that_was_not_read(nodes, said):
    assert refuse_standby(nodes(green1=said(state="standby")), BLUE, min_live=1) == []
    assert refuse_standby(nodes(green1={"unreachable": True}), BLUE, min_live=1) != []


def test_min_live_is_never_below_one(nodes, said):
    both_out = nodes(green1=said(state="standby"), green2=said(state="standby"))
    assert "0 of at least 2 other nodes" in refuse_standby(both_out, BLUE, min_live=0)[0]
    assert "0 of at least 1 other nodes" in refuse_standby(both_out, BLUE, min_live=1)[0]
    everybody = [*BLUE, "green1", "green2"]
    assert "0 of at least 1 other nodes" in refuse_standby(nodes(), everybody, min_live=0)[0]


def test_a_member_of_the_batch_that_was_not_read_stops_the_batch(nodes):
    assert "blue2 counts as not live" in refuse_standby(nodes(blue2={"unreachable": True}), BLUE)[1]


def test_a_node_that_the_live_load_balancer_has_not_taken_in_does_not_count(nodes, said):
    not_yet = said()
    not_yet["components"][0]["heartbeat"]["probers"][0]["consecutive"]["live"] = 1
    assert any("got 1 of 2 answers that say live" in reason for reason in refuse_standby(nodes(green1=not_yet), BLUE, load_balancers=BALANCERS))


def test_a_node_without_traffic_does_not_count_where_others_have_it(nodes, said):
    idle, busy = said(served=0, since_s=20.0, rate=0.0), said(rate=2.0)
    reasons = refuse_standby(nodes(blue1=busy, blue2=busy, green1=idle, green2=busy), BLUE)
    assert any("green1: shop: no request in the 20 s that it has been live, although about 30 were to be expected" in reason for reason in reasons)


def test_a_node_without_traffic_counts_at_night(nodes, said):
    quiet = said(served=0, since_s=20.0, rate=0.0)
    assert refuse_standby(nodes(green1=quiet), BLUE) == []
    restarted_agent = said(served=0, since_s=9000.0, rate=0.0)
    restarted_agent["components"][0]["heartbeat"]["agent"] = {"started_s": 0.5}
    assert refuse_standby(nodes(green1=restarted_agent, green2=said(rate=2.0)), BLUE) == []
    just_in = said(served=0, since_s=0.5, rate=0.0)
    assert refuse_standby(nodes(green1=just_in, green2=said(rate=2.0)), BLUE) == []


@pytest.fixture
def swapped(said):
    return read_node("blue1", "blue", said("2.0.0", state="standby"))


def test_live_after_the_sanity_test(nodes, swapped):
    assert refuse_live(swapped, nodes(), PROOF, PASSED) == []


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
    assert refuse_live(swapped, nodes(), PROOF, sanity) == ["blue1: it has not passed the sanity test, and no node served this release when the batch began"]


def test_back_to_what_served_needs_no_sanity_test(nodes, said):
    back = read_node("blue1", "blue", said("1.0.0", state="standby"))
    assert refuse_live(back, nodes(), {"shop": "shop-1.0.0-1.noarch"}, []) == []


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
    assert text in "; ".join(refuse_live(node, nodes(), PROOF, PASSED))


def test_not_live_when_nobody_says_what_it_must_run(nodes, swapped):
    assert "option proof" in refuse_live(swapped, nodes(), {}, PASSED)[0]
