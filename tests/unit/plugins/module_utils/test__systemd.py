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


def unit(**said):
    return _systemd.Unit("shop", said, 900.0)


@pytest.mark.parametrize(
    "said, runs, is_down, has_ended",
    [
        (dict(ActiveState="active", MainPID="7"), True, False, False),
        # A unit that only sets something up has no process, and may have left one.
        (dict(ActiveState="active", SubState="exited", MainPID="0"), True, False, False),
        (dict(ActiveState="reloading", MainPID="0"), True, False, False),
        (dict(ActiveState="deactivating", MainPID="7"), True, False, False),
        (dict(ActiveState="activating", SubState="start", MainPID="7"), True, False, False),
        (dict(ActiveState="activating", SubState="auto-restart", MainPID="0"), False, False, True),
        (dict(ActiveState="failed", SubState="failed", MainPID="0"), False, True, True),
        (dict(ActiveState="inactive", SubState="dead", MainPID="0"), False, True, True),
        ({}, False, True, True),
    ],
)
def test_what_a_unit_does(said, runs, is_down, has_ended):
    found = unit(**said)
    assert (found.runs, found.is_down, found.has_ended) == (runs, is_down, has_ended)


@pytest.mark.parametrize(
    "state, wanted", [("enabled", False), ("static", False), ("generated", False), ("disabled", True), ("enabled-runtime", True), ("", True)]
)
def test_whether_it_is_to_be_enabled(state, wanted):
    assert unit(UnitFileState=state).is_to_be_enabled is wanted


def test_a_unit_that_is_named_twice_is_asked_for_once():
    module = Module("ActiveState=active\nMainPID=7\nExecMainStartTimestampMonotonic=99500000\n", "ActiveState=inactive\n")
    assert [name for name, found in sorted(_systemd.look(module, ["b", "a", "b"]).items()) if found.active] == ["b"]
    assert module.calls[0][0][-3:] == ["--", "b", "a"]


class Refusing(object):
    def run_command(self, command, **_options):
        return 1, "", "Failed to connect to bus: \x1b[31mno such file\n"


def test_what_systemctl_refuses_is_told():
    with pytest.raises(_systemd.SystemdError) as error:
        _systemd.look(Refusing(), ["a", "b"])
    assert str(error.value) == "systemctl cannot tell the state of a, b on this node: Failed to connect to bus: \\x1b[31mno such file"
    with pytest.raises(_systemd.SystemdError) as error:
        _systemd.act(Refusing(), "stop", ["a", "b"])
    assert str(error.value).startswith("systemctl stop a b failed: Failed to connect to bus")


class Journal(object):
    def run_command(self, command, **_options):
        assert command[0] == "journalctl"
        return 0, "\n".join(["line %d" % number for number in range(20)] + ["x" * 1000]), ""


def test_a_unit_in_words():
    told = _systemd.told(Journal(), unit(ActiveState="failed", SubState="failed", Result="exit-code", ExecMainCode="1", ExecMainStatus="3"))
    assert told.startswith("shop is failed (failed, result exit-code, exit status 3). Its journal ends with: line 11 | line 12 | ")
    assert told.endswith(". See journalctl -u shop") and len(told) < 500
