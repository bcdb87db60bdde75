# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils.node import _systemd


class Module(object):
    def __init__(self, *blocks):
        self.blocks = blocks
        self.calls = []

    def run_command(self, command, **options):
        self.calls.append((command, options))
        return 0, "\n".join(self.blocks), ""


class Proc(object):
    """A /proc of the test's own, whose clock ticks a hundred times a second."""

    def __init__(self, path):
        self.path = path

    def process(self, pid, started_up_s, groups=(), name="shop", state="S"):
        folder = self.path / str(pid)
        folder.mkdir()
        fields = [state] + ["0"] * 18 + [str(int(started_up_s * 100)), "7"]
        (folder / "stat").write_bytes(("%d (%s) %s\n" % (pid, name, " ".join(fields))).encode("utf-8"))
        (folder / "cgroup").write_bytes("".join("%s\n" % group for group in groups).encode("utf-8"))


@pytest.fixture(autouse=True)
def proc(monkeypatch, tmp_path, clock):
    """It is 1000, and the node was booted at 900."""
    monkeypatch.setattr(_systemd, "PROC", str(tmp_path))
    monkeypatch.setattr(_systemd, "up_s", lambda: 100.0)
    monkeypatch.setattr(_systemd.os, "sysconf", lambda name: {"SC_CLK_TCK": 100}[name])
    (tmp_path / "self").mkdir()
    return Proc(tmp_path)


def test_all_units_in_one_call(proc):
    proc.process(7, 99.5)
    proc.process(8, 1.0)
    module = Module("ActiveState=active\nMainPID=7\n", "ActiveState=deactivating\nMainPID=8\n", "ActiveState=inactive\nMainPID=0\n")
    assert _systemd.services(module, ["a", "b", "c"]) == {
        "a": {"active": True, "started_at": 999.5},
        "b": {"active": False, "started_at": 901.0},
        "c": {"active": False, "started_at": None},
    }
    assert len(module.calls) == 1
    assert module.calls[0][0][-4:] == ["--", "a", "b", "c"]


def test_a_unit_that_is_not_there():
    assert _systemd.services(Module("ActiveState=inactive\n"), ["a"]) == {"a": {"active": False, "started_at": None}}


# ---- The start of a process ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["shop", "tmux: server", "a) S 1 (b", "caf\u00e9"])
def test_the_start_of_a_process_whatever_it_is_called(proc, name):
    proc.process(7, 42.25, name=name)
    assert _systemd.started_up_s(7) == 42.25


def test_of_a_process_that_is_gone_nothing_is_known(proc):
    assert _systemd.started_up_s(7) is None
    proc.process(7, 42.0, state="Z")
    assert _systemd.started_up_s(7) is None


def test_the_clock_is_the_one_by_which_the_kernel_dates_processes(monkeypatch):
    """Whatever /proc/uptime says, which a container may make up."""
    monkeypatch.undo()
    own = _systemd.started_up_s(os.getpid())
    assert 0 < own <= _systemd.up_s()
    # Python 2.7 has to ask the C library.
    assert _systemd._boottime_of_c() == pytest.approx(_systemd.up_s(), abs=5)
    assert not hasattr(_systemd, "UPTIME")


WITHOUT_MAIN = "ActiveState=active\nSubState=running\nMainPID=0\nControlGroup=/system.slice/shop.service\n"
MINE = "/system.slice/shop.service"


@pytest.mark.parametrize(
    "rows",
    [
        # Version 2, version 1 with the hierarchy of systemd, both; and a group of its own below.
        ["0::" + MINE],
        ["12:cpu,cpuacct:/", "1:name=systemd:" + MINE],
        ["4:memory:/system.slice", "1:name=systemd:" + MINE, "0::" + MINE],
        ["0::" + MINE + "/workers"],
    ],
)
def test_without_a_main_process_the_oldest_of_the_control_group_counts(proc, rows):
    """A script of System V, a Type=forking without PIDFile, a Type=oneshot that has left a daemon."""
    proc.process(30, 70.0, rows)
    proc.process(31, 60.0, rows)
    proc.process(32, 10.0, rows, state="Z")
    proc.process(1, 0.5, ["0::/init.scope"])
    proc.process(40, 5.0, ["0::/system.slice/shop.service2", "1:name=systemd:/system.slice/shop.service2"])
    proc.process(41, 5.0, ["3:cpu:" + MINE])
    assert _systemd.services(Module(WITHOUT_MAIN), ["shop"]) == {"shop": {"active": True, "started_at": 960.0}}


def test_each_unit_has_its_own_control_group(proc):
    proc.process(30, 70.0, ["0::" + MINE])
    proc.process(31, 60.0, ["0::/system.slice/cart.service"])
    found = _systemd.look(Module(WITHOUT_MAIN, WITHOUT_MAIN.replace("shop", "cart")), ["shop", "cart"])
    assert [found[name].started_up_s for name in ("shop", "cart")] == [70.0, 60.0]


@pytest.mark.parametrize("group", ["", "/"])
def test_a_unit_without_a_control_group_of_its_own_has_no_process(proc, group):
    proc.process(30, 70.0, ["0::/"])
    found = _systemd.look(Module(WITHOUT_MAIN.replace(MINE, group)), ["shop"])["shop"]
    assert found.active and not found.has_process and found.started_at is None


@pytest.mark.parametrize("state", ["inactive", "failed"])
def test_what_a_unit_that_is_down_has_left_is_not_its_process(proc, state):
    proc.process(30, 70.0, ["0::" + MINE])
    found = _systemd.look(Module(WITHOUT_MAIN.replace("active\nSub", state + "\nSub")), ["shop"])["shop"]
    assert found.is_down and not found.runs and found.started_up_s is None


def test_the_main_process_counts_where_there_is_one(proc):
    proc.process(7, 80.0, ["0::" + MINE])
    proc.process(30, 70.0, ["0::" + MINE])
    assert _systemd.look(Module(WITHOUT_MAIN.replace("MainPID=0", "MainPID=7")), ["shop"])["shop"].started_up_s == 80.0


def unit(**said):
    return _systemd.Unit("shop", said, 50.0 if int(said.get("MainPID") or 0) else None, 900.0)


@pytest.mark.parametrize("former, now, another", [(50.0, 50.0, False), (50.0, 50.05, False), (50.0, 50.2, True), (None, 50.0, False), (50.0, None, False)])
def test_whether_it_is_another_process(former, now, another):
    main = dict(MainPID="7")
    assert _systemd.Unit("shop", main, now).is_another(_systemd.Unit("shop", main, former)) is another
    # A helper that has done its work was the oldest of the group.
    assert not _systemd.Unit("shop", dict(MainPID="0"), now).is_another(_systemd.Unit("shop", dict(MainPID="0"), former))


def test_what_its_file_says():
    said = unit(LoadState="masked", TriggeredBy="shop.socket shop.timer", UnitFileState="masked")
    assert (said.is_masked, said.triggers, said.is_enabled) == (True, ["shop.socket", "shop.timer"], False)
    assert (unit().is_masked, unit().triggers) == (False, [])
    assert [unit(UnitFileState=state).is_enabled for state in ("enabled", "enabled-runtime", "disabled", "static")] == [True, True, False, False]


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
    module = Module("ActiveState=active\nMainPID=7\n", "ActiveState=inactive\n")
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
