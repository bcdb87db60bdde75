# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os

import pytest

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.reach._process import identity

SHOP = {"name": "shop", "package": "shop", "service": "shop", "url": "http://127.0.0.1:9101"}
ARGS = {"run_id": "r2", "result": "complete", "components": [SHOP]}
VARS = {"inventory_hostname": "blue1"}


def test_the_lock_and_the_reading_are_one_question(run_action, said, clock):
    ran = run_action("end", ARGS, {**VARS, "awx_user_name": "alice"}, answer=said())
    ((module, sent),) = ran.sent
    assert module == "halfswap.bluegreen.end" and {key: sent[key] for key in ARGS} == ARGS
    # By its process a run knows its own lock from that of another one with the same name.
    assert sent["process"] == identity(os.getppid()) and sent["owner"].startswith("alice@")
    assert ran.result["at"] == 1000.0


def batch(*nodes, after="2", **changes):
    of = {name: {"shop": after} for name in nodes}
    return {"nodes": list(nodes), "before": {name: {"shop": "1"} for name in nodes}, "after": of, "ready": [], **changes}


PLANNED = {"at": 940.0, "waits_s": 22.0, "batches": [batch("blue1"), batch("green1"), {**batch(), "retire": ["blue1"]}]}


@pytest.mark.parametrize(
    "args, batch_s",
    [
        # 60 s, of which 22 s were waits, in two swaps.
        ({"plan": PLANNED}, 19.0),
        ({}, None),
        ({"plan": {"skipped": True}}, None),
        ({"plan": {**PLANNED, "batches": []}}, None),
        ({"plan": {**PLANNED, "batches": [batch("green1")]}}, None),
        ({"plan": {**PLANNED, "batches": [batch("blue1", after="1")]}}, None),
        ({"plan": {**PLANNED, "batches": [batch("blue1", ready=["blue1"])]}}, None),
    ],
)
def test_what_each_batch_took_goes_to_the_nodes_that_were_swapped(run_action, said, clock, args, batch_s):
    (sent,) = [sent for _module, sent in run_action("end", {**ARGS, **args}, VARS, answer=said()).sent]
    assert sent["batch_s"] == batch_s and "plan" not in sent


def test_a_run_that_failed_is_no_measure(run_action, said, clock):
    (sent,) = [sent for _module, sent in run_action("end", {**ARGS, "result": "failed", "plan": PLANNED}, VARS, answer=said()).sent]
    assert "batch_s" not in sent and "plan" not in sent


def test_a_lock_that_another_run_has_is_left_to_it(run_action, said):
    held = {**said(), "held_by": "the lock is held by bob@ops2", "holder": {"run_id": "r9", "owner": "bob@ops2", "process": None}}
    ran = run_action("end", ARGS, VARS, answer=held)
    assert len(ran.sent) == 1 and "take_over" not in ran.sent[0][1]


def test_what_only_the_controller_reaches_is_seen_by_it(run_action, heartbeat_server, said):
    far = {**SHOP, "url": heartbeat_server.url, "heartbeat": {"via": "controller"}}
    (sent,) = run_action("end", {**ARGS, "components": [far]}, VARS, answer=said()).sent[0][1]["components"]
    assert sent["heartbeat"]["relayed"] == {"status": heartbeat_server.status}


def test_no_way_to_a_heartbeat_keeps_no_lock(run_action, said):
    """The node is asked all the same, and gives it back."""
    for way, url in (("controller", "http://127.0.0.1:1"), ("tunnel", "http://x")):
        ran = run_action("end", {**ARGS, "components": [{**SHOP, "url": url, "heartbeat": {"via": way}}]}, VARS, answer=said())
        (sent,) = ran.sent[0][1]["components"]
        assert "component shop: " in sent["heartbeat"]["relayed"]["error"] and not ran.result.get("failed")


def test_a_failure_stays_a_failure(run_action):
    ran = run_action("end", ARGS, VARS, answer={"failed": True, "msg": "no rpm", "released": True})
    assert (ran.result["failed"], ran.result["released"]) == (True, True)
