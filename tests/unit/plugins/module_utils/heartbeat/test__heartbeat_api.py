# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils.heartbeat._heartbeat_api import Conflict, Heartbeat, HeartbeatError


def test_a_proxy_of_the_environment_is_not_asked(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:2")
    with pytest.raises(HeartbeatError) as error:
        Heartbeat("shop", "http://127.0.0.1:1").status()
    assert "http://127.0.0.1:1" in str(error.value) and ":2" not in str(error.value).replace("127.0.0.1:1", "")


def test_a_conflict_is_told_apart():
    assert issubclass(Conflict, HeartbeatError)


def asked(server, **changes):
    server.next_answers = [(200, json.dumps(dict(server.status, **changes)))]
    return Heartbeat("shop", server.url).status()


@pytest.mark.parametrize(
    "changes, text",
    [
        ({"state": "LIVE"}, 'state is "LIVE", and "live" or "standby" belongs there'),
        ({"state": "serving"}, 'state is "serving", and'),
        ({"state": True}, "state is true, and"),
        ({"state": None}, "state is null, and"),
        ({"state": ["live"]}, 'state is ["live"], and'),
        ({"state": "x" * 100000}, 'state is "xxxx'),
        ({"healthy": "false"}, 'healthy is "false", and true or false belongs there'),
        ({"healthy": 1}, "healthy is 1, and"),
        ({"healthy": None}, "healthy is null, and"),
        ({"requests": {"rate_per_s": float("nan")}}, "requests.rate_per_s is NaN, and a number from 0 on"),
        ({"requests": {"rate_per_s": "12"}}, 'requests.rate_per_s is "12", and'),
        ({"requests": {"rate_per_s": -3.5}}, "requests.rate_per_s is -3.5, and"),
        ({"requests": {"since_flip": True}}, "requests.since_flip is true, and"),
        ({"requests": [1]}, "requests is [1], and a dictionary"),
        ({"revision": "7"}, 'revision is "7", and a whole number'),
        ({"revision": 7.5}, "revision is 7.5, and"),
        ({"since_s": float("inf")}, "since_s is Infinity, and"),
        ({"since_s": -1}, "since_s is -1, and"),
        ({"phase": "READY"}, 'phase is "READY", and "SCHEDULED" or'),
        ({"answer": "up"}, 'answer is "up", and'),
        ({"by": {"name": "ops"}}, 'by is {"name": "ops"}, and a text'),
        ({"why": None}, "why is null, and a text"),
        ({"release": 2.0}, "release is 2.0, and a text"),
        ({"agent": {"started_s": "long"}}, 'agent.started_s is "long", and'),
        ({"probers": None}, "probers is null, and a list"),
        ({"probers": [{}]}, "probers[0].address is missing"),
        ({"refused": [{"seen": "often"}]}, 'refused[0].seen is "often", and a whole number'),
        ({"probers": ["10.0.0.5"]}, 'probers[0] is "10.0.0.5", and a dictionary'),
    ],
)
def test_another_dialect_is_a_refusal_that_quotes_it_and_names_who_speaks_it(heartbeat_server, changes, text):
    with pytest.raises(HeartbeatError) as error:
        asked(heartbeat_server, **changes)
    told = str(error.value)
    assert "component shop: %s" % heartbeat_server.url in told and text in told and "docs/heartbeat-api.md" in told
    assert len(told) < 1000


@pytest.mark.parametrize("key", ["state", "revision", "since_s", "by", "run_id", "healthy", "why", "probers"])
def test_what_is_needed_and_missing(heartbeat_server, key):
    del heartbeat_server.status[key]
    with pytest.raises(HeartbeatError) as error:
        Heartbeat("shop", heartbeat_server.url).status()
    assert "%s is missing" % key in str(error.value)


def test_what_may_be_missing_or_null_and_what_nobody_knows(heartbeat_server):
    for key in ("release", "requests", "phase", "reason"):
        del heartbeat_server.status[key]
    said = asked(heartbeat_server, by=None, run_id=None, status_error=None, test=None, requests=None, weather={"state": "LIVE"})
    assert said["state"] == "live" and said["weather"] == {"state": "LIVE"}


def test_an_answer_to_a_write_is_of_the_same_dialect(heartbeat_server):
    heartbeat_server.next_answers = [(200, json.dumps(dict(heartbeat_server.status, revision=None)))]
    with pytest.raises(HeartbeatError) as error:
        Heartbeat("shop", heartbeat_server.url).put(7, state="live", reason="", run_id="r1")
    assert "revision is null" in str(error.value)


@pytest.mark.parametrize("body", ["live", "[" * 100000, "[]", "null", '{"state": '])
def test_what_is_no_json_object(heartbeat_server, body):
    heartbeat_server.next_answers = [(200, body)]
    with pytest.raises(HeartbeatError) as error:
        Heartbeat("shop", heartbeat_server.url).status()
    assert "not with the heartbeat API's JSON" in str(error.value)


def test_what_it_says_is_fit_to_be_shown(heartbeat_server):
    said = asked(heartbeat_server, why="\x1b[2Jup {{ 1 }}", by="a" * 4000)
    assert "\x1b" not in said["why"] and "{{" not in said["why"] and len(said["by"]) < 4000
    heartbeat_server.next_answers = [(409, json.dumps({"error": "\x1b[2J" + "a" * 100000}))]
    with pytest.raises(Conflict) as error:
        Heartbeat("shop", heartbeat_server.url).put(7, state="live")
    assert "\x1b" not in str(error.value) and len(str(error.value)) < 5000
