# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from ansible.module_utils.common.text.converters import to_text

from ansible_collections.halfswap.bluegreen.plugins.module_utils._shown import CUT, LENGTH, shown, shown_all


def written(text):
    """The text with its escapes; on Python 2.7 a literal has none beyond bytes."""
    return text.encode("ascii").decode("unicode_escape")


HARMLESS = [
    r"HTTP 503",
    r"Z\xe4hler: 4 \u20ac \u2013 ok",
    r"\u65e5\u672c\u8a9e",
    r'{"a": {"b": 1}}',
    r"100 % of {nodes}",
    r"\U0001f004",
    r"C:\\temp",
    r"<b>&amp;</b>",
]


@pytest.mark.parametrize("text", HARMLESS)
def test_what_people_write_stays_as_it_is(text):
    assert to_text(shown(written(text))) == written(text)
    assert to_text(shown(written(text).encode("utf-8"))) == written(text)


@pytest.mark.parametrize(
    "text, expected",
    [
        (r"\x1b[2J\x07", r"\x1b[2J\x07"),
        (r"a\nPLAN nothing to do\r", r"a\nPLAN nothing to do\x0d"),
        (r"\x00\x7f\x85\x9b1m", r"\x00\x7f\x85\x9b1m"),
        (r"live\u202eevil", r"live\u202eevil"),
        (r"\u2066\u2069\u200b\ufeff\u2028\xad", r"\u2066\u2069\u200b\ufeff\u2028\xad"),
        (r"\ud800", r"\ud800"),
        ("{{ a }}{% b %}{# c #}{{{", r"\x7b{ a }}\x7b% b %}\x7b# c #}\x7b\x7b{"),
    ],
)
def test_what_acts_is_shown_and_does_not_act(text, expected):
    assert to_text(shown(written(text))) == expected
    assert to_text(shown(shown(written(text)))) == expected


def test_whatever_it_is_it_becomes_text():
    assert to_text(shown(b"\xff\xfe live")) == written(r"\ufffd\ufffd live")
    assert (shown(None), shown(503)) == ("None", "503")


@pytest.mark.parametrize("text", [b"a", b"\x00", b"\xff", b"\xf0\x9f\x80\x84"])
@pytest.mark.parametrize("end", [False, True])
def test_it_is_cut_to_its_length_where_it_says_so(text, end):
    for long in (text * 100000, to_text(text * 100000, errors="replace")):
        cut = to_text(shown(long, 50, end=end))
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
