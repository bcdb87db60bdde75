# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils._http import Answer
from ansible_collections.halfswap.bluegreen.plugins.module_utils.sanity import _sanity

CHECK = dict(dict.fromkeys(_sanity.CHECK), path="/", method="get", status=[200], through="balancer")


@pytest.mark.parametrize(
    "expected, got, same",
    [
        (3, 3, True),
        ("3", 3, True),
        ("True", True, True),
        ("2.0", 2.0, True),
        ([1], [1], True),
        ("3", 4, False),
        ("None", None, False),
        (None, None, True),
        ("[1]", [1], False),
    ],
)
def test_same(expected, got, same):
    assert _sanity.same(expected, got) is same


def test_an_answer_that_meets_every_expectation():
    check = dict(CHECK, contains="shop", regex="[0-9]", json={"shop.orders": 3}, max_latency_s=1)
    assert _sanity.disappointment(check, Answer(200, {}, '{"shop": {"orders": 3}}'), 1.0) is None


@pytest.mark.parametrize(
    "expected, wrong",
    [
        ({"location": "/login", "X-Tries": 3}, None),
        ({"Location": "/home"}, ("header Location: /home", "Location: /login")),
        ({"X-Frame-Options": "DENY"}, ("header X-Frame-Options: DENY", "no such header; status 200: (empty)")),
    ],
)
def test_headers_of_the_answer(expected, wrong):
    class Headers(dict):
        def get(self, name):
            return {"location": "/login", "x-tries": "3"}.get(name.lower())

    assert _sanity.disappointment(dict(CHECK, response_headers=expected), Answer(200, Headers(), ""), 1.0) == wrong


def test_the_status_is_looked_at_first():
    check = dict(CHECK, contains="shop", json={"orders": 3}, max_latency_s=1)
    assert _sanity.disappointment(check, Answer(500, {}, "oops"), 2.0) == ("status 200", "status 500: oops")


WHERE = "the checks of a component are its key sanity in bluegreen_components, those of the role are sanity_checks."


@pytest.mark.parametrize(
    "status, headers, says",
    [
        (302, {"Location": "/.web\x1b[2J"}, "It leads to /.web\\x1b[2J, and redirects are not followed: ask for the path behind it (path), or take the"),
        (301, {"Location": "https://shop/"}, "It leads to https://shop/, and redirects are not followed: "),
        (304, {}, "Where that is the right answer, say so in the check (status: [304])"),
        (401, {}, "Send what it asks for (headers), ask for a path that needs no login (path), or take this for an answer (status: [401])"),
        (403, {}, "Send what it asks for (headers)"),
        (404, {}, "Where that is the right answer, say so in the check (status: [404]), or ask for another path (path)"),
        (204, {}, "Where that is the right answer, say so in the check (status: [204])"),
    ],
)
def test_another_status_names_what_would_take_it(status, headers, says):
    text = _sanity.remedy(CHECK, Answer(status, headers, ""))
    assert text.startswith(says) and text.endswith(WHERE)


@pytest.mark.parametrize("status", [200, 500, 503])
def test_an_answer_as_expected_and_an_error_name_nothing(status):
    assert _sanity.remedy(CHECK, Answer(status, {"Location": "/"}, "")) == ""


def test_who_has_declared_a_status_knows_where():
    assert _sanity.remedy(dict(CHECK, status=[201]), Answer(404, {}, "")) == ""


def test_a_check_is_prepared_without_changing_it():
    given = dict(CHECK, headers={"X-Tries": 3}, body=[1])
    prepared = _sanity.prepare(given)
    assert (prepared["name"], prepared["method"], prepared["body"]) == ("GET /", "GET", b"[1]")
    assert prepared["headers"] == {"X-Tries": "3", "Content-Type": "application/json"}
    assert given == dict(CHECK, headers={"X-Tries": 3}, body=[1])


def test_a_content_type_of_its_own_is_kept():
    prepared = _sanity.prepare(dict(CHECK, headers={"content-type": "application/vnd.api+json"}, body={}))
    assert prepared["headers"] == {"content-type": "application/vnd.api+json"}
