# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The releases of a node as a stack: what it serves, and what it can go back to.

Written when a node goes live on a proven release. Going back is no push but takes off what lies above, so that going back twice
leads two releases back and not forth again.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import time

from ansible_collections.halfswap.bluegreen.plugins.module_utils import _records
from ansible_collections.halfswap.bluegreen.plugins.module_utils._dialect import keys, listing, mapping, moment, number, one_of, or_null, text
from ansible_collections.halfswap.bluegreen.plugins.module_utils._heartbeat_api import PHASES

FILE = "release.json"
# As many releases as a node can go back to; their packages are kept on it.
KEPT = 3
# Of each component its package.
_PACKAGES = mapping(or_null(text()), 1000)
_PREVIOUS = listing(_PACKAGES, 1000)
TABLE = keys(
    dict(
        current=_PACKAGES,
        previous=_PREVIOUS,
        phase=one_of(*PHASES),
        run_id=text(),
        since=moment(),
        out_s=or_null(number()),
        cut_off=or_null(keys(dict(previous=_PREVIOUS, why=text()))),
    ),
    dict(beside_s=number()),
)


def read():
    """The record, or None on a node that no run has brought live yet."""
    return _records.read_json(FILE, TABLE)


def served(components, run_id, out_s=None):
    """The node went live on this release, proven. out_s: seconds it was out of service for it; None keeps the former value.

    So does the release that it served before: a way back has waited for whatever failed, and is no measure of a swap.
    """
    with _records.exclusive(FILE):
        record = read()
        if record is None:
            record = _first(components)
            out_s = None  # it has stood by since it was set up
        elif record["phase"] != "SERVING" and record["run_id"] != run_id:
            out_s = None  # another run took it out, and the time since then is no measure of a swap
        elif components == record["current"]:
            out_s = None
        previous = record["previous"]
        if components in previous:
            previous = previous[previous.index(components) + 1 :]
        elif components != record["current"] and record["current"] not in _cut_off(record):
            previous = [record["current"]] + previous
        changed = components != record["current"]
        record.update(current=components, previous=previous[:KEPT], out_s=record["out_s"] if out_s is None else out_s)
        return _write(_entered(record, "SERVING", run_id, changed))


def took(run_id, batch_s):
    """This run has brought the node live, and each of its batches took so long, but for the waits that are planned: what came beside being out."""
    with _records.exclusive(FILE):
        record = read()
        if record is None or record["out_s"] is None or (record["phase"], record["run_id"]) != ("SERVING", run_id):
            return record
        record["beside_s"] = round(max(0.0, batch_s - record["out_s"]), 3)
        return _write(record)


def found(components, run_id):
    """The node leaves, and no run has noted yet what it serves: this. Whatever comes next has something to go back to."""
    with _records.exclusive(FILE):
        if read() is None:
            _write(_entered(_first(components), "SERVING", run_id))


def phase(name, run_id):
    """The node entered another phase. The run that led it there stays noted when a later one finds it there."""
    if read() is None:
        return None
    with _records.exclusive(FILE):
        record = read()
        return record if record["phase"] == name else _write(_entered(record, name, run_id))


def cut_off(why):
    """No earlier release can be used any more (a migration it cannot live with). They stay known, and stay cut off when served again."""
    if read() is None:
        return None
    with _records.exclusive(FILE):
        record = read()
        former = record["cut_off"] or dict(previous=[], why=why)
        releases = record["previous"] + [release for release in former["previous"] if release not in record["previous"]]
        whys = former["why"] if why in former["why"] else "%s; %s" % (former["why"], why)
        record.update(previous=[], cut_off=dict(previous=releases, why=whys))
        return _write(record)


def clear_cut_off():
    """What was cut off can be used again (the migration was undone)."""
    if read() is None:
        return None
    with _records.exclusive(FILE):
        record = read()
        back = [release for release in _cut_off(record) if release != record["current"] and release not in record["previous"]]
        record.update(previous=(record["previous"] + back)[:KEPT], cut_off=None)
        return _write(record)


def _first(components):
    return dict(current=components, previous=[], phase=None, run_id=None, since=None, out_s=None, cut_off=None)


def _cut_off(record):
    return record["cut_off"]["previous"] if record["cut_off"] else []


def _entered(record, name, run_id, anew=False):
    if anew or record["phase"] != name:
        record["since"] = _records.iso8601(time.time())
    record.update(phase=name, run_id=run_id)
    return record


def _write(record):
    _records.write_json(FILE, record)
    return record
