# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A canary through the modules: what others say comes out of them nowhere raw, and cut to a length, in every text of a result.

What Ansible makes of these results is in ../test_canary_plays.py.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json
import os
import socket
import threading

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils.drain import _proof
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node import _lock, _records
from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm._rpm import Package
from ansible_collections.halfswap.bluegreen.plugins.modules import (
    begin,
    compare,
    drain,
    end,
    journal_info,
    lb_traffic,
    observe,
    observe_traffic,
    out,
    release,
    rpm_release,
    sanity,
)

# No result is longer than some screens.
MOST = 20000


@pytest.fixture
def says():
    """says(bytes) is the URL of a port where whoever connects gets these."""
    servers = []

    def serve(said):
        server = socket.socket()
        servers.append(server)
        server.bind(("127.0.0.1", 0))
        server.listen(20)

        def work():
            while True:
                try:
                    connection = server.accept()[0]
                except EnvironmentError:
                    return
                try:
                    connection.recv(65536)
                    connection.sendall(said)
                except EnvironmentError:
                    pass
                connection.close()

        thread = threading.Thread(target=work)
        thread.daemon = True
        thread.start()
        return "http://127.0.0.1:%d" % server.getsockname()[1]

    yield serve
    for server in servers:
        # Or the thread would wait on, and the port stay open.
        server.shutdown(socket.SHUT_RDWR)
        server.close()


def answer(canary, status=b"200 OK", body=b""):
    """HTTP with the canary in the headers that are looked at, as far as a header can hold it."""
    header = canary.said.replace(b"\r", b" ").replace(b"\n", b" ")[:30000]
    return b"HTTP/1.0 " + status + b"\r\nX-Served-By: " + header + b"\r\nX-Release: " + header + b"\r\n\r\n" + body


def seen_through(canary, result):
    """Every text that a module returned, one by one; all of them together are no more than people read."""
    found = canary.texts(dict(result))
    for text in found:
        canary.shown_in(text)
        assert not any(opening in text for opening in ("{{", "{%", "{#"))
    assert sum(map(len, found)) <= MOST


@pytest.mark.parametrize("where", ["instead of HTTP", "status line", "header", "body", "json"])
def test_sanity(run_module, canary, says, where):
    said = {
        "instead of HTTP": canary.said,
        "status line": b"HTTP/1.0 500 " + canary.said,
        "header": answer(canary),
        "body": b"HTTP/1.0 500 No\r\n\r\n" + canary.said,
        "json": b"HTTP/1.0 200 OK\r\n\r\n" + json.dumps({"state": canary.text, canary.text: 1}).encode("utf-8"),
    }[where]
    for check in (dict(path="/"), dict(path="/", json={"state": "good"}), dict(path="/", json={"other": 1})):
        arguments = dict(url=says(said), nodes=["blue1"], release="2.0.0", release_header="X-Release", checks=[check], timeout_s=0.1)
        result = run_module(sanity, arguments)
        assert result.failed
        seen_through(canary, result)


@pytest.mark.parametrize("where", ["instead of HTTP", "header", "body"])
def test_compare(run_module, canary, says, where):
    said = {"instead of HTTP": canary.said, "header": answer(canary), "body": b"HTTP/1.0 200 OK\r\n\r\n" + canary.said}[where]
    for live, standby in ((b"HTTP/1.0 200 OK\r\n\r\nmine", said), (said, b"HTTP/1.0 404 No\r\n\r\nmine")):
        result = run_module(compare, dict(live_url=says(live), standby_url=says(standby), paths=["/"]))
        seen_through(canary, result)
        assert result.failed or where == "header"


def test_compare_of_a_log(run_module, canary, tmp_path):
    log = tmp_path / "access.log"
    known = b'1.2.3.4 - - [20/Nov/2026:10:15:06 +0000] "GET %s HTTP/1.1" 200 5\n'
    path = canary.said.replace(b" ", b"").replace(b"\r", b"")
    log.write_bytes(known.replace(b"%s", b"/" + path) + known.replace(b"%s", b"/" + path.replace(b"'", b"") + b"{{7*7}}") + known.replace(b"%s", b"/good"))
    result = run_module(compare, dict(log=str(log)))
    assert "/good" in result["paths"]
    seen_through(canary, result)
    log.write_bytes(canary.said + b"\n")
    result = run_module(compare, dict(log=str(log)))
    assert result.failed
    seen_through(canary, result)


def test_observe(run_module, canary, heartbeat_server, monkeypatch):
    monkeypatch.setattr(observe, "services", lambda module, units: {unit: dict(active=True, started_at=1000.0) for unit in units})
    heartbeat_server.status.update(healthy=False, why=canary.text, by=canary.text, run_id=canary.text)
    components = [dict(name="shop", service="shop", url=heartbeat_server.url)]
    result = run_module(observe, dict(components=components, seconds=0.1, first=dict(shop=dict(state="standby", started_at=1000.0))))
    # A megabyte three times is more than an answer may have.
    assert result.failed and len(result["anomalies"]) == (1 if len(canary.text) >= 2**20 / 3 else 2)
    seen_through(canary, result)
    heartbeat_server.next_answers = [(500, canary.text)]
    result = run_module(observe, dict(components=components, seconds=0.1))
    assert result.failed
    seen_through(canary, result)


@pytest.mark.parametrize("where", ["instead of HTTP", "header"])
def test_observe_traffic(run_module, canary, says, where):
    url = says(canary.said if where == "instead of HTTP" else answer(canary, b"500 No"))
    policy = dict(probes=dict(paths=["/"], rate_per_s=20, request_timeout_s=1.0), min_requests=1)
    for check_mode in (False, True):
        result = run_module(observe_traffic, dict(nodes=["blue1"], seconds=0.3, live_url=url, release_header="X-Release", policy=policy), check_mode=check_mode)
        seen_through(canary, result)


@pytest.mark.parametrize("where", ["instead of HTTP", "csv", "text", "labels", "error"])
def test_sources_of_a_watch(run_module, canary, says, where):
    value = dict(status="success", data=dict(resultType="vector", result=[dict(metric={"job": canary.text, canary.text: "x"}, value=[0, "9"])]))
    said = {
        "instead of HTTP": canary.said,
        "csv": b"HTTP/1.0 200 OK\r\n\r\n# pxname,svname,type,stot,hrsp_5xx,econ,eresp,wretr,wredis\n" + canary.said + b",blue1,2,1,1,1,1,x,1\n",
        "text": b"HTTP/1.0 200 OK\r\n\r\n" + canary.said,
        "labels": b"HTTP/1.0 200 OK\r\n\r\n" + json.dumps(value).encode("utf-8"),
        "error": b"HTTP/1.0 200 OK\r\n\r\n" + json.dumps(dict(status="error", errorType=canary.text, error=canary.text)).encode("utf-8"),
    }[where]
    url = says(said)
    of_prometheus = dict(url=url, rules=[dict(name="r", query="q", max=1)], counters=dict(requests="q", errors="q", node_label="job"))
    policy = dict(statistics=dict(urls=[url]), prometheus=of_prometheus, relative={})
    for check_mode in (False, True):
        result = run_module(observe_traffic, dict(nodes=["blue1"], old_nodes=["green1"], seconds=0.2, policy=policy), check_mode=check_mode)
        assert result.failed
        seen_through(canary, result)


@pytest.mark.parametrize("where", ["instead of HTTP", "header"])
def test_lb_traffic(run_module, canary, says, tmp_path, where):
    url = says(canary.said if where == "instead of HTTP" else answer(canary))
    file = str(tmp_path / "record")
    streams = [dict(load_balancer="live", component="shop", url=url)]
    arguments = dict(file=file, streams=streams, seconds=0.3, rate_per_s=10, request_timeout_s=1.0)
    run_module(lb_traffic, dict(arguments, state="started"))
    result = run_module(lb_traffic, dict(arguments, state="stopped"))
    seen_through(canary, result)


def test_drain(run_module, canary, says):
    for said in (canary.said, b"HTTP/1.0 200 OK\r\n\r\n" + canary.said, b"HTTP/1.0 200 OK\r\n\r\n" + json.dumps({canary.text: canary.text}).encode("utf-8")):
        components = [dict(name="shop", in_flight_url=says(said), in_flight_key="active")]
        result = run_module(drain, dict(components=components, method="counter", timeout_s=0.2))
        assert result.failed
        seen_through(canary, result)


def test_the_journal(run_module, canary):
    _records.append(canary.text, canary.text, canary.text, before=[canary.text], after={canary.text: canary.text}, result=canary.text, reason=canary.text)
    result = run_module(journal_info, dict(count=5))
    assert len(result["lines"]) == 1
    seen_through(canary, result)


def test_what_package_managers_say(run_module, canary, monkeypatch):
    """From a repository that answers with it, or a package whose header or scriptlet has it."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(rpm_release.Keeping, "get_bin_path", lambda module, command, *args: "/usr/bin/" + command)
    offered = "shop 0 1.0.0 1%s noarch internet\n" % canary.text.replace(" ", "")[:5000]
    for said in [(status, printed, canary.text) for status in (0, 1) for printed in (canary.text, "Error: " + canary.text, offered)]:
        monkeypatch.setattr(rpm_release.Keeping, "run_command", lambda module, *args, **more: said)  # noqa: B023
        result = run_module(rpm_release, dict(packages=[dict(name="shop", version="1.0.0")]))
        assert result.failed
        seen_through(canary, result)


def steps(url, drain_url):
    """The arguments of each step of a node."""
    shop = dict(name="shop", package="shop", service="shop", url=url)
    counted = dict(method="counter", timeout_s=0.2, components=[dict(name="shop", service="shop", in_flight_url=drain_url)])
    who = dict(run_id="r1", owner="alice@ops1", host="ops1")
    return [
        (begin, dict(who, components=[shop], drain=counted)),
        (out, dict(components=[dict(name="shop", url=url)], token="t", run_id="r1", batch_id="r1/1", drain=counted)),
        (release, dict(components=[dict(shop, version="2.0.0", release="1")], run_id="r1", batch_id="r1/1", drain=counted, health_timeout_s=0.1)),
        (end, dict(who, components=[shop])),
    ]


def test_steps_of_what_an_application_says(run_module, canary, says, step_node, heartbeat_server):
    step_node.installed["shop"] = Package("shop", 0, "1.0.0", "1", "noarch")
    for said in (canary.said, b"HTTP/1.0 200 OK\r\n\r\n" + json.dumps({canary.text: canary.text}).encode("utf-8")):
        step_node.runs("shop")
        heartbeat_server.status.update(by=canary.text[:1000], why=canary.text[:1000], run_id=canary.text[:1000], reason=canary.text[:1000])
        for module, arguments in steps(heartbeat_server.url, says(said)) + steps(says(said), says(said)):
            seen_through(canary, run_module(module, arguments))


def test_steps_of_what_a_node_says(run_module, canary, step_node, heartbeat_server, says):
    """Its journal, systemd, the package manager, and the records that lie on it."""
    step_node.installed["shop"] = Package("shop", 0, "1.0.0", "1", "noarch")
    step_node.journal = canary.text
    heartbeat_server.status.update(state="standby", revision=8, healthy=False, why=canary.text[:1000])
    _records.prepare()
    _proof.keep("r1", "r1/1", dict(shop=dict(revision=8, ran=True, requests=None, exception=canary.text)))
    released = steps(heartbeat_server.url, "http://127.0.0.1:1")[2][1]
    for verb in ("", "stop", "restart", "show"):
        step_node.installed["shop"] = Package("shop", 0, "1.0.0", "1", "noarch")
        step_node.runs("shop", Result=canary.text.replace("\n", " "))
        step_node.failing = {verb: canary.text}
        result = run_module(release, released)
        assert result.failed
        seen_through(canary, result)
    step_node.failing = {}
    step_node.runs("shop")
    step_node.failure = canary.text
    seen_through(canary, run_module(release, released))
    _lock.acquire(canary.text, canary.text, canary.text, canary.text, 600.0)
    _proof.keep(canary.text, canary.text, dict(shop=dict(revision=8, ran=True, requests=None, exception="")))
    for module, arguments in steps(heartbeat_server.url, "http://127.0.0.1:1")[1:]:
        result = run_module(module, arguments)
        # The lock as such is a record of root, and is checked where it is judged.
        seen_through(canary, {key: value for key, value in result.items() if key != "lock"})
