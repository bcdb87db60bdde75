# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import itertools
import math
import random

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils.traffic import _relative
from ansible_collections.halfswap.bluegreen.plugins.module_utils.traffic._relative import ERRORS, LATENCY, LOOKS, Comparison
from ansible_collections.halfswap.bluegreen.plugins.module_utils.traffic._traffic import Counts

OPTIONS = {name: option["default"] for name, option in _relative.OPTIONS.items()}


def ways(of, chosen):
    return math.factorial(of) // math.factorial(chosen) // math.factorial(of - chosen) if 0 <= chosen <= of else 0


def exactly(new_errors, new_requests, old_errors, old_requests):
    """The same sum in whole numbers."""
    errors, requests = new_errors + old_errors, new_requests + old_requests
    tail = sum(ways(errors, count) * ways(requests - errors, new_requests - count) for count in range(new_errors, min(errors, new_requests) + 1))
    return tail / ways(requests, new_requests)


@pytest.mark.parametrize("counts", [(3, 3, 0, 3), (1, 20, 0, 20), (5, 100, 0, 100), (12, 240, 1, 236), (30, 40, 50, 400), (100, 100, 99, 100)])
def test_errors_are_tested_exactly(counts):
    assert _relative.p_of_errors(*counts) == pytest.approx(exactly(*counts), rel=1e-9)


@pytest.mark.parametrize("counts", [(0, 100, 0, 100), (1, 100, 1, 100), (1, 100, 5, 100), (5, 1000, 1, 100), (100, 100, 100, 100)])
def test_nothing_speaks_against_who_does_not_fail_more_often(counts):
    assert _relative.p_of_errors(*counts) == 1.0


def test_many_errors_take_no_time():
    # In one of two hundred cases a value of a normal distribution is that far off, and the sum has millions of terms.
    new, of = 2 * 10**8 + 36400, 4 * 10**8
    assert _relative.p_of_errors(new, of, 2 * 10**8, of) == pytest.approx(0.0050, rel=0.05)
    # Nor does what nobody has counted, although nothing can be said of it.
    assert 0 <= _relative.p_of_errors(6 * 10**15, 8 * 10**15, 5 * 10**15, 8 * 10**15) <= 1


def by_rank(new, old):
    """How many of all ways to choose the new ones from both rank as high."""
    both = sorted(new + old)
    rank = {value: sum(at for at, each in enumerate(both, start=1) if each == value) / both.count(value) for value in both}
    reached = sum(rank[value] for value in new)
    sums = [sum(rank[value] for value in chosen) for chosen in itertools.combinations(both, len(new))]
    return sum(found >= reached for found in sums) / len(sums)


@pytest.mark.parametrize(
    "new, old",
    [
        ([7, 9, 10, 11, 12, 14, 15], [1, 2, 3, 4, 5, 6, 8, 13]),
        ([2, 4, 6, 8, 10, 12], [1, 3, 5, 7, 9, 11]),
        ([1, 2, 3, 4, 5, 6], [7, 8, 9, 10, 11, 12]),
        ([2, 2, 3, 3, 3, 4, 5], [1, 1, 2, 2, 2, 3, 4]),
    ],
)
def test_latencies_are_tested_by_rank(new, old):
    assert _relative.p_of_latencies(new, old) == pytest.approx(by_rank(new, old), abs=0.01)


def test_latencies_that_are_all_the_same():
    assert _relative.p_of_latencies([0.1] * 100, [0.1] * 100) == 1.0


def compared(new, old, measures=(ERRORS,), tests=1, elapsed=1.0, **changes):
    comparison = Comparison(dict(OPTIONS, **changes), measures, tests)
    return comparison.look(elapsed, new, old), comparison


def test_says_what_is_worse():
    new = Counts(240, 24, [0.3] * 216)
    old = Counts(236, 1, [0.1] * 235)
    texts, comparison = compared(new, old, (ERRORS, LATENCY))
    assert texts == [
        "the new nodes fail more often than the old ones: 24 of 240 requests (10.0 %) against 1 of 236 (0.4 %), "
        "and relative.max_more_error_percent is 0.5 (relative.confidence is 0.99)",
        "the new nodes are slower than the old ones: the median of 216 answers is 0.300 s, that of 235 is 0.100 s, "
        "and relative.max_slower_percent is 25, relative.max_slower_s 0.01 (relative.confidence is 0.99)",
    ]
    errors, latency = comparison.rows
    assert (errors["measure"], errors["new_requests"], errors["old_requests"], errors["new"], errors["old"]) == (ERRORS, 240, 236, 10.0, 0.424)
    assert (latency["measure"], latency["new_requests"], latency["old_requests"], latency["new"], latency["old"]) == (LATENCY, 216, 235, 0.3, 0.1)
    assert 0 < errors["p_value"] < 1e-5 and 0 < latency["p_value"] < 1e-5
    assert comparison.not_compared() == ""
    # The other way round nothing is wrong.
    assert compared(old, new, (ERRORS, LATENCY))[0] == []


def test_a_difference_that_is_certain_but_small():
    new, old = Counts(10**6, 4000), Counts(10**6, 1000)
    assert compared(new, old)[1].rows[0]["p_value"] < 1e-9
    assert compared(new, old)[0] == []
    assert compared(new, old, max_more_error_percent=0.2)[0] != []


@pytest.mark.parametrize(
    "slower_s, changes, wrong",
    [
        (0.02, {}, False),  # 20 %
        (0.03, {}, True),
        (0.03, dict(max_slower_percent=40), False),
        (0.03, dict(max_slower_s=0.04), False),
        (0.03, dict(max_slower_percent=0, max_slower_s=0), True),
    ],
)
def test_slower_by_more_than_is_permitted(slower_s, changes, wrong):
    old = [0.1 + number * 1e-6 for number in range(200)]
    new = [seconds + slower_s for seconds in old]
    assert bool(compared(Counts(200, 0, new), Counts(200, 0, old), (LATENCY,), **changes)[0]) is wrong


def test_confidence_is_shared_out():
    new, old = Counts(100, 11), Counts(100, 0)
    p_value = _relative.p_of_errors(11, 100, 0, 100)
    sure = 1 - p_value * LOOKS
    assert compared(new, old, confidence=sure - 1e-6)[0] != []
    assert compared(new, old, confidence=sure + 1e-6)[0] == []
    assert compared(new, old, tests=2, confidence=sure - 1e-6)[0] == []


@pytest.mark.parametrize("new, old", [(99, 1000), (1000, 99)])
def test_too_few_are_not_compared(new, old):
    texts, comparison = compared(Counts(new, new, []), Counts(old, 0, [0.1] * old), (ERRORS, LATENCY))
    assert texts == []
    assert comparison.rows[0] == dict(measure=ERRORS, new_requests=new, old_requests=old, new=None, old=None, p_value=None)
    text = "not enough requests to compare errors and latency: %d to the new nodes and %d to the old ones, of at least 100 each (relative.min_requests)"
    assert comparison.not_compared() == text % (new, old)


def test_what_fails_has_no_latency():
    texts, comparison = compared(Counts(120, 110, [0.1] * 10), Counts(120, 110, [0.1] * 10), (ERRORS, LATENCY))
    assert texts == [] and comparison.rows[0]["p_value"] == 1.0
    assert comparison.not_compared() == (
        "not enough requests to compare latency: 10 to the new nodes and 10 to the old ones, of at least 100 each (relative.min_requests)"
    )


def test_looks_are_fixed():
    comparison = Comparison(OPTIONS, (ERRORS,), 1)
    looked = []
    for tick in range(1, 101):
        if comparison.is_due(tick / 100.0):
            looked.append(tick)
            comparison.look(tick / 100.0, Counts(), Counts())
    assert looked == [25, 50, 75, 100]
    # A short one has fewer, and the end.
    comparison = Comparison(OPTIONS, (ERRORS,), 1)
    comparison.look(0.6, Counts(), Counts())
    assert not comparison.is_due(0.7) and comparison.is_due(1.0)


def watches(count, requests, new_fails, old_fails, slower=1.0, seed=12, **changes):
    """So many watches of a simulated site, from beginning to end. Returns in how many of them something was found."""
    chance = random.Random(seed)

    def serve(side, fails, median_s):
        side.requests += 1
        if chance.random() < fails:
            side.errors += 1
        else:
            # Most answers take about as long, a few take much longer.
            side.latencies.append(median_s * (0.5 + -math.log(1 - chance.random())))

    found = 0
    for _watch in range(count):
        new, old = Counts(), Counts()
        comparison = Comparison(dict(OPTIONS, **changes), (ERRORS, LATENCY), 2)
        for look in range(1, LOOKS + 1):
            for _request in range(requests // LOOKS):
                serve(new, new_fails, 0.1 * slower)
                serve(old, old_fails, 0.1)
            if comparison.look(look / LOOKS, new, old):
                found += 1
                break
    return found


@pytest.mark.parametrize("confidence", [0.9, 0.8])
@pytest.mark.parametrize("fails", [0.0, 0.05])
def test_two_equal_releases_are_told_apart_no_more_often_than_said(confidence, fails):
    # Nothing is permitted, so that the tests alone decide.
    nothing = dict(max_more_error_percent=0.0, max_slower_percent=0.0, max_slower_s=0.0)
    assert watches(250, 200, fails, fails, confidence=confidence, **nothing) <= (1 - confidence) * 250


def test_two_equal_releases_are_never_told_apart_with_the_defaults():
    assert watches(100, 400, 0.01, 0.01) == 0


def test_a_release_that_fails_more_often_is_found():
    assert watches(50, 600, 0.05, 0.005) >= 48


def test_a_release_that_is_slower_is_found():
    assert watches(50, 400, 0.005, 0.005, slower=2.0) == 50
    # By no more than is permitted.
    assert watches(50, 400, 0.005, 0.005, slower=1.2) == 0


@pytest.mark.parametrize(
    "changes, text",
    [
        (dict(confidence=0.5), "relative.confidence must be above 0.5 and below 1, but is 0.5."),
        (dict(confidence=1.0), "relative.confidence must be above 0.5 and below 1, but is 1."),
        (dict(min_requests=19), "relative.min_requests must be at least 20, but is 19."),
        (dict(max_more_error_percent=-0.1), "relative.max_more_error_percent must be at least 0 and below 100, but is -0.1."),
        (dict(max_more_error_percent=100), "relative.max_more_error_percent must be at least 0 and below 100, but is 100."),
        (dict(max_slower_percent=-1), "relative.max_slower_percent must be at least 0, but is -1."),
        (dict(max_slower_s=-1), "relative.max_slower_s must be at least 0, but is -1."),
    ],
)
def test_options_that_make_no_sense(changes, text):
    _relative.check(OPTIONS)
    with pytest.raises(ValueError) as raised:
        _relative.check(dict(OPTIONS, **changes))
    assert str(raised.value) == text
