# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from ansible_collections.halfswap.bluegreen.plugins.module_utils.node import _lock, _records
from ansible_collections.halfswap.bluegreen.plugins.modules import journal_info


def test_a_node_without_records(run_module, records):
    assert run_module(journal_info) == {"changed": False, "lines": [], "strange": [], "lock": None}
    assert not records.exists()


def test_the_newest_lines_and_the_lock(run_module, clock):
    _former, lock = _lock.acquire("r1", "alice@ops1", "ops1", "release 2.0.0", 600.0)
    for number in range(3):
        _records.append("r1", "alice@ops1", "act %d" % number)
    result = run_module(journal_info, {"count": 2}, check_mode=True)
    assert [line["what"] for line in result["lines"]] == ["act 1", "act 2"]
    assert result["lock"] == lock
    assert [line["what"] for line in run_module(journal_info)["lines"]] == ["lock acquired", "act 0", "act 1", "act 2"]
    clock.advance(600)
    assert run_module(journal_info, {"count": 0}) == {"changed": False, "lines": [], "strange": [], "lock": None}


def test_bad_input(run_module):
    result = run_module(journal_info, {"count": -1})
    assert result.failed and "count must not be below 0" in result["msg"]


def test_a_damaged_lock_is_named(run_module, records):
    records.mkdir()
    records.joinpath("lock.json").write_bytes(b"[]")
    result = run_module(journal_info)
    assert result.failed and "lock.json is damaged" in result["msg"]


def test_a_line_that_tells_of_no_act_is_shown_and_stops_nothing(run_module, records):
    _records.append("r1", "alice@ops1", "act")
    with open(_records.path("journal.jsonl"), "ab") as journal:
        journal.write(b'{"at": "2026-11-20\x1b[2J\x00\xff\n')
    _records.append("r2", "alice@ops1", "act")
    result = run_module(journal_info)
    assert [line["run_id"] for line in result["lines"]] == ["r1", "r2"]
    (shown,) = result["strange"]
    assert shown.startswith('{"at": "2026-11-20') and "\x1b" not in shown and "\x00" not in shown


def test_a_lock_of_a_newer_version_is_told(run_module, records):
    records.mkdir()
    records.joinpath("lock.json").write_bytes(b'{"version": 2, "holders": []}')
    result = run_module(journal_info)
    assert result.failed and "written by a newer version of this collection" in result["msg"]
