# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which boundaries are tried, and which points count as converged."""

from __future__ import annotations

import argparse
import signal
from pathlib import Path

import crash
import pytest
from application import Node, Record
from lab import Failure

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


class Application:
    """Three nodes' worth of behaviour: what runs end with, and what the nodes tell afterwards."""

    def __init__(self, boundaries: dict[str, int], finishes: bool = True, errors: int = 0) -> None:
        self.boundaries = boundaries
        self.finishes = finishes
        self.errors = errors
        self.release = "1.0.0"
        self.runs: list[tuple[str, int]] = []

    def deployment(self, lab, release: str, records: Path, name: str, kill_at: int = 0) -> Application:
        self.name, self.to, self.kill_at = name, release, kill_at
        return self

    def run(self) -> argparse.Namespace:
        self.runs.append((self.to, self.kill_at))
        count = self.boundaries[self.to]
        killed = 0 < self.kill_at <= count
        status = -signal.SIGKILL if killed else int(self.name == "again" and not self.finishes)
        if status == 0:
            self.release = self.to
        record = Record([f"Task {n}" for n in range(1, (self.kill_at if killed else count) + 1)], None if killed else [])
        return argparse.Namespace(status=status, seconds=1.0, record=record, log=Path("log"))

    def look(self, lab) -> dict[str, Node]:
        return {"blue1": Node("live", 1.0, self.release)}

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
        given = {"points": None, "first": 1, "last": None, "every": 1, **options}
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
