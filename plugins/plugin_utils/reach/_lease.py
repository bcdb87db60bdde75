# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who asks for the lock of a node, and what becomes of the lock of a run that died on this machine."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping
from typing import Any

from .._author import author
from .._refusals import Refusal
from ._process import identity, is_gone

Ask = Callable[[Mapping[str, Any]], dict[str, Any]]


def holder(task_vars: Mapping[str, Any], args: Mapping[str, Any]) -> dict[str, Any]:
    """Who this run is, for the lock. It keeps the inventory's name of the node, so that a machine with two names shows."""
    return {
        "owner": args.get("owner") or author(task_vars),
        "host": args.get("host") or socket.gethostname(),
        # Each task runs in a process of its own; the run is the one that started it.
        "process": identity(os.getppid()),
    }


def had(ask: Ask, args: Mapping[str, Any], tell: Callable[[str], None]) -> dict[str, Any]:
    """Ask the node for its lock; and once more where the run that has it died on this machine."""
    answer = ask(args)
    held_by = answer.get("holder")
    if answer.get("failed") and args["process"] and held_by and is_gone(held_by.get("process")):
        tell(f"{args['node']}: run {held_by['run_id']} of {held_by['owner']} died on this machine; its lock is taken over.")
        answer = ask({**args, "take_over": held_by["run_id"]})
    if answer.get("failed") and answer.get("holder"):
        answer["msg"] = Refusal("HS-LOCKED", answer["msg"]).told
    if answer.get("failed") and answer.get("foreign"):
        answer["msg"] = Refusal("HS-FOREIGN", answer["msg"]).told
    return answer
