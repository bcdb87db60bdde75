# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.reach import _process
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.reach._process import identity, is_gone


@pytest.fixture
def child():
    process = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    yield process
    process.kill()
    process.communicate()


def test_this_process():
    found = identity(os.getpid())
    assert found["pid"] == os.getpid()
    assert found["pid_namespace"].startswith("pid:[") and len(found["boot_id"]) == 36
    with open("/proc/uptime") as uptime:
        now = float(uptime.read().split()[0]) * os.sysconf("SC_CLK_TCK")
    assert 0 < found["start_time"] <= now
    assert not is_gone(found)


def test_a_process_that_has_ended(child):
    found = identity(child.pid)
    assert not is_gone(found)
    child.kill()
    child.communicate()
    assert is_gone(found)


def test_a_zombie_is_gone(child):
    found = identity(child.pid)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert os.path.exists(f"/proc/{child.pid}")
    assert is_gone(found)


def test_its_number_may_be_another_process_now():
    mine = identity(os.getpid())
    assert is_gone({**mine, "start_time": mine["start_time"] - 1})


@pytest.mark.parametrize("elsewhere", [{"boot_id": "another"}, {"pid_namespace": "pid:[1]"}])
def test_of_a_process_elsewhere_nothing_is_known(child, elsewhere):
    found = identity(child.pid)
    child.kill()
    child.communicate()
    assert not is_gone({**found, **elsewhere})


@pytest.mark.parametrize("process", [None, {}])
def test_of_an_unknown_process_nothing_is_known(process):
    assert not is_gone(process)


def test_a_process_that_proc_hides_is_not_gone(monkeypatch):
    mine = identity(os.getpid())

    def hidden(pid):
        raise FileNotFoundError

    def not_permitted(pid, signal):
        raise PermissionError

    # As it is for another user's process where /proc is mounted with hidepid=2.
    monkeypatch.setattr(_process, "_stat", hidden)
    monkeypatch.setattr(os, "kill", not_permitted)
    assert not is_gone(mine)


def test_a_name_with_blanks_and_brackets(tmp_path, monkeypatch):
    stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4711 1000 1"
    for name, text in (("7/stat", stat), ("sys/kernel/random/boot_id", "b\n")):
        file = tmp_path / name
        file.parent.mkdir(parents=True)
        file.write_text(text)
    (tmp_path / "self/ns").mkdir(parents=True)
    (tmp_path / "self/ns/pid").symlink_to("pid:[1]")
    monkeypatch.setattr(_process, "PROC", tmp_path)
    assert identity(7) == {"boot_id": "b", "pid_namespace": "pid:[1]", "pid": 7, "start_time": 4711}


def test_a_machine_without_proc(tmp_path, monkeypatch):
    mine = identity(os.getpid())
    monkeypatch.setattr(_process, "PROC", tmp_path)
    assert identity(os.getpid()) is None
    assert not is_gone(mine)
