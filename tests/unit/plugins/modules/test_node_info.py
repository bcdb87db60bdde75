# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from ansible.module_utils import basic

from ansible_collections.halfswap.bluegreen.plugins.module_utils.node import _lock, _machine, _release_record, _systemd
from ansible_collections.halfswap.bluegreen.plugins.modules import node_info

# Ten hours after boot, by the clock of the fake node.
BOOTED_AT = 1000.0 - 36000.0


@pytest.fixture
def node(monkeypatch, tmp_path, clock):
    """A node with rpm and systemctl scripted; .units and .packages may be changed by a test."""

    class Node(object):
        units = ["ActiveState=active\nMainPID=7\n"]
        packages = ["shop\x1f0\x1f2.0.0\x1f1\x1fnoarch\x1f-5"]
        # What rpm finds of them.
        files = ""
        calls = []

        def run_command(self, command, **_options):
            self.calls.append(command)
            if command[0] == "systemctl":
                return 0, "\n".join(self.units), ""
            if command[:2] == ["rpm", "-V"]:
                return (1, self.files, "") if self.files else (0, "", "")
            return 0, "\n".join(self.packages) + "\n", ""

    fake = Node()
    fake.calls = []
    monkeypatch.setattr(basic.AnsibleModule, "run_command", fake.run_command)
    monkeypatch.setattr(_systemd, "up_s", lambda: 36000.0)
    monkeypatch.setattr(_systemd, "started_up_s", {7: 35000.5}.get)
    return fake


def args(*urls, **changes):
    found = dict(components=[dict(name="shop%d" % n, package="shop", service="shop%d.service" % n, url=url) for n, url in enumerate(urls)])
    found.update(changes)
    return found


def test_files_that_are_not_those_of_the_package(run_module, node, heartbeat_server):
    node.files = "S.5....T.    /opt/shop/app.py\n..5......    /opt/shop/cache/x\nS.5......  c /etc/shop.conf\n"
    asked = args(heartbeat_server.url)
    asked["components"][0]["may_differ"] = ["/opt/shop/cache/*"]
    assert run_module(node_info, asked)["components"][0]["differing"] == ["/opt/shop/app.py (size, content)"]


def test_everything_a_decision_rests_on(run_module, node, heartbeat_server):
    result = run_module(node_info, args(heartbeat_server.url, token="secret-token", batch_id="r/1"), check_mode=True)
    assert result == {
        "changed": False,
        "batch_id": "r/1",
        "components": [
            {
                "name": "shop0",
                "package": "shop",
                "heartbeat": heartbeat_server.status,
                "error": None,
                "nevra": "shop-2.0.0-1.noarch",
                "version": "2.0.0",
                "installed_at": -5,
                "differing": [],
                "owed": False,
                "ended": None,
                "restarts": 0,
                "active": True,
                "started_at": BOOTED_AT + 35000.5,
            }
        ],
        "lock": None,
        "record": None,
        "machine": _machine.machine(),
        "time": 1000.0,
    }
    assert heartbeat_server.asked[0][:2] == ("GET", "/heartbeat/status?fresh=1")
    assert heartbeat_server.asked[0][4] == "Bearer secret-token"
    assert node.calls[0][-1] == "shop0.service"


def test_a_stopped_service_has_no_process(run_module, node, heartbeat_server):
    node.units = ["ActiveState=failed\nMainPID=0\n"]
    component = run_module(node_info, args(heartbeat_server.url))["components"][0]
    assert (component["active"], component["started_at"]) == (False, None)
    assert component["ended"].startswith("shop0.service is failed (")


def test_nothing_installed(run_module, node, heartbeat_server):
    node.packages = ["package shop is not installed"]
    component = run_module(node_info, args(heartbeat_server.url))["components"][0]
    assert (component["nevra"], component["version"], component["installed_at"]) == (None, None, None)


def test_one_node_tells_of_each_component(run_module, node, heartbeat_server):
    node.units = [
        "ActiveState=active\nMainPID=7\n",
        "ActiveState=inactive\nMainPID=0\n",
    ]
    components = run_module(node_info, args(heartbeat_server.url, "http://127.0.0.1:1"))["components"]
    assert [c["active"] for c in components] == [True, False]
    assert components[0]["error"] is None
    assert components[1]["heartbeat"] is None
    assert "no heartbeat answers at http://127.0.0.1:1" in components[1]["error"]


def test_a_refused_token_is_an_error_of_the_component(run_module, node, heartbeat_server):
    heartbeat_server.next_answers = [(401, "{}")]
    assert "refuses the token" in run_module(node_info, args(heartbeat_server.url))["components"][0]["error"]


def test_the_lock_and_the_release_record_of_the_node(run_module, node, heartbeat_server, clock):
    _former, lock = _lock.acquire("r1", "alice@ops1", "ops1", "release 2.0.0", 600.0)
    record = _release_record.served({"shop": "shop-2.0.0-1.noarch"}, "r1")
    result = run_module(node_info, args(heartbeat_server.url))
    assert (result["lock"], result["record"]) == (lock, record)
    clock.advance(600)
    result = run_module(node_info, args(heartbeat_server.url))
    assert (result["lock"], result["record"], result["time"]) == (None, record, 1600.0)


@pytest.mark.parametrize("name", ["lock.json", "release.json"])
def test_a_damaged_record_is_no_evidence(run_module, node, heartbeat_server, records, name):
    records.mkdir()
    records.joinpath(name).write_bytes(b"{")
    result = run_module(node_info, args(heartbeat_server.url))
    assert result.failed and "%s is damaged" % name in result["msg"]


def test_what_an_application_says_for_the_first_time_is_dated(run_module, node, tmp_path, clock):
    asked = dict(components=[dict(name="shop", package="shop", service="shop", heartbeat=dict(profile="file", path=str(tmp_path / "live")))])
    (predicted,) = run_module(node_info, asked, check_mode=True)["components"]
    assert (predicted["heartbeat"]["state"], predicted["heartbeat"]["since_s"]) == ("standby", None)
    assert run_module(node_info, asked)["components"][0]["heartbeat"]["since_s"] == 0.0
    clock.advance(5)
    (seen,) = run_module(node_info, asked)["components"]
    assert (seen["heartbeat"]["since_s"], seen["heartbeat"]["probers"], seen["error"]) == (5.0, None, None)


def test_what_the_controller_could_not_reach_is_no_evidence(run_module, node, clock):
    relayed = dict(via="tunnel", relayed=dict(error="component shop: no SSH connection"))
    asked = dict(components=[dict(name="shop", package="shop", service="shop", url="http://127.0.0.1:9101", heartbeat=relayed)])
    (seen,) = run_module(node_info, asked)["components"]
    assert (seen["heartbeat"], seen["error"]) == (None, "component shop: no SSH connection")


@pytest.mark.parametrize(
    "changes, text", [({"state": "LIVE"}, 'state is "LIVE"'), ({"healthy": "false"}, 'healthy is "false"'), ({"revision": None}, "revision is null")]
)
def test_a_heartbeat_in_another_dialect_is_an_error_of_the_component(run_module, node, heartbeat_server, changes, text):
    heartbeat_server.status.update(changes)
    (component,) = run_module(node_info, args(heartbeat_server.url))["components"]
    assert component["heartbeat"] is None
    assert text in component["error"] and heartbeat_server.url in component["error"] and "component shop0" in component["error"]


@pytest.mark.parametrize("name", ["lock.json", "release.json"])
def test_a_record_of_a_newer_version_is_told(run_module, node, heartbeat_server, records, name):
    records.mkdir()
    records.joinpath(name).write_bytes(b'{"version": 2}')
    result = run_module(node_info, args(heartbeat_server.url))
    assert result.failed and name + " was written by a newer version of this collection" in result["msg"]
