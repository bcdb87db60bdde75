# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the sanity test of a batch has shown, as it was registered on one node for all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def results(registered: Iterable[Any], batch_id: str = "") -> list[dict[str, Any]]:
    """One for each component and test: of a task for all components or for one, of a task with a loop over them, or a list of such results.

    A test that has shown nothing has not passed: it was not run, or has failed. Nor has one that was made for another batch than this.
    """
    found: list[dict[str, Any]] = []
    for said in registered:
        shown = [_result(row, batch_id) for row in _rows(said)]
        found += shown or [{"failed": True, "component": ""}]
    return found


def _result(row: Mapping[str, Any], batch_id: str) -> dict[str, Any]:
    item = row.get(str(row.get("ansible_loop_var")))
    tested = item if isinstance(item, Mapping) and "name" in item else {"name": row.get("component", ""), "batch_id": row.get("batch_id")}
    other = batch_id and tested.get("batch_id") not in (None, batch_id)
    # A turn of a loop that was skipped has shown nothing, whatever the other turns did.
    shown = {} if row.get("skipped") else row
    return {**shown, "component": str(tested["name"]), **({} if shown and not other else {"failed": True})}


def _rows(said: Any) -> list[Mapping[str, Any]]:
    """Each test, out of whatever holds several; nothing of what is no result."""
    if isinstance(said, Sequence) and not isinstance(said, str):
        return [row for each in said for row in _rows(each)]
    if not isinstance(said, Mapping):
        return []
    turns = [row for row in said.get("results") or [] if isinstance(row, Mapping) and "ansible_loop_var" in row]
    # The results of a module are checks, those of a loop are results of the module, each of one component or of several.
    return _rows(said.get("tests") or turns) or [said]


def of_node(tests: Iterable[Mapping[str, Any]], name: str) -> dict[str, Any]:
    """For the journal of the node, what each component's test showed of it, and the rest, which is of the whole batch."""
    found: dict[str, Any] = {}
    for result in tests:
        mine: Sequence[Mapping[str, Any]] = [check for check in result.get("results") or () if check["node"] == name]
        if result.get("component") and mine:
            found[result["component"]] = {
                "checks": len(mine),
                "answers": sum(check["answers"] for check in mine),
                "slowest_s": max(check["latency_s"] for check in mine),
                "commands": [check["check"] for check in result["results"] if check["through"] == "command"],
                "compare": result.get("compare") or {},
            }
    return found
