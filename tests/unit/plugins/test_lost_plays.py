# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node that is lost, or refuses, before anything was changed: every other node gives its lock back, on each version of ansible-core.

Real are Ansible, the playbooks as they are shipped, and whatever judges. What would touch a node is an action that writes down for whom it was asked, in a
throw-away copy of the collection, and answers what a node would, or is lost as a node is lost.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.halfswap.bluegreen import plugins

COLLECTION = Path(next(iter(plugins.__path__))).parent
NAMES = ["blue1", "blue2", "green1", "green2"]
# What is done on a node, or asked of a load balancer; whatever judges is real.
TOUCHES = "begin deploy_lock end observe_traffic journal lb_answers lb_trial lb_watch lb_traffic node_info observe out release rpm_stage sanity".split()

# The interlock of a flip is real, and the flip itself is a module.
WRITES_DOWN = """
import json, os, time
from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase

class ActionModule(ActionBase):
    _requires_connection = False
    _supports_async = True
    _supports_check_mode = True

    def run(self, tmp=None, task_vars=None):
        name, host = self._task.action.rpartition(".")[2], task_vars["inventory_hostname"]
        with open(os.environ["ASKED"], "a") as book:
            book.write(json.dumps([name, host, str(self._task.args.get("result"))]) + "\\n")
        if name == task_vars["step"] and host in task_vars["there"] and self._task.name.startswith(task_vars["named"]):
            if task_vars["lost"]:
                raise AnsibleConnectionFailure("No route to host")
            return {"failed": True, "msg": "bob has it"}
        said = dict(task_vars["says"][host], at=time.monotonic(), batch_id=self._task.args.get("batch_id") or "")
        if name == "rpm_stage":
            return {"packages": [{"name": "shop", "before": "shop-1.0.0-1.noarch", "after": "shop-%s-1.noarch" % task_vars["after"]}]}
        return dict({"changed": False}, **(said if name in ("begin", "end", "node_info") else {}))
"""

SITE = {
    "bluegreen_components": [
        {
            "name": "shop",
            "port": 8080,
            "health_url": "http://127.0.0.1:8080/health",
            "heartbeat": {"port": 9180},
            "sanity": [{"path": "/"}],
            "status_url": "http://127.0.0.1:8080/status",
            "in_flight_key": "in_flight",
        }
    ],
    "bluegreen_load_balancers": [
        {"name": state, "follows": state, "path": f"/heartbeat/{state}", "url": f"http://{state}.example.com", "addresses": ["10.0.0.5"], "interval_s": 1}
        for state in ("live", "standby")
    ],
    "bluegreen_release": "2.0.0",
    "bluegreen_migrations": [{"name": "shop", "kind": "command", "argv": ["true"]}],
    "bluegreen_sanity_from": "localhost",
    "bluegreen_token": "t",
}


def collection(folder: Path) -> None:
    """The collection by links, but for what touches nodes."""
    made = folder / "ansible_collections/halfswap/bluegreen"
    (made / "plugins/action").mkdir(parents=True)
    for of in ("", "plugins", "plugins/action"):
        for file in (COLLECTION / of).iterdir():
            target = made / file.relative_to(COLLECTION)
            if not target.exists() and file.name not in (".cache", ".venv") and not (of == "plugins/action" and file.stem in TOUCHES):
                target.symlink_to(file)
    for name in TOUCHES:
        (made / "plugins/action" / f"{name}.py").write_text(WRITES_DOWN)


class Ran:
    """One playbook, with a node that is lost in one step."""

    def __init__(self, output: str, asked: list[list[str]]) -> None:
        self.output, self.asked = output, asked
        self.ends = {result for name, _host, result in asked if name == "end"}

    def of(self, step: str) -> list[str]:
        return sorted(host for name, host, _result in self.asked if name == step)


@pytest.fixture
def run(tmp_path: Path, said: Callable[..., dict[str, Any]]) -> Callable[..., Ran]:
    collection(tmp_path)
    hosts = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, "ansible_become": False}
    stacks = {stack: {"hosts": {name: {} for name in NAMES if name.startswith(stack)}} for stack in ("blue", "green")}
    (tmp_path / "inventory.yml").write_text(yaml.safe_dump({"all": {"vars": {**hosts, **SITE}, "children": stacks}}))

    def one(playbook: str, step: str = "", lost: bool = False, named: str = "", there: Sequence[str] = ("blue2",), **more: Any) -> Ran:
        variables = {"after": "2.0.0", "step": step, "lost": lost, "named": named, "there": there, "says": {name: said() for name in NAMES}, **more}
        (tmp_path / "vars.json").write_text(json.dumps(variables))
        given = {"ANSIBLE_COLLECTIONS_PATH": str(tmp_path), "ANSIBLE_HOME": str(tmp_path / "home"), "ANSIBLE_NOCOLOR": "1", "ASKED": str(tmp_path / "asked")}
        command = [sys.executable, "-m", "ansible.cli.playbook", "-i", "inventory.yml", "-e", "@vars.json", f"halfswap.bluegreen.{playbook}"]
        done = subprocess.run(command, cwd=tmp_path, env={**os.environ, **given}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        lines = (tmp_path / "asked").read_text().splitlines() if (tmp_path / "asked").exists() else []
        assert bool(done.returncode) is bool(step), done.stdout
        return Ran(done.stdout, [json.loads(line) for line in lines])

    return one


def nothing_was_changed(ran: Ran) -> None:
    assert ran.of("end") == NAMES, ran.output
    assert ran.ends == {"failed"}, ran.output
    assert not [name for name, _host, _result in ran.asked if name in ("heartbeat", "out", "release", "lb_trial")], ran.output


@pytest.mark.parametrize("playbook, lost", [("deploy", True), ("adopt", True), ("migrate", True), ("verify_lb", True), ("deploy", False), ("migrate", False)])
def test_a_node_without_its_lock(run, playbook, lost):
    ran = run(playbook, "begin", lost)
    nothing_was_changed(ran)
    # Whoever judges says so, and why.
    assert ("it is unreachable" if lost else "its reading failed: bob has it") in ran.output, ran.output


@pytest.mark.parametrize("lost", [True, False])
def test_a_node_without_its_packages(run, lost):
    ran = run("deploy", "rpm_stage", lost)
    nothing_was_changed(ran)
    reason = "(Task failed: )?No route to host" if lost else "bob has it"
    assert re.search(rf"HS-PACKAGES: blue2: the packages of the release were not found for it \({reason}\)", ran.output), ran.output


@pytest.mark.parametrize("lost", [True, False])
def test_a_node_that_is_not_read_again_before_another_one_leaves(run, lost):
    ran = run("verify_lb", "begin", lost, named="Begin: renew the lock")
    nothing_was_changed(ran)
    assert ("blue2 counts as not live: it is unreachable" if lost else "blue2 counts as not live: its reading failed: bob has it") in ran.output, ran.output


WATCHED = {"bluegreen_observe": {"probes": {"paths": ["/"]}}, "bluegreen_observe_s": 10}


def test_a_watch_whose_sources_do_not_answer(run):
    """Judged once, on the first node; every node comes to the end all the same."""
    ran = run("deploy", "observe_traffic", there=NAMES, **WATCHED)
    nothing_was_changed(ran)
    assert "bob has it" in ran.output


@pytest.mark.parametrize("playbook", ["deploy", "adopt"])
def test_a_run_to_which_nothing_happened_is_complete(run, playbook):
    ran = run(playbook, after="1.0.0")
    assert (ran.of("end"), ran.ends) == (NAMES, {"complete"}), ran.output
