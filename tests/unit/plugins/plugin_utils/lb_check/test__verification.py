# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Load balancers of which everything is known, simulated, and what is found out about them from the two records alone."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.lb_check._verification import (
    CHECKS,
    FAULT,
    OK,
    OPEN,
    Count,
    Figures,
    Verdict,
    compare_clocks,
    judge,
    judge_restart,
    measured,
    merge,
    phases,
)

NODE = "green1"
OTHERS = ["blue1", "blue2"]
STATES = {NODE: "live", "blue1": "live", "blue2": "live"}

# Once out and in, with the test of the match and the dead heartbeat on the way: [from, what].
STORY = ((0, "live"), (6, "standby"), (12, "test"), (18, "standby"), (24, "gone"), (30, "standby"), (36, "live"), (42, "gone"), (48, "live"))
END_S = 54


def body(path: str, what: str) -> str:
    """What the heartbeat of the node answers."""
    if what == "test":
        word = "standby" if "standby" in path else "live"
        return f"{word}? No: {word}"
    return what


@dataclass
class Balancer:
    """One that checks, counts and distributes as real ones do."""

    name: str = "live"
    follows: str = "live"
    path: str = "/heartbeat/live"
    fall: int = 3
    rise: int = 2
    interval_s: float = 0.5
    # While it is about to change its mind, and while it is out.
    fast_s: float | None = None
    down_s: float | None = None
    match: str | None = None
    # What a check that nobody answers counts for.
    gone_is: bool = False
    served_by: bool = True
    losses: int = 0
    knows: bool = True
    # For how long a request waits for a node.
    hold_s: float = 0.0
    checks: bool = True

    up: bool = field(init=False, default=False)
    run: int = field(init=False, default=0)
    due: float = field(init=False, default=0.0)
    turn: int = field(init=False, default=0)
    # What a check has decided and a busy machine has not done yet.
    decided: list[tuple[float, bool]] = field(init=False, default_factory=list)

    def good(self, what: str) -> bool:
        if what == "gone":
            return self.gone_is
        return bool(re.search(self.match or f"^{self.follows}$", body(self.path, what)))

    def check(self, now: float, what: str, late_s: float = 0.0) -> bool:
        """Whether there was one. late_s: until its answer is handled, and so until the next one begins to be due."""
        if now < self.due or not self.checks:
            return False
        good = self.good(what)
        up = self.decided[-1][1] if self.decided else self.up
        self.run = self.run + 1 if good != up else 0
        if self.run >= (self.rise if good else self.fall):
            up, self.run = good, 0
            self.decided.append((now + late_s, up))
        changing, out = self.run > 0, not up
        self.due += late_s
        self.due += (self.fast_s if changing and self.fast_s else self.down_s if out and self.down_s else None) or self.interval_s
        return True

    def node(self, now: float) -> str | None:
        while self.decided and self.decided[0][0] <= now:
            self.up = self.decided.pop(0)[1]
        pool = [name for name in OTHERS if STATES[name] == self.follows] + ([NODE] if self.up and self.knows else [])
        self.turn += 1
        return pool[self.turn % len(pool)] if pool else None


@dataclass
class Users:
    """Who else sends requests: as steadily as a clock, or as people do."""

    rate: float
    steady: bool = False
    # As many at once each time.
    burst: int = 1

    def wait_s(self, chance: random.Random) -> float:
        return self.burst / self.rate * (chance.uniform(0.99, 1.01) if self.steady else chance.expovariate(1.0))


def busy(chance: random.Random, slow_s: float) -> float:
    """How late something is on a machine with too much to do: most of it hardly, some of it very."""
    return chance.uniform(0.2, 1.0) * slow_s if slow_s and chance.random() < 0.1 else 0.0


def simulate(
    *balancers: Balancer,
    story: Sequence[tuple[float, str]] = STORY,
    ahead_s: float = 0.0,
    dates: bool = True,
    rate: float = 40.0,
    seed: int = 1,
    users: Users | None = None,
    slow_s: float = 0.0,
):
    """What lb_watch and lb_traffic record.

    ahead_s: by how much the clock of the node is ahead of that of the client. slow_s: how late a busy machine handles things at most.
    """
    chance = random.Random(seed)
    node_clock = 1_795_000_000.0
    probers: dict[tuple[str, str], list[list[Any]]] = {}
    streams = {balancer.name: [] for balancer in balancers}
    for balancer in balancers:
        balancer.due = chance.uniform(0, balancer.interval_s) - 3 * balancer.interval_s * (balancer.rise + balancer.fall)
        while balancer.checks and balancer.due < 0:
            balancer.check(balancer.due, story[0][1])
    held: dict[str, float] = {}
    send_at = {balancer.name: chance.uniform(0, 1 / rate) for balancer in balancers}
    come_at = {balancer.name: users.wait_s(chance) for balancer in balancers if users}
    while True:
        given_up = [held[balancer.name] + balancer.hold_s for balancer in balancers if balancer.name in held]
        now = min([balancer.due for balancer in balancers if balancer.checks] + [*send_at.values(), *come_at.values()] + given_up)
        if now >= END_S:
            break
        what = [what for at, what in story if at <= now][-1]
        for number, balancer in enumerate(balancers):
            if users and now >= come_at[balancer.name]:
                come_at[balancer.name] = now + users.wait_s(chance)
                for _user in range(users.burst):
                    balancer.node(now)
            if balancer.check(now, what, busy(chance, slow_s)) and what != "gone":
                word = "down" if what == "test" else what
                probers.setdefault((f"10.0.0.{number}", balancer.path), []).append([node_clock + now, word])
            if now >= send_at[balancer.name] or balancer.name in held:
                node = balancer.node(now)
                sent = held.pop(balancer.name, now)
                if node is None and now < sent + balancer.hold_s:
                    held[balancer.name], send_at[balancer.name] = sent, END_S
                    continue
                # A client is late now and then.
                took = chance.uniform(0.002, 0.02) + busy(chance, slow_s)
                send_at[balancer.name] = now + max(took, chance.uniform(0.5, 1.5) / rate * (1 if chance.random() > 0.02 else 4)) + busy(chance, slow_s)
                status = 503 if node is None else 200
                if balancer.losses and node and chance.random() < 0.01:
                    balancer.losses, status = balancer.losses - 1, -1
                date = int(node_clock + now + took / 2) if dates and node else None
                client = node_clock - ahead_s
                streams[balancer.name].append([client + sent, client + now + took, node if balancer.served_by and status != -1 else None, status, date])
    marks = [(node_clock + at, what) for at, what in story] + [(node_clock + END_S, "end")]

    def spans(wanted: str) -> list[list[float]]:
        return [[at, until] for (at, what), (until, _next) in zip(marks, marks[1:]) if what == wanted]

    states: list[list[Any]] = []
    for at, what in marks:
        if what in ("live", "standby") and (not states or states[-1][1] != what):
            states.append([at, what])
    watched = {
        "name": "shop",
        "states": states,
        "tests": spans("test"),
        "gone": spans("gone"),
        "probers": [{"address": address, "path": path, "answers": answers} for (address, path), answers in probers.items()],
    }
    traffic = {"streams": [{"load_balancer": name, "component": "shop", "requests": requests, "errors": {}} for name, requests in streams.items()]}
    return watched, traffic


def declared(balancer: Balancer, **changes: Any) -> dict[str, Any]:
    return {"name": balancer.name, "follows": balancer.follows, "path": balancer.path, "addresses": ["10.0.0.0/30"], "fall": 3, "rise": 2, **changes}


def standby(**changes: Any) -> Balancer:
    return Balancer("standby", "standby", "/heartbeat/standby", **changes)


def found(balancer: Balancer, *beside: Balancer, says: dict[str, Any] | None = None, **options: Any) -> Figures:
    watched, traffic = simulate(balancer, *beside, **options)
    entry = declared(balancer, **(says or {}))
    figures, _clock = judge(NODE, entry, "shop", watched, traffic, STATES)
    return merge(entry, [figures], [Verdict(OK)])


def faults(figures: Figures) -> dict[str, str]:
    return {check: verdict.text for check, verdict in figures.verdicts.items() if verdict.what == FAULT}


@pytest.mark.parametrize("make", [Balancer, standby], ids=["live", "standby"])
@pytest.mark.parametrize("ahead_s", [0.0, 1.7, -0.4])
@pytest.mark.parametrize("fall, rise, paces", [(3, 2, {}), (1, 1, {}), (5, 4, {"interval_s": 0.25}), (3, 2, {"fast_s": 0.25, "down_s": 0.25})])
def test_measures_what_is_so(make, ahead_s, fall, rise, paces):
    balancer = make(fall=fall, rise=rise, **paces)
    # Of several requests between two checks none may have come to the node by chance.
    figures = found(balancer, says={"fall": fall, "rise": rise, "interval_s": balancer.interval_s}, ahead_s=ahead_s, rate=100.0)
    assert (figures.fall, figures.rise) == (Count(fall, fall), Count(rise, rise))
    assert figures.interval_s == pytest.approx(balancer.interval_s, abs=0.01)
    assert figures.interval_out_s == pytest.approx(balancer.down_s or balancer.interval_s, abs=0.01)
    assert {check: figures.verdicts[check] for check in CHECKS} == {check: Verdict(OK) for check in CHECKS}
    pace = balancer.fast_s or balancer.interval_s
    assert (fall - 1) * pace - 0.2 <= figures.last_s <= balancer.interval_s + (fall - 1) * pace + 0.1
    assert (rise - 1) * pace <= figures.first_s <= rise * balancer.interval_s + 0.3


@pytest.mark.parametrize("seed", range(20))
def test_measures_it_whatever_chance_does(seed):
    for balancer in (Balancer(interval_s=0.3), standby(interval_s=0.3)):
        figures = found(balancer, seed=seed, ahead_s=0.8)
        assert not faults(figures)
        assert 3 in figures.fall and 2 in figures.rise
        assert figures.fall.most - figures.fall.least <= 1


TRAFFIC = {
    "as many as we, as steadily as we": {"users": Users(50.0, steady=True)},
    "half of that": {"users": Users(25.0, steady=True)},
    "few": {"users": Users(3.0)},
    "as people come": {"users": Users(50.0)},
    "many": {"users": Users(200.0)},
    "in bursts": {"users": Users(50.0, burst=20)},
    "on a slow machine": {"slow_s": 0.4},
    "on a very slow machine": {"slow_s": 1.2},
    "many on a slow machine": {"users": Users(100.0), "slow_s": 0.4},
}


PACES = ({"interval_s": 0.4}, {"interval_s": 0.5, "fast_s": 0.25, "down_s": 0.25})


@pytest.mark.parametrize("around", TRAFFIC.values(), ids=TRAFFIC.keys())
@pytest.mark.parametrize("make", [Balancer, standby], ids=["live", "standby"])
def test_a_good_one_is_not_accused_whatever_comes_beside(around, make):
    for seed in range(4):
        paces = PACES[seed % 2]
        figures = found(make(**paces), says={"interval_s": paces["interval_s"]}, seed=seed, rate=50.0, **around)
        assert not faults(figures), (seed, paces)
        assert figures.fall is None or 3 in figures.fall
        assert figures.rise is None or 2 in figures.rise


@pytest.mark.parametrize("seed, make", [(4, Balancer), (5, standby), (11, standby)])
def test_a_check_that_is_handled_late_is_not_one_more(seed, make):
    # Seeds with which that has been taken for a fault.
    for kind in ("on a very slow machine", "many on a slow machine"):
        assert not faults(found(make(**PACES[1]), says={"interval_s": 0.5}, seed=seed, rate=50.0, **TRAFFIC[kind]))


FAULTY = (
    ({"fall": 5}, "fall"),
    ({"fall": 2}, "fall"),
    ({"rise": 4}, "rise"),
    ({"rise": 1}, "rise"),
    ({"match": "{0}"}, "anchored"),
    ({"gone_is": True}, "dead"),
    ({"match": ".", "gone_is": True}, "states"),
    ({"checks": False}, "states"),
    ({"knows": False}, "states"),
    ({"interval_s": 0.9}, "interval"),
)


def found_in_all(make, really, seeds=range(4), **options: Any) -> Figures:
    """As the playbook does it: two nodes, each out and in twice."""
    seen = []
    for seed in seeds:
        balancer = make(**really)
        balancer.match = balancer.match and balancer.match.format(balancer.follows)
        entry = declared(balancer, interval_s=0.5)
        watched, traffic = simulate(balancer, seed=seed, rate=50.0, **options)
        seen.append(judge(NODE, entry, "shop", watched, traffic, STATES)[0])
    return merge(entry, seen, [Verdict(OK)])


@pytest.mark.parametrize("kind", ["as many as we, as steadily as we", "as people come", "in bursts"])
@pytest.mark.parametrize("make", [Balancer, standby], ids=["live", "standby"])
@pytest.mark.parametrize("really, check", FAULTY, ids=str)
def test_a_bad_one_is_found_whatever_comes_beside(kind, make, really, check):
    # What is counted is counted the more sharply the more often it is seen.
    assert check in faults(found_in_all(make, really, range(4 if check in ("fall", "rise") else 1), **TRAFFIC[kind]))


@pytest.mark.parametrize("make", [Balancer, standby], ids=["live", "standby"])
@pytest.mark.parametrize("really, check", [(really, check) for really, check in FAULTY if check in ("anchored", "dead", "states")], ids=str)
def test_a_bad_one_is_found_on_a_slow_machine(make, really, check):
    assert check in faults(found_in_all(make, really, range(2), **TRAFFIC["on a slow machine"]))


def test_too_few_requests_are_no_evidence():
    # One in a second and a half: between two of a node that is in, others get several, and a whole step has hardly more.
    figures = found(Balancer(), rate=0.7, users=Users(50.0))
    assert not faults(figures)
    assert {figures.verdicts[check].what for check in ("fall", "rise")} <= {OK, OPEN}


def answers_of(*statuses: tuple[float, int, str | None]):
    """What was recorded of a good one, with these answers at these times in the place of others."""
    watched, traffic = simulate(Balancer())
    requests = traffic["streams"][0]["requests"]
    for at, status, node in statuses:
        number = next(n for n, request in enumerate(requests) if request[0] >= 1_795_000_000.0 + at)
        requests[number][2:4] = [node, status]
    figures, _clock = judge(NODE, declared(Balancer()), "shop", watched, traffic, STATES)
    return figures.verdicts["requests"]


QUIET = 5.0


@pytest.mark.parametrize(
    "answers, what, text",
    [
        ([(QUIET, 0, None)], OK, "connections was not accepted, and reached no node: a machine was busy"),
        ([(6.5, 0, None), (36.5, 0, None)], OK, "connections were not accepted"),
        ([(6.5, 0, None), (6.6, 0, None), (36.5, 0, None)], FAULT, "connections were not accepted: it must not reload"),
        ([(6.5, -1, None)], FAULT, "requests failed (not answered) while green1 went out and in"),
        ([(36.3, 503, None)], FAULT, "requests failed (answered 503) while green1 went out and in"),
        ([(QUIET, -1, None)], OPEN, "(not answered) while nothing changed at green1"),
        ([(QUIET - 1, -1, None), (QUIET, 502, None)], FAULT, "(answered 502, not answered), and not only when green1 changed"),
        ([(6.5, 500, "blue1"), (QUIET, 500, "blue2")], OPEN, "in the application (blue1 answered 500, blue2 answered 500)"),
    ],
)
def test_a_request_that_failed_is_told_by_whom(answers, what, text):
    verdict = answers_of(*answers)
    assert (verdict.what, text in verdict.text) == (what, True), verdict.text


def test_one_load_balancer_is_told_from_another_of_the_same_kind():
    second = Balancer("second", "live", "/heartbeat/live?lb=2", fall=6)
    assert faults(found(Balancer(), second, standby())) == {}
    assert set(faults(found(second, Balancer(), standby()))) == {"fall"}


@pytest.mark.parametrize("make", [Balancer, standby], ids=["live", "standby"])
@pytest.mark.parametrize("really, key", [({"fall": 5}, "fall"), ({"fall": 2}, "fall"), ({"rise": 4}, "rise"), ({"rise": 1}, "rise")])
def test_a_figure_that_is_mis_stated(make, really, key):
    balancer = make(**really)
    figures = found(balancer)
    assert set(faults(figures)) == {key}
    assert f"after {really[key]} checks, and {key} is declared as {declared(balancer)[key]}" in faults(figures)[key]
    assert measured(declared(balancer), figures)[key] == really[key]


def test_an_interval_that_is_mis_stated():
    figures = found(Balancer(interval_s=0.5), says={"interval_s": 2.0})
    assert set(faults(figures)) == {"interval"}
    assert "every 0.5 s, and interval_s is declared as 2" in faults(figures)["interval"]
    assert measured(declared(Balancer()), figures)["interval_s"] == 0.5


@pytest.mark.parametrize("make", [Balancer, standby], ids=["live", "standby"])
@pytest.mark.parametrize("match", ["{0}", "^{0}", "{0}$"])
def test_a_match_that_is_not_anchored(make, match):
    balancer = make()
    balancer.match = match.format(balancer.follows)
    figures = found(balancer)
    assert set(faults(figures)) == {"anchored"}
    assert f"(^{balancer.follows}$)" in faults(figures)["anchored"]
    # What is measured beside is right all the same.
    assert (figures.fall, figures.rise) == (Count(3, 3), Count(2, 2))


def test_without_a_test_the_match_is_not_verified():
    figures = found(Balancer(match="live"), story=[(at, "standby" if what == "test" else what) for at, what in STORY])
    assert figures.verdicts["anchored"].what == OPEN
    assert not faults(figures)


@pytest.mark.parametrize("path", ["/heartbeat/standby", "/heartbeat/live"])
def test_a_standby_load_balancer_that_watches_live(path):
    balancer = Balancer("standby", "live", path)
    watched, traffic = simulate(balancer, Balancer())
    entry = {**declared(balancer), "follows": "standby", "path": "/heartbeat/standby"}
    figures, _clock = judge(NODE, entry, "shop", watched, traffic, STATES)
    merged = merge(entry, [figures], [])
    assert set(faults(merged)) == {"states"}
    text = faults(merged)["states"]
    assert "it follows standby, but sends requests to blue1 (live), blue2 (live), green1 (live)" in text
    # What it seemed to do besides is not taken for its figures.
    assert (merged.fall, merged.rise) == (None, None)
    assert measured(entry, merged) == entry


def test_one_that_holds_requests_while_it_has_no_node():
    # The first request after the last one is held, which says little about the time at which the node was out.
    figures = found(standby(hold_s=8.0))
    assert not faults(figures)
    assert 3 in figures.fall and 2 in figures.rise
    assert set(faults(found(standby(hold_s=8.0, match="standby")))) == {"anchored"}
    assert set(faults(found(standby(hold_s=8.0, gone_is=True)))) == {"dead"}


def test_a_record_that_ends_before_it_has_had_the_time_to_leave_is_no_fault():
    assert not faults(found(standby(), story=[*STORY[:-1], (END_S - 0.8, "live")]))


def test_a_live_load_balancer_that_does_not_care():
    figures = found(Balancer(match=".", gone_is=True))
    assert set(faults(figures)) == {"states"}
    assert "sends requests to green1 (standby)" in faults(figures)["states"]


def test_nobody_asks_at_the_path():
    assert "nobody asked green1 for /heartbeat/live from 10.0.0.0/30" in faults(found(Balancer(checks=False)))["states"]


def test_a_stranger_at_the_same_path_is_not_measured():
    watched, traffic = simulate(Balancer())
    asks_often = [[at + 0.02, word] for at, word in watched["probers"][0]["answers"] for _times in range(5)]
    watched["probers"].append({"address": "10.0.0.9", "path": "/heartbeat/live", "answers": sorted(asks_often)})
    seen, _clock = judge(NODE, declared(Balancer()), "shop", watched, traffic, STATES)
    alone, _clock = judge(NODE, declared(Balancer()), "shop", *simulate(Balancer()), STATES)
    assert seen == alone and str(seen.fall) == "3"


def test_a_node_that_it_does_not_know():
    assert "sends no request to green1 while that is live" in faults(found(Balancer(knows=False)))["states"]


def test_answers_without_the_name_of_the_node():
    assert "do not name the node" in faults(found(Balancer(served_by=False)))["states"]


def test_answers_with_names_that_the_inventory_does_not_have():
    watched, traffic = simulate(Balancer())
    states = {name: state for name, state in STATES.items() if name != "blue2"}
    figures, _clock = judge(NODE, declared(Balancer()), "shop", watched, traffic, states)
    assert "its answers name blue2" in figures.verdicts["states"].text


@pytest.mark.parametrize("make", [Balancer, standby], ids=["live", "standby"])
def test_a_dead_heartbeat_that_counts_as_good(make):
    figures = found(make(gone_is=True))
    assert set(faults(figures)) == {"dead"}


def test_requests_that_are_lost():
    assert "2 of" in faults(found(Balancer(losses=2)))["requests"]
    # The standby one has nobody to send them to for most of the time.
    assert not faults(found(standby(losses=2)))


def test_clocks_are_compared_by_what_the_node_writes_into_its_answers():
    _watched, traffic = simulate(Balancer(), ahead_s=1.234)
    answers = [answer for answer in traffic["streams"][0]["requests"] if answer[2] == NODE]
    clock = compare_clocks(answers)
    assert clock.known and clock.error_s < 0.05
    assert clock.offset_s == pytest.approx(1.234, abs=clock.error_s + 0.01)


def test_without_dates_clocks_are_taken_for_right():
    watched, traffic = simulate(Balancer(), dates=False)
    figures, clock = judge(NODE, declared(Balancer()), "shop", watched, traffic, STATES)
    assert not clock.known
    assert 3 in figures.fall and 2 in figures.rise


def test_dates_of_somebody_else_are_no_comparison():
    assert not compare_clocks([[100.0, 100.1, NODE, 200, 100], [101.0, 101.1, NODE, 200, 105]]).known


def test_phases():
    watched = {"states": [[0.0, "live"], [10.0, "standby"]], "tests": [[12.0, 13.0]], "gone": [[15.0, None]]}
    assert [(phase.begin, phase.end, phase.state, phase.kind) for phase in phases(watched, 20.0)] == [
        (0.0, 10.0, "live", "steady"),
        (10.0, 12.0, "standby", "steady"),
        (12.0, 13.0, "standby", "test"),
        (13.0, 15.0, "standby", "steady"),
        (15.0, 20.0, "standby", "gone"),
    ]


def test_nothing_recorded_is_nothing_verified():
    watched, _traffic = simulate(Balancer())
    figures, _clock = judge(NODE, declared(Balancer()), "shop", watched, {"streams": []}, STATES)
    merged = merge(declared(Balancer()), [figures], [])
    assert {verdict.what for verdict in merged.verdicts.values()} == {OPEN}
    assert measured(declared(Balancer()), merged) == declared(Balancer())


def test_several_nodes_agree_or_show_both():
    entry = declared(Balancer())
    one, other = Figures(fall=Count(2, 3), rise=Count(2, 2)), Figures(fall=Count(3, 4), rise=Count(4, 4))
    merged = merge(entry, [one, other], [])
    assert (merged.fall, str(merged.rise)) == (Count(3, 3), "2 to 4")
    assert str(Count(4, None)) == "4 or more" and 7 in Count(4, None) and 3 not in Count(4, None)


def restarted(answers: list[list[Any]], by: str = "ansible") -> dict[str, Any]:
    return {"by": by, "traffic": {"streams": [{"load_balancer": "live", "component": "shop", "requests": answers}]}}


BEFORE, REFUSED, AFTER = [0.0, 0.1, "blue1", 200, None], [1.0, 1.1, None, 0, None], [2.0, 2.1, "blue2", 200, None]
WRONG = [1.5, 1.6, NODE, 200, None]


@pytest.mark.parametrize(
    "record, what, text",
    [
        (restarted([BEFORE, REFUSED, AFTER]), OK, ""),
        (restarted([BEFORE, AFTER]), OK, ""),
        (restarted([BEFORE, REFUSED, WRONG, AFTER]), FAULT, "sent requests to green1 (standby, 1 requests)"),
        (restarted([BEFORE, WRONG, AFTER], "hand"), FAULT, "init-state fully-down"),
        (restarted([BEFORE, REFUSED, AFTER], "hand"), OK, ""),
        (restarted([BEFORE, AFTER], "hand"), OPEN, "no restart was noticed"),
        (restarted([BEFORE, REFUSED, REFUSED, REFUSED]), FAULT, "does not answer after its restart"),
        (restarted([BEFORE, REFUSED, AFTER, AFTER, REFUSED]), OK, ""),
        (restarted([]), FAULT, "does not answer after its restart"),
    ],
)
def test_restart(record, what, text):
    verdict = judge_restart(declared(Balancer()), record, {**STATES, NODE: "standby"})
    assert verdict.what == what and text in verdict.text
