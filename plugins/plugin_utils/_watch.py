# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The judgement over a watch: what has shown on the nodes and in the traffic, and what becomes of the batch for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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


def verdict(found: Iterable[str], batch: Mapping[str, Any], on_failure: str) -> str:
    """Where things stand once the batch was taken back."""
    undo = batch["undo"]
    if undo is None:
        rest = "There is nothing known to go back to, so it was left as it is."
    elif undo["retire"]:
        rest = f"{', '.join(undo['nodes'])} serve again, on what they had."
    elif on_failure == "hold":
        rest = f"{', '.join(batch['nodes'])} stand by on the new release (bluegreen_on_failure is hold)."
    else:
        rest = f"{', '.join(undo['nodes'])} serve what they served before."
    return f"Batch {batch['number']} was in, and then {'; '.join(found)} {rest}"
