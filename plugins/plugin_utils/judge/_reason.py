# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a task failed, by what it registered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.halfswap.bluegreen.plugins.module_utils._shown import LONG, shown

# What Ansible says of a command, whose own words are elsewhere.
_OF_A_COMMAND = "non-zero return code"


def reason(result: Any) -> str:
    """The reason in words, or nothing. Of a loop, which itself says no more than that items failed, that of each item that did."""
    if not isinstance(result, Mapping):
        return ""
    items = result.get("results")
    failed = [each for each in items if isinstance(each, Mapping) and (each.get("failed") or each.get("unreachable"))] if isinstance(items, list) else []
    if failed:
        return str(shown("; ".join(f"{_label(each)}: {reason(each) or 'no reason given'}" for each in failed), LONG))
    said = result.get("msg")
    if said == _OF_A_COMMAND and isinstance(result.get("stderr"), str) and result["stderr"].strip():
        said = f"{said}: {result['stderr'].strip()}"
    return str(shown(said, LONG)) if said else ""


def _label(item: Mapping[str, Any]) -> str:
    label = item.get("_ansible_item_label", item.get(item.get("ansible_loop_var", "item"), "an item"))
    return str(shown(label.get("name", label) if isinstance(label, Mapping) else label))
