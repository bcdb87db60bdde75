# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.errors import AnsibleError


@pytest.fixture
def task_vars(said):
    hostvars = {"blue1": {"seen": said()}, "green1": {"seen": said("2.0.0", state="standby")}}
    return {"groups": {"blue": ["blue1"], "green": ["green1"]}, "hostvars": hostvars, "inventory_hostname": "blue1"}


def test_says_what_each_node_is_to_run(run_action, task_vars):
    result = run_action("target", {"observed": "seen", "release": "3", "strategy": "cutover"}, task_vars).result
    assert (result["wanted"], result["strategy"], result["changed"]) == ({"blue1": "3", "green1": "3"}, "cutover", False)
    result = run_action("target", {"observed": "seen", "kind": "confirm"}, task_vars).result
    assert result["wanted"] == dict.fromkeys(("blue1", "green1"), {"shop": "shop-1.0.0-1.noarch"})


def test_a_dead_node_is_left_out(run_action, task_vars):
    task_vars["hostvars"]["green1"] = {}
    assert "green1: it was not read" in run_action("target", {"observed": "seen", "release": "3"}, task_vars).result["msg"]
    assert run_action("target", {"observed": "seen", "release": "3", "without": ["green1"]}, task_vars).result["wanted"] == {"blue1": "3"}


def test_a_refusal_fails(run_action, task_vars):
    result = run_action("target", {"observed": "seen", "kind": "rollback"}, task_vars).result
    assert result["failed"] is True
    assert result["msg"].startswith("Refused, nothing was changed: HS-NOWHERE: there is no earlier release that all nodes have served")


def test_an_unknown_kind(run_action, task_vars):
    with pytest.raises(AnsibleError):
        run_action("target", {"observed": "seen", "kind": "sideways"}, task_vars)
