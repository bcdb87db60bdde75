# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._refusals import Override
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._evidence import read_node
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._interlock import Limits
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._planner import Policy, plan
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.show._report import (
    eta_s,
    next_lines,
    plan_lines,
    standing_by_lines,
    status_lines,
    table,
    waits_s,
)

NAMES = ["blue1", "blue2", "green1", "green2"]
BALANCERS = (
    {"name": "live", "follows": "live", "path": "/heartbeat/live", "addresses": ["10.0.0.5"], "fall": 3, "rise": 2, "probers": 1},
    {"name": "standby", "follows": "standby", "path": "/heartbeat/standby", "addresses": ["10.0.0.5"], "fall": 3, "rise": 2, "probers": 1},
)
POLICY = Policy(limits=Limits(load_balancers=BALANCERS))
WANTED = dict.fromkeys(NAMES, {"shop": "shop-2.0.0-1.noarch"})


@pytest.fixture
def nodes(said):
    def build(default=None, **changes):
        return [read_node(name, name[:-1], changes.get(name, default or said())) for name in NAMES]

    return build


def test_nothing_to_do(nodes, said):
    new = nodes(said("2.0.0"))
    assert plan_lines(plan(new, WANTED, POLICY), new, POLICY) == ["PLAN nothing to do: all 4 nodes are live, healthy and on shop-2.0.0-1.noarch"]


def test_files_that_differ_are_shown(nodes, said):
    mixed = nodes(blue1=said(differing=["/opt/shop/app.py (size)"]))
    found = plan(mixed, dict.fromkeys(NAMES, {"shop": "shop-1.0.0-1.noarch"}), POLICY)
    lines = plan_lines(found, mixed, POLICY)
    assert described(lines)[0][0] == "1 blue1 shop-1.0.0-1.noarch the same, with its own files 3 of 4"
    assert any(line.startswith("WARNING: blue1: shop: 1 file on the disk differs") for line in lines)
    assert "1 file on the disk differs from shop-1.0.0-1.noarch (/opt/shop/app.py (size))" in status_lines(mixed)[2]


def test_a_refusal_names_every_reason(nodes):
    found = plan(nodes(green2={"unreachable": True}), WANTED, POLICY)
    assert plan_lines(found, nodes(), POLICY) == ["PLAN refused:", "  HS-UNREAD: green2: it is unreachable"]


def described(lines):
    """The table of a plan: what is done, and the waits that are expected; a row each."""
    rule = next(line for line in lines if set(line) == {"-", " "})
    at = rule.rindex(" ") + 1
    rows = [line for line in lines[lines.index(rule) + 1 :] if line[0].isdigit()]
    return [(" ".join(row[:at].split()), row[at:]) for row in rows]


BLUE = ["1 blue1 shop-1.0.0-1.noarch shop-2.0.0-1.noarch 2 of 4", "1 blue2 shop-1.0.0-1.noarch shop-2.0.0-1.noarch 2 of 4"]
GREEN = ["2 green1 shop-1.0.0-1.noarch shop-2.0.0-1.noarch 2 of 4", "2 green2 shop-1.0.0-1.noarch shop-2.0.0-1.noarch 2 of 4"]


def test_the_plan_as_a_change_board_reads_it(nodes, said):
    seen = dict(said(), record={"out_s": 6.7, "beside_s": 4.0, "previous": [], "cut_off": None})
    found = plan(nodes(seen), WANTED, POLICY)
    lines = plan_lines(found, nodes(seen), POLICY)
    waits = "settle 1.5 s, drain to sanity test 5.2 s, settle 1.0 s, between them 4.0 s"
    assert lines[0] == f"PLAN {found.digest}: halves, 2 batches, ETA about 23.4 s"
    assert lines[1].split("  ")[0] == "batch" and lines[1].endswith("  nodes serving meanwhile  expected") and len(lines) == 7
    assert described(lines) == [(BLUE[0], waits), (BLUE[1], ""), (GREEN[0], waits), (GREEN[1], "")]


def test_a_watched_batch_costs_what_the_last_run_measured_beside_its_waits(nodes, said):
    """Issue 13: 63.6 s were planned, and 88.9 s it took: 6.3 s in each of four batches, for which nobody waits and which nobody had measured."""
    record = {"out_s": 4.9, "beside_s": 6.3, "previous": [], "cut_off": None}
    # One node was busy when it was measured; the others say how it is.
    seen = nodes(dict(said(), record=record), green2=dict(said(), record={**record, "beside_s": 60.0}))
    policy = replace(POLICY, strategy="rolling", observe_s=10.0)
    found = plan(seen, WANTED, policy)
    assert len(found.batches) == 4
    assert eta_s(found, seen, policy) == (pytest.approx(4 * (4.9 + 1.0 + 10.0 + 6.3)), True)
    assert waits_s(found, seen, policy) == pytest.approx(4 * (1.0 + 10.0))


def test_each_wait_of_a_cutover_is_counted_once(nodes, said):
    policy = replace(POLICY, strategy="cutover", confirm_after_s=30.0)
    seen = nodes(dict(said(), record={"out_s": 5.0, "beside_s": 6.0, "previous": [], "cut_off": None}))
    found = plan(seen, WANTED, policy)
    whole, certain = eta_s(found, seen, policy)
    # Of each that is swapped what it is out and what comes beside it; the rest are waits.
    assert certain and len(found.batches) == 2 and whole == pytest.approx(2 * (5.0 + 6.0) + waits_s(found, seen, policy))
    assert waits_s(found, seen, policy) == pytest.approx(30.0 + 2 * 1.0 + 1.5)


def test_a_first_deployment_does_not_know_how_long_it_takes(nodes):
    found = plan(nodes(), WANTED, POLICY)
    lines = plan_lines(found, nodes(), POLICY)
    assert lines[0] == f"PLAN {found.digest}: halves, 2 batches, ETA more than 5.0 s"
    assert described(lines)[2] == (GREEN[0], "settle 1.5 s, drain to sanity test ?, settle 1.0 s, between them ?")
    assert lines[-1].startswith("Drain, installation, start and sanity test, and what comes between the waits: as long as the last time")


def test_the_plan_of_a_cutover(nodes):
    policy = replace(POLICY, strategy="cutover", confirm_after_s=7200)
    found = plan(nodes(), WANTED, policy)
    lines = plan_lines(found, nodes(), policy)
    stays = ["1 green1 shop-1.0.0-1.noarch stands by with it 2 of 4", "1 green2 shop-1.0.0-1.noarch stands by with it 2 of 4"]
    rows = described(lines)
    assert [row for row, _waits in rows[:4]] == [*BLUE, *stays]
    assert rows[0][1] == "settle 1.5 s, drain to sanity test ?, settle 1.0 s, the others out 1.5 s, observe 2.0 h, between them ?"


def test_the_end_of_a_cutover(nodes, said):
    old = said(state="standby")
    found = nodes(said("2.0.0"), green1=old, green2=old)
    assert plan_lines(plan(found, WANTED, replace(POLICY, strategy="cutover")), found, POLICY) == [
        "PLAN nothing to do: 2 of 4 nodes are live, healthy and on shop-2.0.0-1.noarch; "
        "not live: green1 with shop-1.0.0-1.noarch, green2 with shop-1.0.0-1.noarch"
    ]


def has_served(said, *versions):
    """What a node says that has served these releases, the last first."""
    current, *previous = [{"shop": f"shop-{version}-1.noarch"} for version in versions]
    return {
        **said,
        "record": {
            "current": current,
            "deployment": "",
            "previous": [{"deployment": "", "packages": each} for each in previous],
            "out_s": None,
            "cut_off": None,
            "phase": "SERVING",
        },
    }


def test_what_comes_next(nodes, said):
    assert next_lines(nodes()) == [
        "Nothing is half done: every node serves the same release. Once what is said above is mended, run the same command again.",
        "halfswap.bluegreen.history shows what was done.",
    ]
    out = next_lines(nodes(has_served(said(), "1.0.0"), blue1=has_served(said("2.0.0", state="standby"), "1.0.0")))
    assert out[0].startswith("It is half done: run the same command again")
    assert out[1:3] == [
        "Or halfswap.bluegreen.rollback, which goes back to shop-1.0.0-1.noarch: every node has served it.",
        "Or halfswap.bluegreen.all_live, which lets every healthy node serve what it has installed.",
    ]
    assert "all_live" not in "".join(next_lines(nodes(blue1=said("2.0.0", state="standby", healthy=False))))


def empty(said):
    """As a node is after setup, with no package of the application."""
    return said(None, state="standby", healthy=False, active=False)


def test_nothing_is_half_done_where_nothing_is_installed(nodes, said):
    for checked in (True, False):
        lines = next_lines(nodes(empty(said)), checked)
        assert ("This run changed nothing (--check)." in lines) is checked
        assert "Nothing is half done: no node has a package installed." in "".join(lines)
        assert not any(name in "".join(lines) for name in ("rollback", "all_live", "It is half done"))


def test_the_first_deployment_stopped_after_its_first_half(nodes, said):
    new = said("2.0.0")
    lines = next_lines(nodes(empty(said), blue1=new, blue2=new))
    assert lines[0].startswith("It is half done: ") and "rollback" not in "".join(lines)
    none = next_lines(nodes(empty(said), blue1=said("2.0.0", state="standby"), blue2=empty(said)))
    assert none[0].startswith("No node serves. It is half done: ")


def test_who_only_looked_has_left_nothing_half_done(nodes, said):
    """Somebody else did, before."""
    lines = next_lines(nodes(blue1=said("2.0.0", state="standby")), True)
    assert lines[:2] == [
        "This run changed nothing (--check).",
        "It is half done: run the same command without --check, and it goes on from here; what does not serve comes first.",
    ]


def test_a_node_that_is_ill_is_no_half_done_deployment(nodes, said):
    (first, *rest) = next_lines(nodes(green1=said(healthy=False)))
    assert first.startswith("Nothing is half done: every node is live on the same release. Not healthy: green1.") and len(rest) == 1


def test_nobody_knows_of_a_node_that_could_not_be_read(nodes, said):
    """What goes by all nodes would refuse, so it is not offered."""
    lines = next_lines(nodes(has_served(said("2.0.0"), "2.0.0", "1.0.0"), blue2={"unreachable": True}, green1=said("1.0.0", state="standby")))
    assert lines[0].startswith("Nobody knows whether it is half done: blue2 could not be read.") and len(lines) == 2


@pytest.mark.parametrize(
    "served, offered",
    [
        ((), False),
        (("2.0.0",), False),
        (("2.0.0", "1.0.0"), True),
        (("1.0.0", "0.9.0"), True),
    ],
)
def test_rollback_is_offered_where_something_precedes(nodes, said, served, offered):
    new = said("2.0.0")
    lines = next_lines(nodes(has_served(new, *served) if served else new))
    assert any("halfswap.bluegreen.rollback" in line for line in lines) is offered


def test_a_release_that_a_migration_cut_off_is_no_way_back(nodes, said):
    cut = has_served(said("2.0.0"), "2.0.0")
    cut["record"]["cut_off"] = {"previous": [{"deployment": "", "packages": {"shop": "shop-1.0.0-1.noarch"}}], "why": "migration shop was run"}
    assert "rollback" not in "".join(next_lines(nodes(cut)))


def cut_over(nodes, said):
    new, old = has_served(said("2.0.0"), "2.0.0", "1.0.0"), has_served(said(state="standby"), "1.0.0")
    return nodes(new, green1=old, green2=old)


def test_a_cut_over_is_to_be_confirmed(nodes, said):
    assert standing_by_lines(cut_over(nodes, said)) == [
        "green1, green2 stand by on shop-1.0.0-1.noarch. halfswap.bluegreen.confirm lets them follow to shop-2.0.0-1.noarch, which serves. "
        "Until then halfswap.bluegreen.rollback goes back to them with one flip."
    ]
    lines = next_lines(cut_over(nodes, said))
    assert lines[0].startswith("Nothing is half done: one half serves, and the other one stands by.")
    assert lines[1:-1] == standing_by_lines(cut_over(nodes, said)) and "all_live" not in "".join(lines)


def test_a_cut_over_that_went_back_has_no_further_way_back(nodes, said):
    new, old = has_served(said("2.0.0", state="standby"), "2.0.0", "1.0.0"), has_served(said(), "1.0.0")
    assert standing_by_lines(nodes(old, blue1=new, blue2=new)) == [
        "blue1, blue2 stand by on shop-2.0.0-1.noarch. halfswap.bluegreen.confirm lets them follow to shop-1.0.0-1.noarch, which serves."
    ]


def test_what_is_no_cut_over(nodes, said):
    new, old = has_served(said("2.0.0"), "2.0.0", "1.0.0"), has_served(said(state="standby"), "1.0.0")
    held = has_served(said("2.0.0", state="standby"), "1.0.0")
    for found in (
        nodes(),
        nodes(new),
        # Held in standby after a failure: what it has was never served.
        nodes(has_served(said(), "1.0.0"), blue1=held, blue2=held),
        nodes(new, green1=old, green2=has_served(said(state="standby", healthy=False), "1.0.0")),
        nodes(new, green1=old, green2=has_served(said(), "1.0.0")),
        nodes(new, green1=old, green2={"unreachable": True}),
        nodes(new, green2=old),
        nodes(old),
    ):
        assert standing_by_lines(found) == []


def test_the_status_names_what_is_wrong(nodes, said):
    shown = "\n".join(status_lines(nodes(blue1=said(healthy=False), blue2={"unreachable": True}, green1=said(release="9", since_s=7200.0))))
    assert "blue1   blue   shop       live, down" in shown
    assert "blue2   blue   -          unread" in shown and "it is unreachable" in shown
    assert "2.0 h" in shown and "it reports release 9" in shown
    assert shown.endswith("2 of 4 nodes serve.")


def test_columns_are_as_wide_as_needed():
    assert table(("a", "b"), [("1", "long"), ("22", "x")]) == ["a   b", "--  ----", "1   long", "22  x"]


def test_a_guess_is_marked_as_one(nodes, said):
    unseen = dict(said(), record={"out_s": 8.7, "previous": [], "cut_off": None})
    unseen["components"][0]["heartbeat"]["probers"] = None
    policy = Policy(limits=Limits(load_balancers=({**BALANCERS[0], "interval_s": 2.0}, BALANCERS[1])))
    found = plan(nodes(unseen), WANTED, policy)
    rows = described(plan_lines(found, nodes(unseen), policy))
    assert [waits for _row, waits in rows] == ["settle 6.5 s (guess), drain to sanity test 2.2 s, settle 4.5 s (guess), between them ?", ""] * 2
    shown = "\n".join(status_lines(nodes(unseen, blue1=said(since_s=None))))
    assert "unknown probers" in shown


def test_what_is_otherwise_than_declared_is_below_the_plan(nodes, said):
    policy = Policy(limits=Limits(load_balancers=({**BALANCERS[0], "interval_s": 2.0}, BALANCERS[1])))
    warnings = [line for line in plan_lines(plan(nodes(), WANTED, policy), nodes(), policy) if line.startswith("WARNING: ")]
    assert len(warnings) == 4 and warnings[0].startswith("WARNING: blue1: shop: load balancer live: prober 10.0.0.5 asks every 0.50 s")


def test_the_status_tells_probers_from_strangers(nodes, said):
    visited = said()
    visited["components"][0]["heartbeat"]["probers"].append(
        {"address": "10.0.0.9", "path": "/heartbeat/live\x1b[2J", "consecutive": dict.fromkeys(("live", "not_live", "standby", "not_standby"), 3)}
        | {"seen": 3, "last_seen_s": 300.0, "interval_s": 1.0}
    )
    shown = status_lines(nodes(blue1=visited), BALANCERS)
    assert shown[2].endswith("2 probers") and "3 probers" not in "".join(shown)
    (stranger,) = [line for line in shown if "10.0.0.9" in line]
    assert stranger.startswith("blue1: shop: no load balancer of this site") and "\\x1b[2J" in stranger and "\x1b" not in "".join(shown)
    # Who does not know the load balancers cannot tell them from others.
    assert "prober" not in "".join(status_lines(nodes(blue1=visited)))


def test_the_status_shows_who_is_at_work(nodes, said):
    mine = {"owner": "alice@ops", "run_id": "r-1", "reason": "release 2.0.0", "since": "2026-11-30T10:00:00Z"}
    held = nodes(blue1=dict(said(), lock=mine), green1=dict(said(), lock={**mine, "run_id": "r-2", "reason": None}), green2=dict(said(), lock=mine))
    assert status_lines(held)[-2:] == [
        "LOCK held by alice@ops (run r-1, release 2.0.0) since 2026-11-30T10:00:00Z on blue1, green2. If that run is dead: "
        "halfswap.bluegreen.unlock -e bluegreen_run_id=r-1",
        "LOCK held by alice@ops (run r-2, no reason given) since 2026-11-30T10:00:00Z on green1. If that run is dead: "
        "halfswap.bluegreen.unlock -e bluegreen_run_id=r-2",
    ]
    assert status_lines(nodes())[-1] == "4 of 4 nodes serve."


def test_what_the_override_passes_is_below_the_plan(nodes, said):
    limits = Limits(load_balancers=BALANCERS, capacity={"shop": 50.0}, override=Override("CHG-4711", ("HS-PEAK",)))
    busy = nodes(said(rate=30.0))
    found = plan(busy, WANTED, replace(POLICY, limits=limits))
    passed = [line for line in plan_lines(found, busy, replace(POLICY, limits=limits)) if line.startswith("PASSED")]
    assert [line.partition(" (blue")[0].partition(" (green")[0] for line in passed] == [
        "PASSED by override, because CHG-4711: HS-PEAK: while batch 1",
        "PASSED by override, because CHG-4711: HS-PEAK: while batch 2",
    ]
    assert plan_lines(plan(busy, WANTED, replace(POLICY, limits=replace(limits, override=Override()))), busy, POLICY)[0] == "PLAN refused:"


def test_the_status_shows_the_override_of_the_run_that_is_at_work(nodes, said):
    lock = {"run_id": "r1", "owner": "alice@ops1", "reason": "release 2.0.0, override of HS-PEAK: CHG-4711", "since": "2026-11-20T10:00:00Z"}
    assert "release 2.0.0, override of HS-PEAK: CHG-4711" in status_lines(nodes(dict(said(), lock=lock)))[-1]


@pytest.fixture
def foreign(said):
    def build(**changes):
        defaults = {"release": None, "active": False, "installed_at": None, "started_at": None, "replaces": "old", "replaced_active": True}
        return {**said(None, **{**defaults, **changes}), "record": {"current": {"shop": None}, "deployment": "", "previous": [], "cut_off": None}}

    return build


def test_what_was_adopted_is_shown_as_unknown(nodes, foreign):
    here = nodes(foreign())
    lines = plan_lines(plan(here, WANTED, POLICY), here, POLICY)
    assert described(lines)[0][0] == "1 blue1 unknown (adopted) shop-2.0.0-1.noarch 2 of 4"
    assert not any(line.startswith("NO WAY BACK") for line in lines)
    assert "unknown (adopted)" in status_lines(here)[2] and "4 of 4 nodes serve." in status_lines(here)
    assert plan_lines(plan(here, dict.fromkeys(NAMES, {"shop": None}), POLICY), here, POLICY) == [
        "PLAN nothing to do: all 4 nodes are live, healthy and on unknown (adopted)"
    ]
    assert "every node serves the same release" in next_lines(here)[0]


def test_a_plan_without_a_way_back_says_so(nodes, foreign):
    here = nodes(foreign(replaces=None, active=True))
    lines = plan_lines(plan(here, WANTED, POLICY), here, POLICY)
    assert [line.partition(":")[0] for line in lines if line.startswith("NO WAY BACK")] == [
        f"NO WAY BACK for {name} once its package is installed" for name in NAMES
    ]


def test_half_of_the_first_deployment_tells_of_no_way_to_roll_back(nodes, foreign, said):
    done = {
        **said("2.0.0"),
        "record": {"current": {"shop": "shop-2.0.0-1.noarch"}, "deployment": "d", "previous": [{"deployment": "", "packages": {"shop": None}}]},
    }
    assert not any("rollback" in line for line in next_lines(nodes(foreign(), blue1=done, blue2=done)))
