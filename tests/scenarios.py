# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What molecule's scenarios say of themselves: the hosts of their labs, and the tier from which on they are run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

# Each one runs what the one before it runs, too. Those without a lab are no scenarios.
TIERS = ("check", "test", "all")
WITH_A_LAB = TIERS[1:]
TIER_KEY = "CHECK_TIER"
# Whose lab it uses.
LAB_KEY = "LAB_SCENARIO"


class NoTier(Exception):
    """A scenario that nobody would ever run, or always; the text says what to write where."""


@dataclass(frozen=True)
class Scenario:
    name: str
    tier: str
    hosts: int
    # The scenario that prepares the same; the lab is its.
    lab: str


def read(folder: Path) -> list[Scenario]:
    """All scenarios, the largest labs first; whose lab it is comes before those that use it."""
    found = [_scenario(path) for path in folder.glob("*/molecule.yml")]
    return sorted(found, key=lambda scenario: (-scenario.hosts, scenario.lab, scenario.lab != scenario.name, scenario.name))


def _scenario(path: Path) -> Scenario:
    said = yaml.safe_load(path.read_text(encoding="utf-8"))
    # Molecule's schema has no place for what is not its own but the environment of a scenario's playbooks.
    env = said.get("ansible", {}).get("env", {})
    tier = env.get(TIER_KEY)
    if tier not in WITH_A_LAB:
        told = f"is {tier}" if tier else "is missing"
        raise NoTier(f"molecule/{path.parent.name}/molecule.yml: ansible.env.{TIER_KEY} {told}; say from which tier on it is run: {' or '.join(WITH_A_LAB)}")
    return Scenario(path.parent.name, tier, len(said["platforms"]), env.get(LAB_KEY, path.parent.name))


def included(tier: str, wanted: str) -> bool:
    """Whether a run of the wanted tier has what belongs to this one."""
    return TIERS.index(tier) <= TIERS.index(wanted)
