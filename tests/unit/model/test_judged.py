# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What mutants of the interlock and the planner showed that no other test looks at."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils.heartbeat._fall_rise import CERTAIN_REQUESTS
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._evidence import Node
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._interlock import (
    RATE_WINDOW_S,
    Limits,
    overloaded,
    refuse_adoption,
    refuse_standby,
    requests_per_s,
)
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._planner import Policy, plan
from ansible_collections.halfswap.bluegreen.tests.model.nodes import NEW, OLD, Local, node


def a_node(name: str, beat: str = "live", package: str = OLD, process: str = "runs", healthy: bool = True, **said) -> Node:
    (component,) = node(name, name.rstrip("0123456789"), Local(beat, package, process, healthy)).components
    return Node(name, name.rstrip("0123456789"), (replace(component, **said),))


def test_where_no_rate_is_known_nothing_is_expected():
    assert requests_per_s([a_node("blue1"), a_node("green1")], "shop") == 0.0


@pytest.mark.parametrize(("rate", "refused"), [(CERTAIN_REQUESTS / RATE_WINDOW_S, True), (CERTAIN_REQUESTS / RATE_WINDOW_S - 0.01, False)])
def test_a_node_without_a_request_is_not_in_once_so_many_were_certain(rate, refused):
    nodes = [a_node("blue1"), a_node("green1", served=0, served_in_s=RATE_WINDOW_S, rate_per_s=rate)]
    assert bool(refuse_standby(nodes, ["blue1"], Limits())) == refused


@pytest.mark.parametrize(("per_node", "refused"), [(10.0, False), (9.0, True)])
def test_those_that_stay_carry_what_all_carry_now(per_node, refused):
    nodes = [a_node("blue1", rate_per_s=10.0), a_node("green1", rate_per_s=10.0), a_node("green2", rate_per_s=0.0), a_node("blue2", rate_per_s=0.0)]
    assert bool(overloaded(nodes, ["green1", "green2"], {"shop": per_node})) == refused
    assert overloaded(nodes, ["green1"], {"shop": 19.0})
    assert not overloaded(nodes, ["green1", "green2", "blue2"], {"shop": 7.0})


@pytest.mark.parametrize(
    ("other", "refused"),
    [
        # It serves another release, whatever else is the matter with it, or it could be adopted.
        (a_node("green1", package=NEW), True),
        (a_node("green1", package=NEW, healthy=False), True),
        (a_node("green1", beat="standby", package=NEW), True),
        # It serves nobody, and it could not be adopted.
        (a_node("green1", beat="standby", package=NEW, healthy=False), False),
        (a_node("green1", beat="standby", package=OLD), False),
    ],
)
def test_two_releases_are_not_adopted_together(other, refused):
    me = a_node("blue1", beat="standby")
    assert bool(refuse_adoption(me, [me, other])) == refused


def test_nobody_watches_what_is_only_brought_back():
    nodes = [a_node("blue1", beat="standby"), a_node("green1")]
    (batch,) = plan(nodes, {each.name: each.nevras for each in nodes}, Policy("all_live", observe_s=5.0)).batches
    assert batch.observe_s == 0.0


def test_nobody_watches_what_is_taken_back():
    nodes = [a_node("blue1"), a_node("green1")]
    first, _second = plan(nodes, {each.name: {"shop": NEW} for each in nodes}, Policy(observe_s=5.0)).batches
    assert first.observe_s == 5.0
    assert first.undo and first.undo.observe_s == 0.0


def test_the_time_until_it_is_confirmed_begins_when_the_batch_is_in():
    nodes = [a_node("blue1", beat="standby", since_s=100.0), a_node("green1", beat="standby", since_s=100.0)]
    first, _second = plan(nodes, {each.name: {"shop": NEW} for each in nodes}, Policy("cutover", confirm_after_s=60.0)).batches
    assert (first.retire, first.observe_s) == ((), 60.0)


def test_the_name_of_a_plan_is_about_what_is_done():
    nodes = [a_node("blue1", beat="standby"), a_node("green1", beat="standby")]
    digests = {plan(nodes, {each.name: {"shop": package} for each in nodes}, Policy()).digest for package in (NEW, "shop-1.5.0-1")}
    assert len(digests) == 2


def test_a_cutover_begins_with_what_has_most_of_the_release():
    nodes = [a_node("blue1", beat="standby"), a_node("green1", beat="standby", package=NEW, process="stale")]
    first, *_rest = plan(nodes, {each.name: {"shop": NEW} for each in nodes}, Policy("cutover")).batches
    assert first.nodes == ("green1",)
