# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of what was tried names tests that are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "docs" / name for name in ("security.md", "field-faults.md")]
TEST = re.compile(r"`([\w./]+\.(?:py|yml))(?:::(test_\w+))?(?: \w+)?`")
# Where the page leaves the beginning of a path out.
BASES = (ROOT / "tests/unit/plugins", ROOT / "tests/unit", ROOT)


def defined(file: Path, test: str) -> bool:
    return not test or re.search(rf"def {test}\b", file.read_text(encoding="utf-8")) is not None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_input_names_tests_that_are_there(page: Path) -> None:
    rows = [line for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("| ") and not line.startswith(("| input", "| ---"))]
    assert len(rows) > 35
    for row in rows:
        named = TEST.findall(row.rpartition(" | ")[2])
        assert named, f"no test in: {row}"
        for file, test in named:
            assert any((base / file).is_file() and defined(base / file, test) for base in BASES), f"{file}::{test} is not there"
