# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The watch of role swap, and what follows from it, with a real ansible-playbook: each test is a play, and all of them are one run.

Real are Ansible, the task files, the judgement and the reading of the job. What would touch a node, or wait, is an action that writes down what it was
asked for, in a throw-away copy of the collection, and answers what the play has for it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.halfswap.bluegreen import plugins

COLLECTION = Path(next(iter(plugins.__path__))).parent
NAMES = ["blue1", "green1"]
JUDGES = "watch.py"

# In place of every other action and module. `says` has an answer by action, host, batch and part of its watch, or by action alone.
WRITES_DOWN = """
import json, os
from ansible.plugins.action import ActionBase

class ActionModule(ActionBase):
    _requires_connection = False
    _supports_async = True
    _supports_check_mode = True

    def run(self, tmp=None, task_vars=None):
        name, host, part = self._task.action.rpartition(".")[2], task_vars["inventory_hostname"], task_vars.get("__swap_watch")
        batch = task_vars.get("each", {}).get("number")
        how = {key: getattr(self._task, key) for key in ("delegate_to", "async_val", "poll", "check_mode")}
        asked = {"play": task_vars["play"], "name": name, "host": host, "batch": batch, "part": part, "args": self._task.args, **how}
        with open(os.environ["ASKED"], "a") as book:
            book.write(json.dumps(asked, default=str) + "\\n")
        says = task_vars["says"]
        answer = dict(says.get("%s %s %s.%s" % (name, host, batch, part)) or says.get(name) or {})
        job = answer.pop("job", None)
        if job:
            with open(os.path.join(os.environ["ANSIBLE_ASYNC_DIR"], task_vars["play"]), "w") as file:
                file.write(json.dumps(job))
        return dict({"changed": False}, **answer)
"""

# What the steps of a batch are is tried elsewhere; the watch has to know who was read, and who was released.
BATCH = """
- name: Read
  halfswap.bluegreen.begin:
    batch_id: "{{ __swap_batch_id }}"
  register: __swap_evidence

- name: Swap
  halfswap.bluegreen.release:
    batch_id: "{{ __swap_batch_id }}"
    components: "{{ __swap_batch.after[inventory_hostname] }}"
  register: __swap_proof
  when: inventory_hostname in __swap_batch.nodes
"""

COMPONENT = {
    "name": "shop",
    "service": "shop",
    "package": "shop",
    "port": 8080,
    "health_url": "http://127.0.0.1:8080/health",
    "heartbeat": {"port": 9100},
    "sanity": [{"path": "/"}],
}
BALANCERS = [
    {"name": state, "follows": state, "path": f"/heartbeat/{state}", "url": f"http://{state}", "addresses": ["10.0.0.5"]} for state in ("live", "standby")
]
SITE = {
    "run_id": "r1",
    "reason": "release 2.0.0",
    "lock_s": 900,
    "load_balancers": BALANCERS,
    "settle_timeout_s": 30,
    "drain": {"method": "heartbeat"},
    "health_timeout_s": 60,
    "min_live": 0,
    "max_unavailable": 0,
    "capacity": {},
    "without": [],
    "override": {},
    "sanity_timeout_s": 30,
    "sanity_from": "elsewhere",
    "on_failure": "rollback",
    "forward": True,
}
# Seconds: as long as a job is waited for, which is a variable of the role.
WAIT_S = 2
OLD, NEW = "shop-1.0.0-1.noarch", "shop-2.0.0-1.noarch"


def batch(number: int, *nodes: str, observe_s: int = 10, after: str = NEW, **fields: Any) -> dict[str, Any]:
    packages = {
        "before": {name: {"shop": OLD if after == NEW else NEW} for name in nodes},
        "after": {name: {"shop": after} for name in nodes},
        "restore": {},
        "staying": [name for name in NAMES if name not in nodes],
    }
    found = {
        "number": number,
        "nodes": list(nodes),
        "ready": [],
        "retire": [],
        "exclusive": False,
        "observe_s": observe_s,
        "serving_after": NAMES,
        "total": 2,
        "old": [],
    }
    return {**found, **packages, "undo": None, **fields}


def undone(number: int, *nodes: str, observe_s: int = 30) -> dict[str, Any]:
    return {**batch(number, *nodes, observe_s=observe_s), "undo": batch(number, *nodes, observe_s=0, after=OLD)}


# Whatever the third one were, it would not begin.
BATCHES = [undone(1, "blue1", observe_s=30), undone(2, "green1", observe_s=45), undone(3, "blue1")]
SHORT = [{**BATCHES[1], "observe_s": 30}, BATCHES[2]]
# Nothing is swapped here, only watched.
WATCHED = batch(1)
TRAFFIC = {"probes": {"paths": ["/"]}, "max_error_rate": 0.1}
WELL = {"anomalies": [], "first": {"shop": {"state": "live", "started_at": 7.0}}}
ILL = {"anomalies": ["it is ill"], "msg": "After 1 s: it is ill.", "first": {}}
JOB = {"observe_traffic": {"ansible_job_id": "JOB", "started": 1, "finished": 0}}
AT_WORK = {"ansible_job_id": "JOB", "started": 1, "finished": 0}
SAYS = {
    "begin": {"components": [{"name": "shop", "started_at": 2.0}]},
    "release": {"components": [{"name": "shop", "started_at": 5.0}]},
    "observe": WELL,
}


class Play:
    """What runs: batch after batch as playbooks/deploy.yml has it, or the watch alone."""

    def __init__(self, says: dict[str, Any] | None = None, batches: list[dict[str, Any]] | None = None, tasks_from: str = "main", **variables: Any) -> None:
        self.says, self.batches, self.tasks_from = {**SAYS, **(says or {})}, batches or [WATCHED], tasks_from
        self.variables = {"swap_observe": {}, "on_failure": "rollback", **variables}

    def __call__(self, name: str) -> dict[str, Any]:
        says = json.loads(json.dumps(self.says).replace('"JOB"', f'"{name}"'))
        on_failure = self.variables.pop("on_failure")
        variables = {
            "play": name,
            "says": says,
            "swap_site": {**SITE, "on_failure": on_failure},
            "swap_components": [COMPONENT],
            "swap_token": "t",
            "swap_store": "",
            "swap_batches": BATCHES if self.batches[0]["nodes"] else self.batches,
        }
        role = {
            "name": "Batch after batch",
            "ansible.builtin.include_role": {"name": "halfswap.bluegreen.swap", "tasks_from": self.tasks_from, "rolespec_validate": False},
            "loop": self.batches,
            "loop_control": {"loop_var": "each", "label": "{{ each.number }}"},
            "vars": {"swap_batch": "{{ each }}"},
            # As playbooks/deploy.yml has it.
            "run_once": self.tasks_from == "preflight",
        }
        through = {"name": "It is through", "halfswap.bluegreen.journal": {"what": "through"}}
        stopped = {"name": "It stopped", "halfswap.bluegreen.journal": {"what": "{{ ansible_failed_result.msg }}"}}
        return {
            "name": name,
            "hosts": "blue:green",
            "gather_facts": False,
            "strategy": "ansible.builtin.linear",
            "any_errors_fatal": True,
            "vars": {**variables, **self.variables},
            "tasks": [{"block": [role, through], "rescue": [stopped]}],
        }


def traffic(says: dict[str, Any]) -> Play:
    return Play(says, [WATCHED], "observe", swap_observe=TRAFFIC)


PLAYS = {
    "node_shows": Play({"observe blue1 2.1": ILL}, BATCHES),
    "node_cannot_be_watched": Play({"observe green1 2.2": {"failed": True, "msg": "no python"}}, SHORT, on_failure="rollback_batch"),
    # The other node is out, and is not watched.
    "held": Play({"observe green1 2.1": ILL}, [{**SHORT[0], "serving_after": ["green1"]}, *SHORT[1:]], on_failure="hold"),
    # The job tells while a part is watched.
    "ends_well": traffic({**JOB, "observe blue1 1.1": {**WELL, "job": AT_WORK}, "observe blue1 1.2": {**WELL, "job": {**AT_WORK, **WELL, "finished": 1}}}),
    "cannot_begin": traffic({"observe_traffic": {"failed": True, "msg": "nobody answers"}}),
    "fails": traffic({**JOB, "observe blue1 1.1": {**WELL, "job": {**AT_WORK, "finished": 1, **ILL}}}),
    "vanishes": traffic(JOB),
    "never_ends": traffic({**JOB, "observe blue1 1.1": {**WELL, "job": AT_WORK}}),
    "preflight": Play(batches=BATCHES[:1], tasks_from="preflight", swap_observe=TRAFFIC),
}


class Ran:
    """The plays, and what they asked for."""

    def __init__(self, output: str, asked: list[dict[str, Any]]) -> None:
        self.output, self.asked = output, asked

    def of(self, play: str, *names: str) -> list[dict[str, Any]]:
        """In their order; what several hosts do in one task stands in the order of the hosts."""
        found = [each for each in self.asked if each["play"] == play and (not names or each["name"] in names)]
        assert [each for each in self.asked if each["play"] == play], self.output
        return found

    def ended(self, play: str) -> str:
        """How it has ended, for all of its hosts alike."""
        ends = self.of(play, "journal")
        (end,) = {each["args"]["what"] for each in ends}
        assert sorted(each["host"] for each in ends) == NAMES
        return end

    def parts(self, play: str, batch: int = 1, on: tuple[str, ...] = tuple(NAMES)) -> list[int]:
        """The parts that were watched, each on all of these hosts and on no other."""
        watched = sorted((each["part"], each["host"]) for each in self.of(play, "observe") if each["batch"] == batch)
        parts = sorted({part for part, _host in watched})
        assert watched == [(part, host) for part in parts for host in on]
        return parts

    def released(self, play: str) -> list[tuple[str, str, bool]]:
        """For which batch which node was released, and whether to what it had before."""
        return [(each["args"]["batch_id"], each["host"], OLD in str(each["args"]["components"])) for each in self.of(play, "release")]


def collection(folder: Path) -> None:
    """The collection by links, but for what runs on nodes, and for the steps of a batch."""
    made = folder / "ansible_collections/halfswap/bluegreen"
    (made / "plugins/action").mkdir(parents=True)
    (made / "roles/swap/tasks").mkdir(parents=True)
    for of in ("", "plugins", "roles", "roles/swap", "roles/swap/tasks"):
        for file in (COLLECTION / of).iterdir():
            target = made / file.relative_to(COLLECTION)
            if not target.exists() and file.name not in (".cache", ".venv", "batch.yml"):
                target.symlink_to(file)
    (made / "roles/swap/tasks/batch.yml").write_text(BATCH)
    for module in (COLLECTION / "plugins/modules").glob("[a-z]*.py"):
        if module.name == JUDGES:
            (made / "plugins/action" / JUDGES).symlink_to(COLLECTION / "plugins/action" / JUDGES)
        else:
            (made / "plugins/action" / module.name).write_text(WRITES_DOWN)


@pytest.fixture(scope="module")
def ran(tmp_path_factory) -> Ran:
    folder = tmp_path_factory.mktemp("watch")
    collection(folder)
    (folder / "async").mkdir()
    hosts = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    stacks = {"blue": {"hosts": {"blue1": {}}}, "green": {"hosts": {"green1": {}}}, "others": {"hosts": {"elsewhere": {}}}}
    (folder / "inventory.yml").write_text(yaml.safe_dump({"all": {"vars": hosts, "children": stacks}}))
    (folder / "play.yml").write_text(yaml.safe_dump([play(name) for name, play in PLAYS.items()]))
    given = {
        "ANSIBLE_COLLECTIONS_PATH": str(folder),
        "ANSIBLE_HOME": str(folder / "home"),
        "ANSIBLE_ASYNC_DIR": str(folder / "async"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_RETRY_FILES_ENABLED": "0",
        "ASKED": str(folder / "asked"),
    }
    command = [sys.executable, "-m", "ansible.cli.playbook", "-i", "inventory.yml", "-e", json.dumps({"__swap_traffic_end_s": WAIT_S}), "play.yml"]
    found = subprocess.run(command, cwd=folder, env={**os.environ, **given}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    lines = (folder / "asked").read_text().splitlines() if (folder / "asked").exists() else []
    return Ran(found.stdout, [json.loads(line) for line in lines])


def test_a_batch_of_which_nothing_shows_is_watched_to_the_end_and_the_next_one_begins(ran):
    assert ran.parts("node_shows", batch=1) == [1, 2]
    assert ("r1/2", "green1", False) in ran.released("node_shows")


def test_what_every_node_is_watched_for(ran):
    asked = [each for each in ran.of("node_shows", "observe") if each["batch"] == 1]
    assert {frozenset(each["args"]) for each in asked} == {frozenset(("components", "seconds", "first", "run_id"))}
    assert {(float(each["args"]["seconds"]), each["args"]["run_id"], each["args"]["components"][0]["name"]) for each in asked} == {(15.0, "r1", "shop")}


def test_a_watch_begins_where_the_node_was_proven_and_goes_on_where_it_was_left(ran):
    """Whatever another batch has left behind."""

    def started(batch, part):
        asked = [each for each in ran.of("node_shows", "observe") if (each["batch"], each["part"]) == (batch, part)]
        return {each["host"]: each["args"]["first"]["shop"]["started_at"] for each in asked}

    assert started(1, 1) == {"blue1": 5.0, "green1": 2.0}
    assert started(1, 2) == dict.fromkeys(NAMES, 7.0)
    assert started(2, 1) == {"blue1": 2.0, "green1": 5.0}


def test_after_an_anomaly_of_one_node_nobody_watches_any_longer(ran):
    assert ran.parts("node_shows", batch=2) == [1]


def test_every_batch_goes_back_the_last_one_first_and_no_other_begins(ran):
    came_and_went = [("r1/1", "blue1", False), ("r1/2", "green1", False), ("r1/2/undo/2", "green1", True), ("r1/2/undo/1", "blue1", True)]
    assert ran.released("node_shows") == came_and_went
    assert ran.ended("node_shows") == "Batch 2 was in, and then blue1: After 1 s: it is ill. green1, blue1 serve what they served before."


def test_a_node_that_cannot_be_watched_in_a_later_part(ran):
    assert ran.parts("node_cannot_be_watched", batch=2) == [1, 2]
    assert ran.ended("node_cannot_be_watched").startswith("Batch 2 was in, and then green1: no python ")


def test_one_batch_goes_back_alone_where_that_is_wanted(ran):
    assert ran.released("node_cannot_be_watched") == [("r1/2", "green1", False), ("r1/2/undo/2", "green1", True)]
    assert ran.ended("node_cannot_be_watched").endswith(" green1 serve what they served before.")


def test_a_batch_is_taken_out_to_be_looked_at_as_it_is(ran):
    assert ran.parts("held", batch=2, on=("green1",)) == [1]
    assert ran.released("held") == [("r1/2", "green1", False)]
    left = [(each["host"], each["args"]["batch_id"], each["args"]["batch"]) for each in ran.of("held", "heartbeat") if each["args"]["state"] == "standby"]
    assert left == [("green1", "r1/2/hold/switch", ["green1"])]
    assert ran.ended("held").endswith(" green1 stand by on the new release (bluegreen_on_failure is hold).")


@pytest.mark.parametrize("play", [name for name in PLAYS if PLAYS[name].tasks_from == "observe"])
def test_the_traffic_is_watched_from_elsewhere_once_and_meanwhile(ran, play):
    (asked,) = ran.of(play, "observe_traffic")
    assert (asked["host"], asked["delegate_to"], asked["async_val"], asked["poll"]) == ("blue1", "elsewhere", 10 + 2 * WAIT_S, 0)
    seconds = asked["args"].pop("seconds")
    assert (float(seconds), asked["args"]) == (10.0, {"nodes": NAMES, "old_nodes": [], "live_url": "http://live", "release_header": "", "policy": TRAFFIC})
    asked["args"]["seconds"] = seconds


def test_nobody_watches_the_traffic_where_that_is_not_wanted(ran):
    assert ran.of("node_shows", "observe_traffic") == []


def test_traffic_that_is_well_is_waited_for_in_the_end(ran):
    assert (ran.parts("ends_well"), ran.ended("ends_well")) == ([1, 2], "through")


@pytest.mark.parametrize(
    ("play", "parts", "told"),
    [
        ("cannot_begin", [1], "nobody answers"),
        ("fails", [1], "After 1 s: it is ill."),
        ("vanishes", [1], "could not find job"),
        ("never_ends", [1, 2], "it could not be watched"),
    ],
)
def test_what_the_traffic_shows_ends_the_watch_of_every_node(ran, play, parts, told):
    assert ran.parts(play) == parts
    assert ran.ended(play) == f"Batch 1 was in, and then traffic: {told} There is nothing known to go back to, so it was left as it is."


def test_before_the_first_batch_the_sources_are_asked_from_there_and_nothing_else(ran):
    (asked,) = ran.of("preflight", "observe_traffic")
    assert (asked["host"], asked["delegate_to"], asked["check_mode"], float(asked["args"]["seconds"])) == ("blue1", "elsewhere", True, 15.0)
    assert {key: value for key, value in asked["args"].items() if key != "seconds"} == {
        "nodes": NAMES,
        "old_nodes": [],
        "live_url": "http://live",
        "release_header": "",
        "policy": TRAFFIC,
    }
    assert ran.of("preflight", "observe", "begin") == []
