# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules that every role keeps, whoever writes the next one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
ROLES = sorted(path for path in (ROOT / "roles").glob("*") if path.is_dir())
each_role = pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)


def load(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text(encoding="utf-8")) or {}


def entry_points(role: Path) -> dict[str, dict[str, Any]]:
    return load(role / "meta/argument_specs.yml")["argument_specs"]


def test_there_are_roles() -> None:
    assert ROLES


@each_role
@pytest.mark.parametrize("file", ["README.md", "defaults/main.yml", "meta/argument_specs.yml", "meta/main.yml", "tasks/main.yml"])
def test_has_its_files(role: Path, file: str) -> None:
    assert (role / file).is_file(), f"roles/{role.name}/{file} is missing"


INCLUDES = [
    (path, role, name)
    for path in sorted(path for folder in ("roles", "playbooks", "molecule") for path in (ROOT / folder).rglob("*.yml"))
    for role, name in re.findall(r"name: halfswap\.bluegreen\.(\w+)\n\s+tasks_from: (\w+)", path.read_text(encoding="utf-8"))
]


def test_there_are_includes() -> None:
    assert len(INCLUDES) > 5


@pytest.mark.parametrize("path, role, name", INCLUDES, ids=lambda value: value.name if isinstance(value, Path) else value)
def test_what_is_included_of_a_role_is_there(path: Path, role: str, name: str) -> None:
    assert (ROOT / "roles" / role / f"tasks/{name}.yml").is_file(), f"{path.relative_to(ROOT)} includes {name}.yml of role {role}, which has no such file"


def tasks_with(module: str) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}: {task}"
        for path in sorted(path for folder in ("roles", "playbooks") for path in (ROOT / folder).rglob("*.yml"))
        for task in re.split(r"\n\s*- name: ", path.read_text(encoding="utf-8"))
        if f"ansible.builtin.{module}:" in task
    ]


# A hardened node mounts the temporary directory of Ansible with noexec, and has a proxy for everything else than our own addresses.
@pytest.mark.parametrize(("module", "needed"), [("script", "executable: /bin/sh"), ("uri", "use_proxy: false")])
def test_a_task_asks_nothing_of_the_node_that_a_hardened_one_lacks(module: str, needed: str) -> None:
    found = tasks_with(module)
    assert found
    for task in found:
        assert needed in task, f"{task.splitlines()[0]}: give it {needed}"


@each_role
def test_has_a_molecule_scenario(role: Path) -> None:
    assert (ROOT / "molecule" / role.name / "molecule.yml").is_file(), f"role {role.name} has no scenario: write molecule/{role.name}/"


@each_role
def test_defaults_and_argument_specs_agree(role: Path) -> None:
    text = (role / "defaults/main.yml").read_text(encoding="utf-8")
    defaults = yaml.safe_load(text) or {}
    documented: set[str] = set()
    for entry, spec in entry_points(role).items():
        for name, option in spec.get("options", {}).items():
            where = f"roles/{role.name}: {name} of entry point {entry}"
            if option.get("required"):
                assert name not in defaults, f"{where} is required, so it has no default: remove one of the two"
                continue
            documented.add(name)
            if "default" not in option and name not in defaults:
                assert re.search(rf"^#.*\b{name}\b", text, re.MULTILINE), f"{where} has no default: say in a comment in defaults/main.yml that it exists"
                continue
            assert name in defaults, f"{where} has the default {option['default']!r}, which is not in defaults/main.yml"
            # The types count, too: 0 == False and 1 == 1.0 are no agreement.
            assert repr(option.get("default")) == repr(defaults[name]), (
                f"{where} is {option.get('default')!r} in meta/argument_specs.yml and {defaults[name]!r} in defaults/main.yml"
            )
    undocumented = sorted(set(defaults) - documented)
    assert not undocumented, f"roles/{role.name}: in defaults/main.yml but not in meta/argument_specs.yml: {undocumented}"


@each_role
def test_every_entry_point_is_documented(role: Path) -> None:
    for entry, spec in entry_points(role).items():
        assert (role / f"tasks/{entry}.yml").is_file(), f"roles/{role.name}: entry point {entry} has no tasks/{entry}.yml"
        assert spec.get("short_description"), f"roles/{role.name}: entry point {entry} has no short_description"
        for name, option in spec.get("options", {}).items():
            assert option.get("description"), f"roles/{role.name}: {name} has no description"
            assert option.get("type"), f"roles/{role.name}: {name} has no type"


@each_role
def test_variables_carry_the_name_of_the_role(role: Path) -> None:
    public = [name for name in load(role / "defaults/main.yml") if not name.startswith(f"{role.name}_")]
    internal = [name for path in (role / "vars").glob("*.yml") for name in load(path) if not name.startswith(f"__{role.name}_")]
    assert not public + internal


@each_role
def test_is_usable_alone(role: Path) -> None:
    """Only playbooks read bluegreen_*; they hand a role its own parameters. Texts may tell a reader to set one."""
    found = [
        f"{path.relative_to(ROOT)}:{number}: {match[0]}"
        for path in sorted(role.rglob("*"))
        if path.is_file() and path.parent.name not in (role.name, "meta", "__pycache__")
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        for match in re.finditer(r"(?<![\w.])(?<!-e )bluegreen_\w+", line)
    ]
    assert not found, "a role reads a variable of the playbooks:\n" + "\n".join(found)
