# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils._http import Answer
from ansible_collections.halfswap.bluegreen.plugins.module_utils.sanity import _compare

COMMON = '192.0.2.9 - alice [20/Nov/2026:12:00:00 +0000] "%s" %s 512'
COMBINED = COMMON + ' "https://shop.example.com/ 200 " "Mozilla/5.0 (X11)"'
HAPROXY = (
    "Nov 20 12:00:00 lb haproxy[1234]: 192.0.2.9:33317 [20/Nov/2026:12:00:00.655] shop~ shop-nodes/blue1 10/0/30/69/109 %s +2750 - - ---- 1/1/1/1/0 0/0 "
    '{shop.example.com|curl} {} "%s"'
)
HAPROXY_BARE = '192.0.2.9:33317 [20/Nov/2026:12:00:00.655] shop shop-nodes/blue1 0/0/0/2/2 %s 170 sid=1 - --NI 1/1/0/0/0 0/0 "%s" TLSv1.3'


@pytest.mark.parametrize(
    "line, paths",
    [
        (COMMON % ("GET /orders?page=2 HTTP/1.1", 200), ["/orders?page=2"]),
        (COMBINED % ("GET / HTTP/1.0", 304), ["/"]),
        (COMBINED % ("GET https://shop.example.com/a HTTP/2.0", 200), ["/a"]),
        (HAPROXY % (200, "GET /orders HTTP/1.1"), ["/orders"]),
        (HAPROXY % (302, "GET https://shop.example.com/a?b=c HTTP/2.0"), ["/a?b=c"]),
        (HAPROXY_BARE % (200, "GET /x%20y HTTP/1.1"), ["/x%20y"]),
        (HAPROXY_BARE % (200, "POST /orders HTTP/1.1"), []),
        (HAPROXY_BARE % (503, "GET /orders HTTP/1.1"), []),
        (COMMON % ("GET /orders HTTP/1.1", 404), []),
        (COMMON % ("HEAD / HTTP/1.1", 200), []),
        (COMMON % ("DELETE / HTTP/1.1", 200), []),
        (COMMON % (r"GET /a\x22b HTTP/1.1", 200), []),
        (HAPROXY % (200, "GET /a#22b HTTP/1.1"), []),
        (COMMON % ("GET * HTTP/1.1", 200), []),
    ],
)
def test_what_a_line_of_a_log_says_was_read(line, paths):
    assert _compare.logged([line]) == paths


def test_lines_of_other_things_are_left_out():
    assert _compare.logged(["Nov 20 12:00:00 lb haproxy[1]: Server shop/blue1 is DOWN", "", COMMON % ("GET /a HTTP/1.1", 200)]) == ["/a"]
    # The start of a line is missing, or its end, where the log was cut.
    assert _compare.logged([HAPROXY_BARE % (200, "GET /a HTTP/1.1"), (HAPROXY_BARE % (200, "GET /b HTTP/1.1"))[:-20]]) == ["/a"]
    assert _compare.logged([]) == []


def test_a_log_of_another_kind():
    with pytest.raises(ValueError) as error:
        _compare.logged(["<html>", "what is this"])
    assert "none of its last 2 lines" in str(error.value) and str(error.value).endswith("for instance: what is this")


def test_a_file_of_paths():
    assert _compare.listed(["# orders\n", "/orders\n", "\n", "  /a?b=c\n"]) == ["/orders", "/a?b=c"]
    with pytest.raises(ValueError) as error:
        _compare.listed(["/a", "https://shop.example.com/"])
    assert str(error.value) == "line 2 must be a path that begins with /, but is https://shop.example.com/"


def compiled(*texts):
    return [re.compile(text) for text in texts]


def test_the_same_seed_chooses_the_same_sample():
    paths = ["/%d" % number for number in range(50)]
    chosen = _compare.choose(paths * 2, [], [], 5, "")
    # A hash and no random number: this is what every Python chooses.
    assert chosen == ["/1", "/31", "/8", "/2", "/40"]
    assert _compare.choose(reversed(paths), [], [], 5, "") == chosen
    other = _compare.choose(paths, [], [], 5, "other")
    assert other != chosen and len(set(other)) == 5
    assert sorted(_compare.choose(paths, [], [], 100, "")) == sorted(paths)


def test_every_kind_of_path_is_in_the_sample():
    orders = ["/orders/%d" % number for number in range(50)] + ["/orders?after=%d" % number for number in range(50)] + ["/users/u%d/cart" % n for n in range(9)]
    chosen = _compare.choose(orders + ["/", "/help"], [], [], 7, "")
    assert sorted(re.sub("[0-9]+", "N", path) for path in chosen[:5]) == ["/", "/help", "/orders/N", "/orders?after=N", "/users/uN/cart"]
    assert len({re.sub("[0-9]+", "N", path) for path in chosen[5:]}) == 2


def test_paths_are_chosen_by_what_is_in_them():
    paths = ["/orders", "/orders/1", "/logout", "/", "/admin/orders"]
    assert sorted(_compare.choose(paths, compiled("^/orders", "^/$"), [], 9, "")) == ["/", "/orders", "/orders/1"]
    assert sorted(_compare.choose(paths, compiled("orders"), compiled("^/admin", "[0-9]$"), 9, "")) == ["/orders"]


@pytest.mark.parametrize("text, compared, most", [("0", 50, 0), ("3", 50, 3), ("5%", 50, 2.5), ("0.5%", 200, 1), ("5%", 0, 0)])
def test_how_many_may_differ(text, compared, most):
    assert _compare.allowed(text, compared) == most


def asked(body, status=200):
    return _compare.Asked(Answer(status, {}, body), None, 0.1, None)


def test_what_is_compared_of_json():
    text = asked('{"b": [{"at": 1, "n": 2}], "a": "x"}').text(["b.*.at", "c"], compiled("x"))
    assert text == 'status 200\n{\n  "a": "(masked)",\n  "b": [\n    {\n      "n": 2\n    }\n  ]\n}'
    assert text == asked('{"a":"x","b":[{"n":2,"at":7}]}').text(["b.*.at"], compiled("x"))


def test_what_is_compared_of_text():
    assert asked("at 12:30 on blue1", 404).text(["at"], compiled("[0-9:]+ ", "blue[0-9]")) == "status 404\nat (masked)on (masked)"
    # A number is JSON, but no document with keys.
    assert asked("17").text(["*"], []) == "status 200\n17"
    assert _compare.Asked(None, "timed out", 10.0, None).text([], []) == "no answer (timed out)"


def test_a_difference():
    assert _compare.difference("a\nb\nc\nd\ne\nf", "a\nb\nc\nd\nE\nf\ng", "/x", 20) == [
        "--- live /x",
        "+++ standby /x",
        "@@ -3,4 +3,5 @@",
        " c",
        " d",
        "-e",
        "+E",
        " f",
        "+g",
    ]
    assert _compare.difference("a\nb", "a\nc", "/x", 4) == ["--- live /x", "+++ standby /x", "@@ -1,2 +1,2 @@", " a", "(2 lines more)"]
    assert _compare.difference("a\n", "a\r\n", "/x", 4)[-1] == "(only in the ends of lines)"


def test_a_difference_within_one_long_line():
    page = "<li>order</li>" * 1000
    found = _compare.difference(page, page[:8000] + "X" + page[8001:], "/x", 20)
    assert [line[0] for line in found] == list("-+@  -+  ")
    assert len(found[5]) == 161 and found[6][1:].replace("X", "<") != found[6][1:]
    assert found[2] == "@@ -49,5 +49,5 @@"
