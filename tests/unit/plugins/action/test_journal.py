# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import socket

import pytest

MODULE = "halfswap.bluegreen.journal"


def test_says_who_writes(run_action):
    ran = run_action("journal", {"run_id": "r1", "what": "migration"}, {"awx_user_name": "alice"})
    assert ran.sent == [(MODULE, {"run_id": "r1", "what": "migration", "by": f"alice@{socket.gethostname()}"})]
    assert ran.result["changed"] is True


def test_a_name_given_is_kept(run_action):
    assert run_action("journal", {"by": "cron"}, {}).sent == [(MODULE, {"by": "cron"})]


def test_what_a_plan_has_passed_is_taken_by_its_name(run_action):
    """As it was registered: no template sees it."""
    passed = {"reason": "CHG-1 {{ x }}", "passed": ["HS-PEAK: {{ y }}"]}
    task_vars = {"inventory_hostname": "blue1", "hostvars": {"blue1": {"planned": {"override": passed, "batches": []}}}}
    ran = run_action("journal", {"run_id": "r1", "override": "planned", "by": "alice"}, task_vars)
    assert ran.sent == [(MODULE, {"run_id": "r1", "by": "alice", "what": "override", "after": passed})]


@pytest.mark.parametrize("registered", [{}, {"planned": {"skipped": True}}, {"planned": {"failed": True, "override": {}}}])
def test_without_a_plan_there_is_nothing_to_write(run_action, registered):
    ran = run_action("journal", {"run_id": "r1", "override": "planned"}, {"inventory_hostname": "blue1", "hostvars": {"blue1": registered}})
    assert ran.sent == [] and ran.result["msg"] == "planned tells of nothing that was passed."
