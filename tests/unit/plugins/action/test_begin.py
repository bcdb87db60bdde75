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

MODULE = "halfswap.bluegreen.begin"
SHOP = {"name": "shop", "package": "shop", "service": "shop", "url": "http://127.0.0.1:9101"}
ARGS = {"run_id": "r2", "reason": "release 2.0.0", "components": [SHOP], "token": "t", "batch_id": "r2/1"}


@pytest.fixture
def dead():
    """The process of a run on this machine that has ended."""
    child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    found = identity(child.pid)
    child.communicate()
    return found


def vars_of(host="green1", **blue1):
    return {"inventory_hostname": host, "ansible_play_hosts_all": ["blue1", "green1"], "hostvars": {"blue1": blue1, "green1": {}}}


def test_the_lock_and_the_reading_are_one_question(run_action, said, clock):
    ran = run_action("begin", ARGS, {**vars_of(), "awx_user_name": "alice"}, answer=said())
    host = socket.gethostname()
    asked = {**ARGS, "owner": f"alice@{host}", "host": host, "process": identity(os.getppid()), "node": "green1"}
    assert ran.sent == [(MODULE, asked)]
    # The time is the controller's, of before the question.
    assert ran.result["at"] == 1000.0 and ran.result["components"][0]["nevra"] == "shop-1.0.0-1.noarch"


def test_it_is_evidence_for_whoever_judges(run_action, said):
    from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._evidence import read_node

    result = run_action("begin", ARGS, vars_of(), answer=said(batch_id="r2/1")).result
    assert read_node("green1", "green", result, "r2/1").unread == ""


def test_the_lock_of_a_run_that_died_here_is_taken_over(run_action, dead, said):
    held = {"failed": True, "msg": "held", "holder": {"run_id": "r1", "owner": "alice@ops1", "process": dead}}
    ran = run_action("begin", ARGS, vars_of(), answer=[held, said()])
    assert [sent.get("take_over") for _module, sent in ran.sent] == [None, "r1"]
    assert not ran.result.get("failed") and ran.result["components"]
    assert ran.shown == ["green1: run r1 of alice@ops1 died on this machine; its lock is taken over."]


@pytest.mark.parametrize("process", [None, identity(os.getpid())])
def test_the_lock_of_a_run_that_lives_is_not(run_action, process):
    held = {"failed": True, "msg": "held", "holder": {"run_id": "r1", "owner": "alice@ops1", "process": process}}
    ran = run_action("begin", ARGS, vars_of(), answer=held)
    assert (ran.result["failed"], ran.result["msg"], len(ran.sent), ran.shown) == (True, "HS-LOCKED: held", 1, [])


@pytest.mark.parametrize("result", [{"failed": True, "msg": "held by r9"}, {"unreachable": True}, {"skipped": True}, {}, None])
def test_without_the_lock_of_the_first_node_no_other_is_asked(run_action, result):
    ran = run_action("begin", {**ARGS, "decided": "first"}, vars_of(first=result))
    assert ran.result["failed"] is True and ran.sent == []
    assert ran.result["msg"] == "HS-LOCKED: The lock of blue1, which decides between two runs, was not had. Nothing was changed here."


def test_nor_where_it_was_never_registered(run_action):
    assert run_action("begin", {**ARGS, "decided": "first"}, vars_of()).sent == []
    assert run_action("begin", {**ARGS, "decided": "first"}, {**vars_of(), "hostvars": {}}).sent == []


def test_with_it_they_are(run_action, said):
    ran = run_action("begin", {**ARGS, "decided": "first"}, vars_of(first={"changed": True, "holder": None}), answer=said())
    assert len(ran.sent) == 1 and "decided" not in ran.sent[0][1] and not ran.result.get("failed")


def test_the_first_node_itself_has_decided(run_action, said):
    ran = run_action("begin", {**ARGS, "decided": "first"}, vars_of("blue1", first={"changed": False}), answer=said())
    assert len(ran.sent) == 1 and ran.sent[0][1]["node"] == "blue1"


def test_for_a_batch_nobody_has_to_decide(run_action, watched, said):
    hostvars = watched({"blue1": {}, "green1": {}}, explode=True)
    assert len(run_action("begin", ARGS, {**vars_of(), "hostvars": hostvars}, answer=said()).sent) == 1


def test_what_only_the_controller_reaches_is_seen_by_it(run_action, heartbeat_server, said):
    far = {**SHOP, "url": heartbeat_server.url, "heartbeat": {"via": "controller"}}
    (sent,) = run_action("begin", {**ARGS, "components": [far]}, vars_of(), answer=said()).sent[0][1]["components"]
    assert sent["heartbeat"]["relayed"] == {"status": heartbeat_server.status}


def test_a_node_that_cannot_be_read_fails(run_action):
    ran = run_action("begin", ARGS, vars_of(), answer={"failed": True, "msg": "rpm: database is locked"})
    assert ran.result["failed"] is True and ran.result["msg"] == "rpm: database is locked"
