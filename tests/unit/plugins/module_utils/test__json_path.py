# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import copy

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils._json_path import lookup, take_out

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
