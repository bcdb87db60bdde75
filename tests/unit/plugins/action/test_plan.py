# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible import context
from ansible.errors import AnsibleError

BALANCERS = [
    {"name": "live", "follows": "live", "path": "/heartbeat/live", "addresses": ["10.0.0.5"]},
    {"name": "standby", "follows": "standby", "path": "/heartbeat/standby", "addresses": ["10.0.0.5"]},
]
ARGS = {"observed": "seen", "packages": "found", "load_balancers": BALANCERS}


@pytest.fixture
def vars_of(said):
    def build(release="2.0.0", **changes):
        groups = {"blue": ["blue1"], "green": ["green1"]}
        found = {"changed": True, "packages": [{"name": "shop", "before": None, "after": f"shop-{release}-1.noarch"}]}
        hostvars = {name: {"seen": changes.get(name, said()), "found": found} for name in ("blue1", "green1")}
        return {"groups": groups, "hostvars": hostvars, "inventory_hostname": "blue1"}

    return build


def test_plans_and_shows(run_action, vars_of):
    ran = run_action("plan", ARGS, vars_of())
    assert [batch["nodes"] for batch in ran.result["batches"]] == [("blue1",), ("green1",)]
    assert ran.result["batches"][0]["after"] == {"blue1": {"shop": "shop-2.0.0-1.noarch"}}
    assert ran.result["changed"] is False and "failed" not in ran.result
    assert ran.shown == ran.result["table"] and ran.shown[0].startswith(f"PLAN {ran.result['hash']}")
    assert ran.result["strategy"] == "halves" and ran.result["eta_s"] == 5.0


def test_what_the_nodes_call_it(run_action, vars_of, said):
    def deployment(task_vars=None, **args):
        return {batch["deployment"] for batch in run_action("plan", {**ARGS, "run_id": "r2", **args}, task_vars or vars_of()).result["batches"]}

    record = {"current": {"shop": "shop-2.0.0-1.noarch"}, "deployment": "r1", "previous": [], "cut_off": None, "out_s": None, "phase": "SERVING"}
    half_done = vars_of(blue1=dict(said("2.0.0"), record=record))
    assert deployment() == {"r2"}
    assert deployment(half_done) == {"r1"}
    assert deployment(half_done, forward=False, deployment="r0") == {"r0"}
    assert deployment(half_done, forward=False) == {""}


def test_nothing_to_do(run_action, vars_of):
    assert run_action("plan", ARGS, vars_of("1.0.0")).result["batches"] == ()


def test_a_refusal_fails_with_every_reason(run_action, vars_of):
    ran = run_action("plan", ARGS, vars_of(blue1={"unreachable": True}, green1=None))
    assert ran.result["failed"] is True
    assert ran.result["msg"] == "Refused, nothing was changed: HS-UNREAD: blue1: it is unreachable; HS-UNREAD: green1: it was not read."
    assert ran.shown[0] == "PLAN refused:"


def test_a_node_whose_repositories_were_not_asked(run_action, vars_of):
    task_vars = vars_of()
    task_vars["hostvars"]["green1"]["found"] = {"skipped": True}
    result = run_action("plan", ARGS, task_vars).result
    assert result["failed"] is True and not result.get("batches")
    assert "green1: the packages of the release were not found for it (skipped)" in result["msg"]


def test_bad_load_balancers(run_action, vars_of):
    with pytest.raises(AnsibleError) as error:
        run_action("plan", {**ARGS, "load_balancers": BALANCERS[:1]}, vars_of())
    assert "none follows standby" in str(error.value)


def test_an_unknown_option(run_action, vars_of):
    with pytest.raises(AnsibleError):
        run_action("plan", {**ARGS, "nonsense": 1}, vars_of())


def refusals(ran):
    assert ran.result["failed"] is True and ran.result["batches"] == ()
    return ran.result["msg"]


def test_without_packages_each_node_keeps_what_it_has(run_action, vars_of):
    args = {key: value for key, value in ARGS.items() if key != "packages"}
    assert run_action("plan", args, vars_of()).result["batches"] == ()


def test_only_the_approved_plan_is_carried_out(run_action, vars_of):
    shown = run_action("plan", ARGS, vars_of()).result["hash"]
    assert run_action("plan", {**ARGS, "plan_hash": shown}, vars_of()).result["hash"] == shown
    ran = run_action("plan", {**ARGS, "plan_hash": "0" * 12}, vars_of())
    assert f"the plan is {shown} now, and bluegreen_plan_hash approves {'0' * 12}" in refusals(ran)
    # What is done already needs no approval any more.
    assert "failed" not in run_action("plan", {**ARGS, "plan_hash": shown}, vars_of("1.0.0")).result


def test_a_declared_number_of_nodes(run_action, vars_of):
    assert "failed" not in run_action("plan", {**ARGS, "node_count": 2}, vars_of()).result
    assert "the inventory has 2 nodes here, and bluegreen_node_count is 4" in refusals(run_action("plan", {**ARGS, "node_count": 4}, vars_of()))
    awx = {**vars_of(), "awx_job_id": 7}
    assert "declare how many nodes there are, bluegreen_node_count: 2" in refusals(run_action("plan", ARGS, awx))
    assert "failed" not in run_action("plan", {**ARGS, "node_count": 2}, awx).result


def test_clocks_that_differ(run_action, vars_of, said):
    task_vars = vars_of(blue1=dict(said(), clock_skew_s=61.0))
    assert "blue1: its clock differs by 61 s from the controller's" in refusals(run_action("plan", ARGS, task_vars))
    assert "failed" not in run_action("plan", {**ARGS, "clock_skew_s": 90}, task_vars).result


def test_the_lock_of_another_run(run_action, vars_of, said):
    task_vars = vars_of(blue1=dict(said(), lock={"run_id": "r9", "owner": "alice@ops1"}))
    assert "blue1: the lock is held by alice@ops1 (run r9)" in refusals(run_action("plan", ARGS, task_vars))
    assert "failed" not in run_action("plan", {**ARGS, "run_id": "r9"}, task_vars).result


def test_windows(run_action, vars_of):
    never = {"timezone": "UTC", "blocked": [{"from": "2000-01-01 00:00", "until": "2999-01-01 00:00"}]}
    assert "2000-01-01 00:00" in refusals(run_action("plan", {**ARGS, "windows": never}, vars_of()))
    assert "failed" not in run_action("plan", {**ARGS, "windows": never}, vars_of("1.0.0")).result
    with pytest.raises(AnsibleError) as error:
        run_action("plan", {**ARGS, "windows": {"timezone": "Nowhere/At_all"}}, vars_of())
    assert "bluegreen_windows: " in str(error.value)


def test_rolling_observes(run_action, vars_of):
    ran = run_action("plan", {**ARGS, "strategy": "rolling", "batch_size": "50%"}, vars_of())
    assert [batch["observe_s"] for batch in ran.result["batches"]] == [10.0, 10.0]
    with pytest.raises(AnsibleError) as error:
        run_action("plan", {**ARGS, "strategy": "rolling", "batch_size": "some"}, vars_of())
    assert "bluegreen_batch_size is 'some'" in str(error.value)


def test_dead_nodes_are_left_out(run_action, vars_of):
    task_vars = vars_of(green1={"unreachable": True})
    (batch,) = run_action("plan", {**ARGS, "without": ["green1"]}, vars_of("1.0.0")).result["batches"] or [None]
    assert batch is None
    assert "0 of at least 1 nodes would serve" in refusals(run_action("plan", {**ARGS, "without": ["green1"]}, task_vars))
    with pytest.raises(AnsibleError) as error:
        run_action("plan", {**ARGS, "without": ["green7"]}, task_vars)
    assert "bluegreen_without names green7" in str(error.value)


def test_an_exclusive_switch_needs_all_its_nodes_side_by_side(run_action, vars_of, monkeypatch):
    exclusive = {
        **ARGS,
        "strategy": "cutover",
        "exclusive": True,
        "load_balancers": [{**BALANCERS[0], "hold_s": 8, "fall": 1, "rise": 3}, BALANCERS[1]],
    }
    assert run_action("plan", exclusive, vars_of()).result["batches"][0]["exclusive"] is True
    monkeypatch.setattr(context, "CLIARGS", {"forks": 1})
    assert "an exclusive switch of 2 nodes needs as many forks, and there are 1" in run_action("plan", exclusive, vars_of()).result["msg"]
    assert "failed" not in run_action("plan", {**exclusive, "exclusive": False}, vars_of()).result


def test_two_names_of_one_machine(run_action, vars_of, said):
    one = said()
    ran = run_action("plan", ARGS, vars_of(blue1=one, green1=one))
    assert "blue1: it is the same machine as green1, which counts once: leave one of these names in the inventory" in refusals(ran)
    assert run_action("plan", ARGS, vars_of(blue1=one, green1=one), check_mode=True).result["failed"] is True


@pytest.mark.parametrize("state", ["LIVE", "serving", True, None])
def test_a_node_that_speaks_another_dialect(run_action, vars_of, said, state):
    wrong = said()
    wrong["components"][0]["heartbeat"]["state"] = state
    assert "green1: it answers in another dialect" in refusals(run_action("plan", ARGS, vars_of(green1=wrong)))


def test_a_component_of_one_stack_alone(run_action, vars_of, said):
    other = said()
    other["components"][0]["name"] = "basket"
    assert "the component shop is on nodes of the stack blue alone (blue1)" in refusals(run_action("plan", ARGS, vars_of(green1=other)))


def test_what_the_task_does_not_say_is_taken_from_the_site(run_action, vars_of):
    args = {key: value for key, value in ARGS.items() if key != "load_balancers"}
    site = {
        "load_balancers": BALANCERS,
        "strategy": "rolling",
        "batch_size": "50%",
        "plan_hash": None,
        "confirm_after": None,
        "observe_s": 3.0,
        "nodes": ["blue1"],
    }
    ran = run_action("plan", {**args, "site": site}, vars_of())
    assert (ran.result["strategy"], [batch["observe_s"] for batch in ran.result["batches"]]) == ("rolling", [3.0, 3.0])
    # What the task says goes first.
    assert run_action("plan", {**args, "site": site, "strategy": "halves"}, vars_of()).result["strategy"] == "halves"
    assert "bluegreen_plan_hash approves" in refusals(run_action("plan", {**args, "site": {**site, "plan_hash": "0" * 12}}, vars_of()))


def test_a_cut_over_is_confirmed_after_a_while(run_action, vars_of):
    batches = run_action("plan", {**ARGS, "strategy": "cutover", "confirm_after": 30}, vars_of()).result["batches"]
    assert [batch["observe_s"] for batch in batches] == [30.0, 0.0]
    assert len(run_action("plan", {**ARGS, "strategy": "cutover"}, vars_of()).result["batches"]) == 1


def test_one_host_shows_it(run_action, vars_of):
    assert run_action("plan", ARGS, {**vars_of(), "ansible_play_hosts": ["green1", "blue1"]}).shown == []


# ---- Break-glass --------------------------------------------------------------------------------------------------------------------

NEVER = {"timezone": "UTC", "blocked": [{"from": "2000-01-01 00:00", "until": "2999-01-01 00:00"}]}


def passing(*codes):
    return {"reason": "CHG-4711", "refusals": list(codes)}


def test_what_is_passed_is_in_the_plan_and_in_the_result(run_action, vars_of):
    ran = run_action("plan", {**ARGS, "windows": NEVER, "override": passing("HS-WINDOW")}, vars_of())
    assert "failed" not in ran.result and len(ran.result["batches"]) == 2 and ran.result["refusals"] == []
    (line,) = [line for line in ran.shown if line.startswith("PASSED by override, because CHG-4711: HS-WINDOW: The time from ")]
    assert ran.result["override"] == {"reason": "CHG-4711", "passed": [line.removeprefix("PASSED by override, because CHG-4711: ")]}
    # It is the same plan.
    assert ran.result["hash"] == run_action("plan", ARGS, vars_of()).result["hash"]


def test_nothing_is_passed_that_does_not_refuse(run_action, vars_of):
    ran = run_action("plan", {**ARGS, "override": passing("HS-WINDOW", "HS-PEAK")}, vars_of())
    assert ran.result["override"] == {} and not [line for line in ran.shown if "PASSED" in line]


@pytest.mark.parametrize("codes", [(), ("HS-PEAK",), ("HS-PEAK", "HS-CLOCK")])
def test_what_it_does_not_name_refuses_all_the_same(run_action, vars_of, codes):
    msg = refusals(run_action("plan", {**ARGS, "windows": NEVER, "override": passing(*codes) if codes else {}}, vars_of()))
    assert "HS-WINDOW: The time from " in msg


def test_one_that_is_passed_does_not_hide_another(run_action, vars_of, said):
    late = vars_of(blue1=dict(said(), clock_skew_s=61.0))
    ran = run_action("plan", {**ARGS, "windows": NEVER, "override": passing("HS-WINDOW")}, late)
    assert "HS-CLOCK: blue1" in refusals(ran) and "HS-WINDOW" not in ran.result["msg"]
    assert "failed" not in run_action("plan", {**ARGS, "windows": NEVER, "override": passing("HS-WINDOW", "HS-CLOCK")}, late).result


def test_peak_load_is_passed(run_action, vars_of, said):
    busy = vars_of(blue1=said(rate=60.0), green1=said(rate=60.0))
    capacity = {**ARGS, "capacity": [{"name": "shop", "per_s": 80}]}
    assert "HS-PEAK: while batch 1 (blue1) is out, 1 nodes can serve" in refusals(run_action("plan", capacity, busy))
    assert len(run_action("plan", {**capacity, "override": passing("HS-PEAK")}, busy).result["override"]["passed"]) == 2


@pytest.mark.parametrize("strategy", ["halves", "rolling", "cutover"])
def test_the_last_node_stays_whatever_is_passed(run_action, vars_of, strategy):
    args = {**ARGS, "strategy": strategy, "without": ["green1"], "override": passing("HS-LAST", "HS-MIN-LIVE", "HS-UNAVAILABLE")}
    assert "HS-LAST: while batch 1 (blue1) is out, 0 of at least 1 nodes would serve" in refusals(run_action("plan", args, vars_of()))


@pytest.mark.parametrize("state", ["LIVE", None])
def test_an_unread_node_stays_unread_whatever_is_passed(run_action, vars_of, said, state):
    wrong = said()
    wrong["components"][0]["heartbeat"]["state"] = state
    assert "HS-UNREAD: green1" in refusals(run_action("plan", {**ARGS, "override": passing("HS-UNREAD")}, vars_of(green1=wrong)))
