# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json

from ansible_collections.halfswap.bluegreen.plugins.modules import heartbeat_test

WORDS = {"/heartbeat/live": "live"}


def args(*servers, **changes):
    components = [dict(name="shop%d" % number, url=server.url) for number, server in enumerate(servers)]
    return dict(dict(components=components, token="secret", words=WORDS, seconds=5, reason="verify_lb", run_id="r1", by="ops@laptop"), **changes)


def test_every_agent_tests_and_the_journal_says_so(run_module, heartbeat_server, second_heartbeat_server, records):
    for server in (heartbeat_server, second_heartbeat_server):
        server.status.update(state="standby", test=None)
        # It is no write of the heartbeat.
        server.next_answers = [(200, json.dumps(server.status)), (200, json.dumps(server.status))]
    result = run_module(heartbeat_test, args(heartbeat_server, second_heartbeat_server))
    assert result == {"changed": True, "tested": ["shop0", "shop1"], "unable": []}
    sent = {"words": WORDS, "seconds": 5.0, "reason": "verify_lb", "run_id": "r1", "by": "ops@laptop"}
    assert heartbeat_server.asked[-1] == ("PUT", "/heartbeat/test", sent, None, "Bearer secret")
    journal = [json.loads(line) for line in (records / "journal.jsonl").read_text().splitlines()]
    assert [(line["what"], line["by"], line["after"]) for line in journal] == [
        ("heartbeat shop0: match test of 5.0 s", "ops@laptop", WORDS),
        ("heartbeat shop1: match test of 5.0 s", "ops@laptop", WORDS),
    ]
    assert "secret" not in result.output


def test_a_heartbeat_that_cannot(run_module, heartbeat_server, records):
    result = run_module(heartbeat_test, args(heartbeat_server))
    assert result == {"changed": False, "tested": [], "unable": ["shop0"]}
    assert heartbeat_server.puts == [] and not (records / "journal.jsonl").exists()


def test_refused_by_a_live_node(run_module, heartbeat_server):
    heartbeat_server.next_answers = [(200, json.dumps(dict(heartbeat_server.status, test=None))), (409, '{"error": "the heartbeat is live"}')]
    result = run_module(heartbeat_test, args(heartbeat_server))
    assert result.failed and "the heartbeat is live" in result["msg"]


def test_check_mode_tests_nothing(run_module, heartbeat_server):
    assert run_module(heartbeat_test, args(heartbeat_server), check_mode=True)["skipped"]
    assert heartbeat_server.asked == []
