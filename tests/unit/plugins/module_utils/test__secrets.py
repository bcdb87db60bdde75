# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils._secrets import secrets_of, without

# One that is written otherwise within the text of a list, where Ansible's own mask would not find it.
ODD = 'it\'s \\a "secret"'
ASK = dict(
    url="http://me:pa%2055word@127.0.0.1:1/",
    headers={"Authorization": "Bearer t0psecret", "X-Api-Key": ODD, "Accept": "text/plain", "X-Site": "nobodys-business"},
)
TELL = dict(ASK, body={"live": True, "password": "in-the-body"})
HTTP = dict(profile="http", port=8080, read=dict(ASK, live=dict(status=[200]), standby=dict(status=[503])), live=TELL, standby=TELL)
COMPONENT = dict(name="shop", heartbeat=HTTP)
SECRETS = ["nobodys-business", "t0psecret", "pa%2055word", "pa 55word", "in-the-body", 'a \\"secret', 'a "secret', "Bearer"]
DRAIN = dict(components=[dict(name="shop", service="shop", in_flight_url=ASK["url"])], timeout_s=0.2)
CASES = {
    "heartbeat_info": dict(components=[COMPONENT]),
    "heartbeat_info with a form": dict(components=[dict(COMPONENT, heartbeat=dict(HTTP, live=dict(TELL, body="live=1&token=in-the-body")))]),
    "heartbeat_info with JSON that is text": dict(components=[dict(COMPONENT, heartbeat=dict(HTTP, live=dict(TELL, body=json.dumps(TELL["body"]))))]),
    "heartbeat": dict(components=[COMPONENT], state="live", token="t0psecret", run_id="r1", batch_id="b1"),
    "observe": dict(components=[dict(COMPONENT, service="shop")], seconds=0),
    "sanity": dict(url=ASK["url"], checks=[dict(path="/", headers=ASK["headers"], body=TELL["body"])], timeout_s=0.1, node="blue1"),
    "compare": dict(paths=["/"], headers=ASK["headers"], live_url=ASK["url"], standby_url=ASK["url"] + "2/"),
    "drain": dict(components=[dict(name="shop", in_flight_url=ASK["url"])], timeout_s=0.2),
    "begin": dict(run_id="r1", owner="me", host="here", components=[dict(COMPONENT, package="shop", service="shop")], drain=DRAIN, token="t0psecret"),
    "end": dict(run_id="r1", owner="me", host="here", components=[dict(COMPONENT, package="shop", service="shop")], token="t0psecret"),
    "out": dict(components=[COMPONENT], token="t0psecret", run_id="r1", batch_id="b1", drain=DRAIN),
    "release": dict(
        components=[dict(COMPONENT, package="shop", service="shop", version="1")], token="t0psecret", run_id="r1", batch_id="b1", drain=DRAIN, read=False
    ),
    "observe_traffic": dict(
        nodes=["blue1"],
        seconds=1,
        policy=dict(statistics=dict(urls=[ASK["url"]], user="me", password="in-the-body", token="t0psecret"), prometheus=None),
    ),
}


@pytest.mark.parametrize("case", sorted(CASES))
def test_secrets_are_neither_logged_nor_shown(run_module, records, case):
    result = run_module(case.split(" ")[0], CASES[case], check_mode="observe_traffic" in case)
    assert len(run_module.logged) == 1 and run_module.logged[0].startswith("Invoked with")
    for secret in SECRETS:
        assert secret not in run_module.logged[0]
        assert secret not in result.output
    # What is no secret is shown: live is not a masked word.
    assert "127.0.0.1" in json.dumps(result.invocation) and "NO_LOG" not in json.dumps(result)


def test_wrong_options_are_not_shown_either(run_module):
    result = run_module("heartbeat_info", dict(components=[dict(COMPONENT, heartbeat="t0psecret of a dict that is none")]))
    assert result.failed and "t0psecret" not in result.output


def test_what_is_a_secret():
    assert secrets_of(dict(components=[COMPONENT])) == {"Bearer t0psecret", "t0psecret", ODD, '"secret"', "pa%2055word", "pa 55word", "in-the-body"}
    # Keys of ours that have such names, words, and what cannot be told from any text.
    assert secrets_of(dict(status=dict(release_key="release"), headers={"X-Token": "1", "Accept": "text/plain"}, body="anything")) == set()


def test_what_is_shown():
    assert without([dict(url="https://me:secret@host/a@b", headers={"Authorization": "x"}, read=dict(status=[200]))]) == [
        dict(url="https://host/a@b", read=dict(status=[200]))
    ]
