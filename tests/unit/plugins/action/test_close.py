# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from ansible.errors import AnsibleError
from jinja2 import ChainableUndefined
from jinja2.nativetypes import NativeEnvironment

from ansible_collections.halfswap.bluegreen import plugins

BALANCERS = [
    {"name": "live", "follows": "live", "path": "/heartbeat/live", "addresses": ["10.0.0.5"]},
    {"name": "standby", "follows": "standby", "path": "/heartbeat/standby", "addresses": ["10.0.0.5"]},
]
SITE = {"without": [], "load_balancers": BALANCERS, "strategy": "halves", "batch_size": "1", "run_id": "r2", "exclusive": False}
DONE = {"site": SITE, "observed": "seen", "packages": "found", "strategy": "halves", "complete": True}
STOPPED = {**DONE, "complete": False}


@pytest.fixture
def vars_of(said):
    def build(release="2.0.0", **changes):
        found = {"changed": False, "packages": [{"name": "shop", "before": None, "after": f"shop-{release}-1.noarch"}]}
        hostvars = {name: {"seen": changes.get(name, said("2.0.0")), "found": found} for name in ("blue1", "green1")}
        return {"groups": {"blue": ["blue1"], "green": ["green1"]}, "hostvars": hostvars, "inventory_hostname": "blue1"}

    return build


def test_complete_and_nothing_left(run_action, vars_of):
    ran = run_action("close", DONE, vars_of())
    assert "failed" not in ran.result and (ran.result["complete"], ran.result["table"], ran.result["changed"]) == (True, [], False)
    assert ran.shown == [] and ran.sent == []


def test_complete_but_something_is_left(run_action, vars_of, said):
    """The plan was carried out to its end, and the nodes say something else."""
    ran = run_action("close", DONE, vars_of(green1=said("1.0.0")))
    assert ran.result["failed"] is True
    assert ran.result["msg"].startswith("All batches are through, but something is left to do: batch 1 (green1) is left to do. Run the same command again.")
    assert ran.shown == ran.result["table"] and ran.shown[0].split()[:2] == ["node", "stack"]
    assert any(line.startswith("It is half done") for line in ran.shown)


@pytest.mark.parametrize("wrong, text", [({"unreachable": True}, "green1: it is unreachable"), (None, "green1: it was not read")])
def test_complete_but_nobody_knows(run_action, vars_of, wrong, text):
    ran = run_action("close", DONE, vars_of(green1=wrong))
    assert ran.result["failed"] is True and text in ran.result["msg"]
    assert any("unread" in line for line in ran.shown)


def test_a_node_in_standby_is_left_to_do(run_action, vars_of, said):
    ran = run_action("close", DONE, vars_of(blue1=said("2.0.0", state="standby")))
    assert "batch 1 (blue1) is left to do" in ran.result["msg"]


def test_after_a_cut_over_the_old_half_stands_by_and_nothing_is_left(run_action, vars_of, said):
    ran = run_action("close", {**DONE, "strategy": "cutover"}, vars_of(green1=said("1.0.0", state="standby")))
    assert "failed" not in ran.result and ran.result["complete"] is True


def served(said, *versions):
    current, *previous = [{"shop": f"shop-{version}-1.noarch"} for version in versions]
    return {
        **said,
        "record": {
            "current": current,
            "deployment": "",
            "previous": [{"deployment": "", "packages": each} for each in previous],
            "out_s": None,
            "cut_off": None,
            "phase": "SERVING",
        },
    }


def test_after_a_cut_over_it_names_confirm_and_the_way_back(run_action, vars_of, said):
    new, old = served(said("2.0.0"), "2.0.0", "1.0.0"), served(said("1.0.0", state="standby"), "1.0.0")
    ran = run_action("close", {**DONE, "strategy": "cutover"}, vars_of(blue1=new, green1=old))
    assert ran.result["complete"] is True and ran.shown == ran.result["table"]
    (line,) = ran.shown
    assert line.startswith("green1 stands by on shop-1.0.0-1.noarch. halfswap.bluegreen.confirm ") and "halfswap.bluegreen.rollback" in line
    # What swaps nothing has nothing to say of it.
    assert run_action("close", {"site": SITE, "observed": "seen", "complete": True}, vars_of(blue1=new, green1=old)).shown == []


def test_a_look_at_empty_nodes_that_failed_leaves_nothing_half_done(run_action, vars_of, said):
    empty = said(None, state="standby", healthy=False, active=False)
    ran = run_action("close", STOPPED, vars_of(blue1=empty, green1=empty), check_mode=True)
    assert "This run changed nothing (--check)." in ran.shown and not any(line.startswith("It is half done") for line in ran.shown)


def test_all_live_has_no_packages(run_action, vars_of, said):
    args = {key: value for key, value in DONE.items() if key != "packages"}
    assert run_action("close", {**args, "strategy": "all_live"}, vars_of(green1=said("1.0.0"))).result["complete"] is True
    ran = run_action("close", {**args, "strategy": "all_live"}, vars_of(green1=said("1.0.0", state="standby")))
    assert ran.result["failed"] is True and "batch 1 (green1) is left to do" in ran.result["msg"]


def test_a_dead_node_that_was_left_out_is_nothing_left(run_action, vars_of):
    assert run_action("close", {**DONE, "site": {**SITE, "without": ["green1"]}}, vars_of(green1=None)).result["complete"] is True


def test_packages_that_were_not_found_are_a_refusal_and_no_crash(run_action, vars_of):
    task_vars = vars_of()
    del task_vars["hostvars"]["green1"]["found"]
    ran = run_action("close", DONE, task_vars)
    assert ran.result["failed"] is True and "green1: the packages of the release were not found for it" in ran.result["msg"]


@pytest.mark.parametrize("strategy", [None, "halves"])
def test_without_a_strategy_of_the_task_nothing_is_planned(run_action, vars_of, said, strategy):
    """A playbook that swaps nothing (migrate, verify_lb) has nothing left, wherever the nodes stand; the site has a strategy all the same."""
    args = {"site": {**SITE, "strategy": strategy}, "observed": "seen", "complete": True}
    ran = run_action("close", args, vars_of(green1=said("1.0.0", state="standby")))
    assert "failed" not in ran.result and (ran.result["complete"], ran.shown) == (True, [])


def test_incomplete_shows_where_it_stands_and_what_comes_next(run_action, vars_of, said):
    blue, green = (served(each, "1.0.0") for each in (said("2.0.0", state="standby"), said("1.0.0")))
    ran = run_action("close", STOPPED, vars_of(blue1=blue, green1=green))
    assert "failed" not in ran.result and ran.result["complete"] is False
    assert ran.shown == ran.result["table"]
    assert any(line.startswith("blue1") and "shop-2.0.0-1.noarch" in line and "standby" in line for line in ran.shown)
    assert "run the same command again" in "".join(ran.shown) and "halfswap.bluegreen.rollback" in "".join(ran.shown)
    assert ran.shown[-1] == "halfswap.bluegreen.history shows what was done."


def test_what_comes_next_by_where_it_stands(run_action, vars_of, said):
    half = run_action("close", STOPPED, vars_of(blue1=said("2.0.0", state="standby")))
    assert any(line.startswith("It is half done") for line in half.shown)
    whole = run_action("close", {**STOPPED, "site": {**SITE, "without": ["blue1"]}}, vars_of(blue1=said("2.0.0", state="standby")))
    assert any(line.startswith("Nothing is half done") for line in whole.shown)


def test_what_comes_next_may_be_in_what_went_wrong(run_action, vars_of):
    ran = run_action("close", {**STOPPED, "next": False}, vars_of())
    assert ran.shown[-1] == "2 of 2 nodes serve." and not any("history" in line for line in ran.shown)


def test_incomplete_with_nodes_that_do_not_answer_is_no_other_failure(run_action, vars_of):
    ran = run_action("close", STOPPED, vars_of(blue1={"unreachable": True}, green1={"failed": True, "msg": "no rpm"}))
    assert "failed" not in ran.result and any("no rpm" in line for line in ran.shown)
    # As far as it never came to the packages.
    assert "failed" not in run_action("close", {**STOPPED, "packages": "never"}, vars_of()).result


def test_who_asks_without_being_a_prober_is_shown(run_action, vars_of, said):
    strange = said("2.0.0")
    strange["components"][0]["heartbeat"]["probers"][0]["address"] = "10.0.0.99"
    assert any("10.0.0.99" in line for line in run_action("close", STOPPED, vars_of(blue1=strange)).shown)
    without = {**STOPPED, "site": {**SITE, "load_balancers": None}}
    assert not any("10.0.0.99" in line for line in run_action("close", without, vars_of(blue1=strange)).shown)


@pytest.mark.parametrize("option", ["observed", "complete"])
def test_a_required_option(run_action, vars_of, option):
    with pytest.raises(AnsibleError, match=option):
        run_action("close", {key: value for key, value in DONE.items() if key != option}, vars_of())


# ---- As the playbooks end with it ---------------------------------------------------------------------------------------------------

END = Path(next(iter(plugins.__path__))).parent / "playbooks/tasks/end.yml"
OMITTED = object()
HOSTS = ["blue1", "green1"]


def ended(run_action, task_vars, check_mode=False, **variables):
    """What the last task of end.yml says, with what a playbook has found out; nothing where it is not run."""
    task = yaml.safe_load(END.read_text(encoding="utf-8"))[-1]
    templates = NativeEnvironment(undefined=ChainableUndefined)
    templates.tests.update({what: lambda result, what=what: bool((result or {}).get(what)) for what in ("skipped", "failed", "unreachable")})
    known = {
        "omit": OMITTED,
        "ansible_check_mode": check_mode,
        "__bluegreen_site": SITE,
        "ansible_play_hosts": HOSTS,
        "ansible_play_hosts_all": HOSTS,
        **variables,
    }

    def filled(text):
        return templates.from_string(text).render(known) if isinstance(text, str) and "{{" in text else text

    conditions = task.get("when", [])
    if not all(filled(f"{{{{ {each} }}}}") for each in (conditions if isinstance(conditions, list) else [conditions])):
        return {}
    args = {key: filled(value) for key, value in task["halfswap.bluegreen.close"].items()}
    of_nodes = {
        name: {"__bluegreen_observed": found["seen"], **({"__bluegreen_packages": found["found"]} if "found" in found else {})}
        for name, found in task_vars["hostvars"].items()
    }
    given = {key: value for key, value in args.items() if value is not OMITTED}
    return run_action("close", given, {**task_vars, "hostvars": of_nodes}, check_mode=check_mode).result


def deployed(strategy="halves"):
    """What deploy has found out when it comes to its end."""
    packages = {"skipped": True} if strategy == "all_live" else {"packages": []}
    return {
        "__bluegreen_wanted": {"strategy": strategy, "wanted": {}},
        "__bluegreen_packages": packages,
        "__bluegreen_plan": {"strategy": strategy, "batches": []},
    }


def without_packages(task_vars):
    for found in task_vars["hostvars"].values():
        del found["found"]
    return task_vars


def test_a_deployment_that_is_through(run_action, vars_of, said):
    assert not ended(run_action, vars_of(), **deployed()).get("failed")
    assert "something is left to do" in ended(run_action, vars_of(green1=said("1.0.0")), **deployed())["msg"]


def test_a_way_back_to_what_is_installed_needs_no_packages(run_action, vars_of, said):
    assert not ended(run_action, without_packages(vars_of(green1=said("1.0.0"))), **deployed("all_live")).get("failed")


def test_a_deployment_that_was_only_planned_has_nothing_to_answer_for(run_action, vars_of, said):
    """With --check it stops after the plan, whatever the plan is."""
    result = ended(run_action, vars_of(green1=said("1.0.0")), check_mode=True, **deployed())
    assert not result.get("failed"), result["msg"]


def test_an_adoption_stages_no_packages(run_action, vars_of):
    """It finds a target, and a strategy with it, and installs nothing."""
    result = ended(run_action, without_packages(vars_of()), __bluegreen_next=False, __bluegreen_wanted={"strategy": "halves", "wanted": {}})
    assert not result.get("failed"), result["msg"]


def test_an_adoption_leaves_alone_what_is_not_healthy(run_action, vars_of, said):
    ill = without_packages(vars_of(green1=said("2.0.0", state="standby", healthy=False)))
    result = ended(run_action, ill, __bluegreen_next=False, __bluegreen_wanted={"strategy": "halves", "wanted": {}})
    assert not result.get("failed"), result["msg"]


def test_what_swaps_nothing_has_nothing_left(run_action, vars_of, said):
    """migrate and verify_lb, whose nodes stand where they stood before."""
    result = ended(run_action, without_packages(vars_of(green1=said("2.0.0", state="standby"))))
    assert not result.get("failed"), result["msg"]


def test_a_run_that_failed_before_it_found_anything_shows_where_it_stands(run_action, vars_of):
    result = ended(run_action, without_packages(vars_of(green1={"unreachable": True})), ansible_play_hosts=HOSTS[1:])
    assert not result.get("failed") and any("unread" in line for line in result["table"])
