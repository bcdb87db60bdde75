# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy

import pytest

COMPONENTS = [{"name": "shop", "package": "shop", "service": "shop", "url": "http://127.0.0.1:8791"}]
BALANCERS = [{"name": name, "follows": name, "path": f"/heartbeat/{name}", "addresses": ["10.0.0.5"], "kind": "haproxy"} for name in ("live", "standby")]
ARGS = {"components": COMPONENTS, "batch_id": "r1/blue1", "before": "seen", "load_balancers": BALANCERS}


def after(before, **heartbeat):
    now = copy.deepcopy(before)
    now["components"][0]["heartbeat"].update(heartbeat)
    return now


@pytest.fixture
def prove(run_action, said):
    def run(answer, before=None):
        return run_action("setup_proof", ARGS, {"inventory_hostname": "blue1", "hostvars": {"blue1": {"seen": before or said()}}}, answer=answer)

    return run


def test_a_node_that_answers_as_before(prove, said, clock):
    before = said()
    ran = prove(lambda _args: after(before), before)
    assert ran.result["proven"] is True and ran.result["changed"] is False
    # What was asked before the change is no proof: it is read until those that asked have asked again.
    assert [name for name, _args in ran.sent] == ["halfswap.bluegreen.node_info"] * 2 and clock.sleeps == [0.5]
    assert not {"before", "load_balancers"} & set(ran.sent[0][1]) and ran.sent[0][1]["batch_id"] == "r1/blue1"


def test_it_waits_until_the_agent_has_looked_at_the_health(prove, said, clock):
    before = said()
    ran = prove([after(before, healthy=False, why="not checked yet"), after(before, healthy=False, why="not checked yet"), after(before)], before)
    assert ran.result["proven"] is True and len(ran.sent) == 3 and clock.sleeps == [0.5, 0.5]


def test_a_node_that_stays_down_is_not_proven(prove, said, clock):
    before = said()
    ran = prove(lambda _args: after(before, healthy=False, why="HTTP 302"), before)
    assert ran.result["failed"] and "proven" not in ran.result
    assert ran.result["msg"].startswith("HS-UNPROVEN: blue1: shop: it was healthy, and is not any more: HTTP 302")
    assert clock.elapsed == 10.0


def test_a_node_whose_load_balancer_does_not_come_back_is_not_proven(prove, said, clock):
    before = said()
    ran = prove(lambda _args: after(before, probers=[]), before)
    assert "shop: load balancer live (10.0.0.5) asked for /heartbeat/live, and has not asked again" in ran.result["unproven"]


def test_what_does_not_answer_is_told(prove, clock):
    ran = prove(lambda _args: {"failed": True, "msg": "no rpm on this node"})
    assert "its reading failed: no rpm on this node" in ran.result["msg"]


def test_a_first_start_is_proven_by_an_answer(prove, said, clock):
    fresh = said(version=None, heartbeat=None, error="no heartbeat answers")
    assert prove(lambda _args: said(state="standby", healthy=False), fresh).result["proven"] is True
