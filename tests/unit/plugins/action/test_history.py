# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.errors import AnsibleActionFail, AnsibleError

GROUPS = {"blue": ["blue1"], "green": ["green1", "green2"]}


def line(run_id, what="lock released", **more):
    return {"at": f"2026-11-20T10:0{run_id[1]}:00Z", "run_id": run_id, "by": "alice@ops1", "what": what, "reason": "release 2.0.0", **more}


def vars_of(*lines, **hosts):
    hostvars = {name: {"seen": {"lines": lines, "lock": None}} for names in GROUPS.values() for name in names}
    return {"groups": GROUPS, "hostvars": {**hostvars, **hosts}}


def test_shows_the_runs_of_every_node(run_action):
    ran = run_action("history", {"observed": "seen"}, vars_of(line("r1"), line("r2", result="failed")))
    assert ran.result["changed"] is False
    assert ran.result["runs"] == [{"run_id": "r1", "result": "complete"}, {"run_id": "r2", "result": "refused"}]
    assert ran.shown == ran.result["table"] and len(ran.shown) == 4


def test_the_newest_are_shown_last(run_action):
    ran = run_action("history", {"observed": "seen", "count": 2}, vars_of(line("r1"), line("r3"), line("r2")))
    assert [run["run_id"] for run in ran.result["runs"]] == ["r2", "r3"]


def test_a_lock_held_now_is_a_run_at_work(run_action):
    task_vars = vars_of(line("r1", "lock acquired"))
    assert run_action("history", {"observed": "seen"}, task_vars).result["runs"][0]["result"] == "interrupted"
    task_vars["hostvars"]["green2"]["seen"]["lock"] = {"run_id": "r1"}
    assert run_action("history", {"observed": "seen"}, task_vars).result["runs"][0]["result"] == "running"


@pytest.mark.parametrize(
    "seen, why",
    [
        ({"seen": {"unreachable": True, "msg": "ssh"}}, "it is unreachable"),
        ({"seen": {"failed": True, "msg": "lock.json is damaged"}}, "lock.json is damaged"),
        ({}, "no journal was registered"),
    ],
)
def test_a_node_that_was_not_read_is_named(run_action, seen, why):
    ran = run_action("history", {"observed": "seen"}, vars_of(line("r1"), green2=seen))
    assert ran.shown[-1] == f"green2 was not read: {why}"
    assert len(ran.result["runs"]) == 1


def test_lines_that_tell_of_no_act_are_counted_and_the_last_one_shown(run_action):
    ran = run_action("history", {"observed": "seen"}, vars_of(line("r1"), green2={"seen": {"lines": [], "strange": ["{", "null"], "lock": None}}))
    assert ran.shown[-1] == "green2: lines of its journal that are torn or not ours were left out, 2 of them, the last one: null"
    assert len(ran.result["runs"]) == 1


def test_bad_input(run_action):
    with pytest.raises(AnsibleActionFail, match="count must be at least 1"):
        run_action("history", {"observed": "seen", "count": 0}, vars_of())
    with pytest.raises(AnsibleError, match="observed"):
        run_action("history", {}, vars_of())
