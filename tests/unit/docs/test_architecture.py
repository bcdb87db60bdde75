# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The map names files and words that are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
ARCHITECTURE = ROOT / "docs/architecture.md"
CONTRIBUTING = ROOT / "CONTRIBUTING.md"
MAP = ARCHITECTURE.read_text(encoding="utf-8").partition("## To change X")[2]
# A file or folder in backquotes. One with a gap, such as <name>, stands for many; .venv and .cache are not of the repository.
FILE = re.compile(r"`(?!\.venv/|\.cache/)((?:[\w.-]+/)+[\w.-]*|Makefile)`")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
LINK = re.compile(r"\]\((?!\w+:|#)([^)#\s]+)")


def named(page: Path) -> set[str]:
    return set(FILE.findall(page.read_text(encoding="utf-8")))


@pytest.mark.parametrize("page", [ARCHITECTURE, CONTRIBUTING], ids=lambda page: page.name)
def test_every_file_is_there(page: Path) -> None:
    assert named(page)
    gone = sorted(name for name in named(page) if not (ROOT / name).exists())
    assert not gone, f"{page.name} names files that are gone: {', '.join(gone)}"


@pytest.mark.parametrize("page", [ARCHITECTURE, CONTRIBUTING], ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    gone = [link for link in LINK.findall(page.read_text(encoding="utf-8")) if not (page.parent / link).exists()]
    assert not gone, f"{page.name} has links to nothing: {', '.join(gone)}"


@pytest.mark.parametrize("page", [ARCHITECTURE, CONTRIBUTING], ids=lambda page: page.name)
def test_every_make_target_is_there(page: Path) -> None:
    targets = set(re.findall(r"(?:^|`)make ([a-z][\w-]*)", page.read_text(encoding="utf-8"), re.MULTILINE))
    gone = sorted(target for target in targets if not re.search(rf"^{re.escape(target)}\b[^=]*:", MAKEFILE, re.MULTILINE))
    assert not gone, f"{page.name} names targets that the Makefile does not have: {', '.join(gone)}"


def test_every_role_has_a_place_in_the_map() -> None:
    roles = {path.name for path in (ROOT / "roles").iterdir() if path.is_dir()}
    assert roles
    assert not {role for role in roles if f"roles/{role}/" not in MAP}
