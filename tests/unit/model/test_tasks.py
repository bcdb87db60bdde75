# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for each task of role swap, those of the watch included, which the model does not run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]
ROLE = ROOT / "roles/swap"
FILES = sorted((ROLE / "tasks").glob("*.yml"))
OURS = "halfswap.bluegreen."
NAME = re.compile(r"__swap_\w+")


def tasks_of(entries):
    for entry in entries or ():
        nested = [task for key in ("block", "rescue", "always") for task in tasks_of(entry.get(key))]
        yield from nested or [entry]


TASKS = [pytest.param(task, id=f"{file.stem}: {task['name']}") for file in FILES for task in tasks_of(yaml.safe_load(file.read_text()))]
TEXT = {file: re.sub(r"^ *#.*$", "", file.read_text(), flags=re.MULTILINE) for file in [*FILES, ROLE / "vars/main.yml"]}
(MAIN,) = yaml.safe_load((ROLE / "tasks/main.yml").read_text())


def gives():
    """The names that a task, the variables of the role or a loop give a value."""
    found = set(yaml.safe_load((ROLE / "vars/main.yml").read_text()))
    for task in (param.values[0] for param in TASKS):
        found |= {task.get("register"), task.get("loop_control", {}).get("loop_var"), *task.get("vars", ()), *task.get("ansible.builtin.set_fact", ())}
    return found


def test_each_name_has_a_value():
    named = {name for text in TEXT.values() for name in NAME.findall(text)}
    assert named <= gives()


@pytest.mark.parametrize("task", [param for param in TASKS if "register" in param.values[0]])
def test_somebody_asks_for_what_is_registered(task):
    assert len(re.findall(rf"\b{task['register']}\b(?!:)", "".join(TEXT.values()))) > sum(f"register: {task['register']}\n" in text for text in TEXT.values())


@pytest.mark.parametrize("task", [param for param in TASKS if any(key.startswith(OURS) for key in param.values[0])])
def test_each_option_that_is_required_is_given(task):
    module = next(key for key in task if key.startswith(OURS))
    source = (ROOT / f"plugins/modules/{module.removeprefix(OURS)}.py").read_text()
    documented = yaml.safe_load(re.search(r'DOCUMENTATION = r?"""\n(.*?)"""', source, re.DOTALL)[1])
    required = {name for name, option in documented["options"].items() if option.get("required")}
    given = {**MAIN["module_defaults"].get(module, {}), **task[module]}
    # A judgement takes its settings from the site where it is handed over.
    assert required - set(given) <= ({"run_id", "load_balancers"} if "site" in given else set())


@pytest.mark.parametrize("task", TASKS)
def test_each_task_does_one_thing(task):
    assert len([key for key in task if "." in key]) == 1
