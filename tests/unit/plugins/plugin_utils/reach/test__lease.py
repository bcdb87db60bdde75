# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.reach._lease import had, holder
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.reach._process import identity


@pytest.fixture
def dead():
    """The process of a run on this machine that has ended."""
    child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    found = identity(child.pid)
    child.communicate()
    return found


def test_who_asks_is_the_run_and_not_the_process_of_one_task():
    found = holder({"awx_user_name": "alice"}, {})
    assert found == {"owner": f"alice@{socket.gethostname()}", "host": socket.gethostname(), "process": identity(os.getppid())}


def test_what_is_given_is_kept():
    found = holder({}, {"owner": "release team", "host": "ops1", "process": "whatever"})
    assert (found["owner"], found["host"], found["process"]) == ("release team", "ops1", identity(os.getppid()))


def held_by(process, run_id="r1"):
    return {"failed": True, "msg": "held", "holder": {"run_id": run_id, "owner": "alice@ops1", "process": process}}


def asked(answers, **args):
    """The result, each time that was asked, and what was told."""
    sent, told = [], []

    def ask(each):
        sent.append(each)
        return answers[len(sent) - 1]

    return had(ask, {"node": "blue1", "run_id": "r2", "process": identity(os.getppid()), **args}, told.append), sent, told


def test_a_lock_that_is_free():
    result, sent, told = asked([{"changed": True}])
    assert (result, len(sent), told) == ({"changed": True}, 1, [])


def test_a_run_that_died_here_is_taken_over_and_told(dead):
    result, sent, told = asked([held_by(dead), {"changed": True}])
    assert result == {"changed": True} and [each.get("take_over") for each in sent] == [None, "r1"]
    assert told == ["blue1: run r1 of alice@ops1 died on this machine; its lock is taken over."]


def test_who_was_faster_keeps_it(dead):
    result, sent, _told = asked([held_by(dead), held_by(dead, "r3")])
    assert result["holder"]["run_id"] == "r3" and len(sent) == 2


@pytest.mark.parametrize("process", [None, {}, identity(os.getpid())])
def test_a_run_that_lives_or_is_not_known_keeps_it(process):
    result, sent, told = asked([held_by(process)])
    assert (result["failed"], len(sent), told) == (True, 1, [])


def test_a_run_that_cannot_tell_who_it_is_takes_nothing_over(dead):
    assert len(asked([held_by(dead)], process=None)[1]) == 1


def test_another_failure_is_no_lock(dead):
    for answer in ({"failed": True, "msg": "no rpm"}, {"failed": True, "holder": None}, {"changed": False, "holder": {"run_id": "r2", "process": dead}}):
        result, sent, told = asked([answer])
        assert (result, len(sent), told) == (answer, 1, [])
