# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What nodes say is not for Jinja: what it takes out of hostvars, ansible-core 2.16 to 2.18 takes for templates once it is put together and stored."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
FILES = [path for folder in ("roles", "playbooks") for path in sorted((ROOT / folder).rglob("*")) if path.suffix in (".yml", ".j2")]
# What is taken there: settings and files of the controller, addresses of the inventory, and these results of modules, whole and as they are.
KNOWN = (
    "hostvars['localhost'].__bluegreen_site",
    "hostvars['localhost'].heartbeat_agent_rpm",
    "hostvars['localhost'].package_rpms",
    "map('extract', hostvars, '__bluegreen_address')",
    # Handed to the action heartbeat, which reads from it what it knows.
    "hostvars[__swap_batch.nodes[0]].__swap_sanity }}",
)


def test_there_are_files() -> None:
    assert len(FILES) > 50


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_nothing_that_a_node_says_is_taken_out_of_hostvars(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for known in KNOWN:
        text = text.replace(known, "")
    found = [line.strip() for line in text.splitlines() if re.search(r"\bhostvars\b", line) and not line.lstrip().startswith("#")]
    assert not found, f"{found}: let an action plugin gather it, as watch does (_application.registered)"
