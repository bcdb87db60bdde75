# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a load balancer sees: bytes, codes, and that nobody else can make it wait."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json
import select
import socket
import threading

import heartbeat
import pytest
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
        b"GET /heartbeat HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}",
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
    connection = heartbeat.Connection(server, "10.0.0.1", 0)
    client.send(b"GET /heartbeat HTTP/1.1\r\n\r\n")
    assert connection.advance(lambda request: heartbeat.word_response(200, "live")) is None
    assert client.recv(1000) == LIVE_BYTES
    client.close()
    server.close()


def test_an_answer_larger_than_the_socket_takes_at_once():
    client, server = socket.socketpair()
    server.setblocking(False)
    connection = heartbeat.Connection(server, "10.0.0.1", 0)
    client.sendall(b"GET /heartbeat/status HTTP/1.1\r\n\r\n")
    values = {"error": "x" * 10000000}
    received = b""
    wait_for = connection.advance(lambda request: heartbeat.json_response(200, values))
    assert wait_for == select.POLLOUT
    while wait_for == select.POLLOUT:
        received += client.recv(1000000)
        wait_for = connection.advance(None)
    server.close()
    assert json.loads((received + receive(client)).partition(b"\r\n\r\n")[2].decode("ascii")) == values


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
    "request_bytes, error",
    [
        (b"\x16\x03\x01\x02\x00\x01\r\n\r\n", "the first line is not"),
        (b"GET /heartbeat\r\n\r\n", "the first line is not"),
        (b"GET  /heartbeat HTTP/1.1\r\n\r\n", "the first line is not"),
        (b"GET /heartbeat HTTP/2.0\r\n\r\n", "the first line is not"),
        (b"GET /heartbeat HTTP/1.1\r\nbroken\r\n\r\n", "header line without name and colon"),
        (b"GET /heartbeat HTTP/1.1\r\n: x\r\n\r\n", "header line without name and colon"),
        (b"GET /heartbeat HTTP/1.1\r\nX: " + b"x" * 8192 + b"\r\n\r\n", "larger than 8192 bytes"),
        (b"GET /" + b"x" * 9000, "larger than 8192 bytes"),
        (b"PUT /heartbeat HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n{", "one Content-Length"),
        (b"PUT /heartbeat HTTP/1.1\r\nContent-Length: -1\r\n\r\n", "one Content-Length"),
        (b"PUT /heartbeat HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "one Content-Length"),
    ],
)
def test_no_http(node, request_bytes, error):
    for listener in (node.probe, node.control):
        sock = connect(listener)
        sock.sendall(request_bytes)
        sock.shutdown(socket.SHUT_WR)
        answer = Answer(receive(sock))
        assert answer.code == 400
        assert error in answer.json["error"]


def test_silent_clients_make_nobody_wait_and_are_cut_off(node):
    silent = [connect(node.probe) for _index in range(20)]
    for sock in silent[:10]:
        sock.sendall(b"GET /heartbeat/li")
    assert node.ask() == "standby"
    node.check_health(passed_s=heartbeat.CLIENT_LIFETIME_S)
    assert node.ask() == "standby"
    assert [receive(sock) for sock in silent] == [b""] * 20


def test_more_clients_than_places(node):
    silent = [connect(node.probe) for _index in range(heartbeat.MAX_CONNECTIONS)]
    assert node.ask() == "standby"
    # The oldest made room, and no other had to.
    assert receive(silent[0]) == b""
    silent[-1].sendall(b"GET /heartbeat HTTP/1.0\r\n\r\n")
    assert Answer(receive(silent[-1])).text == "standby"


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
