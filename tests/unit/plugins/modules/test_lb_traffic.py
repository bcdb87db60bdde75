# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os
import random
import threading

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils._http import Answer, NoAnswer, NotReached
from ansible_collections.halfswap.bluegreen.plugins.modules import lb_traffic

LIVE = dict(load_balancer="live", component="shop", url="http://lb/a")
STANDBY = dict(load_balancer="standby", component="shop", url="https://lb2/")


@pytest.fixture
def sent(monkeypatch, clock):
    """What is sent at which time; `answers` maps URLs to functions that answer."""

    class Sent(list):
        answers = {}

    made = Sent()

    class Sender(object):
        def __init__(self, validate_certs, ca_path, largest):
            made.tls = (validate_certs, ca_path)

        def __call__(self, url, timeout_s):
            made.append((url, clock.elapsed, timeout_s))
            return made.answers.get(url, lambda: Answer(200, {"X-Served-By": "blue1", "Date": "Thu, 01 Jan 1970 00:16:41 GMT"}, ""))()

    monkeypatch.setattr(lb_traffic, "Sender", Sender)
    return made


class InTurn(object):
    """A thread that runs when it is waited for, so that only one of them has the clock."""

    ident = None

    def __init__(self, target):
        self.target = target

    def start(self):
        self.ident = 1
        self.target()


@pytest.fixture
def traffic(run_module, clock, tmp_path, monkeypatch):
    """One stream for some seconds, which it alone lets pass."""
    file = str(tmp_path / "traffic")

    # As far apart as they are on average.
    monkeypatch.setattr(random, "uniform", lambda least, most: (least + most) / 2)

    def run(seconds, **args):
        streams = args.pop("streams", [LIVE])

        def end():
            os.remove(file)
            for stream in made:
                stream.wanted = False

        made = []
        real = lb_traffic.Stream

        def stream(*arguments):
            made.append(real(*arguments))
            return made[-1]

        monkeypatch.setattr(lb_traffic, "Stream", stream)
        monkeypatch.setattr(threading, "Thread", InTurn)
        monkeypatch.setattr(InTurn, "join", lambda self, timeout: None, raising=False)
        clock.at(seconds, end)
        started = run_module(lb_traffic, dict(dict(state="started", file=file, streams=streams), **args))
        assert started == {"changed": False}
        return run_module(lb_traffic, dict(state="stopped", file=file))

    return run


def test_never_in_step_with_users_whose_requests_come_at_a_steady_rate(traffic, sent, monkeypatch):
    waits = iter([0.5, 1.5, 0.8])
    asked = []
    monkeypatch.setattr(random, "uniform", lambda *limits: asked.append(limits) or next(waits, 9.0))
    traffic(1, rate_per_s=4)
    assert asked[0] == (0.5, 1.5)
    assert [at for _url, at, _timeout in sent] == [0.0, 0.125, 0.5, 0.7]


def test_at_the_rate_that_is_wanted(traffic, sent):
    told = traffic(1, rate_per_s=4)
    assert sent == [("http://lb/a", at, 10.0) for at in (0.0, 0.25, 0.5, 0.75)]
    assert told == {
        "changed": False,
        "cut_off": False,
        "streams": [
            {
                "load_balancer": "live",
                "component": "shop",
                "requests": [[1000.0 + at, 1000.0 + at, "blue1", 200, 1001] for at in (0.0, 0.25, 0.5, 0.75)],
                "errors": {},
            }
        ],
    }


def test_what_could_not_be_sent_in_time_is_left_out(traffic, sent, clock):
    def slow():
        clock.advance(0.6)
        return Answer(503, {}, "")

    sent.answers["http://lb/a"] = slow
    told = traffic(1.5, rate_per_s=4)
    assert [at for _url, at, _timeout in sent] == [0.0, 0.6, 1.2]
    assert told["streams"][0]["requests"][0] == [1000.0, 1000.6, None, 503, None]


def test_what_fails(traffic, sent, clock):
    failures = [NotReached("refused"), NotReached("refused"), NoAnswer("cut")]

    def fail():
        raise failures.pop(0)

    sent.answers["http://lb/a"] = fail
    told = traffic(0.75, rate_per_s=4)["streams"][0]
    assert [request[3] for request in told["requests"]] == [0, 0, -1]
    assert told["errors"] == {"refused": 2, "cut": 1}


@pytest.mark.parametrize(
    "answers, noted",
    [
        ([Answer(200, {}, ""), NotReached("refused"), Answer(503, {}, "")], ["back"]),
        ([Answer(200, {}, ""), NotReached("refused"), NotReached("refused")], []),
        ([Answer(200, {}, ""), Answer(503, {}, ""), Answer(200, {}, "")], []),
    ],
)
def test_one_that_was_away_is_told_to_be_back(traffic, sent, monkeypatch, answers, noted):
    notes = []
    monkeypatch.setattr(lb_traffic, "note", lambda _file, text: notes.append(text))

    def next_one():
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    sent.answers["http://lb/a"] = next_one
    traffic(0.75, rate_per_s=4)
    assert notes == noted


@pytest.mark.parametrize("date", [None, "", "yesterday"])
def test_a_date_that_nobody_can_read(traffic, sent, date):
    sent.answers["http://lb/a"] = lambda: Answer(200, {"Date": date}, "")
    assert traffic(0.1)["streams"][0]["requests"][0][4] is None


def test_the_header_that_names_the_node_and_the_certificates(traffic, sent):
    sent.answers["http://lb/a"] = lambda: Answer(200, {"X-Node": "n1"}, "")
    told = traffic(0.1, node_header="X-Node", validate_certs=False, ca_path="/ca.pem", request_timeout_s=2)
    assert told["streams"][0]["requests"][0][2] == "n1"
    assert sent.tls == (False, "/ca.pem") and sent[0][2] == 2.0


def test_streams_run_side_by_side(run_module, tmp_path, monkeypatch):
    # With real threads and no clock: each waits for the other one's request.
    both = [threading.Event(), threading.Event()]
    file = tmp_path / "traffic"

    def send(url, timeout_s):
        mine = 0 if url == LIVE["url"] else 1
        both[mine].set()
        assert both[1 - mine].wait(10)
        if mine == 0 and file.exists():
            file.unlink()
        return Answer(200, {}, "")

    monkeypatch.setattr(lb_traffic, "Sender", lambda *_args: send)
    run_module(lb_traffic, dict(state="started", file=str(file), streams=[LIVE, STANDBY]))
    told = run_module(lb_traffic, dict(state="stopped", file=str(file)))
    assert [(stream["load_balancer"], len(stream["requests"]) > 0) for stream in told["streams"]] == [("live", True), ("standby", True)]


@pytest.mark.parametrize(
    "args, text",
    [
        (dict(state="started"), "streams is empty"),
        (dict(state="started", streams=[dict(LIVE, url="lb")]), "url must begin with http:// or https://, but is lb."),
        (dict(state="started", streams=[LIVE], rate_per_s=0), "rate_per_s must be above 0 and at most 1000, but is 0."),
        (dict(state="stopped"), "nothing is recorded"),
    ],
)
def test_refused(run_module, tmp_path, sent, args, text):
    result = run_module(lb_traffic, dict(args, file=str(tmp_path / "traffic")))
    assert result.failed and text in result["msg"]
    assert sent == []


def test_check_mode_sends_nothing(run_module, tmp_path, sent):
    assert run_module(lb_traffic, dict(state="started", file=str(tmp_path / "traffic"), streams=[LIVE]), check_mode=True)["skipped"]
    assert sent == []
