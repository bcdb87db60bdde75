# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The judgement over a watch: what has shown on the nodes and in the traffic, and what becomes of the batch for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.halfswap.bluegreen.plugins.module_utils._shown import shown

# Each component of a node says why in 200 characters.
LENGTH = 1000


def anomalies(nodes: Mapping[str, Any], traffic: Iterable[Any], traffic_attempts: int) -> list[str]:
    """What the registered results tell: of module observe on each node, and of observe_traffic as far as it has come."""
    found = [_told(name, watched) for name, watched in nodes.items() if _has_shown(watched)]
    return found + [_told("traffic", watched) for watched in traffic if _has_shown(watched) and _is_over(watched, traffic_attempts)]


def _has_shown(watched: Any) -> bool:
    """Whether it is not as it should be. Whoever was to watch and cannot tell what there was, is not: its result lacks the anomalies."""
    return bool(watched) and not watched.get("skipped") and bool(watched.get("anomalies", ["unknown"]))


def _is_over(watched: Mapping[str, Any], attempts: int) -> bool:
    """A job that is still at work has not told yet. One that is asked for the last time never will."""
    return bool(int(watched.get("finished", True))) or watched.get("attempts", 0) >= attempts


def _told(name: str, watched: Mapping[str, Any]) -> str:
    return f"{name}: {shown(watched.get('msg', 'it could not be watched'), LENGTH)}"


def taken_back(batch: Mapping[str, Any], batches: Iterable[Mapping[str, Any]], on_failure: str) -> list[Mapping[str, Any]]:
    """The batches by which what this run brought in goes back, the last one first. Where the other half stands by, it serves again, whatever was wanted."""
    undo = batch["undo"]
    if undo is None or (on_failure == "hold" and not undo["retire"]):
        return []
    if on_failure != "rollback":
        return [undo]
    before = [each["undo"] for each in batches if each["number"] < batch["number"] and each["undo"] is not None]
    return [undo, *reversed(before)]


def verdict(found: Iterable[str], batch: Mapping[str, Any], undone: Sequence[Mapping[str, Any]], on_failure: str) -> str:
    """Where things stand once what is taken back was taken back."""
    if undone and undone[0]["retire"]:
        rest = f"{', '.join(undone[0]['nodes'])} serve again, on what they had."
    elif undone:
        rest = f"{', '.join(name for undo in undone for name in undo['nodes'])} serve what they served before."
    elif on_failure == "hold" and batch["nodes"]:
        rest = f"{', '.join(batch['nodes'])} stand by on the new release (bluegreen_on_failure is hold)."
    else:
        rest = "There is nothing known to go back to, so it was left as it is."
    return f"Batch {batch['number']} was in, and then {'; '.join(found)} {rest}"
