# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No scenario is left out of the runs by mistake."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SPEC = importlib.util.spec_from_file_location("scenarios", ROOT / "tests/scenarios.py")
scenarios = importlib.util.module_from_spec(SPEC)
# Its data class looks for its own module.
sys.modules.setdefault("scenarios", scenarios)
SPEC.loader.exec_module(scenarios)


def scenario(folder: Path, name: str, text: str) -> None:
    (folder / name).mkdir()
    (folder / name / "molecule.yml").write_text(f"platforms: [{{name: blue1}}]\n{text}")


@pytest.mark.parametrize("tier", ["test", "all"])
def test_a_scenario_says_its_tier_and_its_hosts(tmp_path: Path, tier: str) -> None:
    scenario(tmp_path, "swap", f"ansible: {{env: {{CHECK_TIER: {tier}}}}}\n")
    assert scenarios.read(tmp_path) == [scenarios.Scenario("swap", tier, 1, "swap")]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is missing"),
        ("ansible: {env: {}}\n", "is missing"),
        ("ansible: {env: {CHECK_TIER: tset}}\n", "is tset"),
        # Without a lab there is no scenario.
        ("ansible: {env: {CHECK_TIER: check}}\n", "is check"),
    ],
)
def test_a_scenario_without_a_tier_ends_the_run(tmp_path: Path, text: str, told: str) -> None:
    scenario(tmp_path, "swap", "ansible: {env: {CHECK_TIER: test}}\n")
    scenario(tmp_path, "drain", text)
    with pytest.raises(scenarios.NoTier) as refused:
        scenarios.read(tmp_path)
    assert str(refused.value) == f"molecule/drain/molecule.yml: ansible.env.CHECK_TIER {told}; say from which tier on it is run: test or all"


def test_a_run_has_what_the_smaller_runs_have() -> None:
    assert [[scenarios.included(tier, wanted) for tier in scenarios.TIERS] for wanted in scenarios.TIERS] == [
        [True, False, False],
        [True, True, False],
        [True, True, True],
    ]


def test_what_proves_the_product_is_in_the_run_that_ci_makes() -> None:
    tiers = {each.name: each.tier for each in scenarios.read(ROOT / "molecule")}
    assert tiers["swap"] == tiers["release"] == "test" and tiers["rollback"] == "all"
