# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


def test_the_journal_is_that_of_the_application(run_action, described):
    ran = run_action("journal_info", {"count": 5}, described, answer={"changed": False, "lines": []})
    assert ran.sent == [("halfswap.bluegreen.journal_info", {"count": 5, "application": "shop", "application_components": ["cart"]})]
    assert ran.result["lines"] == []


def test_without_a_site_it_is_what_the_task_says(run_action):
    ran = run_action("journal_info", {"application": "crm"}, {"inventory_hostname": "blue1"})
    assert ran.sent == [("halfswap.bluegreen.journal_info", {"application": "crm"})]
