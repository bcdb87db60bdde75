# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import socket
import threading

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils._http import NoAnswer, NotReached
from ansible_collections.halfswap.bluegreen.plugins.module_utils._plain_http import Sender


class Server(object):
    """Gives out the very bytes of the test, one answer for each connection."""

    def __init__(self):
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(5)
        self.url = "http://127.0.0.1:%d" % self._listener.getsockname()[1]
        self.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Served-By: blue1\r\n\r\nok"
        self.asked = []
        self._thread = threading.Thread(target=self._serve)
        self._thread.daemon = True
        self._thread.start()

    def _serve(self):
        while True:
            try:
                connection, _peer = self._listener.accept()
            except EnvironmentError:
                return
            self.asked.append(connection.recv(65536).decode("ascii", "replace"))
            connection.sendall(self.answer)
            connection.close()

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()


@pytest.fixture
def server():
    made = Server()
    yield made
    made.close()


def test_an_answer(server):
    answer = Sender()(server.url + "/a/b?c=1", headers={"X-Mine": "1"})
    assert (answer.status, answer.body, answer.headers.get("x-served-by")) == (200, "ok", "blue1")
    assert server.asked[0].startswith("GET /a/b?c=1 HTTP/1.1\r\n")
    assert "X-Mine: 1\r\n" in server.asked[0] and "Connection: close\r\n" in server.asked[0]


def test_each_request_has_a_connection_of_its_own(server):
    send = Sender()
    assert [send(server.url).status, send(server.url, "PUT", body=b"x").status] == [200, 200]
    assert [text.split()[0] for text in server.asked] == ["GET", "PUT"]


def test_whatever_the_status(server):
    server.answer = b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"
    assert Sender()(server.url).status == 503
    server.answer = b"HTTP/1.1 302 Elsewhere\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    assert Sender()(server.url).status == 302


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok", b"hello\r\n"])
def test_no_whole_answer(server, answer):
    server.answer = answer
    with pytest.raises(NoAnswer):
        Sender()(server.url)


def test_nobody_there():
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    port = sock.getsockname()[1]
    sock.close()
    with pytest.raises(NotReached, match="[Rr]efused"):
        Sender()("http://127.0.0.1:%d/" % port)


def test_what_speaks_no_tls_is_not_reached(server):
    server.answer = b"hello\r\n"
    with pytest.raises(NotReached):
        Sender(validate_certs=False)(server.url.replace("http:", "https:"))
