# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


def test_the_packages_are_noted_by_the_application(run_action, described):
    ran = run_action("rpm_release", {"packages": [{"name": "cart", "version": "1"}]}, described, answer={"changed": True, "packages": []})
    asked = {"packages": [{"name": "cart", "version": "1"}], "application": "shop", "application_components": ["cart"]}
    assert ran.sent == [("halfswap.bluegreen.rpm_release", asked)] and ran.result["changed"] is True
