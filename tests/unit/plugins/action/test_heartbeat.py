# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.errors import AnsibleActionFail, AnsibleError

BALANCERS = [
    {"name": "live", "follows": "live", "path": "/heartbeat/live", "url": "http://lb"},
    {"name": "standby", "follows": "standby", "path": "/heartbeat/standby", "url": "http://lb2"},
]
GROUPS = {"blue": ["blue1", "blue2"], "green": ["green1", "green2"]}
COMPONENTS = [{"name": "shop", "url": "http://127.0.0.1:9101"}]


@pytest.fixture
def vars_of(said, clock):
    def build(host="blue1", **changes):
        names = [name for stack in GROUPS.values() for name in stack]
        hostvars = {name: {"seen": changes.get(name, said(batch_id="r2/1"))} for name in names}
        return {"inventory_hostname": host, "groups": GROUPS, "hostvars": hostvars}

    return build


def args(state="standby", **changes):
    found = dict(
        state=state,
        components=COMPONENTS,
        token="t",
        run_id="r2",
        batch=["blue1", "blue2"],
        batch_id="r2/1",
        evidence="seen",
        load_balancers=BALANCERS,
    )
    found.update(changes)
    return found


def test_standby_with_every_node_read(run_action, vars_of):
    ran = run_action("heartbeat", args(), vars_of())
    assert ran.result["changed"] is True
    module, sent = ran.sent[0]
    assert module == "halfswap.bluegreen.heartbeat"
    assert sent["components"] == [{"name": "shop", "url": "http://127.0.0.1:9101", "revision": 7}]
    assert sent["load_balancers"][0] == {"name": "live", "follows": "live", "path": "/heartbeat/live", "fall": 3, "rise": 2, "probers": 1}
    assert sent["expect_traffic"] is False
    assert "@" in sent["by"]


def test_who_started_the_job_template_is_the_author(run_action, vars_of):
    ran = run_action("heartbeat", args(), {**vars_of(), "awx_user_name": "alice"})
    assert ran.sent[0][1]["by"].startswith("alice@")


@pytest.mark.parametrize(
    "evidence, text",
    [
        ({"unreachable": True}, "green2 counts as not live: it is unreachable"),
        (None, "green2 counts as not live: it was not read"),
        ({"skipped": True}, "green2 counts as not live: its reading was skipped"),
    ],
)
def test_one_node_unread_and_nothing_is_sent(run_action, vars_of, evidence, text):
    ran = run_action("heartbeat", args(), vars_of(green2=evidence))
    assert ran.result["failed"] is True and ran.result["changed"] is False
    assert text in ran.result["msg"] and "nothing was changed" in ran.result["msg"]
    assert ran.sent == []


def test_evidence_of_an_earlier_batch_is_refused(run_action, vars_of):
    ran = run_action("heartbeat", args(batch_id="r2/2"), vars_of())
    assert "it was read for r2/1, not for r2/2" in ran.result["msg"]
    assert ran.sent == []


def test_old_evidence_is_refused(run_action, vars_of, clock):
    clock.advance(61)
    assert "too long ago" in run_action("heartbeat", args(), vars_of()).result["msg"]
    assert run_action("heartbeat", args(evidence_max_age_s=120), vars_of()).result["changed"] is True


def test_what_the_limit_left_out_is_unread(run_action, vars_of):
    task_vars = vars_of()
    del task_vars["hostvars"]["green1"]
    assert "green1 counts as not live: it was not read" in run_action("heartbeat", args(), task_vars).result["msg"]


def test_the_batch_must_contain_the_node(run_action, vars_of):
    assert "blue1 is not in the batch green1" in run_action("heartbeat", args(batch=["green1"]), vars_of()).result["msg"]


def test_min_live(run_action, vars_of, said):
    one_out = vars_of(green1=said(state="standby", batch_id="r2/1"))
    assert run_action("heartbeat", args(), one_out).result["failed"]
    assert run_action("heartbeat", args(min_live=1), one_out).result["changed"] is True
    assert run_action("heartbeat", args(min_live="1"), one_out).result["changed"] is True


def test_a_node_that_serves_nobody_may_always_be_claimed(run_action, vars_of, said):
    both = {name: said(state="standby", batch_id="r2/1") for name in ("blue1", "green1", "green2")}
    assert run_action("heartbeat", args(), vars_of(**both)).result["changed"] is True


def live_vars(vars_of, said, **changes):
    task_vars = vars_of()
    task_vars["hostvars"]["blue1"]["again"] = said(**{"version": "2.0.0", "state": "standby", "batch_id": "r2/1", **changes})
    return task_vars


LIVE = args("live", proof={"shop": "shop-2.0.0-1.noarch"}, proof_evidence="again", sanity=[{"nodes": [{"name": "blue1"}]}])


def test_live_with_proof(run_action, vars_of, said, clock):
    ran = run_action("heartbeat", LIVE, live_vars(vars_of, said))
    assert ran.sent[0][1]["state"] == "live"


def test_live_is_judged_by_the_node_as_read_last(run_action, vars_of, said):
    ran = run_action("heartbeat", LIVE, live_vars(vars_of, said, version="1.0.0"))
    assert "shop-1.0.0-1.noarch is installed, not shop-2.0.0-1.noarch" in ran.result["msg"]
    assert ran.sent == []


def test_a_long_deployment_does_not_age_what_the_others_served(run_action, vars_of, said, clock):
    task_vars = live_vars(vars_of, said, version="1.0.0", at=4000.0)
    clock.advance(3000)
    back = {**LIVE, "proof": {"shop": "shop-1.0.0-1.noarch"}, "sanity": []}
    assert run_action("heartbeat", back, task_vars).result["changed"] is True


def test_waits_for_traffic_where_there_is_traffic(run_action, vars_of, said):
    busy = said(rate=5.0, batch_id="r2/1")
    task_vars = live_vars(vars_of, said)
    for name in ("green1", "green2"):
        task_vars["hostvars"][name]["seen"] = busy
    assert run_action("heartbeat", LIVE, task_vars).sent[0][1]["expect_traffic"] is True
    assert run_action("heartbeat", LIVE, live_vars(vars_of, said)).sent[0][1]["expect_traffic"] is False


@pytest.mark.parametrize("option", ["state", "batch_id", "components", "run_id"])
def test_a_required_option(run_action, vars_of, option):
    with pytest.raises(AnsibleActionFail) as error:
        run_action("heartbeat", args(**{option: None}), vars_of())
    assert option in str(error.value)


def test_a_host_that_is_no_node(run_action, vars_of):
    with pytest.raises(AnsibleActionFail) as error:
        run_action("heartbeat", args(), vars_of(host="db"))
    assert "db is in neither of the inventory groups" in str(error.value)


def test_an_inventory_without_stacks(run_action, vars_of):
    with pytest.raises(AnsibleError) as error:
        run_action("heartbeat", args(), {**vars_of(), "groups": {"blue": ["blue1"]}})
    assert "no group green" in str(error.value)
