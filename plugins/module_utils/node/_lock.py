# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lock that lies on a node while a run works on the application: one change at a time.

It is a lease: it names its holder, and ends by itself at a time of the node's own clock unless it is renewed.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import calendar
import time

from ansible_collections.halfswap.bluegreen.plugins.module_utils._dialect import MOMENT, faults, keys, moment, number, or_null, text, whole
from ansible_collections.halfswap.bluegreen.plugins.module_utils._shown import LONG, shown
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node import _records, _whose

FILE = "lock.json"
# Larger numbers are no process of any Linux, and cannot be asked for.
MOST_PID = 2**22
_PROCESS = keys(dict(boot_id=text(), pid_namespace=text(), pid=whole(MOST_PID), start_time=whole()))
TABLE = keys(
    dict(
        run_id=text(),
        owner=text(),
        host=text(),
        reason=text(),
        since=moment(),
        expires_at=number(),
        ttl_s=number(),
        process=or_null(_PROCESS),
    ),
    # Locks from before it was kept have none.
    dict(node=text()),
)


# The options of whoever takes the lock or gives it back, and of whoever takes it.
HOLDER = dict(run_id=dict(type="str", required=True), owner=dict(type="str"), host=dict(type="str"), process=dict(type="dict"))
LEASE = dict(reason=dict(type="str", default=""), ttl_s=dict(type="float", default=600.0), take_over=dict(type="str"), node=dict(type="str"))
RESULT = dict(type="str", choices=["complete", "failed", "interrupted"], default="complete")


class Unfit(Exception):
    """Options with which there is no lock; the text says which."""


class Held(Exception):
    """Another run holds the lock; the text names it, `holder` is its record."""

    def __init__(self, holder):
        super(Held, self).__init__(_told(holder))
        self.holder = holder


class Twin(Exception):
    """This run holds the lock of this machine already, for another name of the inventory."""

    def __init__(self, first, second):
        super(Twin, self).__init__(
            "%s and %s are two names of one machine, which would count as two nodes: this run holds its lock already, as %s. Take one of the two "
            "names out of the inventory" % (first, second, first)
        )


def holder():
    """Who holds the lock now, or None."""
    return _valid(_records.read_json(FILE, TABLE))


def foreign(run_id):
    """What to tell this run when another one holds the lock, or None."""
    held = holder()
    return _told(held) if held and held["run_id"] != run_id else None


def look(run_id, take_over=None, process=None):
    """Who holds the lock now; raises Held where this run could not have it."""
    return _unless_held(_records.read_json(FILE, TABLE), run_id, take_over, process)


def acquire(run_id, owner, host, reason, ttl_s, process=None, take_over=None, node=None):
    """Take the lock, or renew it where this run has it. Returns the record replaced (of whatever run, expired or not) and the new one.

    node: the inventory's name of the node. Raises Held when another run has the lock, unless that is the run to be taken over, and Twin when this
    run has it for another name.
    """
    with _records.exclusive(FILE):
        former = _records.read_json(FILE, TABLE)
        _unless_held(former, run_id, take_over, process)
        now = time.time()
        renewed = former is not None and former["run_id"] == run_id
        if renewed and None not in (node, former.get("node")) and node != former["node"]:
            raise Twin(former["node"], node)
        record = dict(
            run_id=run_id,
            owner=owner,
            host=host,
            reason=reason,
            since=former["since"] if renewed else _records.iso8601(now),
            expires_at=round(now + ttl_s, 3),
            ttl_s=ttl_s,
            process=process,
            node=node,
        )
        _records.write_json(FILE, record)
        if not renewed:
            what = "lock acquired" if former is None else "lock taken over"
            _records.append(run_id, who(record), what, before=former, after=record, reason=reason)
    return former, record


def renew(run_id):
    """Let the lease of this run begin anew; raises Held when another run has taken it over. Without a lock there is nothing to renew."""
    with _records.exclusive(FILE):
        record = _records.read_json(FILE, TABLE)
        _unless_held(record, run_id)
        if record and record["run_id"] == run_id:
            record["expires_at"] = round(time.time() + record["ttl_s"], 3)
            _records.write_json(FILE, record)


def release(run_id, by, result=None, process=None, take_over=None):
    """Give the lock of this run back, and note what it ended with. Returns the record removed, or None where this run had none.

    Raises Held when another run has it.
    """
    with _records.exclusive(FILE):
        former = _records.read_json(FILE, TABLE)
        _unless_held(former, run_id, take_over, process)
        if former is None or former["run_id"] != run_id:
            return None
        _records.remove(FILE)
        _records.append(run_id, by, "lock released", before=former, result=result)
    return former


def check(params):
    if not params["run_id"].strip():
        raise Unfit("run_id is empty. Name the run that holds the lock, or whose lock is to be released.")
    ttl_s = params.get("ttl_s", 1.0)
    if ttl_s <= 0:
        raise Unfit("ttl_s must be above 0 seconds, not %g." % ttl_s)
    if not params["owner"] or not params["host"]:
        raise Unfit(
            "owner or host is not given, and a lock that names nobody helps nobody who is refused. The action plugin of this module fills both in; "
            "where it does not run, give them. Nothing was changed."
        )
    now = time.time()
    named = {key: params[key] for key in ("run_id", "owner", "host", "process")}
    # Whoever reads it would call it damaged, and no run could begin any more.
    wrong = faults(TABLE, dict(named, reason="", since=_records.iso8601(now), ttl_s=ttl_s, expires_at=now + ttl_s))
    if wrong:
        raise Unfit("With these options there is no sound lock: %s. Nothing was changed." % "; ".join(wrong))


def hold(params, check_mode):
    """Take the lock or renew it, by the options of a module; what its result has of it."""
    check(params)
    _whose.claim(FILE, lambda: look(params["run_id"], params["take_over"], params["process"]), check_mode)
    before = look(params["run_id"], params["take_over"], params["process"])
    changed = before is None or before["run_id"] != params["run_id"]
    wanted = {key: params[key] for key in ("run_id", "owner", "host", "reason", "ttl_s", "process", "node")}
    if check_mode:
        return dict(changed=changed, before=before, after=wanted, taken_over=before if changed else None)
    former, after = acquire(take_over=params["take_over"], **wanted)
    taken_over = former if former and former["run_id"] != params["run_id"] else None
    return dict(changed=changed, before=before, after=after, taken_over=taken_over)


def give_back(params, check_mode):
    """Give the lock back, by the options of a module; what its result has of it."""
    check(params)
    before = look(params["run_id"], params.get("take_over"), params["process"])
    if not check_mode:
        release(params["run_id"], who(params), params["result"], params["process"], params.get("take_over"))
    return dict(changed=before is not None, before=before, after=None)


def failure(exc):
    """What a module fails with that could not have the lock."""
    if isinstance(exc, Unfit):
        return dict(msg=str(exc))
    if isinstance(exc, _whose.Foreign):
        return dict(msg=str(exc), foreign=True)
    return dict(msg="Refused, nothing was changed: %s." % exc, **(dict(holder=exc.holder) if isinstance(exc, Held) else {}))


def who(record):
    """The holder as user@host."""
    return record["owner"] if "@" in record["owner"] else "%s@%s" % (record["owner"], record["host"])


def _valid(record):
    return record if record and record["expires_at"] > time.time() else None


def _unless_held(record, run_id, take_over=None, process=None):
    held = _valid(record)
    # A run is one process on one controller. Another one with the same id, which somebody gave it, is another run.
    another = held and (held["run_id"] != run_id or None not in (process, held["process"]) and process != held["process"])
    if another and held["run_id"] != take_over:
        raise Held(held)
    return held


def _told(record):
    now = time.time()
    since = calendar.timegm(time.strptime(record["since"], MOMENT))
    reason = ", %s" % record["reason"] if record["reason"] else ""
    return shown(
        "the lock is held by %s (run %s%s) since %s, %s ago, expires in %s; take it over with -e bluegreen_take_over=%s "
        "or halfswap.bluegreen.unlock"
        % (who(record), record["run_id"], reason, record["since"], _span(now - since), _span(record["expires_at"] - now), record["run_id"]),
        LONG,
    )


def _span(seconds):
    return "%d s" % seconds if seconds < 120 else "%d min" % (seconds // 60)
