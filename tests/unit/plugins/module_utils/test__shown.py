# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from ansible.module_utils.common.text.converters import to_text

from ansible_collections.halfswap.bluegreen.plugins.module_utils._shown import CUT, LENGTH, shown, shown_all

HARMLESS = ["HTTP 503", "Zähler: 4 € – ok", "日本語", '{"a": {"b": 1}}', "100 % of {nodes}", "\U0001f004", "C:\\temp", "<b>&amp;</b>"]


@pytest.mark.parametrize("text", HARMLESS)
def test_what_people_write_stays_as_it_is(text):
    assert to_text(shown(text)) == text
    assert to_text(shown(text.encode("utf-8"))) == text


@pytest.mark.parametrize(
    "text, expected",
    [
        ("\x1b[2J\x07", "\\x1b[2J\\x07"),
        ("a\nPLAN nothing to do\r", "a\\nPLAN nothing to do\\x0d"),
        ("\x00\x7f\x85\x9b1m", "\\x00\\x7f\\x85\\x9b1m"),
        ("live\u202eevil", "live\\u202eevil"),
        ("\u2066\u2069\u200b\ufeff\u2028\xad", "\\u2066\\u2069\\u200b\\ufeff\\u2028\\xad"),
        ("\ud800", "\\ud800"),
        (b"\xff\xfe live", "\ufffd\ufffd live"),
        ("{{ a }}{% b %}{# c #}{{{", "\\x7b{ a }}\\x7b% b %}\\x7b# c #}\\x7b\\x7b{"),
        (None, "None"),
        (503, "503"),
    ],
)
def test_what_acts_is_shown_and_does_not_act(text, expected):
    assert to_text(shown(text)) == expected
    assert to_text(shown(shown(text))) == expected


@pytest.mark.parametrize("text", ["a" * 1000000, "\x00" * 1000000, b"\xff" * 1000000, "\U0001f004" * 1000, ("\U0001f004" * 1000).encode("utf-8")])
@pytest.mark.parametrize("end", [False, True])
def test_it_is_cut_to_its_length_where_it_says_so(text, end):
    cut = to_text(shown(text, 50, end=end))
    assert len(cut) == 50
    assert cut.startswith(CUT) if end else cut.endswith(CUT)
    assert to_text(shown(cut, 50, end=end)) == cut


def test_exactly_its_length_is_not_cut():
    assert shown("a" * LENGTH) == "a" * LENGTH
    assert shown("a" * LENGTH, end=True) == "a" * LENGTH


def test_the_end_is_kept_where_the_reason_is_there():
    assert to_text(shown("x" * 300 + "because", 10, end=True)) == CUT + "xxbecause"


def test_lines_stay_lines_where_they_are_wanted():
    assert shown("a\n\tb\r\x1b", lines=True) == "a\n\tb\\x0d\\x1b"


def test_every_text_of_a_structure_is_shown():
    given = {"why\x1b": [b"\x07", {"a": ("{{ b }}", 1, None, True, 2.5)}], "long": "a" * 11}
    assert shown_all(given, 10) == {"why\\x1b": ["\\x07", {"a": ["\\x7b{ b }}", 1, None, True, 2.5]}], "long": shown("a" * 11, 10)}
