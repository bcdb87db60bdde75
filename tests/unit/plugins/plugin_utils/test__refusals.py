# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._refusals import REFUSALS, ROWS, Override, Refusal, all_told, divided

PLUGINS = Path(__file__).parents[4] / "plugins"
FILES = [path for kind in ("action", "plugin_utils") for path in sorted((PLUGINS / kind).rglob("*.py")) if path.name != "_refusals.py"]
NAME = re.compile(r"HS(-[A-Z]+)+")
# How many nodes stay decides between two names.
CHOOSES = {"too_few": {"HS-MIN-LIVE", "HS-LAST"}}
# Reasons that go with another refusal, under its name.
GO_WITH = {("_interlock.py", "code")}
# What fails there is no judgement: options that a task may not have, an act that went wrong, the words about it.
NO_JUDGEMENT = {
    "_action.py": "options of a task",
    "heartbeat.py": "the journal could not be written",
    "journal.py": "there is nothing to write",
    "doctor.py": "each finding has its own remedy",
    "stopped.py": "the words about a failure",
    "setup_end.py": "where a set-up stands that was stopped, whose reason has its name",
    "close.py": "what is left to do, whose reasons have their names",
}


def calls(path: Path, name: str) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
            yield node


def test_every_refusal_has_a_row():
    made = [(path, call) for path in FILES for call in calls(path, "Refusal")]
    assert len(made) > len(ROWS)
    for path, call in made:
        code = call.args[0]
        if isinstance(code, ast.Constant):
            assert code.value in ROWS, f"{path.name}, line {call.lineno}: {code.value} has no row in _refusals.py"
        elif isinstance(code, ast.Call):
            assert CHOOSES[ast.unparse(code.func)] <= set(ROWS)
        else:
            assert (path.name, ast.unparse(code)) in GO_WITH, f"{path.name}, line {call.lineno}: write down its name"


def test_every_row_is_used():
    written = {
        node.value
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and NAME.fullmatch(node.value)
    }
    assert written == set(ROWS), f"not used: {set(ROWS) - written}; without a row: {written - set(ROWS)}"


def test_whatever_is_refused_says_its_name():
    named = 0
    for path in FILES:
        for call in calls(path, "Refused"):
            text = ast.unparse(call.args[0])
            named += "told" in text
            assert "told" in text or path.name in NO_JUDGEMENT, f"{path.name}, line {call.lineno}: a refusal without a name: {text}"
    assert named >= 6


def test_no_name_is_there_twice_and_each_row_is_whole():
    assert len(ROWS) == len(REFUSALS)
    for row in REFUSALS:
        assert NAME.fullmatch(row.code)
        for text in (row.meaning, row.remedy):
            assert text.endswith(".") and "|" not in text and "\n" not in text


def test_what_may_be_passed_is_about_load_time_and_numbers():
    """Whoever adds one says here why rule 1, 2 and 3 hold all the same, and lets the model pass it."""
    assert {row.code for row in REFUSALS if row.passable} == {"HS-CLOCK", "HS-MIN-LIVE", "HS-UNAVAILABLE", "HS-PEAK", "HS-CAPACITY", "HS-WINDOW"}


def test_a_refusal_is_a_text_that_knows_its_name():
    refusal = Refusal("HS-PEAK", "too much")
    assert refusal == "too much" and refusal.code == "HS-PEAK" and refusal.told == "HS-PEAK: too much"
    assert refusal.of("blue1: ").told == "HS-PEAK: blue1: too much"
    assert copy.deepcopy(refusal).told == refusal.told
    assert all_told([refusal, Refusal("HS-CLOCK", "late")]) == "HS-PEAK: too much; HS-CLOCK: late"
    with pytest.raises(KeyError):
        Refusal("HS-NONE", "x")


def test_exactly_what_is_named_and_may_be_passed_is():
    peak, clock, last, unread = (Refusal(code, "x") for code in ("HS-PEAK", "HS-CLOCK", "HS-LAST", "HS-UNREAD"))
    found = [peak, last, clock, unread]
    assert divided(found, Override()) == (found, [])
    left, passed = divided(found, Override("why", ("HS-PEAK", "HS-LAST", "HS-UNREAD")))
    assert [refusal.code for refusal in left] == ["HS-LAST", "HS-CLOCK", "HS-UNREAD"] and [refusal.code for refusal in passed] == ["HS-PEAK"]


def test_what_is_recorded_of_it(canary):
    override = Override("CHG-1", ("HS-PEAK",))
    assert override.record([]) == {}
    record = override.record([Refusal("HS-PEAK", canary.text)])
    assert record["reason"] == "CHG-1" and record["passed"][0].startswith("HS-PEAK: ")
    canary.shown_in(record["passed"][0])
    assert override.lines([Refusal("HS-PEAK", "too much")]) == ["PASSED by override, because CHG-1: HS-PEAK: too much"]
