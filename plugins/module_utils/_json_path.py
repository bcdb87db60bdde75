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
