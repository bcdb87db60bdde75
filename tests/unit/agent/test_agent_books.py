# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the agent keeps book of: probers, health, and the component's release and requests."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import itertools
import socket
import threading

import heartbeat
import pytest
from running_agent import ask, wanted

NONE_YET = {"live": 0, "not_live": 0, "standby": 0, "not_standby": 0}


def test_a_prober_from_first_to_last(node, component):
    node.put(wanted("live"))
    for _index in range(3):
        node.ask("/heartbeat/live?lb=1")
        node.check_health(passed_s=2)
    assert node.status()["probers"] == [
        {
            "address": "127.0.0.1",
            "path": "/heartbeat/live?lb=1",
            "answers": {"live": 3, "standby": 0, "down": 0},
            "consecutive": {"live": 3, "not_live": 0, "standby": 0, "not_standby": 3},
            "interval_s": 2.0,
            "last_seen_s": 2.0,
            "seen": 3,
        }
    ]

    # A flip starts all of it again, but the prober stays known.
    node.put(wanted("standby"))
    flipped = node.prober("/heartbeat/live?lb=1")
    assert (flipped["answers"], flipped["consecutive"]) == ({"live": 0, "standby": 0, "down": 0}, NONE_YET)
    assert (flipped["seen"], flipped["interval_s"], flipped["last_seen_s"]) == (3, 2.0, 2.0)

    node.ask("/heartbeat/live?lb=1")
    component.health = 500
    node.check_health(times=2)
    node.ask("/heartbeat/live?lb=1")
    down = node.prober("/heartbeat/live?lb=1")
    assert down["answers"] == {"live": 0, "standby": 1, "down": 1}
    assert down["consecutive"] == {"live": 0, "not_live": 2, "standby": 0, "not_standby": 1}


def test_a_run_ends_with_the_first_other_answer(node, component):
    node.put(wanted("live"))
    for health in (200, 200, 500, 200):
        component.health = health
        node.check_health(times=2)
        node.ask("/heartbeat/live")
    assert node.prober()["answers"] == {"live": 3, "standby": 0, "down": 1}
    assert node.prober()["consecutive"] == {"live": 1, "not_live": 0, "standby": 0, "not_standby": 4}


def test_who_counts_as_a_prober(node):
    for path in ("/heartbeat", "/heartbeat/live", "/heartbeat/live?a", "/heartbeat/live?b", "/heartbeat/standby"):
        node.ask(path)
        ask(node.control, path)
    ask(node.probe, "/heartbeat/live", "HEAD")
    ask(node.probe, "/heartbeat/status")
    seen = [(p["path"], p["seen"]) for p in node.status()["probers"]]
    assert seen == [("/heartbeat", 1), ("/heartbeat/live", 2), ("/heartbeat/live?a", 1), ("/heartbeat/live?b", 1), ("/heartbeat/standby", 1)]


def test_the_interval_is_the_usual_gap_whatever_happened_once(node, clock):
    assert node.ask() and node.prober("/heartbeat")["interval_s"] is None
    for gap in (0.5, 0.5, 30, 0.5, 0.5, 0.25):
        clock.now += gap
        node.ask()
    assert node.prober("/heartbeat")["interval_s"] == 0.5
    # After a change of the load balancer's configuration the old gaps are forgotten.
    for _index in range(5):
        clock.now += 2
        node.ask()
    assert node.prober("/heartbeat")["interval_s"] == 2.0


def test_a_prober_is_forgotten_after_600_s(node, clock):
    node.ask("/heartbeat/live")
    clock.now += 600
    assert [p["last_seen_s"] for p in node.status()["probers"]] == [600.0]
    clock.now += 0.001
    assert node.status()["probers"] == []
    node.ask("/heartbeat/live")
    assert node.prober()["seen"] == 1


def test_at_most_256_probers_the_least_recent_goes(node):
    for index in range(256):
        node.ask("/heartbeat?%d" % index)
    node.ask("/heartbeat?0")
    node.ask("/heartbeat?256")
    paths = [p["path"] for p in node.status()["probers"]]
    assert len(paths) == 256
    assert "/heartbeat?1" not in paths
    assert "/heartbeat?0" in paths and "/heartbeat?2" in paths and "/heartbeat?256" in paths


def test_an_answer_that_is_under_way_counts_before_the_flip(node, monkeypatch):
    """Between the word and its place in the book there is no room for a flip."""
    node.put(wanted("live"))
    counting, flipped = threading.Event(), threading.Event()
    count = heartbeat.ProberTable.count

    def slow_count(*arguments):
        counting.set()
        flipped.wait(0.3)  # in vain: the flip has to wait for this
        count(*arguments)

    def flip():
        node.put(wanted("standby"))
        flipped.set()

    monkeypatch.setattr(heartbeat.ProberTable, "count", slow_count)
    prober = threading.Thread(target=node.ask, args=("/heartbeat/live",))
    prober.start()
    counting.wait()
    flip()
    prober.join()
    assert (node.prober()["seen"], node.prober()["answers"]) == (1, {"live": 0, "standby": 0, "down": 0})


def test_no_prober_gets_an_old_answer_counted_after_a_flip(node):
    """While the state flips to and fro, what is counted since a flip is only what the new state says."""
    over = threading.Event()
    wrong = []

    def probe():
        while not over.is_set():
            node.ask("/heartbeat/live")

    threads = [threading.Thread(target=probe) for _index in range(4)]
    for thread in threads:
        thread.start()
    for state in ["live", "standby"] * 20:
        after = node.put(wanted(state)).json
        wrong += [p["answers"] for p in after["probers"] if p["answers"]["standby" if state == "live" else "live"]]
    over.set()
    for thread in threads:
        thread.join()
    assert wrong == []


# ---- Health -----------------------------------------------------------------------------------------------------------------


def test_unhealthy_before_the_first_check(starting_node):
    status = starting_node.status()
    assert (status["healthy"], status["answer"], status["why"]) == (False, "down", "no health check has finished yet")
    assert starting_node.ask() == "down"
    starting_node.check_health()
    assert starting_node.ask() == "standby"


def test_fall_bad_checks_make_it_down_one_good_check_brings_it_back(node, component):
    component.health = 503
    node.check_health()
    assert node.ask() == "standby"
    assert node.status()["why"] == component.url + "/health: answered 503 (1 bad in a row, 2 make it down)"
    node.check_health()
    assert node.ask() == "down"
    assert node.status()["why"] == component.url + "/health: answered 503 (2 bad in a row, 2 make it down)"
    component.health = 299
    node.check_health()
    assert node.ask() == "standby"
    component.health = 300
    node.check_health()
    assert node.ask() == "standby"


def test_a_first_check_that_is_bad_is_enough(starting_node, component):
    component.health = 500
    starting_node.check_health()
    assert starting_node.ask() == "down"


def test_a_stale_result_counts_as_unhealthy(node, clock):
    # (fall + 1) * (interval 0.5 s + timeout 1 s)
    clock.now += 4.5
    assert node.ask() == "standby"
    clock.now += 0.1
    assert node.ask() == "down"
    assert "the last health check finished 4.6 s ago" in node.status()["why"]


def test_one_bad_check_does_not_end_staleness(node, component, clock):
    clock.now += 60
    component.health = 500
    node.check_health()
    assert node.ask() == "down"


def test_a_component_that_is_not_there(config, clock):
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    poller = heartbeat.HealthPoller(config.health._replace(url="http://127.0.0.1:%d/" % sock.getsockname()[1], fall=1), clock)
    poller.poll()
    sock.close()
    assert poller.verdict()[0] is False
    assert "Connection refused (1 bad in a row" in poller.verdict()[1]


def serve_once(dribble):
    """A server that sends these pieces, each after the agent has had time to ask for it."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(1)

    def serve():
        sock = listening.accept()[0]
        sock.recv(1000)
        try:
            for piece in dribble:
                sock.sendall(piece)
        except EnvironmentError:
            pass
        sock.close()
        listening.close()

    thread = threading.Thread(target=serve)
    thread.start()
    return "http://127.0.0.1:%d/health" % listening.getsockname()[1], thread


def test_bytes_that_drip_in_do_not_prolong_the_timeout():
    looks = itertools.count()
    looked = threading.Semaphore(0)

    def look():
        """A time that passes with each look at it; with each, one more header arrives."""
        looked.release()
        return next(looks)

    def endless_headers():
        yield b"HTTP/1.1 200 OK\r\n"
        while True:
            looked.acquire()
            yield b"X: y\r\n"

    url, thread = serve_once(endless_headers())
    with pytest.raises(heartbeat.GetError) as error:
        heartbeat.http_get(url, 5, look)
    assert str(error.value) == "timed out"
    for _header in range(1000):
        looked.release()
    thread.join()


@pytest.mark.parametrize(
    "sent, why",
    [
        ([], ""),
        ([b"garbage\r\n\r\n"], ""),
        ([b"HTTP/1.1 abc\r\n\r\n"], "abc"),
    ],
)
def test_a_component_that_does_not_speak_http(config, clock, sent, why):
    url, thread = serve_once(sent)
    poller = heartbeat.HealthPoller(config.health._replace(url=url), clock)
    poller.poll()
    thread.join()
    assert poller.verdict()[0] is False
    assert why in poller.verdict()[1]


def test_proxies_of_the_environment_are_not_asked(node, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    node.check_health(times=2)
    assert node.ask() == "standby"


def test_what_the_component_is_asked():
    received = []
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(1)

    def serve():
        sock = listening.accept()[0]
        received.append(sock.recv(1000))
        sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
        sock.close()

    thread = threading.Thread(target=serve)
    thread.start()
    port = listening.getsockname()[1]
    assert heartbeat.http_get("http://127.0.0.1:%d?x=1" % port, 5) == (200, b"abc")
    thread.join()
    listening.close()
    assert received == [
        ("GET /?x=1 HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUser-Agent: halfswap-heartbeat/0.1.0\r\nAccept: */*\r\nConnection: close\r\n\r\n" % port).encode("ascii")
    ]


# ---- Release and requests -------------------------------------------------------------------------------------------------------


def test_requests_are_counted_from_the_very_flip(node, component, clock):
    component.status["requests"] = 100
    node.agent.status.poll()
    # These came since the last poll but before the flip: the flip reads the counter itself.
    component.status["requests"] = 107
    assert node.put(wanted("live")).json["requests"] == {"total": 107, "since_flip": 0, "rate_per_s": None}
    component.status["requests"] = 110
    node.agent.status.poll()
    assert node.status()["requests"]["since_flip"] == 3
    # No flip, no new start.
    node.put(wanted("live", run_id="run-2"))
    assert node.status()["requests"]["since_flip"] == 3


def test_a_restarted_component_counts_from_nothing(node, component, clock):
    component.status["requests"] = 100
    node.agent.status.poll()
    node.put(wanted("live"))
    clock.now += 1
    component.status["requests"] = 4
    node.agent.status.poll()
    assert node.status()["requests"] == {"total": 4, "since_flip": 4, "rate_per_s": None}
    clock.now += 1
    component.status["requests"] = 10
    node.agent.status.poll()
    assert node.status()["requests"] == {"total": 10, "since_flip": 10, "rate_per_s": 6.0}


def test_the_rate_is_of_the_last_ten_seconds(node, component, clock):
    for _second in range(30):
        clock.now += 1
        component.status["requests"] += 1000
        node.agent.status.poll()
    for _second in range(10):
        clock.now += 1
        component.status["requests"] += 5
        node.agent.status.poll()
    assert node.status()["requests"] == {"total": 30050, "since_flip": 30050, "rate_per_s": 5.0}


def test_what_is_not_known_is_null(node, component):
    unknown = {"total": None, "since_flip": None, "rate_per_s": None}
    for status in ({}, [], "text", {"requests": "7", "release": None}, {"requests": True}, {"requests": 1.5}):
        component.status = status
        node.agent.status.poll()
        assert (node.status()["requests"], node.status()["release"]) == (unknown, None)


def test_a_flip_that_cannot_read_the_counter_starts_at_the_next_one_it_sees(node, component):
    component.status = {"requests": 50}
    node.agent.status.poll()
    component.status = {}
    assert node.put(wanted("live")).json["requests"]["since_flip"] is None
    component.status = {"requests": 60}
    node.agent.status.poll()
    assert node.status()["requests"]["since_flip"] == 0
    component.status = {"requests": 61}
    node.agent.status.poll()
    assert node.status()["requests"]["since_flip"] == 1


def test_keys_may_be_dotted_and_a_release_a_number(config, component, clock):
    component.status = {"build": {"version": 2.5}, "http": {"server": {"count": 9}}}
    poller = heartbeat.StatusPoller(config.status._replace(release_key="build.version", requests_key="http.server.count"), clock)
    assert (poller.poll(), poller.release()) == (9, ("2.5", None))


def test_without_a_status_nothing_is_known(config, clock):
    poller = heartbeat.StatusPoller(None, clock)
    assert (poller.poll(), poller.release()) == (None, (None, None))
    poller.flip(None)
    assert poller.requests() == {"total": None, "since_flip": None, "rate_per_s": None}


def test_a_status_that_cannot_be_read_is_told_apart_from_one_that_tells_nothing(node, component):
    node.agent.status.poll()
    assert node.status()["status_error"] is None
    component.status = None
    node.agent.status.poll()
    status = node.status()
    assert (status["release"], status["status_error"]) == (None, component.url + "/status: answered 500")


def test_fresh_checks_the_component_for_this_very_answer(node, component):
    component.health = 500
    component.status = {"release": "2.0.0", "requests": 3}
    # The probe side never waits for the component.
    assert ask(node.probe, "/heartbeat/status?fresh=1").json["release"] == "1.0.0"
    status = ask(node.control, "/heartbeat/status?fresh=1").json
    # One bad check does not take the node out of the load balancers, but who asks for this moment is told of it.
    assert (status["healthy"], status["answer"], status["release"], status["requests"]["total"]) == (False, "standby", "2.0.0", 3)
    assert node.status()["healthy"] is True
