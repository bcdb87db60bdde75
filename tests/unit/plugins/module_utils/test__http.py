# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import base64
import contextlib
import socket
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
            asked.append(connection.recv(65536).decode("ascii", "replace"))
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
    assert "X-A: 1\r\n" in asked[0]
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
        b"what?\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\ncut",
        None,
    ],
    ids=["closed", "no HTTP", "cut", "silent"],
)
def test_no_answer(said):
    with server(said) as (url, _asked), pytest.raises(_http.NoAnswer) as error:
        _http.request(url, timeout_s=0.2)
    assert str(error.value)


def test_what_speaks_no_tls_is_not_reached():
    with server(b"hello\r\n") as (url, _asked), pytest.raises(_http.NotReached):
        _http.request(url.replace("http:", "https:"), validate_certs=False)


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "127.0.0.1:8080/", "http:///path", "http://127.0.0.1:port/"])
def test_no_url(url):
    with pytest.raises(_http.NotReached) as error:
        _http.request(url)
    assert str(error.value)


def test_certificates_that_are_not_there(tmp_path):
    with pytest.raises(_http.NotReached) as error:
        _http.request("https://127.0.0.1:1/", ca_path=str(tmp_path / "none.pem"))
    assert "No such file" in str(error.value)


def test_a_header_that_cannot_be_sent():
    with server(b"") as (url, _asked), pytest.raises(_http.NoAnswer) as error:
        _http.request(url, headers={"X-A": "1\r\nX-B: 2"})
    assert str(error.value)


def test_a_sender_has_a_connection_for_each_request():
    send = _http.Sender()
    empty = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    with server(empty, empty) as (url, asked):
        assert [send(url).status, send(url, "PUT", body=b"x").status] == [200, 200]
    assert [text.split()[0] for text in asked] == ["GET", "PUT"]


def headers_of(asked):
    return dict(line.split(": ", 1) for line in asked.split("\r\n\r\n")[0].split("\r\n")[1:])


def test_what_is_sent_beside_the_request():
    ok = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    with server(ok, ok) as (url, asked):
        _http.request(url.replace("//", "//me:p%40ss@"), "POST", {"user-agent": "mine"}, b"a=b")
        _http.request(url.replace("//", "//me@"), headers={"authorization": "Bearer x"})
    first, second = (headers_of(text) for text in asked)
    assert first["Authorization"] == "Basic " + base64.b64encode(b"me:p@ss").decode("ascii")
    assert first["Content-Type"] == "application/x-www-form-urlencoded"
    assert (first["user-agent"], "User-Agent" in first) == ("mine", False)
    assert (second["authorization"], "Authorization" in second, "Content-Type" in second) == ("Bearer x", False, False)
    assert second["User-Agent"] == "halfswap.bluegreen"
