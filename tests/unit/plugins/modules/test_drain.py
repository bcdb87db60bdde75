# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import socket

import pytest

from ansible_collections.halfswap.bluegreen.plugins.modules import drain


@pytest.fixture
def application(heartbeat_server):
    """Any server of one JSON document serves: its status is that of the application here."""
    heartbeat_server.status = {"requests": {"active": 0, "total": 100}}
    return heartbeat_server


def counter(server, **changes):
    component = dict(name="shop", in_flight_url=server.url + "/status", in_flight_key="requests.active", requests_key="requests.total")
    component.update(changes)
    return component


def test_idle(run_module, application, clock):
    result = run_module(drain, dict(components=[counter(application)]))
    assert result == {
        "changed": False,
        "drained": True,
        "method": "counter",
        "guess": False,
        "waited_s": 0.2,
        "components": [{"name": "shop", "in_flight": 0, "requests": 100, "samples": 3}],
    }
    assert clock.sleeps == [0.1, 0.1]
    assert [path for _method, path, _body, _match, _token in application.asked] == ["/status"] * 3


def test_waits_for_the_last_request(run_module, application, clock):
    application.status["requests"]["active"] = 2
    clock.at(5, lambda: application.status["requests"].update(active=1))
    clock.at(7, lambda: application.status["requests"].update(active=0))
    result = run_module(drain, dict(components=[counter(application)], interval_s=1, samples=4))
    assert result["drained"]
    assert result["waited_s"] == 10.0


def test_a_request_between_two_samples_begins_the_row_anew(run_module, application, clock):
    clock.at(2, lambda: application.status["requests"].update(total=101))
    result = run_module(drain, dict(components=[counter(application)], interval_s=1))
    assert result["waited_s"] == 4.0
    assert result["components"] == [{"name": "shop", "in_flight": 0, "requests": 101, "samples": 3}]


def test_without_a_counter_of_requests(run_module, application, clock):
    clock.at(2, lambda: application.status["requests"].update(total=101))
    result = run_module(drain, dict(components=[counter(application, requests_key=None)], interval_s=1))
    assert result["waited_s"] == 2.0
    assert result["components"] == [{"name": "shop", "in_flight": 0, "requests": None, "samples": 3}]


def test_all_components_at_once(run_module, application, second_heartbeat_server, clock):
    second_heartbeat_server.status = {"busy": 1}
    clock.at(3, lambda: second_heartbeat_server.status.update(busy=0))
    # The one that was idle first is used again before the other is idle.
    clock.at(4, lambda: application.status["requests"].update(active=1, total=101))
    clock.at(6, lambda: application.status["requests"].update(active=0))
    other = dict(name="api", in_flight_url=second_heartbeat_server.url, in_flight_key="busy")
    result = run_module(drain, dict(components=[counter(application), other], interval_s=1))
    assert result["waited_s"] == 8.0
    assert result["components"] == [
        {"name": "shop", "in_flight": 0, "requests": 101, "samples": 3},
        {"name": "api", "in_flight": 0, "requests": None, "samples": 6},
    ]


def test_says_at_the_deadline_what_is_in_flight(run_module, application, second_heartbeat_server, clock):
    second_heartbeat_server.status = {"in_flight": 0}
    application.status["requests"]["active"] = 2
    other = dict(name="api", in_flight_url=second_heartbeat_server.url)
    result = run_module(drain, dict(components=[counter(application), other], interval_s=2, timeout_s=3))
    assert result == {
        "failed": True,
        "msg": "Not drained after 3.0 s: shop: 2 in flight. Nothing was stopped. Where requests may take that long, raise timeout_s; "
        "otherwise find out what holds them.",
        "changed": False,
        "drained": False,
        "method": "counter",
        "guess": False,
        "waited_s": 3.0,
        "components": [
            {"name": "shop", "in_flight": 2, "requests": 100, "samples": 0},
            {"name": "api", "in_flight": 0, "requests": None, "samples": 3},
        ],
    }
    assert clock.sleeps == [2, 1]


def test_requests_that_keep_arriving(run_module, application, clock):
    def one_more(server):
        server.status["requests"]["total"] += 1

    application.after_each = one_more
    result = run_module(drain, dict(components=[counter(application)], timeout_s=1))
    assert result.failed
    assert "shop: none in flight, but requests keep arriving (1" in result["msg"]


def test_a_counter_that_does_not_answer_for_a_while(run_module, application, clock):
    application.next_answers = [(200, '{"requests": {"active": 0, "total": 100}}'), (500, "")]
    result = run_module(drain, dict(components=[counter(application)], interval_s=1))
    assert result["waited_s"] == 4.0


def test_a_counter_that_never_answers(run_module, clock):
    component = dict(name="shop", in_flight_url="http://127.0.0.1:1/status")
    result = run_module(drain, dict(components=[component], timeout_s=2))
    assert result.failed
    assert "Not drained after 2.0 s: shop: http://127.0.0.1:1/status does not answer (" in result["msg"]
    assert result["components"] == [{"name": "shop", "in_flight": None, "requests": None, "samples": 0}]


@pytest.mark.parametrize(
    "answer, changes, message",
    [
        ("hello", {}, "does not answer with JSON: is in_flight_url right?"),
        ('{"requests": {}}', {}, "no active at key requests.active (there: nothing): is in_flight_key right?"),
        ('{"requests": {"active": 0}}', {}, "no total at key requests.total (there: active): is requests_key right?"),
        ('{"requests": {"active": "many"}}', {}, "no number at key requests.active: is in_flight_key right?"),
        ('{"requests": {"active": null}}', {}, "no number at key requests.active: is in_flight_key right?"),
    ],
)
def test_a_question_that_cannot_be_answered_fails_at_once(run_module, application, clock, answer, changes, message):
    application.next_answers = [(200, answer)]
    result = run_module(drain, dict(components=[counter(application, **changes)]))
    assert result.failed
    assert result["msg"].startswith("Not drained, and nothing was stopped: component shop: ")
    assert message in result["msg"]
    assert clock.elapsed == 0


@pytest.mark.parametrize(
    "args, message",
    [
        (dict(components=[]), "components is empty: name every component that is about to be stopped."),
        (dict(components=[dict(name="shop")]), "component shop has no in_flight_url, which method counter needs."),
        (dict(components=[dict(name="shop")], method="connections"), "component shop has no ports, which method connections needs."),
        (dict(components=[dict(name="shop")], samples=0), "samples must be at least 1, and interval_s at least 0."),
        (dict(components=[dict(name="shop")], method="seconds", seconds=-1), "seconds must be at least 0."),
    ],
)
def test_refuses_what_proves_nothing(run_module, args, message):
    result = run_module(drain, args)
    assert result.failed
    assert result["msg"] == "Not drained, and nothing was stopped: " + message


def test_seconds_are_a_guess(run_module, clock):
    result = run_module(drain, dict(components=[dict(name="shop")], method="seconds", seconds=20))
    assert clock.sleeps == [20]
    assert result.pop("warnings") == [
        "Drained by waiting 20 s: a guess, which loses every request that takes longer. Method counter or connections would look."
    ]
    assert result == {
        "changed": False,
        "drained": True,
        "method": "seconds",
        "guess": True,
        "waited_s": 20.0,
        "components": [{"name": "shop", "in_flight": None, "requests": None, "samples": 0}],
    }
    assert run_module(drain, dict(components=[dict(name="shop")], method="seconds")).failed


def test_real_connections(run_module, clock):
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(1)
    port = listening.getsockname()[1]
    client = socket.create_connection(("127.0.0.1", port))
    accepted, _address = listening.accept()

    def leave():
        client.close()
        accepted.close()

    args = dict(components=[dict(name="shop", ports=[port])], method="connections", interval_s=1)
    try:
        clock.at(2, leave)
        result = run_module(drain, args)
        assert result["waited_s"] == 4.0
        assert result["components"] == [{"name": "shop", "in_flight": 0, "requests": None, "samples": 3}]
    finally:
        listening.close()
    result = run_module(drain, args)
    assert result["msg"].startswith("Not drained, and nothing was stopped: component shop: nothing listens on port %d" % port)


def test_check_mode_reads_once(run_module, application, clock):
    application.status["requests"]["active"] = 1
    args = dict(components=[counter(application)])
    result = run_module(drain, args, check_mode=True)
    assert (result.failed, result["drained"], result["components"][0]["in_flight"]) == (False, False, 1)
    application.status["requests"]["active"] = 0
    assert run_module(drain, args, check_mode=True)["drained"]
    assert not run_module(drain, dict(components=[dict(name="shop")], method="seconds", seconds=20), check_mode=True).failed
    assert clock.elapsed == 0
    assert len(application.asked) == 2
