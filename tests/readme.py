# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes README's tables of variables from the table of the site (plugins/plugin_utils/site/table.py), and that of docs/refusals.md from the table of
refusals (plugins/plugin_utils/_refusals.py): `make readme` writes them, a unit test compares."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._refusals import REFUSALS
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.site.key import Key
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.site.table import COMPONENT, LOAD_BALANCER, VARIABLES

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
PAGES = (README, ROOT / "docs/refusals.md")
HEADER = ["key", "type, unit", "default", "meaning"]
TYPES = {
    "str": "string",
    "int": "integer",
    "float": "number",
    "bool": "boolean",
    "list": "list",
    "dict": "dictionary",
    "count": "integer, or share",
    "any": "string or other",
}


def table(name: str) -> str:
    """One of the tables, between the markers of README."""
    return {
        "variables": lambda: _table("variable", VARIABLES, "bluegreen_"),
        "components": lambda: _table("key", COMPONENT),
        "load balancers": lambda: _table("key", LOAD_BALANCER),
        "refusals": _refusals,
    }[name]()


def written(text: str) -> str:
    """A page with its tables as they should be."""
    return re.sub(
        r"(<!-- table of (.*?), by make readme -->\n).*?(<!-- end of table -->)", lambda found: found[1] + table(found[2]) + found[3], text, flags=re.S
    )


def _table(first: str, keys: Sequence[Key], prefix: str = "") -> str:
    rows = [[first, *HEADER[1:]], ["---"] * 4, *_rows(keys, prefix)]
    return "\n" + _lines(rows) + "\n"


def _lines(rows: Sequence[Sequence[str]]) -> str:
    return "".join(f"| {' | '.join(row)} |\n".replace("|  |", "| |") for row in rows)


def _refusals() -> str:
    """A table for each subject."""
    header = [["name", "what it means", "what mends it", "can be passed"], ["---"] * 4]
    subjects = dict.fromkeys(row.subject for row in REFUSALS)
    return (
        "".join(
            f"\n## {subject}\n\n"
            + _lines(header + [[f"`{row.code}`", row.meaning, row.remedy, "yes" if row.passable else "no"] for row in REFUSALS if row.subject == subject])
            for subject in subjects
        )
        + "\n"
    )


def _rows(keys: Sequence[Key], prefix: str) -> Iterator[list[str]]:
    for key in keys:
        if not key.documented:
            continue
        if not key.text:
            yield from _rows(key.keys or (), f"{prefix}{key.name}.")
            continue
        yield [f"`{prefix}{key.name}`", _type(key), _default(key), f"{key.text}{_range(key)}"]


def _type(key: Key) -> str:
    if key.choices:
        return ", ".join(f"`{choice}`" for choice in key.choices)
    unit = f", {key.unit}" if key.unit else ""
    return f"{TYPES[key.type]}{unit}{', secret' if key.secret else ''}"


def _range(key: Key) -> str:
    if key.minimum is None or (not key.minimum and not key.above):
        return ""
    if key.maximum is not None:
        return f" ({key.minimum:g} to {key.maximum:g})"
    return "" if key.above else f" (at least {key.minimum:g})"


def _default(key: Key) -> str:
    if key.default_text:
        return key.default_text
    if key.default is None:
        return "" if key.required else "none"
    if isinstance(key.default, tuple):
        return "`[]`"
    value = str(key.default).lower() if isinstance(key.default, bool) else f"{key.default:g}" if isinstance(key.default, float) else str(key.default)
    return f"`{value}`"


if __name__ == "__main__":
    for page in PAGES:
        page.write_text(written(page.read_text()))
