# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
import yaml

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.lb_check._probers import (
    asked,
    books,
    candidates,
    entry,
    learned,
    longest_interval_s,
    refusals,
    undeclared,
)

LIVE = {"name": "live", "follows": "live", "path": "/heartbeat/live", "addresses": []}


def said(*askers, seen=50, interval_s=0.5):
    return {"probers": [{"address": address, "path": path, "seen": seen, "interval_s": interval_s} for address, path in askers]}


HERE = ("10.0.0.5", "/heartbeat/live")
KEPT = books(
    [
        ("blue1", said(HERE, ("10.0.0.9", "/heartbeat/live"), ("10.0.0.8", "/heartbeat/standby"))),
        ("green1", said(("::ffff:10.0.0.5", "/heartbeat/live"), ("10.0.0.7", "/heartbeat/live?1"))),
        # Of two components one is enough.
        ("green1", said()),
    ]
)


def test_a_load_balancer_is_who_asks_on_every_node():
    assert asked(KEPT, "/heartbeat/live") == {"10.0.0.5": ["blue1", "green1"], "10.0.0.9": ["blue1"]}
    assert candidates(KEPT, "/heartbeat/live") == ["10.0.0.5"]
    assert candidates(KEPT, "/heartbeat/standby") == []
    # One request can be a person, and an address is one.
    assert asked({"blue1": [said(HERE, seen=2), said(("\x1b[2J", "/heartbeat/live"), (None, "/heartbeat/live"))]}, "/heartbeat/live") == {}


def test_a_node_that_keeps_no_book_has_no_say():
    assert books([("blue1", {"probers": None}), ("green1", said(HERE))]) == {"green1": [said(HERE)]}
    assert undeclared(books([("blue1", {"probers": None})]), [LIVE]) == []


def test_the_refusal_has_who_asked_and_what_to_paste():
    (text,) = undeclared(KEPT, [LIVE, {**LIVE, "addresses": ["10.0.0.5"]}])
    assert "It is asked for by 10.0.0.5 (blue1, green1), 10.0.0.9 (blue1)." in text and text.endswith("bluegreen_load_balancers: addresses: [10.0.0.5]")
    (text,) = undeclared(KEPT, [{**LIVE, "path": "/heartbeat/other"}])
    assert text.endswith("Nobody has asked for it 3 times yet: does it check that path on blue1, green1?")
    # None asks everywhere: the line still shows how it is written.
    (text,) = undeclared(KEPT, [{**LIVE, "path": "/heartbeat/standby"}])
    assert text.endswith("addresses: [10.0.0.8]")


def test_the_refusal_has_who_asked_for_something_else():
    refused = {"address": "10.0.0.5", "asked": "OPTIONS /", "code": 404, "error": "there is no such path", "seen": 9, "last_seen_s": 0.2}
    kept = books([("blue1", {**said(), "refused": [refused]}), ("green1", {**said(), "refused": [refused, {**refused, "seen": 1, "asked": "GET /x"}]})])
    (text,) = undeclared(kept, [LIVE])
    assert text.endswith("Refused on blue1, green1: OPTIONS / from 10.0.0.5 (answered 404, 9 times, the last 0.2 s ago: there is no such path).")
    assert refusals(kept, ["10.0.0.6"]) == []


def test_a_flood_does_not_fill_the_refusal():
    flood = books([("blue1", said(*((f"10.0.1.{number}", "/heartbeat/live") for number in range(200)), HERE)), ("green1", said(HERE))])
    (text,) = undeclared(flood, [LIVE])
    assert "by 10.0.0.5 (blue1, green1), " in text and "193 more" in text and len(text) < 600


@pytest.mark.parametrize("addresses", [["10.0.0.5", "10.0.1.0/28"], ["fd00::5"], ["1:20:30:40:50:10:20:30"], ["::1"]])
def test_what_is_to_be_pasted_is_what_yaml_reads(addresses):
    assert yaml.safe_load(f"{{name: live, {entry(addresses)}}}") == {"name": "live", "addresses": addresses}


def test_what_was_declared_is_never_replaced():
    declared = {**LIVE, "addresses": ["10.0.0.99"], "url": "http://lb"}
    nobody = {**LIVE, "path": "/heartbeat/other"}
    assert learned(KEPT, [LIVE, declared, nobody]) == [{**LIVE, "addresses": ["10.0.0.5"]}, declared, nobody]


def test_a_stranger_does_not_set_the_pace():
    slow = books([("blue1", {"probers": said(HERE)["probers"] + said(("10.0.0.9", "/heartbeat/live"), interval_s=900.0)["probers"]})])
    mine = {**LIVE, "addresses": ["10.0.0.5"]}
    assert longest_interval_s(slow, [mine]) == 0.5
    assert longest_interval_s(slow, [{**mine, "interval_s": 2.0}]) == 2.0
    assert longest_interval_s(slow, [LIVE]) is None
