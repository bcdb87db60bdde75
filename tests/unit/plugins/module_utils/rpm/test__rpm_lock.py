# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os
import subprocess
import sys

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm import _rpm_lock, _rpm_store
from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm._rpm import RpmError
from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm._rpm_release import Dnf


class Node(object):
    """Stands in for an AnsibleModule on a node with this database, whose rpm answers so."""

    def __init__(self, dbpath, *answers):
        self.dbpath, self.answers = dbpath, list(answers)
        self.params = dict(enablerepo=[], disablerepo=[], lock_timeout_s=5)
        self.warned = []
        self.warn = self.warned.append

    def run_command(self, command, **_kwargs):
        if command[1] == "--eval":
            return 0, "%s\n" % self.dbpath, ""
        return self.answers.pop(0)


@pytest.fixture
def node(tmp_path):
    return Node(tmp_path)


def test_nobody_is_within_a_transaction(node):
    assert _rpm_lock.holder(node) is None
    (node.dbpath / ".rpm.lock").write_bytes(b"")
    assert _rpm_lock.holder(node) is None


def test_who_is_within_one(node, other_manager):
    other = other_manager(node.dbpath / ".rpm.lock")
    said = _rpm_lock.holder(node)
    assert said.startswith("the lock of RPM's database is held by pid %d (%s -c import fcntl" % (other.pid, sys.executable))
    other.end()
    assert _rpm_lock.holder(node) is None


def test_what_a_process_is_called_by_strangers_harms_nobody(tmp_path, monkeypatch, canary):
    (tmp_path / "4711").mkdir()
    (tmp_path / "4711" / "cmdline").write_bytes(canary.said)
    monkeypatch.setattr(_rpm_lock, "PROC", str(tmp_path))
    canary.shown_in(_rpm_lock.with_command("metadata already locked by 4711"), 1000)


@pytest.mark.parametrize(
    "said",
    ["metadata already locked by 4711", "Waiting for process with pid 4711 to finish.", "    State  : Running, pid: 4711", "PID 4711 holds it"],
)
def test_the_process_that_a_manager_names_is_told(tmp_path, monkeypatch, said):
    (tmp_path / "4711").mkdir()
    (tmp_path / "4711" / "cmdline").write_bytes(b"dnf\0upgrade\0")
    monkeypatch.setattr(_rpm_lock, "PROC", str(tmp_path))
    assert _rpm_lock.with_command(said) == said + " (dnf upgrade)"
    assert _rpm_lock.with_command(said.replace("4711", "4712")) == said.replace("4711", "4712")


def test_one_that_cannot_be_opened_is_said(node):
    (node.dbpath / ".rpm.lock").mkdir()
    with pytest.raises(RpmError, match="the lock of RPM's database, .*/.rpm.lock, cannot be opened: Is a directory"):
        _rpm_lock.holder(node)


@pytest.mark.parametrize(
    "refusal",
    [
        "error: can't create transaction lock on /var/lib/rpm/.rpm.lock (Resource temporarily unavailable)",
        "error: can't create transaction lock on /usr/lib/sysimage/rpm/.rpm.lock (Resource temporarily unavailable)\n",
    ],
)
def test_an_rpm_that_fails_at_once_is_asked_again(tmp_path, clock, refusal):
    node = Node(tmp_path, (1, "", refusal), (1, "", refusal), (0, "", ""))
    assert Dnf(node, "dnf").rpm(["-U", "/shop.rpm"])[0] == 0 and clock.sleeps == [1, 1]
    assert node.warned == ["Another package manager was waited for, 2.0 s: %s." % refusal.strip()]


def test_one_that_may_not_have_it_is_not(tmp_path, clock):
    node = Node(tmp_path, (1, "", "error: can't create transaction lock on /var/lib/rpm/.rpm.lock (Permission denied)"))
    assert Dnf(node, "dnf").rpm(["-U", "/shop.rpm"])[0] == 1 and clock.sleeps == [] and node.warned == []


def test_where_rpm_itself_waited_that_is_said_too(tmp_path, clock):
    node = Node(tmp_path, (0, "", "warning: waiting for transaction lock on /var/lib/rpm/.rpm.lock\n"))
    Dnf(node, "dnf").rpm(["-U", "/shop.rpm"])
    assert node.warned == ["warning: waiting for transaction lock on /var/lib/rpm/.rpm.lock"]


TRY = "import fcntl, sys; fcntl.lockf(open(sys.argv[1], 'r+'), fcntl.LOCK_EX | fcntl.LOCK_NB)"


def others_may(path):
    with open(os.devnull, "w") as nothing:
        return subprocess.call([sys.executable, "-c", TRY, str(path)], stderr=nothing) == 0


def test_nobody_changes_the_database_while_it_is_copied(node, monkeypatch):
    lock = node.dbpath / ".rpm.lock"
    lock.write_bytes(b"")
    seen = []

    def copytree(*_args, **_more):
        seen.append(others_may(lock))
        raise EnvironmentError("enough")

    monkeypatch.setattr(_rpm_store.shutil, "copytree", copytree)
    with pytest.raises(RpmError, match="could not be copied"):
        _rpm_store.rehearse_way_back(Dnf(node, "dnf"), None, [], {}, str(node.dbpath))
    assert seen == [False] and others_may(lock)


def test_the_rehearsal_waits_for_another_transaction(node, clock, other_manager):
    other = other_manager(node.dbpath / ".rpm.lock")
    clock.at(3, other.end)
    with _rpm_lock.undisturbed(node):
        assert clock.sleeps == [1, 1, 1]
    (said,) = node.warned
    assert said.startswith("Another package manager was waited for, 3.0 s: the lock of RPM's database is held by pid %d (" % other.pid)


def test_and_not_for_ever(node, clock, other_manager):
    other = other_manager(node.dbpath / ".rpm.lock")
    with pytest.raises(RpmError) as given_up, _rpm_lock.undisturbed(node):
        raise AssertionError("it had the lock")
    assert "still at work after 5 s (lock_timeout_s): the lock of RPM's database is held by pid %d" % other.pid in str(given_up.value)
