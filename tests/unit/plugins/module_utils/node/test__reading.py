# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node is asked, and how, is tested with module node_info."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils.node import _lock, _machine, _owed, _reading, _release_record, _systemd


class Node(object):
    """Stands in for an AnsibleModule: shop is installed and active, cart is neither."""

    check_mode = False

    def __init__(self):
        self.params = dict(token="secret-token", batch_id="r1/1")
        self.asked = []
        self.failing = {}

    def run_command(self, command, **_kwargs):
        if command[0] in self.failing:
            return 1, "", self.failing[command[0]]
        if command[0] == "rpm":
            return 1, "".join("%s\x1f0\x1f2.0.0\x1f1\x1fnoarch\x1f900\n" % name for name in command if name == "shop") + "package cart is not installed\n", ""
        if command[0] == "journalctl":
            return 0, "no {{ database }}\n", ""
        units = command[command.index("--") + 1 :]
        self.asked.append(units)
        said = {True: "ActiveState=active\nMainPID=7\n", False: "ActiveState=inactive\nMainPID=0\n"}
        return 0, "\n".join(said[unit == "shop"] for unit in units), ""


@pytest.fixture
def node(monkeypatch, clock):
    monkeypatch.setattr(_systemd, "up_s", lambda: clock.now)
    monkeypatch.setattr(_systemd, "started_up_s", {7: 950.0}.get)
    return Node()


def component(name, url, **changes):
    return dict(dict(name=name, package=name, service=name, url=url), **changes)


def test_all_that_a_node_says(node, heartbeat_server):
    assert _reading.read(node, [component("shop", heartbeat_server.url)]) == dict(
        changed=False,
        components=[
            dict(
                name="shop",
                package="shop",
                nevra="shop-2.0.0-1.noarch",
                version="2.0.0",
                installed_at=900,
                differing=[],
                owed=False,
                ended=None,
                restarts=0,
                active=True,
                started_at=950.0,
                heartbeat=heartbeat_server.status,
                error=None,
            )
        ],
        batch_id="r1/1",
        lock=None,
        record=None,
        machine=_machine.machine(),
        time=1000.0,
    )
    assert heartbeat_server.asked[0][4] == "Bearer secret-token"


def test_a_heartbeat_that_cannot_be_reached_is_an_error_of_its_component_alone(node, heartbeat_server):
    silent = component("cart", "http://127.0.0.1:1")
    cart, shop = _reading.read(node, [silent, component("shop", heartbeat_server.url)])["components"]
    assert cart["heartbeat"] is None and "no heartbeat answers at http://127.0.0.1:1" in cart["error"]
    # What others say of it is told all the same.
    assert [cart[key] for key in ("nevra", "version", "installed_at", "active", "started_at")] == [None, None, None, False, None]
    assert cart["ended"] == "cart is inactive (). Its journal ends with: no \\x7b{ database }}. See journalctl -u cart" and shop["ended"] is None
    assert (shop["heartbeat"]["state"], shop["error"]) == ("live", None)


def test_a_service_that_is_owed_a_restart(node, heartbeat_server):
    _owed.keep(["cart"])
    read = _reading.read(node, [component(name, heartbeat_server.url) for name in ("shop", "cart")])["components"]
    assert [each["owed"] for each in read] == [False, True]


def test_components_in_the_order_given(node, heartbeat_server):
    names = ["shop", "cart", "api"]
    for order in (names, names[::-1]):
        read = _reading.read(node, [component(name, heartbeat_server.url) for name in order])["components"]
        assert [(each["name"], each["active"], each["nevra"]) for each in read] == [
            (name, name == "shop", "shop-2.0.0-1.noarch" if name == "shop" else None) for name in order
        ]


def test_several_of_one_package_and_service(node, heartbeat_server):
    two = [component(name, heartbeat_server.url, package="shop", service="shop") for name in ("web", "api")]
    assert [(each["name"], each["nevra"], each["active"]) for each in _reading.read(node, two)["components"]] == [
        (name, "shop-2.0.0-1.noarch", True) for name in ("web", "api")
    ]
    assert node.asked == [["shop"]]


def test_the_lock_as_whoever_reads_finds_it_out(node, heartbeat_server):
    _former, lock = _lock.acquire("r1", "alice@ops1", "ops1", "", 600.0)
    record = _release_record.served({"shop": "shop-2.0.0-1.noarch"}, "r1")
    read = _reading.read(node, [component("shop", heartbeat_server.url)])
    assert (read["lock"], read["record"]) == (lock, record)
    assert _reading.read(node, [], holder=lambda: None)["lock"] is None


@pytest.mark.parametrize("command, text", [("rpm", "rpm cannot say what is installed: broken"), ("systemctl", "cannot tell the state of shop on this node")])
def test_a_node_that_cannot_be_read(node, heartbeat_server, command, text):
    node.failing[command] = "broken"
    with pytest.raises(_reading.UNREADABLE, match=text):
        _reading.read(node, [component("shop", heartbeat_server.url)])
