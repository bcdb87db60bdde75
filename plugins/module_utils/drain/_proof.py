# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The proof that nobody uses the components of a node, kept on it by whoever drained it and asked for by whoever stops them.

It holds for one run, one batch and one boot, and for as long as the heartbeats say standby at the revisions at which they were settled.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os
import time

from ansible_collections.halfswap.bluegreen.plugins.module_utils._dialect import keys, mapping, moment, number, or_null, text, truth, whole
from ansible_collections.halfswap.bluegreen.plugins.module_utils._shown import Told
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node import _records
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._machine import boot_id
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._systemd import up_s

FILE = "proof.json"
TABLE = keys(
    dict(
        run_id=text(),
        batch_id=text(),
        at=moment(),
        # Since the boot: a process that was started later has never had a user.
        up_s=number(),
        boot=or_null(text()),
        components=mapping(keys(dict(revision=whole(), ran=truth(), requests=or_null(number()), exception=text())), 1000),
    )
)
# The kernel tells the time since the boot to the hundredth of a second.
CLOCKS_DIFFER_S = 0.1
MEND = "take the node out again (run deploy again; by itself that is module halfswap.bluegreen.out)"


class Unproven(Told):
    """Nothing proves that a component is not in use; the text says what is missing and what mends it."""


def read():
    """The proof that lies on the node, or None."""
    return _records.read_json(FILE, TABLE)


def keep(run_id, batch_id, components):
    """components: for each its revision, whether it ran, the requests that its last sample saw (or None), and why it was no whole drain."""
    record = dict(run_id=run_id, batch_id=batch_id, at=_records.iso8601(time.time()), up_s=up_s(), boot=boot_id(), components=components)
    with _records.exclusive(FILE):
        _records.write_json(FILE, record)
    return record


def remove():
    """Whatever it proved is over."""
    if not os.path.exists(_records.path(FILE)):
        return
    try:
        _records.remove(FILE)
    except _records.RecordsError:
        # Somebody else may have been faster.
        if os.path.exists(_records.path(FILE)):
            raise


def why_not(proof, run_id, batch_id):
    """Why this proof is none for that batch; None where it is one."""
    if proof is None:
        return "no proof lies on this node that nobody uses it (%s)" % _records.path(FILE)
    if proof["run_id"] != run_id:
        return "the proof on this node is of run %s, and this is run %s" % (proof["run_id"], run_id)
    if proof["batch_id"] != batch_id:
        return "the proof on this node is of batch %s, and this is batch %s" % (proof["batch_id"], batch_id)
    if proof["boot"] is None or proof["boot"] != boot_id():
        return "the node was started again after the proof was made"
    return None


def why_not_of(proven, status):
    """Why the heartbeat says something else than when it was proven (the component's entry, or None)."""
    if proven is None:
        return "the proof on this node does not name it"
    if status["state"] != "standby":
        return "its heartbeat says %s (by %s, run %s)" % (status["state"], status["by"], status["run_id"])
    if status["revision"] != proven["revision"]:
        return "its heartbeat is at revision %s (by %s, run %s), and the proof was made at %d" % (
            status["revision"],
            status["by"],
            status["run_id"],
            proven["revision"],
        )
    return None


def is_younger(proof, unit):
    """Whether its process was started after the proof, in standby: then nobody was ever sent to it."""
    return unit.started_up_s is not None and unit.started_up_s > proof["up_s"] + CLOCKS_DIFFER_S
