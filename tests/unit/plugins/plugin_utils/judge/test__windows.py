# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import zoneinfo
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._windows import DAYS, WindowError, refusals

BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")
NIGHTS = {"timezone": "Europe/Berlin", "allowed": [{"days": ["mon", "tue"], "from": "22:00", "until": "06:00"}]}
HOLIDAYS = {"from": "2026-12-18 00:00", "until": "2027-01-07 00:00"}


def at(text, zone=BERLIN, fold=0):
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold)


def with_(windows, **more):
    return {**windows, **more}


@pytest.mark.parametrize("windows", [{}, {"timezone": "Europe/Berlin"}, {"timezone": "Europe/Berlin", "allowed": [], "blocked": []}])
def test_nothing_is_refused_where_nothing_is_said(windows):
    assert refusals(windows, at("2026-12-24 18:00"), 1e6) == []


@pytest.mark.parametrize(
    "start, minutes, may",
    [
        ("2026-11-23 22:00", 480, True),  # Monday night, all of it
        ("2026-11-23 22:00", 481, False),
        ("2026-11-23 21:59", 10, False),
        ("2026-11-24 05:00", 60, True),  # Tuesday morning belongs to Monday night
        ("2026-11-25 05:59", 1, True),
        ("2026-11-25 06:00", 0, True),
        ("2026-11-25 06:01", 0, False),
        ("2026-11-25 22:00", 10, False),
        ("2026-11-23 05:00", 10, False),  # nor does Monday morning
    ],
)
def test_across_midnight(start, minutes, may):
    assert (refusals(NIGHTS, at(start), 60 * minutes) == []) == may


def test_the_text_of_a_refusal():
    assert refusals(NIGHTS, at("2026-11-25 09:00", timezone.utc), 90 * 60) == [
        "The time from wed 2026-11-25 10:00 CET to wed 2026-11-25 11:30 CET (Europe/Berlin) is not wholly within what bluegreen_windows.allowed allows "
        "(mon, tue 22:00 to 06:00); the next time that is long enough begins mon 2026-11-30 22:00 CET."
    ]


def test_a_block_names_itself_and_counts_more_than_what_is_allowed():
    windows = with_(NIGHTS, blocked=[{"days": ["fri"], "from": "12:00", "until": "24:00"}, HOLIDAYS])
    assert refusals(windows, at("2026-12-22 01:00"), 60) == [
        "The time from tue 2026-12-22 01:00 CET to tue 2026-12-22 01:01 CET (Europe/Berlin) runs into what bluegreen_windows.blocked[1] blocks "
        "(2026-12-18 00:00 to 2027-01-07 00:00); the next time that is long enough begins mon 2027-01-11 22:00 CET."
    ]
    assert len(refusals(windows, at("2026-12-18 13:00"), 60)) == 3


@pytest.mark.parametrize(
    "start, minutes, may",
    [
        ("2026-11-27 11:00", 60, True),
        ("2026-11-27 11:00", 61, False),
        ("2026-11-27 12:00", 0, False),
        ("2026-11-27 23:59", 1, False),
        ("2026-11-28 00:00", 1, True),
    ],
)
def test_a_block_must_not_be_touched(start, minutes, may):
    windows = {"timezone": "Europe/Berlin", "blocked": [{"days": ["fri"], "from": "12:00", "until": "24:00"}]}
    found = refusals(windows, at(start), 60 * minutes)
    assert (found == []) == may
    assert may or found[0].endswith("begins sat 2026-11-28 00:00 CET.")


def test_windows_that_touch_are_one():
    windows = {
        "timezone": "Europe/Berlin",
        "allowed": [
            {"days": ["sat"], "from": "20:00", "until": "24:00"},
            {"days": ["sun"], "from": "00:00", "until": "02:30"},
            {"days": ["sun"], "from": "02:30", "until": "05:00"},
            {"from": "2026-11-22 04:00", "until": "2026-11-22 07:00"},
        ],
    }
    assert refusals(windows, at("2026-11-21 20:00"), 11 * 3600) == []
    # On the nights on which 02:30 comes twice, or not at all, it is no seam either.
    assert refusals(windows, at("2026-10-24 20:00"), 10 * 3600) == []
    assert refusals(windows, at("2027-03-27 20:00"), 8 * 3600) == []
    assert refusals(windows, at("2027-03-27 20:00"), 8 * 3600 + 1) != []


def test_an_hour_that_comes_twice():
    # 2026-10-25 at 03:00 CEST it is 02:00 CET.
    night = {"days": ["sun"], "from": "02:15", "until": "02:45"}
    allowed, blocked = {"timezone": "Europe/Berlin", "allowed": [night]}, {"timezone": "Europe/Berlin", "blocked": [night]}
    for fold in (0, 1):
        assert refusals(allowed, at("2026-10-25 02:20", fold=fold), 60) != []
        assert refusals(blocked, at("2026-10-25 02:20", fold=fold), 60) != []
    # The hour between the two is in doubt, too.
    assert refusals(blocked, at("2026-10-25 02:50"), 60)[0].endswith("begins sun 2026-10-25 02:45 CET.")
    assert refusals(blocked, at("2026-10-25 02:14"), 60) == []
    assert refusals({"timezone": "Europe/Berlin", "allowed": [{"days": ["sun"], "from": "01:00", "until": "04:00"}]}, at("2026-10-25 01:00"), 4 * 3600) == []


def test_an_hour_that_does_not_come():
    # 2027-03-28 at 02:00 CET it is 03:00 CEST.
    windows = {"timezone": "Europe/Berlin", "allowed": [{"days": ["sun"], "from": "01:00", "until": "04:00"}]}
    assert refusals(windows, at("2027-03-28 01:00"), 2 * 3600) == []
    assert refusals(windows, at("2027-03-28 01:00"), 2 * 3600 + 1) != []


def test_no_end_in_sight():
    windows = {"timezone": "Europe/Berlin", "blocked": [{"from": "2026-01-01 00:00", "until": "2999-12-31 24:00"}]}
    assert "; no later time until " in refusals(windows, at("2026-11-25 10:00"), 60)[0]
    # Nothing is long enough for nine hours.
    assert "; no later time until " in refusals(NIGHTS, at("2026-11-23 22:00"), 9 * 3600)[0]


def test_a_long_run_finds_the_window_that_holds_it():
    windows = {"timezone": "Europe/Berlin", "allowed": [{"from": "2027-02-01 00:00", "until": "2027-02-20 00:00"}], "blocked": [HOLIDAYS]}
    assert refusals(windows, at("2026-11-25 10:00"), 10 * 86400)[0].endswith("begins mon 2027-02-01 00:00 CET.")


@pytest.mark.parametrize(
    "windows, text",
    [
        ([], None),
        (["x"], "bluegreen_windows is ['x'] and should have the keys allowed, blocked, timezone"),
        ({"allowed": []}, "bluegreen_windows.timezone is missing"),
        (with_(NIGHTS, timezone="Mars/Olympus"), "bluegreen_windows.timezone 'Mars/Olympus' is no time zone that this controller knows"),
        (with_(NIGHTS, timezone="../Berlin"), "bluegreen_windows.timezone '../Berlin' is no time zone"),
        (with_(NIGHTS, timezone=2), "bluegreen_windows.timezone 2 is no time zone"),
        (with_(NIGHTS, denied=[]), "bluegreen_windows has the unknown key 'denied'; it can have allowed, blocked, timezone"),
        (with_(NIGHTS, blocked=HOLIDAYS), "bluegreen_windows.blocked is {"),
        (with_(NIGHTS, blocked=["fri"]), "bluegreen_windows.blocked[0] is 'fri' and should have the keys days, from, until"),
        (with_(NIGHTS, blocked=[HOLIDAYS, {"from": "2026-12-18 00:00"}]), "bluegreen_windows.blocked[1].until is missing"),
        (with_(NIGHTS, blocked=[{**HOLIDAYS, "day": "fri"}]), "bluegreen_windows.blocked[0] has the unknown key 'day'"),
        (
            with_(NIGHTS, allowed=[{"days": ["Mon"], "from": "22:00", "until": "23:00"}]),
            "bluegreen_windows.allowed[0].days has 'Mon' in it, which is none of mon,",
        ),
        (with_(NIGHTS, allowed=[{"days": "mon", "from": "22:00", "until": "23:00"}]), "bluegreen_windows.allowed[0].days is 'mon' and should be a list"),
        (with_(NIGHTS, allowed=[{"days": [], "from": "22:00", "until": "23:00"}]), "bluegreen_windows.allowed[0].days is [] and should be a list"),
        (
            with_(NIGHTS, allowed=[{"days": ["mon"], "from": 1320, "until": "23:00"}]),
            'allowed[0].from is not in quotes, so that YAML took it for 1320; write it as "22:00"',
        ),
        (with_(NIGHTS, allowed=[{"days": ["mon"], "from": "22:00", "until": "25:00"}]), "allowed[0].until is '25:00'; beside days it is written as \"22:00\""),
        (with_(NIGHTS, allowed=[{"days": ["mon"], "from": "24:00", "until": "06:00"}]), "allowed[0].from is '24:00'"),
        (with_(NIGHTS, allowed=[{"from": "22:00", "until": "23:00"}]), "allowed[0].from is '22:00'; without days it is written as \"2026-12-18 00:00\""),
        (with_(NIGHTS, blocked=[{"from": "2026-02-30 00:00", "until": "2026-03-01 00:00"}]), "blocked[0].from is '2026-02-30 00:00'"),
        (with_(NIGHTS, blocked=[{"from": "2026-12-18 00:00", "until": "9999-12-31 24:00"}]), "blocked[0].until is '9999-12-31 24:00'"),
        (
            with_(NIGHTS, blocked=[{"from": HOLIDAYS["until"], "until": HOLIDAYS["from"]}]),
            "blocked[0] ends (2026-12-18 00:00) when it begins (2027-01-07 00:00) or before",
        ),
        (with_(NIGHTS, allowed=[{"days": ["mon"], "from": "22:00", "until": "22:00"}]), "a whole day is from 00:00 until 24:00"),
    ],
)
def test_a_wrong_description(windows, text):
    if text is None:
        assert refusals(windows, at("2026-11-25 10:00"), 1) == []
        return
    with pytest.raises(WindowError) as told:
        refusals(windows, at("2026-11-25 10:00"), 1)
    assert text in str(told.value)


def test_a_controller_without_time_zones(monkeypatch):
    before = zoneinfo.TZPATH
    zoneinfo.reset_tzpath(to=[])
    zoneinfo.ZoneInfo.clear_cache()
    monkeypatch.setitem(__import__("sys").modules, "tzdata", None)
    try:
        with pytest.raises(WindowError, match="this controller has no time zone data; install its package tzdata"):
            refusals(NIGHTS, datetime(2026, 11, 25, tzinfo=timezone.utc), 1)
    finally:
        zoneinfo.reset_tzpath(to=before)


def test_a_start_without_a_time_zone_is_not_guessed():
    with pytest.raises(ValueError, match="start has no time zone"):
        refusals(NIGHTS, datetime(2026, 11, 25), 1)


HOURS = st.integers(0, 23)
WEEKLY = st.builds(
    lambda days, first, length: {"days": sorted(days), "from": f"{first:02}:00", "until": f"{(first + length - 1) % 24 + 1:02}:00"},
    st.sets(st.sampled_from(DAYS), min_size=1),
    HOURS,
    st.integers(1, 23),
)


def shows(window, local):
    """Whether a clock and a calendar are within the window: what a person would say, looking at both."""
    first, until = int(window["from"][:2]), int(window["until"][:2])
    today, yesterday = DAYS[local.weekday()] in window["days"], DAYS[local.weekday() - 1] in window["days"]
    if first < until:
        return today and first <= local.hour < until
    return (today and local.hour >= first) or (yesterday and local.hour < until)


def may_run(windows, local):
    return (not windows["allowed"] or any(shows(window, local) for window in windows["allowed"])) and not any(shows(w, local) for w in windows["blocked"])


@settings(max_examples=150, deadline=None)
@given(st.lists(WEEKLY, max_size=3), st.lists(WEEKLY, max_size=2), st.integers(0, 7 * 24 - 1), st.integers(1, 40))
def test_agrees_with_a_look_at_each_hour_where_no_clock_changes(allowed, blocked, begin, hours):
    windows = {"timezone": "Asia/Kolkata", "allowed": allowed, "blocked": blocked}
    zone = zoneinfo.ZoneInfo("Asia/Kolkata")
    start = datetime(2026, 11, 23, tzinfo=zone) + timedelta(hours=begin)
    good = [may_run(windows, start + timedelta(hours=hour)) for hour in range(7 * 24 + 2 * hours)]
    fitting = [hour for hour in range(7 * 24 + hours) if all(good[hour : hour + hours])]
    found = refusals(windows, start, hours * 3600)
    assert (found == []) == (0 in fitting)
    if found and fitting:
        later = start + timedelta(hours=fitting[0])
        assert found[0].endswith(f" begins {DAYS[later.weekday()]} {later:%Y-%m-%d %H:%M} IST.")
    elif found:
        assert "no later time" in found[0]


@settings(max_examples=150, deadline=None)
@given(st.lists(WEEKLY, max_size=3), st.lists(WEEKLY, max_size=2), st.sampled_from(["2026-10-24", "2027-03-27"]), st.integers(0, 72), st.integers(1, 20))
def test_whatever_the_clock_does_nothing_runs_when_it_must_not(allowed, blocked, day, begin, hours):
    windows = {"timezone": "Europe/Berlin", "allowed": allowed, "blocked": blocked}
    start = datetime.fromisoformat(day).replace(tzinfo=timezone.utc) + timedelta(minutes=30 * begin)
    if refusals(windows, start, hours * 3600) == []:
        assert all(may_run(windows, (start + timedelta(minutes=30 * half)).astimezone(BERLIN)) for half in range(2 * hours))
