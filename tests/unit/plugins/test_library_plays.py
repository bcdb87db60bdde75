# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps by the library, with a real ansible-playbook: what rests on core's internals, and what a node is really sent.

The node is the machine of the test, by a connection that is Ansible's local one under another name and notes how much goes over it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from ansible_collections.halfswap.bluegreen import plugins
from ansible_collections.halfswap.bluegreen.plugins.module_utils import _library_run

COLLECTIONS = Path(next(iter(plugins.__path__))).parents[3]
SECRET = "s3cret-of-the-site"

ACTION = """
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.reach import _library
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._action import Step

_library.DIRECTORY = %r


class ActionModule(Step):
    def act(self, args):
        return self.module(args["step"], args["options"])
"""
CONNECTION = '''
DOCUMENTATION = """
name: beside
short_description: The machine of the test
description: As the connection local.
extends_documentation_fragment: connection_pipelining
"""
import json

from ansible.plugins.connection.local import Connection as Local


class Connection(Local):
    transport = "beside"

    def exec_command(self, cmd, in_data=None, sudoable=True):
        answer = super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        if in_data:
            with open(%r, "a") as sent:
                sent.write(json.dumps({"bytes": len(in_data), "command": cmd, "status": answer[0]}) + "\\n")
        return answer
'''
SYSTEMCTL = """#!/bin/sh
echo ActiveState=active; echo MainPID=1; echo ExecMainStartTimestampMonotonic=1000000
"""


@pytest.fixture
def play(tmp_path: Path):
    """play(task, task ...) runs them on one node, and tells what was shown, what was sent and what is registered as `said`."""
    for name, text in (("action_plugins/tried.py", ACTION % str(tmp_path / "library")), ("connection_plugins/beside.py", CONNECTION % str(tmp_path / "sent"))):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(text)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/systemctl").write_text(SYSTEMCTL)
    (tmp_path / "bin/systemctl").chmod(0o755)

    def run(*tasks: dict[str, Any], **variables: Any) -> SimpleNamespace:
        (tmp_path / "sent").write_text("")
        hosts = {"blue1": {"ansible_connection": "beside", "ansible_pipelining": True, "ansible_python_interpreter": sys.executable, "secret": SECRET}}
        hosts["blue1"].update(variables)
        (tmp_path / "inventory.yml").write_text(yaml.safe_dump({"blue": {"hosts": hosts}}))
        tell = {"name": "Tell", "ansible.builtin.copy": {"content": "{{ said | to_json }}", "dest": str(tmp_path / "said")}, "delegate_to": "localhost"}
        (tmp_path / "play.yml").write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": [*tasks, tell]}]))
        ran = subprocess.run(
            [sys.executable, "-m", "ansible.cli.playbook", "-vvv", "-i", "inventory.yml", "play.yml"],
            cwd=tmp_path,
            env={
                **{name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
                "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}",
                "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
                "ANSIBLE_HOME": str(tmp_path / "home"),
                "ANSIBLE_NOCOLOR": "1",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        said = json.loads((tmp_path / "said").read_text()) if (tmp_path / "said").exists() else None
        sent = [json.loads(line) for line in (tmp_path / "sent").read_text().splitlines()]
        # A module is a third of a megabyte, the program some KiB.
        return SimpleNamespace(shown=ran.stdout, said=said, sent=sent, ways=["program" if each["bytes"] < 20000 else "module" for each in sent])

    return run


def step(name: str = "node_info", register: str = "said", **more: Any) -> dict[str, Any]:
    options = more.pop("options", {"components": []})
    return {"name": f"Step {name}", "tried": {"step": name, "options": options}, "register": register, "ignore_errors": True, **more}


def kept(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "library").iterdir()) if (tmp_path / "library").exists() else []


def test_a_run_sends_a_node_the_module_once_and_the_next_run_not_at_all(play, tmp_path):
    """The same is said either way, secrets are nowhere, and check mode is that of the task."""
    secret = {"options": {"components": [], "token": "{{ secret }}"}}
    lock = {"options": {"run_id": "r1", "owner": "ops@laptop", "node": "blue1", "host": "ops1", "state": "wrong"}}
    first = play(step(register="sent"), step(), step("node_info", register="other", **secret), step("deploy_lock", register="lock", no_log=True, **lock))
    assert first.ways == ["program", "module", "program", "program", "program"], first.shown
    assert len(kept(tmp_path)) == 1 and not kept(tmp_path)[0].is_symlink(), first.shown
    again = play(step(), step("node_info", register="other", **secret), step(register="checked", check_mode=True))
    assert again.ways == ["program", "program", "program"], again.shown
    ordinary = play(step(), ansible_python_module_rlimit_nofile=1024)
    assert ordinary.ways == ["module"]
    for run in (first, again):
        assert run.said["failed"] is False and {**run.said, "time": 0} == {**ordinary.said, "time": 0}
        assert SECRET not in run.shown
        assert all("node_info" not in each["command"] and "ANSIBLE_MODULE_ARGS" not in each["command"] for each in run.sent)
    assert "ops@laptop" not in first.shown and "censored" in first.shown


def test_in_check_mode_nothing_is_kept_and_a_node_that_has_none_is_not_asked_for_ever(play, tmp_path):
    ran = play(*[step(check_mode=True)] * 4)
    assert ran.ways == ["program", "module"] * 2 + ["module"] * 2, ran.shown
    assert ran.said["failed"] is False and kept(tmp_path) == []


def test_a_step_that_has_begun_is_not_done_again_and_one_that_cannot_begin_is_sent(play, tmp_path):
    play(step())
    (library,) = kept(tmp_path)

    def becomes(name: str, main: str) -> None:
        file = library / f"{_library_run.STEPS.replace('.', '/')}/{name}.py"
        file.write_text(f"{file.read_text()}\n\ndef main():\n    {main}\n")

    becomes("node_info", "raise RuntimeError('it crashed')")
    becomes("end", "print('no JSON'); raise SystemExit(0)")
    begun = play(step(register="crashed"), step("end", register="silent"), {"name": "Both", "ansible.builtin.set_fact": {"said": "{{ [crashed, silent] }}"}})
    assert begun.ways == ["program", "program"], begun.shown
    crashed, silent = begun.said
    assert crashed["failed"] is True and "it crashed" in json.dumps(crashed), begun.shown
    assert (silent["failed"], silent["module_stdout"].strip()) == (True, "no JSON"), begun.shown

    (file,) = library.glob("ansible/module_utils/__pycache__/basic.*.pyc")
    file.write_bytes(file.read_bytes()[:20])
    mended = play(step(register="first"), step())
    assert mended.ways == ["program", "module", "program"] and mended.said["failed"] is False, mended.shown
    assert "cannot be loaded" in mended.shown and "Step node_info is sent as a whole" in mended.shown
    assert kept(tmp_path) == [library]
