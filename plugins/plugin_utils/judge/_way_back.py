# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The short way back of one node whose swap has failed: whether it goes by itself, and where things stand afterwards."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.halfswap.bluegreen.plugins.module_utils._shown import shown

from ._evidence import UNKNOWN, Node
from ._reason import reason


@dataclass(frozen=True)
class WayBack:
    """What the node goes back to; without packages it stays as it is, and `stays` says why."""

    packages: Mapping[str, str | None] = field(default_factory=dict)
    stays: str = ""


def way_back(node: Node, restore: Mapping[str, str | None], on_failure: str, one_way: str = "") -> WayBack:
    """A node that says live, or nothing, is left alone: it has not left yet, or it is in already. To stop it would take a swap of its own.

    one_way: why it cannot go back once a package is installed.
    """
    if node.unread or any(component.state != "standby" for component in node.components):
        return WayBack(stays=f"{node.name} was left as it is: it is live, or does not tell.")
    if on_failure == "hold":
        return WayBack(stays=f"{node.name} stays in standby as it is (bluegreen_on_failure is hold).")
    if not restore:
        return WayBack(stays=f"{node.name} has nothing known to go back to and stays in standby.")
    if one_way and (node.nevras != dict(restore) or node.doubts()):
        return WayBack(stays=f"{node.name} has no way back ({one_way}) and stays in standby.")
    return WayBack(packages=dict(restore))


def outcome(name: str, found: Mapping[str, Any], back: Any, live: Any) -> str:
    """One sentence about the node. back, live: what the steps of its way back registered, as far as it came."""
    if not found.get("packages"):
        return str(found.get("stays") or f"Nothing is known of {name}.")
    if _succeeded(back) and _succeeded(live):
        return f"{name} is back on {', '.join(nevra or UNKNOWN for nevra in found['packages'].values())} and live."
    failed = live if _succeeded(back) else back
    why = reason(failed) or "see the output above"
    written = isinstance(failed, Mapping) and any(component.get("after") == "live" for component in failed.get("components") or ())
    return f"{name} was not brought back ({why}) and {'is live' if written else 'stays in standby'}."


def _succeeded(result: Any) -> bool:
    return isinstance(result, Mapping) and not result.get("failed") and not result.get("unreachable") and not result.get("skipped")


def elsewhere(batch: Mapping[str, Any], name: str, tasks: Mapping[str, str], lost: Collection[str]) -> str:
    """Why a node stopped on which nothing failed: one swap for all of the batch, so what stops one of them stops each.

    tasks: per node on which a task failed, its name. lost: the nodes of which Ansible has none to go on with.
    """
    others = [node for node in batch["nodes"] if node != name]
    reasons = [f'{node} failed at "{shown(tasks[node])}"' for node in others if node in tasks]
    reasons += [f"{node} was lost" for node in others if node in lost and node not in tasks]
    return f"nothing failed on {name}, but {', '.join(reasons) or 'another node of the batch failed or was lost'} (see the output above)"


def verdict(batch: Mapping[str, Any], task: str, why: str, rest: str, services: Sequence[str]) -> str:
    """What stopped the batch, and where it left this node. task: the one that failed on it, if any did."""
    at = f' at "{task}": {why}' if task else f": {why}."
    return (
        f"Batch {batch['number']} ({', '.join(batch['nodes'])}) stopped{at}\n\n{rest} No node outside the batch was touched by it. "
        f'See "journalctl -u {" -u ".join(services)}" on the node.'
    )
