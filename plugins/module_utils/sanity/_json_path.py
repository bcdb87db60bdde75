# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Dotted keys into JSON, such as requests.active."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json
import re

from ansible_collections.halfswap.bluegreen.plugins.module_utils._dialect import TEXTS

# JSON as applications write it: some make text of every number, and some a fraction.
_NUMBER = re.compile(r"[0-9]{1,18}(\.[0-9]{1,18})?([eE][+-]?[0-9]{1,2})?\Z")
# Of a count; what is larger has no exact value in the JSON of many.
MOST = 10**18


def lookup(document, key):
    """What is at the dotted key; a part that is a number is a position in a list. LookupError says what is there instead.

    A key of the document may have dots itself, such as {"http.server.requests": {"count": 7}}. Where both ways lead to a value, nobody knows which is meant.
    """
    found = _values(document, key.split("."))
    if not found:
        raise LookupError(_stuck(document, key))
    if len(found) > 1:
        raise LookupError("several values at key %s, as there are keys with dots in them" % key)
    return found[0]


def _values(value, parts):
    if not parts:
        return [value]
    return [found for count, where in _steps(value, parts) for found in _values(value[where], parts[count:])]


def _steps(document, parts):
    """Where the first parts of a key lead in the document, and how many of them that takes."""
    if isinstance(document, dict):
        for count in range(1, len(parts) + 1):
            name = ".".join(parts[:count])
            if name in document:
                yield count, name
    elif isinstance(document, list) and parts and parts[0].isdigit() and int(parts[0]) < len(document):
        yield 1, int(parts[0])


def _stuck(value, key):
    """What is there instead, at the first place from where no way leads on."""
    parts = key.split(".")
    while True:
        step = next(_steps(value, parts), None)
        if step is None:
            there = ", ".join(sorted(value)) if isinstance(value, dict) else type(value).__name__
            return "no %s at key %s (there: %s)" % (parts[0], key, there or "nothing")
        parts, value = parts[step[0] :], value[step[1]]


def whole_number(value):
    """A count, which may be written 7, 7.0, 7e0 or "7". ValueError says what is there instead."""
    number = value
    if isinstance(value, TEXTS) and _NUMBER.match(value):
        number = int(value) if value.isdigit() else float(value)
    if isinstance(number, float) and number.is_integer():
        number = int(number)
    if isinstance(number, (bool, float)) or not isinstance(number, (int, type(MOST))) or not 0 <= number < MOST:
        told = "an object" if isinstance(value, dict) else "a list" if isinstance(value, list) else json.dumps(value)
        raise ValueError("%s, and a whole number from 0 on belongs there" % told)
    return number


def take_out(document, key):
    """Remove what is at the dotted key, where it is there; a part * stands for all keys or positions.

    In a list the place stays, with nothing in it, so that it still has the same length.
    """
    _take_out(document, key.split("."))


def _take_out(document, parts):
    for count, where in _all_steps(document, parts):
        if count < len(parts):
            _take_out(document[where], parts[count:])
        elif isinstance(document, dict):
            del document[where]
        else:
            document[where] = None


def _all_steps(document, parts):
    if parts[0] != "*":
        return list(_steps(document, parts))
    places = list(document) if isinstance(document, dict) else range(len(document)) if isinstance(document, list) else ()
    return [(1, where) for where in places]
