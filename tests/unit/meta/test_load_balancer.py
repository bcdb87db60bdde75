# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No kind of load balancer ignores a parameter silently."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROLE = Path(__file__).parents[3] / "roles" / "load_balancer"
VARS = yaml.safe_load((ROLE / "vars/main.yml").read_text(encoding="utf-8"))
KINDS = VARS["__load_balancer_kinds"]
OPTIONS = yaml.safe_load((ROLE / "meta/argument_specs.yml").read_text(encoding="utf-8"))["argument_specs"]["main"]["options"]
ENDINGS = ("_ms", "_hold_s", "_fail_open", "_fall", "_rise", "_heartbeat_path", "_frontends", "_servers", "_name")
DESCRIPTION = {name for name in OPTIONS if name.endswith(ENDINGS)}
each_kind = pytest.mark.parametrize("kind", KINDS)


def expressed(kind: str) -> set[str]:
    """The parameters that its files use, directly or by way of a variable of the role."""
    templates = [KINDS[kind]["template"], *re.findall(r"[\w.]+\.j2", str(VARS["__load_balancer_seconds"].get(kind)))]
    text = "".join((ROLE / "templates" / name).read_text(encoding="utf-8") for name in templates)
    for _depth in range(2):
        text += "".join(str(value) for name, value in VARS.items() if name not in ("__load_balancer_kinds", "__load_balancer_seconds") and name in text)
    return {name for name in DESCRIPTION if re.search(rf"\b{name}\b", text)}


def test_the_table_has_every_kind() -> None:
    assert sorted(KINDS) == sorted(OPTIONS["load_balancer_kind"]["choices"])
    assert len(DESCRIPTION) == 17


@each_kind
def test_a_parameter_is_expressed_or_said_to_be_lacking(kind: str) -> None:
    # Every file begins with its name and with what it lacks.
    has = expressed(kind) | {"load_balancer_name"}
    lacks = set(KINDS[kind]["lacks"])
    assert not has & lacks, f"{kind} says that it lacks what it expresses"
    assert has | lacks == DESCRIPTION, f"{kind} neither expresses nor lacks {DESCRIPTION - has - lacks}"


@each_kind
def test_a_kind_says_what_the_role_needs_to_know(kind: str) -> None:
    needed = {"title", "template", "dest", "package", "service", "command", "user", "group", "listens", "takes", "lacks"}
    run = {"version", "minimum", "validate"}
    assert needed <= set(KINDS[kind])
    # A program validates its file; a text for administrators has none, and nothing to run.
    assert run <= set(KINDS[kind]) or not (run & set(KINDS[kind]) or KINDS[kind]["command"])
    assert "%s" in KINDS[kind].get("validate", "%s")
    # What one program of several applications says besides is in a file of all of them.
    assert ("shared" in KINDS[kind]) == (ROLE / "templates" / f"{kind}_common.cfg.j2").exists()
    # Older cores evaluate the whole table at once, and the defaults of the role come from it.
    assert "{{" not in str(KINDS[kind])


@each_kind
def test_its_file_tells_where_it_listens(kind: str) -> None:
    """By that the role knows an address that it holds itself from one that another program holds."""
    line = "    bind *:80 maxconn 10" if kind == "haproxy" else "# frontend shop at *:80"
    assert re.findall(KINDS[kind]["listens"], f"first\n{line}\nlast") == ["*:80"]
