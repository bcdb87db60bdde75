# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils.node import _lock, _records, _release_record
from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm._rpm import Package
from ansible_collections.halfswap.bluegreen.plugins.modules import end, node_info

COMPONENT = dict(name="shop", package="shop", service="shop")


@pytest.fixture
def node(step_node):
    step_node.installed["shop"] = Package("shop", 0, "1.0.0", "1", "noarch")
    step_node.runs("shop")
    return step_node


@pytest.fixture
def args(heartbeat_server):
    def made(**changes):
        found = dict(run_id="r1", owner="alice@ops1", host="ops1", components=[dict(COMPONENT, url=heartbeat_server.url)], token="secret-token")
        return dict(found, **changes)

    return made


def hold(run_id="r1"):
    return _lock.acquire(run_id, "alice@ops1", "ops1", "release 2.0.0", 600.0)[1]


def test_the_lock_and_the_reading(run_module, node, args):
    hold()
    result = run_module(end, args(result="failed"))
    read = run_module(node_info, {key: args()[key] for key in ("components", "token")})
    assert result == dict(read, changed=True, released=True, held_by=None, lock_error=None)
    assert result["lock"] is None and _lock.holder() is None
    line = _records.journal(1)[0]
    assert (line["what"], line["by"], line["result"]) == ("lock released", "alice@ops1", "failed")
    again = run_module(end, args())
    assert (again["changed"], again["released"], again["held_by"]) == (False, False, None)


def test_what_a_batch_took_is_noted_for_the_next_plan(run_module, node, args):
    hold()
    for packages in ({"shop": "shop-1.0.0-1.noarch"}, {"shop": "shop-2.0.0-1.noarch"}):
        _release_record.served(packages, "r1", 5.0)
        _release_record.phase("STANDING_BY", "r1")
    _release_record.served({"shop": "shop-3.0.0-1.noarch"}, "r1", 5.0)
    assert run_module(end, args(batch_s=11.5), check_mode=True).failed is False
    assert "beside_s" not in _release_record.read()
    assert run_module(end, args(batch_s=11.5))["record"]["beside_s"] == 6.5
    # Without its lock it is not the run that did it.
    assert run_module(end, args(batch_s=99.0))["record"]["beside_s"] == 6.5


def test_the_lock_of_another_run_is_left_and_told(run_module, node, args):
    lock = hold("r9")
    result = run_module(end, args())
    assert not result.failed and (result["released"], result["changed"]) == (False, False)
    assert "the lock is held by alice@ops1 (run r9" in result["held_by"]
    assert result["lock"] == _lock.holder() == lock
    assert result["components"][0]["error"] is None


def test_a_second_process_of_the_same_run(run_module, node, args):
    _lock.acquire("r1", "alice@ops1", "ops1", "", 600.0, process=dict(boot_id="b", pid_namespace="n", pid=1, start_time=5))
    result = run_module(end, args(process=dict(boot_id="b", pid_namespace="n", pid=2, start_time=5)))
    assert (result["released"], "run r1" in result["held_by"]) == (False, True)


@pytest.mark.parametrize("said, text", [(b"", "lock.json is damaged"), (b'{"version": 2}', "newer version")])
def test_a_lock_that_cannot_be_read_is_told_and_the_node_is_read(run_module, node, args, records, said, text):
    records.mkdir()
    records.joinpath("lock.json").write_bytes(said)
    result = run_module(end, args())
    assert not result.failed and text in result["lock_error"]
    assert (result["released"], result["lock"], result["components"][0]["nevra"]) == (False, None, "shop-1.0.0-1.noarch")
    assert records.joinpath("lock.json").read_bytes() == said


@pytest.mark.parametrize("broken", ["record", "systemctl"])
def test_the_lock_comes_back_even_where_the_node_cannot_be_read(run_module, node, args, records, monkeypatch, broken):
    hold()
    if broken == "record":
        records.joinpath("release.json").write_bytes(b"{")
    else:
        node.failing["show"] = "Failed to connect to bus"
        monkeypatch.setattr(node, "units", {})
    result = run_module(end, args())
    assert result.failed and ("release.json is damaged" if broken == "record" else "systemctl cannot tell the state of shop") in result["msg"]
    assert (result["released"], result["changed"], _lock.holder()) == (True, True, None)


def test_an_empty_run_is_refused(run_module, node, args):
    result = run_module(end, args(run_id=" "))
    assert result.failed and "run_id is empty" in result["msg"]


def test_check_mode_only_looks(run_module, node, args):
    lock = hold()
    result = run_module(end, args(), check_mode=True)
    assert (result["changed"], result["released"], result["lock"]) == (True, True, lock)
    assert _lock.holder() == lock
