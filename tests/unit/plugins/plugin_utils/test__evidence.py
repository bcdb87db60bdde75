# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._evidence import read_node, read_nodes


def test_a_node_that_serves(said):
    node = read_node("blue1", "blue", said())
    assert (node.live, node.serving, node.unread, node.at) == (True, True, "", 1000.0)
    assert node.nevras == {"shop": "shop-1.0.0-1.noarch"}
    assert node.doubts() == node.unhealthy() == []


@pytest.mark.parametrize(
    "registered, text",
    [
        (None, "it was not read"),
        ({}, "it was not read"),
        ("text", "it was not read"),
        ({"skipped": True, "changed": False}, "skipped"),
        ({"unreachable": True, "msg": "no route"}, "unreachable"),
        ({"failed": True, "msg": "boom"}, "boom"),
        ({"changed": False}, "not the result of halfswap.bluegreen.node_info"),
        ({"at": 1, "components": [], "batch_id": ""}, "no components"),
    ],
)
def test_what_is_no_evidence(registered, text):
    node = read_node("blue1", "blue", registered)
    assert text in node.unread
    assert (node.live, node.serving) == (False, False)


def test_evidence_of_another_batch_is_none(said):
    assert "read for r1/1, not for r1/2" in read_node("blue1", "blue", said(batch_id="r1/1"), "r1/2").unread
    assert read_node("blue1", "blue", said(batch_id="r1/2"), "r1/2").unread == ""


def test_old_evidence_is_none(said):
    assert "5 s too long ago" in read_node("blue1", "blue", said(at=1000.0), oldest=1005.0).unread
    assert read_node("blue1", "blue", said(at=1000.0), oldest=1000.0).unread == ""


def test_an_agent_that_does_not_answer_makes_the_node_unread(said):
    assert read_node("blue1", "blue", said(error="component shop: no heartbeat answers")).unread == "component shop: no heartbeat answers"


def test_an_agent_that_answers_something_else_makes_the_node_unread(said):
    assert "another dialect" in read_node("blue1", "blue", said(heartbeat={"state": "live"})).unread


@pytest.mark.parametrize(
    "changes, text",
    [
        ({"version": None}, "no package is installed"),
        ({"active": False, "started_at": None}, "its service does not run"),
        ({"started_at": 1998.9}, "its process was started before shop-1.0.0-1.noarch was installed"),
        ({"release": "0.9"}, "it reports release 0.9, but shop-1.0.0-1.noarch is installed"),
    ],
)
def test_doubts_about_what_runs(said, changes, text):
    assert text in read_node("blue1", "blue", said(**changes)).doubts()[0]


def test_a_component_that_reports_no_release_is_what_is_installed(said):
    assert read_node("blue1", "blue", said(release=None)).doubts() == []


def test_a_component_that_should_report_its_release_and_cannot_is_in_doubt(said):
    registered = said(release=None)
    registered["components"][0]["heartbeat"]["status_error"] = "answered 500"
    assert read_node("blue1", "blue", registered).doubts() == ["shop: it does not tell its release (answered 500)"]


def test_one_component_of_two_decides(said):
    registered = said()
    registered["components"] += said(state="standby")["components"]
    node = read_node("blue1", "blue", registered)
    assert (node.live, node.serving) == (True, False)
    registered = said()
    registered["components"] += said(healthy=False)["components"]
    assert read_node("blue1", "blue", registered).serving is False


def test_every_node_of_the_inventory_is_there(said):
    hostvars = {"blue1": {"seen": said()}, "green1": {}}
    nodes = read_nodes({"blue": ["blue1"], "green": ["green1", "green2"]}, hostvars, "seen")
    assert [(node.name, node.stack, bool(node.unread)) for node in nodes] == [
        ("blue1", "blue", False),
        ("green1", "green", True),
        ("green2", "green", True),
    ]


def test_a_dead_node_is_left_out_by_name(said):
    nodes = read_nodes({"blue": ["blue1"], "green": ["green1"]}, {"blue1": {"seen": said()}}, "seen", without=["green1"])
    assert [node.name for node in nodes] == ["blue1"]


def test_ready_is_all_but_live(said):
    wanted = {"shop": "shop-1.0.0-1.noarch"}
    assert read_node("blue1", "blue", said(state="standby")).ready(wanted)
    for changes in ({"version": "2.0.0"}, {"healthy": False}, {"started_at": 1.0}, {"release": "2.0.0"}):
        assert not read_node("blue1", "blue", said(state="standby", **changes)).ready(wanted)


def test_what_the_node_has_noted(said):
    noted = dict(said(), lock={"run_id": "r1"}, record={"previous": []}, clock_skew_s=1.5)
    node = read_node("blue1", "blue", noted)
    assert (node.lock, node.record, node.clock_skew_s) == ({"run_id": "r1"}, {"previous": []}, 1.5)
    node = read_node("blue1", "blue", said())
    assert (node.lock, node.record, node.clock_skew_s) == (None, None, 0.0)
