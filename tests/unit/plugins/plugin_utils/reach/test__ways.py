# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import types

import pytest
from ansible.errors import AnsibleActionFail

from ansible_collections.halfswap.bluegreen.plugins.module_utils._http import Answer
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.reach import _ways
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.reach._ways import WayError, sending, way


def component(via, profile="api", name="shop"):
    return {"name": name, "url": "http://127.0.0.1:9101", "heartbeat": {"via": via, "profile": profile}}


def test_the_way_is_that_of_all_components():
    assert way([{"name": "shop", "url": "http://x"}]) == way([]) == "node"
    assert way([component("tunnel"), component("tunnel", "http", "cart")]) == "tunnel"


@pytest.mark.parametrize(
    "components, text",
    [
        ([component("tunnel"), component("node", name="cart")], "heartbeat.via is tunnel and node for shop, cart"),
        ([component("pigeon")], "heartbeat.via is pigeon for shop; there are node, controller, tunnel"),
        ([component("tunnel", "file")], "a heartbeat of profile file is only reached on the node, not via tunnel"),
        ([component("controller", "command")], "a heartbeat of profile command is only reached on the node"),
    ],
)
def test_a_way_that_leads_nowhere(components, text):
    with pytest.raises(AnsibleActionFail) as error:
        way(components)
    assert text in str(error.value)


@pytest.mark.parametrize(
    "url, asked",
    [
        ("http://127.0.0.1:8080/ready", "http://192.0.2.11:8080/ready"),
        ("http://localhost/ready?a=b", "http://192.0.2.11/ready?a=b"),
        ("https://[::1]:8443/", "https://192.0.2.11:8443/"),
        ("http://app.example:8080/ready", "http://app.example:8080/ready"),
    ],
)
def test_the_loopback_of_the_node_is_its_address(monkeypatch, url, asked):
    seen = []
    monkeypatch.setattr(_ways, "request", lambda *args: seen.append(args) or Answer(200, {}, ""))
    with sending("controller", None, "192.0.2.11") as send:
        send(url, "GET", None)
    assert seen == [(asked, "GET", None)]
    with sending("controller", None, "2001:db8::1") as send:
        send("http://127.0.0.1:8080/")
    assert seen[-1] == ("http://[2001:db8::1]:8080/",)


def test_a_tunnel_takes_ssh():
    with pytest.raises(WayError) as error, sending("tunnel", types.SimpleNamespace(transport="local"), "x"):
        pass
    assert "a tunnel takes a connection through ssh, and this one is local (heartbeat.via: tunnel)" in str(error.value)
