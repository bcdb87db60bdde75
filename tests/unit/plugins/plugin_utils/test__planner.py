# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._evidence import read_node
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._planner import Policy, plan

NAMES = ["blue1", "blue2", "green1", "green2"]
BALANCERS = (
    {"name": "live", "follows": "live", "path": "/heartbeat/live", "fall": 3, "rise": 2, "probers": 1},
    {"name": "standby", "follows": "standby", "path": "/heartbeat/standby", "fall": 3, "rise": 2, "probers": 1},
)
POLICY = Policy(load_balancers=BALANCERS)
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
    assert (first.staying, first.total, second.staying) == (2, 4, 2)
    assert first.before == {"blue1": OLD, "blue2": OLD}
    assert first.after == {"blue1": NEW, "blue2": NEW}
    assert first.restore == {"blue1": OLD, "blue2": OLD}


def test_nothing_to_do(nodes):
    assert batches(plan(nodes(), dict.fromkeys(NAMES, OLD), POLICY)) == []


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
    assert [batch.staying for batch in found.batches] == [2, 3, 3]


def test_a_first_deployment_takes_nothing_out(nodes, said):
    fresh = said(None, state="standby", healthy=False, release=None, active=False, started_at=None)
    found = plan(nodes(fresh), WANTED, POLICY)
    assert batches(found) == [["blue1", "blue2"], ["green1", "green2"]]
    assert [batch.restore["blue1"] for batch in found.batches[:1]] == [{}]
    assert found.batches[1].restore == {"green1": NEW, "green2": NEW}


@pytest.mark.parametrize("changes", [{"state": "standby"}, {"started_at": 1.0}, {"release": "1.9"}, {"healthy": False}])
def test_the_wanted_package_is_not_enough(nodes, said, changes):
    found = plan(nodes(said("2.0.0"), blue1=said("2.0.0", **changes)), WANTED, POLICY)
    assert batches(found) == [["blue1"]]


def test_unread_is_refused(nodes):
    assert plan(nodes(green2={"unreachable": True}), WANTED, POLICY).refusals == ("green2: it is unreachable",)


def test_too_few_left_is_refused(nodes):
    found = plan(nodes(), WANTED, Policy(min_live=3, load_balancers=BALANCERS))
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
