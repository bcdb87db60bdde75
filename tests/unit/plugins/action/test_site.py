# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re

import pytest
from ansible.errors import AnsibleError

from ansible_collections.halfswap.bluegreen.plugins.action import site

try:
    from ansible.template import trust_as_template
except ImportError:  # before ansible-core 2.19 every text is a template

    def trust_as_template(value):
        return value


SITE = {
    "bluegreen_components": [{"name": "shop", "port": 8080, "health_url": "http://127.0.0.1:8080/health", "heartbeat": {"port": 9180}}],
    # Nobody counts the requests in flight of this application.
    "bluegreen_drain_method": "kernel",
    "bluegreen_load_balancers": [
        {"name": "live", "follows": "live", "url": "http://192.0.2.5"},
        {"name": "standby", "follows": "standby", "url": "http://192.0.2.6"},
    ],
    "bluegreen_token": "the-secret-of-the-site",
}
REPOSITORY = {"url": "http://192.0.2.30:8008/"}
MIGRATIONS = [{"name": "orders", "kind": "command", "argv": ["migrate"], "current": ["current"]}]
GROUPS = {"blue": ["blue1"], "green": ["green1"]}


class HostVars(dict):
    """What a play knows of its hosts."""

    def raw_get(self, name):
        return self[name]


@pytest.fixture
def vars_of(monkeypatch):
    # There is no command line.
    monkeypatch.setattr(site, "load_extra_vars", lambda loader: {})

    def build(host="blue1", groups=None, of_host=None, **changes):
        groups = groups or GROUPS
        variables = {**SITE, **changes}
        hostvars = HostVars({name: {**variables, **(of_host or {}).get(name, {})} for names in groups.values() for name in names})
        own = hostvars.get(host, {})
        return {**own, "groups": groups, "hostvars": hostvars, "inventory_hostname": host}

    return build


def test_what_is_registered_and_what_is_not(run_action, vars_of):
    result = run_action("site", {"playbook": "deploy"}, vars_of(bluegreen_release="2.0.0", bluegreen_settle_timeout_s="30")).result
    assert result["nodes"] == ["blue1", "green1"] and result["blue"] == ["blue1"] and result["green"] == ["green1"] and result["application"] == ""
    assert (result["settle_timeout_s"], result["drain_timeout_s"], result["changed"]) == (30, 60, False)
    assert result["load_balancers"][1]["path"] == "/heartbeat/standby"
    assert "the-secret" not in str(result) and not {"components", "observe", "migrations", "release", "token"} & set(result)


def test_every_fault_is_said_once_and_nothing_is_changed(run_action, vars_of):
    result = run_action("site", {"playbook": "deploy"}, vars_of(bluegreen_componets=[], bluegreen_min_live=-1)).result
    assert result["failed"] is True
    assert result["msg"].splitlines() == [
        "HS-SITE: The description of the site has 3 faults. Nothing was changed.",
        "- bluegreen_componets is no variable of this collection: did you mean bluegreen_components?",
        "- bluegreen_min_live is -1, but it must be at least 0 nodes.",
        "- bluegreen_release is not given: say which one, for instance -e bluegreen_release=2.0.0.",
    ]


def test_a_way_back_needs_no_release(run_action, vars_of):
    for target in ("rollback", "confirm", "all_live"):
        assert "failed" not in run_action("site", {"playbook": "deploy", "target": target}, vars_of()).result
    assert "bluegreen_release is not given" in run_action("site", {"playbook": "deploy"}, vars_of()).result["msg"]
    with pytest.raises(AnsibleError):
        run_action("site", {"playbook": "deploy", "target": "sideways"}, vars_of())


def test_each_node_is_asked_for_names_that_nobody_knows_and_for_values_of_its_own(run_action, vars_of):
    of_host = {"green1": {"bluegreen_adress": "x", "bluegreen_min_live": 1, "bluegreen_address": "192.0.2.9"}}
    assert run_action("site", {"playbook": "status"}, vars_of(of_host=of_host)).result["msg"].splitlines()[1:] == [
        "- green1 has the variable bluegreen_adress, which is no variable of this collection.",
        "- bluegreen_min_live is another one for green1 than for blue1: it holds for the whole application, so give it once, for all nodes.",
    ]


def test_a_component_on_some_nodes_only(run_action, vars_of):
    """shop on the blue nodes, basket on the green ones: known before anything is locked."""
    basket = [{"name": "basket", "port": 8080, "health_url": "http://127.0.0.1:8080/health", "heartbeat": {"port": 9180}}]
    told = run_action("site", {"playbook": "deploy"}, vars_of(of_host={"green1": {"bluegreen_components": basket}})).result["msg"]
    assert "- bluegreen_components is another one for green1 than for blue1: it holds for the whole application" in told


def test_a_node_that_is_none(run_action, vars_of):
    result = run_action("site", {"playbook": "verify_lb"}, vars_of(bluegreen_without=["blue7"], bluegreen_verify_nodes=["green7"])).result
    assert "bluegreen_without names blue7, which is no node: there are blue1, green1" in result["msg"]
    assert "bluegreen_verify_nodes names green7" in result["msg"]


def test_a_strategy_that_does_not_wait(run_action, vars_of):
    assert "strategy is free" in run_action("site", {"playbook": "deploy"}, vars_of(), strategy="free").result["msg"]
    assert "failed" not in run_action("site", {"playbook": "deploy", "target": "confirm"}, vars_of(), strategy="ansible.builtin.linear").result


def test_localhost_reads_what_the_nodes_have(run_action, vars_of):
    changes = {"bluegreen_repository": {"url": trust_as_template("http://{{ repository_host }}:8008/")}, "repository_host": "192.0.2.30"}
    task_vars = {**vars_of("localhost", **changes), "bluegreen_release": "1.0.0"}
    result = run_action("site", {"playbook": "setup"}, task_vars).result
    assert result["repository"] == {"name": "halfswap", "url": "http://192.0.2.30:8008/", "gpgcheck": False, "proxy": ""}


def test_where_load_balancers_reach_each_node(run_action, vars_of):
    """Also a dead one: they go on checking it, and its line in their configuration stays."""
    of_host = {"blue1": {"ansible_host": "10.0.0.1"}, "green1": {"ansible_host": "10.9.0.2", "bluegreen_address": "10.0.0.2"}}
    site = {"bluegreen_repository": REPOSITORY, "bluegreen_without": ["blue1"]}
    result = run_action("site", {"playbook": "setup"}, vars_of("localhost", of_host=of_host, **site)).result
    assert result["servers"] == [{"name": "blue1", "address": "10.0.0.1"}, {"name": "green1", "address": "10.0.0.2"}]
    assert run_action("site", {"playbook": "setup"}, vars_of("localhost", **site)).result["servers"][0] == {"name": "blue1", "address": "blue1"}


def test_what_cannot_be_filled_in(run_action, vars_of):
    changes = {"bluegreen_repository": {"url": trust_as_template("http://{{ nobody }}/")}}
    message = run_action("site", {"playbook": "setup"}, vars_of(**changes)).result["msg"]
    assert "bluegreen_repository: its template cannot be filled in" in message and "nobody" in message
    assert "failed" not in run_action("site", {"playbook": "status"}, vars_of(**changes)).result


def test_one_application_of_several(run_action, vars_of):
    groups = {"shop_blue": ["s1"], "shop_green": ["s2"], "crm_blue": ["c1"], "crm_green": ["c2"]}
    own = {name.removeprefix("bluegreen_"): value for name, value in SITE.items()}
    task_vars = vars_of("c1", groups, bluegreen_applications={"shop": own, "crm": {**own, "strategy": "rolling"}}, bluegreen_application="crm")
    for name in SITE:
        del task_vars[name]
    result = run_action("site", {"playbook": "deploy", "target": "all_live"}, task_vars).result
    assert (result["application"], result["nodes"], result["strategy"]) == ("crm", ["c1", "c2"], "rolling")


# ---- What is the same for every step of a run --------------------------------------------------------------------------------------


def run_of(run_action, task_vars, playbook="deploy", **args):
    result = run_action("site", {"playbook": playbook, **args}, task_vars).result
    assert "failed" not in result, result["msg"]
    return result


def test_a_run_has_a_name_that_tells_when_it_began(run_action, vars_of):
    task_vars = vars_of(bluegreen_release="2.0.0")
    assert re.fullmatch(r"\d{8}T\d{6}Z-\d{4}", run_of(run_action, task_vars)["run_id"])
    # Under AWX it is the job, by which it is found there.
    assert run_of(run_action, {**task_vars, "awx_job_id": 815})["run_id"].endswith("Z-815")
    assert run_of(run_action, {**task_vars, "tower_job_id": 816})["run_id"].endswith("Z-816")


@pytest.mark.parametrize("playbook", ["setup", "deploy", "adopt", "migrate", "verify_lb"])
def test_who_locks_has_a_name_and_a_reason(run_action, vars_of, playbook):
    needed = {"bluegreen_release": "2.0.0", "bluegreen_migrations": MIGRATIONS, "bluegreen_repository": REPOSITORY}
    result = run_of(run_action, vars_of(**needed), playbook)
    assert result["run_id"] and result["reason"] == {"deploy": "release 2.0.0", "migrate": "migrate 2.0.0"}.get(playbook, playbook)
    assert ("lock_s" in result, "drain" in result) == (playbook == "deploy", playbook == "deploy")


def test_who_only_looks_has_none(run_action, vars_of):
    assert not {"reason", "lock_s", "capacity", "drain", "forward"} & set(run_of(run_action, vars_of(), "status"))
    # It is a variable, too, of the playbook that releases the lock of a dead run.
    assert not run_of(run_action, vars_of(), "status").get("run_id")


def test_a_doctor_can_do_without_what_comes_later(run_action, vars_of):
    found = run_of(run_action, vars_of(bluegreen_drain_timeout_s=90), "doctor")
    assert found["drain"]["timeout_s"] == 90 and not found.get("run_id") and found["repository"] is None
    repository = {"name": "halfswap", "url": "http://repo:8008/", "gpgcheck": True}
    assert run_of(run_action, vars_of(bluegreen_repository=repository), "doctor")["repository"] == {**repository, "proxy": ""}
    result = run_action("site", {"playbook": "doctor"}, vars_of(bluegreen_min_live=-1, bluegreen_drain_method="counter")).result
    assert [fault for fault in result["faults"] if "bluegreen_min_live is -1" in fault] and result["msg"].splitlines()[1:] == [
        f"- {fault}" for fault in result["faults"]
    ]


@pytest.mark.parametrize("target, forward", [("release", True), ("confirm", True), ("rollback", False), ("all_live", False)])
def test_on_the_way_back_nobody_waits_for_a_window(run_action, vars_of, target, forward):
    never = {"timezone": "UTC", "blocked": [{"from": "2000-01-01 00:00", "until": "2999-01-01 00:00"}]}
    result = run_of(run_action, vars_of(bluegreen_release="2.0.0", bluegreen_windows=never), target=target)
    assert (result["target"], result["forward"], result["reason"]) == (target, forward, "release 2.0.0" if target == "release" else target)
    assert result["windows"] == (never if forward else {})


def test_a_reason_is_cut_and_harmless(run_action, vars_of):
    """A release is part of what lies on every node; what it must look like is checked, too."""
    result = run_action("site", {"playbook": "deploy"}, vars_of(bluegreen_release="2.0.0\x1b[2J" + "A" * 5000)).result
    assert "\x1b" not in str(result.get("reason", "")) + result.get("msg", "")
    assert len(result.get("reason", "")) <= site.REASON_CHARACTERS


def test_the_capacity_of_each_component(run_action, vars_of):
    counted = {"status_url": "http://127.0.0.1:8080/status", "requests_key": "requests", "in_flight_key": "in_flight", "capacity_per_s": 80}
    (component,) = SITE["bluegreen_components"]
    for playbook in ("deploy", "verify_lb"):
        result = run_of(run_action, vars_of(bluegreen_release="2.0.0", bluegreen_components=[{**component, **counted}]), playbook)
        assert result["capacity"] == [{"name": "shop", "per_s": 80.0}]
    assert run_of(run_action, vars_of(bluegreen_release="2.0.0"))["capacity"] == []


def test_how_it_is_known_that_nothing_is_in_flight(run_action, vars_of):
    drain = run_of(run_action, vars_of(bluegreen_release="2.0.0", bluegreen_drain_timeout_s=90))["drain"]
    assert (drain["method"], drain["timeout_s"], drain["on_timeout"]) == ("kernel", 90, "fail")
    assert "components" not in drain and not [name for name in drain if name.startswith("drain_")]


def test_a_count_that_nobody_keeps_is_found_out_before_a_lock_is_taken(run_action, vars_of):
    msg = run_action("site", {"playbook": "deploy"}, vars_of(bluegreen_release="2.0.0", bluegreen_drain_method="counter")).result["msg"]
    assert "component shop has no status_url and in_flight_key" in msg and "Nothing was changed" in msg


def test_who_does_not_drain_needs_no_way_to(run_action, vars_of):
    for playbook in ("adopt", "migrate", "status"):
        run_of(run_action, vars_of(bluegreen_release="2.0.0", bluegreen_drain_method="counter", bluegreen_migrations=MIGRATIONS), playbook)


def test_a_lock_lasts_as_long_as_a_batch_can_take(run_action, vars_of):
    short, long = (run_of(run_action, vars_of(bluegreen_release="2.0.0", bluegreen_drain_timeout_s=seconds))["lock_s"] for seconds in (60, 3600))
    assert long - short == 3540


# ---- Break-glass --------------------------------------------------------------------------------------------------------------------

GLASS = {"reason": "CHG-4711, the shop is down", "refusals": ["HS-WINDOW", "HS-PEAK"]}


@pytest.fixture
def with_e(monkeypatch):
    monkeypatch.setattr(site, "load_extra_vars", lambda loader: {"bluegreen_override": GLASS})


def test_an_override_goes_with_the_reason_of_the_run(run_action, vars_of, with_e):
    """So it lies in the lock, which status shows, and in each switch and the journal."""
    for target in ("release", "rollback", "confirm", "all_live"):
        result = run_of(run_action, vars_of(bluegreen_release="2.0.0", bluegreen_override=GLASS), target=target)
        assert result["override"] == GLASS
        assert result["reason"].endswith(", override of HS-WINDOW, HS-PEAK: CHG-4711, the shop is down")


def test_without_one_nothing_is_said_of_it(run_action, vars_of):
    result = run_of(run_action, vars_of(bluegreen_release="2.0.0"))
    assert result["override"] == {} and result["reason"] == "release 2.0.0"


def test_its_reason_is_cut_and_harmless(run_action, vars_of, with_e):
    result = run_of(run_action, vars_of(bluegreen_release="2.0.0", bluegreen_override={**GLASS, "reason": "\x1b[2J" + "A" * 5000}))
    assert "\x1b" not in result["reason"] + result["override"]["reason"]
    assert max(len(result["reason"]), len(result["override"]["reason"])) <= site.REASON_CHARACTERS


def test_one_in_the_inventory_would_outlast_the_run(run_action, vars_of):
    msg = run_action("site", {"playbook": "deploy"}, vars_of(bluegreen_release="2.0.0", bluegreen_override=GLASS)).result["msg"]
    assert "bluegreen_override is for one run alone: give it with -e" in msg and msg.startswith("HS-SITE: ")
