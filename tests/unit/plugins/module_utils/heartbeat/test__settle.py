# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils.heartbeat._settle import (
    differences,
    guess_s,
    is_guess,
    misasked,
    missing_probers,
    silent_probers,
    strangers,
    unsettled,
)

LIVE = {"name": "live", "follows": "live", "path": "/heartbeat/live", "addresses": ["10.0.0.5"], "fall": 3, "rise": 2, "probers": 1}
STANDBY = dict(LIVE, name="standby", follows="standby", path="/heartbeat/standby", addresses=["10.0.0.8"])
BOTH = [LIVE, STANDBY]


def prober(path="/heartbeat/live", live=0, not_live=0, seen=50, address="10.0.0.5", last_seen_s=0.1, interval_s=0.5):
    return {
        "address": address,
        "path": path,
        "consecutive": {"live": live, "not_live": not_live},
        "seen": seen,
        "last_seen_s": last_seen_s,
        "interval_s": interval_s,
    }


def status(*probers):
    return {"probers": list(probers)}


@pytest.mark.parametrize("answers, proven", [(0, False), (2, False), (3, True), (9, True)])
def test_out_after_fall_answers(answers, proven):
    assert (unsettled(status(prober(not_live=answers)), BOTH, "standby") == []) is proven


@pytest.mark.parametrize("answers, proven", [(0, False), (1, False), (2, True)])
def test_in_after_rise_answers(answers, proven):
    assert (unsettled(status(prober(live=answers)), BOTH, "live") == []) is proven


def test_every_prober_counts():
    slow = prober(not_live=1, address="10.0.0.6", last_seen_s=2.0, interval_s=None)
    assert unsettled(status(prober(not_live=3), slow), [dict(LIVE, addresses=["10.0.0.4/30"]), STANDBY], "standby") == [
        "prober 10.0.0.6 /heartbeat/live got 1 of 3 answers that say not live, the last request 2.0 s ago"
    ]


def test_a_late_prober_is_named_with_its_interval():
    assert unsettled(status(prober(not_live=1)), BOTH, "standby") == [
        "prober 10.0.0.5 /heartbeat/live got 1 of 3 answers that say not live, the last request 0.1 s ago (it asks every 0.50 s)"
    ]


def test_no_prober_is_no_proof():
    assert unsettled(status(), BOTH, "standby") == ["load balancer live: 0 of 1 probers seen on /heartbeat/live"]


def refusal(asked="OPTIONS /", code=404, address="10.0.0.5", seen=12, error="there is no such path"):
    return {"address": address, "asked": asked, "code": code, "error": error, "seen": seen, "last_seen_s": 0.4}


NOTHING = refusal("nothing", None, error="it connected, and asked nothing")


@pytest.mark.parametrize(
    "said, text",
    [
        ([refusal()], "; the node refused its questions: OPTIONS / from 10.0.0.5 (answered 404, 12 times, the last 0.4 s ago: there is no such path)"),
        (
            [refusal("a PROXY header", 400, "::ffff:10.0.0.5", 3, "x")],
            "; the node refused its questions: a PROXY header from 10.0.0.5 (answered 400, 3 times, ",
        ),
        (
            [refusal("TLS", 400), NOTHING],
            "; the node refused its questions: TLS from 10.0.0.5 (answered 400, 12 times, the last 0.4 s ago: there is no such path), a conn",
        ),
        (
            [NOTHING],
            "; the node refused its questions: a connection without a question from 10.0.0.5 (12 times, the last 0.4 s ago: it connected, and asked nothing)",
        ),
        # One that checks from an address that is not declared, and is refused, too.
        ([refusal(address="10.0.0.7")], "; nothing came from 10.0.0.5, and the node refused these questions: OPTIONS / from 10.0.0.7 (answered 404, "),
        # A person with curl does not check again and again.
        ([refusal(seen=2)], "; nothing came from 10.0.0.5: does it check this node, and does every firewall let it through to the port of the heartbeat?"),
        # Whoever keeps the book by itself may lack any of it, and all of it is data.
        ([{}, {"seen": 5}, {"address": "10.0.0.5", "seen": 5}], "; the node refused its questions: something from 10.0.0.5 (5 times)"),
        ([refusal("\x1b[2J{{ 1 }}", 404, error="\x1b" * 500)], "; the node refused its questions: \\x1b[2J\\x7b{ 1 }} from 10.0.0.5"),
        ([refusal("GET /%d" % number, 404) for number in range(30)], ", 27 more"),
    ],
)
def test_who_is_missing_is_looked_for_among_those_that_were_refused(said, text):
    (told,) = unsettled(dict(status(), refused=said), BOTH, "standby")
    assert told.startswith("load balancer live: 0 of 1 probers seen on /heartbeat/live; ") and text in told and len(told) < 1000
    assert "\x1b" not in told and "{{" not in told


def test_whoever_asks_in_its_place_is_told_before_whoever_is_refused():
    said = dict(status(prober(address="10.0.0.9")), refused=[refusal(address="10.0.0.7")])
    assert missing_probers(said, [LIVE]) == ["load balancer live: 0 of 1 probers seen on /heartbeat/live, where 10.0.0.9 asked; declared are 10.0.0.5"]


def test_what_a_load_balancer_asks_besides_is_told():
    said = dict(status(prober(not_live=3)), refused=[refusal("GET /health"), NOTHING, refusal(address="10.0.0.9")])
    assert misasked(said, BOTH) == [
        "load balancer live: the node refused questions of it: GET /health from 10.0.0.5 (answered 404, 12 times, the last 0.4 s ago: there is no such path)"
    ]
    assert unsettled(said, BOTH, "standby") == [] and misasked(status(), BOTH) == []


# The standby load balancer checked /heartbeat/live at first. Its address is in the network of both.
TWO = [dict(LIVE, addresses=["10.0.0.0/28"]), dict(STANDBY, addresses=["10.0.0.0/28"])]


def mended(first_seen_s=20.0, last_seen_s=30.0, **later):
    old = prober(address="10.0.0.8", last_seen_s=last_seen_s)
    new = dict(prober(address="10.0.0.8", path="/heartbeat/standby"), first_seen_s=first_seen_s, **later)
    return status(prober(not_live=3), old, new)


def test_a_prober_that_has_been_mended_to_check_elsewhere_is_not_waited_for():
    assert (
        unsettled(mended(), TWO, "standby") == silent_probers(mended(), TWO, "standby") == silent_probers(mended(), TWO) == missing_probers(mended(), TWO) == []
    )
    assert missing_probers(mended(), [dict(TWO[0], probers=2), TWO[1]]) == [
        "load balancer live: 1 of 2 probers seen on /heartbeat/live",
    ]


@pytest.mark.parametrize(
    "said",
    [
        # Two load balancers on one machine: the other one has asked all the time.
        mended(first_seen_s=300.0),
        # Its new questions have ended, too; or were those of a person; or nobody keeps book since when.
        dict(mended(), probers=[dict(p, last_seen_s=25.0 if p["path"] == "/heartbeat/standby" else p["last_seen_s"]) for p in mended()["probers"]]),
        dict(mended(), probers=[dict(p, seen=2 if p["path"] == "/heartbeat/standby" else 50) for p in mended()["probers"]]),
        dict(mended(), probers=[{key: value for key, value in p.items() if key != "first_seen_s"} for p in mended()["probers"]]),
        # What it asks for now is the path of no load balancer.
        dict(mended(), probers=[dict(p, path=p["path"].replace("standby", "other")) for p in mended()["probers"]]),
        # It is another machine.
        dict(mended(), probers=[dict(p, address="10.0.0.9" if p["path"] == "/heartbeat/standby" else p["address"]) for p in mended()["probers"]]),
    ],
)
def test_a_prober_that_may_only_have_fallen_silent_is_waited_for(said):
    assert any("prober 10.0.0.8 /heartbeat/live" in text for text in silent_probers(said, TWO, "standby"))
    assert any("prober 10.0.0.8 /heartbeat/live got 0 of 3" in text for text in unsettled(said, TWO, "standby"))


def test_a_prober_at_an_address_that_the_site_lists_no_more_is_a_stranger():
    said = status(prober(not_live=3), prober(address="10.0.0.7", last_seen_s=30.0))
    listed = [dict(LIVE, addresses=["10.0.0.5", "10.0.0.7"]), STANDBY]
    assert silent_probers(said, listed, "standby") and unsettled(said, listed, "standby")
    assert silent_probers(said, BOTH, "standby") == unsettled(said, BOTH, "standby") == []
    # One that has come back at another address of its network: the site names the one that is left.
    assert silent_probers(said, [dict(LIVE, addresses=["10.0.0.0/28"]), STANDBY], "standby")


def test_a_person_with_curl_is_no_prober():
    both = [dict(LIVE, addresses=["10.0.0.5", "10.0.0.6"]), STANDBY]
    assert unsettled(status(prober(not_live=3), prober(seen=2, address="10.0.0.6")), both, "standby") == []


# Measured on the agent: one address asks 1,060 times a second with changing query strings, and each 20th time like a load balancer. In 0.06 s
# it has had its three answers.
FLOOD = [prober(path="/heartbeat/live?%d" % number, seen=1, address="10.0.0.9", interval_s=None, not_live=1) for number in range(200)]
FLOOD.append(prober(address="10.0.0.9", seen=53, interval_s=0.02, last_seen_s=0.01, not_live=3, live=3))


def test_a_stranger_does_not_stand_in_for_the_load_balancer():
    waits = ["prober 10.0.0.5 /heartbeat/live got 0 of 3 answers that say not live, the last request 0.1 s ago (it asks every 2.00 s)"]
    assert unsettled(status(prober(interval_s=2.0), *FLOOD), BOTH, "standby") == waits
    # Nor where it was pushed out of a book of limited length.
    gone = ["load balancer live: 0 of 1 probers seen on /heartbeat/live, where 10.0.0.9 asked; declared are 10.0.0.5"]
    assert unsettled(status(*FLOOD), BOTH, "standby") == gone
    assert unsettled(status(*FLOOD), BOTH, "live") == gone
    assert missing_probers(status(*FLOOD), BOTH)[0] == gone[0]


@pytest.mark.parametrize(
    "stranger",
    [
        dict(address="10.0.0.9"),
        dict(address="10.0.0.9", path="/heartbeat"),
        # The standby load balancer is no prober of the live one's path.
        dict(address="10.0.0.8"),
        # From the right address, but for something else.
        dict(path="/heartbeat/live?lb=2"),
        # Nobody has such an address.
        dict(address="10.0.0.5 "),
        dict(address=None),
    ],
)
@pytest.mark.parametrize("last_seen_s", [0.1, 300.0])
def test_a_stranger_delays_nothing_and_refuses_nothing(stranger, last_seen_s):
    said = status(
        prober(not_live=3),
        prober(path="/heartbeat/standby", address="10.0.0.8"),
        prober(**dict(dict(seen=3, last_seen_s=last_seen_s), **stranger)),
    )
    assert unsettled(said, BOTH, "standby") == missing_probers(said, BOTH) == []
    assert silent_probers(said, BOTH) == silent_probers(said, BOTH, state="standby") == silent_probers(said, BOTH, state="live") == []
    assert differences(said, [dict(LIVE, interval_s=0.5), dict(STANDBY, interval_s=0.5)]) == []
    assert len(strangers(said, BOTH)) == 1


def test_strangers_are_shown_escaped_and_cut():
    said = status(
        prober(),
        prober(address="10.0.0.9", seen=7, path="/\x1b]0;owned\x07{{ 1 }}\r\n"),
        prober(address="\x1b[2J", seen=9),
        prober(address="10.0.0.10", seen=900, path="/" + "x" * 100000),
        prober(address="10.0.0.7", seen=4),
        prober(address="10.0.0.6", seen=3),
        prober(address="10.0.0.4", seen=2),
    )
    (text,) = strangers(said, BOTH)
    assert text.startswith("no load balancer of this site, but it is asked by 10.0.0.10 for /xxx")
    assert "10.0.0.9 for /\\x1b]0;owned\\x07" in text and ", \\x1b[2J for /heartbeat/live," in text
    assert text.endswith(", 2 more; that proves nothing and is not waited for") and len(text) < 400
    assert "\x1b" not in text and "{{" not in text and "\n" not in text
    assert strangers(status(prober()), BOTH) == strangers(dict(probers=None), BOTH) == []


def test_a_stranger_that_asks_for_another_thing_each_time_is_one():
    book = [prober(address="10.0.0.9", path="/heartbeat/live?%d" % number, seen=1) for number in range(16)]
    (text,) = strangers(status(*book), BOTH)
    assert "asked by 10.0.0.9 for /heartbeat/live?0 and 15 more;" in text
    assert strangers(status(*book[:2]), BOTH) == []


def test_one_address_in_two_ways_of_writing_is_one_prober():
    said = status(prober(address="::ffff:10.0.0.5", not_live=2), prober(not_live=3))
    pair = [dict(LIVE, probers=2), STANDBY]
    assert missing_probers(said, [pair[0]]) == ["load balancer live: 1 of 2 probers seen on /heartbeat/live"]
    assert unsettled(said, BOTH, "standby") == [
        "prober 10.0.0.5 /heartbeat/live got 2 of 3 answers that say not live, the last request 0.1 s ago (it asks every 0.50 s)"
    ]


def test_two_load_balancers_at_one_path_are_told_apart_by_their_addresses():
    two = [LIVE, dict(LIVE, name="other", addresses=["fd00::/64"], fall=5)]
    assert unsettled(status(prober(not_live=3)), two, "standby") == [
        "load balancer other: 0 of 1 probers seen on /heartbeat/live, where 10.0.0.5 asked; declared are fd00::/64"
    ]
    said = status(prober(not_live=3), prober(not_live=4, address="fd00:0::5"))
    (text,) = unsettled(said, two, "standby")
    assert text.startswith("prober fd00::5 /heartbeat/live got 4 of 5 answers")


def test_without_addresses_nobody_is_known_to_be_the_load_balancer():
    nameless = [dict(LIVE, addresses=[]), STANDBY]
    expected = ["load balancer live: its addresses are not declared (bluegreen_load_balancers), so that nobody is known to be it"]
    assert unsettled(status(prober(not_live=9)), nameless, "standby") == expected
    assert unsettled(status(prober(live=9)), nameless, "live") == expected
    # Where nobody logs who asks, addresses would be of no use.
    assert unsettled(dict(UNKNOWN), [dict(LIVE, addresses=[], interval_s=2.0)], "standby") == []


def test_the_standby_load_balancer_is_not_waited_for():
    silent = prober(path="/heartbeat/standby", address="10.0.0.8")
    assert unsettled(status(prober(not_live=3), silent), BOTH, "standby") == []
    assert unsettled(status(prober(not_live=3), silent), [LIVE], "standby") == []


def test_a_pair_of_load_balancers_is_two_probers():
    pair = [dict(LIVE, probers=2, addresses=["10.0.0.5", "10.0.0.6"]), STANDBY]
    one = status(prober(), prober(path="/heartbeat/standby", address="10.0.0.8"))
    assert missing_probers(one, pair) == ["load balancer live: 1 of 2 probers seen on /heartbeat/live"]
    assert missing_probers(one, BOTH) == []


@pytest.mark.parametrize(
    "declared, interval_s, last_seen_s, silent",
    [
        # Five intervals, of those seen or of those declared, whichever are longer.
        (None, 4.0, 19.9, False),
        (None, 4.0, 20.1, True),
        (2.0, 1.0, 9.9, False),
        (2.0, 1.0, 10.1, True),
        # Between two states it may check more slowly than anybody said.
        (None, 0.25, 9.9, False),
        (None, 0.25, 10.1, True),
        (0.25, 0.25, 2.9, False),
        (0.25, 0.25, 3.1, True),
        (None, None, 10.1, True),
    ],
)
def test_a_prober_that_has_left_out_five_requests_is_silent(declared, interval_s, last_seen_s, silent):
    balancers = [dict(LIVE, interval_s=declared), STANDBY]
    found = silent_probers(status(prober(interval_s=interval_s, last_seen_s=last_seen_s)), balancers)
    assert bool(found) is silent
    if found:
        assert found[0].startswith("prober 10.0.0.5 /heartbeat/live has fallen silent") and "%.1f s ago" % last_seen_s in found[0]


def test_only_those_that_are_waited_for_stop_a_wait():
    balancers = [LIVE, dict(STANDBY, addresses=["10.0.0.8", "10.0.0.7"])]
    standby = prober(path="/heartbeat/standby", address="10.0.0.8", last_seen_s=60.0)
    said = status(prober(last_seen_s=60.0), standby)
    assert len(silent_probers(said, balancers)) == 2
    assert ["/heartbeat/live" in text for text in silent_probers(said, balancers, state="standby")] == [True]
    assert ["/heartbeat/live" in text for text in silent_probers(said, balancers, state="live")] == [True]
    # Another one asks for the standby load balancer.
    assert silent_probers(status(standby, prober(path="/heartbeat/standby", address="10.0.0.7")), balancers) == []


@pytest.mark.parametrize(
    "interval_s, differs",
    [(2.0, False), (2.4, False), (1.6, False), (2.6, True), (1.4, True), (0.5, True), (None, False)],
)
def test_another_interval_than_declared(interval_s, differs):
    found = differences(status(prober(live=50, interval_s=interval_s)), [dict(LIVE, interval_s=2.0), STANDBY])
    assert bool(found) is differs
    if found:
        assert found[0].startswith("load balancer live: prober 10.0.0.5 asks every %.2f s, and interval_s says 2" % interval_s)


def test_a_short_interval_may_differ_by_what_a_network_takes():
    assert differences(status(prober(live=50, interval_s=0.19)), [dict(LIVE, interval_s=0.1)]) == []
    assert differences(status(prober(live=50, interval_s=0.21)), [dict(LIVE, interval_s=0.1)]) != []


def test_the_interval_is_judged_in_the_steady_state_only():
    balancers = [dict(LIVE, interval_s=2.0), dict(STANDBY, interval_s=2.0)]
    # It checks faster while a node comes in, and at yet another pace while the node is out.
    assert differences(status(prober(live=5, interval_s=0.5)), balancers) == []
    assert differences(status(prober(not_live=500, interval_s=0.5)), balancers) == []
    assert differences(status(prober(live=50, interval_s=0.5)), BOTH) == []
    steady = prober(path="/heartbeat/standby", address="10.0.0.8", interval_s=0.5)
    steady["consecutive"]["standby"] = 50
    assert len(differences(status(steady), balancers)) == 1


UNKNOWN = {"probers": None, "since_s": 100.0}
PACED = [dict(LIVE, interval_s=2.0), STANDBY]


def test_without_a_prober_log_there_is_a_guess():
    assert is_guess(UNKNOWN) and not is_guess(status())
    # The slowest of those that follow live.
    assert guess_s(PACED + [dict(LIVE, name="other", interval_s=1.0), dict(STANDBY, interval_s=60.0)], "standby") == 6.5
    assert guess_s(PACED, "live") == 4.5
    assert guess_s([STANDBY], "live") == 0.0


@pytest.mark.parametrize(
    "state, since_s, missing",
    [
        ("standby", 6.5, []),
        ("standby", 6.4, ["it has said standby for 6.4 of 6.5 s (a guess by interval_s)"]),
        ("live", 4.5, []),
        ("live", 0.0, ["it has said live for 0.0 of 4.5 s (a guess by interval_s)"]),
        ("live", None, ["it is not known since when it says live, and 4.5 s are needed (a guess by interval_s)"]),
    ],
)
def test_the_guess_counts_from_the_flip(state, since_s, missing):
    assert unsettled(dict(UNKNOWN, since_s=since_s), PACED, state) == missing


def test_no_guess_without_an_interval():
    expected = ["load balancer live: the heartbeat does not tell who asks for it, so that its interval_s is needed (bluegreen_load_balancers)"]
    assert missing_probers(UNKNOWN, BOTH) == expected
    assert unsettled(UNKNOWN, BOTH, "live") == expected
    assert missing_probers(UNKNOWN, PACED) == []
