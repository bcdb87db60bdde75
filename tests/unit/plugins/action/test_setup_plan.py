# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest

NAMES = ["blue1", "green1"]
GROUPS = {"blue": ["blue1"], "green": ["green1"]}
BALANCERS = [{"name": name, "follows": name, "path": f"/heartbeat/{name}", "addresses": ["10.0.0.5"]} for name in ("live", "standby")]
SITE = {"run_id": "r1", "load_balancers": BALANCERS, "min_live": 0, "repository": {"name": "halfswap", "url": "http://repo/", "proxy": "", "gpgcheck": False}}
AGENT = {"component": "shop", "package": "shop", "role": "agent", "unit": "halfswap-heartbeat@shop.service", "id": "", "file": "", "active": "active"}
RUNNING = {"version": "0.1.0", "config": "abc", "healthy": True, "state": "live"}
ASKED = {"components": [{"name": "shop", "running": RUNNING, "differs": ["probers"], "takes": "reload", "faults": []}], "changed": True}
ARGS = {"site": SITE, "observed": "seen", "asked": "asked", "agents": ["shop"]}


@pytest.fixture
def vars_of(said):
    def build(groups: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
        place = {"errors": {}, "host": {"python": "3.9", "user": 0, "name": "n"}, "units": [{**AGENT, "load": "loaded"}], **changes.pop("place", {})}
        hostvars = {name: {"seen": {**said(), "checked": place}, "asked": ASKED, **changes.get(name, {})} for name in NAMES}
        return {"inventory_hostname": "blue1", "groups": {**GROUPS, **(groups or {})}, "hostvars": hostvars}

    return build


def test_the_places_come_first_and_say_whom_to_ask(run_action, vars_of):
    ran = run_action("setup_plan", {"site": SITE, "observed": "seen"}, vars_of())
    assert ran.result["ask"] == NAMES and ran.shown == [] and ran.sent == []
    fresh = vars_of(place={"units": [{**AGENT, "load": "not-found"}]})
    assert run_action("setup_plan", {"site": SITE, "observed": "seen"}, fresh).result["ask"] == []


def test_what_is_wrong_with_a_place_is_refused_before_anybody_is_asked(run_action, vars_of):
    ran = run_action("setup_plan", {"site": SITE, "observed": "seen"}, vars_of(green1={"seen": {"unreachable": True}}))
    assert ran.result["failed"] and "HS-UNREAD: green1: it is unreachable" in ran.result["msg"]
    assert ran.shown[0] == "SET-UP refused:" and "ask" not in ran.result


def test_the_plan_is_shown_and_registered(run_action, vars_of):
    ran = run_action("setup_plan", ARGS, vars_of())
    assert "failed" not in ran.result and ran.result["changed"] is False
    assert ran.result["order"] == NAMES and ran.shown == ran.result["table"]
    assert ran.result["changes"][0] == {
        "node": "blue1",
        "takes": "reload",
        "agents": ("shop: probers",),
        "client": (),
        "live": True,
        "because": "",
    }


def test_what_each_turn_needs_has_no_text_of_a_node(run_action, vars_of):
    unchanged = {"asked": {**ASKED, "components": [{**ASKED["components"][0], "differs": [], "takes": "nothing"}]}}
    ran = run_action("setup_plan", ARGS, vars_of(blue1=unchanged))
    assert ran.result["steps"] == [{"node": "green1", "takes": "reload", "live": True}] and ran.result["order"] == ["green1"]


def test_faults_of_an_agent_refuse_it(run_action, vars_of):
    faulty = {"asked": {**ASKED, "components": [{**ASKED["components"][0], "faults": ["health_url answers 302"]}]}}
    ran = run_action("setup_plan", ARGS, vars_of(green1=faulty))
    assert ran.result["failed"] and ran.result["refusals"] == ["HS-AGENT: green1: shop: health_url answers 302"]
    assert ran.result["msg"].startswith("Refused, nothing was changed on a node: HS-AGENT")


def test_what_the_limits_leave_out_is_a_reason_to_refuse(run_action, vars_of):
    restart = {"asked": {**ASKED, "components": [{**ASKED["components"][0], "takes": "restart"}]}}
    assert "failed" not in run_action("setup_plan", ARGS, vars_of(green1=restart)).result
    ran = run_action("setup_plan", {**ARGS, "site": {**SITE, "without": ["blue1"]}}, vars_of(green1=restart))
    assert "HS-LAST: green1 would be interrupted" in ran.result["msg"]


@pytest.mark.parametrize("check_mode, groups, refused", [(True, {"repository": ["repo"]}, False), (False, {"repository": ["repo"]}, True), (True, {}, True)])
def test_a_repository_that_this_playbook_would_set_up_first_need_not_be_there_to_look(run_action, vars_of, check_mode, groups, refused):
    answer = {"component": "", "what": "repository", "url": "http://repo/", "status": None, "error": "Connection refused", "took_s": 0, "values": []}
    ran = run_action("setup_plan", ARGS, vars_of(groups, place={"answers": [answer]}), check_mode=check_mode)
    assert ("HS-REPOSITORY" in str(ran.result.get("msg"))) is refused
    assert bool(ran.result.get("notes")) is not refused


def test_it_is_judged_from_one_look_at_each_node(run_action, vars_of, watched):
    task_vars = vars_of()
    task_vars["hostvars"] = watched(task_vars["hostvars"])
    run_action("setup_plan", ARGS, task_vars)
    # As evidence, as a place, and of its agents.
    assert sorted(task_vars["hostvars"].read) == sorted(NAMES * 3)
