# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import base64
import contextlib
import itertools
import re
import socket
import ssl
import threading
import time

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


def test_a_proxy_that_is_named_is_asked_for_the_whole_url():
    with server(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") as (proxy, asked):
        answer = _http.request("http://repo.example:8008/a?b=c", proxy=proxy.replace("//", "//ops:s3cret@"))
    assert (answer.status, answer.body) == (200, "ok")
    assert asked[0].startswith("GET http://repo.example:8008/a?b=c HTTP/1.1\r\n") and "Host: repo.example:8008\r\n" in asked[0]
    assert "Proxy-Authorization: Basic %s\r\n" % base64.b64encode(b"ops:s3cret").decode() in asked[0]


def test_a_url_may_have_a_login_of_its_own_behind_a_proxy():
    with server(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") as (proxy, asked):
        _http.request("http://me:mine@repo.example/", proxy=proxy)
    assert asked[0].startswith("GET http://repo.example/ HTTP/1.1\r\n") and "Proxy-Authorization" not in asked[0]
    assert "Authorization: Basic %s\r\n" % base64.b64encode(b"me:mine").decode() in asked[0]


@pytest.mark.parametrize(
    "said, text",
    [
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "the proxy does not let it through (403)"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "the proxy does not let it through (it does not speak HTTP)"),
        (b"HTTP/1.1 200 OK\r\n", "the proxy closed the connection"),
    ],
)
def test_a_proxy_that_opens_no_way_to_tls(said, text):
    with server(said) as (proxy, asked), pytest.raises(_http.NotReached) as refused:
        _http.request("https://repo.example/", proxy=proxy)
    assert text in str(refused.value)
    assert asked[0].startswith("CONNECT repo.example:443 HTTP/1.1\r\nHost: repo.example:443\r\n")


def test_behind_a_proxy_that_opens_the_way_tls_begins():
    with server(b"HTTP/1.1 200 Connection established\r\n\r\nthis is no TLS") as (proxy, _asked), pytest.raises(_http.NotReached) as refused:
        _http.request("https://repo.example/", proxy=proxy)
    assert "proxy" not in str(refused.value)


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


@contextlib.contextmanager
def dripping(pieces, every_s=0.0, asked=True):
    """Sends piece after piece to whoever has asked, until nobody reads any more. Pauses after each."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(5)
    sent = [0]

    def serve():
        try:
            connection, _address = listening.accept()
            with contextlib.closing(connection):
                if asked:
                    connection.recv(65536)
                for piece in pieces:
                    connection.sendall(piece)
                    sent[0] += len(piece)
                    time.sleep(every_s)
        except (EnvironmentError, socket.error):
            pass

    thread = threading.Thread(target=serve)
    thread.daemon = True
    thread.start()
    yield "http://127.0.0.1:%d/" % listening.getsockname()[1], sent
    # On a slow machine nobody may have come in his time, and the thread would wait on.
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()
    thread.join(10)
    assert not thread.is_alive()


HEAD = b"HTTP/1.1 200 OK\r\n"
ENDLESS = {
    "a body by the byte": [HEAD + b"Content-Length: 100000\r\n\r\n", b"x"],
    "a body of unknown length": [HEAD + b"\r\n", b"x"],
    "chunks": [HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"],
    "the length of a chunk": [HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"0"],
    "headers": [HEAD, b"X-A: 1\r\n"],
    "a header": [HEAD + b"X-A: ", b"x"],
    "a status line": [b"HTTP/1.1 200 ", b"x"],
    "one answer before the answer after the other": [b"", b"HTTP/1.1 100 Continue\r\n\r\n"],
}


@pytest.mark.parametrize("kind", sorted(ENDLESS))
def test_what_drips_has_its_time_for_the_whole(kind):
    first, more = ENDLESS[kind]
    with dripping(itertools.chain([first], itertools.repeat(more)), 0.05) as (url, _sent), pytest.raises(_http.NoAnswer) as error:
        _http.request(url, timeout_s=1)
    assert re.match(r"it did not end within 1 s: [1-9]\d+ bytes came$", str(error.value))


@pytest.mark.parametrize("kind", sorted(set(ENDLESS) - {"a body by the byte"}))
def test_what_pours_has_its_size_for_the_whole(kind):
    first, more = ENDLESS[kind]
    with dripping(itertools.chain([first], itertools.repeat(more * 10000))) as (url, sent), pytest.raises(_http.NoAnswer) as error:
        _http.request(url, timeout_s=20)
    # What the kernels hold between the two comes on top.
    assert sent[0] < 20 << 20
    assert "did not end" not in str(error.value)


class Early(object):
    """A socket where nothing comes, and whose clock is a little ahead of the other one."""

    def __init__(self, clock, error):
        self.clock = clock
        self.error = error

    def settimeout(self, seconds):
        self.timeout_s = seconds

    def send(self, data):
        return len(data)

    def recv(self, _size):
        self.clock[0] += self.timeout_s - 0.03
        raise self.error


@pytest.mark.parametrize("error", [socket.timeout("timed out"), ssl.SSLError("The read operation timed out")], ids=["plain", "tls"])
def test_the_time_is_over_by_whichever_clock(monkeypatch, error):
    clock = [100.0]
    monkeypatch.setattr(_http, "monotonic", lambda: clock[0])
    deadline = _http.Deadline(0.2)
    with pytest.raises(_http.NoAnswer) as told:
        _http.exchange(Early(clock, error), _http.urlsplit("http://blue1/"), "GET", None, None, deadline)
    assert str(told.value) == "it did not end within 0.2 s: 0 bytes came"


def test_an_answer_that_says_how_large_it_is():
    with dripping([HEAD + b"Content-Length: 197000000\r\n\r\n"], 1.0) as (url, _sent), pytest.raises(_http.NoAnswer) as error:
        _http.request(url, timeout_s=0.5)
    assert str(error.value) == "it is larger than 1 MB"


def test_a_large_answer_for_whom_it_is_meant():
    page = HEAD + b"Content-Length: 3000000\r\n\r\n" + b"x" * 3000000
    with dripping([page]) as (url, _sent):
        assert len(_http.request(url, largest=_http.LONG_ANSWER).body) == 3000000
    with dripping([page]) as (url, _sent), pytest.raises(_http.NoAnswer):
        _http.request(url)


def test_the_head_of_a_large_answer():
    with server(HEAD + b"Content-Length: 197000000\r\n\r\n") as (url, _asked):
        assert _http.request(url, method="HEAD").status == 200


@pytest.mark.parametrize("drip", [[b"\x16\x03\x03\x40\x00"], [b""]], ids=["dripping", "silent"])
def test_tls_has_its_time_for_the_whole(drip):
    more = itertools.repeat(b"\x00" if drip[0] else b"", 40)
    # What drips, or is silent, ends by itself after two seconds, with other words.
    with dripping(itertools.chain(drip, more), 0.05, asked=False) as (url, _sent), pytest.raises(_http.NotReached) as error:
        _http.request(url.replace("http:", "https:"), timeout_s=0.5)
    assert str(error.value) == "no connection within 0.5 s"


def test_a_connection_has_its_time_for_all_addresses(monkeypatch):
    addresses = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)) for port in full_ports() * 15]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args: addresses)
    began = time.time()
    with pytest.raises(_http.NotReached) as error:
        _http.request("http://many.example/", timeout_s=0.5)
    # Each of the sixty addresses for as long would be half a minute.
    assert time.time() - began < 15
    assert str(error.value) == "no connection within 0.5 s"


# They listen until the tests end.
keep = []


def full_ports():
    """Ports where nobody is accepted any more."""
    for _number in range(4):
        listening = socket.socket()
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        keep.append(listening)
        for _number in range(3):
            waiting = socket.socket()
            waiting.setblocking(False)
            waiting.connect_ex(listening.getsockname())
            keep.append(waiting)
    time.sleep(0.1)
    return [each.getsockname()[1] for each in keep[::4]]


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy"])
def test_no_proxy_of_the_environment_gets_a_token(monkeypatch, name):
    with server(b"HTTP/1.1 200 OK\r\n\r\n") as (proxy, seen), server(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") as (url, _asked):
        monkeypatch.setenv(name, proxy)
        assert _http.request(url, headers={"Authorization": "Bearer secret"}).body == "ok"
        assert seen == []
        monkeypatch.delenv(name)
        _http.request(proxy)


def test_a_url_for_a_message():
    for url in ("http://me:p@ss@host:1/a@b", "https://me@host:1/a@b", "http://host:1/a@b"):
        assert _http.without_login(url) == url.partition("//")[0] + "//host:1/a@b"
