# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the agent keeps book of: probers, health, and the component's release and requests."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import itertools
import socket
import struct
import threading

import heartbeat
import pytest
from heartbeat import TEXT
from running_agent import Answer, ask, connect, exchange, receive, wanted

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
            "declared": None,
            "answers": {"live": 3, "standby": 0, "down": 0},
            "consecutive": {"live": 3, "not_live": 0, "standby": 0, "not_standby": 3},
            "first_seen_s": 6.0,
            "interval_s": 2.0,
            "last_seen_s": 2.0,
            "seen": 3,
        }
    ]

    # A flip starts all of it again, but the prober stays known.
    node.put(wanted("standby"))
    flipped = node.prober("/heartbeat/live?lb=1")
    assert (flipped["answers"], flipped["consecutive"]) == ({"live": 0, "standby": 0, "down": 0}, NONE_YET)
    assert (flipped["seen"], flipped["interval_s"], flipped["last_seen_s"], flipped["first_seen_s"]) == (3, 2.0, 2.0, 6.0)

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


# ---- Who the probers are ---------------------------------------------------------------------------------------------------------

BALANCER, STRANGER, ANOTHER = "127.0.0.5", "127.0.0.9", "127.0.1.7"


@pytest.fixture
def books(clock):
    """Books that know the addresses of one load balancer."""
    return heartbeat.Books(heartbeat.Networks([heartbeat.a_network(TEXT(BALANCER))]), clock)


@pytest.fixture
def open_books(clock):
    """Books that know nobody."""
    return heartbeat.Books(heartbeat.Networks([]), clock)


def seen(books, address):
    return {p["path"]: p["seen"] for p in books.report()[0] if p["address"] == address}


def flood(books, address, clock, questions=5000, every=20):
    """What was tried: other query strings again and again, and each 20th time the very path of the load balancer."""
    for index in range(questions):
        clock.now += 0.001
        books.count(address, "/heartbeat/live" + ("?%d" % index if index % every else ""), "live")


def test_a_stranger_displaces_no_load_balancer(books, clock):
    for _check in range(3):
        books.count(BALANCER, "/heartbeat/live", "live")
    books.flip()
    books.count(BALANCER, "/heartbeat/live", "standby")
    flood(books, STRANGER, clock)
    assert seen(books, BALANCER) == {"/heartbeat/live": 4}
    known = [p for p in books.report()[0] if p["declared"]]
    assert [(p["address"], p["consecutive"]["not_live"]) for p in known] == [(BALANCER, 1)]


def test_thousands_of_strangers_displace_no_load_balancer(books):
    books.count(BALANCER, "/heartbeat/live", "live")
    for index in range(3000):
        books.count("10.1.%d.%d" % (index // 250, index % 250), "/heartbeat/live", "live")
    assert seen(books, BALANCER) == {"/heartbeat/live": 1}
    assert len(books.report()[0]) == 1 + heartbeat.STRANGERS[0]


def test_a_stranger_displaces_no_other_one(books, clock):
    books.count(ANOTHER, "/heartbeat", "live")
    flood(books, STRANGER, clock)
    assert seen(books, ANOTHER) == {"/heartbeat": 1}
    assert len(seen(books, STRANGER)) == heartbeat.STRANGERS[1]


def test_a_steady_path_of_a_load_balancer_stays_whatever_else_is_asked_from_there(books, clock):
    for _check in range(2):
        books.count(BALANCER, "/heartbeat/standby", "live")
    flood(books, BALANCER, clock)
    kept = seen(books, BALANCER)
    assert (kept["/heartbeat/standby"], kept["/heartbeat/live"], len(kept)) == (2, 250, heartbeat.DECLARED_PROBERS[1])


@pytest.mark.parametrize("addresses", [1, 400])
def test_where_nobody_is_declared_a_steady_prober_stays(open_books, clock, addresses):
    for _check in range(2):
        open_books.count(BALANCER, "/heartbeat/live", "live")
    for index in range(5000):
        open_books.count("10.1.%d.%d" % divmod(index % addresses, 250), "/heartbeat?%d" % index, "live")
    assert seen(open_books, BALANCER) == {"/heartbeat/live": 2}
    assert len(open_books.report()[0]) == 1 + min(addresses * 64, 255)


def test_who_is_silent_makes_room_before_anybody_else(books, clock):
    for _check in range(50):
        books.count(BALANCER, "/heartbeat/old", "live")
    clock.now += 601
    flood(books, BALANCER, clock, 1)
    assert seen(books, BALANCER) == {"/heartbeat/live": 1}


@pytest.mark.parametrize(
    "networks, address, declared",
    [
        ([], "192.0.2.5", None),
        (["192.0.2.5"], "192.0.2.5", True),
        (["192.0.2.5/32"], "192.0.2.6", False),
        (["192.0.2.0/24"], "192.0.2.255", True),
        (["192.0.2.0/24"], "192.0.3.0", False),
        (["10.0.0.0/9", "192.0.2.4/31"], "192.0.2.5", True),
        (["128.0.0.0/1"], "127.255.255.255", False),
        (["2001:db8::/33"], "2001:db8:7fff::1", True),
        (["2001:db8::/33"], "2001:db8:8000::1", False),
        (["::ffff:192.0.2.5"], "192.0.2.5", True),
        (["2001:DB8::0"], "2001:db8::", True),
        (["::/1"], "192.0.2.5", True),
    ],
)
def test_networks(networks, address, declared):
    assert heartbeat.Networks([heartbeat.a_network(TEXT(network)) for network in networks]).have(address) is declared


@pytest.mark.parametrize(
    "peer, address",
    [
        (("192.0.2.5", 1), "192.0.2.5"),
        (("::ffff:192.0.2.5", 1, 0, 0), "192.0.2.5"),
        (("fe80::1%eth0", 1, 0, 2), "fe80::1"),
        (("2001:db8::5", 1, 0, 0), "2001:db8::5"),
        (("::ffff:0:5", 1, 0, 0), "::ffff:0:5"),
    ],
)
def test_the_address_of_a_client(peer, address):
    assert heartbeat.client_address(peer) == address


def test_the_status_tells_strangers_from_load_balancers(node):
    node.restart(probers=[heartbeat.a_network(TEXT("127.0.0.4/31"))])
    node.ask("/heartbeat/live", BALANCER)
    node.ask("/heartbeat/live", STRANGER)
    assert [(p["address"], p["declared"]) for p in node.status()["probers"]] == [(BALANCER, True), (STRANGER, False)]


def test_a_long_list_is_written_down_ten_times_a_second_and_anew_after_a_flip(node, clock):
    for index in range(20):
        node.ask("/heartbeat?%d" % index)
    assert len(node.status()["probers"]) == 20
    node.ask("/heartbeat?20")
    clock.now += 0.099
    assert len(node.status()["probers"]) == 20
    # What was told before a flip must not be taken for what was told after it.
    after = node.put(wanted("live")).json
    assert len(after["probers"]) == 21
    assert [p for p in after["probers"] if p["consecutive"] != NONE_YET] == []
    node.ask("/heartbeat?20")
    assert node.status()["probers"] == after["probers"]
    clock.now += 0.101
    assert [p["consecutive"]["live"] for p in node.status()["probers"] if p["path"] == "/heartbeat?20"] == [1]


# ---- Questions that were refused ----------------------------------------------------------------------------------------------------


def test_refused_questions_are_shown_with_their_sender(node, clock):
    node.restart(probers=[heartbeat.a_network(TEXT(BALANCER))])
    exchange(node.probe, b"GET /heartbeat/live?\x1b]0;x\x07 HTTP/1.1\r\n\r\n", STRANGER)
    for _check in range(3):
        ask(node.probe, "/heartbeat/live", "OPTIONS", BALANCER)
    ask(node.probe, "/health", source=BALANCER)
    clock.now += 2
    status = node.status()
    assert status["probers"] == []
    assert [(r["address"], r["declared"], r["code"], r["seen"], r["last_seen_s"]) for r in status["refused"]] == [
        (BALANCER, True, 404, 1, 2.0),
        (BALANCER, True, 405, 3, 2.0),
        (STRANGER, False, 400, 1, 2.0),
    ]
    assert [r["asked"] for r in status["refused"]] == ["GET /health", "OPTIONS /heartbeat/live", "no HTTP"]
    assert status["refused"][1]["error"] == "OPTIONS /heartbeat/live is not for this address; it takes GET, HEAD"
    assert status["refused"][2]["error"] == 'the first line is not "METHOD /path HTTP/1.1" in printable ASCII'
    # Who writes is no load balancer.
    exchange(node.control, b"GET\r\n\r\n")
    assert len(node.status()["refused"]) == 3
    clock.now += 600
    assert node.status()["refused"] == []


def test_refused_questions_are_bounded(books):
    books.refuse(BALANCER, "POST /heartbeat", 405, "POST")
    for index in range(2000):
        books.refuse("10.1.%d.%d" % divmod(index, 250), "no HTTP", 400, "x")
        books.refuse(STRANGER, "GET /%d" % index, 404, "x")
    refused = books.report()[1]
    assert len(refused) == 1 + heartbeat.REFUSED[0]
    assert [(r["asked"], r["code"]) for r in refused if r["declared"]] == [("POST /heartbeat", 405)]
    assert len([r for r in refused if r["address"] == STRANGER]) <= heartbeat.REFUSED[1]


# As HAProxy sends them with a bare "option httpchk", with check-send-proxy (both versions), with check-ssl, and with "check" alone.
PROXY = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"
HELLO = b"\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03" + b"\x0b" * 189


@pytest.mark.parametrize(
    "sent, asked, code, error",
    [
        (b"OPTIONS / HTTP/1.0\r\n\r\n", "OPTIONS /", 404, "there is no such path"),
        (b"PROXY TCP4 192.0.2.5 192.0.2.6 %d 9100\r\nGET /heartbeat/live HTTP/1.0\r\n\r\n", "a PROXY header", 400, "this is a PROXY header"),
        (PROXY + b"GET /heartbeat/live HTTP/1.0\r\n\r\n", "a PROXY header", 400, "this is a PROXY header"),
        (HELLO, "TLS", 400, "this is TLS, and the heartbeat is plain HTTP"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/2", 400, "this is HTTP/2"),
        (b"GET /health?token=%d HTTP/1.0\r\n\r\n", "GET /health", 404, "there is no such path"),
        (b"\x00\x01\n", "no HTTP", 400, "the first line is not"),
    ],
)
def test_who_asks_in_another_tongue_is_told_so_and_shown(node, sent, asked, code, error):
    for port in (40001, 40002, 40003):
        told = Answer(exchange(node.probe, sent % port if b"%d" in sent else sent))
        assert told.code == code and error in told.json["error"]
    # One entry for all of them, although each may have another number in it.
    assert [(r["asked"], r["code"], r["seen"]) for r in node.status()["refused"]] == [(asked, code, 3)]
    assert error in node.status()["refused"][0]["error"]


def test_who_asks_nothing_or_half_a_question_is_shown(node, clock):
    for sent in (b"", b"", b"GET /heartbeat/live HTTP/1.0\r\n", b"GE"):
        sock = connect(node.probe)
        sock.sendall(sent)
        sock.shutdown(socket.SHUT_WR)
        receive(sock)
    # Who waits until its time is over has not asked, either; and who closes without a word, as HAProxy does.
    waiting = connect(node.probe)
    node.ask("/heartbeat")
    clock.now += heartbeat.CLIENT_LIFETIME_S + 1
    node.ask("/heartbeat")
    assert receive(waiting) == b""
    gone = connect(node.probe)
    gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    gone.close()
    node.ask("/heartbeat")
    # Nobody asks on the control side who is a load balancer.
    connect(node.control).close()
    assert [(r["asked"], r["code"], r["seen"], r["error"]) for r in node.status()["refused"]] == [
        ("GET /heartbeat/live", None, 1, heartbeat.ASKED_IN_PART),
        ("no HTTP", None, 1, heartbeat.ASKED_IN_PART),
        ("nothing", None, 4, heartbeat.ASKED_NOTHING),
    ]
    assert [p["path"] for p in node.status()["probers"]] == ["/heartbeat"]


def test_an_answer_that_is_under_way_counts_before_the_flip(node, monkeypatch):
    """Between the word and its place in the book there is no room for a flip."""
    node.put(wanted("live"))
    counting, flipped = threading.Event(), threading.Event()
    count = heartbeat.Books.count

    def slow_count(*arguments):
        counting.set()
        flipped.wait(0.3)  # in vain: the flip has to wait for this
        count(*arguments)

    def flip():
        node.put(wanted("standby"))
        flipped.set()

    monkeypatch.setattr(heartbeat.Books, "count", slow_count)
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


@pytest.mark.parametrize("endless", [b"X: y\r\n" * 1000, b"X: " + b"y" * 9000 + b"\r\n", b"\r\nHTTP/1.1 100 Continue\r\n" * 100])
def test_an_answer_of_a_component_is_bounded(config, clock, endless):
    url, thread = serve_once(itertools.chain([b"HTTP/1.1 100 Continue\r\n"], [endless] * 10000))
    poller = heartbeat.HealthPoller(config.health._replace(url=url, timeout_s=60, fall=1), clock)
    poller.poll()
    thread.join()
    assert poller.verdict()[0] is False


@pytest.mark.parametrize("said", [b"\x1b[31mred\x07", b"\xff\xfe\0", b"{{ 7 * 7 }}" * 5000])
def test_what_a_component_says_instead_of_http_is_shown_printable_and_cut(config, clock, capfd, said):
    url, thread = serve_once([said + b"\r\n\r\n"])
    poller = heartbeat.HealthPoller(config.health._replace(url=url, fall=1), clock)
    poller.poll()
    thread.join()
    healthy, why = poller.verdict()
    assert healthy is False
    assert len(why) < 450
    assert all(" " <= character <= "~" for character in why)


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
    for status in ({}, [], "text", {"requests": "7 or so", "release": None}, {"requests": True}, {"requests": 1.5}):
        component.status = status
        node.agent.status.poll()
        assert (node.status()["requests"], node.status()["release"]) == (unknown, None)


@pytest.mark.parametrize(
    "key, status", [("requests", {"requests": 52341.0}), ("http.requests", {"http.requests": "52341"}), ("a.b.c.0", {"a": {"b.c": [52341]}})]
)
def test_a_counter_however_it_is_written(config, component, clock, key, status):
    component.status = dict(status, release="2.0.0")
    poller = heartbeat.StatusPoller(config.status._replace(requests_key=key), clock)
    assert (poller.poll(), poller.release()) == (52341, ("2.0.0", None))


@pytest.mark.parametrize(
    "key, status, error",
    [
        ("requests", {}, "nothing at key requests"),
        ("requests", {"requests": None}, "null at key requests"),
        ("requests", {"requests": "many"}, 'key requests has "many", and a whole number from 0 on belongs there'),
        ("requests", {"requests": {"total": 7}}, "key requests has an object, and a whole number from 0 on belongs there"),
        ("a.b", {"a.b": 7, "a": {"b": 8}}, "several values at key a.b, as there are keys with dots in them"),
        # Without a key that the site names, nothing has to be at the usual one; but what is there is a count.
        (None, {}, None),
        (None, {"requests": None}, None),
        (None, {"requests": "many"}, 'key requests has "many", and a whole number from 0 on belongs there'),
    ],
)
def test_a_counter_that_is_not_understood_is_told(config, component, clock, key, status, error):
    component.status = dict(status, release="2.0.0")
    poller = heartbeat.StatusPoller(config.status._replace(requests_key=key), clock)
    assert poller.poll() is None
    # The release is told all the same.
    assert poller.release() == ("2.0.0", error and "%s: %s" % (config.status.url, error))


@pytest.mark.parametrize("status", [{}, {"build": {}}, {"build": {"version": None}}])
def test_a_release_key_that_the_site_names_leads_somewhere(config, component, clock, status):
    component.status = status
    poller = heartbeat.StatusPoller(config.status._replace(release_key="build.version", requests_key=None), clock)
    assert poller.poll() is None and poller.release()[0] is None and "at key build.version" in poller.release()[1]
    usual = heartbeat.StatusPoller(config.status._replace(release_key=None, requests_key=None), clock)
    assert usual.poll() is None and usual.release() == (None, None)


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


@pytest.mark.parametrize(
    "status, release, requests, error",
    [
        (b'{"release": "' + b"x" * 256 + b'", "requests": 1}', "x" * 256, 1, None),
        (b'{"release": "' + b"x" * 257 + b'", "requests": 1}', None, 1, "its release is no text of at most 256 characters"),
        (b'{"release": ["1"], "requests": 1}', None, 1, "its release is no text"),
        (b'{"release": ' + b"[" * 500 + b"]" * 500 + b"}", None, None, "its release is no text"),
        (b'{"release": "1", "requests": ' + b"9" * 100000 + b"}", "1", None, "key requests has Infinity, and a whole number from 0 on belongs there"),
        (b'{"release": "1", "requests": -1}', "1", None, "key requests has -1, and a whole number"),
        (b'{"release": "1", "requests": 1e3}', "1", 1000, None),
        (b'{"release": "1", "requests": ' + b"[" * 500 + b"]" * 500 + b"}", "1", None, "key requests has a list, and a whole number"),
        (b"[" * 100000, None, None, "/status: is nested too deeply"),
        (b'{"release": "1", "x": "' + b"x" * 200000 + b'"}', None, None, "/status: answered more than 131072 bytes"),
        (b"\xff", None, None, "/status: "),
    ],
)
def test_a_status_of_a_component_is_believed_to_a_length(config, clock, status, release, requests, error):
    """Whatever it says, the agent goes on."""
    poller = heartbeat.StatusPoller(config.status, clock, lambda _url, _timeout_s: (200, status))
    assert poller.poll() == requests
    known, said = poller.release()
    assert known == release
    assert (error is None and said is None) or error in said


def test_fresh_checks_the_component_for_this_very_answer(node, component):
    component.health = 500
    component.status = {"release": "2.0.0", "requests": 3}
    # The probe side never waits for the component.
    assert ask(node.probe, "/heartbeat/status?fresh=1").json["release"] == "1.0.0"
    status = ask(node.control, "/heartbeat/status?fresh=1").json
    # One bad check does not take the node out of the load balancers, but who asks for this moment is told of it.
    assert (status["healthy"], status["answer"], status["release"], status["requests"]["total"]) == (False, "standby", "2.0.0", 3)
    assert node.status()["healthy"] is True
