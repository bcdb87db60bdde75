# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody might break: a task, a condition or an argument of a YAML file, a comparison or a constant of a Python file, one at a time."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

LISTS = ("tasks", "block", "rescue", "always")


@dataclass(frozen=True)
class Mutant:
    file: str
    line: int
    what: str
    # The whole file as it is then.
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}"


def of_file(root: Path, file: str) -> list[Mutant]:
    text = (root / file).read_text()
    found = of_yaml(text) if file.endswith(".yml") else of_python(text)
    return [Mutant(file, line, what, mutated) for line, what, mutated in found]


# YAML: by lines, so that everything else stays as it is.


def of_yaml(text: str) -> Iterator[tuple[int, str, str]]:
    lines = text.splitlines(keepends=True)

    def without(first: yaml.Node, last: yaml.Node) -> str:
        """A block ends where the next thing begins, everything else on its own line."""
        block = isinstance(last, yaml.CollectionNode) and not last.flow_style
        end = last.end_mark.line + (not block and last.end_mark.column > 0)
        return "".join(lines[: first.start_mark.line] + lines[end:])

    def negated(node: yaml.ScalarNode) -> str:
        start, end = node.start_mark.index, node.end_mark.index
        return f"{text[:start]}not ({node.value}){text[end:]}"

    def entries(node: yaml.Node) -> Iterator[tuple[int, str, str]]:
        if not isinstance(node, yaml.SequenceNode):
            return
        for entry in node.value:
            pairs = {key.value: (key, value) for key, value in entry.value}
            name = pairs["name"][1].value if "name" in pairs else "without a name"
            is_play = "hosts" in pairs or any("import_playbook" in key for key in pairs)
            if not is_play:
                yield entry.start_mark.line + 1, f'"{name}" deleted', without(entry, entry)
            for key, (at, value) in pairs.items():
                line = at.start_mark.line + 1
                if key in LISTS:
                    yield from entries(value)
                elif key == "when" and not is_play:
                    yield line, f'when of "{name}" deleted', without(at, value)
                    for condition in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                        yield condition.start_mark.line + 1, f'when of "{name}" negated: {condition.value}', negated(condition)
                elif key in ("run_once", "register", "ignore_errors", "ignore_unreachable", "loop"):
                    yield line, f'{key} of "{name}" deleted', without(at, value)
                elif ("." in key or key == "module_defaults") and isinstance(value, yaml.MappingNode):
                    groups = [value] if "." in key else [each for _key, each in value.value]
                    for argument, said in (pair for group in groups for pair in group.value):
                        yield argument.start_mark.line + 1, f'{argument.value} of "{name}" deleted', without(argument, said)

    yield from entries(yaml.compose(text))


# Python: by its syntax tree. Comments are lost, and nobody reads them here.

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}


def of_python(text: str) -> Iterator[tuple[int, str, str]]:
    tree = ast.parse(text)
    for number, node in enumerate(ast.walk(tree)):
        for what, change in changes(node):
            other = copy.deepcopy(tree)
            same = next(each for at, each in enumerate(ast.walk(other)) if at == number)
            before = ast.unparse(node)
            change(same)
            yield node.lineno, f"{what}: {' '.join(before.split())[:120]}", ast.unparse(other)


def changes(node: ast.AST) -> Iterator[tuple[str, Callable[[ast.AST], None]]]:
    if isinstance(node, ast.Compare):
        for at, operator in enumerate(node.ops):
            other = COMPARISONS[type(operator)]
            yield f"{other.__name__} for {type(operator).__name__}", lambda same, at=at, other=other: same.ops.__setitem__(at, other())
    elif isinstance(node, ast.BoolOp):
        other = ast.Or if isinstance(node.op, ast.And) else ast.And
        yield f"{other.__name__} for {type(node.op).__name__}", lambda same: setattr(same, "op", other())
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield "not dropped", lambda same: setattr(same, "op", ast.UAdd()) or setattr(same, "operand", ast.Call(ast.Name("bool"), [same.operand], []))
    elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
        yield "one more", lambda same: setattr(same, "value", same.value + 1)
    elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name) and isinstance(node.op, ast.Add):
        # It adds nothing.
        yield "adds nothing", lambda same: setattr(same, "value", ast.Subscript(same.value, ast.Slice(upper=ast.Constant(0))))
