# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that is killed must be seen as killed, where it was, and nodes as they are; Ansible is real here, the nodes are not."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

import application
import pytest
from application import Deployment, Node

PLAYBOOK = """
- name: A play
  hosts: all
  gather_facts: false
  tasks:
    - name: One
      ansible.builtin.debug:
      changed_when: inventory_hostname == 'a'
    - name: Skipped
      ansible.builtin.debug:
      when: false
    - name: Three
      ansible.builtin.debug:
"""
BOUNDARIES = ["One", "Skipped", "Three", None]
TOLD = ['before "One"', 'before "Skipped"', 'before "Three"', "after the last task"]


class OnePlaybook:
    """Stands in for a lab."""

    def __init__(self, folder: Path, text: str = PLAYBOOK) -> None:
        self.playbook = folder / "playbook.yml"
        self.playbook.write_text(text)

    def deploy(self, release: str) -> list[str]:
        return [sys.executable, "-m", "ansible.cli.playbook", "-i", "a,b,", "-c", "local", str(self.playbook)]


def test_a_run_that_nothing_disturbs_tells_every_boundary_and_what_it_changed(tmp_path: Path) -> None:
    run = Deployment(OnePlaybook(tmp_path), "2.0.0", tmp_path, "run").run()
    assert (run.status, run.record.boundaries, run.record.changed) == (0, BOUNDARIES, ["a"])
    assert len(run.record.at) == len(BOUNDARIES) and list(run.record.at) == sorted(run.record.at)


@pytest.mark.parametrize("number", [1, 3, 4])
def test_a_run_is_killed_at_the_boundary_and_nothing_of_it_happens_after(tmp_path: Path, number: int) -> None:
    run = Deployment(OnePlaybook(tmp_path), "2.0.0", tmp_path, "run", kill_at=number).run()
    assert run.status == -signal.SIGKILL
    assert run.record.boundaries == BOUNDARIES[:number]
    assert run.record.last == TOLD[number - 1]
    assert run.record.changed is None
    # Each of the two hosts answers each of the two tasks that do anything.
    assert run.log.read_text().count("ok: [") + run.log.read_text().count("changed: [") == {1: 0, 3: 2, 4: 4}[number]


def test_a_boundary_that_does_not_exist_kills_nothing(tmp_path: Path) -> None:
    assert Deployment(OnePlaybook(tmp_path), "2.0.0", tmp_path, "run", kill_at=5).run().status == 0


def test_a_run_that_hangs_is_ended_and_has_no_exit_status(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(application, "DEPLOY_WITHIN_S", 0.2)
    run = Deployment(OnePlaybook(tmp_path), "2.0.0", tmp_path, "run").run()
    assert run.status == "none within 0.2 s"
    assert (run.record.last, run.record.task) == ("before any task", "no task")


def test_a_run_that_fails_tells_the_task_that_failed_first(tmp_path: Path) -> None:
    failing = PLAYBOOK.replace("changed_when: inventory", "failed_when: inventory")
    run = Deployment(OnePlaybook(tmp_path, failing), "2.0.0", tmp_path, "run").run()
    assert (run.status, run.record.boundaries, run.record.task) == (2, BOUNDARIES, '"One"')


def test_a_failure_that_is_ignored_is_none(tmp_path: Path) -> None:
    ignored = PLAYBOOK.replace("changed_when: inventory_hostname == 'a'", "failed_when: true\n      ignore_errors: true")
    run = Deployment(OnePlaybook(tmp_path, ignored), "2.0.0", tmp_path, "run").run()
    assert (run.status, run.record.failed, run.record.task) == (0, None, '"Three"')


def heartbeat(state: str) -> str:
    return json.dumps({"state": state, "since": 17.5, "revision": 3})


@pytest.mark.parametrize(
    ("output", "node", "text"),
    [
        (heartbeat("live") + '\0{"release": "1.0.0"}', Node("live", 17.5, "1.0.0"), "1.0.0 live"),
        (heartbeat("standby") + "\0", Node("standby", 17.5, None), "nothing standby"),
        ("\0" + '{"release": "2.0.0"}', Node(None, None, "2.0.0"), "2.0.0 silent"),
        ("", Node(), "nothing silent"),
    ],
)
def test_a_node_is_what_it_tells(output: str, node: Node, text: str) -> None:
    assert Node.parse(output) == node
    assert str(node) == text


def test_nodes_serve_a_release_only_when_all_are_live_on_it() -> None:
    live, out, old = Node("live", 1.0, "2.0.0"), Node("standby", 1.0, "2.0.0"), Node("live", 1.0, "1.0.0")
    assert application.served({"blue1": live, "green1": live}) == "2.0.0"
    assert application.served({"blue1": old, "green1": old}) == "1.0.0"
    for odd in (out, old, Node()):
        assert application.served({"blue1": live, "green1": odd}) is None


def test_nodes_are_described_by_what_they_have_in_common() -> None:
    nodes = {"blue1": Node("standby", 1.0, "2.0.0"), "blue2": Node("standby", 2.0, "2.0.0"), "green1": Node("live", 3.0, "1.0.0")}
    assert application.describe(nodes) == "green1: 1.0.0 live, blue1 blue2: 2.0.0 standby"


@pytest.mark.parametrize("text", ["0", "3,0", "", "one", "-2"])
def test_numbers_are_counted_from_1(text: str) -> None:
    with pytest.raises(ValueError):
        application.numbers(text)


def test_numbers_and_a_number() -> None:
    assert application.numbers("3,17") == [3, 17]
    assert application.positive("17") == 17
    with pytest.raises(ValueError):
        application.positive("3,17")
