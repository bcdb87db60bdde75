# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


def test_shows_every_node(run_action, said):
    task_vars = {
        "groups": {"blue": ["blue1"], "green": ["green1"]},
        "hostvars": {"blue1": {"seen": said()}, "green1": {"seen": {"unreachable": True}}},
    }
    ran = run_action("status", {"observed": "seen"}, task_vars)
    assert ran.result["changed"] is False
    assert ran.result["serving"] == ["blue1"]
    assert ran.shown == ran.result["table"]
    assert ran.shown[-1] == "1 of 2 nodes serve."


def test_tells_what_runs_and_what_is_in_doubt(run_action, said):
    task_vars = {
        "groups": {"blue": ["blue1", "blue2"], "green": ["green1"]},
        "hostvars": {"blue1": {"seen": said("2.0.0")}, "blue2": {"seen": said("2.0.0", started_at=1.0)}, "green1": {}},
    }
    assert run_action("status", {"observed": "seen"}, task_vars).result["running"] == [
        {"name": "blue1", "component": "shop", "release": "2.0.0", "why": ""},
        {"name": "blue2", "component": "shop", "release": None, "why": "shop: its process was started before shop-2.0.0-1.noarch was installed"},
        {"name": "green1", "component": "any component", "release": None, "why": "it was not read"},
    ]


def test_one_host_shows_what_all_have_found(run_action, said):
    task_vars = {
        "groups": {"blue": ["blue1"], "green": ["green1"]},
        "hostvars": {"blue1": {"seen": said()}, "green1": {"seen": said()}},
        "ansible_play_hosts": ["blue1", "green1"],
    }
    assert run_action("status", {"observed": "seen"}, {**task_vars, "inventory_hostname": "blue1"}).shown
    assert run_action("status", {"observed": "seen"}, {**task_vars, "inventory_hostname": "green1"}).shown == []


def test_a_half_that_stands_by_is_waiting_for_a_word(run_action, said):
    def served(found, *versions):
        current, *previous = [{"shop": f"shop-{version}-1.noarch"} for version in versions]
        return {
            "seen": {
                **found,
                "record": {"current": current, "deployment": "", "previous": [{"deployment": "", "packages": each} for each in previous], "cut_off": None},
            }
        }

    task_vars = {
        "groups": {"blue": ["blue1"], "green": ["green1"]},
        "hostvars": {"blue1": served(said("2.0.0"), "2.0.0", "1.0.0"), "green1": served(said(state="standby"), "1.0.0")},
    }
    shown = run_action("status", {"observed": "seen"}, task_vars).shown
    assert shown[-2] == "1 of 2 nodes serve." and shown[-1].startswith("green1 stands by on shop-1.0.0-1.noarch. halfswap.bluegreen.confirm lets")
