# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import getpass
import socket

import pytest

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._author import author


@pytest.mark.parametrize(
    "task_vars, user",
    [
        ({}, "ops"),
        ({"awx_user_name": "alice"}, "alice"),
        ({"tower_user_name": "bob"}, "bob"),
        ({"awx_user_name": "alice", "tower_user_name": "bob"}, "alice"),
    ],
)
def test_who_and_from_where(monkeypatch, task_vars, user):
    monkeypatch.setattr(getpass, "getuser", lambda: "ops")
    monkeypatch.setattr(socket, "gethostname", lambda: "ops1")
    assert author(task_vars) == f"{user}@ops1"
