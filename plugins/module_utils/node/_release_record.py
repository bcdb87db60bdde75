# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The releases of a node as a stack: what it serves, and what it can go back to.

Written when a node goes live on a proven release. Each has the deployment that it came with, so that a release which was served, left and deployed
again is there twice, and all nodes mean the same by it. Going back is no push but takes off what lies above, so that going back twice leads two
releases back and not forth again.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import time

from ansible_collections.halfswap.bluegreen.plugins.module_utils._dialect import keys, listing, mapping, moment, number, one_of, or_null, text
from ansible_collections.halfswap.bluegreen.plugins.module_utils.heartbeat._heartbeat_api import PHASES
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node import _records

FILE = "release.json"
# As many releases as a node can go back to; their packages are kept on it.
KEPT = 3
# Of each component its package.
_PACKAGES = mapping(or_null(text()), 1000)
# deployment: the id of the run that brought it to the first node, or nothing where it was there before any run.
_PREVIOUS = listing(keys(dict(deployment=text(), packages=_PACKAGES)), 1000)
TABLE = keys(
    dict(
        current=_PACKAGES,
        deployment=text(),
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


def served(components, run_id, out_s=None, deployment=""):
    """The node went live on this release, proven.

    out_s: seconds it was out of service for it; None keeps the former value. So does the release that it served before: a way back has waited for
    whatever failed, and is no measure of a swap.
    deployment: what brings it. One that the node has served goes back to that; without one it goes back to what it last served of these packages.
    """
    with _records.exclusive(FILE):
        record = read() or _first(components, deployment)
        stood_by = record["phase"] is None  # since it was set up
        taken_out_by_another = record["phase"] != "SERVING" and record["run_id"] != run_id
        changed = components != record["current"]
        if changed:
            record.update(_stacked(record, components, deployment))
        if changed and out_s is not None and not (stood_by or taken_out_by_another):
            record["out_s"] = out_s
        return _write(_entered(record, "SERVING", run_id, changed))


def _stacked(record, components, deployment):
    """What the node has served, once this is what it serves."""
    for age, former in enumerate(record["previous"]):
        if former["deployment"] == deployment if deployment else former["packages"] == components:
            return dict(current=components, deployment=former["deployment"], previous=record["previous"][age + 1 :])
    left = dict(deployment=record["deployment"], packages=record["current"])
    usable = all(left["packages"] != gone["packages"] for gone in _cut_off(record))
    return dict(current=components, deployment=deployment, previous=(([left] if usable else []) + record["previous"])[:KEPT])


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
            _write(_entered(_first(components, ""), "SERVING", run_id))


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
        # What it serves lives with the migration, also where it was served before. Each release is told once.
        gone = former["previous"]
        fresh = []
        for release in record["previous"]:
            if release["packages"] not in [record["current"]] + [other["packages"] for other in fresh + gone]:
                fresh.append(release)
        whys = former["why"] if why in former["why"] else "%s; %s" % (former["why"], why)
        record.update(previous=[], cut_off=dict(previous=fresh + gone, why=whys))
        return _write(record)


def clear_cut_off():
    """What was cut off can be used again (the migration was undone)."""
    if read() is None:
        return None
    with _records.exclusive(FILE):
        record = read()
        known = [record["current"]] + [release["packages"] for release in record["previous"]]
        back = [release for release in _cut_off(record) if release["packages"] not in known]
        record.update(previous=(record["previous"] + back)[:KEPT], cut_off=None)
        return _write(record)


def _first(components, deployment):
    return dict(current=components, deployment=deployment, previous=[], phase=None, run_id=None, since=None, out_s=None, cut_off=None)


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
