# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils.node import _records, _release_record
from ansible_collections.halfswap.bluegreen.plugins.modules import journal

ONE, TWO = {"shop": "shop-1.0.0-1.noarch"}, {"shop": "shop-2.0.0-1.noarch"}


@pytest.fixture(autouse=True)
def now(clock):
    return clock


def args(**changes):
    return dict(dict(run_id="r1", by="alice@ops1", what="migration orders"), **changes)


def test_a_line(run_module):
    assert run_module(journal, args(before=["a"], after={"b": 1}, result="complete")) == {"changed": True}
    assert _records.journal(10) == [
        {
            "at": "1970-01-01T00:16:40Z",
            "run_id": "r1",
            "by": "alice@ops1",
            "what": "migration orders",
            "before": ["a"],
            "after": {"b": 1},
            "result": "complete",
        }
    ]


def test_check_mode_writes_nothing(run_module, records):
    assert run_module(journal, args(cut_off="a column was dropped"), check_mode=True) == {"changed": True}
    assert not records.exists()


def test_earlier_releases_are_cut_off_and_can_be_used_again(run_module):
    for release in (ONE, TWO):
        _release_record.served(release, "r0")
    result = run_module(journal, args(cut_off="a column was dropped"))
    assert result["cut_off"] == {"previous": [dict(deployment="", packages=ONE)], "why": "a column was dropped"}
    assert _release_record.read()["previous"] == []
    assert run_module(journal, args(clear_cut_off=True))["cut_off"] is None
    assert _release_record.read()["previous"] == [dict(deployment="", packages=ONE)]
    assert len(_records.journal(10)) == 2


def test_nothing_to_cut_off_on_a_node_that_was_never_live(run_module):
    assert run_module(journal, args(cut_off="a column was dropped"))["cut_off"] is None
    assert _release_record.read() is None


def test_both_ways_at_once_is_refused(run_module, records):
    result = run_module(journal, args(cut_off="why", clear_cut_off=True))
    assert result.failed and "exclude each other" in result["msg"]
    assert not records.exists()


def test_what_cannot_be_written_is_an_error(run_module, records):
    records.write_bytes(b"")
    result = run_module(journal, args())
    assert result.failed and str(records) in result["msg"]


@pytest.mark.parametrize("what", [None, ""])
def test_an_act_without_a_name_is_none(run_module, what):
    assert run_module(journal, args(what=what))["msg"] == "what is empty: say what was done."
    assert _records.journal(10) == []
