# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the nodes of the new release do worse than those of the old one, by what both answered in the same seconds.

One test for errors, one for latency; each holds for small samples and asks nothing of how the values are distributed.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import itertools
import math

from ansible_collections.halfswap.bluegreen.plugins.module_utils.traffic._percentile import percentile

OPTIONS = dict(
    confidence=dict(type="float", default=0.99),
    min_requests=dict(type="int", default=100),
    max_more_error_percent=dict(type="float", default=0.5),
    max_slower_percent=dict(type="float", default=25.0),
    max_slower_s=dict(type="float", default=0.01),
)
# How often is compared in a watch, the last time at its end. Each look costs confidence, so there are few.
LOOKS = 4
# With fewer values on each side the distribution of ranks is not yet like the normal one.
FEWEST = 20
# Of a sum that gets smaller with each term. What is left out is added as an upper bound.
MOST_TERMS = 100000
# A share of the sum that no longer changes it.
NEGLIGIBLE = 1e-15


def check(options):
    """ValueError says which option is wrong."""
    if not 0.5 < options["confidence"] < 1:
        raise ValueError("relative.confidence must be above 0.5 and below 1, but is %g." % options["confidence"])
    if options["min_requests"] < FEWEST:
        raise ValueError("relative.min_requests must be at least %d, but is %d." % (FEWEST, options["min_requests"]))
    if not 0 <= options["max_more_error_percent"] < 100:
        raise ValueError("relative.max_more_error_percent must be at least 0 and below 100, but is %g." % options["max_more_error_percent"])
    for name in ("max_slower_percent", "max_slower_s"):
        if options[name] < 0:
            raise ValueError("relative.%s must be at least 0, but is %g." % (name, options[name]))


def p_of_errors(new_errors, new_requests, old_errors, old_requests):
    """How likely the new nodes have so many of the errors, or more, if both fail equally often (Fisher's exact test, one-sided).

    1 where they do not fail more often: nothing speaks against them.
    """
    if new_errors * old_requests <= old_errors * new_requests:
        return 1.0
    errors, requests = new_errors + old_errors, new_requests + old_requests
    logarithm = _ways(errors, new_errors) + _ways(requests - errors, new_requests - new_errors) - _ways(requests, new_requests)
    # Of counts that nobody has, rounding would make it a chance above 1.
    term = math.exp(min(0.0, logarithm))
    total, count = term, new_errors
    while term > NEGLIGIBLE * total and count < min(errors, new_requests):
        ratio = (errors - count) * (new_requests - count) / ((count + 1.0) * (requests - errors - new_requests + count + 1))
        if count - new_errors >= MOST_TERMS:
            # The terms that are left get smaller faster than those of a geometric series.
            return min(1.0, total + term * ratio / max(NEGLIGIBLE, 1 - ratio))
        term *= ratio
        total += term
        count += 1
    return min(1.0, total)


def _ways(of, chosen):
    """The logarithm of the number of ways to choose so many."""
    return math.lgamma(of + 1) - math.lgamma(chosen + 1) - math.lgamma(of - chosen + 1)


def p_of_latencies(new, old):
    """How likely the new ones rank so high among all, or higher, if both take equally long (Mann-Whitney, one-sided, corrected for ties)."""
    both = sorted([(value, 1) for value in new] + [(value, 0) for value in old])
    rank_sum, ties, before = 0.0, 0, 0
    for _value, group in itertools.groupby(both, key=lambda each: each[0]):
        sides = [side for _same, side in group]
        # Equal values share the mean of their ranks.
        rank_sum += sum(sides) * (before + (len(sides) + 1) / 2.0)
        ties += len(sides) ** 3 - len(sides)
        before += len(sides)
    variance = len(new) * len(old) / 12.0 * (before + 1 - ties / (before * (before - 1.0)))
    if variance <= 0:
        return 1.0
    # Ranks go up by halves at least, hence the continuity correction.
    above = rank_sum - len(new) * (before + 1) / 2.0 - 0.5
    return 0.5 * math.erfc(above / math.sqrt(2 * variance))


def _errors(new, old, options):
    percents = [100.0 * counts.errors / counts.requests for counts in (new, old)]
    text = ""
    # Of many requests, a difference that no user notices is certain, too.
    if percents[0] - percents[1] > options["max_more_error_percent"]:
        text = (
            "the new nodes fail more often than the old ones: %d of %d requests (%.1f %%) against %d of %d (%.1f %%), and relative.max_more_error_percent is %g"
        ) % (new.errors, new.requests, percents[0], old.errors, old.requests, percents[1], options["max_more_error_percent"])
    return percents, p_of_errors(new.errors, new.requests, old.errors, old.requests), text


def _latency(new, old, options):
    medians = [percentile(counts.latencies, 50) for counts in (new, old)]
    # The old ones are made slower by what is permitted: what is certain then is more than that.
    permitted = [max(seconds * (1 + options["max_slower_percent"] / 100), seconds + options["max_slower_s"]) for seconds in old.latencies]
    text = (
        "the new nodes are slower than the old ones: the median of %d answers is %.3f s, that of %d is %.3f s, "
        "and relative.max_slower_percent is %g, relative.max_slower_s %g"
    ) % (len(new.latencies), medians[0], len(old.latencies), medians[1], options["max_slower_percent"], options["max_slower_s"])
    return medians, p_of_latencies(new.latencies, permitted), text


# What can be compared: how many there are of it on a side, and the test.
ERRORS, LATENCY = "errors", "latency"
TESTS = {ERRORS: (lambda counts: counts.requests, _errors), LATENCY: (lambda counts: len(counts.latencies), _latency)}


class Comparison(object):
    """What one source has seen of the new nodes and of the old ones, compared at a few looks.

    Whoever looks often finds something in the end. So the looks are fixed beforehand, and what may go wrong (1 - confidence) is shared out equally
    among all tests of all sources at all looks (Bonferroni): together they are wrong no more often than that.
    """

    def __init__(self, options, measures, tests):
        self.options = options
        self.measures = measures
        self.level = (1.0 - options["confidence"]) / (LOOKS * tests)
        self.looked = 0
        self.rows = []

    def is_due(self, elapsed):
        return int(elapsed * LOOKS) > self.looked

    def look(self, elapsed, new, old):
        """What is worse on the new nodes, when this part of the time is over."""
        self.looked = int(elapsed * LOOKS)
        self.rows, found = [], []
        for measure in self.measures:
            size, test = TESTS[measure]
            row = dict(measure=measure, new_requests=size(new), old_requests=size(old), new=None, old=None, p_value=None)
            self.rows.append(row)
            if min(row["new_requests"], row["old_requests"]) < self.options["min_requests"]:
                continue
            sides, row["p_value"], text = test(new, old, self.options)
            row["new"], row["old"] = [round(each, 3) for each in sides]
            if text and row["p_value"] <= self.level:
                found.append("%s (relative.confidence is %g)" % (text, self.options["confidence"]))
        return found

    def not_compared(self):
        """What the last look had too few requests for, in words; empty when it had enough."""
        rows = [row for row in self.rows if row["p_value"] is None]
        if not rows:
            return ""
        # Latency is that of the requests that did not fail: the first row has the most of them.
        return "not enough requests to compare %s: %d to the new nodes and %d to the old ones, of at least %d each (relative.min_requests)" % (
            " and ".join(row["measure"] for row in rows),
            rows[0]["new_requests"],
            rows[0]["old_requests"],
            self.options["min_requests"],
        )
