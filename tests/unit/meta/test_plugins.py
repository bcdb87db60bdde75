# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules that every plugin keeps, whoever writes the next one."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
DOCUMENTED = ("action", "callback", "filter", "lookup", "modules")
TESTED = (*DOCUMENTED, "module_utils", "plugin_utils")
RUN_ON_NODES = ("modules", "module_utils")


def plugins(*kinds: str) -> list[Path]:
    return [path for kind in kinds for path in sorted((ROOT / "plugins" / kind).glob("*.py")) if path.name != "__init__.py"]


def named(path: Path) -> str:
    return path.relative_to(ROOT / "plugins").as_posix()


def documentation(plugin: Path) -> dict[str, Any]:
    # The documentation of an action plugin is that of the module of its name; a filter has it in a file beside it.
    if plugin.parent.name == "action":
        return documentation(ROOT / "plugins/modules" / plugin.name)
    if plugin.parent.name == "filter":
        return yaml.safe_load(plugin.with_suffix(".yml").read_text(encoding="utf-8"))["DOCUMENTATION"]
    for node in ast.parse(plugin.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "DOCUMENTATION":
            return yaml.safe_load(ast.literal_eval(node.value))
    return {}


def only_documents(plugin: Path) -> bool:
    """Whether this is a module whose work is done by the action plugin of its name."""
    return not any(isinstance(node, ast.FunctionDef | ast.ClassDef) for node in ast.parse(plugin.read_text(encoding="utf-8")).body)


@pytest.mark.parametrize("plugin", [path for path in plugins(*TESTED) if not only_documents(path)], ids=named)
def test_has_a_unit_test(plugin: Path) -> None:
    test = ROOT / "tests/unit/plugins" / plugin.parent.name / f"test_{plugin.name}"
    assert test.is_file(), f"{named(plugin)} has no unit test: write {test.relative_to(ROOT)}"


@pytest.mark.parametrize("plugin", [path for path in plugins(*DOCUMENTED) if not path.name.startswith("_")], ids=named)
def test_says_since_when_it_exists(plugin: Path) -> None:
    assert documentation(plugin).get("version_added"), f"{named(plugin)}: its DOCUMENTATION has no version_added"


@pytest.mark.parametrize("plugin", plugins(*RUN_ON_NODES), ids=named)
def test_is_in_the_dialect_of_the_nodes(plugin: Path) -> None:
    text = plugin.read_text(encoding="utf-8")
    assert "from __future__ import absolute_import, division, print_function\n\n__metaclass__ = type\n" in text
    leaving = [name for name in ("ansible.module_utils.six", "ansible.module_utils._text", "ansible.module_utils.compat.paramiko") if name in text]
    assert not leaving, f"{named(plugin)} imports what ansible-core is about to remove: {leaving}"


def test_action_groups_name_modules() -> None:
    runtime = yaml.safe_load((ROOT / "meta/runtime.yml").read_text(encoding="utf-8"))
    members = {name for group in runtime["action_groups"].values() for name in group}
    missing = sorted(members - {path.stem for path in plugins("modules")})
    assert not missing, f"meta/runtime.yml: action_groups names modules that do not exist: {missing}"
