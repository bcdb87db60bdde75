# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""RPM's own lock: one transaction at a time on a node, whoever makes it. It is waited for with a limit, and whoever holds it is named.

rpm and dnf would wait for it without a word and without an end, and older ones fail at once.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import contextlib
import errno
import fcntl
import os
import re
import struct

from ansible_collections.halfswap.bluegreen.plugins.module_utils._shown import shown
from ansible_collections.halfswap.bluegreen.plugins.module_utils._wait import monotonic, wait_until
from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm._rpm import RpmError, database

# Whoever is told to leave at once when another one is at work is asked again this often.
LOCK_POLL_S = 1.0
FILE = ".rpm.lock"
PROC = "/proc"
# The kernel's struct flock of 64 bits: type, whence, start, length, process.
_FLOCK = "hhqqi4x"
_PID = re.compile(r"(?i)\b(?:pid:?|locked by)\s+(\d+)")


class Waiting(object):
    """A wait for other package managers; `held` is what the last one was that was in the way."""

    def __init__(self, module):
        self._module, self._begun, self.held = module, monotonic(), None

    def on(self, held):
        self.held = held or self.held
        return held

    def now(self):
        """How long it has been."""
        return monotonic() - self._begun

    def over(self, waited_s):
        """It was our turn after so long: say what was waited for."""
        if self.held:
            self._module.warn("Another package manager was waited for, %.1f s: %s." % (waited_s, self.held))

    @staticmethod
    def given_up(waited_s, held):
        return RpmError("another package manager was still at work after %d s (lock_timeout_s): %s" % (waited_s, held))


def holder(module):
    """Who is within a transaction; None where nobody is."""
    return _taken(os.path.join(database(module), FILE), fcntl.LOCK_EX)


@contextlib.contextmanager
def undisturbed(module):
    """No transaction changes the database meanwhile; those that want to wait."""
    waiting = Waiting(module)
    kept = []
    path = os.path.join(database(module), FILE)
    try:
        held, waited_s = wait_until(lambda: waiting.on(_taken(path, fcntl.LOCK_SH, kept)), module.params["lock_timeout_s"], LOCK_POLL_S)
        if held:
            raise waiting.given_up(waited_s, held)
        waiting.over(waited_s)
        yield
    finally:
        for lock in kept:
            os.close(lock)


def _taken(path, kind, kept=None):
    """Who has the lock, so that it is not to be had; otherwise it is had, for as long as what is added to `kept` is open."""
    try:
        lock = os.open(path, os.O_RDWR)
    except EnvironmentError as exc:
        if exc.errno != errno.ENOENT:
            raise RpmError("the lock of RPM's database, %s, cannot be opened: %s" % (path, exc.strerror))
        # There was no transaction yet.
        return None
    try:
        fcntl.lockf(lock, kind | fcntl.LOCK_NB)
    except EnvironmentError as exc:
        found = _process(lock)
        os.close(lock)
        if exc.errno not in (errno.EACCES, errno.EAGAIN):
            raise RpmError("the lock of RPM's database, %s, cannot be asked for: %s" % (path, exc.strerror))
        return "the lock of RPM's database is held by %s" % found
    if kept is None:
        os.close(lock)
    else:
        kept.append(lock)
    return None


def _process(lock):
    try:
        asked = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        pid = struct.unpack(_FLOCK, fcntl.fcntl(lock, fcntl.F_GETLK, asked))[-1]
    except (EnvironmentError, struct.error):
        pid = 0
    # Those of another container have no number here.
    return "pid %d%s" % (pid, command(pid)) if pid > 0 else "a process that cannot be seen from here"


def command(pid):
    """What this process is, in brackets."""
    try:
        with open(os.path.join(PROC, str(pid), "cmdline"), "rb") as said:
            words = said.read().split(b"\0")
    except EnvironmentError:
        return ""
    return " (%s)" % shown(b" ".join(words).decode("utf-8", "replace").strip())


def with_command(said):
    """What a manager says of another one, with the command of the process that it names."""
    named = _PID.search(said)
    return said + (command(named.group(1)) if named else "")
