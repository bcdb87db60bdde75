# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import base64
import json
import threading

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils import _traffic
from ansible_collections.halfswap.bluegreen.plugins.modules import observe_traffic

try:
    from http.server import BaseHTTPRequestHandler, HTTPServer
    from urllib.parse import parse_qs, urlsplit
except ImportError:
    from BaseHTTPServer import BaseHTTPRequestHandler, HTTPServer
    from urlparse import parse_qs, urlsplit

HEAD = "# pxname,svname,stot,econ,eresp,wretr,wredis,type,hrsp_5xx,rtime,\n"


class Site(object):
    """A load balancer in front of two nodes, with its statistics page, and a Prometheus."""

    def __init__(self, advance):
        self.advance = advance
        self.nodes = ["blue1", "green1"]
        self.status = {}
        self.takes_s = {}
        self.counters = {node: dict.fromkeys(_traffic.COUNTERS, 0) for node in self.nodes}
        self.per_read = {node: {} for node in self.nodes}
        self.page = None
        self.query = {"status": "success", "data": {"resultType": "scalar", "result": [1790000000.1, "0"]}}
        self.password = None
        self.asked = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *args):
                pass

            def do_GET(self):
                outer.asked.append((self.path, self.headers.get("Authorization"), self.headers.get("X-Scope-OrgID")))
                if self.path == "/stats;csv":
                    outer.send(self, *outer.statistics(self.headers.get("Authorization")))
                elif self.path.startswith("/api/v1/query?"):
                    outer.send(self, *outer.result())
                else:
                    outer.answer(self)

        self._http = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d" % self._http.server_port
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,))
        self._thread.daemon = True
        self._thread.start()

    def answer(self, handler):
        if not self.nodes:
            return self.send(handler, 503, "No server is available")
        node = self.nodes.pop(0)
        self.nodes.append(node)
        if self.takes_s:
            self.advance(self.takes_s[node])
        return self.send(handler, self.status.get(node, 200), "hello", {"X-Served-By": node, "X-Release": "2.0.0" if node == "blue1" else "1.0.0"})

    def result(self):
        if self.password:
            return 401, "Unauthorized\n"
        return 200 if self.query["status"] == "success" else 400, json.dumps(self.query)

    def statistics(self, authorization):
        if self.password and authorization != self.password:
            return 401, "no"
        for node, grows in self.per_read.items():
            for name, by in grows.items():
                self.counters[node][name] += by
        if self.page is not None:
            return 200, self.page
        row = "shop,%s,%d,%d,%d,%d,%d,2,%d,0,\n"
        return 200, HEAD + "".join(
            row % ((node,) + tuple(counters[name] for name in ("stot", "econ", "eresp", "wretr", "wredis", "hrsp_5xx")))
            for node, counters in self.counters.items()
        )

    def send(self, handler, code, text, headers=None):
        text = text.encode("utf-8")
        handler.send_response(code)
        for name, value in (headers or {}).items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(text)))
        handler.end_headers()
        handler.wfile.write(text)

    def vector(self, *values):
        result = [{"metric": {"instance": "blue1"}, "value": [1790000000.1, value]} for value in values]
        self.query = {"status": "success", "data": {"resultType": "vector", "result": result}}

    def stop(self):
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


@pytest.fixture
def site(clock, monkeypatch):
    # One after the other, so that a test knows when: that they go side by side is for the tests of module_utils.
    monkeypatch.setattr(_traffic, "spawn", lambda work: work())
    found = Site(clock.advance)
    yield found
    found.stop()


def args(site, seconds=10, nodes=("blue1",), **policy):
    return dict(nodes=list(nodes), seconds=seconds, live_url=site.url, release_header="X-Release", policy=policy)


def probes(**changes):
    return dict(dict(paths=["/", "/orders"]), **changes)


def rules(site, **changes):
    rule = dict(name="failures", query='sum(rate(failures{job="shop"}[1m]))', max=0.5)
    return dict(dict(url=site.url, rules=[dict(rule, **changes.pop("rule", {}))]), **changes)


def test_probes_that_see_nothing_wrong(run_module, site, clock):
    result = run_module(observe_traffic, args(site, probes=probes()))
    assert result == {
        "changed": False,
        "anomalies": [],
        "notes": [],
        "observed_s": 10.0,
        "probes": [
            {"node": "blue1", "release": "2.0.0", "requests": 50, "errors": 0, "p95_s": 0.0},
            {"node": "green1", "release": "1.0.0", "requests": 50, "errors": 0, "p95_s": 0.0},
        ],
    }
    asked = [path for path, _authorization, _tenant in site.asked]
    assert all(set(asked[round : round + 2]) == {"/", "/orders"} for round in range(0, 100, 2))
    assert clock.elapsed == 10.0


def test_probes_with_errors_end_it_early(run_module, site):
    site.status["blue1"] = 500
    result = run_module(observe_traffic, args(site, seconds=600, probes=probes()))
    assert result.failed and result["observed_s"] < 15
    assert "probes: " in result["msg"] and "requests failed (100.0 %, max_error_percent is 1)" in result["msg"]
    assert "times status 500 at %s/" % site.url in result["msg"]


def test_a_few_errors_do_not_end_it_early(run_module, site, clock):
    clock.at(5, lambda: site.status.update(blue1=404))
    clock.at(5.3, site.status.clear)
    result = run_module(observe_traffic, args(site, seconds=60, probes=probes()))
    assert not result.failed and result["probes"][0]["errors"] in (1, 2)
    # At the end of a shorter one the same errors are too many.
    clock.at(clock.elapsed + 5, lambda: site.status.update(blue1=404))
    clock.at(clock.elapsed + 5.3, site.status.clear)
    assert run_module(observe_traffic, args(site, seconds=10, probes=probes())).failed


def test_every_node_is_asked_for_every_path(run_module, site):
    # Two nodes and two paths, each in turn: without more, each node would see one of the paths only.
    run_module(observe_traffic, args(site, probes=probes()))
    paths = [path for path, _authorization, _tenant in site.asked]
    assert set(paths[0::2]) == set(paths[1::2]) == {"/", "/orders"}


def test_errors_of_others_are_not_judged(run_module, site):
    site.status["green1"] = 500
    result = run_module(observe_traffic, args(site, probes=probes()))
    assert not result.failed and result["probes"][1]["errors"] == 50


def test_errors_of_nobody_are_judged(run_module, site, clock):
    clock.at(5, lambda: site.nodes.__delitem__(slice(None)))
    result = run_module(observe_traffic, args(site, probes=probes()))
    assert result.failed and "times status 503" in result["msg"]
    assert result["probes"][0]["node"] is None


def test_a_load_balancer_that_has_gone(run_module, site, clock):
    clock.at(5, site.stop)
    result = run_module(observe_traffic, args(site, seconds=10, probes=probes(paths=["/"])))
    assert result.failed and "times nobody answers at %s/" % site.url in result["msg"]


def test_slow_answers(run_module, site):
    site.takes_s = {"blue1": 0.3, "green1": 0.9}
    assert not run_module(observe_traffic, args(site, seconds=60, probes=probes(), max_p95_s=0.4)).failed
    result = run_module(observe_traffic, args(site, seconds=60, probes=probes(), max_p95_s=0.2))
    assert "probes: 95 of 100 answers took up to 0.300 s (max_p95_s is 0.2)" in result["anomalies"]


@pytest.mark.parametrize("policy, failed", [({}, False), ({"on_small_sample": "anomaly"}, True), ({"min_requests": 2}, False)])
def test_a_small_sample(run_module, site, policy, failed):
    result = run_module(observe_traffic, args(site, seconds=1, probes=probes(), **policy))
    text = "probes: 5 requests came to the nodes watched, fewer than min_requests (20)"
    assert result.failed is failed
    assert result["anomalies"] == ([text] if failed else [])
    assert result["notes"] == ([text] if policy == {} else [])
    assert result.get("warnings", []) == (["Traffic was not judged. %s." % text] if policy == {} else [])


def test_statistics_count_from_the_beginning(run_module, site, clock):
    site.counters["blue1"] = dict.fromkeys(_traffic.COUNTERS, 5000)
    site.per_read = {"blue1": {"stot": 10}, "green1": {"stot": 10, "hrsp_5xx": 10}}
    result = run_module(observe_traffic, args(site, statistics=dict(urls=[site.url + "/stats"])))
    assert not result.failed
    # Once in the beginning, once a second, once in the end.
    assert result["statistics"] == [{"node": "blue1", "requests": 100, "errors": 0}]
    assert clock.elapsed == 10.0


def test_statistics_with_errors_end_it_early(run_module, site):
    site.per_read = {"blue1": {"stot": 10, "hrsp_5xx": 1}, "green1": {}}
    result = run_module(observe_traffic, args(site, statistics=dict(urls=[site.url + "/stats;csv"])))
    assert result["msg"] == (
        "After %.1f s: statistics: 2 of 20 requests failed (10.0 %%, max_error_percent is 1): 2 times a status of 500 or above." % result["observed_s"]
    )
    assert result["observed_s"] < 3


@pytest.mark.parametrize(
    "options, header",
    [
        (dict(user="ops", password="hunter2"), "Basic " + base64.b64encode(b"ops:hunter2").decode("ascii")),
        (dict(token="t0ken-of-ops"), "Bearer t0ken-of-ops"),
    ],
)
def test_statistics_behind_a_password(run_module, site, options, header):
    site.password = header
    result = run_module(observe_traffic, args(site, statistics=dict(urls=[site.url + "/stats"], **options)), check_mode=True)
    assert not result.failed
    assert "hunter2" not in result.output and "t0ken" not in result.output
    refused = run_module(observe_traffic, args(site, statistics=dict(urls=[site.url + "/stats"])), check_mode=True)
    hint = "see statistics.user, statistics.password and statistics.token. Nothing was changed."
    assert refused["msg"] == "statistics: %s/stats is answered with 401: %s" % (site.url, hint)


def test_a_page_that_fails_now_and_then(run_module, site, clock):
    site.per_read["blue1"] = {"stot": 10}
    clock.at(4, lambda: setattr(site, "page", "<html>"))
    clock.at(6, lambda: setattr(site, "page", None))
    assert not run_module(observe_traffic, args(site, statistics=dict(urls=[site.url + "/stats"]))).failed
    clock.at(clock.elapsed + 4, lambda: setattr(site, "page", "<html>"))
    result = run_module(observe_traffic, args(site, statistics=dict(urls=[site.url + "/stats"])))
    assert result["anomalies"] == ["statistics: %s/stats is not the CSV of a statistics page, but <html>" % site.url]


def test_prometheus_within_bounds(run_module, site, clock):
    site.vector("0.25", "0.5")
    result = run_module(observe_traffic, args(site, prometheus=rules(site, headers={"X-Scope-OrgID": 7}, token="t0ken-of-ops")))
    assert result["prometheus"] == [{"name": "failures", "values": [0.25, 0.5]}]
    assert {parse_qs(urlsplit(path).query)["query"][0] for path, _authorization, _tenant in site.asked} == {'sum(rate(failures{job="shop"}[1m]))'}
    assert {(authorization, tenant) for _path, authorization, tenant in site.asked} == {("Bearer t0ken-of-ops", "7")}
    # At 0, 5 and 10 seconds.
    assert len(site.asked) == 3


def test_prometheus_out_of_bounds_ends_it(run_module, site, clock):
    clock.at(4, lambda: site.vector("0.25", "0.75"))
    result = run_module(observe_traffic, args(site, seconds=60, prometheus=rules(site)))
    assert result["anomalies"] == ["prometheus: failures is 0.75{instance=blue1}, above 0.5 (max)"]
    assert result["observed_s"] == 5.5


@pytest.mark.parametrize("values", [[], ["NaN"]])
@pytest.mark.parametrize("on_empty", ["anomaly", "ignore"])
def test_prometheus_without_a_value(run_module, site, values, on_empty):
    site.vector(*values)
    result = run_module(observe_traffic, args(site, prometheus=rules(site, on_empty=on_empty)))
    assert result["anomalies"] == (["prometheus: failures has no value (on_empty is anomaly)"] if on_empty == "anomaly" else [])
    assert result["observed_s"] == 10.0


def test_prometheus_with_another_password(run_module, site):
    site.password = "none that anybody knows"
    result = run_module(observe_traffic, args(site, prometheus=rules(site, user="ops", password="mine")), check_mode=True)
    hint = "see prometheus.user, prometheus.password and prometheus.token. Nothing was changed."
    assert result["msg"] == "prometheus: %s/api/v1/query is answered with 401: %s" % (site.url, hint)


def test_several_sources_are_judged_together(run_module, site):
    site.vector("1")
    result = run_module(observe_traffic, args(site, seconds=1, probes=probes(), statistics=dict(urls=[site.url + "/stats"]), prometheus=rules(site)))
    assert result["anomalies"] == ["prometheus: failures is 1{instance=blue1}, above 0.5 (max)"]
    assert {"probes", "statistics", "prometheus"} <= set(result)


def test_check_mode_asks_each_source_once(run_module, site, clock):
    policy = dict(probes=probes(), statistics=dict(urls=[site.url + "/stats"]), prometheus=rules(site))
    result = run_module(observe_traffic, args(site, nodes=["blue1", "green1"], **policy), check_mode=True)
    assert result == {"changed": False, "anomalies": [], "notes": [], "observed_s": 0.0}
    assert [path.split("?")[0] for path, _authorization, _tenant in site.asked] == ["/", "/orders", "/stats;csv", "/api/v1/query"]
    assert clock.elapsed == 0


def test_check_mode_does_not_judge_what_serves_now(run_module, site):
    site.status = {"blue1": 500, "green1": 500}
    site.vector()
    assert not run_module(observe_traffic, args(site, nodes=["blue1", "green1"], probes=probes(), prometheus=rules(site)), check_mode=True).failed
    site.nodes = []
    assert not run_module(observe_traffic, args(site, nodes=["blue1", "green1"], probes=probes()), check_mode=True).failed


@pytest.mark.parametrize(
    "change, policy, text",
    [
        (lambda site: site.stop(), dict(probes=probes()), "probes: nobody answers at "),
        (lambda site: site.status.update(blue1=404), dict(probes=probes()), "/ is answered with 404: give a path that can be read by everybody"),
        (lambda site: None, dict(probes=probes(node_header="X-Node")), "probes: the header X-Node of the answer at "),
        (lambda site: None, dict(probes=probes(rate_per_s=1)), "of 1 requests per second, the nodes of a batch get 10 while it is observed, and min_"),
        (lambda site: site.counters.pop("blue1"), "statistics", "has no server blue1: servers have to have the names of the nodes"),
        (lambda site: setattr(site, "page", ""), "statistics", "is not the CSV of a statistics page, but nothing"),
        (lambda site: site.stop(), "statistics", "statistics: nobody answers at "),
        (lambda site: site.stop(), "prometheus", "prometheus: nobody answers at "),
        (lambda site: site.vector("0.75"), "prometheus", "failures is 0.75{instance=blue1}, above 0.5 (max) already, before anything is changed"),
        (
            lambda site: setattr(site, "query", {"status": "error", "errorType": "bad_data", "error": "parse error"}),
            "prometheus",
            "/api/v1/query with 400 (bad_data: parse error). Nothing was changed.",
        ),
    ],
)
def test_check_mode_refuses_what_cannot_work(run_module, site, change, policy, text):
    if policy == "statistics":
        policy = dict(statistics=dict(urls=[site.url + "/stats"]))
    elif policy == "prometheus":
        policy = dict(prometheus=rules(site))
    change(site)
    result = run_module(observe_traffic, args(site, nodes=["blue1", "green1"], **policy), check_mode=True)
    assert result.failed and text in result["msg"]


def test_statistics_of_another_backend(run_module, site):
    policy = dict(statistics=dict(urls=[site.url + "/stats"], backends=["basket"]))
    assert "has no server blue1 in basket" in run_module(observe_traffic, args(site, **policy), check_mode=True)["msg"]
    policy["statistics"]["backends"] = ["shop"]
    assert not run_module(observe_traffic, args(site, **policy), check_mode=True).failed


@pytest.mark.parametrize(
    "policy, text",
    [
        ({}, "policy (bluegreen_observe): there is nothing to see: give probes, statistics or prometheus."),
        (dict(probes=dict(paths=[])), "policy (bluegreen_observe): probes.paths is empty."),
        (dict(probes=dict(paths=["orders"])), "policy (bluegreen_observe): probes.paths must begin with http:// or https://, but is orders."),
        (dict(probes=dict(paths=["/"], url="lb")), "policy (bluegreen_observe): probes.url must begin with http:// or https://, but is lb."),
        (dict(probes=dict(paths=["/"], rate_per_s=0)), "policy (bluegreen_observe): probes.rate_per_s must be above 0 and at most 100, but is 0."),
        (dict(probes=dict(paths=["/"], request_timeout_s=0)), "policy (bluegreen_observe): probes.request_timeout_s must be above 0 and at most 30, but is 0."),
        (dict(probes=dict(paths=["/"]), max_error_percent=100), "policy (bluegreen_observe): max_error_percent must be at least 0 and below 100, but is 100."),
        (dict(probes=dict(paths=["/"]), max_p95_s=0), "policy (bluegreen_observe): max_p95_s must be above 0, but is 0."),
        (dict(probes=dict(paths=["/"]), min_requests=0), "policy (bluegreen_observe): min_requests must be at least 1, but is 0."),
        (dict(statistics=dict(urls=[])), "policy (bluegreen_observe): statistics.urls is empty."),
        (dict(statistics=dict(urls=["lb:8404"])), "policy (bluegreen_observe): statistics.urls must begin with http:// or https://, but is lb:8404."),
        (dict(prometheus=dict(url="http://p", rules=[])), "policy (bluegreen_observe): prometheus.rules is empty."),
        (
            dict(prometheus=dict(url="http://p", rules=[dict(name="a", query="1", max=1)] * 2)),
            "policy (bluegreen_observe): two rules of prometheus have the name a: give them different ones.",
        ),
        (dict(prometheus=dict(url="http://p", rules=[dict(name="a", query="1")])), "max, min"),
        (dict(probes=dict(paths=["/"]), max_errors=3), "policy.max_errors"),
    ],
)
def test_a_policy_that_makes_no_sense(run_module, site, policy, text):
    result = run_module(observe_traffic, args(site, **policy))
    assert result.failed and text in result["msg"]
    assert site.asked == []


def test_no_time_to_observe(run_module, site):
    result = run_module(observe_traffic, args(site, seconds=0, probes=probes()), check_mode=True)
    assert result.failed and "bluegreen_observe_s" in result["msg"]


def test_probes_need_a_url(run_module, site):
    result = run_module(observe_traffic, dict(args(site, probes=probes()), live_url=""))
    assert result["msg"] == "policy (bluegreen_observe): probes.url must begin with http:// or https://, but is missing."
