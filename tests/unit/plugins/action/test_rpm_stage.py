# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest


@pytest.mark.parametrize("answer", [{"changed": True, "staged": []}, {"failed": True, "msg": "no space left"}], ids=str)
def test_the_node_does_it(run_action, answer):
    ran = run_action("rpm_stage", {"packages": [], "store": "/store"}, {"inventory_hostname": "blue1"}, answer=answer)
    assert ran.sent == [("halfswap.bluegreen.rpm_stage", {"packages": [], "store": "/store"})]
    assert answer.items() <= ran.result.items()
