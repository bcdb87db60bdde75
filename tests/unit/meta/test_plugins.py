# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules that every plugin keeps, whoever writes the next one."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]
DOCUMENTED = ("action", "callback", "lookup", "modules")
TESTED = (*DOCUMENTED, "module_utils", "plugin_utils")
RUN_ON_NODES = ("modules", "module_utils")


def plugins(*kinds: str) -> list[Path]:
    return [path for kind in kinds for path in sorted((ROOT / "plugins" / kind).glob("*.py")) if path.name != "__init__.py"]


def named(path: Path) -> str:
    return path.relative_to(ROOT / "plugins").as_posix()


@pytest.mark.parametrize("plugin", plugins(*TESTED), ids=named)
def test_has_a_unit_test(plugin: Path) -> None:
    test = ROOT / "tests/unit/plugins" / plugin.parent.name / f"test_{plugin.stem.lstrip('_')}.py"
    assert test.is_file(), f"{named(plugin)} has no unit test: write {test.relative_to(ROOT)}"


@pytest.mark.parametrize("plugin", [path for path in plugins(*DOCUMENTED) if not path.name.startswith("_")], ids=named)
def test_says_since_when_it_exists(plugin: Path) -> None:
    # An action plugin is documented by the module of its name.
    documented = ROOT / "plugins/modules" / plugin.name if plugin.parent.name == "action" else plugin
    documentation = next(
        (
            yaml.safe_load(ast.literal_eval(node.value))
            for node in ast.parse(documented.read_text(encoding="utf-8")).body
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "DOCUMENTATION"
        ),
        {},
    )
    assert documentation.get("version_added"), f"{named(documented)}: DOCUMENTATION has no version_added"


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
