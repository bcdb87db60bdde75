# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os

import pytest
from ansible.module_utils.basic import AnsibleModule

from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm._rpm import Package
from ansible_collections.halfswap.bluegreen.plugins.modules import node_check, node_info

COMPONENT = dict(name="shop", package="shop", service="shop")
PORTS = [dict(port=8080, what="application", unit="shop", outside=True)]


@pytest.fixture
def node(monkeypatch, step_node):
    step_node.installed["shop"] = Package("shop", 0, "1.0.0", "1", "noarch")
    step_node.runs("shop", LoadState="loaded", Id="shop.service")

    def run_command(self, command, **kwargs):
        if command[:2] == ["rpm", "-V"]:
            return 1, "S.5....T.    /usr/share/shop/shop.py\n", ""
        if command == ["rpm", "-q", "gpg-pubkey"]:
            return 1, "package gpg-pubkey is not installed\n", ""
        return step_node.run_command(command, **kwargs)

    monkeypatch.setattr(AnsibleModule, "run_command", run_command)
    return step_node


@pytest.fixture
def args(heartbeat_server, tmp_path):
    check = dict(COMPONENT, agent="", ports=PORTS, health_url=heartbeat_server.url + "/health", status_url="", keys={})
    made = dict(components=[dict(COMPONENT, url=heartbeat_server.url)], checks=[check], token="secret-token", store=str(tmp_path / "store"))
    return dict(made, repository_url="http://ops:s3cret-word@127.0.0.1:1/")


def test_the_place_and_the_reading(run_module, node, args):
    result = run_module(node_check, args)
    checked = result["checked"]
    assert checked["errors"] == {}
    assert checked["units"] == [
        dict(component="shop", package="shop", role="service", unit="shop", id="shop.service", load="loaded", active="active", file="enabled")
    ]
    assert [entry["port"] for entry in checked["ports"]] == [8080]
    assert checked["installed"] == {"shop": "shop-1.0.0-1.noarch"} and checked["keys"] == 0 and checked["stored"] == []
    assert [offer["nevra"] for offer in checked["offered"]["packages"]] == ["shop-2.0.0-2.noarch", "shop-2.0.0-1.noarch", "shop-1.0.0-1.noarch"]
    assert checked["changed_files"] == [dict(package="shop", nevra="shop-1.0.0-1.noarch", files=["/usr/share/shop/shop.py"], count=1)]
    assert [(each["what"], each["status"]) for each in checked["answers"]] == [("health", 200), ("repository", None)]
    read = run_module(node_info, {key: args[key] for key in ("components", "token")})
    assert {key: result[key] for key in read if key != "time"} == {key: read[key] for key in read if key != "time"}
    assert result["undrainable"] is None and result["changed"] is False
    assert "s3cret-word" not in repr(dict(result)) and "s3cret-word" not in repr(run_module.logged)


def test_it_changes_nothing(run_module, node, args, records, heartbeat_server):
    run_module(node_check, args)
    assert node.done == [] and heartbeat_server.puts == []
    assert not records.exists() or os.listdir(str(records)) == []


def test_a_node_that_cannot_be_read_tells_of_its_place_all_the_same(run_module, node, args, records):
    records.mkdir()
    (records / "release.json").write_bytes(b"nonsense")
    result = run_module(node_check, args)
    assert not result.failed and "release.json" in result["unreadable"] and "components" not in result
    assert result["checked"]["units"] and "release.json" in result["checked"]["errors"]["record"]


def test_a_drain_that_could_not_be_told(run_module, node, args, heartbeat_server):
    drain = dict(method="counter", components=[dict(name="shop", in_flight_url=heartbeat_server.url + "/heartbeat/status", in_flight_key="nowhere")])
    assert "in_flight_key" in run_module(node_check, dict(args, drain=drain))["undrainable"]
