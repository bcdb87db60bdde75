# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import base64
import json
import sys
import threading

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils.traffic import _traffic
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
        # By query, and by instance: how much it has counted, and by how much it grows with each question.
        self.series = {}
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
                    outer.send(self, *outer.result(parse_qs(urlsplit(self.path).query)["query"][0]))
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

    def result(self, query):
        if self.password:
            return 401, "Unauthorized\n"
        if query in self.series:
            for grows in self.series[query].values():
                grows[0] += grows[1]
            self.vector(*["%d" % grows[0] for _instance, grows in sorted(self.series[query].items())], instances=sorted(self.series[query]))
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

    def vector(self, *values, **more):
        instances = more.get("instances", ["blue1"] * len(values))
        result = [{"metric": {"instance": instance}, "value": [1790000000.1, value]} for instance, value in zip(instances, values)]
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


def args(site, seconds=10, nodes=("blue1",), old_nodes=(), **policy):
    return dict(nodes=list(nodes), old_nodes=list(old_nodes), seconds=seconds, live_url=site.url, release_header="X-Release", policy=policy)


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


def counters(site, **changes):
    return dict(url=site.url, counters=dict(dict(requests="all", errors="failed"), **changes))


def test_counters_of_the_applications_are_judged(run_module, site, clock):
    # What they had counted before, and what the others count, is not the fault of these.
    site.series = {"all": {"blue1:8080": [5000, 100], "green1:8080": [5000, 100]}, "failed": {"blue1:8080": [3000, 0], "green1:8080": [0, 50]}}
    assert not run_module(observe_traffic, args(site, prometheus=counters(site))).failed
    site.series["failed"]["blue1:8080"][1] = 2
    result = run_module(observe_traffic, args(site, prometheus=counters(site)))
    assert result["anomalies"] == ["prometheus: 4 of 200 requests failed (2.0 %, max_error_percent is 1)"]
    assert result["prometheus"] == []


def test_counters_that_come_and_go(run_module, site, clock):
    site.series = {"all": {"blue1": [5000, 100]}, "failed": {}}
    policy = dict(prometheus=counters(site), max_error_percent=50)
    # Before the first error there is no series of errors; a process that is started again counts from zero, what is missing for once does not.
    clock.at(3, lambda: site.series["failed"].update(blue1=[70, 0]))
    clock.at(6, lambda: site.series["all"].update(blue1=[0, 10]))
    clock.at(6, lambda: site.series["failed"].pop("blue1"))
    clock.at(11, lambda: site.series["failed"].update(blue1=[71, 0]))
    result = run_module(observe_traffic, args(site, seconds=15, **policy))
    assert result["anomalies"] == ["prometheus: 71 of 120 requests failed (59.2 %, max_error_percent is 50)"]


@pytest.mark.parametrize("value", ["-1", "+Inf", "1e300"])
def test_counters_that_are_none(run_module, site, value):
    site.vector(value)
    result = run_module(observe_traffic, args(site, prometheus=counters(site)), check_mode=True)
    assert "prometheus: counters.errors has the value %g, which is no count" % float(value) in result["msg"]


def test_counters_of_somebody_else(run_module, site):
    site.series = {"all": {"blue11:8080": [0, 1]}, "failed": {}}
    result = run_module(observe_traffic, args(site, prometheus=counters(site)), check_mode=True)
    assert result["msg"].startswith("prometheus: the counters have no value whose label instance is one of blue1: see prometheus.counters.node_label")
    site.series["all"] = {"blue1": [0, 1]}
    assert not run_module(observe_traffic, args(site, prometheus=counters(site)), check_mode=True).failed
    assert run_module(observe_traffic, args(site, prometheus=counters(site, node_label="node")), check_mode=True).failed


# In a hundred seconds, five hundred requests to each node.
BESIDE = dict(seconds=100, old_nodes=["green1"], relative={})


@pytest.mark.skipif(sys.version_info < (3, 7), reason="thousands of requests; the old Pythons reckon the same in test__relative")
def test_new_nodes_are_as_good_as_the_old_ones(run_module, site):
    site.per_read = {"blue1": {"stot": 10}, "green1": {"stot": 10}}
    site.series = {"all": {"blue1": [0, 100], "green1": [0, 100]}, "failed": {}}
    policy = dict(BESIDE, probes=probes(), statistics=dict(urls=[site.url + "/stats"]), prometheus=counters(site))
    result = run_module(observe_traffic, args(site, **policy))
    assert (result["anomalies"], result["notes"]) == ([], [])
    same = {"new": 0.0, "old": 0.0, "p_value": 1.0}
    latency = result["relative"].pop(1)
    assert (latency.pop("p_value") > 0.1, latency) == (
        True,
        {"source": "probes", "measure": "latency", "new_requests": 501, "old_requests": 500, "new": 0.0, "old": 0.0},
    )
    assert result["relative"] == [
        dict(same, source="probes", measure="errors", new_requests=501, old_requests=500),
        dict(same, source="statistics", measure="errors", new_requests=1000, old_requests=1000),
        dict(same, source="prometheus", measure="errors", new_requests=2000, old_requests=2000),
    ]
    assert [row["node"] for row in result["statistics"]] == ["blue1", "green1"]


@pytest.mark.skipif(sys.version_info < (3, 7), reason="thousands of requests; the old Pythons reckon the same in test__relative")
def test_new_nodes_that_are_slower_end_it_at_the_next_look(run_module, site):
    site.takes_s = {"blue1": 0.09, "green1": 0.03}
    policy = dict(BESIDE, probes=probes())
    result = run_module(observe_traffic, args(site, **policy))
    assert result["anomalies"] == [
        "probes: the new nodes are slower than the old ones: the median of %d answers is 0.090 s, that of %d is 0.030 s, and relative.max_slower_percent "
        "is 25, relative.max_slower_s 0.01 (relative.confidence is 0.99)" % (result["relative"][1]["new_requests"], result["relative"][1]["old_requests"])
    ]
    # Not before the first quarter is over.
    assert 25 <= result["observed_s"] < 26
    # No worse than before is no anomaly, however slow it is; nor is it without anybody to compare with, or where it is permitted.
    site.takes_s = {"blue1": 0.09, "green1": 0.09}
    assert not run_module(observe_traffic, args(site, **policy)).failed
    site.takes_s = {"blue1": 0.09, "green1": 0.03}
    assert not run_module(observe_traffic, args(site, **dict(policy, old_nodes=[]))).failed
    assert not run_module(observe_traffic, args(site, **dict(policy, relative=dict(max_slower_percent=300)))).failed


@pytest.mark.parametrize("source", ["statistics", "prometheus"])
def test_new_nodes_that_fail_more_often(run_module, site, source):
    site.per_read = {"blue1": {"stot": 100, "hrsp_5xx": 3}, "green1": {"stot": 100, "hrsp_5xx": 1}}
    site.series = {"all": {"blue1": [0, 400], "green1": [0, 400]}, "failed": {"blue1": [0, 12], "green1": [0, 4]}}
    policy = dict(BESIDE, max_error_percent=10, **{source: {"statistics": dict(urls=[site.url + "/stats"]), "prometheus": counters(site)}[source]})
    result = run_module(observe_traffic, args(site, **policy))
    assert len(result["anomalies"]) == 1 and 25 <= result["observed_s"] < 26
    assert result["anomalies"][0].startswith(source + ": the new nodes fail more often than the old ones: ")
    assert "(3.0 %) against " in result["anomalies"][0] and "(1.0 %), and relative.max_more_error_percent is 0.5" in result["anomalies"][0]
    # Where both fail as often, the release is not the reason.
    site.per_read["green1"] = dict(site.per_read["blue1"])
    site.series["failed"]["green1"] = [0, 12]
    assert not run_module(observe_traffic, args(site, **policy)).failed


def test_absolute_limits_stand_beside_the_comparison(run_module, site):
    site.status = {"blue1": 500, "green1": 500}
    result = run_module(observe_traffic, args(site, **dict(BESIDE, probes=probes())))
    assert len(result["anomalies"]) == 1 and "requests failed (100.0 %, max_error_percent is 1)" in result["anomalies"][0]


@pytest.mark.skipif(sys.version_info < (3, 7), reason="thousands of requests; the old Pythons reckon the same in test__relative")
def test_what_nobody_has_answered_belongs_to_no_side(run_module, site, clock):
    clock.at(5, lambda: site.nodes.__delitem__(slice(None)))
    clock.at(10, lambda: site.nodes.extend(["blue1", "green1"]))
    result = run_module(observe_traffic, args(site, **dict(BESIDE, probes=probes(), max_error_percent=50)))
    assert result["anomalies"] == [] and result["probes"][0]["node"] is None and result["probes"][0]["errors"] >= 50


@pytest.mark.parametrize("on_small_sample", ["ignore", "anomaly"])
def test_a_sample_too_small_to_compare(run_module, site, on_small_sample):
    site.takes_s = {"blue1": 0.5, "green1": 0.0}
    policy = dict(old_nodes=["green1"], relative={}, min_requests=5, on_small_sample=on_small_sample)
    result = run_module(observe_traffic, args(site, probes=probes(rate_per_s=5), **policy))
    counts = tuple(result["relative"][0][side] for side in ("new_requests", "old_requests"))
    text = "probes: not enough requests to compare errors and latency: %d to the new nodes and %d to the old ones, of at least 100 each " % counts
    # It is no anomaly, nor taken for good.
    assert (result["anomalies"], result["notes"]) == ([], [text + "(relative.min_requests)"])
    assert [row["p_value"] for row in result["relative"]] == [None, None]
    assert result["warnings"] == ["Traffic was not compared. %s(relative.min_requests)." % text]


@pytest.mark.parametrize("check_mode", [True, False])
def test_only_one_release_serves(run_module, site, check_mode):
    result = run_module(observe_traffic, args(site, nodes=["blue1", "green1"], relative={}, probes=probes()), check_mode=check_mode)
    assert result["notes"] == [observe_traffic.ALONE] and result["warnings"] == ["Traffic is not compared. %s." % observe_traffic.ALONE]
    assert result.get("relative", []) == []
    # It is not asked for.
    assert run_module(observe_traffic, args(site, probes=probes()))["notes"] == []


def test_check_mode_refuses_too_few_probes_to_compare(run_module, site):
    policy = dict(nodes=["blue1", "green1"], old_nodes=["green1"], relative={}, probes=probes(rate_per_s=9.9))
    result = run_module(observe_traffic, args(site, **policy), check_mode=True)
    assert "the nodes of a batch get 99 while it is observed, and relative.min_requests is 100: raise bluegreen_observe_s" in result["msg"]
    for changes in (dict(relative=dict(min_requests=99)), dict(old_nodes=[])):
        assert not run_module(observe_traffic, args(site, **dict(policy, **changes)), check_mode=True).failed


def test_check_mode_asks_for_the_old_nodes_as_well(run_module, site):
    policy = dict(old_nodes=["green2"], relative={}, statistics=dict(urls=[site.url + "/stats"]))
    assert "has no server green2: servers have to have" in run_module(observe_traffic, args(site, **policy), check_mode=True)["msg"]


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
        (dict(prometheus=dict(url="http://p")), "rules, counters"),
        (
            dict(prometheus=dict(url="http://p", rules=[dict(name="a", query="1", max=1)]), relative={}),
            "policy (bluegreen_observe): relative has nothing to compare: give probes, statistics or prometheus.counters.",
        ),
        (
            dict(probes=dict(paths=["/"]), relative=dict(confidence=1)),
            "policy (bluegreen_observe): relative.confidence must be above 0.5 and below 1, but is 1.",
        ),
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
