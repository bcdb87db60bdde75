# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils.sanity import _recording
from ansible_collections.halfswap.bluegreen.plugins.module_utils.sanity._recording import RecordingError, note, record, steady_wall, take


@pytest.fixture
def wanted(tmp_path):
    return str(tmp_path / "recording")


def test_records_until_it_is_taken(clock, wanted):
    looks = []
    clock.at(1.0, lambda: os.remove(wanted))
    record(wanted, 10, lambda: looks.append(clock.elapsed), lambda: {"looks": len(looks)}, every_s=0.25)
    assert looks == [0.0, 0.25, 0.5, 0.75]
    with pytest.raises(RecordingError, match="nothing is recorded"):
        take(wanted + "-other")


def test_what_is_taken_is_what_was_left(clock, wanted, tmp_path):
    clock.at(1.0, lambda: os.remove(wanted))
    record(wanted, 10, lambda: None, lambda: {"looks": 4}, every_s=0.5)
    assert take(wanted) == {"looks": 4, "cut_off": False}
    assert os.listdir(str(tmp_path)) == []
    with pytest.raises(RecordingError, match="with state started run, with async"):
        take(wanted)


def test_ends_by_itself(clock, wanted, tmp_path):
    record(wanted, 3, lambda: None, dict, every_s=0.5)
    assert clock.elapsed == 3.0
    assert take(wanted) == {"cut_off": True}
    assert os.listdir(str(tmp_path)) == []


def test_a_look_that_takes_its_time_is_part_of_the_pace(clock, wanted):
    looks = []

    def look():
        looks.append(clock.elapsed)
        clock.advance(0.2)

    record(wanted, 1, look, dict, every_s=0.5)
    assert looks == [0.0, 0.5]


def test_what_was_seen_is_left_even_when_a_look_fails(clock, wanted):
    def look():
        raise ValueError("no")

    with pytest.raises(ValueError):
        record(wanted, 1, look, lambda: {"seen": 1})
    assert take(wanted) == {"seen": 1, "cut_off": True}


def test_what_is_noted_can_be_waited_for_while_the_record_is_wanted(clock, wanted, tmp_path):
    notes = []

    def look():
        note(wanted, "back")
        note(wanted, "back")
        notes.append((tmp_path / "recording").read_bytes())

    clock.at(0.4, lambda: os.remove(wanted))
    record(wanted, 1, look, dict, every_s=0.5)
    assert notes == [b"back"]
    note(wanted, "back")
    assert not os.path.exists(wanted)
    assert take(wanted) == {"cut_off": False}


def test_a_file_of_somebody_else_is_left_alone(wanted, tmp_path):
    (tmp_path / "recording").write_bytes(b"theirs")
    with pytest.raises(RecordingError, match="cannot be made: File exists"):
        record(wanted, 1, lambda: None, dict)
    assert (tmp_path / "recording").read_bytes() == b"theirs"


def test_a_recorder_that_has_died(clock, wanted, tmp_path):
    (tmp_path / "recording").write_bytes(b"")
    with pytest.raises(RecordingError, match="has left nothing within 20 s"):
        take(wanted)
    assert clock.elapsed == _recording.LAST_WORD_S


def test_nobody_else_reads_it(clock, wanted):
    seen = []
    record(wanted, 0.5, lambda: seen.append(os.stat(wanted).st_mode & 0o777), dict, every_s=0.5)
    assert seen == [0o600] and os.stat(wanted + ".json").st_mode & 0o777 == 0o600


def test_a_clock_that_nobody_sets(clock, monkeypatch):
    wall = steady_wall()
    monkeypatch.setattr("time.time", lambda: 5.0)
    clock.advance(2)
    assert wall() == 1002.0
