# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PUT /heartbeat/test: an answer that only a sloppy match takes for the word, for a while, on a node that is out of use."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

import pytest
from running_agent import ask, wanted

PATH = "/heartbeat/test"


def match_test(words=None, seconds=10, **values):
    return dict({"words": words or {"/heartbeat/live": "live"}, "seconds": seconds, "reason": "verify_lb", "run_id": "run-1"}, **values)


def test_says_down_by_its_status_and_to_every_match_of_the_whole_body(node):
    answer = node.put(match_test({"/heartbeat/live": "live", "/heartbeat?lb=2": "standby"}), path=PATH)
    assert (answer.code, answer.json) == (200, node.status())
    for path, word, other in (("/heartbeat/live", "live", "standby"), ("/heartbeat?lb=2", "standby", "live")):
        said = ask(node.probe, path)
        assert said.code == 503
        assert not re.search("^%s$" % word, said.text, re.MULTILINE)
        # Every way not to be anchored is caught: on the left, on the right, and altogether.
        assert re.search("^%s" % word, said.text) and re.search("%s$" % word, said.text) and word in said.text
        assert other not in said.text


def test_only_the_paths_named_are_tested(node):
    node.put(match_test(), path=PATH)
    assert (ask(node.probe, "/heartbeat/standby").code, node.ask("/heartbeat/live?lb=2"), node.ask()) == (200, "standby", "standby")
    # Nobody who asks the control side is a load balancer.
    assert ask(node.control, "/heartbeat/live").text == "standby"


def test_the_prober_was_told_down(node):
    node.ask("/heartbeat/live")
    node.put(match_test(), path=PATH)
    node.ask("/heartbeat/live")
    prober = node.prober()
    assert prober["answers"] == {"live": 0, "standby": 1, "down": 1}
    assert prober["consecutive"] == {"live": 0, "not_live": 2, "standby": 0, "not_standby": 1}


def test_ends_by_itself(node, clock):
    assert node.status()["test"] is None
    node.put(match_test(seconds=2.5), path=PATH)
    clock.now += 2
    assert node.status()["test"] == {"run_id": "run-1", "left_s": 0.5}
    assert node.ask("/heartbeat/live") != "standby"
    clock.now += 0.5
    assert node.status()["test"] is None
    assert node.ask("/heartbeat/live") == "standby"


def test_ends_on_request_at_a_flip_and_with_the_agent(node):
    def ended():
        return node.status()["test"] is None and node.ask("/heartbeat/live") in ("live", "standby")

    node.put(match_test(), path=PATH)
    node.put(match_test(seconds=0), path=PATH)
    assert ended()
    node.put(match_test(), path=PATH)
    node.put(wanted("standby", run_id="run-2"))
    assert not ended()
    node.put(wanted("live"))
    assert ended()
    node.put(wanted("standby"))
    node.put(match_test(), path=PATH)
    node.restart()
    node.check_health()
    assert ended()


def test_never_on_a_node_that_is_live(node):
    node.put(wanted("live"))
    answer = node.put(match_test(), path=PATH)
    assert (answer.code, answer.json["error"]) == (409, "the heartbeat is live: matches are tested on a node that is in standby")
    assert node.ask("/heartbeat/live") == "live"


def test_compare_and_set_and_token(node):
    revision = node.status()["revision"]
    assert node.put(match_test(), path=PATH, If_Match='"%d"' % (revision + 1)).code == 409
    assert node.put(match_test(), path=PATH, token="wrong").code == 401
    assert node.status()["test"] is None
    assert node.put(match_test(), path=PATH, If_Match='"%d"' % revision).code == 200
    # It is no write of the heartbeat.
    assert node.status()["revision"] == revision


def test_is_logged(node, capfd):
    node.put(match_test({"/heartbeat/standby": "standby"}, by="anna"), path=PATH)
    assert 'match test of {"/heartbeat/standby": "standby"} for 10.0 s, by "anna", run "run-1": "verify_lb"\n' in capfd.readouterr().err


def test_nobody_reads_it_and_probers_do_not_know_it(node):
    assert (ask(node.control, PATH).code, ask(node.control, PATH).headers["Allow"]) == (405, "PUT")
    assert ask(node.probe, PATH).code == 404


@pytest.mark.parametrize(
    "values, error",
    [
        (b"{", "the body is not JSON"),
        ({"words": {}}, "key seconds is missing"),
        (match_test(state="live"), 'key "state" is not known'),
        (match_test(run_id=7), "key run_id must be a string"),
        (match_test(words=["live"]), "key words must be an object of up to 32 paths, each with live or standby"),
        (dict(match_test(), words={}), "key words must be an object"),
        (match_test({"/heartbeat/live": "down"}), "key words must be an object"),
        (match_test({"/heartbeat/live": ["live"]}), "key words must be an object"),
        (match_test({"/heartbeat?%d" % number: "live" for number in range(33)}), "key words must be an object"),
        (match_test({"/health": "live"}), 'key words has "/health", which is no path that a prober asks for'),
        (match_test(seconds=301), "key seconds must be a number, from 0 to 300"),
        (match_test(seconds=-1), "key seconds must be a number"),
        (match_test(seconds=True), "key seconds must be a number"),
        (match_test(seconds="1"), "key seconds must be a number"),
        (b'{"words": {"/heartbeat": "live"}, "seconds": NaN, "reason": "", "run_id": ""}', "key seconds must be a number"),
    ],
)
def test_bad_body(node, values, error):
    answer = node.put(values, path=PATH)
    assert answer.code == 400
    assert error in answer.json["error"]
    assert node.status()["test"] is None
