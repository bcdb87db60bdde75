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
