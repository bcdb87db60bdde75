# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What only sends requests is done by this process where the task is for the controller, and by a module elsewhere."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleActionSkip

VARS = {"inventory_hostname": "blue1"}


def checks(server, **changes):
    return {"url": server.url, "nodes": ["blue1"], "checks": [{"path": "/", "status": ["200"], "headers": {"Authorization": "Bearer s3cret-word"}}], **changes}


@pytest.fixture
def balancer(heartbeat_server):
    """Answers as the load balancer does that blue1 is behind."""
    heartbeat_server.headers = {"X-Served-By": "blue1"}
    return heartbeat_server


def test_the_controller_itself_sends_them(run_action, balancer):
    ran = run_action("sanity", checks(balancer), VARS, transport="local")
    assert ran.sent == []
    assert not ran.result.get("failed"), ran.result
    assert (ran.result["changed"], ran.result["requests"], ran.result["nodes"][0]["name"]) == (False, 1, "blue1")
    assert balancer.asked[0][4] == "Bearer s3cret-word"


def test_what_failed_is_told_with_what_was_found(run_action, balancer):
    balancer.next_answers = [(500, "no Bearer s3cret-word, said the shop")]
    result = run_action("sanity", checks(balancer), VARS, transport="local").result
    assert result["failed"] and result["msg"].startswith('Check "GET /" failed on node blue1: expected status 200, got status 500: no ')
    assert (result["node"], result["requests"]) == ("blue1", 1)
    # Whoever echoes a secret does not get it shown.
    assert "s3cret-word" not in str(result)


def test_a_redirect_names_what_would_take_it(run_action, balancer):
    """The default check is nobody's own: who never wrote one has to be told where it is."""
    balancer.headers["Location"] = "/.web"
    balancer.next_answers = [(302, "")] * 2
    tests = [{"name": "shop", "checks": [{"path": "/"}]}]
    msg = run_action("sanity", {"url": balancer.url, "nodes": ["blue1"], "tests": tests}, VARS, transport="local").result["msg"]
    assert msg.startswith('Component shop: Check "GET /" failed on node blue1: expected status 200, got status 302: (empty). It leads to /.web, and redirects ')
    assert "(status: [302])" in msg and "key sanity in bluegreen_components" in msg
    # As it says.
    tests[0]["checks"][0]["status"] = [302]
    assert not run_action("sanity", {"url": balancer.url, "nodes": ["blue1"], "tests": tests}, VARS, transport="local").result.get("failed")


def test_several_components(run_action, balancer, second_heartbeat_server):
    second_heartbeat_server.headers = {"X-Served-By": "blue1", "X-Release": "1.0.0"}
    tests = [
        {"name": "shop", "checks": [{"path": "/", "headers": {"Authorization": "Bearer s3cret-word"}}]},
        {"name": "cart", "url": second_heartbeat_server.url, "checks": [{"path": "/cart"}], "release": "1.0.0", "release_header": "X-Release"},
    ]
    args = {"url": balancer.url, "nodes": ["blue1"], "batch_id": "r1/1", "tests": tests}
    result = run_action("sanity", args, VARS, transport="local").result
    assert not result.get("failed") and result["changed"] is False
    assert [(test["component"], test["batch_id"], test["requests"]) for test in result["tests"]] == [("shop", "r1/1", 1), ("cart", "r1/1", 1)]
    assert second_heartbeat_server.asked[0][1] == "/cart" and result["tests"][1]["nodes"][0]["release"] == "1.0.0"

    # All are tested, whichever fails; what the first one says of its secrets is not shown.
    balancer.next_answers = [(500, "Bearer s3cret-word")]
    second_heartbeat_server.headers["X-Release"] = "2.0.0"
    result = run_action("sanity", args, VARS, transport="local").result
    first, second = result["msg"].split("\n")
    assert first.startswith('Component shop: Check "GET /" failed on node blue1: expected status 200')
    assert second == 'Component cart: Check "GET /cart" failed on node blue1: expected release 1.0.0, got release 2.0.0'
    assert [test["failed"] for test in result["tests"]] == [True, True] and "s3cret-word" not in str(result)


@pytest.mark.parametrize(
    "args, text",
    [
        ({"url": "http://lb"}, "Nothing was sent: checks is empty: without a check nothing is proven."),
        ({"url": "http://lb", "tests": [{"name": "shop"}]}, "Component shop: Nothing was sent: checks is empty"),
        ({"url": "http://lb", "tests": [{"name": "shop", "stauts": 1}]}, "tests.stauts"),
        ({"checks": [{"path": "/"}]}, "missing required arguments: url"),
        ({"url": "http://lb", "checks": [{"path": "/", "stauts": 200}]}, "checks.stauts"),
        ({"url": "http://lb", "checks": [{"path": "/"}], "node": "a", "nodes": ["b"]}, "Nothing was sent: node and nodes exclude each other."),
    ],
)
def test_a_wrong_option_sends_nothing(run_action, args, text):
    result = run_action("sanity", args, VARS, transport="local").result
    assert result["failed"] and text in result["msg"]


@pytest.mark.parametrize(
    "elsewhere", [{"transport": "ssh"}, {"transport": "local", "become": True}, {"transport": "local", "environment": [{"SSL_CERT_FILE": "/x"}]}], ids=str
)
def test_elsewhere_it_is_a_module(run_action, elsewhere):
    ran = run_action("sanity", {"url": "http://lb"}, VARS, answer={"changed": False, "requests": 2}, **elsewhere)
    assert ran.sent == [("halfswap.bluegreen.sanity", {"url": "http://lb"})] and ran.result["requests"] == 2


@pytest.mark.parametrize("transport", ["local", "ssh"])
def test_what_may_write_is_skipped_in_check_mode(run_action, balancer, transport):
    with pytest.raises(AnsibleActionSkip):
        run_action("sanity", checks(balancer), VARS, check_mode=True, transport=transport)
    assert balancer.asked == []
