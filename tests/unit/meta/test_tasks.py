# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules that every task keeps, whoever writes the next one: what its name says, and why it reports neither a failure nor a change."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]
FILES = sorted([*(ROOT / "playbooks").rglob("*.yml"), *(ROOT / "roles").glob("*/tasks/*.yml"), *(ROOT / "roles").glob("*/handlers/*.yml")])
LISTS = ("tasks", "pre_tasks", "post_tasks", "handlers", "block", "rescue", "always")

# What a task does. What it does it to is for the reader to judge.
VERBS = set(
    """
    add adopt ask begin bring build check choose clear compare configure confirm decide deploy enable end examine find give import install judge
    leave list look make measure migrate observe plan point protect publish read record refuse release reload remember render restart roll run send serve
    set show start stop swap switch take test verify wait watch write
    """.split()
)
# A step of a swap is called by its name, and says after the colon what it is. `standby` and `live` are the halves of a switch.
STEPS = ("Begin", "Stage", "Interlock", "Out", "Release", "Sanity", "In", "End", "Standby and settle", "Live and settle", "Standby and live, and settle")
# A task of this name has nothing to do it to: each names the whole of its role.
BARE = {"Plan", "Migrate", "Measure", "Roll back"}

SILENT = re.compile(r"\s*(?:failed_when: false|ignore_errors: true|ignore_unreachable: true|changed_when: false)\b")
# Whose name says that it reads, and so that it changes nothing.
READS = {"ask", "check", "choose", "compare", "examine", "find", "list", "look", "read"}


@dataclass(frozen=True)
class Task:
    where: str
    name: str
    # The comment above it, if there is one, and its own lines, without those of tasks in it.
    above: str
    lines: tuple[str, ...]


def tasks_of(text: str, where: str) -> Iterator[Task]:
    lines = text.splitlines()

    def in_list(node: yaml.Node) -> Iterator[Task]:
        for task in node.value if isinstance(node, yaml.SequenceNode) else ():
            keys = {key.value: value for key, value in task.value}
            inner = [keys[key] for key in LISTS if key in keys]
            first = task.start_mark.line
            hidden = {number for each in inner for number in range(each.start_mark.line, each.end_mark.line)}
            own = tuple(lines[number] for number in range(first, task.end_mark.line + 1) if number < len(lines) and number not in hidden)
            name = keys["name"].value if "name" in keys else ""
            yield Task(f"{where}:{first + 1}", name, lines[first - 1] if lines[first - 1].lstrip().startswith("#") else "", own)
            for each in inner:
                yield from in_list(each)

    yield from in_list(yaml.compose(text, Loader=yaml.SafeLoader))


def named_wrongly(name: str) -> bool:
    step, colon, what = name.partition(": ")
    if colon:
        return step not in STEPS or not what
    first, space, thing = name.partition(" ")
    return name not in BARE and not (first[:1].isupper() and first.rstrip(",").lower() in VERBS and space and thing)


def without_reason(task: Task) -> list[str]:
    found = []
    for number, line in enumerate(task.lines):
        if not SILENT.match(line) or (line.lstrip().startswith("changed_when") and task.name.partition(" ")[0].rstrip(",").lower() in READS):
            continue
        before = number - 1
        # One comment may be for several of them.
        while before > 0 and SILENT.match(task.lines[before]):
            before -= 1
        if not task.above and not task.lines[before].lstrip().startswith("#"):
            found.append(line.strip())
    return found


def shipped() -> list[Task]:
    return [task for path in FILES for task in tasks_of(path.read_text(encoding="utf-8"), path.relative_to(ROOT).as_posix())]


TASKS = shipped()
each_task = pytest.mark.parametrize("task", TASKS, ids=lambda task: task.where)


def test_there_are_tasks() -> None:
    assert len(TASKS) > 150


@each_task
def test_is_named_by_verb_and_object(task: Task) -> None:
    assert not named_wrongly(task.name), f"{task.where}: {task.name!r} is no verb and its object, nor the name of a step and a colon ({', '.join(STEPS)})"


@each_task
def test_says_why_it_reports_no_failure_or_change(task: Task) -> None:
    assert not without_reason(task), f"{task.where}: {without_reason(task)} need a comment above, which says why"


@pytest.mark.parametrize("name", ["", "Test", "Bring", "What somebody has to go back from", "test it", "Foo: bar", "Out: ", "Packages of the server"])
def test_knows_a_name_that_is_none(name: str) -> None:
    assert named_wrongly(name)


SILENT_TASK = "- name: Send it\n  ansible.builtin.command:\n    argv: [a]\n  changed_when: false\n  failed_when: false\n"


def test_knows_a_task_that_does_not_say_why() -> None:
    (task,) = tasks_of(SILENT_TASK, "x.yml")
    assert without_reason(task) == ["changed_when: false", "failed_when: false"]
    inside = "".join(f"    {line}\n" for line in SILENT_TASK.splitlines())
    _, task = tasks_of(f"- name: Do it\n  block:\n{inside}", "x.yml")
    assert without_reason(task) == ["changed_when: false", "failed_when: false"]


@pytest.mark.parametrize(
    "text",
    [
        SILENT_TASK.replace("  changed_when", "  # As it was.\n  changed_when"),
        "---\n# As it was.\n" + SILENT_TASK,
        SILENT_TASK.replace("Send it", "Read it").replace("  failed_when", "  # An answer.\n  failed_when"),
    ],
)
def test_takes_a_comment_for_a_reason(text: str) -> None:
    (task,) = tasks_of(text, "x.yml")
    assert not without_reason(task)
