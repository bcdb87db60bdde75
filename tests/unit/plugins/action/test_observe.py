# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


def test_the_records_are_those_of_the_application(run_action, described):
    ran = run_action("observe", {"seconds": 5}, described, answer={"changed": False, "anomalies": []})
    assert ran.sent == [("halfswap.bluegreen.observe", {"seconds": 5, "application": "shop", "application_components": ["cart"]})]
    assert ran.result["anomalies"] == []
