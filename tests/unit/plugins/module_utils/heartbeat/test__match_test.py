# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils.heartbeat import _match_test
from ansible_collections.halfswap.bluegreen.plugins.module_utils.heartbeat._heartbeat_api import HeartbeatError
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node import _records


def params(*servers):
    components = [dict(name="shop%d" % number, url=server.url) for number, server in enumerate(servers)]
    return dict(components=components, token="secret", words={"/heartbeat/live": "live"}, seconds=4.0, reason="why", run_id="r1", by="ops@laptop")


def test_those_that_can_do_it_and_the_journal_tells(heartbeat_server, second_heartbeat_server, records):
    able = dict(heartbeat_server.status, state="standby", test=None)
    heartbeat_server.next_answers = [(200, json.dumps(able))] * 2
    assert _match_test.begin(params(heartbeat_server, second_heartbeat_server)) == dict(tested=["shop0"], unable=["shop1"])
    assert heartbeat_server.asked[-1][:2] == ("PUT", "/heartbeat/test") and second_heartbeat_server.puts == []
    assert [line["what"] for line in _records.journal(5)] == ["heartbeat shop0: match test of 4.0 s"]


def test_what_is_refused_is_not_in_the_journal(heartbeat_server, records):
    heartbeat_server.next_answers = [(200, json.dumps(dict(heartbeat_server.status, test=None))), (409, '{"error": "the heartbeat is live"}')]
    with pytest.raises(HeartbeatError, match="the heartbeat is live"):
        _match_test.begin(params(heartbeat_server))
    assert _records.journal(5) == []
