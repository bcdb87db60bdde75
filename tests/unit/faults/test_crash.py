# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which boundaries and moments are tried, how a run goes on from another machine, and which points count as converged."""

from __future__ import annotations

import argparse
import platform
import re
import signal
from pathlib import Path

import crash
import pytest
from application import Node, Record
from lab import Failure

from ansible_collections.halfswap.bluegreen.plugins.module_utils.node import _lock

OK = {"failed": 0, "lost_writes": 0}


@pytest.mark.parametrize(
    ("chosen", "points"),
    [
        ({}, [1, 2, 3, 4, 5, 6, 7]),
        ({"first": 3, "last": 5}, [3, 4, 5]),
        ({"every": 3}, [1, 4, 7]),
        ({"first": 2, "every": 3}, [2, 5]),
        ({"last": 99}, [1, 2, 3, 4, 5, 6, 7]),
    ],
)
def test_points_are_chosen_of_those_there_are(chosen: dict, points: list[int]) -> None:
    assert crash.choose(7, **chosen) == points


@pytest.mark.parametrize("chosen", [{"first": 8}, {"first": 5, "last": 4}])
def test_no_point_at_all_is_a_failure(chosen: dict) -> None:
    with pytest.raises(Failure):
        crash.choose(7, **chosen)


def test_moments_are_drawn_from_the_whole_run_and_once_more_by_their_seed() -> None:
    drawn = crash.draw(200, 50.0, seed=7)
    assert len(drawn) == 200
    assert 0.0 <= min(drawn) < 5.0 and 45.0 < max(drawn) <= 50.0
    assert crash.draw(200, 50.0, seed=7) == drawn != crash.draw(200, 50.0, seed=8)
    assert crash.draw(200, 100.0, seed=7) == pytest.approx([2 * moment for moment in drawn])


HERE = platform.node()
RUN = "20261130T105928Z-2139"


def held(host: str = HERE, run: str = RUN) -> str:
    """What a run prints that is refused by a node."""
    record = dict(owner=f"root@{host}", host=host, run_id=run, reason="release 1.0.0", since="2026-11-30T10:59:32Z", expires_at=0.0)
    told = _lock.failure(_lock.Held(record))["msg"]
    # The first is cut at hyphens, too.
    return f'[ERROR]: {told[:-36]}\n{told[-36:]}\nfatal: [blue1]: FAILED! => {{"changed": false, "msg": "{told}"}}\n'


def test_the_holder_and_the_remedy_are_read_from_a_refusal() -> None:
    assert crash.refusal(held("laptop")) == ("root@laptop", RUN)
    assert crash.refusal("fatal: [blue1]: FAILED! => the disk is full") is None


LOCKED = {"blue1": Node("live", 1.0, "1.0.0", RUN), "green1": Node("live", 1.0, "1.0.0")}
FREE = {"blue1": Node("live", 1.0, "1.0.0")}
END = 'in "End: give the lock back, and read the node"'


def test_locks_are_told_with_their_nodes() -> None:
    assert crash.locks(LOCKED) == f"blue1 locked by {RUN}"
    assert crash.locks(FREE) == "no lock"


@pytest.mark.parametrize(
    ("log", "at_kill", "where"),
    [
        (held(), LOCKED, 'in "Stage"'),
        ("", FREE, "before any task"),
        # A node took it, or gave it back, after the kill.
        (held(), FREE, 'in "Take the lock"'),
        ("", LOCKED, "after 17.0 s " + END),
    ],
)
def test_the_other_machine_is_refused_where_there_is_a_lock(log: str, at_kill: dict, where: str) -> None:
    assert crash.objections(log, at_kill, where) == []


@pytest.mark.parametrize(
    ("log", "at_kill", "where", "objection"),
    [
        ("", LOCKED, 'in "Stage"', f"the other machine was not refused, with blue1 locked by {RUN}"),
        ("", LOCKED, END.replace("in ", "before "), f"the other machine was not refused, with blue1 locked by {RUN}"),
        (held("elsewhere"), LOCKED, 'in "Stage"', f"the refusal names root@elsewhere, which is not {HERE}"),
        ("blue1: run r1 of root died on this machine; its lock", FREE, "", "the other machine took the lock over without being told to"),
    ],
)
def test_any_other_answer_to_the_other_machine_is_wrong(log: str, at_kill: dict, where: str, objection: str) -> None:
    assert crash.objections(log, at_kill, where) == [objection]


def test_the_words_and_tasks_that_are_looked_for_are_those_of_the_collection() -> None:
    root = Path(__file__).parents[3]
    assert crash.KNOWN_DEAD in (root / "plugins/plugin_utils/reach/_lease.py").read_text()
    names = re.findall(r'- name: "?(.*?)"?\n +halfswap.bluegreen.(?:end|deploy_lock):', (root / "playbooks/tasks/end.yml").read_text())
    assert len(names) == 2
    assert all(crash.GIVES_BACK.search(f'in "{name}"') for name in names)


class Application:
    """Three nodes' worth of behaviour: what runs end with, and what the nodes tell afterwards."""

    def __init__(self, boundaries: dict[str, int], finishes: bool = True, errors: int = 0, lasts_s: float = 1.0, locks: bool = True) -> None:
        self.boundaries = boundaries
        self.finishes = finishes
        self.errors = errors
        self.lasts_s = lasts_s
        self.locks = locks
        self.release = "1.0.0"
        self.lock: str | None = None
        self.runs: list[tuple[str, int]] = []
        self.moments: list[float] = []
        self.elsewhere: list[tuple[str, ...]] = []

    def deployment(self, lab, release: str, records: Path, name: str, *options: str, kill_at: int = 0) -> Application:
        self.name, self.to, self.options, self.kill_at, self.refused = name, release, options, kill_at, False
        self.log = records / f"{name}.log"
        return self

    def run_for(self, seconds: float) -> argparse.Namespace:
        self.moments.append(seconds)
        self.kill_at = 1 if seconds < self.lasts_s else 0
        return self.run()

    def start(self, *wrapper: str, **environment: str) -> Application:
        assert wrapper[-1] == crash.OTHER_MACHINE and Path(environment["HOME"]).is_dir()
        self.elsewhere.append(self.options)
        self.refused = bool(self.lock) and self.options != ("-e", f"bluegreen_take_over={self.lock}")
        return self

    def wait(self) -> argparse.Namespace:
        return self.run()

    def run(self) -> argparse.Namespace:
        self.runs.append((self.to, self.kill_at))
        count = self.boundaries[self.to]
        killed = 0 < self.kill_at <= count
        last = self.name in ("again", "elsewhere", "take-over")
        status = -signal.SIGKILL if killed else int(self.refused or (last and not self.finishes))
        if status == 0:
            self.release = self.to
        if not self.refused:
            self.lock = RUN if killed and self.locks else None
        self.log.write_text(held() if self.refused else "")
        record = Record([f"Task {n}" for n in range(1, (self.kill_at if killed else count) + 1)], None if killed else [])
        return argparse.Namespace(status=status, seconds=self.lasts_s, record=record, log=self.log)

    def look(self, lab) -> dict[str, Node]:
        return {"blue1": Node("live", 1.0, self.release, self.lock)}

    def news(self) -> list[dict]:
        failed, self.errors = self.errors, 0
        return [{"error": "status 503", "failed": True}] * failed + [{"error": "busy", "failed": False}]


@pytest.fixture
def trial(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    def trial(application: Application, **options) -> crash.Crash:
        monkeypatch.setattr(crash, "Deployment", application.deployment)
        monkeypatch.setattr("application.Deployment", application.deployment)
        monkeypatch.setattr(crash, "look", application.look)
        monkeypatch.setattr("application.look", application.look)
        monkeypatch.setattr(crash, "can_be_apart", lambda: True)
        given = {"points": None, "first": 1, "last": None, "every": 1, "seconds": None, "seed": None, "elsewhere": False, **options}
        made = crash.Crash(argparse.Namespace(name="lab"), 120.0, argparse.Namespace(**given))
        made.records = tmp_path
        made.release = "1.0.0"
        made.load = argparse.Namespace(running=True, news=application.news, requests="requests.jsonl")
        return made

    return trial


def test_every_boundary_is_tried_each_the_other_way(trial, capsys: pytest.CaptureFixture) -> None:
    application = Application({"1.0.0": 3, "2.0.0": 3})
    crashes = trial(application)
    crashes.attempt()
    assert crashes.verdict(OK)
    there_and_back = [("2.0.0", 0), ("1.0.0", 0)]
    assert application.runs == [*there_and_back, ("2.0.0", 1), ("2.0.0", 0), ("1.0.0", 2), ("1.0.0", 0), ("2.0.0", 3), ("2.0.0", 0)]
    assert capsys.readouterr().out.splitlines()[-1] == "RESULT crash_points=3 converged=3 failed_requests=0"


def test_a_boundary_that_only_one_way_has_is_tried_on_that_way(trial) -> None:
    application = Application({"1.0.0": 3, "2.0.0": 2})
    crashes = trial(application, points=[3])
    crashes.attempt()
    assert crashes.converged == 1
    assert application.runs == [("2.0.0", 3), ("1.0.0", 3), ("1.0.0", 0)]


def test_a_point_that_was_never_reached_has_not_converged(trial, capsys: pytest.CaptureFixture) -> None:
    crashes = trial(Application({"1.0.0": 3, "2.0.0": 3}), points=[4])
    crashes.attempt()
    assert not crashes.verdict(OK)
    assert "it was not killed there" in capsys.readouterr().out


def test_a_point_whose_second_run_fails_is_named_and_the_next_one_is_tried(trial, capsys: pytest.CaptureFixture) -> None:
    crashes = trial(Application({"1.0.0": 3, "2.0.0": 3}, finishes=False), points=[2, 3])
    crashes.attempt()
    assert not crashes.verdict(OK)
    output = capsys.readouterr().out
    assert 'point 2 (1/2) to 2.0.0, killed before "Task 2"' in output
    assert "deploy again ended with exit status 1" in output
    assert output.splitlines()[-1] == "RESULT crash_points=2 converged=0 failed_requests=0"


def test_requests_that_fail_are_told_at_their_point(trial, capsys: pytest.CaptureFixture) -> None:
    crashes = trial(Application({"1.0.0": 3, "2.0.0": 3}, errors=2), points=[1])
    crashes.attempt()
    assert not crashes.verdict({"failed": 2, "lost_writes": 1})
    output = capsys.readouterr().out
    assert "FAILED: 2 requests failed, the first: {'error': 'status 503', 'failed': True}" in output
    assert output.splitlines()[-1] == "RESULT crash_points=1 converged=1 failed_requests=3"


def test_moments_are_tried_instead_of_every_boundary(trial, capsys: pytest.CaptureFixture) -> None:
    application = Application({"1.0.0": 3, "2.0.0": 3}, lasts_s=50.0)
    crashes = trial(application, seconds=3, seed=7)
    crashes.attempt()
    assert crashes.verdict(OK)
    assert application.moments == crash.draw(3, 50.0, seed=7)
    output = capsys.readouterr().out
    assert "3 random moments, once more with --seed 7" in output
    assert f'moment 1 (1/3) to 2.0.0, killed after {application.moments[0]:.1f} s in "Task 1"' in output
    assert output.splitlines()[-1] == "RESULT crash_points=3 converged=3 failed_requests=0"


def test_boundaries_that_are_named_are_tried_before_the_moments(trial) -> None:
    crashes = trial(Application({"1.0.0": 3, "2.0.0": 3}), seconds=1, points=[2])
    crashes.attempt()
    assert [str(point) for point in crashes.points] == ["point 2", "moment 1"]
    assert crashes.converged == 2


def test_without_a_seed_one_is_drawn_and_told(trial, capsys: pytest.CaptureFixture) -> None:
    application = Application({"1.0.0": 3, "2.0.0": 3})
    trial(application, seconds=2).attempt()
    seed = re.search(r"--seed (\d+)", capsys.readouterr().out)
    assert seed and application.moments == crash.draw(2, 1.0, int(seed[1]))


def test_another_machine_is_refused_and_takes_over_the_run_that_the_refusal_names(trial, capsys: pytest.CaptureFixture) -> None:
    application = Application({"1.0.0": 3, "2.0.0": 3})
    crashes = trial(application, points=[2], elsewhere=True)
    crashes.attempt()
    assert crashes.converged == 1
    assert application.elsewhere == [(), ("-e", f"bluegreen_take_over={RUN}")]
    output = capsys.readouterr().out
    assert f"at the kill blue1: 1.0.0 live; blue1 locked by {RUN}" in output
    assert f"elsewhere: refused, root@{HERE} has the lock; taking over run {RUN}" in output


def test_another_machine_is_not_refused_where_there_is_no_lock(trial, capsys: pytest.CaptureFixture) -> None:
    application = Application({"1.0.0": 3, "2.0.0": 3}, locks=False)
    crashes = trial(application, points=[1], elsewhere=True)
    crashes.attempt()
    assert crashes.converged == 1
    assert application.elsewhere == [()]
    output = capsys.readouterr().out
    assert "no lock" in output and "elsewhere: not refused" in output


def test_a_point_that_does_not_end_well_elsewhere_has_not_converged(trial, capsys: pytest.CaptureFixture) -> None:
    crashes = trial(Application({"1.0.0": 3, "2.0.0": 3}, finishes=False), points=[2], elsewhere=True)
    crashes.attempt()
    assert crashes.converged == 0
    assert "deploy again ended with exit status 1" in capsys.readouterr().out


def test_a_machine_that_may_not_be_divided_is_no_other_machine(trial, monkeypatch: pytest.MonkeyPatch) -> None:
    crashes = trial(Application({"1.0.0": 3, "2.0.0": 3}), elsewhere=True)
    monkeypatch.setattr(crash, "can_be_apart", lambda: False)
    with pytest.raises(Failure, match="unshare"):
        crashes.attempt()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["--seconds", "3", "--seed", "0", "--elsewhere"], {"seconds": 3, "seed": 0, "elsewhere": True}),
        (["--points", "3"], {"seconds": None, "seed": None, "elsewhere": False}),
    ],
)
def test_the_command_line(monkeypatch: pytest.MonkeyPatch, given: list[str], told: dict) -> None:
    trials = []
    monkeypatch.setattr("sys.argv", ["crash.py", *given])
    monkeypatch.setattr(crash, "in_lab", lambda running, own, trial: trial(argparse.Namespace(name="lab")))
    monkeypatch.setattr(crash.Crash, "run", lambda self: trials.append(self))
    crash.main()
    assert told.items() <= vars(trials[0].options).items()


@pytest.mark.parametrize("given", [["--seed", "7"], ["--seconds", "0"]])
def test_a_command_line_that_is_refused(monkeypatch: pytest.MonkeyPatch, given: list[str]) -> None:
    monkeypatch.setattr("sys.argv", ["crash.py", *given])
    with pytest.raises(SystemExit):
        crash.main()
