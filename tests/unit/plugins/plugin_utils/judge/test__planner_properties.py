# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds of every plan, whatever the nodes say. What becomes of plans is the subject of tests/model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import groupby

from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._refusals import Refusal
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._evidence import Component, Node
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._interlock import Limits
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._planner import STRATEGIES, Policy, plan

settings.register_profile("planner", deadline=None, max_examples=100, derandomize=True)
planner = settings.get_profile("planner")

RELEASES = ["1.0.0", "1.5.0", "2.0.0"]
WANTED = {"shop": "shop-2.0.0-1", "search": "search-2.0.0-1"}


@st.composite
def components(draw, name: str) -> Component:
    version = draw(st.sampled_from([*RELEASES, "2.0.0", None]))
    installed_at = None if version is None else 100.0
    started_at = draw(st.sampled_from([200.0, 200.0, 200.0, 50.0, None]))
    healthy = started_at is not None and draw(st.sampled_from([True, True, False]))
    return Component(
        name=name,
        package=name,
        state=draw(st.sampled_from(["live", "live", "standby"])),
        healthy=healthy,
        why="HTTP 200" if healthy else "HTTP 503",
        revision=draw(st.integers(1, 9)),
        run_id=None,
        since_s=draw(st.sampled_from([0.0, 30.0, 9000.0])),
        nevra=f"{name}-{version}-1" if version else None,
        version=version,
        release=draw(st.sampled_from([version, version, version, "0.1", None])),
        active=started_at is not None,
        installed_at=installed_at,
        started_at=started_at,
        served=None,
        served_in_s=0.0,
        rate_per_s=draw(st.sampled_from([None, 0.0, 12.5])),
        status={"probers": []},
    )


@st.composite
def applications(draw) -> list[Node]:
    names = draw(st.sampled_from([["shop"], ["shop", "search"]]))
    unread = draw(st.sampled_from([False] * 9 + [True]))
    found = []
    for stack in ("blue", "green"):
        for number in range(1, draw(st.integers(1, 4)) + 1):
            lost = unread and draw(st.booleans())
            described = () if lost else tuple(draw(components(name)) for name in names)
            found.append(Node(f"{stack}{number}", stack, described, unread="it is unreachable" if lost else ""))
    return found


@st.composite
def policies(draw, *strategies: str) -> Policy:
    limits = Limits(
        min_live=draw(st.sampled_from([0, 0, 1, 2, 5])),
        max_unavailable=draw(st.sampled_from([0, 0, 0, 1, 2, 3])),
        capacity=draw(st.sampled_from([{}, {}, {"shop": 20.0}])),
        without=draw(st.sampled_from([(), (), ("dead",)])),
    )
    return Policy(
        strategy=draw(st.sampled_from(strategies or list(STRATEGIES))),
        batch_size=draw(st.integers(1, 4)),
        exclusive=draw(st.booleans()),
        confirm_after_s=draw(st.sampled_from([None, 60.0])),
        observe_s=draw(st.sampled_from([0.0, 10.0])),
        limits=limits,
    )


def planned(nodes: Sequence[Node], policy: Policy):
    if policy.strategy == "all_live":
        return plan(nodes, {node.name: node.nevras for node in nodes}, policy)
    return plan(nodes, {node.name: {c.name: WANTED[c.name] for c in node.components} for node in nodes}, policy)


def undone(nodes: Sequence[Node]) -> set[str]:
    return {node.name for node in nodes if not (node.serving and node.ready({c.name: WANTED[c.name] for c in node.components}))}


@planner
@given(applications(), policies())
def test_the_same_question_has_the_same_answer(nodes, policy):
    first, second = planned(nodes, policy), planned(list(nodes), policy)
    assert first == second
    assert first.digest == second.digest


@planner
@given(applications(), policies())
def test_either_batches_or_refusals(nodes, policy):
    found = planned(nodes, policy)
    assert not (found.batches and found.refusals)
    assert all(isinstance(reason, Refusal) and reason for reason in found.refusals)
    assert len(set(found.refusals)) == len(found.refusals)
    if any(node.unread for node in nodes):
        assert found.refusals == tuple(f"{node.name}: it is unreachable" for node in nodes if node.unread)


@planner
@given(applications(), policies())
def test_a_plan_is_json(nodes, policy):
    found = planned(nodes, policy)
    shown = json.loads(json.dumps(found.as_dict()))
    assert [batch["nodes"] for batch in shown["batches"]] == [list(batch.nodes) for batch in found.batches]
    assert shown["refusals"] == [refusal.told for refusal in found.refusals]


@planner
@given(applications(), policies("halves", "cutover", "all_live"), st.randoms(use_true_random=False))
def test_the_order_within_a_stack_makes_no_difference(nodes, policy, random):
    def shape(found):
        return [(set(batch.nodes), set(batch.retire), set(batch.staying), set(batch.serving_after), batch.exclusive) for batch in found.batches]

    order = {node.name: random.random() for node in nodes}
    shuffled = [node for _stack, members in groupby(nodes, key=lambda node: node.stack) for node in sorted(members, key=lambda node: order[node.name])]
    first, second = planned(nodes, policy), planned(shuffled, policy)
    if policy.strategy == "all_live":
        # There the releases come in the order of the nodes that have them.
        assert sorted(sorted(batch.nodes) for batch in first.batches) == sorted(sorted(batch.nodes) for batch in second.batches)
    else:
        assert shape(first) == shape(second)
    assert bool(first.refusals) == bool(second.refusals)


@planner
@given(applications(), policies("halves", "rolling"))
def test_every_node_that_is_not_done_is_in_one_batch(nodes, policy):
    found = planned(nodes, policy)
    if not found.refusals:
        assert sorted(name for batch in found.batches for name in batch.nodes) == sorted(undone(nodes))
        assert all(batch.nodes and not batch.retire and not batch.exclusive for batch in found.batches)
        assert [batch.number for batch in found.batches] == list(range(1, len(found.batches) + 1))


@planner
@given(applications(), policies("rolling"))
def test_a_batch_is_never_larger_than_it_may_be(nodes, policy):
    allowed = policy.limits.max_unavailable - len(policy.limits.without) if policy.limits.max_unavailable else policy.batch_size
    for batch in planned(nodes, policy).batches:
        assert len(batch.nodes) <= max(1, min(policy.batch_size, allowed))


@planner
@given(applications(), policies("halves", "rolling", "cutover"))
def test_what_leaves_leaves_enough(nodes, policy):
    limits = policy.limits
    live = {node.name for node in nodes if node.live}
    counted = {node.name for node in nodes if node.serving and not node.doubts()}
    for batch in planned(nodes, policy).batches:
        assert set(batch.staying) == counted - set(batch.nodes)
        if live & set(batch.nodes):
            assert len(batch.staying) >= max(1, limits.min_live or len(nodes) - len(batch.nodes))
            assert not 0 < limits.max_unavailable < len(nodes) + len(limits.without) - len(batch.staying)
        counted = counted | set(batch.nodes)
        if batch.retire:
            assert not set(batch.retire) & set(batch.serving_after)
            assert len(batch.serving_after) >= max(1, limits.min_live)
        counted = counted - set(batch.retire)
        live = (live | set(batch.nodes)) - set(batch.retire)
        assert set(batch.serving_after) == counted
        assert set(batch.old) <= counted - set(batch.nodes)


@planner
@given(applications(), policies())
def test_a_batch_that_is_taken_back_touches_nobody_else(nodes, policy):
    for batch in planned(nodes, policy).batches:
        if batch.undo:
            undo = batch.undo
            assert set(undo.after) == set(undo.before) == set(undo.nodes)
            assert all(undo.after[name] for name in undo.nodes)
            assert undo.exclusive == batch.exclusive and undo.observe_s == 0.0
            if undo.retire:
                assert set(undo.retire) == set(batch.serving_after) and undo.ready == undo.nodes
            else:
                assert set(undo.nodes) <= set(batch.nodes)
