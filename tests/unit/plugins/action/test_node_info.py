# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


def test_stamps_the_time_before_the_question(run_action, clock):
    ran = run_action("node_info", {"components": [], "batch_id": "r/1"}, {}, answer={"changed": False, "components": [], "batch_id": "r/1"})
    assert ran.result["at"] == 1000.0
    assert ran.result["batch_id"] == "r/1"
    assert ran.sent == [("halfswap.bluegreen.node_info", None)]


def test_a_failure_stays_a_failure(run_action, clock):
    ran = run_action("node_info", {}, {}, answer={"failed": True, "msg": "no systemctl"})
    assert ran.result["failed"] is True and ran.result["msg"] == "no systemctl"
