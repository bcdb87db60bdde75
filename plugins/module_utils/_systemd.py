# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What systemd says of the services of a node."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import time

from ansible_collections.halfswap.bluegreen.plugins.module_utils._shown import Told, shown

UPTIME = "/proc/uptime"
PROPERTIES = "ActiveState SubState Result MainPID ExecMainCode ExecMainStatus ExecMainStartTimestampMonotonic NRestarts UnitFileState NeedDaemonReload".split()
# What is started without being enabled: by itself, by another unit, or already at each boot.
NOT_TO_BE_ENABLED = ("enabled", "static", "alias", "indirect", "generated", "transient")
# As systemd has them from waitid(): how a main process ended.
ENDS = {"1": "exit status %s", "2": "killed by signal %s", "3": "killed by signal %s, with a core dump"}
# Enough of a stack trace to tell what was thrown.
JOURNAL_LINES = 10


class SystemdError(Told):
    """systemctl did not do what it was told; the text says which units and why."""


class Unit(object):
    """What systemd says of one unit at one moment."""

    def __init__(self, name, said, booted_at):
        self.name, self.said = name, said
        self._booted_at = booted_at

    @property
    def active(self):
        return self.said.get("ActiveState") == "active"

    @property
    def runs(self):
        """Whether there may be a process that somebody uses: one that is about to end, or is not ready yet, counts."""
        return self.said.get("ActiveState") in ("active", "reloading") or self.has_process

    @property
    def is_down(self):
        return self.said.get("ActiveState") in (None, "inactive", "failed")

    @property
    def has_process(self):
        return int(self.said.get("MainPID") or 0) > 0

    @property
    def started_up_s(self):
        """When its main process was started, in seconds since the boot; None where it has none."""
        return int(self.said["ExecMainStartTimestampMonotonic"]) / 1e6 if self.has_process else None

    @property
    def started_at(self):
        """The same in seconds since 1970."""
        return round(self._booted_at + self.started_up_s, 2) if self.has_process else None

    @property
    def restarts(self):
        """How often systemd has started it again by itself; older ones do not tell."""
        return int(self.said.get("NRestarts") or 0)

    @property
    def has_ended(self):
        return self.is_down or self.said.get("SubState", "").startswith("auto-restart")

    @property
    def is_stale(self):
        """Whether systemd has not read what its file says now."""
        return self.said.get("NeedDaemonReload") == "yes"

    @property
    def is_to_be_enabled(self):
        return self.said.get("UnitFileState") not in NOT_TO_BE_ENABLED

    def __str__(self):
        said = [self.said.get("SubState"), "result %s" % self.said["Result"] if self.said.get("Result") else None]
        # 0 where none has ended yet.
        end = ENDS.get(self.said.get("ExecMainCode"))
        said.append(end % self.said.get("ExecMainStatus") if end else None)
        return shown("%s is %s (%s)" % (self.name, self.said.get("ActiveState") or "not known", ", ".join(text for text in said if text)))


def look(module, units):
    """What systemd says of these units, in one call."""
    # Each once, as systemctl tells of it once; Python 2.7 has no dictionary that keeps the order.
    units = [unit for at, unit in enumerate(units) if unit not in units[:at]]
    status, out, err = module.run_command(["systemctl", "show", "--property=%s" % ",".join(PROPERTIES), "--"] + units)
    if status:
        raise SystemdError("systemctl cannot tell the state of %s on this node: %s" % (", ".join(units), (err or out).strip()))
    blocks = [dict(line.split("=", 1) for line in block.splitlines() if "=" in line) for block in out.strip().split("\n\n")]
    booted_at = time.time() - up_s()
    return {unit: Unit(unit, said, booted_at) for unit, said in zip(units, blocks)}


def up_s():
    """Seconds since the boot, by which systemd dates the start of a process."""
    with open(UPTIME) as uptime:
        return float(uptime.read().split()[0])


def services(module, units):
    """For each unit, in one call: whether it is active, and when its main process was started, in seconds since 1970 (or None)."""
    return {name: dict(active=unit.active, started_at=unit.started_at) for name, unit in look(module, units).items()}


def act(module, verb, units=()):
    """Let systemctl do it, for all of them in one call."""
    status, out, err = module.run_command(["systemctl", verb] + (["--"] + list(units) if units else []))
    if status:
        raise SystemdError("systemctl %s %s failed: %s" % (verb, " ".join(units), (err or out).strip()[-2000:]))


def told(module, unit):
    """The unit in words, with the end of its journal."""
    _status, out, _err = module.run_command(["journalctl", "--unit=%s" % unit.name, "-n", str(JOURNAL_LINES), "-o", "cat", "--no-pager", "--quiet"])
    lines = [shown(line.strip()) for line in out.splitlines()[-JOURNAL_LINES:] if line.strip()]
    return "%s. Its journal ends with: %s. See journalctl -u %s" % (unit, " | ".join(lines) or "nothing", unit.name)
