# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A reading of a node: asked by a module on the node, stamped here with the controller's time, whichever way its heartbeats are reached."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from ._ways import Send, WayError, look, sending, way, with_seen

Ask = Callable[[Mapping[str, Any]], dict[str, Any]]


def seen(args: dict[str, Any], connection: Any, address: str) -> dict[str, Any]:
    """The arguments of a module that reads, with what the controller sees of heartbeats that it alone reaches. One out of its reach says so."""
    via = way(args.get("components") or [])
    if via == "node":
        return args
    token = args.get("token")

    def with_each(send: Send | None, error: str = "") -> dict[str, Any]:
        relayed = [
            with_seen(component, look(component, token, send) if send else {"error": f"component {component['name']}: {error}"})
            for component in args["components"]
        ]
        return {**args, "components": relayed}

    try:
        with sending(via, connection, address) as send:
            return with_each(send)
    except WayError as exc:
        return with_each(None, str(exc))


def stamped(ask: Ask, args: Mapping[str, Any]) -> dict[str, Any]:
    """What the node answers, with the controller's monotonic time and by how much their clocks differ."""
    # Before the question, not after the answer: a slow node makes its evidence older, never younger.
    at, before = time.monotonic(), time.time()
    said = ask(args)
    after = time.time()
    said["at"] = at
    if "time" in said:
        said["clock_skew_s"] = round(max(0.0, before - said["time"], said["time"] - after), 3)
    return said
