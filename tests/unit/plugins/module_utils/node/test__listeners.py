# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The doctor and the stage ask this one place who has a port."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils.node import _checking, _listeners, _startable, _systemd
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._listeners import Holder, Listener, holders, listeners

HEAD = b"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"


@pytest.fixture
def proc(monkeypatch, tmp_path):
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "tcp").write_bytes(HEAD)
    monkeypatch.setattr(_systemd, "PROC", str(tmp_path))
    return tmp_path


def row(table, address, port, inode, state="0A"):
    line = "   0: %s:%04X 00000000:0000 %s 00000000:00000000 00:00000000 00000000     0        0 %d 1\n" % (address, port, state, inode)
    with open(str(table), "ab") as file:
        file.write(line.encode("ascii"))


def process(proc, pid, inodes, name=b"shop", cgroup=b"0::/system.slice/shop.service"):
    (proc / str(pid) / "fd").mkdir(parents=True)
    os.symlink("/dev/null", str(proc / str(pid) / "fd" / "0"))
    for number, inode in enumerate(inodes, 3):
        os.symlink("socket:[%d]" % inode, str(proc / str(pid) / "fd" / str(number)))
    (proc / str(pid) / "comm").write_bytes(name + b"\n")
    (proc / str(pid) / "cgroup").write_bytes(cgroup + b"\n")


def test_both_ask_here():
    assert _checking.holders is _startable.holders is _listeners.holders
    assert _checking.listeners is _startable.listeners is _listeners.listeners


def test_who_listens_in_either_family_and_nobody_who_is_connected(proc):
    (proc / "net" / "tcp6").write_bytes(HEAD)
    row(proc / "net" / "tcp", "00000000", 8080, 11)
    row(proc / "net" / "tcp", "0100007F", 8080, 12, state="01")
    row(proc / "net" / "tcp6", "0" * 32, 8080, 13)
    row(proc / "net" / "tcp6", "0" * 32, 9180, 14)
    assert listeners() == {8080: [Listener("00000000", "11"), Listener("0" * 32, "13")], 9180: [Listener("0" * 32, "14")]}


def test_without_ipv6_there_is_one_table_and_without_any_that_is_said(proc):
    assert listeners() == {}
    (proc / "net" / "tcp").unlink()
    with pytest.raises(EnvironmentError):
        listeners()
    # What cannot be looked at keeps no service from being started.
    assert _startable._listening("127.0.0.1", 8080) == []


def test_of_several_processes_with_one_socket_the_oldest_is_told(proc):
    process(proc, 300, [11], name=b"worker")
    process(proc, 20, [11, 12], name=b"master")
    assert holders(["11", "12"]) == {"11": Holder(20, "master", "shop.service"), "12": Holder(20, "master", "shop.service")}


def test_who_has_ended_meanwhile_or_is_not_seen_holds_nothing(proc):
    process(proc, 20, [11])
    (proc / "20" / "comm").unlink()
    (proc / "21").mkdir()
    assert holders(["11"]) == {}
    assert holders([]) == {}


def test_what_a_program_calls_itself_drives_no_terminal(proc):
    process(proc, 20, [11], name=b"\x1b[2Jshop\xff", cgroup=b"0::/system.slice/\x1b[2Jshop.service")
    holder = holders(["11"])["11"]
    assert "\x1b" not in holder.program + holder.unit


@pytest.mark.parametrize(
    "cgroup, unit",
    [
        (b"0::/init.scope/shop.service", "shop.service"),
        (b"9:memory:/user.slice/session-1.scope\n1:name=systemd:/system.slice/shop.service", "shop.service"),
        (b"0::/x.scope/system.slice/system-halfswap\\x2dheartbeat.slice/halfswap-heartbeat@shop.service", "halfswap-heartbeat@shop.service"),
        (b"0::/system.slice/shop.service/inner", "shop.service"),
        (b"0::/", ""),
    ],
)
def test_the_unit_of_a_process(proc, cgroup, unit):
    process(proc, 20, [11], cgroup=cgroup)
    assert holders(["11"])["11"].unit == unit
