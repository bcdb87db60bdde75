# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import fcntl
import json
import os

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils._dialect import keys, text
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node import _records

ANY = keys({})
NAMED = keys(dict(run_id=text()))
ACT = ("r1", "alice@ops1", "packages")


def whats():
    return [line["what"] for line in _records.journal(1000)]


def test_nothing_recorded_yet_makes_no_directory(records):
    assert _records.read_json("lock.json", ANY) is None
    assert _records.journal(10) == []
    assert not records.exists()


def test_a_record_is_read_as_it_was_written(records):
    _records.prepare()
    _records.write_json("lock.json", {"run_id": "r1", "expires_at": 1.5, "process": None})
    assert _records.read_json("lock.json", NAMED) == {"run_id": "r1", "expires_at": 1.5, "process": None}
    assert os.stat(str(records)).st_mode & 0o777 == 0o755
    assert os.stat(_records.path("lock.json")).st_mode & 0o777 == 0o644
    _records.remove("lock.json")
    assert _records.read_json("lock.json", ANY) is None


def test_a_write_that_fails_leaves_the_old_record(records, monkeypatch):
    _records.prepare()
    _records.write_json("lock.json", {"run_id": "r1"})

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(_records.RecordsError) as error:
        _records.write_json("lock.json", {"run_id": "r2"})
    assert _records.path("lock.json") in str(error.value) and "No space left on device" in str(error.value)
    assert _records.read_json("lock.json", ANY) == {"run_id": "r1"}


def test_a_record_is_on_the_disk_before_it_takes_the_place_of_the_old_one(records, monkeypatch):
    _records.prepare()
    done = []
    sync, rename = os.fsync, os.rename
    monkeypatch.setattr(os, "fsync", lambda descriptor: (done.append("sync"), sync(descriptor)))
    monkeypatch.setattr(os, "rename", lambda old, new: (done.append("rename"), rename(old, new)))
    _records.write_json("lock.json", {})
    assert done == ["sync", "rename", "sync"]


@pytest.mark.parametrize("content", [b"", b'{"run_id": "r1"', b"\xff\xfe", b"[]", b"null", b"[" * 100000, b'{"owner": "alice"}'])
def test_a_damaged_record_is_named_with_what_to_do(records, content):
    records.mkdir()
    records.joinpath("lock.json").write_bytes(content)
    with pytest.raises(_records.RecordsError) as error:
        _records.read_json("lock.json", NAMED)
    file = str(records / "lock.json")
    assert str(error.value).startswith(file + " is damaged") and "mv %s %s.damaged" % (file, file) in str(error.value)


def test_where_nothing_can_be_written_it_is_said_beforehand(records, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(_records.RecordsError) as error:
        _records.prepare()
    assert "Permission denied" in str(error.value) and "become: true" in str(error.value)


def test_a_file_where_the_directory_should_be(records):
    records.write_bytes(b"")
    with pytest.raises(_records.RecordsError) as error:
        _records.append(*ACT)
    assert str(records) in str(error.value)


def test_one_process_at_a_time(records, clock):
    _records.prepare()
    with open(_records.path(".lock.json.flock"), "a") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        clock.at(3, lambda: fcntl.flock(other, fcntl.LOCK_UN))
        with _records.exclusive("lock.json"):
            assert clock.elapsed == pytest.approx(3, abs=0.06)


def test_a_process_that_never_leaves_is_not_waited_for_for_ever(records, clock):
    _records.prepare()
    with open(_records.path(".lock.json.flock"), "a") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(_records.RecordsError) as error, _records.exclusive("lock.json"):
            pytest.fail("two are inside")
    assert "fuser -v" in str(error.value)
    assert clock.elapsed == pytest.approx(_records.EXCLUSIVE_TIMEOUT_S, abs=0.06)


def test_an_error_inside_does_not_keep_the_others_out(records):
    with pytest.raises(ZeroDivisionError), _records.exclusive("lock.json"):
        raise ZeroDivisionError
    with _records.exclusive("lock.json"):
        pass


def test_a_line_of_the_journal(records, clock):
    _records.append("r1", "alice@ops1", "heartbeat shop", "live", "standby", "revision 8", reason="release 2.0.0")
    expected = {
        "at": "1970-01-01T00:16:40Z",
        "run_id": "r1",
        "by": "alice@ops1",
        "what": "heartbeat shop",
        "before": "live",
        "after": "standby",
        "result": "revision 8",
        "reason": "release 2.0.0",
    }
    assert _records.journal(1) == [expected]
    assert json.loads(records.joinpath("journal.jsonl").read_text()) == expected


def test_the_journal_only_grows(records):
    for number in range(5):
        _records.append("r1", "me", "act %d" % number)
    assert whats() == ["act 0", "act 1", "act 2", "act 3", "act 4"]
    assert [line["what"] for line in _records.journal(2)] == ["act 3", "act 4"]
    assert _records.journal(0) == []


def test_every_line_is_synced(records, monkeypatch):
    synced = []
    sync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda descriptor: (synced.append(os.readlink("/proc/self/fd/%d" % descriptor)), sync(descriptor)))
    _records.append(*ACT)
    assert synced == [str(records / "journal.jsonl"), str(records)]


def test_old_files_are_put_aside_and_read_across(records, monkeypatch):
    monkeypatch.setattr(_records, "JOURNAL_BYTES", 400)
    for number in range(60):
        _records.append("r1", "me", "act %02d" % number)
    files = sorted(name for name in os.listdir(str(records)) if not name.startswith("."))
    assert files == ["journal.jsonl"] + ["journal.jsonl.%d" % number for number in (1, 2, 3, 4)]
    assert all(os.path.getsize(_records.path(name)) <= 400 for name in files)
    # The newest are all there, without a gap, across the files.
    kept = whats()
    assert kept == ["act %02d" % number for number in range(60 - len(kept), 60)]
    assert 10 <= len(kept) < 60
    assert [line["what"] for line in _records.journal(7)] == kept[-7:]


def test_a_torn_last_line_is_left_out_and_does_not_swallow_the_next(records):
    _records.append("r1", "me", "whole")
    with open(_records.path("journal.jsonl"), "ab") as journal:
        journal.write(b'{"at": "2026-11-20T10:15:0')
    assert whats() == ["whole"]
    _records.append("r2", "me", "after the power loss")
    assert whats() == ["whole", "after the power loss"]


@pytest.mark.parametrize(
    "content, wrong",
    [
        (b'{"run_id": 7}', "run_id is 7, and a text"),
        (b'{"run_id": "r1", "version": "2"}', 'version is "2", and a whole number'),
        (b'{"run_id": "r1", "version": null}', "version is null, and a whole number"),
    ],
)
def test_what_is_wrong_with_a_record_is_quoted(records, content, wrong):
    records.mkdir()
    records.joinpath("lock.json").write_bytes(content)
    with pytest.raises(_records.RecordsError) as error:
        _records.read_json("lock.json", NAMED)
    assert "lock.json is damaged: " + wrong in str(error.value)


@pytest.mark.parametrize("content", [b'{"version": 2}', b'{"version": 99, "run_id": ["r1"]}'])
def test_what_a_newer_version_has_written_is_no_damage(records, content):
    records.mkdir()
    records.joinpath("lock.json").write_bytes(content)
    with pytest.raises(_records.RecordsError) as error:
        _records.read_json("lock.json", NAMED)
    told = str(error.value)
    assert "lock.json was written by a newer version of this collection" in told and "Upgrade the collection on this controller" in told
    assert "damaged" not in told and records.joinpath("lock.json").read_bytes() == content


def test_records_have_a_version_and_those_without_are_the_first(records):
    _records.prepare()
    _records.write_json("lock.json", {"run_id": "r1"})
    assert json.loads(records.joinpath("lock.json").read_text()) == {"run_id": "r1", "version": 1}
    records.joinpath("lock.json").write_bytes(b'{"run_id": "r1"}')
    assert _records.read_json("lock.json", NAMED) == {"run_id": "r1"}


@pytest.mark.parametrize(
    "strange",
    [
        b'{"at": "2026-11-20T10:15:0',
        b"\x00\x00\x00",
        b"[]",
        b'{"what": "act"}',
        b'{"at": "yesterday", "run_id": "r1", "by": "me", "what": "act"}',
        b'{"at": "2026-11-20T10:15:00Z", "run_id": "r1", "by": "me", "what": ["act"]}',
        b'{"at": "2026-11-20T10:15:00Z", "run_id": "r1", "by": "me", "what": "act", "result": {}}',
        b'{"at": "2026-11-20T10:15:00Z", "run_id": "r1", "by": "me", "what": "packages", "after": 7}',
        b'{"at": "2026-11-20T10:15:00Z", "run_id": "r1", "by": "me", "what": "sanity test", "after": {"shop": {"answers": "all"}}}',
        b'{"at": "2026-11-20T10:15:00Z", "run_id": "r1", "by": "me", "what": "override", "after": null}',
        b'{"at": "2026-11-20T10:15:00Z", "run_id": "r1", "by": "me", "what": "override", "after": {"reason": "x", "passed": "HS-PEAK"}}',
        b'{"at": "2026-11-20T10:15:00Z", "run_id": "r1", "by": "me", "what": "override", "after": {"passed": []}}',
    ],
)
def test_a_line_that_tells_of_no_act_is_left_out_and_told(records, strange):
    _records.append("r1", "me", "act")
    with open(_records.path("journal.jsonl"), "ab") as journal:
        journal.write(strange + b"\n")
    _records.append("r1", "me", "packages", ["shop-1-1.noarch", None], ["shop-2-1.noarch"], "ok")
    _records.append("r1", "me", "sanity test", after={"shop": {"answers": 3, "compare": {}}}, result="passed")
    _records.append("r1", "me", "override", after={"reason": "CHG-1", "passed": ["HS-PEAK: too much"]})
    found = []
    assert [line["what"] for line in _records.journal(10, found)] == whats() == ["act", "packages", "sanity test", "override"]
    assert len(found) == 1 and "\x00" not in found[0]
