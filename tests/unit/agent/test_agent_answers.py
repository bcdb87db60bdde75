# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a load balancer sees: bytes, codes, and that nobody else can make it wait."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import errno
import select
import socket
import threading

import heartbeat
import pytest
from heartbeat import TEXT
from running_agent import Answer, ask, connect, exchange, put_request, receive, wanted

LIVE_BYTES = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 4\r\nCache-Control: no-store\r\nConnection: close\r\n\r\nlive"


@pytest.mark.parametrize(
    "state, health, expected",
    [
        ("live", 200, {"/heartbeat": (200, "live"), "/heartbeat/live": (200, "live"), "/heartbeat/standby": (404, "live")}),
        ("standby", 204, {"/heartbeat": (200, "standby"), "/heartbeat/live": (404, "standby"), "/heartbeat/standby": (200, "standby")}),
        ("live", 500, {"/heartbeat": (503, "down"), "/heartbeat/live": (503, "down"), "/heartbeat/standby": (503, "down")}),
        ("standby", 302, {"/heartbeat": (503, "down"), "/heartbeat/live": (503, "down"), "/heartbeat/standby": (503, "down")}),
    ],
)
def test_word_and_code(node, component, state, health, expected):
    node.put(wanted(state))
    component.health = health
    node.check_health(times=2)
    for listener in (node.probe, node.control):
        answers = {path: ask(listener, path) for path in expected}
        assert {path: (a.code, a.text) for path, a in answers.items()} == expected


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /heartbeat/live HTTP/1.0\r\n\r\n",
        b"GET /heartbeat/live HTTP/1.1\r\nHost: node\r\nConnection: keep-alive\r\n\r\n",
        b"GET /heartbeat/live?lb=1 HTTP/1.1\r\nHost: node\r\n\r\n",
        b"GET /heartbeat/live HTTP/1.0\n\n",
        b"\r\nGET /heartbeat HTTP/1.1\r\nHost:node\r\n\r\nGET /more HTTP/1.1\r\n\r\n",
        b"\n\r\nGET /heartbeat HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_exact_bytes(node, request_bytes):
    node.put(wanted("live"))
    assert exchange(node.probe, request_bytes) == LIVE_BYTES


@pytest.mark.parametrize("path", ["/heartbeat", "/heartbeat/live", "/heartbeat/standby", "/heartbeat/nowhere"])
def test_head_is_get_without_body(node, path):
    got = exchange(node.probe, ("GET %s HTTP/1.0\r\n\r\n" % path).encode("ascii"))
    head = exchange(node.probe, ("HEAD %s HTTP/1.0\r\n\r\n" % path).encode("ascii"))
    assert head == got.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"


def test_a_request_in_pieces(node):
    node.put(wanted("live"))
    sock = connect(node.probe)
    for piece in (b"GET /heart", b"beat/live HT", b"TP/1.1\r\nHost: node\r", b"\n\r", b"\n"):
        sock.sendall(piece)
        # Another request is answered between the pieces, so they do not arrive as one.
        assert node.ask() == "live"
    assert receive(sock) == LIVE_BYTES


def test_one_send():
    # This kind of socket keeps the borders between sends.
    client, server = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection = heartbeat.Connection(server, "10.0.0.1", 0, 0)
    client.send(b"GET /heartbeat HTTP/1.1\r\n\r\n")
    assert connection.advance(lambda request: heartbeat.word_response(200, "live")) is False
    assert client.recv(1000) == LIVE_BYTES
    client.close()
    server.close()


def test_an_answer_larger_than_the_socket_takes_at_once():
    client, server = socket.socketpair()
    server.setblocking(False)
    connection = heartbeat.Connection(server, "10.0.0.1", 0, 0)
    client.sendall(b"GET /heartbeat/status HTTP/1.1\r\n\r\n")
    text = "x" * 10000000
    received = b""
    assert connection.advance(lambda request: heartbeat.json_response(200, text))
    assert connection.wait_for() == select.EPOLLOUT
    while connection.wait_for() == select.EPOLLOUT:
        received += client.recv(1000000)
        assert connection.advance(None)
    assert (received + receive(client)).partition(b"\r\n\r\n")[2] == text.encode("ascii")
    # The client has hung up.
    assert not connection.advance(None)
    server.close()


@pytest.mark.parametrize("path", ["/", "/heartbeat/", "/heartbeat/dead", "/heartbeats", "/heartbeat/status/x"])
def test_unknown_path(node, path):
    answer = ask(node.probe, path)
    assert (answer.code, answer.headers["Content-Type"]) == (404, "application/json")
    assert "no such path" in answer.json["error"]
    assert node.status()["probers"] == []


@pytest.mark.parametrize(
    "listener, method, path, allowed",
    [
        ("probe", "PUT", "/heartbeat", "GET, HEAD"),
        ("probe", "POST", "/heartbeat/live", "GET, HEAD"),
        ("control", "PUT", "/heartbeat/live", "GET, HEAD"),
        ("control", "PUT", "/heartbeat/status", "GET, HEAD"),
        ("control", "DELETE", "/heartbeat", "GET, HEAD, PUT"),
    ],
)
def test_method_not_allowed(node, listener, method, path, allowed):
    answer = ask(getattr(node, listener), path, method)
    assert (answer.code, answer.headers["Allow"]) == (405, allowed)
    assert "%s %s is not for this address" % (method, path) in answer.json["error"]


def test_a_write_with_the_right_token_is_not_for_the_probe_side(node):
    assert Answer(exchange(node.probe, put_request(wanted("live")))).code == 405
    assert node.ask() == "standby"


@pytest.mark.parametrize(
    "request_bytes, code, error",
    [
        (b"\x16\x03\x01\x02\x00\x01\r\n\r\n", 400, "this is TLS"),
        (b"\x16\x03", 400, "this is TLS"),
        (b"\r\n\r\n\0\r\nQUIT\n!\x11", 400, "this is a PROXY header"),
        (b"PROXY UNKNOWN\r\n", 400, "this is a PROXY header"),
        (b"PRI * HTTP/2.0\r\n", 400, "this is HTTP/2"),
        (b"PRIVATE /heartbeat HTTP/2.0\r\n", 400, "the first line is not"),
        (b"GET /heartbeat\r\n\r\n", 400, "the first line is not"),
        (b"GET  /heartbeat HTTP/1.1\r\n\r\n", 400, "the first line is not"),
        (b"GET /heartbeat HTTP/2.0\r\n\r\n", 400, "the first line is not"),
        (b"GETGETGETGETGETGE /heartbeat HTTP/1.1\r\n\r\n", 400, "the first line is not"),
        (b"GET /heartbeat?\x1b[31m HTTP/1.1\r\n\r\n", 400, "in printable ASCII"),
        (b"GET /heartbeat?\xe4 HTTP/1.1\r\n\r\n", 400, "in printable ASCII"),
        (b"GET /heartbeat?\0 HTTP/1.1\r\n\r\n", 400, "in printable ASCII"),
        (b"GET /heartbeat?a\rb HTTP/1.1\r\n\r\n", 400, "in printable ASCII"),
        (b"\r\n\n\r\nGET /heartbeat HTTP/1.1\r\n\r\n", 400, "more than 2 blank lines"),
        (b"GET /heartbeat HTTP/1.1\r\nbroken\r\n\r\n", 400, "header line without name and colon"),
        (b"GET /heartbeat HTTP/1.1\r\n: x\r\n\r\n", 400, "header line without name and colon"),
        (b"GET /heartbeat HTTP/1.1\r\nX: " + b"x" * 8192 + b"\r\n\r\n", 431, "larger than 8192 bytes"),
        (b"GET /heartbeat HTTP/1.1\r\n" + b"a:\n" * 65, 431, "more than 64 header lines"),
        (b"GET /" + b"x" * 9000, 414, "larger than 8192 bytes"),
        (b"GET /heartbeat?" + b"x" * 246 + b" HTTP/1.1\r\n\r\n", 414, "longer than 256 characters"),
        (b"GET /heartbeat HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}", 400, "a question (GET) has no body"),
        (b"HEAD /heartbeat HTTP/1.1\r\nContent-Length: 999999999999999\r\n\r\n", 400, ""),
        (b"GET /heartbeat HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "one Content-Length"),
        (b"PUT /heartbeat HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n{", 400, "one Content-Length"),
        (b"PUT /heartbeat HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400, "one Content-Length"),
        (b"PUT /heartbeat HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "one Content-Length"),
    ],
)
@pytest.mark.parametrize("piece", [1, 10000])
def test_no_http(request_bytes, code, error, piece):
    """In whatever pieces it comes."""
    parser = heartbeat.Parser("10.0.0.1", heartbeat.MAX_BODY)
    with pytest.raises(heartbeat.Refusal) as refusal:
        for index in range(0, len(request_bytes), piece):
            parser.feed(request_bytes[index : index + piece])
    assert refusal.value.code == code
    assert error in str(refusal.value)


def test_what_is_no_http_is_answered_at_once(node):
    """Nobody waits for the rest."""
    for listener in (node.probe, node.control):
        answer = Answer(exchange(listener, b"HELO\r\n"))
        assert (answer.code, answer.headers["Content-Type"]) == (400, "application/json")
        assert answer.json["error"] == 'the first line is not "METHOD /path HTTP/1.1" in printable ASCII'
        assert Answer(exchange(listener, b"\n" * 3)).code == 400
        assert Answer(exchange(listener, b"GET /heartbeat HTTP/1.1\r\nContent-Length: 5\r\n\r\n")).code == 400
    # There is nothing to write on the probe side, so no body is waited for.
    assert Answer(exchange(node.probe, b"PUT /heartbeat HTTP/1.1\r\nContent-Length: 5\r\n\r\n")).code == 405


def test_the_largest_request_that_is_taken():
    head = b"\r\n\r\nGET /heartbeat?" + b"x" * 245 + b" HTTP/1.1\r\n"
    lines = [b"a: \r\n"] * 63
    lines.append(b"b: " + b"y" * (8192 - len(head) - 63 * 5 - 7) + b"\r\n")
    whole = head + b"".join(lines) + b"\r\n"
    assert len(whole) == 8192
    for piece in (1, 8192):
        parser = heartbeat.Parser("10.0.0.1", 0)
        requests = [parser.feed(whole[index : index + piece]) for index in range(0, len(whole), piece)]
        assert requests[:-1] == [None] * (len(requests) - 1)
        assert requests[-1] == ("GET", "/heartbeat", "?" + "x" * 245, {}, b"", "10.0.0.1")


def is_cut_off(sock):
    try:
        return receive(sock) == b""
    except socket.error as exc:
        # It is reset, where the agent had not come to read what was sent.
        return exc.errno == errno.ECONNRESET


def test_silent_clients_make_nobody_wait_and_are_cut_off(node):
    silent = [connect(node.probe) for _index in range(20)]
    for sock in silent[:10]:
        sock.sendall(b"GET /heartbeat/li")
    assert node.ask() == "standby"
    node.check_health(passed_s=heartbeat.CLIENT_LIFETIME_S)
    assert node.ask() == "standby"
    assert [is_cut_off(sock) for sock in silent] == [True] * 20


def is_closed(sock):
    return bool(select.select([sock], [], [], 0)[0])


@pytest.fixture
def twenty_places(node, monkeypatch):
    monkeypatch.setattr(heartbeat, "MAX_CLIENTS", 20)
    node.restart(probers=[heartbeat.a_network(TEXT("127.0.0.5"))])
    return node


def test_more_clients_than_places(twenty_places):
    silent = [connect(twenty_places.probe) for _index in range(20)]
    assert twenty_places.ask() == "standby"
    # The oldest made room, and no other had to.
    assert [is_closed(sock) for sock in silent] == [True] + [False] * 19
    silent[-1].sendall(b"GET /heartbeat HTTP/1.0\r\n\r\n")
    assert Answer(receive(silent[-1])).text == "standby"


def test_the_address_that_has_most_makes_room(twenty_places):
    honest = connect(twenty_places.probe, "127.0.0.2")
    many = [connect(twenty_places.probe, "127.0.0.9") for _index in range(100)]
    assert twenty_places.ask(source="127.0.0.3") == "standby"
    honest.sendall(b"GET /heartbeat HTTP/1.0\r\n\r\n")
    assert Answer(receive(honest)).text == "standby"
    assert [is_closed(sock) for sock in many] == [True] * 82 + [False] * 18


def test_strangers_make_room_for_load_balancers(twenty_places):
    balancer = [connect(twenty_places.probe, "127.0.0.5") for _index in range(15)]
    strangers = [connect(twenty_places.probe, "127.0.0.%d" % index) for index in range(10, 90)]
    assert twenty_places.ask() == "standby"
    assert [is_closed(sock) for sock in balancer] == [False] * 15
    assert [is_closed(sock) for sock in strangers].count(False) == 4


@pytest.mark.parametrize("limit, places", [(4096, 1024), (512, 320), (64, 1)])
def test_places_when_few_files_may_be_open(monkeypatch, config, clock, limit, places):
    """Those of the clients never take those that a check of health needs."""
    seen = []
    monkeypatch.setattr(heartbeat.resource, "getrlimit", lambda _which: (limit, limit))
    monkeypatch.setattr(heartbeat, "Listener", lambda _address, _handle, _clock, places, _declared: seen.append(places))
    heartbeat.Agent(config, clock)
    assert seen == [places, 128]


def test_who_does_not_read_a_large_status_makes_room(node, monkeypatch):
    monkeypatch.setattr(heartbeat, "MAX_HELD", 400000)
    for index in range(64):
        for source in ("127.0.0.1", "127.0.0.2", "127.0.0.3"):
            node.ask("/heartbeat?%s%02d" % ("x" * 240, index), source)

    def reader(source):
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.settimeout(10)
        sock.bind((source, 0))
        sock.connect(node.probe)
        sock.sendall(b"GET /heartbeat/status HTTP/1.0\r\n\r\n")
        return sock

    slow = reader("127.0.0.2")
    never = [reader("127.0.0.9") for _index in range(12)]
    assert node.ask() == "standby"
    # A slow one gets all of it, because others hold more.
    assert len(Answer(receive(slow)).json["probers"]) == 192
    outcome = []
    for sock in never:
        try:
            outcome.append(len(receive(sock)) > 50000)
        except EnvironmentError:
            outcome.append("reset")
    assert outcome.count("reset") >= 9
    assert outcome[-1] is True


def test_who_sends_on_after_the_answer_is_cut_off(node):
    sock = connect(node.probe)
    sock.sendall(b"PUT /heartbeat HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n")
    with pytest.raises(EnvironmentError):
        for _index in range(200):
            sock.sendall(b"x" * 65536)


def test_clients_that_hang_up_cost_nothing(node):
    for request in (b"", b"GET /heartbeat", b"GET /heartbeat HTTP/1.1\r\n\r\n"):
        sock = connect(node.probe)
        # Reset instead of an orderly end.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        sock.sendall(request)
        sock.close()
    assert node.ask() == "standby"


def test_a_component_that_hangs_makes_a_write_wait_but_no_prober(node, component):
    node.put(wanted("live"))
    while component.asked.acquire(False):
        pass
    component.may_answer.clear()
    sock = connect(node.control)
    sock.sendall(put_request(wanted("standby")))
    component.asked.acquire()
    assert node.ask("/heartbeat/live") == "live"
    component.may_answer.set()
    assert Answer(receive(sock)).json["state"] == "standby"
    assert node.ask("/heartbeat/live") == "standby"


def test_a_bug_costs_one_answer(node, monkeypatch, capfd):
    def boom():
        raise KeyError("a bug")

    monkeypatch.setattr(node.agent.health, "verdict", boom)
    answer = ask(node.probe, "/heartbeat")
    monkeypatch.undo()
    assert (answer.code, answer.json["error"]) == (500, "the agent failed: 'a bug'")
    assert "Traceback" in capfd.readouterr().err
    assert node.ask() == "standby"


def test_many_at_once(node):
    node.put(wanted("live"))
    received = []

    def client():
        for _index in range(25):
            received.append(exchange(node.probe, b"GET /heartbeat/live HTTP/1.0\r\n\r\n"))

    threads = [threading.Thread(target=client) for _index in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert received == [LIVE_BYTES] * 200
    assert node.prober()["answers"] == {"live": 200, "standby": 0, "down": 0}
