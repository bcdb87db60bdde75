# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the README tells a reader to run has to exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PLAYBOOKS = {path.stem for path in (ROOT / "playbooks").glob("*.yml")}


def test_there_are_playbooks() -> None:
    assert PLAYBOOKS


@pytest.mark.parametrize("command", sorted(set(re.findall(r"ansible-playbook\b[^\n]*?halfswap\.bluegreen\.\w+", README))))
def test_playbook_exists(command: str) -> None:
    assert command.rsplit(".", 1)[-1] in PLAYBOOKS


@pytest.mark.parametrize("target", sorted(set(re.findall(r"(?:^|`)make ([a-z][\w-]*)", README, re.MULTILINE))))
def test_make_target_exists(target: str) -> None:
    assert re.search(rf"^{re.escape(target)}\b[^=]*:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\((?!\w+:|#)([^)#\s]+)", README)) | set(re.findall(r"src=\"(?!\w+:)([^\"]+)", README))))
def test_link_leads_somewhere(link: str) -> None:
    assert (ROOT / link).exists()
