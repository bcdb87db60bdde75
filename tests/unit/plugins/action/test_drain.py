# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


def test_who_drains_by_force_is_noted_by_the_application(run_action, described):
    ran = run_action("drain", {"components": [{"name": "cart"}], "on_timeout": "proceed"}, described, answer={"changed": False, "drained": True})
    asked = {"components": [{"name": "cart"}], "on_timeout": "proceed", "application": "shop", "application_components": ["cart"]}
    assert ran.sent == [("halfswap.bluegreen.drain", asked)] and ran.result["drained"] is True
