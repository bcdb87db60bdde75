# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._evidence import read_node, read_nodes, registered


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
        ({"at": 1, "components": [], "batch_id": "", "machine": "a"}, "no components"),
        ({"at": 1, "components": [], "batch_id": "", "machine": None}, "machine is null"),
        ({"at": "now", "components": [], "batch_id": "", "machine": "a"}, 'at is "now"'),
        ({"at": 1, "components": {}, "batch_id": "", "machine": "a"}, "components is {}"),
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


@pytest.mark.parametrize(
    "key, value, text",
    [
        ("state", "LIVE", 'components[0].heartbeat.state is "LIVE", and "live" or "standby" belongs there'),
        ("state", None, "components[0].heartbeat.state is null"),
        ("healthy", "false", 'components[0].heartbeat.healthy is "false"'),
        ("requests", {"rate_per_s": float("nan")}, "components[0].heartbeat.requests.rate_per_s is NaN"),
        ("agent", {"started_s": "long"}, 'components[0].heartbeat.agent.started_s is "long"'),
    ],
)
def test_another_dialect_makes_the_node_unread(said, key, value, text):
    registered = said()
    registered["components"][0]["heartbeat"][key] = value
    node = read_node("blue1", "blue", registered)
    assert "another dialect" in node.unread and text in node.unread
    assert (node.live, node.serving) == (False, False)


@pytest.mark.parametrize("changes", [{"heartbeat": None}, {"heartbeat": {"state": "live"}}, {"active": "yes"}, {"started_at": "2026"}, {"name": None}])
def test_a_component_that_is_not_told_of_as_node_info_does(said, changes):
    assert read_node("blue1", "blue", said(**changes)).unread


STACKS = {"blue": ["blue1", "blue2", "10.0.0.1"], "green": ["green1"]}


def machines(said, **names):
    """What the nodes say that are on these machines; others have one of their own."""
    hostvars = {name: {"seen": said()} for stack in STACKS.values() for name in stack}
    for name, machine in names.items():
        hostvars[name]["seen"]["machine"] = machine
    return read_nodes(STACKS, hostvars, "seen")


@pytest.mark.parametrize("names", [("blue1", "green1"), ("blue1", "blue2"), ("blue1", "10.0.0.1"), ("blue1", "blue2", "10.0.0.1")])
def test_two_names_of_one_machine_are_no_node(said, names):
    found = {node.name: node for node in machines(said, **dict.fromkeys(names, "boot/1/x"))}
    for name, node in found.items():
        assert (node.serving, bool(node.unread)) == (name not in names, name in names)
    others = " and ".join(names[1:])
    assert found["blue1"].unread == f"it is the same machine as {others}, which counts once: leave one of these names in the inventory"


def test_nodes_that_differ_are_none_of_a_kind(said):
    assert all(node.serving for node in machines(said))


@pytest.mark.parametrize(
    "changes, text",
    [
        ({"version": None}, "no package is installed"),
        ({"active": False, "started_at": None}, "its service does not run"),
        ({"started_at": None}, "its service is active, but there is no process in its control group"),
        ({"owed": True}, "its package was changed, and its service not started again"),
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
    assert read_node("blue1", "blue", registered).doubts() == ["shop: it does not tell what it has to (status_url; answered 500)"]


FILES = ["/opt/shop/app.py (size, content)"]


def test_a_node_whose_files_are_not_those_of_the_package_is_not_ready(said):
    node = read_node("blue1", "blue", said(differing=FILES))
    assert node.altered() == ["shop: 1 file on the disk differs from shop-1.0.0-1.noarch (/opt/shop/app.py (size, content))"]
    # It serves all the same.
    assert node.serving and node.doubts() == []
    assert not node.ready({"shop": "shop-1.0.0-1.noarch"})


@pytest.mark.parametrize("files", [None, "/opt/shop/app.py", [7]])
def test_a_node_that_does_not_tell_of_its_files_is_unread(said, files):
    assert "another dialect" in read_node("blue1", "blue", said(differing=files)).unread


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


class HostVars(dict):
    """As Ansible has them: what is taken out in the usual way has gone through a template."""

    def __getitem__(self, name):
        raise AssertionError("a template has seen it")

    def raw_get(self, name):
        return super().__getitem__(name)


def test_what_was_registered_is_taken_as_it_is():
    as_it_is = {"msg": "{{ 1 }}"}
    assert registered(HostVars(blue1={"seen": as_it_is}), "blue1", "seen") is as_it_is
    assert registered(HostVars(blue1={}), "blue1", "seen") is registered(HostVars(), "green1", "seen") is None
    assert registered({"blue1": {"seen": 1}}, "blue1", "seen") == 1


def test_a_reading_that_failed_is_told_fit_to_be_shown():
    told = read_node("blue1", "blue", {"failed": True, "msg": "\x1b[2J{{ 1 }}" + "a" * 100000}).unread
    assert told.startswith("its reading failed: ") and "\x1b" not in told and "{{" not in told and len(told) < 5000


def foreign(said, adopted=True, **changes):
    """A node that serves without a package, in the unit old."""
    found = said(None, **{"release": None, "active": False, "installed_at": None, "started_at": None, "replaces": "old", "replaced_active": True, **changes})
    return {**found, "record": {"current": {"shop": None}, "deployment": "", "previous": [], "cut_off": None} if adopted else None}


def test_what_was_adopted_serves_and_nobody_knows_what_it_is(said):
    node = read_node("blue1", "blue", foreign(said))
    assert (node.serving, node.doubts(), node.nevras, node.named) == (True, [], {"shop": None}, "unknown (adopted)")
    assert node.ready({"shop": None}) and not node.ready({"shop": "shop-1.0.0-1.noarch"})


@pytest.mark.parametrize(
    "changes, text",
    [
        ({"adopted": False}, "shop: no package is installed"),
        ({"replaced_active": False}, "shop: old in which it was adopted is not active"),
        ({"replaces": None}, "shop: the service in which it was adopted is not active"),
        ({"owed": True}, "shop: an installation of its package has begun"),
    ],
)
def test_what_was_adopted_is_doubted_where_it_may_be_something_else(said, changes, text):
    (doubt,) = read_node("blue1", "blue", foreign(said, **changes)).doubts()
    assert doubt.startswith(text)


def test_what_was_adopted_under_the_name_of_its_service_serves(said):
    assert read_node("blue1", "blue", foreign(said, replaces=None, active=True)).doubts() == []


def test_a_restart_by_hand_leaves_it_adopted(said):
    """What was adopted is the unit."""
    assert read_node("blue1", "blue", foreign(said, started_at=9999.0)).doubts() == []


def test_what_was_replaced_and_runs_again_is_a_doubt(said):
    (doubt,) = read_node("blue1", "blue", said(replaces="old", replaced_active=True)).doubts()
    assert "old, which it replaces, is active beside shop-1.0.0-1.noarch" in doubt and "systemctl disable --now old" in doubt
    assert read_node("blue1", "blue", said(replaces="old", replaced_active=False)).doubts() == []


def test_a_record_of_a_package_is_no_adoption(said):
    gone = {**foreign(said), "record": {"current": {"shop": "shop-1.0.0-1.noarch"}, "deployment": "", "previous": []}}
    assert read_node("blue1", "blue", gone).doubts()[0].startswith("shop: no package is installed")
