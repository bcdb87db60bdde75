# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Dotted keys into JSON, such as requests.active."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type


def lookup(document, key):
    """What is at the dotted key; a part that is a number is a position in a list. LookupError says what is there instead."""
    value = document
    for part in key.split("."):
        if isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        elif isinstance(value, dict) and part in value:
            value = value[part]
        else:
            there = ", ".join(sorted(value)) if isinstance(value, dict) else type(value).__name__
            raise LookupError("no %s at key %s (there: %s)" % (part, key, there or "nothing"))
    return value


def take_out(document, key):
    """Remove what is at the dotted key, where it is there; a part * stands for all keys or positions.

    In a list the place stays, with nothing in it, so that it still has the same length.
    """
    first, _dot, rest = key.partition(".")
    for part in _parts(document, first):
        if rest:
            take_out(document[part], rest)
        elif isinstance(document, dict):
            del document[part]
        else:
            document[part] = None


def _parts(document, part):
    """Where this part of a key leads in the document."""
    if isinstance(document, dict):
        return list(document) if part == "*" else [part] if part in document else []
    if isinstance(document, list):
        return list(range(len(document))) if part == "*" else [int(part)] if part.isdigit() and int(part) < len(document) else []
    return []
