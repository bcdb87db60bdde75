# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is shipped, as the model runs it: the tasks of YAML files in the order in which they stand there.

Every key, module, argument and `when` has to be known to whoever asks for the file. What is not, or is missing, is NotUnderstood: nobody would know
what the model proves then.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
OURS = "halfswap.bluegreen."
BLOCK = ("block", "rescue", "always")
# How a task can be written, and what of it changes nothing for the model.
KEYS = ("name", "when", "register", "run_once", "ignore_errors", "ignore_unreachable", "loop", "loop_control", "delegate_to", "become", "vars", "changed_when")


class NotUnderstood(Exception):
    """The file says something of which the model does not know what it means."""


# Each stands where it stands: no two are the same one.
@dataclass(frozen=True, eq=False)
class Task:
    file: str
    name: str
    # Without the collection's name.
    module: str
    args: Mapping[str, str]
    when: tuple[str, ...]
    register: str
    run_once: bool
    ignores: bool
    # Everything else that it has.
    keys: Mapping[str, Any]

    def strange(self, what: str) -> NotUnderstood:
        return NotUnderstood(f'{self.file}, task "{self.name}": {what}')


@dataclass(frozen=True, eq=False)
class Block:
    file: str
    name: str
    when: tuple[str, ...]
    tasks: tuple[Task | Block, ...]
    rescue: tuple[Task | Block, ...]
    always: tuple[Task | Block, ...]
    defaults: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    # Whether what fails in it on one node ends the play for the others.
    fatal: bool = True

    def strange(self, what: str) -> NotUnderstood:
        return NotUnderstood(f'{self.file}, block "{self.name}": {what}')


def load(file: str) -> Any:
    return yaml.safe_load((ROOT / file).read_text())


class Reader:
    """Reads files of tasks. variables: of the role, put where they are named. defaults: of modules, as module_defaults says."""

    def __init__(self, variables: Mapping[str, Any] | None = None, defaults: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        self.variables = variables or {}
        self.defaults = defaults or {}

    def tasks(self, file: str) -> tuple[Task | Block, ...]:
        return self.entries(file, load(file))

    def entries(self, file: str, said: Any) -> tuple[Task | Block, ...]:
        return tuple(self.entry(file, each) for each in said or ())

    def entry(self, file: str, said: Mapping[str, Any]) -> Task | Block:
        name, when = str(said.get("name", "without a name")), said.get("when", [])
        conditions = tuple(_flat(text) for text in (when if isinstance(when, list) else [when]))
        if "block" in said:
            tasks, rescue, always = (self.entries(file, said.get(key)) for key in BLOCK)
            block = Block(file, name, conditions, tasks, rescue, always, said.get("module_defaults") or {}, said.get("any_errors_fatal", True) is True)
            unknown = set(said) - {*BLOCK, "name", "when", "module_defaults", "any_errors_fatal"}
            if unknown:
                raise block.strange(f"{', '.join(sorted(unknown))} of a block is not known")
            return block
        modules = [key for key in said if "." in key]
        task = Task(
            file,
            name,
            module=", ".join(modules).removeprefix(OURS).replace("import_tasks", "include_tasks"),
            args=self.arguments(modules[0], said[modules[0]]) if modules else {},
            when=conditions,
            register=said.get("register", ""),
            run_once=said.get("run_once") is True,
            ignores=said.get("ignore_errors") is True and said.get("ignore_unreachable") is True,
            keys={key: value for key, value in said.items() if key not in ("name", "when", "register", *modules)},
        )
        unknown = set(said) - {*KEYS, *modules[:1]}
        if unknown or not modules:
            raise task.strange(f"{', '.join(sorted(unknown)) or 'a task without a module'} is not known")
        return task

    def arguments(self, module: str, said: Any) -> dict[str, str]:
        if not isinstance(said, Mapping):
            return {"_": _flat(said)}
        return {key: self.filled(value) for key, value in {**self.defaults.get(module, {}), **said}.items()}

    def filled(self, value: Any) -> str:
        """With what the role's own variables stand for."""
        return re.sub(r"{{ (\w+) }}", lambda found: _flat(self.variables.get(found[1], found[0])), _flat(value))


def _flat(value: Any) -> str:
    return " ".join(str(value).split())


def of_tasks(file: str, entries: Sequence[Task | Block], *modules: str) -> tuple[Task, ...]:
    """The tasks, where they are of these modules, in this order."""
    tasks = tuple(entry for entry in entries if isinstance(entry, Task))
    if len(tasks) < len(entries) or tuple(task.module for task in tasks) != modules:
        raise NotUnderstood(f"{file}: {', '.join(entry.name for entry in entries)}: these are not {', '.join(modules)}")
    return tasks


def a_block(file: str, entry: Task | Block) -> Block:
    if not isinstance(entry, Block):
        raise NotUnderstood(f"{file}: {entry.name}: it is not a block")
    return entry


def each_task(entries: Sequence[Task | Block]) -> Iterator[Task]:
    for entry in entries:
        if isinstance(entry, Task):
            yield entry
        else:
            yield from each_task((*entry.tasks, *entry.rescue, *entry.always))


def each_when(entries: Sequence[Task | Block]) -> Iterator[tuple[Task | Block, str]]:
    for entry in entries:
        yield from ((entry, text) for text in entry.when)
        if isinstance(entry, Block):
            yield from each_when((*entry.tasks, *entry.rescue, *entry.always))


Words = Mapping[str, Mapping[str, str]]


def understood(task: Task, words: Words, needed: Collection[str], optional: Collection[str]) -> dict[str, str]:
    """What the arguments mean: those that `words` knows, by that; the others just have to be there."""
    missing, unknown = set(needed) - set(task.args), set(task.args) - {*needed, *optional}
    if missing or unknown:
        raise task.strange(f"{task.module} without {', '.join(sorted(missing))}" if missing else f"{', '.join(sorted(unknown))} of {task.module} is not known")
    for key, text in task.args.items():
        if key in words and text not in words[key]:
            raise task.strange(f"{key}: {text} is not known")
    return {key: words[key][text] if key in words else text for key, text in task.args.items()}


def all_said(files: str, said: Collection[str], known: Collection[str]) -> None:
    """A `when` that the model knows and that no task has any more has been lost."""
    lost = [text for text in known if text not in said]
    if lost:
        raise NotUnderstood(f"{files}: nothing there is said to be so when: {'; '.join(lost)}")


def calls(file: str, known: Collection[str], function: str = "run") -> tuple[str, ...]:
    """What a module does, in its order: those of the known functions and methods that its `function` calls."""
    tree = ast.parse((ROOT / file).read_text())
    body: Callable[[ast.AST], bool] = lambda node: isinstance(node, ast.FunctionDef) and node.name == function  # noqa: E731
    found = [
        (node.lineno, node.col_offset, node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", ""))
        for outer in filter(body, ast.walk(tree))
        for node in ast.walk(outer)
        if isinstance(node, ast.Call)
    ]
    return tuple(dict.fromkeys(name for _line, _column, name in sorted(found) if name in known))
