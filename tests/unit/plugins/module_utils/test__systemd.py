# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils import _systemd


class Module(object):
    def __init__(self, *blocks):
        self.blocks = blocks
        self.calls = []

    def run_command(self, command, **options):
        self.calls.append((command, options))
        return 0, "\n".join(self.blocks), ""


@pytest.fixture(autouse=True)
def booted_at_900(monkeypatch, tmp_path, clock):
    uptime = tmp_path / "uptime"
    uptime.write_bytes(b"100.00 70.00\n")
    monkeypatch.setattr(_systemd, "UPTIME", str(uptime))


def test_all_units_in_one_call():
    module = Module(
        "ActiveState=active\nMainPID=7\nExecMainStartTimestampMonotonic=99500000\n",
        "ActiveState=deactivating\nMainPID=8\nExecMainStartTimestampMonotonic=1000000\n",
        "ActiveState=inactive\nMainPID=0\nExecMainStartTimestampMonotonic=5000000\n",
    )
    assert _systemd.services(module, ["a", "b", "c"]) == {
        "a": {"active": True, "started_at": 999.5},
        "b": {"active": False, "started_at": 901.0},
        "c": {"active": False, "started_at": None},
    }
    assert len(module.calls) == 1
    assert module.calls[0][0][-4:] == ["--", "a", "b", "c"]


def test_a_unit_that_is_not_there():
    assert _systemd.services(Module("ActiveState=inactive\n"), ["a"]) == {"a": {"active": False, "started_at": None}}
