# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A canary through the roles and playbooks, with a real ansible-playbook: what others say is nowhere run, nowhere raw, and cut to a length.

Real are Ansible, the roles and the plugins. Nodes are the machine of the test; what they say is the canary.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.halfswap.bluegreen import plugins

COLLECTION = Path(next(iter(plugins.__path__))).parent
COLLECTIONS = COLLECTION.parents[2]

# What stands in for a node that lies: whatever is in the file is the result of the module. WANT_JSON has Ansible hand the arguments over as a file.
SAY = """#!/usr/bin/python
# WANT_JSON
import json, sys
print(open(json.load(open(sys.argv[1]))["file"]).read())
"""

# A play takes seconds, so one text is all of them here; each by itself goes through the modules, in modules/test_canary.py.
pytestmark = pytest.mark.parametrize("canary", ["everything"], indirect=True)

SYSTEMCTL = """#!/bin/sh
echo ActiveState=active; echo MainPID=1
"""


@pytest.fixture
def play(tmp_path: Path):
    """play(task, task ...) runs these tasks on blue1 and green1, and gives the status and all that was shown."""
    (tmp_path / "library").mkdir()
    (tmp_path / "library/say.py").write_text(SAY)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/systemctl").write_text(SYSTEMCTL)
    (tmp_path / "bin/systemctl").chmod(0o755)

    def run(*tasks: dict[str, Any], **keywords: Any) -> tuple[int, bytes]:
        variables = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        (tmp_path / "inventory.yml").write_text(yaml.safe_dump({"blue": {"hosts": {"blue1": {}}}, "green": {"hosts": {"green1": {}}}}))
        (tmp_path / "play.yml").write_text(
            yaml.safe_dump([{"hosts": "all", "gather_facts": False, "any_errors_fatal": True, "vars": variables, "tasks": list(tasks), **keywords}])
        )
        ran = subprocess.run(
            [sys.executable, "-m", "ansible.cli.playbook", "-i", "inventory.yml", "play.yml"],
            cwd=tmp_path,
            env={
                **os.environ,
                "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}",
                "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
                "ANSIBLE_HOME": str(tmp_path / "home"),
                # ansible-test has a HOME of its own.
                "ANSIBLE_ASYNC_DIR": str(tmp_path / "async"),
                "ANSIBLE_NOCOLOR": "1",
                "ANSIBLE_RETRY_FILES_ENABLED": "0",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        return ran.returncode, ran.stdout

    return run


@pytest.fixture
def says(tmp_path: Path):
    """says(result) is a task in which every node says this, and which registers it as `said`, or under another name."""

    def task(result: dict[str, Any], register: str = "said") -> dict[str, Any]:
        (tmp_path / f"{register}.json").write_text(json.dumps(result))
        return {"name": "Say", "say": {"file": str(tmp_path / f"{register}.json")}, "register": register}

    return task


@pytest.fixture
def answers():
    """answers(bytes) is the URL of a port where whoever connects gets these."""
    servers = []

    def serve(said: bytes) -> str:
        server = socket.create_server(("127.0.0.1", 0))
        servers.append(server)

        def work() -> None:
            while True:
                try:
                    connection = server.accept()[0]
                    connection.recv(65536)
                    connection.sendall(said)
                    connection.close()
                except ConnectionError:
                    pass
                except OSError:
                    return

        threading.Thread(target=work, daemon=True).start()
        return f"http://127.0.0.1:{server.getsockname()[1]}"

    yield serve
    for server in servers:
        # Or the thread would wait on, and the port stay open.
        server.shutdown(socket.SHUT_RDWR)
        server.close()


def role(name: str, tasks_from: str = "main", **variables: Any) -> dict[str, Any]:
    return {
        "name": "The role",
        "ansible.builtin.include_role": {"name": f"halfswap.bluegreen.{name}", "tasks_from": tasks_from},
        "vars": variables,
    }


def tasks_of(path: str, *names: str) -> list[dict[str, Any]]:
    """These tasks of a role or playbook, as they are there, where the others need a node."""
    found = yaml.safe_load((COLLECTION / path).read_text(encoding="utf-8"))
    tasks = found[0].get("tasks", found)
    return [next(task for task in tasks if task["name"] == name) for name in names]


BATCH = {"number": 1, "nodes": [], "retire": [], "staying": [], "serving_after": ["blue1", "green1"], "old": [], "observe_s": 16}
BATCH.update(undo=None, exclusive=False)
# As module site has registered it.
SITE = {"on_failure": "rollback", "sanity_from": "blue1", "load_balancers": [], "run_id": "r1", "reason": "release 2.0.0", "forward": True}


def shop(url: str) -> list[dict[str, Any]]:
    return [{"name": "shop", "service": "shop", "package": "shop", "port": 8080, "heartbeat": {"port": 9100, "url": url}}]


def test_a_watch_of_the_nodes(play, canary, heartbeat_server) -> None:
    """The heartbeat of each node says why it is not healthy, as an agent does whose application answers with the canary."""
    heartbeat_server.status.update(healthy=False, why=canary.text)
    status, output = play(role("swap", "observe", swap_batch=BATCH, swap_batches=[BATCH], swap_site=SITE, swap_components=shop(heartbeat_server.url)))
    assert status == 2
    # Of more than a megabyte nothing is believed.
    wrong = b"it is larger than 1 MB" if len(json.dumps(canary.text)) > 1000000 else b"component shop is not healthy: "
    assert wrong in output and b"There is nothing known to go back to" in output
    assert output.count(b"TASK [halfswap.bluegreen.swap : Watch every node that serves]") == 3  # the parts, and once in each of the two
    canary.shown_in(output)


def test_a_watch_of_the_traffic(play, canary, heartbeat_server, answers) -> None:
    url = answers(b"HTTP/1.0 500 No\r\nX-Served-By: blue1\r\nX-Release: " + canary.said.replace(b"\r", b"")[:30000] + b"\r\n\r\n" + canary.said)
    policy = {"probes": {"paths": ["/"], "url": url}, "min_requests": 1}
    variables = {"swap_batch": BATCH, "swap_batches": [BATCH], "swap_site": SITE, "swap_components": shop(heartbeat_server.url), "swap_observe": policy}
    status, output = play(role("swap", "observe", **variables))
    assert status == 2
    assert b"traffic: After " in output and b"times " in output
    canary.shown_in(output)


@pytest.fixture
def no_module(tmp_path: Path) -> str:
    """What stands in for the Python of a node on which no module of ours may write: each is said to be done."""
    (tmp_path / "no-module").write_text("#!/bin/sh\necho '{\"changed\": true}'\n")
    (tmp_path / "no-module").chmod(0o755)
    return str(tmp_path / "no-module")


def test_a_way_back(play, canary, says, said, no_module) -> None:
    """A step of a swap fails, with the canary for a reason; and so does the way back, of a node whose health says it, too."""
    left = said(state="standby", healthy=False)
    left["components"][0]["heartbeat"]["why"] = canary.text
    fails = {**says({"failed": True, "msg": canary.text}), "name": "A step"}
    judge, stop = tasks_of("roles/swap/tasks/restore.yml", "Judge whether it goes back by itself", "Stop, and say where things stand")
    back = {**says({"failed": True, "msg": canary.text}, "__swap_back"), "name": "The way back", "ignore_errors": True}
    # Its line in the journal of the node would be in that of the machine of the test.
    stop = {**stop, "vars": {"ansible_python_interpreter": no_module}}
    batch = {**BATCH, "nodes": ["blue1", "green1"], "restore": dict.fromkeys(("blue1", "green1"), {"shop": "shop-1.0.0-1.noarch"})}
    variables = {"swap_batch": batch, "swap_batches": [batch], "swap_site": SITE, "swap_components": shop("http://127.0.0.1:1")}
    tasks = [says(left, "__swap_left"), judge, back, stop]
    status, output = play({"block": [fails], "rescue": tasks, "vars": variables}, vars_files=[str(COLLECTION / "roles/swap/vars/main.yml")])
    assert status == 2
    # The modules that say it first are none of ours.
    told = output.partition(b"TASK [Judge whether it goes back by itself]")[2].partition(b"TASK [The way back]")[0]
    canary.shown_in(told)
    told = output.partition(b"TASK [Stop, and say where things stand]")[2]
    assert b'stopped at \\"A step\\": ' in told and b"No node outside the batch was touched" in told and b"blue1 was not brought back (" in told
    canary.shown_in(told, 40000)


def test_a_refusal_of_the_interlock(play, canary, says) -> None:
    """Of nodes whose reading failed with the canary; told once for all of them, and then by each that would act all the same."""
    balancers = [{"name": state, "follows": state, "path": f"/heartbeat/{state}"} for state in ("live", "standby")]
    judged = {"site": {"run_id": "r1", "load_balancers": balancers}, "batch": ["blue1"], "batch_id": "r1/1", "evidence": "said"}
    node = {"batch_id": "r1/1", "run_id": "r1", "components": [{"name": "shop", "url": "http://127.0.0.1:1"}], "permit": "permit"}
    status, output = play(
        {**says({"failed": True, "msg": canary.text}), "ignore_errors": True},
        {"name": "Interlock", "halfswap.bluegreen.interlock": judged, "run_once": True, "register": "permit", "ignore_errors": True},
        {"name": "Out", "halfswap.bluegreen.out": node, "ignore_errors": True},
        {"name": "Close", "halfswap.bluegreen.close": {"observed": "said", "complete": False, "site": judged["site"]}, "run_once": True},
    )
    assert status == 0
    told = output.partition(b"TASK [Interlock]")[2]
    assert b"Interlock: blue1 does not leave, nothing was changed. HS-UNREAD: blue1: its reading failed: " in told
    assert told.count(b"the interlock has not permitted it") >= 2 and b"0 of 2 nodes serve." in told
    canary.shown_in(told, 40000)


def test_a_sanity_test(play, canary, answers) -> None:
    url = answers(b"HTTP/1.0 500 No\r\nX-Served-By: blue1\r\n\r\n" + canary.said)
    status, output = play(role("sanity", sanity_url=url, sanity_nodes=["blue1"], sanity_delegate_to="blue1"))
    assert status == 2
    assert b"expected status 200, got status 500: " in output
    canary.shown_in(output)


def test_a_command_of_a_sanity_test(play, canary, answers, tmp_path) -> None:
    (tmp_path / "said").write_bytes(canary.said)
    url = answers(b"HTTP/1.0 200 OK\r\nX-Served-By: blue1\r\n\r\n")
    command = {"name": "suite", "argv": ["sh", "-c", f"cat {tmp_path}/said; echo because >&2; exit 1"]}
    status, output = play(role("sanity", sanity_url=url, sanity_nodes=["blue1"], sanity_delegate_to="blue1", sanity_commands=[command]))
    assert status == 2
    assert b'Command \\"suite\\" ended with status 1 on blue1: ' in output and b"because" in output
    canary.shown_in(output)


def test_a_migration(play, canary, tmp_path) -> None:
    (tmp_path / "said").write_bytes(canary.said)
    migration = {"name": "orders", "kind": "command", "argv": ["sh", "-c", f"cat {tmp_path}/said; exit 3"], "current": ["cat", f"{tmp_path}/said"]}
    nodes = [{"name": "blue1", "component": "shop", "release": "2.0.0"}]
    status, output = play(role("migrate", migrate_release="2.0.0", migrate_nodes=nodes, migrate_migrations=[migration]))
    assert status == 2
    assert b'The migration orders failed on blue1 at \\"Run the migration\\"' in output and b'"rc": 3' in output
    canary.shown_in(output, 40000)


def test_a_migration_while_a_node_runs_something_else(play, canary, says) -> None:
    """What a node tells of its release gets into the refusal by the table of module status."""
    said = {"components": [{"name": canary.text, "error": canary.text}], "at": 1.0}
    status, output = play(
        says(said),
        {"halfswap.bluegreen.status": {"observed": "said"}, "register": "status"},
        role("migrate", migrate_release="2.0.0", migrate_nodes="{{ status.running }}", migrate_migrations=[]),
    )
    assert status == 2
    assert b"Not migrating: every node has to run" in output
    canary.shown_in(output)


def test_a_load_balancer_that_answers_anything(play, canary, answers) -> None:
    status, output = play({"name": "Ask", "halfswap.bluegreen.lb_answers": {"load_balancers": [{"name": "standby", "url": answers(canary.said)}]}})
    assert status == 2
    assert b"load balancer standby does not answer at http://127.0.0.1:" in output and b"Nothing was changed." in output
    canary.shown_in(output)


def test_history(play, canary, says) -> None:
    line = {"at": "2026-11-20T10:15:06Z", "run_id": canary.text, "by": canary.text, "what": canary.text, "reason": canary.text, "result": canary.text}
    status, output = play(says({"lines": [line], "lock": None}), {"halfswap.bluegreen.history": {"observed": "said"}})
    assert status == 0
    assert b"2026-11-20T10:15:06Z" in output
    canary.shown_in(output)


def test_the_lock_of_another_run(play, canary, says) -> None:
    lock = {"run_id": canary.text, "owner": canary.text, "reason": canary.text, "since": canary.text}
    (check,) = tasks_of("playbooks/unlock.yml", "Check that the run to be released is named and holds one")
    variables = {"__bluegreen_site": {"run_id": None}, "__bluegreen_locks": "{{ said }}"}
    check = {**check, "halfswap.bluegreen.unlock": {**check["halfswap.bluegreen.unlock"], "observed": "said"}, "vars": variables}
    status, output = play(says({"lock": lock}), check)
    assert status == 2
    assert b"bluegreen_run_id is not given; nothing was released. The lock is held by " in output
    canary.shown_in(output)
