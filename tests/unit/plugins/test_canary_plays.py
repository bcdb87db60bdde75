# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A canary through the roles and playbooks, with a real ansible-playbook: what others say is nowhere run, nowhere raw, and cut to a length.

Real are Ansible, the roles and the plugins. Nodes are the machine of the test; what they say is the canary.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.halfswap.bluegreen import plugins

COLLECTIONS = Path(next(iter(plugins.__path__))).parents[3]

# What stands in for a node: whatever is in the file is what its module registers.
SAY = """#!/usr/bin/python
import json, re, sys
arguments = json.load(open(sys.argv[1])) if len(sys.argv) > 1 else {}
print(open(arguments["file"]).read())
"""
# WANT_JSON makes Ansible hand over the arguments as a file.
SAY += "# WANT_JSON\n"

# What Ansible does with a text is tried with these two, as a play takes seconds; the others go through the modules, in modules/test_canary.py.
pytestmark = pytest.mark.parametrize("canary", ["template", "everything"], indirect=True)

SYSTEMCTL = """#!/bin/sh
echo ActiveState=active; echo MainPID=1; echo ExecMainStartTimestampMonotonic=1000000
"""


@pytest.fixture
def play(tmp_path: Path):
    """play(tasks, vars) runs these tasks on blue1 and green1, and gives the status and all that was shown."""
    (tmp_path / "library").mkdir()
    (tmp_path / "library/say.py").write_text(SAY)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/systemctl").write_text(SYSTEMCTL)
    (tmp_path / "bin/systemctl").chmod(0o755)

    def run(tasks: list[dict[str, Any]], variables: dict[str, Any] | None = None) -> tuple[int, bytes]:
        variables = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, **(variables or {})}
        (tmp_path / "inventory.yml").write_text(yaml.safe_dump({"blue": {"hosts": {"blue1": {}}}, "green": {"hosts": {"green1": {}}}}))
        (tmp_path / "play.yml").write_text(
            yaml.safe_dump([{"hosts": "all", "gather_facts": False, "any_errors_fatal": True, "vars": variables, "tasks": tasks}], sort_keys=False)
        )
        ran = subprocess.run(
            [sys.executable, "-m", "ansible.cli.playbook", "-i", "inventory.yml", "play.yml"],
            cwd=tmp_path,
            env={
                **os.environ,
                "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}",
                "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
                "ANSIBLE_HOME": str(tmp_path / "home"),
                "ANSIBLE_NOCOLOR": "1",
                "ANSIBLE_RETRY_FILES_ENABLED": "0",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        return ran.returncode, ran.stdout

    return run


def role(name: str, tasks_from: str, **variables: Any) -> dict[str, Any]:
    return {
        "name": "The role",
        "ansible.builtin.include_role": {"name": f"halfswap.bluegreen.{name}", "tasks_from": tasks_from},
        "vars": variables,
    }


BATCH = {"number": 1, "nodes": [], "retire": [], "serving_after": ["blue1", "green1"], "staying": [], "observe_s": 16, "undo": None, "exclusive": False}
SITE = {"on_failure": "rollback", "sanity_from": "blue1", "load_balancers": []}


def test_a_watch(play, canary, heartbeat_server) -> None:
    """The heartbeat of each node says why it is not healthy, as an agent does whose application answers with the canary."""
    heartbeat_server.status.update(healthy=False, why=canary.text)
    components = [{"name": "shop", "service": "shop", "package": "shop", "port": 8080, "heartbeat": {"port": 9100, "url": heartbeat_server.url}}]
    status, output = play([role("swap", "observe", swap_batch=BATCH, swap_site=SITE, swap_components=components, swap_run_id="r1")])
    print(output.decode("utf-8", "replace")[:6000])
    assert status == 2
    assert b"component shop is not healthy: " in output and b"There is nothing known to go back to" in output
    canary.shown_in(output)
