# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A permit: what the interlock has judged once for all nodes of a batch, from what every node said just now.

Each node's own flip asks for it, so that what a flip costs does not grow with the number of nodes. It is worth nothing for another batch, nor for
long, and it carries the revision of each heartbeat: whoever else has written meanwhile makes it void.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from .._refusals import Refusal
from ._evidence import Node
from ._interlock import Limits, held_by_another, refuse_standby, requests_per_s, served_by

# Evidence is from just now, or it is none.
MAX_AGE_S = 60.0


def judge(nodes: Sequence[Node], batch: Collection[str], run_id: str, lost: Collection[str], limits: Limits) -> list[Refusal]:
    """Why this batch may not be swapped now."""
    mine = [node for node in nodes if node.name in batch]
    reasons = [Refusal("HS-LOST", f"{name} has left this run, see above") for name in lost]
    reasons += held_by_another(nodes, run_id)
    reasons += [Refusal("HS-UNREAD", f"{node.name}: {node.unread}") for node in mine if node.unread]
    # What is in standby serves nobody: no capacity leaves with it.
    if any(node.live for node in mine):
        reasons += refuse_standby(nodes, batch, limits)
    return list(dict.fromkeys(reasons))


def permit(nodes: Sequence[Node], batch: Collection[str], batch_id: str) -> dict[str, Any]:
    """What each node of the batch needs of it: small, and the same for all."""
    return {
        "batch_id": batch_id,
        "at": min((node.at for node in nodes if not node.unread), default=0.0),
        "nodes": {
            node.name: {
                "revisions": {component.name: component.revision for component in node.components},
                # What it is known to serve until now, for its release record.
                "serves": node.nevras if node.serving and not node.doubts() else None,
            }
            for node in nodes
            if node.name in batch
        },
        "served": served_by(nodes),
        "expected_per_s": {name: requests_per_s(nodes, name, len(nodes)) for name in {c.name for node in nodes for c in node.components}},
    }


def refuse(found: Any, batch_id: str, name: str, max_age_s: float | None = MAX_AGE_S) -> list[Refusal]:
    """Why what was registered is no permit for this node; nothing when it is. max_age_s: None for whoever comes in, who was out meanwhile."""
    if not isinstance(found, Mapping) or found.get("failed") or found.get("skipped") or not isinstance(found.get("nodes"), Mapping):
        return [Refusal("HS-PERMIT", f"{name}: the interlock has not permitted it")]
    if found.get("batch_id") != batch_id:
        return [Refusal("HS-PERMIT", f"{name}: the interlock has judged {found.get('batch_id')}, not {batch_id}")]
    if name not in found["nodes"]:
        return [Refusal("HS-PERMIT", f"{name} is not in the batch {', '.join(found['nodes'])}")]
    age = time.monotonic() - found["at"]
    if max_age_s is not None and age > max_age_s:
        old = f"{name}: what the nodes said is {age:.0f} s old, and the interlock takes at most {max_age_s:.0f} s: run it again"
        return [Refusal("HS-PERMIT", old)]
    return []
