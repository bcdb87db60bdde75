# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who changes something, and from where: the name that stands in heartbeats, locks and journals."""

from __future__ import annotations

import getpass
import socket
from collections.abc import Mapping
from typing import Any


def author(task_vars: Mapping[str, Any]) -> str:
    """user@host; in AWX the user who launched the job, for all jobs run as the same one."""
    user = task_vars.get("awx_user_name") or task_vars.get("tower_user_name") or getpass.getuser()
    return f"{user}@{socket.gethostname()}"
