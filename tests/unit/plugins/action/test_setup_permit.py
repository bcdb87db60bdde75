# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest

NAMES = ["blue1", "blue2", "green1", "green2"]
GROUPS = {"blue": NAMES[:2], "green": NAMES[2:]}
BALANCERS = [{"name": name, "follows": name, "path": f"/heartbeat/{name}", "addresses": ["10.0.0.5"]} for name in ("live", "standby")]
SITE = {"run_id": "r1", "load_balancers": BALANCERS, "min_live": 0, "max_unavailable": "0", "capacity": [], "without": []}
CHANGE = {"node": "blue2", "takes": "reload", "live": True}
ARGS = {"site": SITE, "change": CHANGE, "order": NAMES, "batch_id": "r1/blue2", "evidence": "seen", "proof": "proof"}


@pytest.fixture
def vars_of(said, clock):
    def build(hosts: list[str] | None = None, **changes: Any) -> dict[str, Any]:
        hostvars = {name: {"seen": changes.get(name, said(batch_id="r1/blue2"))} for name in NAMES}
        hostvars["blue1"]["proof"] = changes.get("proof", {"proven": True})
        left = NAMES if hosts is None else hosts
        return {"inventory_hostname": "blue1", "groups": GROUPS, "hostvars": hostvars, "ansible_play_hosts_all": NAMES, "ansible_play_hosts": left}

    return build


def refused(ran):
    assert ran.result["failed"] is True and ran.result["changed"] is False and "node" not in ran.result
    assert ran.result["msg"].startswith("blue2 is not changed. HS-")
    return ran.result["msg"]


def test_a_node_whose_turn_it_is(run_action, vars_of):
    ran = run_action("setup_permit", ARGS, vars_of())
    assert (ran.result["node"], ran.result["batch_id"]) == ("blue2", "r1/blue2") and ran.sent == []


@pytest.mark.parametrize("proof", [None, {}, {"failed": True}, {"skipped": True}, {"proven": False}])
def test_the_node_before_has_to_be_proven(run_action, vars_of, proof):
    assert "HS-UNPROVEN: blue1 was to be set up before" in refused(run_action("setup_permit", ARGS, vars_of(proof=proof)))
    # Those that come later do not.
    first = {**ARGS, "change": {**CHANGE, "node": "blue1"}}
    assert run_action("setup_permit", first, vars_of(proof=proof)).result["node"] == "blue1"


@pytest.mark.parametrize(
    "wrong, text",
    [
        (None, "green2: it was not read"),
        ({"unreachable": True}, "green2: it is unreachable"),
        ({"failed": True, "msg": "held by r9"}, "green2: its reading failed: held by r9"),
        ({"skipped": True}, "green2: its reading was skipped"),
    ],
)
def test_every_node_has_to_give_its_lock_for_this_change(run_action, vars_of, wrong, text):
    assert f"HS-UNREAD: {text}" in refused(run_action("setup_permit", ARGS, vars_of(green2=wrong)))


def test_evidence_of_another_change_is_none(run_action, vars_of, said):
    msg = refused(run_action("setup_permit", ARGS, vars_of(green2=said(batch_id="r1/blue1"))))
    assert "HS-UNREAD: green2: it was read for r1/blue1, not for r1/blue2" in msg


def test_a_node_that_is_new_gives_its_lock_and_says_little(run_action, vars_of, said):
    new = said(batch_id="r1/blue2", heartbeat=None, error="no heartbeat answers")
    assert run_action("setup_permit", ARGS, vars_of(green2=new)).result["node"] == "blue2"


def test_a_node_that_has_left_the_run(run_action, vars_of):
    assert "HS-LOST: green1 has left this run" in refused(run_action("setup_permit", ARGS, vars_of(["blue1", "blue2", "green2"])))


def test_a_dead_node_that_is_left_out_is_not_asked(run_action, vars_of):
    task_vars = vars_of()
    del task_vars["hostvars"]["green2"]
    assert run_action("setup_permit", {**ARGS, "site": {**SITE, "without": ["green2"]}}, task_vars).result["node"] == "blue2"


def test_a_restart_asks_who_else_serves(run_action, vars_of, said):
    ill = said(batch_id="r1/blue2", healthy=False)
    restart = {**ARGS, "change": {**CHANGE, "takes": "restart"}}
    assert run_action("setup_permit", restart, vars_of()).result["node"] == "blue2"
    assert "HS-MIN-LIVE: 2 of at least 3 other nodes" in refused(run_action("setup_permit", restart, vars_of(green1=ill)))
    assert run_action("setup_permit", {**restart, "site": {**SITE, "min_live": 2}}, vars_of(green1=ill)).result["node"] == "blue2"


def test_without_a_change_every_node_has_to_give_its_lock(run_action, vars_of):
    locks = {"site": SITE, "batch_id": "r1/blue2", "evidence": "seen"}
    assert run_action("setup_permit", locks, vars_of()).result["node"] is None
    ran = run_action("setup_permit", locks, vars_of(green2={"failed": True, "msg": "HS-LOCKED: the lock is held by ops@other (run r9)"}))
    assert ran.result["msg"].startswith("No node is changed. HS-UNREAD: green2: its reading failed: HS-LOCKED: the lock is held by ops@other")
