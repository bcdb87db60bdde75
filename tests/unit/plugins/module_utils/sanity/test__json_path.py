# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import copy
import json
import os
import sys

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils.sanity._json_path import lookup, take_out, whole_number

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "..", "..", "roles", "heartbeat_agent", "files"))

# The agent is one file, and no package. It reads the same keys and numbers.
import heartbeat

DOCUMENT = {"release": "2.0.0", "requests": {"active": 0, "by_node": [{"n": 3}, {"n": 4}]}}


@pytest.mark.parametrize(
    "key, value",
    [
        ("release", "2.0.0"),
        ("requests.active", 0),
        ("requests.by_node.1.n", 4),
        ("requests.by_node", [{"n": 3}, {"n": 4}]),
    ],
)
def test_finds(key, value):
    assert lookup(DOCUMENT, key) == value


@pytest.mark.parametrize(
    "key, message",
    [
        ("releases", "no releases at key releases (there: release, requests)"),
        ("requests.idle", "no idle at key requests.idle (there: active, by_node)"),
        ("requests.by_node.2", "no 2 at key requests.by_node.2 (there: list)"),
        ("release.major", "no major at key release.major (there: {0})".format(type("").__name__)),
    ],
)
def test_says_what_is_there_instead(key, message):
    with pytest.raises(LookupError) as error:
        lookup(DOCUMENT, key)
    assert error.value.args[0] == message


DOTTED = {"http.server.requests": {"count": 7, "by.node": [{"n": 3}]}, "http": {"server.errors": 2}, "a.b": 1, "a": {"b": 1}}


@pytest.mark.parametrize("find", [lookup, heartbeat.find])
@pytest.mark.parametrize("key, value", [("http.server.requests.count", 7), ("http.server.requests.by.node.0.n", 3), ("http.server.errors", 2)])
def test_keys_may_have_dots(find, key, value):
    assert find(DOTTED, key) == value


@pytest.mark.parametrize("find", [lookup, heartbeat.find])
def test_two_ways_to_a_value_are_a_doubt(find):
    with pytest.raises(LookupError) as error:
        find(DOTTED, "a.b")
    assert error.value.args[0] == "several values at key a.b, as there are keys with dots in them"
    for key in ("http.server.requests.sum", "http.server", "http.server.requests.by.node.1", "a.b.c"):
        with pytest.raises(LookupError):
            find(DOTTED, key)


@pytest.mark.parametrize("read", [whole_number, heartbeat.whole_number])
@pytest.mark.parametrize(
    "text, number",
    [
        ("0", 0),
        ("52341", 52341),
        ("52341.0", 52341),
        ("5.2341E4", 52341),
        ('"52341"', 52341),
        ('"52341.0"', 52341),
        ('"5.2341E4"', 52341),
        ("-0.0", 0),
        ("999999999999999999", 10**18 - 1),
    ],
)
def test_a_count_however_it_is_written(read, text, number):
    found = read(json.loads(text))
    assert found == number and not isinstance(found, float)


@pytest.mark.parametrize("read", [whole_number, heartbeat.whole_number])
@pytest.mark.parametrize(
    "text",
    ["null", "true", "false", "0.5", "-1", "NaN", "Infinity", "1e400", "1e18", '"NaN"', '"1_000"', '"1,000"', '" 7"', '"7\\n"', '"\\u0667"', '""', "[7]", "{}"],
)
def test_what_is_no_count(read, text):
    with pytest.raises(ValueError) as error:
        read(json.loads(text))
    assert error.value.args[0].endswith(", and a whole number from 0 on belongs there")


def test_a_document_that_is_no_object():
    with pytest.raises(LookupError):
        lookup([], "release")
    with pytest.raises(LookupError):
        lookup(None, "release")


@pytest.mark.parametrize(
    "key, left",
    [
        ("release", {"requests": {"active": 0, "by_node": [{"n": 3}, {"n": 4}]}}),
        ("requests.by_node.*.n", {"release": "2.0.0", "requests": {"active": 0, "by_node": [{}, {}]}}),
        ("requests.by_node.1", {"release": "2.0.0", "requests": {"active": 0, "by_node": [{"n": 3}, None]}}),
        ("*.active", {"release": "2.0.0", "requests": {"by_node": [{"n": 3}, {"n": 4}]}}),
        ("*", {}),
        ("requests.idle", DOCUMENT),
        ("requests.by_node.2", DOCUMENT),
        ("requests.by_node.n", DOCUMENT),
        ("release.major", DOCUMENT),
    ],
)
def test_takes_out(key, left):
    document = copy.deepcopy(DOCUMENT)
    take_out(document, key)
    assert document == left


def test_takes_nothing_out_of_what_is_no_object():
    document = [1, 2]
    take_out(document, "*")
    assert document == [None, None]
    take_out(None, "*")


def test_takes_out_keys_that_have_dots():
    document = copy.deepcopy(DOTTED)
    take_out(document, "http.server.requests.*")
    take_out(document, "http.server.errors")
    # Where it is not known which is meant, neither is compared.
    take_out(document, "a.b")
    assert document == {"http.server.requests": {}, "http": {}, "a": {}}
