# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

ARGS = {
    "batch": {"number": 1, "nodes": ["blue1"], "undo": None},
    "on_failure": "rollback",
    "observed": "observed",
    "traffic": ["job", "traffic"],
    "traffic_attempts": 60,
    "former": "seen",
}


def vars_of(blue1, green1, host="green1"):
    return {"inventory_hostname": host, "ansible_play_hosts_all": ["blue1", "green1"], "hostvars": {"blue1": blue1, "green1": green1}}


def test_every_host_judges_what_all_have_shown(run_action):
    task_vars = vars_of({"traffic": {"failed": True, "msg": "no traffic"}}, {"observed": {"anomalies": ["x"], "msg": "it is ill"}})
    for host in ("blue1", "green1"):
        result = run_action("watch", ARGS, {**task_vars, "inventory_hostname": host}).result
        assert (result["changed"], result["found"]) == (False, True)
        assert result["anomalies"] == ["green1: it is ill", "traffic: no traffic"]
        assert result["verdict"].startswith("Batch 1 was in, and then green1: it is ill; traffic: no traffic ")
        assert not result.get("failed")


def test_nothing_has_shown(run_action):
    result = run_action("watch", ARGS, vars_of({"observed": {"anomalies": []}}, {"seen": {"found": False}})).result
    assert (result["found"], result["anomalies"], result["verdict"]) == (False, [], "")


def test_what_has_shown_is_kept_when_nothing_is_watched_any_more(run_action):
    skipped = {"observed": {"skipped": True}, "seen": {"found": True, "anomalies": ["green1: it was ill"]}}
    result = run_action("watch", ARGS, vars_of(skipped, skipped)).result
    assert (result["found"], result["anomalies"]) == (True, ["green1: it was ill"])


BACK = {"nodes": ["blue1"], "retire": []}
ILL = {"observed": {"anomalies": ["x"], "msg": "it is ill"}}


def judged(run_action, number=2, on_failure="rollback", undo=BACK, **batch):
    batches = [{"number": each, "nodes": ["blue1"], "retire": [], "undo": undo and {**undo, "number": each}} for each in (1, 2, 3)]
    args = {**ARGS, "batch": {**batches[number - 1], **batch}, "batches": batches, "on_failure": on_failure}
    return run_action("watch", args, vars_of({}, ILL)).result


def test_what_goes_back_is_judged_here(run_action):
    result = judged(run_action)
    assert ([undo["number"] for undo in result["undo"]], result["hold"]) == ([2, 1], False)
    result = judged(run_action, on_failure="rollback_batch")
    assert ([undo["number"] for undo in result["undo"]], result["hold"]) == ([2], False)
    assert judged(run_action, undo=None)["undo"] == []


def test_what_is_held_is_judged_here(run_action):
    assert (judged(run_action, on_failure="hold")["undo"], judged(run_action, on_failure="hold")["hold"]) == ([], True)
    # Where the other half stands by, it serves again; and what is only watched cannot be taken out.
    assert judged(run_action, on_failure="hold", retire=["green1"])["hold"] is False
    assert judged(run_action, on_failure="hold", nodes=[])["hold"] is False


def test_where_nothing_has_shown_nothing_goes_back(run_action):
    for on_failure in ("rollback", "rollback_batch", "hold"):
        args = {**ARGS, "batch": {**ARGS["batch"], "undo": BACK, "retire": []}, "batches": [], "on_failure": on_failure}
        result = run_action("watch", args, vars_of({"observed": {"anomalies": []}}, {})).result
        assert (result["undo"], result["hold"], result["found"]) == ([], False, False)
