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
