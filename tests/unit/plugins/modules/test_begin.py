# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils.node import _records, _release_record
from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm._rpm import Package
from ansible_collections.halfswap.bluegreen.plugins.modules import begin, node_info

COMPONENT = dict(name="shop", package="shop", service="shop")
PROCESS = dict(boot_id="b", pid_namespace="n", pid=4711, start_time=5)


@pytest.fixture
def node(step_node):
    step_node.installed["shop"] = Package("shop", 0, "1.0.0", "1", "noarch")
    step_node.runs("shop")
    return step_node


@pytest.fixture
def args(heartbeat_server):
    def made(run_id="r1", **changes):
        found = dict(run_id=run_id, owner="alice@ops1", host="ops1", reason="release 2.0.0", node="blue1", process=PROCESS)
        found.update(components=[dict(COMPONENT, url=heartbeat_server.url)], token="secret-token", batch_id="r1/1")
        return dict(found, **changes)

    return made


def test_the_lock_and_the_reading(run_module, node, args):
    result = run_module(begin, args())
    read = run_module(node_info, {key: args()[key] for key in ("components", "token", "batch_id")})
    more = dict(changed=True, before=None, taken_over=None, undrainable=None)
    assert result == dict(read, **more)
    assert (result["lock"]["run_id"], result["lock"]["node"]) == ("r1", "blue1")
    assert [line["what"] for line in _records.journal(5)] == ["lock acquired"]
    again = run_module(begin, args(ttl_s=60))
    assert (again["changed"], again["before"], again["lock"]["ttl_s"]) == (False, result["lock"], 60.0)


def test_the_lock_of_another_run_is_told_and_nothing_is_read(run_module, node, args, heartbeat_server):
    lock = run_module(begin, args())["lock"]
    heartbeat_server.asked[:] = []
    for check_mode in (False, True):
        result = run_module(begin, args("r2", owner="bob@ops2"), check_mode=check_mode)
        assert result.failed and result["msg"].startswith("Refused, nothing was changed: the lock is held by alice@ops1 (run r1, release 2.0.0)")
        assert result["holder"] == lock and "components" not in result
    assert heartbeat_server.asked == []
    taken = run_module(begin, args("r2", take_over="r1"))
    assert (taken["before"], taken["taken_over"], taken["lock"]["run_id"]) == (lock, lock, "r2")


def test_a_second_name_of_the_machine(run_module, node, args):
    run_module(begin, args())
    result = run_module(begin, args(node="green1"))
    assert result.failed and "blue1 and green1 are two names of one machine" in result["msg"] and "holder" not in result


@pytest.mark.parametrize("changes, text", [({"run_id": " "}, "run_id is empty"), ({"ttl_s": 0}, "ttl_s must be above 0 seconds, not 0")])
def test_bad_input_changes_nothing(run_module, node, args, records, changes, text):
    result = run_module(begin, args(**changes))
    assert result.failed and text in result["msg"]
    assert not records.exists()


def test_check_mode_only_looks(run_module, node, args, records):
    result = run_module(begin, args(clear_cut_off=True), check_mode=True)
    assert (result["changed"], result["before"], result["lock"], result["components"][0]["error"]) == (True, None, None, None)
    assert not records.exists()


def test_the_schema_was_restored(run_module, node, args):
    _release_record.served({"shop": "shop-1.0.0-1.noarch"}, "r0")
    _release_record.served({"shop": "shop-2.0.0-1.noarch"}, "r0")
    _release_record.cut_off("migration orders")
    result = run_module(begin, args(clear_cut_off=True))
    assert (result["record"]["cut_off"], result["record"]["previous"]) == (None, [dict(deployment="", packages={"shop": "shop-1.0.0-1.noarch"})])
    line = _records.journal(1)[0]
    assert (line["what"], line["run_id"], line["by"]) == ("schema restored", "r1", "alice@ops1")


def test_a_node_that_cannot_be_read(run_module, node, args, records):
    records.mkdir()
    records.joinpath("release.json").write_bytes(b"{")
    result = run_module(begin, args())
    assert result.failed and "release.json is damaged" in result["msg"]


def test_whether_the_drain_could_be_told(run_module, node, args, second_heartbeat_server, clock):
    second_heartbeat_server.status = {"active": 3}
    counted = dict(name="shop", in_flight_url=second_heartbeat_server.url, in_flight_key="active")
    result = run_module(begin, args(drain=dict(components=[counted])))
    assert result["undrainable"] is None and len(second_heartbeat_server.asked) == 1 and clock.elapsed == 0
    counted["in_flight_key"] = "busy"
    result = run_module(begin, args(drain=dict(components=[counted])))
    assert not result.failed and "is in_flight_key right?" in result["undrainable"]


@pytest.mark.parametrize(
    "drain, text",
    [
        (dict(method="kernel"), "component shop has no ports, which method kernel needs"),
        (dict(method="some"), "value of method must be one of"),
        (dict(method="seconds"), "seconds"),
        (dict(timeout="3"), "timeout"),
        (dict(components=[]), "components is empty"),
        (dict(samples="x"), "samples"),
    ],
)
def test_a_fault_of_the_drain_is_told_and_no_failure(run_module, node, args, drain, text):
    found = dict(dict(components=[dict(name="shop", in_flight_url="http://127.0.0.1:1")]), **drain)
    result = run_module(begin, args(drain=found))
    assert not result.failed and text in result["undrainable"]


def test_what_is_not_healthy_is_not_looked_at(run_module, node, args, heartbeat_server, second_heartbeat_server):
    heartbeat_server.status.update(healthy=False)
    second_heartbeat_server.status = {}
    result = run_module(begin, args(drain=dict(components=[dict(name="shop", in_flight_url=second_heartbeat_server.url)])))
    assert result["undrainable"] is None and second_heartbeat_server.asked == []


def test_seconds_need_no_look(run_module, node, args, clock):
    result = run_module(begin, args(drain=dict(method="seconds", seconds=5, components=[dict(name="shop")])))
    assert result["undrainable"] is None and "warnings" not in result and clock.elapsed == 0


def test_the_password_of_a_counter_is_not_shown(run_module, node, args, second_heartbeat_server):
    second_heartbeat_server.next_answers = [(200, "no JSON")]
    url = second_heartbeat_server.url.replace("://", "://me:pa55word@")
    result = run_module(begin, args(drain=dict(components=[dict(name="shop", in_flight_url=url)])))
    assert "does not answer with JSON" in result["undrainable"]
    assert "pa55word" not in result.output and "pa55word" not in run_module.logged[0]
