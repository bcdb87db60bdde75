# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import socket

MODULE = "halfswap.bluegreen.journal"


def test_says_who_writes(run_action):
    ran = run_action("journal", {"run_id": "r1", "what": "migration"}, {"awx_user_name": "alice"})
    assert ran.sent == [(MODULE, {"run_id": "r1", "what": "migration", "by": f"alice@{socket.gethostname()}"})]
    assert ran.result["changed"] is True


def test_a_name_given_is_kept(run_action):
    assert run_action("journal", {"by": "cron"}, {}).sent == [(MODULE, {"by": "cron"})]
