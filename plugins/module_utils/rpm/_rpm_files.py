# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the files on the disk are those of the packages that RPM's database names.

A transaction that fails after its first file leaves files of two releases, and the database as it was. So does whoever edits a file in place.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import fnmatch
import re

from ansible_collections.halfswap.bluegreen.plugins.module_utils._dialect import keys, listing, text
from ansible_collections.halfswap.bluegreen.plugins.module_utils._shown import shown
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node import _records
from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm._rpm import RpmError

# Only the files: what they depend on and what their script says is judged elsewhere.
VERIFY = ["rpm", "-V", "--nodeps", "--noscripts"]
# By size, time and target alone: no file is read, so that thousands of them take a tenth of a second and not as long as the disk needs.
AT_A_GLANCE = ["--nofiledigest"]
# One letter for each test, a dot where it was passed and a question mark where it could not be made; then a letter for files that are special.
_LINE = re.compile(r"(?:(missing)|([A-Za-z0-9.?]{8,}))\s+(?:([a-z])\s+)?(/.*)\Z", re.S)
_NOT_INSTALLED = "is not installed"
# Owners and modes are set by sites, and say nothing of the release. A time alone says that somebody wrote the same again.
_TESTS = (("S", "size"), ("5", "content"), ("L", "target"), ("D", "device"), ("?", "not readable"))
# At a glance a time counts as well.
_SUSPECT = frozenset("SLDT?")
# The transaction that has begun and was not seen to end: until then files are read, because those of two releases may agree in size and time.
UNFINISHED = "installing.json"
_TABLE = keys(dict(packages=listing(text(), 1000)))
# What the application itself changes of its package.
MAY_DIFFER = dict(type="list", elements="str", default=[])
# A message names no more of them.
MOST_NAMED = 5


def differing(module, names, may_differ=None):
    """For each of these packages the files that are not as in the package, as texts; every file is read.

    Configuration, documentation and files that need not be there are left out, and for each package those that its patterns in `may_differ` name.
    """
    return {name: _differing(module, name, (may_differ or {}).get(name) or []) for name in names}


def differing_at_a_glance(module, names, may_differ=None):
    """The same for much less: only where size, time or target of a file is another one, or an installation has not ended, the files are read."""
    unfinished = _unfinished()
    suspect = [name for name in names if name in unfinished or _may_differ(module, name)]
    found = {name: [] for name in names}
    found.update(differing(module, suspect, may_differ))
    return found


def patterns_of(wanted, key):
    """For each package the patterns of all that have it; under the key is its name."""
    found = {}
    for each in wanted:
        found.setdefault(each[key], []).extend(each.get("may_differ") or [])
    return found


def differ(files, package):
    """That they are not those of the package, in words that name a few of them."""
    more = ["and %d more" % (len(files) - MOST_NAMED)] if len(files) > MOST_NAMED else []
    how_many = "1 file on the disk differs" if len(files) == 1 else "%d files on the disk differ" % len(files)
    return "%s from %s (%s)" % (how_many, package, ", ".join(list(files[:MOST_NAMED]) + more))


def begin(names):
    """A transaction of these packages begins: whoever looks at them before end() reads their files."""
    with _records.exclusive(UNFINISHED):
        _records.write_json(UNFINISHED, dict(packages=sorted(set(_unfinished() + list(names)))))


def end(names):
    """The files of these packages were read, and are those that belong there."""
    if not set(_unfinished()).intersection(names):
        return
    with _records.exclusive(UNFINISHED):
        left = [name for name in _unfinished() if name not in names]
        if left:
            _records.write_json(UNFINISHED, dict(packages=left))
        else:
            _records.remove(UNFINISHED)


def _unfinished():
    record = _records.read_json(UNFINISHED, _TABLE)
    return record["packages"] if record else []


def _may_differ(module, name):
    return any(missing or _SUSPECT.intersection(tests) for missing, tests, _path in _lines(module, name, AT_A_GLANCE))


def _differing(module, name, patterns):
    found = []
    for missing, tests, path in _lines(module, name, []):
        how = ["missing"] if missing else [word for letter, word in _TESTS if letter in tests]
        if how and not any(fnmatch.fnmatch(path, pattern) for pattern in patterns):
            found.append("%s (%s)" % (shown(path), ", ".join(how)))
    return found


def _lines(module, name, options):
    """What rpm says of files that are not as in the package: whether it is missing, the letters of the tests, the path."""
    status, out, err = module.run_command(VERIFY + options + ["--", name], environ_update=dict(LC_ALL="C"))
    # A name may have other characters in it that end a line for Python.
    said = (out + err).split("\n")
    matches = [match for match in map(_LINE.match, said) if match]
    if status and not matches and not any(_NOT_INSTALLED in line for line in said):
        raise RpmError("rpm cannot compare the files of %s with the package: %s" % (name, " ".join(said).strip()[-2000:] or "exit status %d" % status))
    return [(missing, tests or "", path) for missing, tests, kind, path in (match.groups() for match in matches) if not kind]
