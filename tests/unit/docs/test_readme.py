# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re

import pytest
import yaml

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.site.description import Description
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.site.table import VARIABLES
from ansible_collections.halfswap.bluegreen.tests.readme import PAGES, README, table, written


@pytest.mark.parametrize("page, tables", list(zip(PAGES, (3, 1))), ids=lambda value: getattr(value, "name", None))
def test_the_tables_are_those_of_the_code(page, tables):
    text = page.read_text()
    assert text.count("<!-- table of ") == tables
    assert written(text) == text, f"{page.name}: its tables are not those of the code: run make readme"


def test_a_stale_table_of_refusals_shows():
    text = PAGES[1].read_text()
    for stale in (text.replace("HS-PEAK", "HS-PEEK"), text.replace("| yes |", "| no |", 1), text.replace("## Capacity", "## Load")):
        assert stale != text and written(stale) != stale


def test_the_page_of_refusals_shows_an_override_that_is_right():
    (told,) = re.findall(r"-e '(\{.*bluegreen_override.*\})'", PAGES[1].read_text())
    described = Description({**yaml.safe_load(told)}, lambda value: value, ["bluegreen_override"])
    faults: list[str] = []
    assert described.value("override", "deploy", faults)["refusals"] and not faults


def test_a_table_says_type_unit_default_and_range():
    rows = {line.split(" | ")[0].strip("| `"): line for line in table("variables").splitlines()}
    assert rows["bluegreen_settle_timeout_s"].startswith("| `bluegreen_settle_timeout_s` | integer, s | `60` | longest wait")
    assert rows["bluegreen_settle_timeout_s"].endswith("(at least 1) |")
    assert "| string, secret | |" in rows["bluegreen_token"]
    assert {f"bluegreen_{key.name}" for key in VARIABLES} <= set(rows)


@pytest.mark.parametrize("number", range(2))
def test_the_sites_in_the_readme_are_right(number):
    sites = [yaml.safe_load(text) for text in re.findall(r"```yaml\n---\n(bluegreen_components:.*?)```", README.read_text(), re.S)]
    assert len(sites) == 2
    assert Description({"bluegreen_token": "x", **sites[number]}, lambda value: value).check("deploy", ["load_balancers"])["components"][0]["name"] == "shop"


def test_the_smallest_site_is_small():
    (smallest,) = re.findall(r"The smallest site.*?```yaml\n(.*?)```", README.read_text(), re.S)
    assert len(smallest.splitlines()) <= 15
