# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils._dialect import (
    faults,
    keys,
    listing,
    mapping,
    moment,
    number,
    one_of,
    or_null,
    parsed,
    text,
    truth,
    whole,
)


@pytest.mark.parametrize(
    "check, value",
    [
        (text(), "shop"),
        (text(), b"shop \xc3\xbc".decode("utf-8")),
        (text(4), "shop"),
        (one_of("live", "standby"), "live"),
        (truth(), False),
        (whole(), 0),
        (whole(), 2**62),
        (number(), 0),
        (number(), 0.5),
        (moment(), "2026-11-20T10:15:00Z"),
        (or_null(whole()), None),
        (or_null(whole()), 7),
        (listing(whole(), 2), [1, 2]),
        (mapping(or_null(text()), 1), {"shop": None}),
        (keys(dict(state=text())), {"state": "live", "unknown": [1]}),
        (keys({}, dict(rate=number())), {}),
        (keys({}, dict(rate=number())), {"rate": None}),
    ],
)
def test_what_belongs_there(check, value):
    assert faults(check, value) == []


@pytest.mark.parametrize(
    "check, value, quoted",
    [
        (text(), 7, "7, and a text belongs there"),
        (text(), None, "null, and"),
        (text(4), "shops", '"shops", and a text of at most 4 characters'),
        (one_of("live", "standby"), "LIVE", '"LIVE", and "live" or "standby" belongs there'),
        (one_of("live", "standby"), True, "true, and"),
        (one_of("live", "standby"), ["live"], '["live"], and'),
        (truth(), "false", '"false", and true or false belongs there'),
        (truth(), 1, "1, and"),
        (whole(), True, "true, and a whole number from 0 on belongs there"),
        (whole(), 1.0, "1.0, and"),
        (whole(), -1, "-1, and"),
        (whole(), 2**63, "9223372036854775808, and"),
        (number(), float("nan"), "NaN, and a number from 0 on belongs there"),
        (number(), float("inf"), "Infinity, and"),
        (number(), 10**400, "1000000000000000000000000000000"),
        (number(), -0.5, "-0.5, and"),
        (number(), "0.5", '"0.5", and'),
        (moment(), "yesterday", '"yesterday", and a time such as 2026-11-20T10:15:00Z belongs there'),
        (or_null(whole()), "7", '"7", and a whole number from 0 on, or null, belongs there'),
        (listing(whole(), 2), [1, 2, 3], "[1, 2, 3], and a list of at most 2 belongs there"),
        (listing(whole(), 2), {}, "{}, and"),
        (mapping(text(), 1), [], "[], and"),
        (keys(dict(state=text())), [], "[], and a dictionary belongs there"),
    ],
)
def test_what_does_not_is_quoted_with_what_would(check, value, quoted):
    (fault,) = faults(check, value)
    assert fault.startswith("it is " + quoted)


def test_the_place_is_named_and_what_is_missing():
    table = keys(dict(state=text(), probers=listing(keys(dict(seen=whole())), 9), requests=keys({}, dict(rate_per_s=number()))))
    said = {"probers": [{"seen": 1}, {"seen": None}, {}], "requests": {"rate_per_s": "many"}}
    assert sorted(faults(table, said)) == [
        "probers[1].seen is null, and a whole number from 0 on belongs there",
        "probers[2].seen is missing",
        'requests.rate_per_s is "many", and a number from 0 on, or null, belongs there',
        "state is missing",
    ]


def test_many_faults_are_counted():
    found = faults(listing(whole(), 99), ["x"] * 50)
    assert len(found) == 5 and found[-1] == "46 more"


def test_what_is_quoted_is_escaped_and_cut():
    (fault,) = faults(one_of("live"), "\x1b[2J{{ 1 }}" + "a" * 100000)
    assert len(fault) < 200
    assert "\x1b" not in fault and "{{" not in fault


def test_text_that_is_no_json():
    assert parsed('{"a": 1}') == {"a": 1}
    for wrong in ("", "{", "[" * 100000, b"\xff"):
        with pytest.raises(ValueError):
            parsed(wrong)
