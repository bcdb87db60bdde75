# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

GROUPS = {"blue": ["blue1"], "green": ["green1"]}
LOCK = {"run_id": "r1", "owner": "alice@ops1", "reason": "release 2.0.0", "since": "2026-11-20T10:15:06Z"}


def unlock(run_action, run_id, **locks):
    hostvars = {name: {"seen": said} for name, said in {"blue1": {"lock": None}, "green1": {"unreachable": True}, **locks}.items()}
    return run_action("unlock", {"observed": "seen", "run_id": run_id}, {"groups": GROUPS, "hostvars": hostvars}).result


@pytest.mark.parametrize("run_id", ["", "r1"])
def test_without_a_lock_there_is_nothing_to_be_named(run_action, run_id):
    result = unlock(run_action, run_id)
    assert not result.get("failed") and result["runs"] == []


def test_the_run_that_holds_one_may_be_released(run_action):
    result = unlock(run_action, "r1", blue1={"lock": LOCK}, green1={"lock": {**LOCK, "run_id": "r2"}})
    assert not result.get("failed") and result["runs"] == ["r1", "r2"]


@pytest.mark.parametrize("run_id, wrong", [("", "bluegreen_run_id is not given"), ("r9", "Run r9 holds no lock")])
def test_any_other_is_refused_and_told_who_does(run_action, run_id, wrong):
    result = unlock(run_action, run_id, blue1={"lock": LOCK}, green1={"lock": {**LOCK, "reason": ""}})
    assert result["failed"]
    assert result["msg"] == (
        f"HS-LOCKED: {wrong}; nothing was released. The lock is held by alice@ops1 (run r1, no reason given) since 2026-11-20T10:15:06Z by the node's clock. "
        "See that this run is dead, then release it with -e bluegreen_run_id=r1."
    )
