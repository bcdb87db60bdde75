# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import contextlib
import socket
import sys
import threading

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils import _http


@contextlib.contextmanager
def server(answer, *more):
    """Answers one connection after the other with these bytes; keeps what was asked."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(5)
    asked = []

    def serve():
        for said in (answer,) + more:
            connection, _address = listening.accept()
            asked.append(connection.recv(65536).decode("ascii"))
            if said is not None:
                connection.sendall(said)
                connection.close()
            else:
                silent.append(connection)

    silent = []
    thread = threading.Thread(target=serve)
    thread.daemon = True
    thread.start()
    yield "http://127.0.0.1:%d" % listening.getsockname()[1], asked
    thread.join(5)
    for connection in silent + [listening]:
        connection.close()


def test_every_status_is_an_answer():
    with server(b"HTTP/1.1 503 Gone fishing\r\nX-Served-By: blue1\r\nContent-Length: 4\r\n\r\ndown") as (url, asked):
        answer = _http.request(url + "/a?b=c", method="POST", headers={"X-A": "1"}, body=b"x=1")
    assert (answer.status, answer.headers.get("x-served-by"), answer.body) == (503, "blue1", "down")
    assert asked[0].startswith("POST /a?b=c HTTP/1.1\r\n")
    assert "X-A: 1\r\n" in asked[0].replace("X-a", "X-A")
    assert "Connection: close\r\n" in asked[0]


def test_a_redirect_is_an_answer():
    with server(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n") as (url, _asked):
        assert _http.request(url).status == 302


def test_a_proxy_of_the_environment_is_not_asked(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with server(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as (url, _asked):
        assert _http.request(url).status == 200


def test_the_head_of_an_answer():
    with server(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n") as (url, _asked):
        assert _http.request(url, method="HEAD").body == ""


def test_not_reached():
    with pytest.raises(_http.NotReached) as error:
        _http.request("http://127.0.0.1:1/")
    assert "refused" in str(error.value)


@pytest.mark.parametrize(
    "said",
    [
        b"",
        pytest.param(b"what?\r\n\r\n", marks=pytest.mark.skipif(sys.version_info[0] < 3, reason="Python 2.7 takes it for HTTP 0.9")),
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\ncut",
        None,
    ],
    ids=["closed", "no HTTP", "cut", "silent"],
)
def test_no_answer(said):
    with server(said) as (url, _asked), pytest.raises(_http.NoAnswer) as error:
        _http.request(url, timeout_s=0.2)
    assert str(error.value)
