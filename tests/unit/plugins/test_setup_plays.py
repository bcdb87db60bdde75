# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook setup with a real ansible-playbook, in a throw-away copy of the collection.

Real are Ansible, the playbook, its task files, and all actions with their judgements. What a step says on a node comes from a file of that node, and the
roles write down what they were asked for.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.halfswap.bluegreen import plugins

COLLECTION = Path(next(iter(plugins.__path__))).parent
NAMES = ["blue1", "blue2", "green1", "green2"]

# In place of what is sent to a node: what the file of the node has for it.
SAYS = """

def _says(self, name, args):
    from ansible.errors import AnsibleConnectionFailure
    from pathlib import Path
    import json, os
    folder = Path(os.environ["NODES"])
    with (folder / "book").open("a") as book:
        book.write(f"{name} {self.name}\\n")
    node = json.loads((folder / f"{self.name}.json").read_text())
    changed = (folder / "changed").read_text().split() if (folder / "changed").exists() else []
    if name in node["lost"] and (not node["lost_after"] or node["lost_after"] in changed):
        raise AnsibleConnectionFailure("no route to host")
    if name in node["refuses"]:
        return {"failed": True, "msg": node["refuses"][name]}
    said = {**node["said"], **(node["after"] if self.name in changed else {}), "batch_id": args.get("batch_id", "")}
    return {**said, "checked": node["place"]} if name == "node_check" else said


Step.module = _says
"""

ROLE = """
import os
from pathlib import Path
from ansible.plugins.action import ActionBase
import json

class ActionModule(ActionBase):
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp=None, task_vars=None):
        folder, host = Path(os.environ["NODES"]), task_vars["inventory_hostname"]
        what = "ask" if self._task.check_mode else "change"
        with (folder / "book").open("a") as book:
            book.write(f"{self._task.args.get('what', what)} {host}\\n")
        if "what" in self._task.args:
            return {"changed": not self._task.check_mode}
        node = json.loads((folder / f"{host}.json").read_text())
        if self._task.check_mode:
            return node["asked"]
        if node["breaks"]:
            return {"failed": True, "msg": "systemctl reload failed"}
        with (folder / "changed").open("a") as book:
            book.write(host + "\\n")
        return {"changed": True}
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> Path:
    """The collection, with roles that only write down that they were there."""
    root = tmp_path_factory.mktemp("collections")
    here = root / "ansible_collections/halfswap/bluegreen"
    for name in ("plugins", "playbooks", "meta"):
        shutil.copytree(COLLECTION / name, here / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(COLLECTION / "galaxy.yml", here)
    with (here / "plugins/plugin_utils/_action.py").open("a") as actions:
        actions.write(SAYS)
    (here / "plugins/action/written_down.py").write_text(ROLE)
    agent: dict[str, Any] = {"halfswap.bluegreen.written_down": {}, "register": "heartbeat_agent_result"}
    built: dict[str, Any] = {"ansible.builtin.set_fact": {"heartbeat_agent_rpm": "/nowhere/agent.rpm"}}
    roles = {"heartbeat_agent": {"main": [agent], "build": [built]}}
    for role, files in (("repository", ("main", "client")), ("load_balancer", ("main",))):
        roles[role] = {file: [{"halfswap.bluegreen.written_down": {"what": f"{role}/{file}"}}] for file in files}
    for role, files in roles.items():
        (here / "roles" / role / "tasks").mkdir(parents=True)
        for file, tasks in files.items():
            (here / "roles" / role / f"tasks/{file}.yml").write_text(yaml.safe_dump(tasks))
    return root


@pytest.fixture
def run(copy, tmp_path, said):
    """run(node=changes, ..., options=...) is a set-up of four live nodes that differ, or of others where something else is said of one of them."""

    def ran(options: tuple[str, ...] = (), **changes: Any) -> tuple[subprocess.CompletedProcess[str], list[str]]:
        agent = {"role": "agent", "component": "shop", "package": "shop", "unit": "halfswap-heartbeat@shop.service", "id": "halfswap-heartbeat@shop.service"}
        running = {"version": "0.1.0", "config": "abc", "healthy": True, "state": "live"}
        asked = {"name": "shop", "running": running, "differs": ["health interval_s is 1, not 2"], "takes": "reload", "faults": []}
        for name in NAMES:
            now = said()
            # Whoever asks has asked again, however quickly it was changed.
            for prober in now["components"][0]["heartbeat"]["probers"]:
                prober["last_seen_s"] = 0
            node: dict[str, Any] = {
                "said": {**now, "machine": name, "time": None},
                "after": {},
                "asked": {"components": [{**asked, **changes.get(name, {}).pop("agent", {})}], "changed": True},
                "place": {
                    "errors": {},
                    "host": {"python": "3.11", "user": 0, "name": name},
                    "units": [{**agent, "load": "loaded", "active": "active", "file": ""}],
                },
                "lost": [],
                "lost_after": "",
                "refuses": {},
                "breaks": False,
            }
            del node["said"]["time"]
            (tmp_path / f"{name}.json").write_text(json.dumps({**node, **changes.get(name, {})}))
        balancers = [{"name": name, "follows": name, "url": "http://127.0.0.1:1", "hosts": ["lb"]} for name in ("live", "standby")]
        component = {"name": "shop", "port": 8080, "health_url": "http://127.0.0.1:8080/health", "heartbeat": {"port": 9180}}
        site = {
            "ansible_connection": "local",
            "ansible_become": False,
            "ansible_python_interpreter": sys.executable,
            "bluegreen_components": [component],
            "bluegreen_drain_method": "kernel",
            "bluegreen_load_balancers": [{**balancer, "addresses": ["10.0.0.5"]} for balancer in balancers],
            "bluegreen_repository": {"url": "http://127.0.0.1:1/"},
            "bluegreen_token": "a-t0ken-of-this-test",
        }
        (tmp_path / "inventory.yml").write_text(
            yaml.safe_dump(
                {
                    "all": {
                        "vars": site,
                        "children": {
                            **{stack: {"hosts": {f"{stack}{number}": {} for number in (1, 2)}} for stack in ("blue", "green")},
                            "load_balancers": {"hosts": {"lb": {}}},
                        },
                    }
                }
            )
        )
        given = {"ANSIBLE_COLLECTIONS_PATH": str(copy), "NODES": str(tmp_path), "ANSIBLE_HOME": str(tmp_path / "home"), "ANSIBLE_NOCOLOR": "1"}
        told = subprocess.run(
            [sys.executable, "-m", "ansible.cli.playbook", "-i", "inventory.yml", "halfswap.bluegreen.setup", *options],
            cwd=tmp_path,
            env={**os.environ, **given, "ANSIBLE_DEPRECATION_WARNINGS": "0"},
            capture_output=True,
            text=True,
            check=False,
        )
        book = (tmp_path / "book").read_text().splitlines() if (tmp_path / "book").exists() else []
        return told, book

    return ran


def acts(book: list[str], *names: str) -> list[str]:
    return [line for line in book if line.split()[0] in names]


def test_one_node_after_the_other_each_proven_before_the_next(run):
    told, book = run(green1={"agent": {"takes": "nothing", "differs": []}})
    assert told.returncode == 0, told.stdout + told.stderr
    order = ["blue1", "blue2", "green2"]
    assert acts(book, "change", "node_info") == [f"{what} {name}" for name in order for what in ("change", "node_info")]
    # Each node is asked and locked before the first is changed, and gives its lock back.
    before = book[: book.index("change blue1")]
    assert {f"{what} {name}" for what in ("node_check", "ask", "begin") for name in NAMES} <= set(before)
    assert sorted(acts(book, "end")) == [f"end {name}" for name in NAMES]
    assert sorted(acts(book, "load_balancer/main")) == ["load_balancer/main lb"] * 2
    assert "SET-UP of 3 of 4 nodes, one at a time" in told.stdout
    assert "SET-UP complete: blue1, blue2, green2 changed and proven." in told.stdout


def test_with_check_it_stops_after_the_plan(run):
    told, book = run(options=("--check",))
    assert told.returncode == 0, told.stdout + told.stderr
    assert not acts(book, "change", "repository/client") and "SET-UP of 4 of 4 nodes, one at a time" in told.stdout
    assert "This run changed nothing (--check)." in told.stdout


def test_a_node_that_would_go_down_keeps_all_as_they_are(run):
    told, book = run(green2={"agent": {"faults": ["health_url answers 302"]}})
    assert told.returncode != 0
    assert "HS-AGENT: green2: shop: health_url answers 302" in told.stdout
    # Not even a lock was taken.
    assert not acts(book, "change", "repository/client", "deploy_lock", "begin", "load_balancer/main")


def test_a_node_that_is_not_reached_keeps_all_as_they_are(run):
    told, book = run(green2={"lost": ["node_check"]})
    assert told.returncode != 0
    assert "HS-UNREAD: green2: it is unreachable" in told.stdout
    assert not acts(book, "ask", "change", "deploy_lock", "begin", "load_balancer/main")


@pytest.mark.parametrize(
    "changes, says",
    [
        ({"blue2": {"breaks": True}}, "systemctl reload failed"),
        ({"blue2": {"after": {"components": []}}}, "HS-UNPROVEN: blue2"),
        ({"green2": {"lost": ["begin", "end"], "lost_after": "blue1"}}, "HS-UNREAD: green2: it is unreachable"),
    ],
    ids=["a change that fails", "a node that does not answer again", "a node that is lost meanwhile"],
)
def test_the_first_failure_stops_the_rest(run, changes, says):
    told, book = run(**changes)
    assert told.returncode != 0
    assert says in told.stdout
    assert "change blue1" in book and not acts(book, "load_balancer/main")
    assert not {"change green1", "change green2"} & set(book)
    # Whatever failed, the locks are given back.
    assert {f"end {name}" for name in NAMES} <= set(book)
    assert "Changed and proven: blue1." in told.stdout
    # A node that was lost keeps the next one from being begun.
    assert ("change blue2" in book) == ("blue2" in changes)


@pytest.mark.parametrize("refuses", [{"blue1": "deploy_lock"}, {"green2": "begin"}], ids=["where it is decided", "on another node"])
def test_a_run_that_holds_the_lock_keeps_a_set_up_out(run, refuses):
    told, book = run(**{name: {"refuses": {step: "the lock is held by ops@other (run r9)"}} for name, step in refuses.items()})
    assert told.returncode != 0
    assert "the lock is held by ops@other (run r9)" in told.stdout
    assert not acts(book, "change", "repository/client", "load_balancer/main")
