# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.errors import AnsibleError

BALANCERS = [
    {"name": "live", "follows": "live", "path": "/heartbeat/live"},
    {"name": "standby", "follows": "standby", "path": "/heartbeat/standby"},
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
    assert ran.result["run_id"]


def test_nothing_to_do(run_action, vars_of):
    assert run_action("plan", ARGS, vars_of("1.0.0")).result["batches"] == ()


def test_a_refusal_fails_with_every_reason(run_action, vars_of):
    ran = run_action("plan", ARGS, vars_of(blue1={"unreachable": True}, green1=None))
    assert ran.result["failed"] is True
    assert ran.result["msg"] == "Refused, nothing was changed: blue1: it is unreachable; green1: it was not read."
    assert ran.shown[0] == "PLAN refused:"


def test_a_node_whose_repositories_were_not_asked(run_action, vars_of):
    task_vars = vars_of()
    task_vars["hostvars"]["green1"]["found"] = {"skipped": True}
    with pytest.raises(AnsibleError) as error:
        run_action("plan", ARGS, task_vars)
    assert "green1: the release was not looked up" in str(error.value)


def test_bad_load_balancers(run_action, vars_of):
    with pytest.raises(AnsibleError) as error:
        run_action("plan", {**ARGS, "load_balancers": BALANCERS[:1]}, vars_of())
    assert "none follows standby" in str(error.value)


def test_an_unknown_option(run_action, vars_of):
    with pytest.raises(AnsibleError):
        run_action("plan", {**ARGS, "nonsense": 1}, vars_of())
