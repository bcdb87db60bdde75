# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils.drain import _drain, _proof
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node import _lock, _machine
from ansible_collections.halfswap.bluegreen.plugins.modules import heartbeat, out

BALANCERS = [{"name": "live", "follows": "live", "path": "/heartbeat/live", "addresses": ["10.0.0.5"], "fall": 3, "rise": 2}]


def prober(**consecutive):
    runs = dict(dict(live=0, not_live=0, standby=0, not_standby=0), **consecutive)
    return dict(address="10.0.0.5", path="/heartbeat/live", consecutive=runs, seen=50, last_seen_s=0.1, interval_s=0.5)


@pytest.fixture
def application(second_heartbeat_server):
    second_heartbeat_server.status = {"active": 0, "total": 100}
    return second_heartbeat_server


@pytest.fixture
def node(step_node):
    step_node.runs("shop")
    return step_node


@pytest.fixture
def args(heartbeat_server, application):
    def made(drain=None, component=None, **changes):
        counted = dict(name="shop", service="shop", in_flight_url=application.url, in_flight_key="active", requests_key="total")
        found = dict(
            components=[dict(dict(name="shop", url=heartbeat_server.url), **component or {})],
            token="secret-token",
            run_id="r2",
            by="me@here",
            batch_id="r2/1",
            drain=dict(dict(components=[counted]), **drain or {}),
        )
        return dict(found, **changes)

    return made


def proven(**changes):
    return {"shop": dict(dict(revision=8, ran=True, requests=100, exception=""), **changes)}


def test_standby_settled_drained_proven(run_module, node, args, heartbeat_server, application, clock):
    heartbeat_server.status["probers"] = [prober(live=9)]
    clock.at(1.5, lambda: heartbeat_server.status.update(probers=[prober(not_live=3)]))
    application.status["active"] = 1
    clock.at(4, lambda: application.status.update(active=0, total=101))
    result = run_module(out, args(load_balancers=BALANCERS), diff=True)
    assert result["components"] == [{"name": "shop", "before": "live", "after": "standby", "revision": 8}]
    assert (result["changed"], result["settled"], result["guess"], result["drained"]) == (True, True, False, True)
    assert result["diff"] == {"before": "shop: live\n", "after": "shop: standby\n"}
    assert result["drain"]["components"] == [{"name": "shop", "in_flight": 0, "requests": 101, "samples": 3}]
    assert (result["drain"]["method"], result["drain"]["proceeded"], result["drain"]["open"]) == ("counter", False, [])
    proof = _proof.read()
    assert proof == dict(run_id="r2", batch_id="r2/1", at=proof["at"], up_s=pytest.approx(clock.now), boot=_machine.boot_id(), components=proven(requests=101))
    assert "secret-token" not in result.output


def test_the_application_is_asked_only_when_the_load_balancers_have_noticed(run_module, node, args, heartbeat_server, application, clock):
    heartbeat_server.status["probers"] = [prober(live=9)]
    clock.at(1.5, lambda: heartbeat_server.status.update(probers=[prober(not_live=3)]))
    application.after_each = lambda server: heartbeat_server.asked.append("drain")
    run_module(out, args(load_balancers=BALANCERS))
    first = heartbeat_server.asked.index("drain")
    assert [asked[0] for asked in heartbeat_server.asked[:first]].index("PUT") < first and "drain" in heartbeat_server.asked[-3:]
    assert all(asked == "drain" for asked in heartbeat_server.asked[first:]) and clock.elapsed > 1.5


def test_not_settled_is_not_proven(run_module, node, args, heartbeat_server, application, clock):
    _proof_of_before()
    heartbeat_server.after_each = lambda server: server.status.update(probers=[prober(not_live=1)])
    result = run_module(out, args(load_balancers=BALANCERS, settle_timeout_s=5))
    assert result.failed and result["msg"].startswith("Not settled after 5") and "nothing was stopped" in result["msg"]
    assert (result["settled"], result["components"][0]["after"], "drain" in result) == (False, "standby", False)
    assert _proof.read() is None and application.asked == []


def _proof_of_before():
    _proof._records.prepare()
    return _proof.keep("r1", "r1/1", proven())


def test_not_drained_is_not_proven(run_module, node, args, application, clock):
    _proof_of_before()
    application.status["active"] = 2
    result = run_module(out, args(drain=dict(timeout_s=3)))
    assert result.failed and result["msg"].startswith("Not drained after 3.0 s: shop: 2 in flight. Open: not known without ports. Nothing was stopped.")
    assert (result["changed"], result["drained"], result["drain"]["components"][0]["in_flight"]) == (True, False, 2)
    assert "msg" not in result["drain"] and result["components"][0]["revision"] == 8
    assert _proof.read() is None


def test_a_question_that_cannot_be_asked_is_not_proven(run_module, node, args, application, clock):
    application.status.clear()
    result = run_module(out, args())
    assert result.failed and result["msg"].startswith("Not drained, and nothing was stopped: component shop: ")
    assert (result["drained"], result["components"][0]["after"]) == (False, "standby")
    assert _proof.read() is None


def test_the_proof_of_before_is_gone_before_anything_is_written(run_module, node, args, heartbeat_server):
    _proof_of_before()
    seen = []
    heartbeat_server.after_each = lambda server: seen.append((server.asked[-1][0], _proof.read() is None))
    run_module(out, args())
    assert seen == [("GET", False), ("PUT", True)]


def test_a_switch_that_is_refused_leaves_the_proof(run_module, node, args):
    before = _proof_of_before()
    result = run_module(out, args(component=dict(revision=6)))
    assert result.failed and "the decision was made on revision 6" in result["msg"]
    assert _proof.read() == before


@pytest.mark.parametrize(
    "drain, text",
    [
        (dict(method="kernel"), "Not drained, and nothing was stopped: component shop has no ports, which method kernel needs."),
        (dict(samples=0), "samples must be at least 1"),
        (dict(method="seconds"), "method is seconds but all of the following are missing: seconds"),
        (dict(sample=3), "sample"),
        (dict(components=[dict(name="shop", in_flight_url="http://x")]), "missing required arguments: service"),
        (dict(components=[dict(name="cart", service="cart", in_flight_url="http://x")]), "drain.components does not name shop"),
    ],
)
def test_what_could_never_be_proven_is_no_reason_to_leave(run_module, node, args, heartbeat_server, drain, text):
    result = run_module(out, args(drain=drain))
    assert result.failed and text in result["msg"]
    assert heartbeat_server.puts == []


def test_the_lock_of_another_run(run_module, node, args, heartbeat_server):
    _lock.acquire("r9", "bob@ops2", "ops2", "other", 600.0)
    for step in ("all", "drain"):
        result = run_module(out, args(step=step, component=dict(revision=7)))
        assert result.failed and result["msg"].startswith("Refused, nothing was changed: the lock is held by bob@ops2")
    assert heartbeat_server.puts == [] and _proof.read() is None


def test_what_does_not_run_has_nothing_in_flight(run_module, node, args, application):
    node.is_down("shop")
    result = run_module(out, args())
    assert (result["drained"], result["drain"]["components"], result["drain"]["waited_s"]) == (True, [], 0.0)
    assert application.asked == []
    assert _proof.read()["components"] == proven(ran=False, requests=None)


@pytest.mark.parametrize("state", ["reloading", "deactivating", "activating"])
def test_a_process_that_is_between_two_states_is_drained(run_module, node, args, application, state):
    node.runs("shop", ActiveState=state)
    assert run_module(out, args())["drain"]["components"][0]["samples"] == 3


def test_of_two_the_one_that_runs_is_drained(run_module, node, args, heartbeat_server, application):
    node.is_down("cart")
    asked = args()
    asked["components"].append(dict(name="cart", url=heartbeat_server.url))
    asked["drain"]["components"].append(dict(name="cart", service="cart", in_flight_url="http://127.0.0.1:1"))
    result = run_module(out, asked)
    assert [c["name"] for c in result["drain"]["components"]] == ["shop"]
    assert {name: each["ran"] for name, each in _proof.read()["components"].items()} == {"shop": True, "cart": False}


def test_seconds_are_an_exception(run_module, node, args, clock):
    result = run_module(out, args(drain=dict(method="seconds", seconds=5)))
    assert result["drained"] and result["drain"]["guess"] and "a guess" in result["warnings"][0]
    assert _proof.read()["components"] == proven(requests=None, exception="method seconds: 5 s were waited, and nobody looked")


def test_proceeding_is_an_exception(run_module, node, args, application, clock):
    application.status["active"] = 2
    result = run_module(out, args(drain=dict(timeout_s=3, on_timeout="proceed")))
    assert not result.failed and (result["drained"], result["drain"]["proceeded"]) == (False, True)
    assert _proof.read()["components"]["shop"]["exception"] == "on_timeout is proceed, and there was still this: shop: 2 in flight"


def test_long_lived_connections_that_are_cut_are_an_exception(run_module, node, args, application, monkeypatch, tmp_path, clock):
    table = tmp_path / "tcp"
    rows = ["  sl  local_address rem_address   st", "   0: 0100007F:1F9A 00000000:0000 0A", "   1: 0100007F:1F9A 0100007F:D431 01"]
    table.write_bytes("\n".join(rows).encode("ascii"))
    monkeypatch.setattr(_drain, "SOCKET_TABLES", (str(table), str(tmp_path / "none")))
    counted = dict(name="shop", service="shop", in_flight_url=application.url, in_flight_key="active", requests_key="total", long_lived_ports=[8090])
    result = run_module(out, args(drain=dict(components=[counted], long_lived_wait_s=2)))
    assert not result.failed and (result["drained"], result["drain"]["proceeded"]) == (False, True)
    assert _proof.read()["components"] == proven(exception="long_lived_wait_s is 2, and 1 long-lived connections were open")


def test_the_drain_renews_the_lock_of_this_run(run_module, node, args, application, clock):
    _lock.acquire("r2", "me@here", "here", "", 100.0)
    application.status["active"] = 1
    clock.at(90, lambda: application.status.update(active=0))
    assert run_module(out, args(drain=dict(timeout_s=120)))["drained"]
    assert _lock.holder()["expires_at"] > 1000.0 + 100.0


def test_again_makes_a_new_proof_and_writes_nothing(run_module, node, args, heartbeat_server, clock):
    run_module(out, args())
    clock.advance(10)
    result = run_module(out, args(batch_id="r2/2"))
    assert (result["changed"], result["drained"], len(heartbeat_server.puts)) == (False, True, 1)
    assert (_proof.read()["batch_id"], _proof.read()["components"]) == ("r2/2", proven())


def test_live_ends_it(run_module, node, args, heartbeat_server):
    run_module(out, args())
    assert _proof.read()
    live = dict(components=[dict(name="shop", url=heartbeat_server.url)], state="live", token="t", run_id="r2", batch_id="r2/1")
    run_module(heartbeat, live, check_mode=True)
    assert _proof.read()
    run_module(heartbeat, live)
    assert _proof.read() is None


def test_check_mode_looks_once_and_writes_nothing(run_module, node, args, heartbeat_server, application, records, clock):
    application.status["active"] = 2
    result = run_module(out, args(load_balancers=BALANCERS), check_mode=True)
    assert (result["changed"], result["drained"], result["components"][0]["after"]) == (True, False, "standby")
    assert heartbeat_server.puts == [] and len(application.asked) == 1 and clock.elapsed == 0
    assert not records.exists()


# ---- Where only the controller reaches the heartbeat -------------------------------------------------------------------------------------


def test_judge_and_record_are_those_of_the_heartbeat(run_module, node, args, heartbeat_server, application):
    _proof_of_before()
    before = dict(heartbeat_server.status)
    relayed = dict(via="controller", relayed=dict(status=before))
    judged = run_module(out, args(step="judge", component=dict(heartbeat=relayed)))
    assert (judged["work"], judged["statuses"]["shop"]["revision"], "drain" in judged) == (["shop"], 7, False)
    assert _proof.read() is None
    relayed["relayed"]["after"] = dict(before, state="standby", revision=8)
    recorded = run_module(out, args(step="record", component=dict(heartbeat=relayed)))
    assert (recorded["statuses"]["shop"]["revision"], "drain" in recorded) == (8, False)
    assert application.asked == [] and _proof.read() is None


def test_the_drain_alone_keeps_the_proof_of_the_revision_it_is_told(run_module, node, args, heartbeat_server):
    result = run_module(out, args(step="drain", component=dict(revision=9)))
    assert (result["changed"], result["drained"], "components" in result) == (False, True, False)
    assert heartbeat_server.asked == []
    assert _proof.read()["components"] == proven(revision=9)


def test_the_drain_alone_needs_the_revision(run_module, node, args):
    result = run_module(out, args(step="drain"))
    assert result.failed and "step drain needs the revision at which the heartbeat was settled, of shop" in result["msg"]
    assert _proof.read() is None


def test_what_is_replaced_is_drained_as_well(run_module, step_node, args, application, clock):
    step_node.is_down("shop")
    step_node.runs("old")
    application.status["active"] = 1
    clock.at(4, lambda: application.status.update(active=0, total=101))
    asked = args()
    asked["drain"]["components"][0]["replaces"] = "old"
    result = run_module(out, asked)
    assert result["drain"]["waited_s"] >= 3.9 and _proof.read()["components"]["shop"]["ran"]
