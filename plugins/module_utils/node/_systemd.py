# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What systemd says of the services of a node."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import io
import os
import time

from ansible.module_utils.common.text.converters import to_native

from ansible_collections.halfswap.bluegreen.plugins.module_utils._shown import Told, shown

PROC = "/proc"
# Counts the seconds of a suspension, too, as the kernel does in the start of a process. By its number: Python has no name for it before 3.7.
CLOCK_BOOTTIME = 7
PROPERTIES = (
    "LoadState ActiveState SubState Result MainPID ExecMainCode ExecMainStatus NRestarts UnitFileState NeedDaemonReload FragmentPath SourcePath ControlGroup "
    "TriggeredBy"
).split()
# The kernel tells the start of a process to the hundredth of a second.
CLOCKS_DIFFER_S = 0.1
DOWN = (None, "inactive", "failed")
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

    def __init__(self, name, said, started_up_s=None, booted_at=0.0):
        self.name, self.said = name, said
        # When its main process was started, or else the oldest one of its control group, in seconds since the boot; None where it has none.
        self.started_up_s = started_up_s
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
        return self.said.get("ActiveState") in DOWN

    @property
    def has_process(self):
        return self.started_up_s is not None

    @property
    def started_at(self):
        """The start in seconds since 1970."""
        return round(self._booted_at + self.started_up_s, 2) if self.has_process else None

    @property
    def restarts(self):
        """How often systemd has started it again by itself; older ones do not tell."""
        return int(self.said.get("NRestarts") or 0)

    @property
    def has_main_process(self):
        return int(self.said.get("MainPID") or 0) > 0

    def is_another(self, former):
        """Whether its main process was started after the one that was seen before. Without one, the oldest of a group may be a helper that has ended."""
        if not (self.has_main_process and former.has_main_process and self.has_process and former.has_process):
            return False
        return self.started_up_s > former.started_up_s + CLOCKS_DIFFER_S

    @property
    def has_ended(self):
        return self.is_down or self.said.get("SubState", "").startswith("auto-restart")

    @property
    def is_stale(self):
        """Whether systemd has not read what its file says now."""
        return self.said.get("NeedDaemonReload") == "yes"

    @property
    def is_masked(self):
        return self.said.get("LoadState") == "masked"

    @property
    def is_enabled(self):
        return self.said.get("UnitFileState") in ("enabled", "enabled-runtime")

    @property
    def triggers(self):
        """The units that start it by themselves: sockets, timers, paths."""
        return self.said.get("TriggeredBy", "").split()

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
    return {unit: Unit(unit, said, start, booted_at) for unit, said, start in zip(units, blocks, _started(blocks))}


def up_s():
    """Seconds since the boot, by the clock of the kernel: /proc/uptime is made up in a container with lxcfs."""
    try:
        return time.clock_gettime(CLOCK_BOOTTIME)
    except AttributeError:  # Python 2.7
        return _boottime_of_c()


def _boottime_of_c():
    # Not above: every step would import it, and no newer Python needs it.
    import ctypes

    class Time(ctypes.Structure):
        _fields_ = [("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long)]

    said = Time()
    if ctypes.CDLL(None).clock_gettime(CLOCK_BOOTTIME, ctypes.byref(said)):
        raise SystemdError("the kernel of this node does not tell the time since its boot (CLOCK_BOOTTIME), by which the start of a process is known")
    return said.seconds + said.nanoseconds / 1e9


def started_up_s(pid):
    """When the kernel started this process, in seconds since the boot; None where there is none any more."""
    try:
        with io.open("%s/%s/stat" % (PROC, pid), "rb") as stat:
            # The name of the program comes first, in brackets, and may have brackets and blanks in it.
            fields = stat.read().rpartition(b")")[2].split()
    except EnvironmentError:
        return None
    return None if fields[0] in (b"Z", b"X") else int(fields[19]) / float(os.sysconf("SC_CLK_TCK"))


def _started(blocks):
    """For each unit the start of its main process; of one that has none (a script of System V, a daemon that forks) of the oldest one in its control group."""
    # What a unit that is down has left there is not its process.
    groups = ["" if said.get("ActiveState") in DOWN else said.get("ControlGroup") or "" for said in blocks]
    members = {group: [] for group, said in zip(groups, blocks) if group.strip("/") and not int(said.get("MainPID") or 0)}
    for pid, group in _control_groups() if members else ():
        for whole in members:
            if group == whole or group.startswith(whole + "/"):
                members[whole].append(pid)
    found = []
    for said, group in zip(blocks, groups):
        main = int(said.get("MainPID") or 0)
        starts = [started_up_s(pid) for pid in ([main] if main else members.get(group, ()))]
        found.append(min([start for start in starts if start is not None] or [None]))
    return found


def _control_groups():
    """Pairs of a process and its control group, as systemd knows it: its own hierarchy of version 1, or the one of version 2."""
    for pid in os.listdir(PROC):
        if pid.isdigit():
            for group in groups_of(pid):
                yield int(pid), group


def groups_of(pid):
    try:
        with io.open("%s/%s/cgroup" % (PROC, pid), encoding="utf-8", errors="replace") as groups:
            rows = [line.rstrip("\n").split(":", 2) for line in groups]
    except EnvironmentError:
        return []
    return sorted({to_native(row[2]) for row in rows if len(row) == 3 and row[1] in ("", "name=systemd")})


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
