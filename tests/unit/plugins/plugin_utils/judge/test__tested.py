# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._tested import of_node, results

BLUE1 = {"nodes": [{"name": "blue1"}], "results": [{"check": "GET /", "node": "blue1", "through": "balancer", "answers": 1, "latency_s": 0.1}]}


def of_loop(name, variable="item", **changes):
    """As Ansible registers one turn of a loop over the components."""
    return {**BLUE1, "ansible_loop_var": variable, variable: {"name": name, "checks": []}, **changes}


def test_a_single_task():
    assert results([BLUE1]) == [{**BLUE1, "component": ""}]
    assert results([{**BLUE1, "component": "shop"}]) == [{**BLUE1, "component": "shop"}]


def test_a_loop_over_the_components():
    said = {"changed": False, "msg": "All items completed", "results": [of_loop("shop"), of_loop("cart")]}
    assert [row["component"] for row in results([said])] == ["shop", "cart"]
    assert all(row["nodes"] == [{"name": "blue1"}] for row in results([said]))


def test_a_loop_with_a_variable_of_its_own():
    said = {"results": [of_loop("shop", "__swap_component")]}
    assert [row["component"] for row in results([said])] == ["shop"]


def test_a_loop_over_something_else_has_no_component():
    said = {"results": [{**BLUE1, "ansible_loop_var": "item", "item": "shop"}]}
    assert [row["component"] for row in results([said])] == [""]


def test_one_task_for_all_components():
    said = {"tests": [{**BLUE1, "component": "shop", "batch_id": "r2/1"}, {"component": "cart", "batch_id": "r2/1", "failed": True}]}
    assert [(row["component"], row.get("failed", False)) for row in results([said], "r2/1")] == [("shop", False), ("cart", True)]
    # Shown of another batch, none of it counts.
    assert [row.get("failed", False) for row in results([said], "r2/2")] == [True, True]
    assert results([{"tests": []}]) == [{"tests": [], "component": ""}]


def test_a_list_of_results():
    assert [row["component"] for row in results([[{**BLUE1, "component": "shop"}, {**BLUE1, "component": "cart"}]])] == ["shop", "cart"]


def test_what_failed_stays_failed():
    """It is not left out: whoever asks for every component must see it."""
    (row,) = results([{"failed": True, "msg": "HTTP 500"}])
    assert row["failed"] is True
    said = {"failed": True, "results": [of_loop("shop"), of_loop("cart", failed=True)]}
    assert [row.get("failed", False) for row in results([said])] == [False, True]


NOTHING = [{"failed": True, "component": ""}]


def test_what_was_skipped_has_not_passed():
    assert results([{"skipped": True, "skip_reason": "Conditional result was False"}]) == NOTHING
    assert results([{"skipped": True, "results": [], "skipped_reason": "No items in the list"}]) == NOTHING
    some = results([{"results": [of_loop("shop"), of_loop("cart", skipped=True)]}])
    assert [(row["component"], row.get("failed", False)) for row in some] == [("shop", False), ("cart", True)]
    assert results([[{**BLUE1, "skipped": True}]]) == NOTHING
    assert results([{"results": [of_loop("shop", skipped=True)]}]) == [{"failed": True, "component": "shop"}]


def test_a_loop_whose_turns_test_several_components():
    """Over the load balancers, for instance, with all components in each turn."""
    turn = {"ansible_loop_var": "item", "item": "lb1", "tests": [{**BLUE1, "component": "shop"}, {"component": "cart", "failed": True}]}
    said = {"results": [turn, {**turn, "item": "lb2"}], "failed": True}
    assert [(row["component"], row.get("failed", False)) for row in results([said])] == [("shop", False), ("cart", True)] * 2
    assert results([{"results": [turn]}])[0]["nodes"] == BLUE1["nodes"]


def test_a_loop_that_ended_before_its_first_turn():
    assert [row["failed"] for row in results([{"failed": True, "msg": "no such variable", "results": []}])] == [True]


@pytest.mark.parametrize("said", ["passed", True, 7, ["passed"], [None, 7], {"results": ["passed"]}, [[["passed"]]]])
def test_what_is_no_result_has_not_passed(said):
    """Whatever somebody registered, or set, under that name: no node is among what it shows."""
    (row,) = results([said])
    assert not row.get("nodes")


def test_what_was_never_registered_has_not_passed():
    assert results([]) == []
    assert results([None]) == results([[]]) == NOTHING
    assert results([None, []]) == NOTHING * 2
    # Not even its nodes: an empty result is none of a test that passed.
    assert [row.get("nodes") for row in results([{}])] == [None]


def test_what_was_shown_of_another_batch_has_not_passed():
    """The same host may have tested the release that is taken back here."""
    of_batch = {"results": [of_loop("shop", item={"name": "shop", "batch_id": "r2/1"})]}
    further = [{**BLUE1, "component": "shop", "batch_id": "r2/1"}]
    assert [row.get("failed", False) for row in results([of_batch, further], "r2/1")] == [False, False]
    assert [row.get("failed", False) for row in results([of_batch, further], "r2/1/undo/1")] == [True, True]


def test_several_variables_together():
    assert [row["component"] for row in results([{"results": [of_loop("shop")]}, [{**BLUE1, "component": "cart"}]])] == ["shop", "cart"]


def check(node, answers=1, latency_s=0.1, through="balancer", name="GET /"):
    return {"check": name, "node": node, "through": through, "answers": answers, "latency_s": latency_s}


def test_what_the_journal_of_a_node_has_of_it():
    rows = [check("blue1"), check("blue2", 5, 9.0), check("blue1", 2, 0.3, "node"), check(None, through="command", name="pytest")]
    tested = {"component": "shop", "results": rows, "compare": {"compared": 9}}
    assert of_node([tested], "blue1") == {"shop": {"checks": 2, "answers": 3, "slowest_s": 0.3, "commands": ["pytest"], "compare": {"compared": 9}}}
    assert of_node([tested], "green1") == {}
    assert of_node([{**tested, "component": ""}], "blue1") == {}


def test_what_is_further_stands_for_what_was_before():
    """A component that is tested further has its checks through the load balancer in the same result."""
    tests = results([{"results": [of_loop("shop")]}, [{**BLUE1, "component": "shop", "results": [*BLUE1["results"], check("blue1", 4)]}]])
    assert of_node(tests, "blue1")["shop"]["answers"] == 5
