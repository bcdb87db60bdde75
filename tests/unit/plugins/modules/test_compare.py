# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json
import threading

import pytest

from ansible_collections.halfswap.bluegreen.plugins.modules import compare

try:
    from http.server import BaseHTTPRequestHandler, HTTPServer
except ImportError:
    from BaseHTTPServer import BaseHTTPRequestHandler, HTTPServer

LOG_LINE = '192.0.2.9 - - [20/Nov/2026:12:00:00 +0000] "%s %s HTTP/1.1" %d 512\n'


class Balancer(object):
    """Answers with its pages, each of which takes its time. A page may be a list: each answer is the next of it, until the last one."""

    def __init__(self, node, asked, clock):
        self.node = node
        self.pages = {}
        self.takes_s = {}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *args):
                pass

            def do_GET(self):
                asked.append((outer.node, self.command, self.path))
                outer.headers = dict(self.headers.items())
                status, text = outer.page(self.path)
                clock.advance(outer.takes_s.get(self.path, 0))
                self.send_response(status)
                self.send_header("X-Served-By", outer.node)
                # None: the connection ends within the answer.
                self.send_header("Content-Length", str(len(text or "cut")))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write((text or "").encode("utf-8"))

            do_HEAD = do_GET

        self._http = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d" % self._http.server_port
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,))
        self._thread.daemon = True
        self._thread.start()

    def page(self, path):
        found = self.pages.get(path, (404, "no such page"))
        if isinstance(found, list):
            found = found.pop(0) if len(found) > 1 else found[0]
        return found

    def stop(self):
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class Pair(object):
    def __init__(self, clock):
        self.asked = []
        self.live = Balancer("blue1", self.asked, clock)
        self.standby = Balancer("green1", self.asked, clock)

    def both(self, path, live, standby=None):
        self.live.pages[path] = live
        self.standby.pages[path] = standby or live

    def args(self, *paths, **changes):
        return dict(dict(live_url=self.live.url, standby_url=self.standby.url + "/", paths=list(paths)), **changes)


@pytest.fixture
def pair(clock):
    found = Pair(clock)
    yield found
    found.live.stop()
    found.standby.stop()


def side(node, status=200, latency_s=0.0, error=None):
    return {"node": node, "status": status, "latency_s": latency_s, "error": error}


def test_the_same_answers(run_module, pair, clock):
    pair.both("/", (200, "Welcome"))
    pair.live.takes_s["/"], pair.standby.takes_s["/"] = 0.25, 0.5
    result = run_module(compare, pair.args("/", "/"))
    assert pair.asked == [("blue1", "GET", "/"), ("green1", "GET", "/")]
    assert result == {
        "changed": False,
        "paths": ["/"],
        "compared": 1,
        "differences": 0,
        "unanswered": 0,
        "left_out": 0,
        "waited_s": 0.75,
        "latency": {"live": {"median_s": 0.25, "p95_s": 0.25}, "standby": {"median_s": 0.5, "p95_s": 0.5}},
        "results": [{"path": "/", "same": True, "live": side("blue1", latency_s=0.25), "standby": side("green1", latency_s=0.5), "diff": []}],
    }


def test_another_body(run_module, pair):
    pair.both("/orders", (200, '{"total": 12, "at": 1}'), (200, '{"at": 2, "total": 13}'))
    result = run_module(compare, pair.args("/orders", ignore=["at"]))
    diff = ["--- live /orders", "+++ standby /orders", "@@ -1,4 +1,4 @@", " status 200", " {", '-  "total": 12', '+  "total": 13', " }"]
    assert result["results"] == [{"path": "/orders", "same": False, "live": side("blue1"), "standby": side("green1"), "diff": diff}]
    assert result["msg"] == "\n".join(["The two load balancers do not answer alike: 1 of 1 answers differ, and max_differences is 0."] + diff)
    assert result.failed


def test_what_is_not_compared(run_module, pair):
    pair.both("/orders", (200, '{"total": 12, "at": 1}'), (200, '{"at": 2, "total": 12}'))
    pair.both("/", (200, "Page made at 12:00 by blue1"), (200, "Page made at 12:01 by green1"))
    assert not run_module(compare, pair.args("/", "/orders", ignore=["at"], mask=["[0-9]+:[0-9]+", "(blue|green)1"])).failed
    assert run_module(compare, pair.args("/", "/orders", mask=["[0-9]+:[0-9]+", "(blue|green)1"]))["differences"] == 1
    assert run_module(compare, pair.args("/", "/orders", ignore=["at"]))["differences"] == 1


def test_another_status(run_module, pair):
    pair.both("/", (200, "Welcome"), (500, "Welcome"))
    result = run_module(compare, pair.args("/"))
    assert result["results"][0]["standby"]["status"] == 500
    assert result["results"][0]["diff"][2:] == ["@@ -1,2 +1,2 @@", "-status 200", "+status 500", " Welcome"]


def test_what_users_write_meanwhile_is_no_difference(run_module, pair):
    pair.both("/orders", [(200, "1 order"), (200, "2 orders")], (200, "2 orders"))
    pair.standby.takes_s["/orders"] = 1.0
    result = run_module(compare, pair.args("/orders"))
    assert result["differences"] == 0
    assert len(pair.asked) == 4
    # The first answer tells how long it takes, not the one from a cache.
    pair.live.pages["/orders"] = [(200, "1 order"), (200, "2 orders")]
    pair.live.page = lambda path, page=pair.live.page: (pair.live.takes_s.__setitem__(path, 0.5 if len(pair.live.pages[path]) > 1 else 0.0), page(path))[1]
    assert run_module(compare, pair.args("/orders"))["results"][0]["live"]["latency_s"] == 0.5


def test_both_are_asked_first_in_turn(run_module, pair):
    paths = ["/a", "/b", "/c"]
    for path in paths:
        pair.both(path, (200, path))
    result = run_module(compare, pair.args(*paths))
    assert [node for node, _method, _path in pair.asked] == ["blue1", "green1", "green1", "blue1", "blue1", "green1"]
    assert [(found["live"]["node"], found["standby"]["node"]) for found in result["results"]] == [("blue1", "green1")] * 3


@pytest.mark.parametrize("limit, failed", [("1", True), ("2", False), ("49%", True), ("50%", False)])
def test_some_may_differ(run_module, pair, limit, failed):
    for number in range(4):
        pair.both("/%d" % number, (200, "same"), (200, "other" if number < 2 else "same"))
    result = run_module(compare, pair.args("/0", "/1", "/2", "/3", max_differences=limit))
    assert result.failed is failed
    assert (result["compared"], result["differences"]) == (4, 2)
    if failed:
        assert result["msg"].startswith("The two load balancers do not answer alike: 2 of 4 answers differ, and max_differences is %s." % limit)
    else:
        assert result["warnings"] == ["2 of 4 answers differ, which max_differences allows."]


def test_only_the_first_differences_are_shown(run_module, pair):
    for number in range(5):
        pair.both("/%d" % number, (200, "old"), (200, "new"))
    result = run_module(compare, pair.args(*["/%d" % number for number in range(5)]))
    assert result["msg"].count("+++ standby") == 3
    assert result["msg"].endswith("\n(2 paths more)")
    assert [len(found["diff"]) for found in result["results"]] == [6] * 5


@pytest.mark.parametrize(
    "limits, may_take",
    [
        (dict(), None),
        (dict(max_slower_percent=50), "0.150"),
        (dict(max_slower_percent=100), None),
        (dict(max_slower_s=0.05), "0.150"),
        (dict(max_slower_s=0.1), None),
        (dict(max_slower_s=0.1, max_slower_percent=1), None),
        (dict(max_slower_s=0.01, max_slower_percent=99), "0.199"),
    ],
)
def test_the_median_may_not_be_slower(run_module, pair, limits, may_take):
    for path, live, standby in (("/a", 0.1, 0.2), ("/b", 0.1, 0.2), ("/c", 0.3, 9.0)):
        pair.both(path, (200, "same"))
        pair.live.takes_s[path], pair.standby.takes_s[path] = live, standby
    result = run_module(compare, pair.args("/a", "/b", "/c", **limits))
    assert result["latency"] == {"live": {"median_s": 0.1, "p95_s": 0.3}, "standby": {"median_s": 0.2, "p95_s": 9.0}}
    assert result.failed is bool(may_take)
    if may_take:
        said = "the median answer takes 0.200 s instead of 0.100 s, and may take %s s (max_slower_percent, max_slower_s)." % may_take
        assert result["msg"] == "The two load balancers do not answer alike: " + said


def test_no_answer_through_one_of_them(run_module, pair):
    pair.both("/", (200, "Welcome"), (200, None))
    result = run_module(compare, pair.args("/", max_slower_percent=0))
    assert result["differences"] == 1
    found = result["results"][0]
    assert found["standby"]["status"] is None
    assert found["diff"][3:] == ["-status 200", "-Welcome", "+no answer (%s)" % found["standby"]["error"]]
    assert result["latency"]["live"] == {"median_s": None, "p95_s": None}


def test_no_answer_through_either(run_module, pair):
    pair.both("/", (200, None))
    pair.both("/a", (200, "same"))
    result = run_module(compare, pair.args("/", "/a"))
    assert (result["compared"], result["unanswered"], result["differences"]) == (1, 1, 0)
    assert run_module(compare, pair.args("/"))["msg"] == (
        "The two load balancers do not answer alike: 0 requests were compared, and at least 1 (min_sample) must be."
    )


def test_a_load_balancer_that_is_not_there(run_module, pair):
    pair.both("/", (200, "Welcome"))
    result = run_module(compare, pair.args("/", standby_url="http://127.0.0.1:1"))
    assert result["results"][0]["standby"]["status"] is None
    assert "+no answer (" in result["msg"]


def test_the_time_is_limited(run_module, pair):
    for path in ("/a", "/b", "/c"):
        pair.both(path, (200, "same"))
        pair.live.takes_s[path] = 4.0
    result = run_module(compare, pair.args("/a", "/b", "/c", timeout_s=5))
    assert (result["compared"], result["left_out"], result["waited_s"]) == (2, 1, 8.0)
    assert run_module(compare, pair.args("/a", "/b", "/c", timeout_s=5, min_sample=3))["msg"].endswith(
        "2 requests were compared, and at least 3 (min_sample) must be."
    )


def test_what_is_sent(run_module, pair):
    pair.both("/", (200, "one"), (200, "other"))
    result = run_module(compare, pair.args("/", method="HEAD", headers={"X-Test": 1}))
    assert not result.failed
    assert {method for _node, method, _path in pair.asked} == {"HEAD"}
    assert {name.lower(): value for name, value in pair.standby.headers.items()}["x-test"] == "1"


def log(tmp_path, *requests):
    file = tmp_path / "access.log"
    file.write_bytes("".join(LOG_LINE % request for request in requests).encode())
    return str(file)


def test_from_an_access_log(run_module, pair, tmp_path):
    pair.both("/a", (200, "same"))
    requests = [("GET", "/old", 200), ("GET", "/a", 200), ("POST", "/b", 200), ("GET", "/a", 200), ("GET", "/logout", 302)]
    args = pair.args(log=log(tmp_path, *requests), lines=4, exclude=["^/logout"])
    del args["paths"]
    result = run_module(compare, args)
    assert result["paths"] == ["/a"]
    assert pair.asked == [("blue1", "GET", "/a"), ("green1", "GET", "/a")]


def test_only_the_sample_where_the_load_balancers_are_not_reached(run_module, tmp_path):
    requests = [("GET", "/%d" % number, 200) for number in range(9)]
    result = run_module(compare, dict(log=log(tmp_path, *requests), sample=3, seed="s"), check_mode=True)
    assert result == {"changed": False, "paths": run_module(compare, dict(paths=[path for _method, path, _status in requests], sample=3, seed="s"))["paths"]}
    assert len(result["paths"]) == 3


def test_from_a_file(run_module, tmp_path):
    (tmp_path / "paths").write_bytes(b"# those that matter\n/a\n\n/b\n")
    assert sorted(run_module(compare, dict(file=str(tmp_path / "paths")))["paths"]) == ["/a", "/b"]


@pytest.mark.parametrize(
    "changes, message",
    [
        (dict(standby_url="lb"), "standby_url must begin with http:// or https://, but is lb."),
        (dict(max_differences="many"), "max_differences must be a number or a percentage such as 5%, but is many."),
        (dict(mask=["("]), "mask: ( is not a regular expression ("),
        (dict(exclude=["["]), "exclude: [ is not a regular expression ("),
        (dict(sample=0), "sample must be at least 1."),
        (dict(min_sample=101), "min_sample (101) is above sample (100): no sample would be large enough."),
        (dict(paths=["a"]), "paths: a does not begin with /."),
        (dict(paths=None, file="/no/such/file"), "file /no/such/file: "),
        (dict(paths=None, log="/no/such/log"), "log: tail: "),
    ],
)
def test_refuses_what_it_cannot_do(run_module, pair, changes, message):
    given = pair.args("/", **changes)
    result = run_module(compare, {name: value for name, value in given.items() if value is not None})
    assert result.failed
    assert result["msg"].startswith("Nothing was sent: " + message)
    assert pair.asked == []


def test_refuses_to_compare_a_load_balancer_with_itself(run_module, pair):
    result = run_module(compare, pair.args("/", standby_url=pair.live.url + "/"))
    assert result["msg"] == "Nothing was sent: live_url and standby_url are the same: there is nothing to compare."


def test_a_log_that_is_none(run_module, tmp_path):
    (tmp_path / "log").write_bytes(json.dumps({"request": "GET /"}).encode() + b"\n")
    result = run_module(compare, dict(log=str(tmp_path / "log")))
    assert result["msg"].startswith("Nothing was sent: log %s: none of its last 1 lines is in the common" % (tmp_path / "log"))
