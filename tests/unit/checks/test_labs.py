# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lab is prepared once for the scenarios that share it, and nobody finds one in which something failed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT / "tests"))

import checks  # noqa: E402 - its neighbours are found by the path
import jobs  # noqa: E402
import scenarios  # noqa: E402

SWAP = scenarios.Scenario("swap", "test", 8, "swap")
ROLLBACK = scenarios.Scenario("rollback", "all", 8, "swap")
DRAIN = scenarios.Scenario("drain", "all", 2, "drain")


class Job:
    def __init__(self, log: list[str], fails: bool) -> None:
        self._log = log
        self._fails = fails

    def run(self, *command: str, **_env: str) -> None:
        if command[1] == "test":
            self._log.append(f"test {command[3]}")
            if self._fails:
                raise jobs.Failed("molecule ended with status 1")


def told(monkeypatch: pytest.MonkeyPatch, wanted: list[scenarios.Scenario], failing: str = "", stop_after: int = 9) -> list[str]:
    log: list[str] = []
    monkeypatch.setattr(checks.scenarios, "read", lambda _folder: [SWAP, ROLLBACK, DRAIN])
    monkeypatch.setattr(subprocess, "run", lambda command, **_options: log.append(f"remove {command[-1]}"))
    labs = checks.Labs()
    due = [labs.check(scenario) for scenario in wanted]
    labs.expect(due)
    for check in due[:stop_after]:
        try:
            check.run(Job(log, check.name == f"molecule:{failing}"))
        except jobs.Failed:
            log.append("failed")
    labs.remove()
    return log


def test_a_scenario_removes_its_lab_before_and_after(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(monkeypatch, [DRAIN]) == ["remove mol-drain", "test drain", "remove mol-drain"]


def test_who_comes_second_finds_the_lab_of_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(monkeypatch, [SWAP, ROLLBACK]) == ["remove mol-swap", "test swap", "test rollback", "remove mol-swap"]


def test_a_lab_is_not_kept_for_a_scenario_that_nobody_wants(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(monkeypatch, [SWAP]) == told(monkeypatch, [SWAP, DRAIN])[:3] == ["remove mol-swap", "test swap", "remove mol-swap"]
    assert told(monkeypatch, [ROLLBACK]) == ["remove mol-swap", "test rollback", "remove mol-swap"]


def test_a_lab_in_which_something_failed_is_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(monkeypatch, [SWAP, ROLLBACK], failing="swap") == [
        *("remove mol-swap", "test swap", "remove mol-swap", "failed"),
        *("remove mol-swap", "test rollback", "remove mol-swap"),
    ]


def test_a_kept_lab_is_removed_where_the_run_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(monkeypatch, [SWAP, ROLLBACK], stop_after=1) == ["remove mol-swap", "test swap", "remove mol-swap"]


def test_scenarios_of_one_lab_are_never_run_side_by_side() -> None:
    labs = checks.Labs()
    assert labs.check(SWAP).group == labs.check(ROLLBACK).group != labs.check(DRAIN).group


def test_whose_lab_it_is_comes_first() -> None:
    names = [scenario.name for scenario in scenarios.read(ROOT / "molecule") if scenario.lab == "swap"]
    assert names[0] == "swap" and "rollback" in names
