# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import base64
import socket
import threading

import pytest
from ansible.module_utils.common.text.converters import to_native

from ansible_collections.halfswap.bluegreen.plugins.modules import lb_answers

REFUSES = "http://127.0.0.1:1"


@pytest.fixture
def port():
    """port(bytes) is the URL of a port where whoever connects gets these; nobody who connects gets anything from port()."""
    servers = []

    def serve(said=None):
        server = socket.socket()
        servers.append(server)
        server.bind(("127.0.0.1", 0))
        server.listen(5)

        def work():
            connection = server.accept()[0]
            try:
                connection.recv(65536)
                connection.sendall(said)
            except EnvironmentError:
                pass
            connection.close()

        if said is not None:
            thread = threading.Thread(target=work)
            thread.daemon = True
            thread.start()
        return "http://127.0.0.1:%d" % server.getsockname()[1]

    yield serve
    for server in servers:
        server.close()


def args(timeout_s=5, **urls):
    return dict(load_balancers=[dict(name=name, url=url, follows="live") for name, url in sorted(urls.items())], timeout_s=timeout_s)


@pytest.mark.parametrize("check_mode", [False, True])
def test_whatever_they_answer_they_are_there(run_module, heartbeat_server, second_heartbeat_server, check_mode):
    second_heartbeat_server.next_answers = [(503, "No server is available")]
    result = run_module(lb_answers, args(live=heartbeat_server.url + "/shop", standby=second_heartbeat_server.url), check_mode=check_mode)
    assert result == {"changed": False, "answers": {"live": 200, "standby": 503}}
    assert [server.asked[0][:2] for server in (heartbeat_server, second_heartbeat_server)] == [("GET", "/shop"), ("GET", "/")]


@pytest.mark.parametrize("status", [301, 404, 500])
def test_one_request_each(run_module, heartbeat_server, status):
    heartbeat_server.next_answers = [(status, "")]
    assert run_module(lb_answers, args(live=heartbeat_server.url))["answers"] == {"live": status}
    assert len(heartbeat_server.asked) == 1


def test_those_without_a_url_are_left_out(run_module, heartbeat_server):
    balancers = [dict(name="outside"), dict(name="empty", url=""), dict(name="none", url=None), dict(name="live", url=heartbeat_server.url)]
    assert run_module(lb_answers, dict(load_balancers=balancers)) == {"changed": False, "answers": {"live": 200}}
    assert run_module(lb_answers, dict(load_balancers=balancers[:3])) == {"changed": False, "answers": {}}


def test_each_that_does_not_answer_is_told(run_module, heartbeat_server, port):
    hangs = port()
    result = run_module(lb_answers, args(a=REFUSES, b=heartbeat_server.url, c=hangs, d="ftp://lb", timeout_s=2))
    assert result.failed and "answers" not in result
    first, second, third, rest = result["msg"].split("load balancer ")[1:] + [""]
    assert rest == "" and first.startswith("a does not answer at %s (" % REFUSES) and "refused" in first
    assert second == "c does not answer at %s (it did not end within 2 s: 0 bytes came); " % hangs
    assert third.startswith(
        "d does not answer at ftp://lb (a URL begins with http:// or https:// and a host, which is not so for ftp://lb). Nothing was changed."
    )
    assert third.endswith("Asked by the host that sends the sanity tests (bluegreen_sanity_from).")


def test_an_answer_that_is_cut_is_none(run_module, port):
    result = run_module(lb_answers, args(live=port(b"HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\nhalf")))
    assert result.failed and "(the answer was cut after 4 bytes)" in result["msg"]


def test_a_login_is_sent_and_not_shown(run_module, heartbeat_server):
    url = heartbeat_server.url.replace("://", "://ops:pa55word@")
    for asked in (args(live=url), args(live=url, standby="http://ops:pa55word@127.0.0.1:1")):
        result = run_module(lb_answers, asked)
        assert "pa55word" not in result.output and "ops:" not in result.output and "pa55word" not in run_module.logged[-1]
    assert result["msg"].startswith("load balancer standby does not answer at http://127.0.0.1:1 (")
    assert heartbeat_server.asked[0][4] == "Basic " + to_native(base64.b64encode(b"ops:pa55word"))


@pytest.mark.parametrize("where", ["instead of HTTP", "status line", "header", "body"])
def test_what_somebody_answers_does_no_harm(run_module, canary, port, where):
    header = canary.said.replace(b"\r", b" ").replace(b"\n", b" ")[:30000]
    said = {
        "instead of HTTP": canary.said,
        "status line": b"HTTP/1.0 503 " + canary.said + b"\r\n\r\n",
        "header": b"HTTP/1.0 503 No\r\nX-Served-By: " + header + b"\r\n\r\n",
        # More than a megabyte is not read.
        "body": b"HTTP/1.0 503 No\r\n\r\n" + canary.said[:100000],
    }[where]
    result = run_module(lb_answers, args(live=port(said)))
    # Whatever is not HTTP, or a line of it without an end, is no answer.
    assert where in ("instead of HTTP", "status line") or result["answers"] == {"live": 503}
    text = result.get("msg", "")
    canary.shown_in(text, 1000)
    assert result.failed is bool(text) and "{{" not in text and "{%" not in text
