# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json
import multiprocessing

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils.node import _lock, _records

PROCESS = {"boot_id": "b", "pid_namespace": "pid:[1]", "pid": 7, "start_time": 99}


def acquire(run_id="r1", **changes):
    wanted = dict(owner="alice@ops1", host="ops1", reason="release 2.0.0", ttl_s=600.0, process=PROCESS)
    wanted.update(changes)
    return _lock.acquire(run_id, **wanted)


def whats():
    return [(line["run_id"], line["by"], line["what"]) for line in _records.journal(100)]


def test_nobody_holds_it(records, clock):
    assert _lock.holder() is None
    assert _lock.foreign("r1") is None
    assert _lock.look("r1") is None
    assert not records.exists()


def test_acquired(records, clock):
    former, record = acquire()
    assert former is None
    assert record == {
        "run_id": "r1",
        "owner": "alice@ops1",
        "host": "ops1",
        "reason": "release 2.0.0",
        "since": "1970-01-01T00:16:40Z",
        "expires_at": 1600.0,
        "ttl_s": 600.0,
        "process": PROCESS,
        "node": None,
    }
    assert _lock.holder() == record
    assert _lock.foreign("r1") is None
    line = _records.journal(1)[0]
    assert (line["what"], line["by"], line["before"], line["after"]) == ("lock acquired", "alice@ops1", None, record)


def test_the_same_run_renews(records, clock):
    acquire()
    clock.advance(500)
    _former, record = acquire()
    assert (record["since"], record["expires_at"]) == ("1970-01-01T00:16:40Z", 2100.0)
    assert whats() == [("r1", "alice@ops1", "lock acquired")]


@pytest.mark.parametrize("other", [dict(PROCESS, pid=8), dict(PROCESS, boot_id="c"), dict(PROCESS, start_time=100)], ids=["twin", "machine", "later"])
def test_a_run_that_was_given_the_id_of_another_one_is_another_one(records, clock, other):
    acquire()
    with pytest.raises(_lock.Held) as refusal:
        acquire(process=other)
    assert "(run r1, release 2.0.0)" in str(refusal.value) and refusal.value.holder["process"] == PROCESS
    with pytest.raises(_lock.Held):
        _lock.look("r1", process=other)
    with pytest.raises(_lock.Held):
        _lock.release("r1", "alice@ops1", process=other)
    assert _lock.holder()["process"] == PROCESS
    # By its name it is taken over as any other; and where nobody knows the process, the id is all there is.
    assert acquire(process=other, take_over="r1")[1]["process"] == other
    assert acquire(process=None)[1]["process"] is None
    assert acquire()[1]["process"] == PROCESS
    assert _lock.release("r1", "bob@ops2", "interrupted", process=other, take_over="r1")["run_id"] == "r1"


def test_another_run_is_told_who_holds_it(records, clock):
    acquire()
    clock.advance(250)
    with pytest.raises(_lock.Held) as refusal:
        acquire("r2", owner="bob@ops2")
    text = (
        "the lock is held by alice@ops1 (run r1, release 2.0.0) since 1970-01-01T00:16:40Z, 4 min ago, expires in 5 min; "
        "take it over with -e bluegreen_take_over=r1 or halfswap.bluegreen.unlock"
    )
    assert str(refusal.value) == _lock.foreign("r2") == text
    assert refusal.value.holder["run_id"] == _lock.holder()["run_id"] == "r1"
    with pytest.raises(_lock.Held):
        _lock.look("r2")
    assert len(whats()) == 1


def test_names_of_any_language_and_owners_without_a_host(records, clock):
    acquire(owner=b"J\xc3\xbcrgen".decode("utf-8"), reason="")
    told = _lock.foreign("r2")
    assert isinstance(told, str)
    assert b"held by J\xc3\xbcrgen@ops1 (run r1) since" in told.encode("utf-8") if str is not bytes else told
    with pytest.raises(_lock.Held) as refusal:
        acquire("r2")
    assert str(refusal.value) == told


def test_an_expired_lock_is_taken_over_with_a_note(records, clock):
    _former, old = acquire()
    clock.advance(599)
    assert _lock.foreign("r2")
    clock.advance(1)
    assert _lock.foreign("r2") is None and _lock.holder() is None
    former, record = acquire("r2", owner="bob@ops2")
    assert former == old
    line = _records.journal(1)[0]
    assert (line["run_id"], line["what"], line["before"], line["after"]) == ("r2", "lock taken over", old, record)


def test_a_lock_is_taken_over_by_the_name_of_its_run_only(records, clock):
    acquire()
    with pytest.raises(_lock.Held):
        acquire("r2", take_over="r0")
    former, record = acquire("r2", take_over="r1")
    assert (former["run_id"], record["run_id"]) == ("r1", "r2")
    assert whats()[-1] == ("r2", "alice@ops1", "lock taken over")
    # The run that lost it does not get it back by renewing.
    with pytest.raises(_lock.Held):
        acquire("r1")


def test_released(records, clock):
    acquire()
    assert _lock.release("r1", "bob@ops2", "failed")["run_id"] == "r1"
    assert _lock.holder() is None
    line = _records.journal(1)[0]
    assert (line["run_id"], line["by"], line["what"], line["before"]["run_id"], line["result"]) == ("r1", "bob@ops2", "lock released", "r1", "failed")
    assert _lock.release("r1", "bob@ops2") is None
    assert len(whats()) == 2


def test_only_its_own_lock_is_released(records, clock):
    acquire()
    with pytest.raises(_lock.Held):
        _lock.release("r2", "bob@ops2")
    clock.advance(601)
    # Expired, it is nobody's any more: nothing to release for r2, and r1 may still clear it away.
    assert _lock.release("r2", "bob@ops2") is None
    assert _lock.release("r1", "alice@ops1")["run_id"] == "r1"


def test_two_names_of_one_machine(records, clock):
    acquire(node="blue1")
    for name in ("green1", "blue2", "10.0.0.5"):
        with pytest.raises(_lock.Twin) as refusal:
            acquire(node=name)
        assert "blue1 and %s are two names of one machine" % name in str(refusal.value) and "out of the inventory" in str(refusal.value)
    assert _lock.holder()["node"] == "blue1"
    # It is renewed under its own name, and by whoever gives none.
    clock.advance(10)
    assert acquire(node="blue1")[1]["expires_at"] == 1610.0
    _lock.release("r1", "alice@ops1")
    # What another run called it is no matter.
    acquire("r2", node="green1")
    clock.advance(601)
    assert acquire("r3", node="blue1")[1]["node"] == "blue1"


def test_a_lock_from_before_the_name_was_kept(records, clock):
    acquire(node="blue1")
    stored = json.loads(records.joinpath("lock.json").read_text())
    del stored["node"], stored["version"]
    records.joinpath("lock.json").write_bytes(json.dumps(stored).encode("utf-8"))
    assert acquire(node="green1")[1]["node"] == "green1"


@pytest.mark.parametrize(
    "changes, wrong",
    [
        ({"expires_at": "tomorrow"}, 'expires_at is "tomorrow", and a number'),
        ({"expires_at": float("nan")}, "expires_at is NaN, and a number"),
        ({"since": "yesterday"}, 'since is "yesterday", and a time such as'),
        ({"run_id": ["r1"]}, 'run_id is ["r1"], and a text'),
        ({"process": {"pid": "7"}}, "process.boot_id is missing"),
        ({"process": dict(PROCESS, pid=10**12)}, "process.pid is 1000000000000, and a whole number from 0 to 4194304"),
        ({"version": 2}, "was written by a newer version of this collection"),
        ({"version": 2, "run_id": None}, "was written by a newer version of this collection"),
    ],
)
@pytest.mark.parametrize("act", [_lock.holder, lambda: acquire("r2"), lambda: _lock.renew("r1"), lambda: _lock.release("r1", "me"), lambda: _lock.look("r2")])
def test_a_lock_in_another_dialect_is_refused(records, clock, changes, wrong, act):
    acquire()
    file = records / "lock.json"
    file.write_bytes(json.dumps(dict(json.loads(file.read_text()), **changes)).encode("utf-8"))
    content = file.read_bytes()
    with pytest.raises(_records.RecordsError) as error:
        act()
    assert wrong in str(error.value) and str(file) in str(error.value)
    assert file.read_bytes() == content


def test_who_holds_it_is_fit_to_be_shown(records, clock):
    acquire(owner="alice\x1b[2J", reason="{{ 1 }}" * 10000)
    told = _lock.foreign("r2")
    assert "\x1b" not in told and "{{" not in told and len(told) < 5000


def contend(number, start, answers, directory):
    _records.DIRECTORY = directory
    start.wait()
    try:
        acquire("r%d" % number)
        answers.put(number)
    except _lock.Held:
        answers.put(None)


def test_twenty_at_once_and_one_wins(records):
    # Python 2.7 forks always, and has no other way; later ones would start anew, where this file cannot be imported.
    processes = multiprocessing.get_context("fork") if hasattr(multiprocessing, "get_context") else multiprocessing
    start, answers = processes.Event(), processes.Queue()
    runs = [processes.Process(target=contend, args=(number, start, answers, str(records))) for number in range(20)]
    for run in runs:
        run.start()
    start.set()
    winners = [number for number in [answers.get(timeout=60) for _run in runs] if number is not None]
    for run in runs:
        run.join()
    assert len(winners) == 1
    assert _lock.holder()["run_id"] == "r%d" % winners[0]
    assert whats() == [("r%d" % winners[0], "alice@ops1", "lock acquired")]
