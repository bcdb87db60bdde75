# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What systemd says of the services of a node."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import time

UPTIME = "/proc/uptime"


def services(module, units):
    """For each unit, in one call: whether it is active, and when its main process was started, in seconds since 1970 (or None)."""
    _rc, out, _err = module.run_command(
        ["systemctl", "show", "--property=ActiveState,MainPID,ExecMainStartTimestampMonotonic", "--"] + list(units), check_rc=True
    )
    with open(UPTIME) as uptime:
        booted_at = time.time() - float(uptime.read().split()[0])
    found = {}
    for unit, block in zip(units, out.strip().split("\n\n")):
        shown = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        started_at = None
        if int(shown.get("MainPID") or 0):
            started_at = round(booted_at + int(shown["ExecMainStartTimestampMonotonic"]) / 1e6, 2)
        found[unit] = dict(active=shown.get("ActiveState") == "active", started_at=started_at)
    return found
