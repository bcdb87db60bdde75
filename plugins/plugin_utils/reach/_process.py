# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which process of which machine a run is, so that its death can be told from its being elsewhere."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PROC = Path("/proc")


def identity(pid: int) -> dict[str, Any] | None:
    """The process beyond doubt: after a reboot or in another container the same number is another process. None without /proc."""
    try:
        return {**_here(), "pid": pid, "start_time": _stat(pid)[1]}
    except OSError:
        return None


def is_gone(process: Mapping[str, Any] | None) -> bool:
    """Whether it ran on this very machine and is no longer there. In any doubt it is not gone."""
    try:
        if not process or _here() != {key: process.get(key) for key in ("boot_id", "pid_namespace")}:
            return False
    except OSError:
        return False
    try:
        # Not by /proc alone, which may be mounted so that it hides the processes of other users.
        os.kill(int(process["pid"]), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    try:
        state, start_time = _stat(int(process["pid"]))
    except OSError:
        return False
    # A zombie does nothing any more; it only waits for its parent to look.
    return state in "ZX" or start_time != process["start_time"]


def _here() -> dict[str, str]:
    return {
        "boot_id": (PROC / "sys/kernel/random/boot_id").read_text().strip(),
        "pid_namespace": os.readlink(PROC / "self/ns/pid"),
    }


def _stat(pid: int) -> tuple[str, int]:
    """State and start time, fields 3 and 22; the second field may have blanks and brackets of its own."""
    fields = (PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
    return fields[0], int(fields[19])
