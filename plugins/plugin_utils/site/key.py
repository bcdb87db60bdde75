# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A row of the table: one variable, or one key of a dictionary."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

# What is wrong with a value beyond its type: a sentence about "it", or nothing.
Rule = Callable[[Any], str]


@dataclass(frozen=True)
class Key:
    """One variable or key: what belongs there, and what happens without it."""

    name: str
    # str, int, float, bool, list, dict, count (of nodes, or a share in %), or any
    type: str
    text: str
    unit: str = ""
    default: Any = None
    # What README says of a default that is not a plain value.
    default_text: str = ""
    # Without it nothing goes; for a variable: in the playbooks that read it.
    required: bool = False
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    # Whether the minimum itself is too small.
    above: bool = False
    maximum: float | None = None
    # The keys of a dictionary, or of each dictionary of a list. None: any keys.
    keys: tuple[Key, ...] | None = None
    # Whether keys that are missing get their defaults here; elsewhere the module or role that takes them fills them in.
    fill: bool = False
    # The type of each entry of a list.
    elements: str = "str"
    # Playbooks that need it. Others check of it only what is written down plainly, and template nothing of it. Empty: all.
    reads: tuple[str, ...] = ()
    rule: Rule | None = None
    # Never quoted in a message.
    secret: bool = False
    # Each node may have a value of its own.
    per_node: bool = False
    # For one run: given with -e, and nowhere else, where it would outlast the run.
    of_run: bool = False
    # Documented elsewhere, so that README has no row for it.
    documented: bool = True

    def read_by(self, playbook: str) -> bool:
        return not self.reads or playbook in self.reads

    def find(self, name: str) -> Key | None:
        return next((key for key in self.keys or () if key.name == name), None)


def keys_of(spec: Mapping[str, Any], **secret: bool) -> tuple[Key, ...]:
    """Keys that a module describes already, by its argument_spec: the module's documentation has their texts."""
    types = {"path": "str", "raw": "any"}
    return tuple(
        Key(
            name,
            types.get(entry.get("type", "str"), entry.get("type", "str")),
            "",
            default=entry.get("default"),
            required=entry.get("required", False),
            choices=tuple(entry.get("choices", ())),
            elements=types.get(entry.get("elements", "any"), entry.get("elements", "any")),
            keys=keys_of(entry["options"]) if "options" in entry else None,
            secret=secret.get(name, bool(entry.get("no_log"))),
            documented=False,
        )
        for name, entry in spec.items()
    )
