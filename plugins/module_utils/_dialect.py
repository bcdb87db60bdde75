# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What others may say: a table of its keys and their types for each thing that is read, checked where it enters.

A table is put together from the functions here. Each of them gives a check: it takes a value and where it stands, and yields what is wrong.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json
import math
import time

from ansible_collections.halfswap.bluegreen.plugins.module_utils._shown import shown

# Python 2.7 has two types of it.
TEXTS = (str, type(b"".decode()))
QUOTED_CHARACTERS = 60
# More of them tell nothing more.
FAULTS = 4
MOMENT = "%Y-%m-%dT%H:%M:%SZ"
LARGEST = 2**63 - 1


def faults(table, said):
    """What is wrong with it, as ends of a sentence; nothing where all is as the table has it."""
    found = list(table(said, ""))
    return found[:FAULTS] + (["%d more" % (len(found) - FAULTS)] if len(found) > FAULTS else [])


def parsed(text):
    """What the JSON says. ValueError for whatever is none."""
    try:
        return json.loads(text if isinstance(text, TEXTS) else text.decode("utf-8"))
    # Nested more deeply than Python goes.
    except RuntimeError:
        raise ValueError("it is nested too deeply")


def _wrong(value, where, expected):
    yield "%s is %s, and %s belongs there" % (where or "it", shown(json.dumps(value, default=repr), QUOTED_CHARACTERS), expected)


def _leaf(expected, belongs):
    def check(value, where, expected=expected):
        return () if belongs(value) else _wrong(value, where, expected)

    check.expected = expected
    return check


def text(most=None):
    expected = "a text" if most is None else "a text of at most %d characters" % most
    return _leaf(expected, lambda value: isinstance(value, TEXTS) and (most is None or len(value) <= most))


def one_of(*words):
    return _leaf(" or ".join(json.dumps(word) for word in words), lambda value: isinstance(value, TEXTS) and value in words)


def truth():
    return _leaf("true or false", lambda value: isinstance(value, bool))


def whole(most=LARGEST):
    expected = "a whole number from 0 %s" % ("on" if most == LARGEST else "to %d" % most)
    return _leaf(expected, lambda value: _is_number(value) and not isinstance(value, float) and 0 <= value <= most)


def number(least=0):
    expected = "a number" if least is None else "a number from %g on" % least
    return _leaf(expected, lambda value: _is_number(value) and abs(value) <= LARGEST and not math.isnan(value) and (least is None or value >= least))


def moment():
    def belongs(value):
        try:
            time.strptime(value, MOMENT)
        except (TypeError, ValueError):
            return False
        return True

    return _leaf("a time such as 2026-11-20T10:15:00Z", belongs)


def or_null(check):
    expected = "%s, or null," % check.expected

    def nullable(value, where, expected=expected):
        return () if value is None else check(value, where, expected)

    nullable.expected = expected
    return nullable


def listing(check, most):
    def each(value, where, expected="a list of at most %d" % most):
        if not isinstance(value, (list, tuple)) or len(value) > most:
            return _wrong(value, where, expected)
        return (fault for at, item in enumerate(value) for fault in check(item, "%s[%d]" % (where, at)))

    each.expected = "a list of at most %d" % most
    return each


def mapping(check, most):
    """Keys that nobody can know beforehand."""

    def each(value, where, expected="a dictionary of at most %d" % most):
        if not isinstance(value, dict) or len(value) > most:
            return _wrong(value, where, expected)
        return (fault for key in sorted(value) for fault in check(value[key], _at(where, shown(key, QUOTED_CHARACTERS))))

    each.expected = "a dictionary of at most %d" % most
    return each


def keys(needed, others=None):
    """A dictionary that has these keys, and may have the others, which may also be null. What else it has is not looked at."""

    def each(value, where, expected="a dictionary"):
        if not isinstance(value, dict):
            return _wrong(value, where, expected)
        return _of_keys(value, where)

    checks = dict(needed, **{key: or_null(check) for key, check in (others or {}).items()})

    def _of_keys(value, where):
        missing = ["%s is missing" % _at(where, key) for key in sorted(needed) if key not in value]
        return missing + [fault for key in sorted(checks) if key in value for fault in checks[key](value[key], _at(where, key))]

    each.expected = "a dictionary"
    return each


def _at(where, key):
    return "%s.%s" % (where, key) if where else key


def _is_number(value):
    return isinstance(value, (int, float, type(LARGEST))) and not isinstance(value, bool)
