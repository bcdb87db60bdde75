# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.module_utils.basic import AnsibleModule

from ansible_collections.halfswap.bluegreen.plugins.module_utils.drain import _proof
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node import _lock, _records
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._evidence import read_node
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._permit import permit

BALANCERS = [
    {"name": "live", "follows": "live", "path": "/heartbeat/live", "addresses": ["10.0.0.5"], "url": "http://lb"},
    {"name": "standby", "follows": "standby", "path": "/heartbeat/standby", "addresses": ["10.0.0.5"], "url": "http://lb2"},
]
GROUPS = {"blue": ["blue1", "blue2"], "green": ["green1", "green2"]}
NAMES = ["blue1", "blue2", "green1", "green2"]
MODULE = "halfswap.bluegreen.out"
DRAIN = {"method": "seconds", "seconds": 0, "components": [{"name": "shop", "service": "shop"}]}


@pytest.fixture
def vars_of(said, clock, watched):
    """What a node knows that is to leave: the permit, and of the other nodes nothing that it may look at."""

    def build(host="blue1", batch=("blue1", "blue2"), batch_id="r2/1", **changes):
        given = permit([read_node(name, name[:-1], changes.get(name, said())) for name in NAMES], batch, batch_id)
        hostvars = watched({name: {} for name in NAMES}, explode=True)
        return {"inventory_hostname": host, "groups": GROUPS, "hostvars": hostvars, "allowed": given}

    return build


def args(**changes):
    found = dict(
        components=[{"name": "shop", "url": "http://127.0.0.1:9101"}],
        token="t",
        run_id="r2",
        reason="release 2.0.0",
        batch_id="r2/1",
        permit="allowed",
        load_balancers=BALANCERS,
        settle_timeout_s=5,
        drain=DRAIN,
    )
    found.update(changes)
    return found


def refused(ran):
    assert ran.result["failed"] is True and ran.result["changed"] is False and ran.sent == []
    assert ran.result["msg"].startswith("Interlock: blue1 does not go to standby, nothing was changed. ")
    return ran.result["msg"]


def test_what_the_node_is_sent(run_action, vars_of):
    ran = run_action("out", args(), {**vars_of(), "awx_user_name": "alice"})
    ((module, sent),) = ran.sent
    assert module == MODULE
    # Compare-and-set: it is written only at the revision that the permit was given for.
    assert sent["components"] == [{"name": "shop", "url": "http://127.0.0.1:9101", "revision": 7}]
    assert sent["release"] == {"shop": "shop-1.0.0-1.noarch"}
    assert (sent["run_id"], sent["batch_id"], sent["reason"], sent["drain"], sent["token"]) == ("r2", "r2/1", "release 2.0.0", DRAIN, "t")
    assert sent["by"].startswith("alice@")
    # The load balancers as a node has to know them, with the defaults filled in.
    assert (sent["load_balancers"][0]["fall"], sent["load_balancers"][0]["probers"]) == (3, 1) and "url" not in sent["load_balancers"][0]
    # What was judged here is no affair of the node.
    assert not {"permit", "sanity", "sanity_host", "state", "evidence", "batch", "min_live", "max_unavailable", "capacity", "without", "tested"} & set(sent)


def test_no_other_node_is_looked_at(run_action, vars_of):
    """The fixture has nobody's variables read, its own included: what a node costs does not grow with the number of nodes."""
    task_vars = vars_of()
    assert len(run_action("out", args(), task_vars).sent) == 1 and task_vars["hostvars"].read == []


@pytest.mark.parametrize("changes", [{"state": "standby"}, {"healthy": False}, {"started_at": 1.0}])
def test_what_does_not_serve_or_is_in_doubt_is_nothing_to_go_back_to(run_action, vars_of, said, changes):
    assert run_action("out", args(), vars_of(blue1=said(**changes))).sent[0][1]["release"] is None


@pytest.mark.parametrize("found", [None, {}, {"skipped": True}, {"failed": True, "msg": "Interlock: ...", "refused": ["x"]}, {"unreachable": True}])
def test_without_a_permit(run_action, vars_of, found):
    assert "blue1: the interlock has not permitted it" in refused(run_action("out", args(), {**vars_of(), "allowed": found}))


def test_where_the_permit_was_never_registered(run_action, vars_of):
    assert "the interlock has not permitted it" in refused(run_action("out", args(permit="elsewhere"), vars_of()))


def test_the_permit_of_another_batch(run_action, vars_of):
    assert "the interlock has judged r2/1, not r2/2" in refused(run_action("out", args(batch_id="r2/2"), vars_of()))


def test_a_node_that_is_not_in_the_batch(run_action, vars_of):
    assert "blue1 is not in the batch blue2" in refused(run_action("out", args(), vars_of(batch=["blue2"])))


def test_a_permit_of_a_minute_ago(run_action, vars_of, clock):
    task_vars = vars_of()
    clock.advance(60)
    assert len(run_action("out", args(), task_vars).sent) == 1
    clock.advance(1)
    assert "what the nodes said is 61 s old, and the interlock takes at most 60 s" in refused(run_action("out", args(), task_vars))


def test_without_the_option_it_is_judged_here_from_what_every_node_said(run_action, said, clock):
    """That is how it is used outside of the role; nothing is permitted that nobody has judged."""
    hostvars = {name: {"seen": said(batch_id="r2/1")} for name in NAMES}
    task_vars = {"inventory_hostname": "blue1", "groups": GROUPS, "hostvars": hostvars}
    alone = args(permit=None, evidence="seen", batch=["blue1", "blue2"])
    ran = run_action("out", alone, task_vars)
    assert ran.sent[0][1]["components"][0]["revision"] == 7 and ran.sent[0][1]["release"] == {"shop": "shop-1.0.0-1.noarch"}
    hostvars["green1"]["seen"] = {"unreachable": True}
    assert "green1 counts as not live: it is unreachable" in refused(run_action("out", alone, task_vars))
    hostvars["green1"] = {}
    assert "green1 counts as not live: it was not read" in refused(run_action("out", alone, task_vars))


@pytest.mark.parametrize("option", ["batch_id", "components", "run_id"])
def test_a_required_option(run_action, vars_of, option):
    with pytest.raises(AnsibleActionFail) as error:
        run_action("out", args(**{option: None}), vars_of())
    assert "halfswap.bluegreen.out" in str(error.value) and option in str(error.value)


def test_a_host_that_is_no_node(run_action, vars_of):
    with pytest.raises(AnsibleActionFail, match="db is in neither of the inventory groups"):
        run_action("out", args(), vars_of(host="db"))


def test_load_balancers_that_are_none(run_action, vars_of):
    with pytest.raises(AnsibleError, match="none follows standby"):
        run_action("out", args(load_balancers=BALANCERS[:1]), vars_of())


# ---- Where only the controller reaches the heartbeat --------------------------------------------------------------------------------


def prober(**consecutive):
    runs = {"live": 0, "not_live": 0, "standby": 0, "not_standby": 0, **consecutive}
    return {"address": "10.0.0.5", "path": "/heartbeat/live", "consecutive": runs, "seen": 50, "last_seen_s": 0.1, "interval_s": 0.5}


def far(heartbeat_server, **changes):
    components = [{"name": "shop", "url": heartbeat_server.url, "heartbeat": {"via": "controller"}}]
    return args(components=components, token="secret-token", **changes)


@pytest.fixture
def node(run_module, monkeypatch):
    """A node on which the service runs, and the real module with what the action sends to it."""
    shown = "ActiveState=active\nSubState=running\nMainPID=4711\n"
    monkeypatch.setattr(AnsibleModule, "run_command", lambda self, command, **kwargs: (0, shown, ""))

    def answer(module_args):
        return dict(run_module("out", module_args).items())

    return answer


def steps(ran):
    assert {name for name, _sent in ran.sent} <= {MODULE}
    return [sent.get("step") for _name, sent in ran.sent]


def test_it_is_switched_from_here_and_drained_there(run_action, vars_of, heartbeat_server, node, clock):
    heartbeat_server.after_each = lambda server: server.puts and server.status.update(probers=[prober(not_live=3)])
    ran = run_action("out", far(heartbeat_server), vars_of(), answer=node)
    assert not ran.result.get("failed"), ran.result["msg"]
    assert steps(ran) == ["judge", "record", "drain"]
    assert ran.result["components"] == [{"name": "shop", "before": "live", "after": "standby", "revision": 8}]
    assert (ran.result["changed"], ran.result["settled"], ran.result["drained"]) == (True, True, True)
    (put,) = [asked for asked in heartbeat_server.asked if asked[0] == "PUT"]
    assert put[2]["state"] == "standby" and put[2]["run_id"] == "r2" and put[3] == '"7"' and put[4] == "Bearer secret-token"
    # The proof is on the node, and about the revision that was written.
    proof = _proof.read()
    assert (proof["run_id"], proof["batch_id"], proof["components"]["shop"]["revision"]) == ("r2", "r2/1", 8)
    assert [(line["what"], line["before"], line["after"]) for line in _records.journal(10)] == [("heartbeat shop", "live", "standby")]


def test_the_drain_is_told_the_revision_that_was_written(run_action, vars_of, heartbeat_server, clock):
    """The answers of the node are scripted here."""
    heartbeat_server.after_each = lambda server: server.puts and server.status.update(probers=[prober(not_live=3)])
    before = dict(heartbeat_server.status)
    change = {"name": "shop", "before": "live", "after": "standby", "revision": 7}
    judged = {"changed": True, "components": [change], "work": ["shop"], "statuses": {"shop": before}}
    recorded = {"changed": True, "components": [change], "statuses": {"shop": {**before, "state": "standby", "revision": 8}}}
    ran = run_action("out", far(heartbeat_server), vars_of(), answer=[judged, recorded, {"changed": False, "drained": True, "drain": {"drained": True}}])
    assert steps(ran) == ["judge", "record", "drain"]
    sent = ran.sent[-1][1]
    assert [component["revision"] for component in sent["components"]] == [8] and sent["drain"] == DRAIN and sent["batch_id"] == "r2/1"
    # Not one of them has an option that the module does not have.
    assert not any("state" in sent or "tested" in sent for _name, sent in ran.sent)
    assert (ran.result["drained"], ran.result["components"][0]["revision"]) == (True, 8)


def test_where_it_does_not_settle_nothing_is_drained(run_action, vars_of, heartbeat_server, clock):
    heartbeat_server.after_each = lambda server: server.puts and server.status.update(probers=[prober(not_live=1)])
    before = dict(heartbeat_server.status)
    judged = {"changed": True, "components": [], "work": ["shop"], "statuses": {"shop": before}}
    recorded = {"changed": True, "components": [], "statuses": {"shop": {**before, "state": "standby", "revision": 8}}}
    ran = run_action("out", far(heartbeat_server), vars_of(), answer=[judged, recorded, {"drained": True}])
    assert ran.result["failed"] is True and "got 1 of 3 answers" in ran.result["msg"] and "drained" not in ran.result
    assert steps(ran) == ["judge", "record"]


def test_a_drain_that_fails_fails(run_action, vars_of, heartbeat_server, clock):
    heartbeat_server.after_each = lambda server: server.puts and server.status.update(probers=[prober(not_live=3)])
    before = dict(heartbeat_server.status)
    judged = {"changed": True, "components": [], "work": ["shop"], "statuses": {"shop": before}}
    recorded = {"changed": True, "components": [], "statuses": {"shop": {**before, "state": "standby", "revision": 8}}}
    not_drained = {"failed": True, "msg": "Not drained after 60 s", "drained": False, "changed": False}
    ran = run_action("out", far(heartbeat_server), vars_of(), answer=[judged, recorded, not_drained])
    assert (ran.result["failed"], ran.result["msg"], ran.result["drained"]) == (True, "Not drained after 60 s", False)
    # The heartbeat was written all the same.
    assert ran.result["changed"] is True


def test_the_node_may_refuse(run_action, vars_of, heartbeat_server, node, clock):
    _lock.acquire("r9", "alice@ops1", "ops1", "release", 600.0)
    ran = run_action("out", far(heartbeat_server), vars_of(), answer=node)
    assert ran.result["failed"] is True and "the lock is held by alice@ops1" in ran.result["msg"]
    assert heartbeat_server.puts == [] and _proof.read() is None


def test_a_stale_decision_changes_nothing(run_action, vars_of, heartbeat_server, node, clock):
    heartbeat_server.status.update(revision=9)
    ran = run_action("out", far(heartbeat_server), vars_of(), answer=node)
    assert "the decision was made on revision 7" in ran.result["msg"] and heartbeat_server.puts == []


def test_a_prediction(run_action, vars_of, heartbeat_server, run_module, monkeypatch, clock):
    monkeypatch.setattr(AnsibleModule, "run_command", lambda self, command, **kwargs: (0, "ActiveState=inactive\nMainPID=0\n", ""))
    ran = run_action("out", far(heartbeat_server), vars_of(), answer=lambda module_args: dict(run_module("out", module_args, check_mode=True)), check_mode=True)
    assert ran.result["changed"] is True and heartbeat_server.puts == [] and len(ran.sent) == 1 and _proof.read() is None


def test_no_way_to_the_heartbeat(run_action, vars_of, heartbeat_server):
    task = far(heartbeat_server)
    task["components"][0]["heartbeat"]["via"] = "tunnel"
    ran = run_action("out", task, vars_of())
    assert ran.result["failed"] is True and "a tunnel takes a connection through ssh" in ran.result["msg"] and ran.sent == []


PASSED = {"reason": "CHG-4711", "passed": ["HS-PEAK: 2 nodes can serve 100 requests/s"]}


def test_by_which_right_it_leaves_is_in_its_journal_before_it_does(run_action, vars_of):
    task_vars = vars_of()
    task_vars["allowed"]["override"] = PASSED
    ran = run_action("out", args(), {**task_vars, "awx_user_name": "alice"})
    assert [module for module, _sent in ran.sent] == ["halfswap.bluegreen.journal", MODULE]
    noted = ran.sent[0][1]
    assert (noted["run_id"], noted["what"], noted["after"]) == ("r2", "override", PASSED) and noted["by"].startswith("alice@")
    assert "override" not in ran.sent[1][1]


@pytest.mark.parametrize("msg", ["No space left on device", "journal.jsonl is read-only", "Another process has held it"])
def test_what_cannot_be_noted_is_not_done(run_action, vars_of, msg):
    task_vars = vars_of()
    task_vars["allowed"]["override"] = PASSED
    ran = run_action("out", args(), task_vars, answer={"failed": True, "msg": msg})
    assert len(ran.sent) == 1 and ran.result["failed"] is True
    assert ran.result["msg"] == f"What the override passes could not be noted, nothing was changed. {msg}"
