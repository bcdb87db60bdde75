# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one task records in the background (with async) until a later one takes it.

A file says that it is still wanted; what the recorder notes in it can be waited for. Who takes the record removes that file; the recorder
then puts the record beside it and ends. It also ends by itself, so that nothing is left running by a run that was killed.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import errno
import json
import os
import time

from ansible_collections.halfswap.bluegreen.plugins.module_utils._wait import monotonic, wait_until

# A recorder that is in the middle of a request finishes it.
LAST_WORD_S = 20.0


class RecordingError(Exception):
    """There is no such record; the text says why."""


def steady_wall():
    """A function that gives wall time which nobody sets meanwhile."""
    base = time.time() - monotonic()
    return lambda: base + monotonic()


def record(path, seconds, look, result, every_s=0.0):
    """Call look() until the file is gone or the time is up, and leave what result() gives."""
    _create(path)
    deadline = monotonic() + seconds
    try:
        while os.path.exists(path) and monotonic() < deadline:
            began = monotonic()
            look()
            time.sleep(max(0.0, every_s - (monotonic() - began)))
    finally:
        cut_off = os.path.exists(path)
        _leave(path, dict(result(), cut_off=cut_off))
        if cut_off:
            os.remove(path)


def note(path, text):
    """Tell whoever waits for it, while the record is wanted."""
    try:
        descriptor = os.open(path, os.O_WRONLY)
    except EnvironmentError as exc:
        if exc.errno != errno.ENOENT:
            raise
        return
    with os.fdopen(descriptor, "w") as wanted:
        wanted.write(text)


def take(path):
    """What was recorded; ends the recording."""
    try:
        os.remove(path)
    except EnvironmentError as exc:
        if exc.errno != errno.ENOENT:
            raise RecordingError("%s cannot be removed: %s" % (path, exc.strerror))
        if not os.path.exists(_record(path)):
            raise RecordingError("nothing is recorded at %s: was the task with state started run, with async?" % path)
    missing, waited_s = wait_until(lambda: not os.path.exists(_record(path)), LAST_WORD_S)
    if missing:
        raise RecordingError("the recorder at %s has left nothing within %.0f s" % (path, waited_s))
    with open(_record(path)) as record_file:
        found = json.load(record_file)
    os.remove(_record(path))
    return found


def _record(path):
    return path + ".json"


def _create(path):
    try:
        # Exclusively: in a directory that everybody writes to it may be somebody else's.
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except EnvironmentError as exc:
        raise RecordingError("%s cannot be made: %s" % (path, exc.strerror))


def _leave(path, found):
    unfinished = path + ".tmp"
    with os.fdopen(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as record_file:
        json.dump(found, record_file)
    os.rename(unfinished, _record(path))
