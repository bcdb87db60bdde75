# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.reach._process import identity

VARS = {"inventory_hostname": "blue1"}
MODULE = "halfswap.bluegreen.deploy_lock"


@pytest.fixture
def dead():
    """The process of a run on this machine that has ended."""
    child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    found = identity(child.pid)
    child.communicate()
    return found


def held_by(process):
    return {"failed": True, "msg": "held", "holder": {"run_id": "r1", "owner": "alice@ops1", "process": process}}


def test_says_who_asks_and_from_which_process(run_action):
    ran = run_action("deploy_lock", {"run_id": "r2", "reason": "release 2.0.0"}, {**VARS, "awx_user_name": "alice"})
    host = socket.gethostname()
    process = identity(os.getppid())
    assert ran.sent == [(MODULE, {"run_id": "r2", "reason": "release 2.0.0", "owner": f"alice@{host}", "host": host, "process": process, "node": "blue1"})]
    assert process["pid"] == os.getppid()
    assert ran.result["changed"] is True


def test_an_owner_given_is_kept(run_action):
    assert run_action("deploy_lock", {"run_id": "r2", "owner": "release team"}, VARS).sent[0][1]["owner"] == "release team"


def test_the_lock_of_a_run_that_died_here_is_taken_over(run_action, dead):
    ran = run_action("deploy_lock", {"run_id": "r2", "take_over": "r0"}, VARS, answer=[held_by(dead), {"changed": True, "taken_over": {"run_id": "r1"}}])
    assert [sent["take_over"] for _module, sent in ran.sent] == ["r0", "r1"]
    assert ran.result == {"changed": True, "taken_over": {"run_id": "r1"}}
    assert ran.shown == ["blue1: run r1 of alice@ops1 died on this machine; its lock is taken over."]


def test_who_comes_first_keeps_what_a_dead_run_left(run_action, dead):
    """Another run was faster between the two calls: its refusal stands, and it is not asked about a second time."""
    ran = run_action("deploy_lock", {"run_id": "r2"}, VARS, answer=[held_by(dead), {"failed": True, "msg": "held by r3", "holder": {"run_id": "r3"}}])
    assert ran.result["failed"] is True and ran.result["msg"] == "HS-LOCKED: held by r3"
    assert len(ran.sent) == 2


@pytest.mark.parametrize("name, args", [("deploy_lock", {}), ("begin", {"components": []})])
def test_the_records_of_another_application_are_a_refusal_by_name(run_action, name, args):
    ran = run_action(name, {"run_id": "r2", **args}, VARS, answer={"failed": True, "msg": "theirs", "foreign": True})
    assert ran.result["failed"] is True and ran.result["msg"] == "HS-FOREIGN: theirs"


@pytest.mark.parametrize("changes", [{"boot_id": "another"}, {"pid_namespace": "pid:[1]"}])
def test_the_lock_of_a_run_elsewhere_is_not_touched(run_action, dead, changes):
    ran = run_action("deploy_lock", {"run_id": "r2"}, VARS, answer=held_by({**dead, **changes}))
    assert ran.result["failed"] is True and ran.result["msg"] == "HS-LOCKED: held"
    assert len(ran.sent) == 1 and ran.shown == []


@pytest.mark.parametrize("process", [identity(os.getpid()), None])
def test_the_lock_of_a_run_that_lives_or_is_not_known_is_not_touched(run_action, process):
    ran = run_action("deploy_lock", {"run_id": "r2"}, VARS, answer=held_by(process))
    assert ran.result["failed"] is True
    assert len(ran.sent) == 1


def test_releasing_takes_nothing_over(run_action, dead):
    ran = run_action("deploy_lock", {"run_id": "r2", "state": "released"}, VARS, answer=held_by(dead))
    assert ran.result["failed"] is True
    assert len(ran.sent) == 1 and ran.sent[0][1]["process"] == identity(os.getppid())
