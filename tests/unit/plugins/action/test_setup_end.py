# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

ORDER = ["blue1", "blue2", "green1"]
ARGS = {"order": ORDER, "permit": "permit", "proof": "proof", "complete": True}


def vars_of(proven, node="green1"):
    return {"hostvars": {name: {"permit": {"node": node}, **({"proof": {"proven": True}} if name in proven else {})} for name in ORDER}}


def test_complete(run_action):
    ran = run_action("setup_end", ARGS, vars_of(ORDER))
    assert ran.result["complete"] is True and ran.shown == ["SET-UP complete: blue1, blue2, green1 changed and proven."]


def test_what_was_not_proven_is_not_complete_whoever_says_so(run_action):
    ran = run_action("setup_end", ARGS, vars_of(["blue1"], "blue2"))
    assert ran.result["failed"] and ran.result["complete"] is False
    assert ran.shown[:4] == ["SET-UP stopped.", "Changed and proven: blue1.", "Begun, and not proven: blue2.", "As before: green1."]


def test_a_run_that_did_not_come_to_its_end(run_action):
    ran = run_action("setup_end", {**ARGS, "complete": False}, {"hostvars": {name: {} for name in ORDER}})
    assert ran.result["failed"] and ran.shown[1] == "As before: blue1, blue2, green1."


def test_with_check_nothing_is_left_to_do(run_action):
    ran = run_action("setup_end", ARGS, {"hostvars": {name: {} for name in ORDER}}, check_mode=True)
    assert ran.result["complete"] is True and ran.shown == ["This run changed nothing (--check)."]
