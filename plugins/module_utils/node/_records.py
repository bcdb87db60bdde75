# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a node remembers across runs: JSON files that are whole or absent, and a journal that only grows."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import contextlib
import errno
import fcntl
import json
import os
import re
import time

from ansible.module_utils.common.text.converters import to_native

from ansible_collections.halfswap.bluegreen.plugins.module_utils._dialect import MOMENT, faults, keys, listing, mapping, moment, or_null, parsed, text, whole
from ansible_collections.halfswap.bluegreen.plugins.module_utils._shown import LONG, shown
from ansible_collections.halfswap.bluegreen.plugins.module_utils._wait import wait_until

# Of an application without a name; those with one have a directory each in there.
DIRECTORY = "/var/lib/halfswap-bluegreen"
APPLICATIONS = "applications"
# What becomes the name of a directory: neither "." nor "..", and without a "/".
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}\Z")
# Whose records these are, as _whose.choose() has found out.
application = ""
JOURNAL = "journal.jsonl"
# Of what a record says. Whoever makes one that this collection would misread counts it up.
VERSION = 1
# What every line of the journal has; before and after may be anything that is to be told, but where somebody adds it up.
_LINE = keys(dict(at=moment(), run_id=text(), by=or_null(text()), what=text()), dict(result=text(), reason=text()))
_PACKAGES = listing(or_null(text()), 1000)
_TEST = keys(dict(answers=whole()), dict(compare=keys({}, dict(compared=whole(), differences=whole()))))
_TOLD = {
    "packages": keys({}, dict(before=_PACKAGES, after=_PACKAGES)),
    "sanity test": keys({}, dict(after=mapping(_TEST, 1000))),
    "override": keys(dict(after=keys(dict(reason=text(), passed=listing(text(), 1000))))),
}
# A deployment writes about 2 KiB on a node, so that five files of this size hold some thousand of them.
JOURNAL_BYTES = 1024 * 1024
JOURNAL_OLD_FILES = 4
# Whoever is inside works for some milliseconds; a stopped process must not make everybody else wait for ever.
EXCLUSIVE_TIMEOUT_S = 10


class RecordsError(Exception):
    """The records of this node cannot be read or written; the text names the file and says what to do."""

    def __init__(self, told):
        # It may quote what a record says.
        super(RecordsError, self).__init__(shown(told, LONG))


def directory_of(name):
    """Where the records of the application of this name are, or of the one without a name."""
    if not name:
        return DIRECTORY
    if not NAME.match(name):
        raise RecordsError(
            "%s is no name of an application: it has at most 100 letters, digits and _ . -, and begins with a letter or a digit. Nothing was changed. "
            "Mend bluegreen_application" % name
        )
    return os.path.join(DIRECTORY, APPLICATIONS, name)


def directory():
    return directory_of(application)


def path(name):
    return os.path.join(directory(), name)


def iso8601(seconds):
    return time.strftime(MOMENT, time.gmtime(seconds))


@contextlib.contextmanager
def explained(act, file):
    try:
        yield
    except EnvironmentError as exc:
        raise RecordsError(
            "Cannot %s %s: %s. The records of a node are kept by root (become: true) and need a writable file system with some space."
            % (act, file, to_native(exc.strerror))
        )


def prepare():
    """Make the directory where there is none. Raises before anything has been done where nothing could be recorded afterwards."""
    with explained("write to", directory()):
        make(directory())
        if not os.access(directory(), os.W_OK):
            raise OSError(errno.EACCES, os.strerror(errno.EACCES))


def make(wanted):
    """A directory that everybody may read, and those above it: heartbeat agents have users of their own."""
    if os.path.isdir(wanted):
        return
    make(os.path.dirname(wanted))
    try:
        os.mkdir(wanted)
        os.chmod(wanted, 0o755)
    except OSError as exc:
        if exc.errno != errno.EEXIST or not os.path.isdir(wanted):
            raise


@contextlib.contextmanager
def exclusive(name):
    """Only one process of the node is inside at a time. What is decided on a record is read and written in here."""
    prepare()
    # Beside the file itself, which is replaced or rotated while the lock is held.
    file = path(".%s.flock" % name)
    with explained("lock", file):
        lock = os.open(file, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        with explained("lock", file):
            busy, waited_s = wait_until(lambda: _is_busy(lock), EXCLUSIVE_TIMEOUT_S)
        if busy:
            raise RecordsError("Another process of this node has held %s for %d s. See which one it is (fuser -v %s); is it stopped?" % (file, waited_s, file))
        yield
    finally:
        os.close(lock)


def _is_busy(lock):
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except EnvironmentError as exc:
        if exc.errno not in (errno.EAGAIN, errno.EACCES):
            raise
        return True
    return False


def read_json(name, table):
    """The record, which is as the table has it, or None where there is none."""
    file = path(name)
    with explained("read", file):
        try:
            with open(file, "rb") as stored:
                content = stored.read()
        except EnvironmentError as exc:
            if exc.errno != errno.ENOENT:
                raise
            return None
    try:
        record = parsed(content)
    except ValueError as exc:
        wrong = ["it is no JSON (%s)" % to_native(exc)]
    else:
        # The first records had no version.
        version = record.pop("version", VERSION) if isinstance(record, dict) else VERSION
        if not faults(whole(), version) and version > VERSION:
            raise RecordsError(
                "%s was written by a newer version of this collection: it has format %d, and this one knows %d. Nothing was changed. Upgrade the "
                "collection on this controller (ansible-galaxy collection install --upgrade halfswap.bluegreen) and run again." % (file, version, VERSION)
            )
        wrong = faults(keys(dict(version=whole())), dict(version=version)) or faults(table, record)
    if wrong:
        raise RecordsError(
            "%s is damaged: %s. Nothing was changed. Look at it; when no run is at work on this node, move it away (mv %s %s.damaged) and run again."
            % (file, "; ".join(wrong), file, file)
        )
    return record


def write_json(name, record):
    """Replace the record: after a power loss it is the old one or the new one, never half of it. Call it inside exclusive()."""
    new = path(".%s.new" % name)
    with explained("write", path(name)):
        with open(new, "wb") as stored:
            stored.write(json.dumps(dict(record, version=VERSION), indent=2, sort_keys=True).encode("utf-8") + b"\n")
            stored.flush()
            os.fsync(stored.fileno())
        os.chmod(new, 0o644)
        os.rename(new, path(name))
        sync(directory())


def remove(name):
    with explained("remove", path(name)):
        os.unlink(path(name))
        sync(directory())


def sync(written):
    """A file or a directory."""
    descriptor = os.open(written, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def append(run_id, by, what, before=None, after=None, result=None, **more):
    """Add one act to the journal. It is on the disk when this returns."""
    line = dict(more, at=iso8601(time.time()), run_id=run_id, by=by, what=what, before=before, after=after, result=result)
    text = json.dumps(line, sort_keys=True).encode("utf-8") + b"\n"
    file = path(JOURNAL)
    with exclusive(JOURNAL), explained("write", file):
        if os.path.exists(file) and os.path.getsize(file) + len(text) > JOURNAL_BYTES:
            _rotate(file)
        with open(file, "ab+") as journal:
            if _ends_torn(journal):
                text = b"\n" + text
            journal.write(text)
            journal.flush()
            os.fsync(journal.fileno())
        os.chmod(file, 0o644)
        sync(directory())


def _ends_torn(journal):
    """Whether a power loss left a line without its end, which must not swallow the next one."""
    journal.seek(0, os.SEEK_END)
    if journal.tell() == 0:
        return False
    journal.seek(-1, os.SEEK_END)
    return journal.read(1) != b"\n"


def _journal_files(file):
    """The journal's files, newest first."""
    return [file] + ["%s.%d" % (file, number) for number in range(1, JOURNAL_OLD_FILES + 1)]


def _rotate(file):
    files = _journal_files(file)
    for newer, older in reversed(list(zip(files, files[1:]))):
        if os.path.exists(newer):
            os.rename(newer, older)


def journal(count, strange=None):
    """The last acts, oldest first. A line that tells of none, torn by a power loss or not ours, is added to `strange`."""
    found = []
    if not os.path.exists(directory()):
        return found
    with exclusive(JOURNAL):
        for file in _journal_files(path(JOURNAL)):
            if len(found) >= count or not os.path.exists(file):
                break
            with explained("read", file), open(file, "rb") as stored:
                lines = stored.read().splitlines()
            acts = [(line, _act(line)) for line in lines]
            found = [act for _line, act in acts if act] + found
            if strange is not None:
                strange += [shown(line) for line, act in acts if not act]
    return found[len(found) - count :] if count < len(found) else found


def _act(line):
    try:
        act = parsed(line)
    except ValueError:
        return None
    return None if faults(_LINE, act) or faults(_TOLD.get(act["what"], _LINE), act) else act
