# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re

import pytest

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.show._history import history_lines, runs

NODES = ["blue1", "blue2", "green1", "green2"]


def line(what, at="10:00:00", run_id="r1", day=20, **more):
    return {"at": f"2026-11-{day}T{at}Z", "run_id": run_id, "by": "alice@ops1", "what": what, "before": None, "after": None, "result": None, **more}


def packages(before, after, at="10:00:10", **more):
    return line("packages", at, before=before, after=after, **more)


def taken(at="10:00:00", what="lock acquired", **more):
    return line(what, at, reason="release 2.0.0", **more)


def released(at="10:01:00", result="complete", **more):
    return line("lock released", at, result=result, **more)


def only(*lines, holder=None):
    (run,) = runs({"blue1": lines}, {"blue1": holder})
    return run


def test_the_table():
    swap = [taken(), packages(["shop-1.0.0-1.noarch"], ["shop-2.0.0-1.noarch"]), released()]
    late = [taken("11:00:00", run_id="r2"), line("heartbeat shop", "11:00:05", "r2", by="alice@ops1")]
    journals = {name: [*swap, *(late if name == "blue1" else [])] for name in NODES[:3]}
    journals["green2"] = swap
    assert history_lines(runs(journals, {}), NODES, {"green9": "it is unreachable"}, {}) == [
        "run  began                 took  who         did                           nodes  result       sanity test",
        "---  --------------------  ----  ----------  ----------------------------  -----  -----------  -----------",
        "r1   2026-11-20T10:00:00Z  60 s  alice@ops1  shop-1.0.0-1 -> shop-2.0.0-1  all 4  complete     -",
        "r2   2026-11-20T11:00:00Z  5 s   alice@ops1  release 2.0.0                 blue1  interrupted  -",
        "green9 was not read: it is unreachable",
    ]


def test_no_run():
    assert history_lines([], NODES, {}, {}) == ["No run is in the journals."]


def test_the_order_is_that_of_time_and_not_of_nodes():
    journals = {"blue1": [taken("12:00:00", run_id="r2")], "green1": [taken("11:00:00", run_id="r1"), taken("13:00:00", run_id="r3")]}
    assert [run.run_id for run in runs(journals, {})] == ["r1", "r2", "r3"]


@pytest.mark.parametrize(
    "lines, result",
    [
        ([taken(), released()], "complete"),
        ([taken(), released(result="failed")], "refused"),
        ([taken(), line("drain", "10:00:30"), released(result="failed")], "failed"),
        ([taken()], "interrupted"),
        ([taken(what="lock taken over")], "interrupted"),
        ([taken(), released(result="interrupted", day=23)], "interrupted"),
        ([released()], "complete"),
        ([released(result=None)], "complete"),
        ([line("heartbeat shop")], "-"),
    ],
)
def test_how_it_ended(lines, result):
    assert only(*lines).result == result


def test_it_ended_as_its_worst_node():
    (run,) = runs({"blue1": [taken(), released()], "blue2": [taken()]}, {})
    assert run.result == "interrupted"
    (run,) = runs({"blue1": [taken(), released(result="failed")], "blue2": [taken(), line("drain", "10:00:30")]}, {})
    assert run.result == "failed"


def test_a_run_that_holds_a_lock_is_running():
    assert only(taken(), holder={"run_id": "r1"}).result == "running"
    assert only(taken(), holder={"run_id": "r9"}).result == "interrupted"


def test_the_time_until_its_lock_was_cleared_away_is_not_its_own():
    assert only(taken(), line("heartbeat shop", "10:00:30"), released("09:00:00", "interrupted", day=23)).took_s == 30
    assert only(released("09:00:00", "interrupted")).took_s == 0
    assert only(taken(), released("10:05:00")).took_s == 300


@pytest.mark.parametrize(
    "before, after, did",
    [
        (["shop-1.0.0-1.noarch"], ["shop-2.0.0-1.noarch"], "shop-1.0.0-1 -> shop-2.0.0-1"),
        ([], ["shop-2.0.0-1.noarch"], "nothing -> shop-2.0.0-1"),
        (None, ["shop-2.0.0-1.noarch"], "nothing -> shop-2.0.0-1"),
        (["shop-2.0.0-1.noarch"], [], "shop-2.0.0-1 -> nothing"),
        (["a-1-1.x86_64", "b-c-1-1.x86_64"], ["a-2-1.x86_64", "b-c-2-1.x86_64"], "a-1-1 -> a-2-1; b-c-1-1 -> b-c-2-1"),
        (["a-1-1.noarch", "lib-1-1.noarch"], ["a-2-1.noarch", "lib-1-1.noarch"], "a-1-1 -> a-2-1"),
        ([], [f"p{number}-1-1.noarch" for number in range(5)], "nothing -> p0-1-1; nothing -> p1-1-1; nothing -> p2-1-1; 2 more"),
        (["a-1-1.noarch"], ["a-1-1.noarch"], "release 2.0.0"),
    ],
)
def test_what_it_did(before, after, did):
    assert only(taken(), packages(before, after), released()).did == did


def test_what_it_could_not_do():
    assert only(packages(["a-1-1.noarch"], ["a-2-1.noarch"], result="failed")).did == "a-1-1 -> a-2-1 (failed)"


def test_without_packages_and_reason_it_is_told_by_its_acts():
    assert only(line("migration orders"), line("migration baskets")).did == "migration orders, migration baskets"


@pytest.mark.parametrize(
    "touched, shown",
    [([], "-"), (["green1", "blue1"], "blue1, green1"), (NODES, "all 4"), ([f"n{number}" for number in range(5)], "5 of 6")],
)
def test_which_nodes(touched, shown):
    nodes = NODES if set(touched) <= set(NODES) else [f"n{number}" for number in range(6)]
    told = runs({name: [taken(), *([line("heartbeat shop")] if name in touched else []), released()] for name in nodes}, {})
    assert re.split("  +", history_lines(told, nodes, {}, {})[-1])[-3:] == [shown, "complete", "-"]


def sanity_test(answers, compare=None, component="shop"):
    return line("sanity test", "10:00:20", after={component: {"checks": 2, "answers": answers, "slowest_s": 0.1, "commands": [], "compare": compare or {}}})


@pytest.mark.parametrize(
    "of_blue1, of_blue2, shown",
    [
        ([], [], "-"),
        ([sanity_test(3)], [sanity_test(4)], "7 answers"),
        ([sanity_test(3), sanity_test(2, component="basket")], [], "5 answers"),
        ([sanity_test(3, {"compared": 50, "differences": 2})], [sanity_test(3, {"compared": 50, "differences": 2})], "6 answers, 2 of 50 differ"),
        ([line("sanity test")], [], "-"),
    ],
)
def test_what_the_sanity_tests_showed(of_blue1, of_blue2, shown):
    (run,) = runs({"blue1": [taken(), *of_blue1], "blue2": [taken(), *of_blue2]}, {})
    assert run.tested == shown


def override(*passed, reason="CHG-4711", **more):
    return line("override", after={"reason": reason, "passed": list(passed)}, **more)


def test_what_was_passed_is_told_once_with_who_when_and_why():
    first, again = override("HS-PEAK: too much", at="10:00:01"), override("HS-PEAK: too much", "HS-MIN-LIVE: 1 of 2", at="10:00:30")
    (run,) = runs({"blue1": [taken(), first, released()], "blue2": [taken(), first, again, released()]}, {})
    told = [
        "Run r1: alice@ops1 passed HS-PEAK: too much (at 2026-11-20T10:00:01Z, because CHG-4711)",
        "Run r1: alice@ops1 passed HS-MIN-LIVE: 1 of 2 (at 2026-11-20T10:00:30Z, because CHG-4711)",
    ]
    assert run.passed == told and history_lines([run], NODES, {}, {})[-2:] == told
    # What is passed is no act.
    assert run.nodes == [] and only(taken(), first, released(result="failed")).result == "refused"


def test_without_an_override_nothing_is_told():
    assert only(taken(), released()).passed == []


def test_what_a_journal_says_of_it_stays_one_line():
    assert all("\n" not in text for text in history_lines([only(taken(), override("HS-PEAK: a\nPLAN nothing to do", reason="x\ny"))], NODES, {}, {}))
