# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.errors import AnsibleError

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._refusals import ROWS

BALANCERS = [
    {"name": "live", "follows": "live", "path": "/heartbeat/live", "addresses": ["10.0.0.5"]},
    {"name": "standby", "follows": "standby", "path": "/heartbeat/standby", "addresses": ["10.0.0.5"]},
]
GROUPS = {"blue": ["blue1", "blue2"], "green": ["green1", "green2"]}
NAMES = ["blue1", "blue2", "green1", "green2"]
SITE = {"run_id": "r2", "load_balancers": BALANCERS, "min_live": 0, "max_unavailable": "0", "capacity": [], "without": [], "on_failure": "rollback"}
ARGS = {"site": SITE, "batch": ["blue1", "blue2"], "batch_id": "r2/1", "evidence": "seen"}


@pytest.fixture
def vars_of(said, clock):
    def build(hosts=None, **changes):
        hostvars = {name: {"seen": changes.get(name, said(batch_id="r2/1"))} for name in NAMES}
        return {
            "inventory_hostname": "blue1",
            "groups": GROUPS,
            "hostvars": hostvars,
            "ansible_play_hosts_all": NAMES,
            "ansible_play_hosts": NAMES if hosts is None else hosts,
        }

    return build


def refused(ran):
    assert ran.result["failed"] is True and ran.result["changed"] is False and ran.sent == []
    assert "nodes" not in ran.result and "served" not in ran.result
    assert ran.result["msg"].startswith("Interlock: ") and "nothing was changed. " in ran.result["msg"]
    return ran.result["msg"]


def test_a_permit_for_the_batch(run_action, vars_of):
    ran = run_action("interlock", ARGS, vars_of())
    assert "failed" not in ran.result and ran.result["changed"] is False
    assert (ran.result["batch_id"], ran.result["at"], list(ran.result["nodes"])) == ("r2/1", 1000.0, ["blue1", "blue2"])
    assert ran.result["nodes"]["blue1"]["revisions"] == {"shop": 7} and ran.result["served"] == [{"shop": "shop-1.0.0-1.noarch"}]


def test_no_node_is_asked_and_none_is_needed(run_action, vars_of):
    """It is judged on the first host, which may be one that nobody reaches."""
    from ansible_collections.halfswap.bluegreen.plugins.action.interlock import ActionModule

    ran = run_action("interlock", ARGS, vars_of())
    assert ran.sent == [] and ActionModule._requires_connection is False


def test_it_is_judged_once_from_one_look_at_each_node(run_action, vars_of, watched):
    task_vars = vars_of()
    task_vars["hostvars"] = watched(task_vars["hostvars"])
    run_action("interlock", ARGS, task_vars)
    assert sorted(task_vars["hostvars"].read) == NAMES


@pytest.mark.parametrize(
    "name, wrong, text",
    [
        ("green2", {"unreachable": True}, "green2 counts as not live: it is unreachable"),
        ("green2", None, "green2 counts as not live: it was not read"),
        ("green2", {"skipped": True}, "green2 counts as not live: its reading was skipped"),
        ("green2", {"failed": True, "msg": "no rpm"}, "green2 counts as not live: its reading failed: no rpm"),
        ("blue2", {"unreachable": True}, "blue2: it is unreachable"),
        ("blue1", {"failed": True, "msg": "held by r9"}, "blue1: its reading failed: held by r9"),
    ],
)
def test_a_node_that_was_not_read_refuses_the_batch(run_action, vars_of, name, wrong, text):
    ran = run_action("interlock", {**ARGS, "site": {**SITE, "min_live": 1}}, vars_of(**{name: wrong}))
    assert text in refused(ran) and any(text in reason for reason in ran.result["refused"])


def test_what_the_limit_left_out_is_unread(run_action, vars_of):
    task_vars = vars_of()
    del task_vars["hostvars"]["green1"]
    assert "green1 counts as not live: it was not read" in refused(run_action("interlock", ARGS, task_vars))


def test_evidence_of_another_batch_is_none(run_action, vars_of):
    assert "it was read for r2/1, not for r2/2" in refused(run_action("interlock", {**ARGS, "batch_id": "r2/2"}, vars_of()))


def test_evidence_of_a_minute_ago_is_none(run_action, vars_of, said, clock):
    """The batch's own as well."""
    clock.advance(61)
    for old in (vars_of(), vars_of(**{name: said(batch_id="r2/1", at=clock.now) for name in NAMES if name != "blue1"})):
        assert "blue1: it was read 1 s too long ago" in refused(run_action("interlock", ARGS, old))


@pytest.mark.parametrize("twins", [("blue1", "green1"), ("green1", "green2"), ("blue1", "blue2")])
def test_two_names_of_one_machine(run_action, vars_of, said, twins):
    task_vars = vars_of(**dict.fromkeys(twins, said(batch_id="r2/1")))
    for check_mode in (False, True):
        msg = refused(run_action("interlock", {**ARGS, "site": {**SITE, "min_live": 1}}, task_vars, check_mode=check_mode))
        assert all(f"{name}: it is the same machine as" in msg or f"{name} counts as not live: it is the same machine as" in msg for name in twins)


def test_too_few_stay(run_action, vars_of, said):
    one_out = vars_of(green1=said(state="standby", batch_id="r2/1"))
    msg = refused(run_action("interlock", ARGS, one_out))
    assert msg.startswith("Interlock: blue1, blue2 does not leave, nothing was changed. HS-MIN-LIVE: 1 of at least 2 other nodes would stay live")
    assert "failed" not in run_action("interlock", {**ARGS, "site": {**SITE, "min_live": 1}}, one_out).result


def test_whoever_was_lost_is_named(run_action, vars_of):
    """Ansible goes on after a host that was lost; and what it said before is not what it is now."""
    for lost in ("green2", "blue1"):
        msg = refused(run_action("interlock", ARGS, vars_of(hosts=[name for name in NAMES if name != lost])))
        assert f"{lost} has left this run, see above" in msg
    assert all(f"{name} has left this run" in refused(run_action("interlock", ARGS, vars_of(hosts=[]))) for name in NAMES)


def test_the_lock_of_another_run(run_action, vars_of, said):
    theirs = dict(said(batch_id="r2/1"), lock={"run_id": "r9", "owner": "alice@ops1"})
    assert "green1: the lock is held by alice@ops1 (run r9)" in refused(run_action("interlock", ARGS, vars_of(green1=theirs)))
    mine = dict(said(batch_id="r2/1"), lock={"run_id": "r2", "owner": "alice@ops1"})
    assert "failed" not in run_action("interlock", ARGS, vars_of(green1=mine)).result


def test_the_limits_are_those_of_the_site(run_action, vars_of):
    assert "bluegreen_max_unavailable is 1" in refused(run_action("interlock", {**ARGS, "site": {**SITE, "max_unavailable": "25%"}}, vars_of()))
    # A dead node that the operator has named is not asked.
    without = {**SITE, "without": ["green2"]}
    assert "failed" not in run_action("interlock", {**ARGS, "site": without}, vars_of(green2=None)).result
    with pytest.raises(AnsibleError, match="bluegreen_without names green9"):
        run_action("interlock", {**ARGS, "site": {**SITE, "without": ["green9"]}}, vars_of())


@pytest.mark.parametrize("option", ["batch", "batch_id", "evidence"])
def test_a_required_option(run_action, vars_of, option):
    with pytest.raises(AnsibleError, match=option):
        run_action("interlock", {key: value for key, value in ARGS.items() if key != option}, vars_of())


@pytest.mark.parametrize("key", ["run_id", "load_balancers"])
def test_what_the_site_must_say(run_action, vars_of, key):
    with pytest.raises(AnsibleError, match=key):
        run_action("interlock", {**ARGS, "site": {name: value for name, value in SITE.items() if name != key}}, vars_of())


def test_a_node_of_the_batch_that_the_inventory_does_not_have(run_action, vars_of):
    """It can get no permit: it is not in what the nodes said."""
    ran = run_action("interlock", {**ARGS, "batch": ["blue1", "blue7"]}, vars_of())
    assert "blue7" not in (ran.result.get("nodes") or {})


@pytest.mark.parametrize("code, passes", [("HS-MIN-LIVE", True), ("HS-PEAK", False), ("HS-LAST", False)])
def test_too_few_are_passed_by_their_name(run_action, vars_of, said, code, passes):
    site = {**SITE, "override": {"reason": "CHG-4711", "refusals": [code]}}
    ran = run_action("interlock", {**ARGS, "site": site}, vars_of(green1=said(state="standby", batch_id="r2/1")))
    if not passes:
        assert "HS-MIN-LIVE: 1 of at least 2" in refused(ran)
        return
    told = ["HS-MIN-LIVE: 1 of at least 2 other nodes would stay live, healthy and on a known release (green2)", "HS-MIN-LIVE: green1 is in standby"]
    assert ran.result["override"] == {"reason": "CHG-4711", "passed": told}
    assert ran.shown == [f"PASSED by override, because CHG-4711: {text}" for text in told]


def test_nobody_passes_the_last_node(run_action, vars_of, said):
    """Nor a node that was not read, nor one that has left the run."""
    out = said(state="standby", batch_id="r2/1")
    everything = {**SITE, "override": {"reason": "CHG-4711", "refusals": list(ROWS)}}
    args = {**ARGS, "site": everything}
    assert "HS-LAST: 0 of at least 2" in refused(run_action("interlock", args, vars_of(green1=out, green2=out)))
    assert "HS-UNREAD: green2 counts as not live" in refused(run_action("interlock", args, vars_of(green2={"unreachable": True})))
    assert "HS-LOST: green2" in refused(run_action("interlock", args, vars_of(hosts=["blue1", "blue2", "green1"])))
    # Where nothing refuses, nothing is passed.
    assert run_action("interlock", args, vars_of()).result["override"] == {}
