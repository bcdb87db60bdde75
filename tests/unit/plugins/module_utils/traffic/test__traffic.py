# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import threading

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils._http import Answer
from ansible_collections.halfswap.bluegreen.plugins.module_utils.traffic import _traffic
from ansible_collections.halfswap.bluegreen.plugins.module_utils.traffic._traffic import Counts

POLICY = dict(max_error_percent=1.0, max_p95_s=0.5, min_requests=20, on_small_sample="ignore", validate_certs=True, ca_path=None)

# What HAProxy 2.6.12 gave: blue1 and green1 answered two requests with 500 each; two requests got no answer from either of them, after four
# attempts each; one answer of each was cut. Then four requests to blue1 and a server that was not there, with "option redispatch 1"; two to
# such a server alone. Fields behind srv_abrt are cut off here.
HEAD = (
    "# pxname,svname,qcur,qmax,scur,smax,slim,stot,bin,bout,dreq,dresp,ereq,econ,eresp,wretr,wredis,status,weight,act,bck,chkfail,chkdown,lastchg,"
    "downtime,qlimit,pid,iid,sid,throttle,lbtot,tracked,type,rate,rate_lim,rate_max,check_status,check_code,check_duration,hrsp_1xx,hrsp_2xx,"
    "hrsp_3xx,hrsp_4xx,hrsp_5xx,hrsp_other,hanafail,req_rate,req_rate_max,req_tot,cli_abrt,srv_abrt\n"
)
PAGE = HEAD + (
    "f,FRONTEND,,,0,1,9990,8,682,1226,0,0,0,,,,,OPEN,,,,,,,,,1,1,0,,,,0,0,0,8,,,,0,2,0,0,6,0,,0,8,8,,\n"
    "b,blue1,0,0,0,1,,7,255,403,,0,,0,1,4,4,no check,1,1,0,,,9,,,1,2,1,,7,,2,0,,7,,,,0,1,0,0,2,0,,,,3,0,1\n"
    "b,green1,0,0,0,1,,7,427,823,,0,,0,3,2,2,no check,1,1,0,,,9,,,1,2,2,,7,,2,0,,7,,,,0,1,0,0,2,0,,,,3,0,1\n"
    "b,BACKEND,0,0,0,1,999,8,682,1226,0,0,,0,4,6,6,UP,2,2,0,,0,9,0,,1,2,0,,14,,1,0,,8,,,,0,2,0,0,6,0,,,,8,0,2\n"
    "b2,blue1,0,0,0,1,,4,316,464,,0,,0,0,0,0,no check,1,1,0,,,9,,,1,4,1,,4,,2,0,,4,,,,0,4,0,0,0,0,,,,4,0,0\n"
    "b2,dead,0,0,0,1,,3,0,0,,0,,0,0,0,3,no check,1,1,0,,,9,,,1,4,2,,3,,2,0,,3,,,,0,0,0,0,0,0,,,,0,0,0\n"
    "b3,dead,0,0,0,1,,8,0,0,,0,,2,0,6,0,no check,1,1,0,,,9,,,1,6,1,,8,,2,0,,8,,,,0,0,0,0,0,0,,,,0,0,0\n"
)


@pytest.mark.parametrize(
    "values, found",
    [
        ([], None),
        ([3], 3),
        (range(1, 20), 19),  # of 19 or fewer, the largest one
        (range(1, 21), 19),
        (range(100, 0, -1), 95),
        (range(1, 102), 96),
    ],
)
def test_percentile(values, found):
    assert _traffic.percentile(list(values), _traffic.PERCENTILE) == found


@pytest.mark.parametrize(
    "requests, errors, elapsed, wrong",
    [
        (100, 1, 1.0, False),  # one percent is permitted
        (100, 2, 1.0, True),
        (19, 19, 1.0, False),  # too few to say anything
        (20, 1, 1.0, True),
        (100, 1, 0.1, False),
        (100, 10, 0.1, False),  # 900 good ones may follow
        (100, 11, 0.1, True),  # it will be above one percent, whatever follows
        (19, 19, 0.5, False),
        (20, 20, 0.01, False),
    ],
)
def test_judges_errors(requests, errors, elapsed, wrong):
    assert bool(_traffic.judge(Counts(requests, errors), POLICY, elapsed)) is wrong


@pytest.mark.parametrize(
    "slow, of, elapsed, wrong",
    [
        (5, 100, 1.0, False),
        (6, 100, 1.0, True),
        (6, 100, 0.5, False),
        (11, 100, 0.5, True),
        (19, 19, 1.0, False),
    ],
)
def test_judges_latencies(slow, of, elapsed, wrong):
    counts = Counts(of, 0, [0.1] * (of - slow) + [0.6] * slow)
    assert (_traffic.percentile(counts.latencies, _traffic.PERCENTILE) > 0.5) is (slow * 20 > of)
    assert bool(_traffic.judge(counts, POLICY, elapsed)) is wrong
    assert _traffic.judge(counts, dict(POLICY, max_p95_s=None), elapsed) == []


def test_says_what_is_wrong():
    counts = Counts(25, 3, [0.1] * 20 + [2.5, 2.5], {"status 500 at /a": 2, "status 502 at /b": 1}) + Counts(5)
    assert _traffic.judge(counts, POLICY, 1.0) == [
        "3 of 30 requests failed (10.0 %, max_error_percent is 1): 2 times status 500 at /a",
        "95 of 100 answers took up to 2.500 s (max_p95_s is 0.5)",
    ]
    assert _traffic.too_small(Counts(19), POLICY) == "19 requests came to the nodes watched, fewer than min_requests (20)"
    assert _traffic.too_small(counts, POLICY) == ""


def test_statistics():
    rows = _traffic.parse_statistics(PAGE)
    assert sorted(rows) == [("b", "blue1"), ("b", "green1"), ("b2", "blue1"), ("b2", "dead"), ("b3", "dead")]
    counts = {key: _traffic.attempts(row) for key, row in rows.items()}
    # Every attempt is in exactly once.
    assert {key: (found.requests, found.errors) for key, found in counts.items()} == {
        ("b", "blue1"): (7, 7),
        ("b", "green1"): (7, 7),
        ("b2", "blue1"): (4, 0),
        ("b2", "dead"): (3, 3),
        ("b3", "dead"): (8, 8),
    }
    assert counts["b", "blue1"].why == {
        "a status of 500 or above": 2,
        "a connection that failed": 0,
        "no whole answer": 1,
        "a request that had to be sent again": 4,
    }


def test_statistics_of_mode_tcp_have_no_status():
    row = "t,blue1,0,0,0,1,,5,9,9,,0,,1,0,0,0,UP,1,1,0,0,0,9,0,,1,2,1,,5,,2,0,,5,L4OK,,0,,,,,,,,,,,0,0\n"
    counts = _traffic.attempts(_traffic.parse_statistics(HEAD + row)["t", "blue1"])
    assert (counts.requests, counts.errors) == (5, 1)


@pytest.mark.parametrize("text", ["", "<html>\n", "# pxname,svname\n"])
def test_what_is_no_statistics_page(text):
    with pytest.raises(ValueError):
        _traffic.parse_statistics(text)


@pytest.mark.parametrize("count", ["-1", "9" * 30, "many"])
def test_counters_that_are_no_counts(count):
    row = "t,blue1,0,0,0,1,,%s,9,9,,0,,1,0,0,0,UP,1,1,0,0,0,9,0,,1,2,1,,5,,2,0,,5,L4OK,,0,,,,,,,,,,,0,0\n"
    with pytest.raises(ValueError):
        _traffic.parse_statistics(HEAD + row % count)
    assert len(_traffic.parse_statistics(HEAD + row % "5")) == 1


def test_counters_grow():
    row = dict.fromkeys(_traffic.COUNTERS, 0)
    before, now = dict(row, stot=100, hrsp_5xx=3), dict(row, stot=110, hrsp_5xx=4)
    assert _traffic.grown(before, now) == dict(row, stot=10, hrsp_5xx=1)
    # None of them falls.
    assert _traffic.grown(now, dict(row, stot=120, hrsp_5xx=0)) == dict(row, stot=10)
    # HAProxy was restarted: what it has counted since then is all there is.
    assert _traffic.grown(now, dict(row, stot=5, hrsp_5xx=2)) == dict(row, stot=5, hrsp_5xx=2)


@pytest.mark.parametrize(
    "text, values",
    [
        ('{"status":"success","data":{"resultType":"scalar","result":[1790000000.1,"0.25"]}}', [({}, 0.25)]),
        ('{"status":"success","data":{"resultType":"vector","result":[]}}', []),
        (
            '{"status":"success","data":{"resultType":"vector","result":[{"metric":{"instance":"blue1:8080"},"value":[1790000000.1,"3"]},'
            '{"metric":{"instance":"green1:8080"},"value":[1790000000.1,"NaN"]},{"metric":{},"value":[1790000000.1,"+Inf"]}]}}',
            [({"instance": "blue1:8080"}, 3.0), ({}, float("inf"))],
        ),
    ],
)
def test_query(text, values):
    assert _traffic.parse_query(text) == values


@pytest.mark.parametrize(
    "text, why",
    [
        ('{"status":"error","errorType":"bad_data","error":"1:5: parse error"}', "bad_data: 1:5: parse error"),
        ('{"status":"success","data":{"resultType":"matrix","result":[]}}', "a matrix"),
        ("[]", "not an answer of Prometheus"),
        ("<html>", "not an answer of Prometheus, but <html>"),
        ("", "not an answer of Prometheus, but nothing"),
    ],
)
def test_a_query_that_cannot_be_used(text, why):
    with pytest.raises(ValueError) as raised:
        _traffic.parse_query(text)
    assert why in str(raised.value)


@pytest.mark.parametrize(
    "bounds, value, text",
    [
        (dict(max=2.0), 2.0, None),
        (dict(max=2.0), 2.5, "errors is 2.5{instance=blue1, job=shop}, above 2 (max)"),
        (dict(max=2.0), float("inf"), "errors is inf{instance=blue1, job=shop}, above 2 (max)"),
        (dict(min=0.5), 0.25, "errors is 0.25{instance=blue1, job=shop}, below 0.5 (min)"),
        (dict(min=0.0, max=1.0), 0.5, None),
    ],
)
def test_rules(bounds, value, text):
    rule = dict(dict(name="errors", max=None, min=None), **bounds)
    assert list(_traffic.broken(rule, [({"job": "shop", "instance": "blue1"}, value)])) == ([text] if text else [])


def test_a_probe_is_not_kept_waiting_by_others():
    """Real threads: none of them gets its answer before the last one was sent."""
    started = []
    before = threading.enumerate()

    def send(url, **_options):
        started.append(url)
        assert all_sent.wait(10)
        return Answer(200, {"X-Served-By": "blue1"}, "")

    all_sent = threading.Event()
    policy = dict(POLICY, probes=dict(paths=["/a", "/b"], url="http://lb", rate_per_s=10.0, request_timeout_s=1.0, node_header="X-Served-By"))
    probes = _traffic.Probes(policy, ["blue1"])
    probes.send = send
    for tick in range(4):
        probes.look(tick * 0.1)
        probes.look(tick * 0.1 + 0.01)
    assert (probes.sent, probes.pending()) == (4, 4)
    threads = [thread for thread in threading.enumerate() if thread not in before]
    all_sent.set()
    for thread in threads:
        thread.join(10)
    assert [each["requests"] for each in probes.result()] == [4]
    assert sorted(started) == ["http://lb/a", "http://lb/a", "http://lb/b", "http://lb/b"]


def test_what_was_not_sent_in_time_is_left_out(monkeypatch):
    sent = []
    monkeypatch.setattr(_traffic, "spawn", sent.append)
    policy = dict(POLICY, probes=dict(paths=["/"], url="http://lb", rate_per_s=10.0, request_timeout_s=1.0, node_header="X-Served-By"))
    probes = _traffic.Probes(policy, ["blue1"])
    for now_s in (0.0, 5.0, 5.01, 5.02, 5.03):
        probes.look(now_s)
    assert len(sent) == 3
