# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.errors import AnsibleActionFail, AnsibleError

from ansible_collections.halfswap.bluegreen.plugins.module_utils.heartbeat._heartbeats import TABLE
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node import _lock, _records
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._evidence import read_node
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._permit import permit

BALANCERS = [
    {"name": "live", "follows": "live", "path": "/heartbeat/live", "addresses": ["10.0.0.5"], "url": "http://lb"},
    {"name": "standby", "follows": "standby", "path": "/heartbeat/standby", "addresses": ["10.0.0.5"], "url": "http://lb2"},
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


def test_a_node_is_adopted_without_a_sanity_test_and_without_a_wait(run_action, vars_of, said):
    out = said(state="standby", batch_id="r2/1")
    wanted = args("live", adopt=True, proof={"shop": out["components"][0]["nevra"]}, load_balancers=[])
    everywhere = {name: {**out, "machine": f"boot/{name}"} for name in ("blue1", "blue2", "green1", "green2")}
    assert [sent["state"] for _module, sent in run_action("heartbeat", wanted, vars_of(**everywhere)).sent] == ["live"]
    refused = run_action("heartbeat", {**wanted, "adopt": False}, vars_of(**everywhere))
    assert refused.sent == [] and "it has not passed the sanity test" in refused.result["msg"]
    other = said("3.0.0", batch_id="r2/1")
    refused = run_action("heartbeat", wanted, vars_of(**{**everywhere, "green1": other}))
    assert refused.sent == [] and "green1 runs shop-3.0.0-1.noarch" in refused.result["msg"]


def test_standby_with_every_node_read(run_action, vars_of):
    ran = run_action("heartbeat", args(), vars_of())
    assert ran.result["changed"] is True
    module, sent = ran.sent[0]
    assert module == "halfswap.bluegreen.heartbeat"
    assert sent["components"] == [{"name": "shop", "url": "http://127.0.0.1:9101", "revision": 7}]
    live = {
        "name": "live",
        "follows": "live",
        "path": "/heartbeat/live",
        "addresses": ["10.0.0.5"],
        "fall": 3,
        "rise": 2,
        "interval_s": None,
        "probers": 1,
        "hold_s": 0.0,
    }
    assert sent["load_balancers"][0] == live
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
    # What the sanity test has shown of the whole batch is registered on one of its nodes.
    task_vars["hostvars"]["blue2"]["tested"] = {"nodes": [{"name": "blue1"}, {"name": "blue2"}]}
    return task_vars


LIVE = args("live", proof={"shop": "shop-2.0.0-1.noarch"}, proof_evidence="again", sanity=["tested"], sanity_host="blue2")


def test_live_with_proof(run_action, vars_of, said, clock):
    ran = run_action("heartbeat", LIVE, live_vars(vars_of, said))
    assert ran.sent[0][1]["state"] == "live"


def check(node, answers=1, latency_s=0.1, through="balancer", name="GET /"):
    return {"check": name, "node": node, "through": through, "answers": answers, "latency_s": latency_s}


def test_what_the_sanity_test_showed_of_the_node_is_noted_there(run_action, vars_of, said, clock):
    results = [check("blue1"), check("blue2"), check("blue1", 2, 0.3, "node"), check(None, through="command", name="pytest")]
    tested = {"nodes": [{"name": "blue1"}], "component": "shop", "results": results, "compare": {"compared": 9}}
    nameless = {"nodes": [{"name": "blue1"}], "results": results}
    elsewhere = {"nodes": [{"name": "blue1"}], "component": "search", "results": [check("blue2")]}
    task_vars = live_vars(vars_of, said)
    task_vars["hostvars"]["blue2"].update(tested=tested, more=[nameless, elsewhere])
    ran = run_action("heartbeat", {**LIVE, "sanity": ["tested", "more"]}, task_vars)
    sent = ran.sent[0][1]
    assert sent["tested"] == {"shop": {"checks": 2, "answers": 3, "slowest_s": 0.3, "commands": ["pytest"], "compare": {"compared": 9}}}
    assert not {"sanity", "sanity_host", "permit"} & set(sent)


@pytest.mark.parametrize(
    "result",
    [
        None,
        {},
        {"skipped": True, "nodes": [{"name": "blue1"}]},
        {"failed": True, "nodes": [{"name": "blue1"}]},
        {"nodes": [{"name": "blue2"}]},
        # Of two components, one.
        {"results": [{"ansible_loop_var": "item", "item": {"name": name}, "nodes": [{"name": node}]} for name, node in (("a", "blue1"), ("b", "blue2"))]},
    ],
)
def test_not_live_without_a_sanity_test_of_this_node(run_action, vars_of, said, result):
    task_vars = live_vars(vars_of, said)
    task_vars["hostvars"]["blue2"]["tested"] = result
    ran = run_action("heartbeat", LIVE, task_vars)
    assert "it has not passed the sanity test" in ran.result["msg"] and ran.sent == []


@pytest.mark.parametrize("option", ["sanity", "permit", "evidence", "proof_evidence"])
@pytest.mark.parametrize("given", [{"nodes": []}, [{"nodes": [{"name": "blue2"}]}], 7], ids=str)
def test_what_was_registered_is_asked_for_by_its_name(run_action, vars_of, said, option, given):
    with pytest.raises(AnsibleActionFail, match="The name of a variable belongs where .* stands"):
        run_action("heartbeat", {**LIVE, option: given}, live_vars(vars_of, said))


def test_one_name_will_do(run_action, vars_of, said):
    assert run_action("heartbeat", {**LIVE, "sanity": "tested"}, live_vars(vars_of, said)).sent


def test_a_sanity_test_that_is_registered_on_another_node_is_none(run_action, vars_of, said):
    for host in ("blue1", "nobody", None):
        ran = run_action("heartbeat", {**LIVE, "sanity_host": host}, live_vars(vars_of, said))
        assert "it has not passed the sanity test" in ran.result["msg"] and ran.sent == []


def test_live_is_judged_by_the_node_as_read_last(run_action, vars_of, said):
    ran = run_action("heartbeat", LIVE, live_vars(vars_of, said, version="1.0.0"))
    assert "shop-1.0.0-1.noarch is installed, not shop-2.0.0-1.noarch" in ran.result["msg"]
    assert ran.sent == []


def test_a_long_deployment_does_not_age_what_the_others_served(run_action, vars_of, said, clock):
    task_vars = live_vars(vars_of, said, version="1.0.0", at=4000.0)
    clock.advance(3000)
    back = {**LIVE, "proof": {"shop": "shop-1.0.0-1.noarch"}, "sanity": []}
    assert run_action("heartbeat", back, task_vars).result["changed"] is True


def test_what_traffic_the_node_can_expect(run_action, vars_of, said):
    task_vars = live_vars(vars_of, said)
    for name in ("green1", "green2"):
        task_vars["hostvars"][name]["seen"] = said(rate=5.0, batch_id="r2/1")
    # What two nodes get now, four will share.
    assert run_action("heartbeat", LIVE, task_vars).sent[0][1]["components"][0]["expected_per_s"] == 2.5
    assert run_action("heartbeat", LIVE, live_vars(vars_of, said)).sent[0][1]["components"][0]["expected_per_s"] == 0.0


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


def test_the_lock_of_another_run(run_action, vars_of, said):
    theirs = dict(said(batch_id="r2/1"), lock={"run_id": "r9", "owner": "alice@ops1"})
    ran = run_action("heartbeat", args(), vars_of(green1=theirs))
    assert "green1: the lock is held by alice@ops1 (run r9)" in ran.result["msg"] and ran.sent == []
    assert "green1: the lock is held" in run_action("heartbeat", args(state="live"), vars_of(green1=theirs)).result["msg"]


def test_what_is_served_is_noted(run_action, vars_of, said):
    assert run_action("heartbeat", args(), vars_of()).sent[0][1]["release"] == {"shop": "shop-1.0.0-1.noarch"}
    # What is ill or in doubt is nothing to go back to.
    ill = vars_of(blue1=said(healthy=False, batch_id="r2/1"))
    assert run_action("heartbeat", args(), ill).sent[0][1]["release"] is None


def test_a_dead_node_is_left_out_by_name(run_action, vars_of):
    assert run_action("heartbeat", args(without=["green2"]), vars_of(green2=None)).result["changed"] is True
    with pytest.raises(AnsibleError) as error:
        run_action("heartbeat", args(without=["green9"]), vars_of())
    assert "bluegreen_without names green9" in str(error.value)


@pytest.mark.parametrize("twins", [("blue1", "green1"), ("green1", "green2"), ("blue1", "blue2", "green1")])
def test_two_names_of_one_machine_do_not_leave(run_action, vars_of, said, twins):
    one = said(batch_id="r2/1")
    for check_mode in (False, True):
        ran = run_action("heartbeat", args(min_live=1), vars_of(**dict.fromkeys(twins, one)), check_mode=check_mode)
        assert ran.result["failed"] is True and ran.sent == []
        assert all(f"{name} counts as not live: it is the same machine as" in ran.result["msg"] for name in twins)


def test_a_component_that_one_half_alone_has_does_not_leave(run_action, vars_of, said):
    apart = {name: said(batch_id="r2/1", name="basket") for name in ("green1", "green2")}
    ran = run_action("heartbeat", args(min_live=1), vars_of(**apart))
    assert "0 of at least 1 other nodes would stay live, healthy and on a known release of shop (none)" in ran.result["msg"] and ran.sent == []


@pytest.mark.parametrize("state", ["LIVE", "serving", True, None])
def test_a_node_in_another_dialect_keeps_the_others_in(run_action, vars_of, said, state):
    wrong = said(batch_id="r2/1")
    wrong["components"][0]["heartbeat"]["state"] = state
    ran = run_action("heartbeat", args(min_live=1), vars_of(green1=wrong))
    assert "green1 counts as not live: it answers in another dialect" in ran.result["msg"] and ran.sent == []


def test_limits_are_judged_here(run_action, vars_of):
    assert "bluegreen_max_unavailable is 1" in run_action("heartbeat", args(max_unavailable="25%"), vars_of()).result["msg"]
    with pytest.raises(AnsibleError):
        run_action("heartbeat", args(min_live="some"), vars_of())


def test_an_exclusive_switch(run_action, vars_of, said):
    new = {name: said("2.0.0", state="standby", batch_id="r2/1") for name in ("green1", "green2")}
    holding = [{**BALANCERS[0], "hold_s": 8, "fall": 1, "rise": 3}, *BALANCERS[1:]]
    switch = {
        "batch": ["blue1", "blue2"],
        "successors": dict.fromkeys(("green1", "green2"), {"shop": "shop-2.0.0-1.noarch"}),
        "sanity": ["tested"],
        "sanity_host": "green1",
    }
    task_vars = vars_of(**new)
    task_vars["hostvars"]["green1"]["tested"] = {"nodes": [{"name": "green1"}, {"name": "green2"}]}
    assert run_action("heartbeat", args(**switch, load_balancers=holding), task_vars).result["changed"] is True
    assert "no exclusive switch behind it" in run_action("heartbeat", args(**switch), task_vars).result["msg"]
    ran = run_action("heartbeat", args(**{**switch, "sanity": []}, load_balancers=holding), task_vars)
    assert "green1: it has not passed the sanity test" in ran.result["msg"] and ran.sent == []


@pytest.mark.parametrize(
    "changes, passed, why",
    [
        ({"blue2": {"unreachable": True}}, GROUPS["green"], "blue2 counts as not live: it is unreachable"),
        (
            {"blue1": {"failed": True, "msg": "the lock is held by bob"}},
            GROUPS["green"],
            "blue1 counts as not live: its reading failed: the lock is held by bob",
        ),
        ({"green2": {"unreachable": True}}, GROUPS["green"], "green2 counts as not live: it is unreachable"),
        ({}, ["green1"], "green2: it has not passed the sanity test"),
    ],
)
def test_in_an_exclusive_switch_nobody_comes_in_beside_who_must_not_leave(run_action, vars_of, said, changes, passed, why):
    """On core 2.16 whoever is to come in gets here, too, when another node could not be read."""
    new = {name: said("2.0.0", state="standby", batch_id="r2/1") for name in ("green1", "green2")}
    asked = {
        "load_balancers": [{**BALANCERS[0], "hold_s": 8, "fall": 1, "rise": 3}, *BALANCERS[1:]],
        "proof": {"shop": "shop-2.0.0-1.noarch"},
        "batch": ["blue1", "blue2"],
        "successors": dict.fromkeys(("green1", "green2"), {"shop": "shop-2.0.0-1.noarch"}),
        "sanity": ["tested"],
        "sanity_host": "green1",
    }
    task_vars = vars_of("green1", **{**new, **changes})
    task_vars["hostvars"]["green1"]["tested"] = {"nodes": [{"name": name} for name in passed]}
    ran = run_action("heartbeat", args("live", **asked), task_vars)
    assert why in ran.result["msg"] and ran.sent == []


# ---- In, on the permit with which the batch left ------------------------------------------------------------------------------------


@pytest.fixture
def back_vars(said, clock, watched):
    """What there is when blue1 comes in on release 2.0.0: the permit of its batch, its own reading, and the sanity test on blue2."""

    def build(host="blue1", batch=("blue1", "blue2"), **changes):
        names = [name for stack in GROUPS.values() for name in stack]
        given = permit([read_node(name, name[:-1], changes.get(name, said())) for name in names], batch, "r2/1")
        hostvars = {name: {"seen": {"unreachable": True}} for name in names}
        hostvars["blue1"]["again"] = changes.get("again", said("2.0.0", state="standby", batch_id="r2/1"))
        hostvars["blue2"]["tested"] = {"nodes": [{"name": "blue1"}, {"name": "blue2"}]}
        return {"inventory_hostname": host, "groups": GROUPS, "hostvars": watched(hostvars), "allowed": given}

    return build


def back_in(**changes):
    found = {**LIVE, "permit": "allowed", **changes}
    return {key: value for key, value in found.items() if key not in ("batch", "evidence")}


def test_in_on_the_permit(run_action, back_vars):
    ran = run_action("heartbeat", back_in(), back_vars())
    ((module, sent),) = ran.sent
    assert module == "halfswap.bluegreen.heartbeat" and sent["state"] == "live" and sent["components"][0]["revision"] == 7
    # From now on it serves that.
    assert sent["release"] == {"shop": "shop-2.0.0-1.noarch"} and not {"permit", "sanity", "sanity_host"} & set(sent)


def test_in_looks_at_nothing_but_its_own_reading_and_the_sanity_test(run_action, back_vars):
    """What the others say now is no affair of a node that comes in, and none of what it costs."""
    task_vars = back_vars()
    assert len(run_action("heartbeat", back_in(), task_vars).sent) == 1
    assert set(task_vars["hostvars"].read) == {"blue1", "blue2"} and len(task_vars["hostvars"].read) <= 3


@pytest.mark.parametrize("found", [None, {}, {"skipped": True}, {"failed": True, "msg": "Interlock: ..."}, {"unreachable": True}])
def test_not_in_without_a_permit(run_action, back_vars, found):
    ran = run_action("heartbeat", back_in(), {**back_vars(), "allowed": found})
    assert ran.sent == [] and ran.result["msg"].startswith(
        "Interlock: blue1 does not go to live, nothing was changed. HS-PERMIT: blue1: the interlock has not permitted it"
    )


def test_not_in_on_the_permit_of_another_batch(run_action, back_vars):
    ran = run_action("heartbeat", back_in(batch_id="r2/2"), back_vars())
    assert ran.sent == [] and "the interlock has judged r2/1, not r2/2" in ran.result["msg"]
    ran = run_action("heartbeat", back_in(), back_vars(batch=["blue2"]))
    assert ran.sent == [] and "blue1 is not in the batch blue2" in ran.result["msg"]


def test_a_swap_may_take_its_time(run_action, back_vars, clock, said):
    """The permit is of before the release; what the node says of itself is of after it."""
    task_vars = back_vars(again=said("2.0.0", state="standby", batch_id="r2/1", at=4600.0))
    clock.advance(3600)
    assert len(run_action("heartbeat", back_in(), task_vars).sent) == 1
    # Its own reading is of just now, unless it looks at itself once more, or it is none.
    ran = run_action("heartbeat", back_in(), back_vars())
    assert ran.sent == [] and "too long ago" in ran.result["msg"]
    looks = [{**COMPONENTS[0], "package": "shop", "service": "shop"}]
    assert len(run_action("heartbeat", back_in(components=looks), back_vars()).sent) == 1


@pytest.mark.parametrize(
    "again, text",
    [
        ({"version": "1.0.0"}, "shop-1.0.0-1.noarch is installed, not shop-2.0.0-1.noarch"),
        ({"healthy": False}, "HTTP 503"),
        ({"started_at": 1.0}, "its process was started before"),
        ({"release": "1.0.0"}, "it reports release 1.0.0"),
        ({"batch_id": "r2/2"}, "it was read for r2/2, not for r2/1"),
        ({"error": "no agent"}, "no agent"),
    ],
)
def test_the_permit_is_no_proof(run_action, back_vars, said, again, text):
    task_vars = back_vars(again=said(**{"version": "2.0.0", "state": "standby", "batch_id": "r2/1", **again}))
    ran = run_action("heartbeat", back_in(), task_vars)
    assert ran.sent == [] and text in ran.result["msg"]


def test_the_permit_is_no_sanity_test_either(run_action, back_vars):
    ran = run_action("heartbeat", back_in(sanity=[]), back_vars())
    assert ran.sent == [] and "it has not passed the sanity test, and no node served this release when the batch began" in ran.result["msg"]


def test_back_on_what_served_when_the_batch_began(run_action, back_vars, said):
    """The way back of a node whose swap failed: the permit remembers what served."""
    old = {"proof": {"shop": "shop-1.0.0-1.noarch"}, "sanity": []}
    task_vars = back_vars(again=said("1.0.0", state="standby", batch_id="r2/1"))
    assert len(run_action("heartbeat", back_in(**old), task_vars).sent) == 1
    # Of what nobody served beyond doubt then, it remembers nothing.
    ill = dict.fromkeys(("blue1", "blue2", "green1", "green2"), said(healthy=False))
    ran = run_action("heartbeat", back_in(**old), back_vars(again=said("1.0.0", state="standby", batch_id="r2/1"), **ill))
    assert ran.sent == [] and "no node served this release when the batch began" in ran.result["msg"]


def test_the_traffic_to_expect_is_that_of_when_the_batch_began(run_action, back_vars, said):
    busy = {name: said(rate=5.0) for name in ("green1", "green2")}
    out = {name: said(state="standby") for name in ("blue1", "blue2")}
    assert run_action("heartbeat", back_in(), back_vars(**busy, **out)).sent[0][1]["components"][0]["expected_per_s"] == 2.5
    assert run_action("heartbeat", back_in(), back_vars()).sent[0][1]["components"][0]["expected_per_s"] == 0.0


def test_nobody_is_adopted_on_a_permit(run_action, back_vars, said):
    """Whether two releases would be adopted together can only be told from what all nodes say, and a permit does not have that."""
    other = {name: said("3.0.0") for name in ("green1", "green2")}
    ran = run_action("heartbeat", back_in(adopt=True, sanity=[]), back_vars(**other))
    assert ran.sent == [] and ran.result["failed"] is True


def test_in_from_here(run_action, back_vars, said, heartbeat_server, node, clock):
    heartbeat_server.status.update(state="standby", run_id="r2", release="2.0.0")
    heartbeat_server.after_each = lambda server: server.puts and server.status.update(probers=[prober(live=3)])
    components = [{"name": "shop", "url": heartbeat_server.url, "heartbeat": {"via": "controller"}}]
    ran = run_action("heartbeat", back_in(components=components, token="secret-token", settle_timeout_s=5), back_vars(), answer=node)
    assert not ran.result.get("failed"), ran.result["msg"]
    assert [sent["step"] for _name, sent in ran.sent] == ["judge", "record"]
    assert ran.result["components"] == [{"name": "shop", "before": "standby", "after": "live", "revision": 8}] and ran.result["settled"] is True
    (put,) = [asked for asked in heartbeat_server.asked if asked[0] == "PUT"]
    assert put[2]["state"] == "live" and put[3] == '"7"'


# ---- What a node costs --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [4, 400])
def test_what_a_flip_on_a_permit_costs_does_not_grow_with_the_nodes(run_action, said, clock, watched, count):
    """How often the variables of a host are taken, of all hosts that there are: of them Ansible makes a copy each time."""
    names = [f"n{number}" for number in range(count)]
    groups = {"blue": names[: count // 2], "green": names[count // 2 :]}
    given = permit([read_node(name, "blue", said()) for name in names], groups["blue"], "r2/1")
    hostvars = {name: {} for name in names}
    hostvars["n1"]["again"] = said("2.0.0", state="standby", batch_id="r2/1")
    hostvars["n0"]["tested"] = {"nodes": [{"name": "n1"}]}

    def cost(name, asked):
        task_vars = {"inventory_hostname": "n1", "groups": groups, "hostvars": watched(hostvars), "allowed": given}
        ran = run_action(name, asked, task_vars)
        assert len(ran.sent) == 1, ran.result["msg"]
        return task_vars["hostvars"].read

    assert cost("out", {**back_in(drain={}), "state": None}) == []
    # Its own, and for the sanity test of all those of the one on which it is registered.
    assert sorted(cost("heartbeat", back_in(sanity_host="n0"))) == ["n0", "n1"]


# ---- Where only the controller reaches the heartbeat --------------------------------------------------------------------------------


@pytest.fixture
def node(run_module):
    """A node that runs the real module, with what the action sends to it."""

    def answer(module_args):
        return dict(run_module("heartbeat", module_args).items())

    return answer


def far_args(heartbeat_server, **changes):
    components = [{"name": "shop", "url": heartbeat_server.url, "heartbeat": {"via": "controller"}}]
    return args(components=components, token="secret-token", settle_timeout_s=5, **changes)


def prober(**consecutive):
    runs = {"live": 0, "not_live": 0, "standby": 0, "not_standby": 0, **consecutive}
    return {"address": "10.0.0.5", "path": "/heartbeat/live", "consecutive": runs, "seen": 50, "last_seen_s": 0.1, "interval_s": 0.5}


def test_the_controller_writes_what_the_node_judges_and_records(run_action, vars_of, heartbeat_server, node, clock):
    heartbeat_server.after_each = lambda server: server.puts and server.status.update(probers=[prober(not_live=3)])
    ran = run_action("heartbeat", far_args(heartbeat_server), vars_of(), answer=node)
    assert [(name, sent["step"]) for name, sent in ran.sent] == [("halfswap.bluegreen.heartbeat", "judge"), ("halfswap.bluegreen.heartbeat", "record")]
    assert ran.result["components"] == [{"name": "shop", "before": "live", "after": "standby", "revision": 8}]
    assert (ran.result["changed"], ran.result["settled"], ran.result["guess"]) == (True, True, False)
    (put,) = [asked for asked in heartbeat_server.asked if asked[0] == "PUT"]
    assert put[2]["state"] == "standby" and put[2]["run_id"] == "r2" and put[3] == '"7"' and put[4] == "Bearer secret-token"
    # The journal of the node has it, once.
    assert [(line["what"], line["before"], line["after"]) for line in _records.journal(10)] == [("heartbeat shop", "live", "standby")]


def test_once_is_enough_from_here_too(run_action, vars_of, said, heartbeat_server, node, clock):
    heartbeat_server.status.update(state="standby", run_id="r2", probers=[prober(not_live=9)])
    ran = run_action("heartbeat", far_args(heartbeat_server), vars_of(blue1=said(state="standby", batch_id="r2/1")), answer=node)
    assert ran.result["changed"] is False and heartbeat_server.puts == []


def test_the_node_may_refuse(run_action, vars_of, heartbeat_server, node, clock):
    _lock.acquire("r9", "alice@ops1", "ops1", "release", 600.0)
    ran = run_action("heartbeat", far_args(heartbeat_server), vars_of(), answer=node)
    assert ran.result["failed"] is True and "the lock is held by alice@ops1" in ran.result["msg"] and heartbeat_server.puts == []


def test_a_stale_decision_changes_nothing_from_here_either(run_action, vars_of, heartbeat_server, node, clock):
    heartbeat_server.status.update(revision=9)
    ran = run_action("heartbeat", far_args(heartbeat_server), vars_of(), answer=node)
    assert "the decision was made on revision 7" in ran.result["msg"] and heartbeat_server.puts == []


def test_a_prediction_from_here(run_action, vars_of, heartbeat_server, run_module, clock):
    def predict(module_args):
        return dict(run_module("heartbeat", module_args, check_mode=True))

    ran = run_action("heartbeat", far_args(heartbeat_server), vars_of(), answer=predict, check_mode=True)
    assert ran.result["changed"] is True and heartbeat_server.puts == [] and len(ran.sent) == 1


def test_a_wait_that_fails_here(run_action, vars_of, heartbeat_server, node, clock):
    heartbeat_server.after_each = lambda server: server.puts and server.status.update(probers=[prober(not_live=1)])
    ran = run_action("heartbeat", far_args(heartbeat_server), vars_of(), answer=node)
    assert ran.result["failed"] is True and ran.result["changed"] is True and ran.result["settled"] is False
    assert "got 1 of 3 answers" in ran.result["msg"]


def test_an_application_of_another_kind_from_here(run_action, vars_of, said, heartbeat_server, node, clock):
    """The server is read by its status and told by another URL, as any application may be."""
    base = heartbeat_server.url
    heartbeat = {
        "profile": "http",
        "via": "controller",
        "read": {"url": f"{base}/ready", "live": {"json": {"state": "live"}}, "standby": {"json": {"state": "standby"}}},
        "live": {"url": f"{base}/set", "method": "PUT", "body": {"state": "live"}},
        "standby": {"url": f"{base}/set", "method": "PUT", "body": {"state": "standby"}},
    }
    task = args(components=[{"name": "shop", "heartbeat": heartbeat}], token="secret-token", load_balancers=[{**BALANCERS[0], "interval_s": 2}, BALANCERS[1]])
    evidence = said(batch_id="r2/1")
    evidence["components"][0]["heartbeat"].update(revision=1, probers=None)
    peers = {name: said(batch_id="r2/1") for name in ("green1", "green2")}
    ran = run_action("heartbeat", task, vars_of(blue1=evidence, **peers), answer=node)
    assert heartbeat_server.puts == [{"state": "standby"}]
    assert (ran.result["settled"], ran.result["guess"]) == (True, True) and 6.0 < ran.result["settled_s"] < 7.0
    assert "is a guess: 6.5 s" in ran.result["warnings"][0]
    record = _records.read_json("heartbeat-shop.json", TABLE)
    assert (record["state"], record["run_id"], record["revision"]) == ("standby", "r2", ran.result["components"][0]["revision"])


def test_no_way_to_the_heartbeat(run_action, vars_of, heartbeat_server, clock):
    task = far_args(heartbeat_server)
    task["components"][0]["heartbeat"]["via"] = "tunnel"
    ran = run_action("heartbeat", task, vars_of())
    assert ran.result["failed"] is True and "a tunnel takes a connection through ssh" in ran.result["msg"] and ran.sent == []


def test_in_says_nothing_of_what_was_passed_on_the_way_out(run_action, back_vars):
    task_vars = back_vars()
    task_vars["allowed"]["override"] = {"reason": "CHG-4711", "passed": ["HS-PEAK: ..."]}
    assert [module for module, _sent in run_action("heartbeat", back_in(), task_vars).sent] == ["halfswap.bluegreen.heartbeat"]


def test_a_switch_that_is_judged_here_is_passed_here(run_action, vars_of, said):
    """switch.yml of role swap has no permit: each node asks what all of them said."""
    few = vars_of(green1=said(state="standby", batch_id="r2/1"))
    assert "HS-MIN-LIVE: 1 of at least 2" in run_action("heartbeat", args(), few).result["msg"]
    ran = run_action("heartbeat", args(override={"reason": "CHG-4711", "refusals": ["HS-MIN-LIVE"]}), few)
    assert [module for module, _sent in ran.sent] == ["halfswap.bluegreen.journal", "halfswap.bluegreen.heartbeat"]
    assert ran.sent[0][1]["after"]["passed"][0].startswith("HS-MIN-LIVE: 1 of at least 2") and "override" not in ran.sent[1][1]


def test_what_serves_without_a_package_is_adopted(run_action, vars_of, said):
    found = said(None, state="standby", batch_id="r2/1", release=None, active=False, installed_at=None, started_at=None, replaces="old", replaced_active=True)
    everywhere = {name: {**found, "machine": f"boot/{name}"} for name in ("blue1", "blue2", "green1", "green2")}
    wanted = args("live", adopt=True, proof={"shop": None}, load_balancers=[])
    ((_module, sent),) = run_action("heartbeat", wanted, vars_of(**everywhere)).sent
    assert (sent["state"], sent["release"], sent["adopt"]) == ("live", {"shop": None}, True)
    refused = run_action("heartbeat", {**wanted, "adopt": False}, vars_of(**everywhere))
    assert refused.sent == [] and "no package is installed" in refused.result["msg"]
