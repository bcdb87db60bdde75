# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils.node import _lock, _records
from ansible_collections.halfswap.bluegreen.plugins.modules import deploy_lock

PROCESS = {"boot_id": "b", "pid_namespace": "pid:[1]", "pid": 7, "start_time": 99}


@pytest.fixture(autouse=True)
def now(clock):
    return clock


def args(run_id="r1", **changes):
    found = dict(run_id=run_id, owner="alice@ops1", host="ops1", reason="release 2.0.0", process=PROCESS, node="blue1")
    found.update(changes)
    return found


def record(run_id="r1", expires_at=1600.0, **changes):
    return dict(args(run_id), since="1970-01-01T00:16:40Z", expires_at=expires_at, ttl_s=600.0, **changes)


def test_acquired_and_renewed(run_module, clock):
    assert run_module(deploy_lock, args()) == {"changed": True, "before": None, "after": record(), "taken_over": None}
    clock.advance(100)
    assert run_module(deploy_lock, args()) == {"changed": False, "before": record(), "after": record(expires_at=1700.0), "taken_over": None}


def test_another_run_is_refused(run_module):
    run_module(deploy_lock, args())
    result = run_module(deploy_lock, args("r2", owner="bob@ops2"))
    assert result.failed
    assert result["msg"].startswith("Refused, nothing was changed: the lock is held by alice@ops1 (run r1, release 2.0.0) since 1970-01-01T00:16:40Z")
    assert result["holder"] == record()
    assert _lock.holder() == record()


def test_taken_over_on_request(run_module):
    run_module(deploy_lock, args())
    result = run_module(deploy_lock, args("r2", take_over="r1"))
    assert result == {"changed": True, "before": record(), "after": record("r2"), "taken_over": record()}


def test_taken_over_when_expired(run_module, clock):
    run_module(deploy_lock, args(ttl_s=30))
    clock.advance(30)
    result = run_module(deploy_lock, args("r2"))
    assert (result["changed"], result["before"], result["after"]["run_id"], result["taken_over"]["run_id"]) == (True, None, "r2", "r1")


def test_released_once(run_module):
    run_module(deploy_lock, args())
    released = args(state="released", result="failed")
    assert run_module(deploy_lock, released) == {"changed": True, "before": record(), "after": None}
    assert run_module(deploy_lock, released) == {"changed": False, "before": None, "after": None}
    line = _records.journal(1)[0]
    assert (line["what"], line["by"], line["result"]) == ("lock released", "alice@ops1", "failed")


def test_the_lock_of_another_run_is_not_released(run_module):
    run_module(deploy_lock, args())
    result = run_module(deploy_lock, args("r2", state="released"))
    assert result.failed and "held by alice@ops1 (run r1" in result["msg"]
    assert _lock.holder() == record()


def test_somebody_else_releases_it_by_its_run_id(run_module):
    run_module(deploy_lock, args())
    assert run_module(deploy_lock, args(state="released", owner="bob@ops2"))["changed"] is True
    assert _records.journal(1)[0]["by"] == "bob@ops2"


@pytest.mark.parametrize("state", ["held", "released"])
def test_check_mode_only_looks(run_module, records, state):
    result = run_module(deploy_lock, args(state=state), check_mode=True)
    assert (result["changed"], result["before"]) == (state == "held", None)
    assert not records.exists()


def test_check_mode_foretells(run_module):
    run_module(deploy_lock, args())
    assert run_module(deploy_lock, args(), check_mode=True)["changed"] is False
    assert run_module(deploy_lock, args(state="released"), check_mode=True)["changed"] is True
    refused = run_module(deploy_lock, args("r2"), check_mode=True)
    assert refused.failed and refused["holder"] == record()
    allowed = run_module(deploy_lock, args("r2", take_over="r1"), check_mode=True)
    assert (allowed["changed"], allowed["after"]["run_id"], allowed["taken_over"]["run_id"]) == (True, "r2", "r1")
    assert _lock.holder() == record()
    assert len(_records.journal(10)) == 1


@pytest.mark.parametrize("changes, text", [({"run_id": " "}, "run_id is empty"), ({"ttl_s": 0}, "ttl_s must be above 0 seconds, not 0")])
def test_bad_input_changes_nothing(run_module, records, changes, text):
    result = run_module(deploy_lock, args(**changes))
    assert result.failed and text in result["msg"]
    assert not records.exists()


def test_a_damaged_lock_is_named(run_module, records):
    records.mkdir()
    records.joinpath("lock.json").write_bytes(b"")
    result = run_module(deploy_lock, args())
    assert result.failed and "lock.json is damaged" in result["msg"] and "holder" not in result


@pytest.mark.parametrize("name", ["green1", "blue2", "10.0.0.5"])
def test_a_second_name_of_the_machine_is_refused(run_module, name):
    run_module(deploy_lock, args())
    result = run_module(deploy_lock, args(node=name))
    assert result.failed and "holder" not in result
    assert result["msg"].startswith("Refused, nothing was changed: blue1 and %s are two names of one machine" % name)
    assert _lock.holder()["node"] == "blue1"


def test_a_lock_of_a_newer_version_is_kept(run_module, records):
    records.mkdir()
    records.joinpath("lock.json").write_bytes(b'{"version": 2}')
    for state in ("held", "released"):
        result = run_module(deploy_lock, args(state=state))
        assert result.failed and "newer version" in result["msg"]
    assert records.joinpath("lock.json").read_bytes() == b'{"version": 2}'


@pytest.mark.parametrize("state", ["held", "released"])
@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize(
    "changes, says",
    [
        (dict(owner=None), "owner or host is not given"),
        (dict(host=None), "owner or host is not given"),
        (dict(owner="", host=""), "owner or host is not given"),
        (dict(process={"pid": 7}), "With these options there is no sound lock: process.boot_id is missing; "),
        (dict(process=dict(PROCESS, pid="seven")), 'process.pid is "seven"'),
    ],
)
def test_by_hand_it_is_a_sound_lock_or_none(run_module, changes, says, check_mode, state):
    """Without the action plugin, which says who asks: what is written must not be called damaged later, when no run can begin any more."""
    result = run_module(deploy_lock, args(state=state, **changes), check_mode=check_mode)
    assert result.failed and says in result["msg"] and "Nothing was changed" in result["msg"]
    assert _lock.holder() is None


@pytest.mark.parametrize("ttl_s", [float("inf"), float("nan"), 1e300])
def test_a_lease_without_an_end_is_none(run_module, ttl_s):
    result = run_module(deploy_lock, args(ttl_s=ttl_s))
    assert result.failed and "With these options there is no sound lock: expires_at is " in result["msg"]
    assert _lock.holder() is None


def test_by_hand_with_all_that_it_takes(run_module):
    assert not run_module(deploy_lock, dict(run_id="by hand", owner="alice", host="ops1")).failed
    assert _lock.holder()["run_id"] == "by hand" and "alice@ops1 (run by hand)" in _lock.foreign("r2")
