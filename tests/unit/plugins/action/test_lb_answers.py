# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

VARS = {"inventory_hostname": "blue1"}


def test_the_controller_itself_asks(run_action, heartbeat_server):
    balancers = [{"name": "live", "url": heartbeat_server.url}, {"name": "outside"}]
    ran = run_action("lb_answers", {"load_balancers": balancers}, VARS, transport="local", check_mode=True)
    assert (ran.sent, ran.result["answers"], ran.result["changed"]) == ([], {"live": 200}, False)


def test_one_that_does_not_answer(run_action):
    away = {"load_balancers": [{"name": "live", "url": "http://ops:pa55word@127.0.0.1:1/"}]}
    result = run_action("lb_answers", away, VARS, transport="local").result
    assert result["failed"] and "load balancer live does not answer at http://127.0.0.1:1/" in result["msg"]
    assert "pa55word" not in str(result)


def test_a_wrong_option_asks_nobody(run_action, heartbeat_server):
    args = {"load_balancers": [{"name": "live", "url": heartbeat_server.url}], "timeout_s": "soon"}
    result = run_action("lb_answers", args, VARS, transport="local").result
    assert result["failed"] and "timeout_s" in result["msg"] and heartbeat_server.asked == []


def test_on_another_host_it_is_a_module(run_action):
    ran = run_action("lb_answers", {"load_balancers": []}, VARS, answer={"changed": False, "answers": {}}, transport="ssh")
    assert ran.sent == [("halfswap.bluegreen.lb_answers", {"load_balancers": []})]
