# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time

ARGS = {"components": [{"name": "shop", "package": "shop", "service": "shop", "url": "http://127.0.0.1:9101"}], "checks": [], "token": "t"}


def test_a_reading_is_stamped(run_action):
    ran = run_action("node_check", ARGS, {}, answer={"changed": False, "checked": {"errors": {}}, "time": time.time() - 60, "components": []})
    ((module, sent),) = ran.sent
    assert module == "halfswap.bluegreen.node_check" and sent["components"] == ARGS["components"] and sent["remote_tmp"]
    assert ran.result["at"] > 0 and 59 < ran.result["clock_skew_s"] < 62


def test_what_sudo_says_is_a_finding_and_no_failure(run_action):
    said = {"failed": True, "msg": "MODULE FAILURE", "module_stdout": "sudo: a password is required\n", "module_stderr": "Shared connection closed.\n"}
    result = run_action("node_check", ARGS, {}, answer=said).result
    assert "failed" not in result
    assert result["unreadable"] == "MODULE FAILURE Shared connection closed. sudo: a password is required"
    assert run_action("node_check", ARGS, {}, answer={"failed": True}).result["unreadable"] == "no reason was given"


def test_a_heartbeat_that_the_controller_alone_reaches(run_action, heartbeat_server):
    far = {**ARGS["components"][0], "url": heartbeat_server.url, "heartbeat": {"via": "controller"}}
    ran = run_action("node_check", {**ARGS, "components": [far]}, {}, answer={"changed": False})
    assert ran.sent[0][1]["components"][0]["heartbeat"]["relayed"]["status"]["state"] == "live"


def test_what_a_node_says_of_its_failure_is_fit_to_be_shown(run_action, canary):
    result = run_action("node_check", ARGS, {}, answer={"failed": True, "msg": canary.text, "module_stdout": canary.text}).result
    canary.shown_in(result["unreadable"], 1000)
