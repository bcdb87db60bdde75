# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

BATCH = {"number": 1, "nodes": ["blue1", "blue2"], "restore": {"blue1": {"shop": "shop-1.0.0-1.noarch"}, "blue2": {}}}
ARGS = {"batch": BATCH, "on_failure": "rollback", "evidence": "left"}


def judged(run_action, left, host="blue1", **args):
    ran = run_action("way_back", {**ARGS, **args}, {"inventory_hostname": host, "left": left, "hostvars": {}})
    assert "failed" not in ran.result and ran.result["changed"] is False and ran.sent == []
    return ran.result["packages"], ran.result["stays"]


@pytest.mark.parametrize("on_failure", ["rollback", "rollback_batch"])
def test_a_node_that_is_out_goes_back_to_what_it_served(run_action, said, on_failure):
    assert judged(run_action, said("2.0.0", state="standby"), on_failure=on_failure) == ({"shop": "shop-1.0.0-1.noarch"}, "")


def test_a_node_that_is_live_is_left_alone(run_action, said):
    assert judged(run_action, said("2.0.0")) == ({}, "blue1 was left as it is: it is live, or does not tell.")


@pytest.mark.parametrize("left", [None, {"unreachable": True, "msg": "no route"}, {"failed": True, "msg": "held by r9"}, {"skipped": True}])
def test_a_node_that_does_not_tell_is_left_alone(run_action, left):
    assert judged(run_action, left) == ({}, "blue1 was left as it is: it is live, or does not tell.")


def test_it_may_be_held_to_be_looked_at(run_action, said):
    packages, stays = judged(run_action, said("2.0.0", state="standby"), on_failure="hold")
    assert packages == {} and "bluegreen_on_failure is hold" in stays


@pytest.mark.parametrize("host", ["blue2", "blue3"])
def test_there_may_be_nothing_to_go_back_to(run_action, said, host):
    assert judged(run_action, said("2.0.0", state="standby"), host) == ({}, f"{host} has nothing known to go back to and stays in standby.")


def test_it_is_each_nodes_own(run_action, said, watched):
    """One that cannot come back keeps no other out."""
    ran = run_action(
        "way_back", ARGS, {"inventory_hostname": "blue1", "left": said("2.0.0", state="standby"), "hostvars": watched({"blue2": {}}, explode=True)}
    )
    assert ran.result["packages"]


def test_a_node_that_cannot_come_back_once_a_package_is_installed(run_action, said):
    batch = {**BATCH, "restore": {"blue1": {"shop": None}}, "one_way": {"blue1": "no key replaces"}}
    packages, stays = judged(run_action, said("2.0.0", state="standby"), batch=batch)
    assert (packages, stays) == ({}, "blue1 has no way back (no key replaces) and stays in standby.")
    assert judged(run_action, said("2.0.0", state="standby"), batch={**batch, "one_way": {}}) == ({"shop": None}, "")
