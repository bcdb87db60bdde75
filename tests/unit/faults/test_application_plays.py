# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that is killed must be seen as killed, where it was, and nodes as they are; Ansible is real here, the nodes are not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
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
INCLUDED = """
- name: A play
  hosts: all
  gather_facts: false
  tasks:
    - name: Under the lock
      block:
        - name: Include
          ansible.builtin.include_tasks: included.yml
          loop: [1, 2]
        - name: Skip an include
          ansible.builtin.include_tasks: included.yml
          when: false
      always:
        - name: End
          ansible.builtin.include_tasks: included.yml
"""
SLOW = """
- name: A play
  hosts: all
  gather_facts: false
  tasks:
    - name: One
      ansible.builtin.debug:
    - name: Slow
      ansible.builtin.debug:
        msg: "{{{{ lookup('ansible.builtin.pipe', 'echo $$ >> {pids}; exec sleep 300') }}}}"
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


def test_includes_and_what_they_include_have_boundaries_in_always_too(tmp_path: Path) -> None:
    (tmp_path / "included.yml").write_text("- name: Included\n  ansible.builtin.debug:\n")
    run = Deployment(OnePlaybook(tmp_path, INCLUDED), "2.0.0", tmp_path, "run", kill_at=6).run()
    assert run.status == -signal.SIGKILL
    assert run.record.boundaries == ["Include", "Included", "Included", "Skip an include", "End", "Included"]


def is_at_work(pid: str) -> bool:
    """A zombie is not; whoever inherits it has only not looked yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def test_a_moment_ends_the_run_and_each_of_its_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pids = tmp_path / "pids"
    run = Deployment(OnePlaybook(tmp_path, SLOW.format(pids=pids)), "2.0.0", tmp_path, "run")
    # Not by the clock: both hosts are in the middle of the task.
    monkeypatch.setattr(subprocess.Popen, "wait", until(lambda: pids.exists() and len(pids.read_text().split()) == 2))
    run.run_for(17.0)
    assert (run.status, run.record.boundaries, run.record.during) == (-signal.SIGKILL, BOUNDARIES[:1] + ["Slow"], 'in "Slow"')
    assert not [pid for pid in pids.read_text().split() if is_at_work(pid)]


def until(reached):
    """Stands in for the first wait."""
    wait = subprocess.Popen.wait

    def waiting(self, timeout=None):
        if timeout != 17.0:
            return wait(self, timeout)
        while not reached():
            assert self.poll() is None
            time.sleep(0.05)
        raise subprocess.TimeoutExpired("run", timeout)

    return waiting


def test_a_run_that_ends_before_the_moment_is_not_killed(tmp_path: Path) -> None:
    assert Deployment(OnePlaybook(tmp_path), "2.0.0", tmp_path, "run").run_for(300.0).status == 0


def test_options_reach_the_playbook(tmp_path: Path) -> None:
    run = Deployment(OnePlaybook(tmp_path), "2.0.0", tmp_path, "run", "--syntax-check").run()
    assert (run.status, run.record.boundaries) == (0, [])


def test_root_needs_no_users_of_its_own_for_another_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    named = ["sh", "-c", 'hostname "$0" && exec "$@"', "other-laptop"]
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert application.apart("other-laptop") == [*application.APART, *named]
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert application.apart("other-laptop") == [*application.APART, "--user", "--map-root-user", *named]


def test_a_machine_of_its_own_has_a_name_processes_and_a_home_of_its_own(tmp_path: Path) -> None:
    if not application.can_be_apart():
        pytest.skip("unshare is refused here")
    home = tmp_path / "home"
    script = 'hostname; echo $$; readlink /proc/self/ns/pid; ls -d /proc/[0-9]* | wc -l; echo "$HOME"; echo "$@"'
    command = [*application.apart("other-laptop"), "sh", "-c", script, "sh", "two words"]
    told = subprocess.check_output(command, text=True, env={**os.environ, **application.at_home(home)}).splitlines()
    assert told[:2] == ["other-laptop", "1"]
    assert told[2] != os.readlink("/proc/self/ns/pid")
    # The shell, and those of the pipe that count.
    assert int(told[3]) <= 4
    assert told[4:] == [str(home), "two words"]
    assert os.uname().nodename != "other-laptop"


def test_a_run_at_another_machine_is_timed_and_recorded_as_any_other(tmp_path: Path) -> None:
    if not application.can_be_apart():
        pytest.skip("unshare is refused here")
    run = Deployment(OnePlaybook(tmp_path), "2.0.0", tmp_path, "run")
    run.start(*application.apart("other-laptop"), **application.at_home(tmp_path / "home")).wait()
    assert (run.status, run.record.boundaries) == (0, BOUNDARIES)
    assert (tmp_path / "home" / "tmp").is_dir()


def test_a_run_at_another_machine_does_not_outlive_who_started_it() -> None:
    if not application.can_be_apart():
        pytest.skip("unshare is refused here")
    script = "import application, lab; lab.start(*application.apart('other-laptop'), 'sh', '-c', 'echo begun; exec sleep 300').wait()"
    path = os.pathsep.join(str(application.ROOT / "tests" / folder) for folder in ("faults", "demo"))
    starter = subprocess.Popen([sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": path}, stdout=subprocess.PIPE, text=True)
    assert starter.stdout and starter.stdout.readline() == "begun\n"
    starter.kill()
    # The end of the output is the end of the last one who could write to it.
    starter.communicate(timeout=60)


def heartbeat(state: str) -> str:
    return json.dumps({"state": state, "since": 17.5, "revision": 3})


@pytest.mark.parametrize(
    ("output", "node", "text"),
    [
        (heartbeat("live") + '\0{"release": "1.0.0"}\0', Node("live", 17.5, "1.0.0"), "1.0.0 live"),
        (heartbeat("live") + '\0{"release": "1.0.0"}\0{"run_id": "r1"}', Node("live", 17.5, "1.0.0", "r1"), "1.0.0 live"),
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
