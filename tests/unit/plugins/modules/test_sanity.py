# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json
import threading

import pytest
from ansible.module_utils.common.text.converters import to_text

from ansible_collections.halfswap.bluegreen.plugins.module_utils._shown import CUT
from ansible_collections.halfswap.bluegreen.plugins.modules import sanity

try:
    from http.server import BaseHTTPRequestHandler, HTTPServer
except ImportError:
    from BaseHTTPServer import BaseHTTPRequestHandler, HTTPServer


class Balancer(object):
    """Sends each connection to the next of its nodes, and says 503 while it has none."""

    def __init__(self):
        self.nodes = ["green1", "green2"]
        self.release = {"green1": "2.0.0", "green2": "2.0.0"}
        self.pages = {"/": (200, "Welcome to the shop")}
        self.takes_s = {}
        self.advance = None
        self.header = True
        self.asked = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args):
                pass

            def do_GET(self):
                outer.answer(self)

            do_POST = do_GET

        self._http = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d" % self._http.server_port
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,))
        self._thread.daemon = True
        self._thread.start()

    def answer(self, handler):
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0)).decode("utf-8")
        if not self.nodes:
            self.asked.append((None, handler.command, handler.path, body))
            return self.send(handler, 503, "No server is available", {})
        node = self.nodes.pop(0)
        self.nodes.append(node)
        self.asked.append((node, handler.command, handler.path, body))
        self.content_type = handler.headers.get("Content-Type")
        if handler.path == "/status":
            code, text = 200, json.dumps({"release": self.release[node], "node": node, "database": {"connected": True}, "orders": 3})
        else:
            code, text = self.pages[handler.path]
        if self.advance:
            self.advance(self.takes_s.get(node, 0))
        headers = {"X-Served-By": node} if self.header else {}
        headers["X-Release"] = self.release[node]
        return self.send(handler, code, text, headers)

    def send(self, handler, code, text, headers):
        text = text.encode("utf-8")
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(text)))
        handler.end_headers()
        handler.wfile.write(text)

    def stop(self):
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


@pytest.fixture
def balancer(clock):
    found = Balancer()
    found.advance = clock.advance
    yield found
    found.stop()


def args(balancer, *checks, **changes):
    found = dict(url=balancer.url, nodes=["green1", "green2"], checks=list(checks) or [dict(path="/")])
    found.update(changes)
    return found


def node(name, answers=0, release=None, slowest_s=None):
    return {"name": name, "answers": answers, "release": release, "slowest_s": slowest_s}


def row(check, name, answers=1, latency_s=0.0, status=200, passed=True, through="balancer"):
    return {"check": check, "node": name, "through": through, "status": status, "latency_s": latency_s, "answers": answers, "passed": passed}


def test_every_node_answers_every_check(run_module, balancer, clock):
    balancer.takes_s = {"green1": 0.25, "green2": 0.5}
    checks = [dict(path="/", contains="Welcome", regex="the [a-z]+$"), dict(path="/status", json={"database.connected": True, "orders": 3})]
    result = run_module(sanity, args(balancer, *checks, release="2.0.0", release_key="release"))
    # Two checks and two nodes in turn: sent alternately, each check would reach one node only.
    assert [(name, path) for name, _method, path, _body in balancer.asked] == [
        ("green1", "/"),
        ("green2", "/"),
        ("green1", "/status"),
        ("green2", "/status"),
    ]
    assert result == {
        "changed": False,
        "requests": 4,
        "waited_s": 1.5,
        "nodes": [node("green1", 2, "2.0.0", 0.25), node("green2", 2, "2.0.0", 0.5)],
        "results": [
            row("GET /", "green1", latency_s=0.25),
            row("GET /", "green2", latency_s=0.5),
            row("GET /status", "green1", latency_s=0.25),
            row("GET /status", "green2", latency_s=0.5),
        ],
    }
    assert clock.sleeps == []


def test_counts(run_module, balancer, clock):
    result = run_module(sanity, args(balancer, count=3))
    assert result["nodes"] == [node("green1", 3, slowest_s=0.0), node("green2", 3, slowest_s=0.0)]
    result = run_module(sanity, args(balancer, dict(path="/", count=1), dict(path="/status", count=2), count=3))
    assert [(found["check"], found["answers"]) for found in result["results"]] == [("GET /", 1)] * 2 + [("GET /status", 2)] * 2


def test_the_slowest_answer_counts(run_module, balancer, clock):
    took = [0.25, 0.75, 0.5]
    balancer.advance = lambda _seconds: clock.advance(took.pop(0))
    assert run_module(sanity, args(balancer, nodes=[], count=3))["results"] == [row("GET /", "green1", 2, 0.5), row("GET /", "green2", 1, 0.75)]


def test_a_check_with_a_url_of_its_own(run_module, balancer, clock):
    result = run_module(sanity, args(balancer, dict(path="/", url=balancer.url + "/"), url="http://127.0.0.1:1"))
    assert not result.failed
    assert [path for _name, _method, path, _body in balancer.asked] == ["/", "/"]


def test_a_node_by_itself(run_module, balancer, clock):
    balancer.nodes, balancer.header = ["green1"], False
    checks = [dict(path="/"), dict(path="/status", through="node"), dict(name="both", path="/", through="both", url="http://127.0.0.1:1")]
    result = run_module(sanity, args(balancer, *checks, nodes=[], node="green1", release="2.0.0", release_key="release"))
    assert result["results"] == [row("GET /status", "green1", through="node"), row("both", "green1", through="node")]
    assert result["nodes"] == [node("green1", 2, "2.0.0", 0.0)]
    assert [path for _name, _method, path, _body in balancer.asked] == ["/status", "/"]
    result = run_module(sanity, args(balancer, *checks, nodes=[], timeout_s=1))
    assert result["msg"].startswith('Not proven in time: check "both" has not been answered; nobody answers at http://127.0.0.1:1 (')


def test_a_node_by_itself_need_not_tell_its_release(run_module, balancer, clock):
    balancer.nodes = ["green1"]
    asked = args(balancer, dict(path="/", through="node"), nodes=[], node="green1", release="2.0.0", release_key="release")
    assert not run_module(sanity, asked).failed


def test_a_node_by_itself_that_does_not_listen(run_module, clock):
    result = run_module(sanity, dict(url="http://127.0.0.1:1", node="green1", checks=[dict(path="/", through="node")]))
    assert result["msg"].startswith('Check "GET /" failed on node green1, asked by itself: expected an answer, got nobody answers at http://127.0.0.1:1 (')
    assert result["results"] == [row("GET /", "green1", 0, None, None, False, "node")]
    assert clock.sleeps == []


def test_a_503_of_a_node_by_itself(run_module, balancer, clock):
    balancer.pages["/"], balancer.header = (503, "overloaded"), False
    result = run_module(sanity, args(balancer, dict(path="/", through="node"), nodes=[], node="green1"))
    assert result["got"] == "status 503: overloaded"
    assert result["results"] == [row("GET /", "green1", 0, 0.0, 503, False, "node")]


def test_goes_on_until_the_load_balancer_has_all_nodes(run_module, balancer, clock):
    balancer.nodes = []
    clock.at(2, lambda: balancer.nodes.append("green1"))
    clock.at(4, lambda: balancer.nodes.append("green2"))
    result = run_module(sanity, args(balancer, interval_s=1))
    assert not result.failed
    # Two 503s; green1, when it was new and again while it is alone; green2 is the second in the row when it comes.
    assert [name for name, _method, _path, _body in balancer.asked] == [None, None, "green1", "green1", "green1", "green1", "green2"]
    assert clock.sleeps == [1, 1, 1, 1, 1]
    assert result["waited_s"] == 5.0


def test_sends_what_it_is_told(run_module, balancer, clock):
    balancer.pages["/orders"] = (201, "")
    checks = [
        dict(path="/orders", method="post", body={"item": "test"}, status=[200, 201]),
        dict(name="form", path="/orders", method="POST", body="item=test", status=201, headers={"Content-Type": "text/plain"}),
    ]
    result = run_module(sanity, args(balancer, *checks, nodes=[]))
    assert not result.failed
    assert [(method, path, body) for _node, method, path, body in balancer.asked] == [
        ("POST", "/orders", '{"item": "test"}'),
        ("POST", "/orders", "item=test"),
    ]
    assert balancer.content_type == "text/plain"


def test_without_nodes_one_pass_is_enough(run_module, balancer, clock):
    result = run_module(sanity, args(balancer, dict(path="/"), dict(path="/status"), nodes=[]))
    assert result["requests"] == 2
    assert result["nodes"] == [node("green1", 1, slowest_s=0.0), node("green2", 1, slowest_s=0.0)]


@pytest.mark.parametrize(
    "check, expected, got",
    [
        (dict(path="/", status=201), "status 201", "status 200: Welcome to the shop"),
        (dict(path="/broken"), "status 200", to_text("status 500: " + "x" * 299) + CUT),
        (dict(path="/broken", status=[200, 204]), "status 200 or 204", to_text("status 500: " + "x" * 299) + CUT),
        (dict(path="/empty", contains="a"), "a body with a", "status 200: (empty)"),
        (dict(path="/", contains="Farewell"), "a body with Farewell", "status 200: Welcome to the shop"),
        (dict(path="/", regex="^shop"), "a body that matches ^shop", "status 200: Welcome to the shop"),
        (dict(path="/status", json={"orders": 4}), "orders = 4", "orders = 3"),
        (dict(path="/status", json={"database.connected": False}), "database.connected = false", "database.connected = true"),
        (dict(path="/", json={"orders": 4}), "orders = 4", "no orders at key orders (there: NoneType); status 200: Welcome to the shop"),
        (dict(path="/", response_headers={"X-Release": "2.1.0"}), "header X-Release: 2.1.0", "X-Release: 2.0.0"),
        (dict(path="/", response_headers={"x-release": "2.0.0", "Allow": "GET"}), "header Allow: GET", "no such header; status 200: Welcome to the shop"),
        (dict(path="/", max_latency_s=0.5), "an answer within 0.5 s", "an answer after 0.600 s"),
    ],
)
def test_the_first_wrong_answer_ends_it(run_module, balancer, clock, check, expected, got):
    balancer.pages.update({"/broken": (500, "x" * 301), "/empty": (200, "")})
    balancer.takes_s = {"green1": 0.6, "green2": 0.6}
    result = run_module(sanity, args(balancer, check))
    name = "GET %s" % check["path"]
    assert result == {
        "failed": True,
        "msg": 'Check "%s" failed on node green1: expected %s, got %s' % (name, expected, got),
        "changed": False,
        "check": name,
        "node": "green1",
        "expected": expected,
        "got": got,
        "requests": 1,
        "waited_s": 0.6,
        "nodes": [node("green1"), node("green2")],
        "results": [row(name, "green1", 0, 0.6, 500 if check["path"] == "/broken" else 200, False)],
    }


def test_values_that_ansible_made_text_of_are_the_same(run_module, balancer, clock):
    assert not run_module(sanity, args(balancer, dict(path="/status", json={"orders": "3", "database.connected": "True"}))).failed


def test_a_node_of_the_other_half(run_module, balancer, clock):
    balancer.nodes = ["green1", "blue1"]
    balancer.release["blue1"] = "1.0.0"
    result = run_module(sanity, args(balancer, nodes=["green1"], count=2))
    assert result["node"] == "blue1"
    assert result["msg"] == (
        'Check "GET /" failed on node blue1: expected an answer of green1, got one of blue1: '
        "the load balancer sends requests to a node that is not under test. What does its heartbeat say?"
    )


def test_the_name_of_the_node_from_json(run_module, balancer, clock):
    balancer.header = False
    result = run_module(sanity, args(balancer, dict(path="/status"), node_key="node"))
    assert [found["name"] for found in result["nodes"]] == ["green1", "green2"]
    assert result["requests"] == 2
    result = run_module(sanity, args(balancer, node_key="node"))
    assert result["msg"] == (
        'Check "GET /" failed: expected the name of the node in header X-Served-By or JSON key node, '
        "got none (node_header, node_key); status 200: Welcome to the shop"
    )


def test_answers_without_a_name_will_do_where_no_nodes_are_given(run_module, balancer, clock):
    balancer.header = False
    assert run_module(sanity, args(balancer, nodes=[], count=2))["nodes"] == [node(None, 2, slowest_s=0.0)]


@pytest.mark.parametrize("where", [dict(release_header="X-Release"), dict(release_key="release")])
def test_another_release(run_module, balancer, clock, where):
    balancer.release["green2"] = "1.0.0"
    result = run_module(sanity, args(balancer, dict(path="/status"), release="2.0.0", **where))
    assert result["msg"] == 'Check "GET /status" failed on node green2: expected release 2.0.0, got release 1.0.0'
    assert result["nodes"] == [node("green1", 1, "2.0.0", 0.0), node("green2", 0, "1.0.0", 0.0)]


def test_nodes_that_never_say_their_release(run_module, balancer, clock):
    result = run_module(sanity, args(balancer, release="2.0.0", release_key="release"))
    assert result.failed
    assert result["msg"].startswith("green1, green2 never said which release it is (release_header, release_key): add a check")


def test_a_503_of_a_node_is_a_failure(run_module, balancer, clock):
    balancer.pages["/"] = (503, "overloaded")
    result = run_module(sanity, args(balancer))
    assert result["got"] == "status 503: overloaded"
    assert result["requests"] == 1


def test_a_load_balancer_without_servers(run_module, balancer, clock):
    balancer.nodes = []
    result = run_module(sanity, args(balancer, timeout_s=5, interval_s=2))
    assert result["msg"] == (
        'Not proven in time: check "GET /" has not been answered by green1, green2; the load balancer itself answers 503: '
        "it has no server yet. Do its checks of the heartbeat reach the nodes?"
    )
    assert clock.sleeps == [2, 2, 1]
    assert result["nodes"] == [node("green1"), node("green2")]


def test_a_node_that_gets_no_request(run_module, balancer, clock):
    balancer.nodes = ["green1"]
    result = run_module(sanity, args(balancer, timeout_s=5, count=2))
    assert result["msg"] == (
        'Not proven in time: check "GET /" has not been answered by green2 2 times; the load balancer sent every request to the others. '
        "Does it see these nodes, and is it free of sticky sessions?"
    )


def test_nobody_at_the_url(run_module, clock):
    result = run_module(sanity, dict(url="http://127.0.0.1:1", checks=[dict(path="/")], timeout_s=2))
    assert result["msg"].startswith('Not proven in time: check "GET /" has not been answered; nobody answers at http://127.0.0.1:1 (')
    assert clock.elapsed == 2


def test_an_answer_that_does_not_come(run_module, balancer, clock):
    balancer.pages["/"] = (200, "Welcome")

    def cut(handler, code, text, headers):
        handler.send_response(code)
        handler.send_header("Content-Length", "100")
        handler.end_headers()
        handler.close_connection = True

    balancer.send = cut
    result = run_module(sanity, args(balancer))
    assert result["expected"] == "a whole answer"
    assert result["msg"].startswith('Check "GET /" failed: expected a whole answer, got none within 10 s (')


@pytest.mark.parametrize(
    "changes, message",
    [
        (dict(url="lb:80"), "url must begin with http:// or https://, but is lb:80."),
        (dict(checks=[]), "checks is empty: without a check nothing is proven."),
        (dict(count=0), "count must be at least 1."),
        (dict(release="2.0.0"), "release needs release_header or release_key, which says where the answers give it."),
        (dict(checks=[dict(path="x")]), "check GET x: path must begin with /, but is x."),
        (dict(checks=[dict(path="/", regex="(")]), "check GET /: regex is not a regular expression ("),
        (dict(checks=[dict(path="/", url="lb")]), "check GET /: url must begin with http:// or https://, but is lb."),
        (dict(checks=[dict(path="/", count=0)]), "check GET /: count must be at least 1."),
        (dict(checks=[dict(path="/", through="node")]), "no check goes through the balancer (checks: through): without one nothing is proven."),
        (dict(nodes=[], node="green1", checks=[dict(path="/")]), "no check goes through the node"),
        (dict(node="green1"), "node and nodes exclude each other."),
        (dict(checks=[dict(path="/"), dict(path="/")]), 'two checks have the name "GET /": give them different ones.'),
    ],
)
def test_refuses_what_proves_nothing(run_module, balancer, changes, message):
    result = run_module(sanity, args(balancer, **changes))
    assert result.failed
    assert result["msg"].startswith("Nothing was sent: " + message)
    assert balancer.asked == []


def test_check_mode_sends_nothing(run_module, balancer):
    assert "skipped" in run_module(sanity, args(balancer), check_mode=True)
    assert balancer.asked == []
