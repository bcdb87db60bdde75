# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What module heartbeat makes of it is tested there."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils.heartbeat._heartbeat_api import HeartbeatError
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node import _owed, _systemd
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._proven import is_older, untrue

PROOF = {"shop": "shop-2.0.0-1.noarch", "cart": "cart-2.0.0-1.noarch"}


class Node(object):
    """Stands in for an AnsibleModule: shop and cart were installed at 900, and started at 950; it was booted at 0, and it is 1000."""

    def __init__(self):
        self.calls = []
        self.versions = dict(shop="2.0.0", cart="2.0.0")
        self.installed_at = dict(shop=900, cart=900)
        self.started_at = dict(shop=950.0, cart=950.0)
        self.states = dict(shop="active", cart="active")

    def run_command(self, command, **_kwargs):
        self.calls.append(command[0])
        if command[0] == "rpm":
            rows = ["%s\x1f0\x1f%s\x1f1\x1fnoarch\x1f%d" % (name, version, self.installed_at[name]) for name, version in sorted(self.versions.items())]
            return 0, "\n".join([row for row in rows if row.split("\x1f")[0] in command] or ["it is not installed"]) + "\n", ""
        units = command[command.index("--") + 1 :]
        pids = {unit: number for number, unit in enumerate(sorted(self.started_at), 1) if self.states[unit] not in ("inactive", "failed")}
        return 0, "\n".join("ActiveState=%s\nMainPID=%d\n" % (self.states[unit], pids.get(unit, 0)) for unit in units), ""


class Heartbeat(object):
    def __init__(self, **changes):
        self.said = dict(dict(healthy=True, why="HTTP 200", release="2.0.0"), **changes)

    def status(self, fresh):
        assert fresh, "what was said before is no evidence now"
        return self.said


@pytest.fixture
def node(monkeypatch, clock):
    monkeypatch.setattr(_systemd, "up_s", lambda: clock.now)
    made = Node()
    monkeypatch.setattr(_systemd, "started_up_s", lambda pid: made.started_at[sorted(made.started_at)[pid - 1]])
    return made


def components(*names, **changes):
    return [dict(dict(name=name, package=name, service=name), **changes) for name in names]


def looked_at(node, proof=None, **changes):
    return untrue(node, components("shop"), [Heartbeat(**changes)], proof or PROOF)


@pytest.mark.parametrize(
    "started_at, installed_at, older",
    [(950.0, 900, False), (899.0, 900, True), (899.89, 900, True), (899.95, 900, False), (900.0, 900, False), (None, 900, False), (1.0, None, False)],
)
def test_a_process_that_is_older_than_its_package(started_at, installed_at, older):
    assert is_older(started_at, installed_at) is older


def test_all_is_as_it_was_proven(node):
    assert untrue(node, components("shop", "cart"), [Heartbeat(), Heartbeat()], PROOF) == []
    assert node.calls == ["rpm", "systemctl"]


def test_the_package(node):
    node.versions["shop"] = "2.0.1"
    assert looked_at(node, release="2.0.1") == ["component shop: shop-2.0.1-1.noarch is installed, not shop-2.0.0-1.noarch"]
    del node.versions["shop"]
    assert looked_at(node, release=None) == ["component shop: no shop is installed, not shop-2.0.0-1.noarch"]


def test_a_component_that_the_proof_does_not_name(node):
    nameless = ["component shop: nothing says which package it must have (proof)"]
    assert looked_at(node, proof=dict(cart=PROOF["cart"])) == nameless
    # Nothing installed is not what nothing says.
    del node.versions["shop"]
    assert looked_at(node, proof=dict(cart=PROOF["cart"]), release=None) == nameless


@pytest.mark.parametrize("state", ["inactive", "failed", "activating", "deactivating"])
def test_the_service(node, state):
    node.states["shop"] = state
    assert looked_at(node) == ["component shop: its service shop does not run"]


def test_the_process(node):
    node.installed_at["shop"] = 960
    assert looked_at(node) == ["component shop: its service shop runs a process that is older than the package"]
    # Of what is about to end, this is not asked.
    node.states["shop"] = "deactivating"
    assert looked_at(node) == ["component shop: its service shop does not run"]


def test_a_service_that_was_not_started_again_since_its_package_was_changed(node):
    """Whatever rpm's date says of its process."""
    _owed.keep(["cart"])
    assert looked_at(node) == []
    _owed.keep(["shop"])
    assert looked_at(node) == ["component shop: its service shop was not started again since its package was changed"]


def test_the_health(node):
    assert looked_at(node, healthy=False, why="HTTP 503") == ["component shop is not healthy: HTTP 503"]


def test_the_release(node):
    assert looked_at(node, release="1.0.0") == ["component shop reports release 1.0.0, not 2.0.0"]
    assert looked_at(node, release=None) == []
    assert looked_at(node, release=None, status_error="HTTP 404") == ["component shop does not tell what it has to (status_url): HTTP 404"]


def test_everything_at_once_in_order(node):
    node.versions["cart"], node.states["cart"], node.installed_at["shop"] = "1.0.0", "failed", 960
    assert untrue(node, components("shop", "cart"), [Heartbeat(), Heartbeat(healthy=False, why="refused")], PROOF) == [
        "component shop: its service shop runs a process that is older than the package",
        "component cart: cart-1.0.0-1.noarch is installed, not cart-2.0.0-1.noarch",
        "component cart: its service cart does not run",
        "component cart is not healthy: refused",
    ]


@pytest.mark.parametrize("changes, proof", [(dict(package=None), PROOF), (dict(service=None), PROOF), ({}, {}), ({}, None)])
def test_nobody_is_asked_where_nothing_was_proven(node, changes, proof):
    node.states["shop"] = "failed"
    assert untrue(node, components("shop", **changes), [Heartbeat(healthy=False)], proof) == []
    assert node.calls == []


def test_each_is_looked_at_with_its_own_heartbeat(node):
    """Those that say nothing of package and service are left out in the middle."""
    described = components("cart") + components("other", package=None) + components("shop")
    heartbeats = [Heartbeat(), Heartbeat(healthy=False), Heartbeat(release="1.0.0")]
    assert untrue(node, described, heartbeats, PROOF) == ["component shop reports release 1.0.0, not 2.0.0"]


def test_a_heartbeat_that_does_not_answer_is_an_error(node):
    silent = Heartbeat()

    def status(fresh):
        raise HeartbeatError("component shop: no heartbeat answers")

    silent.status = status
    with pytest.raises(HeartbeatError):
        untrue(node, components("shop"), [silent], PROOF)


def test_what_was_adopted_is_as_it_was(node):
    """No package, its unit active, and healthy, whatever release it reports."""
    del node.versions["shop"]
    node.states.update(shop="inactive", old="active")
    node.started_at["old"] = 10.0
    replacing = components("shop", replaces="old")
    assert untrue(node, replacing, [Heartbeat(release="0.9")], {"shop": None}) == []
    assert untrue(node, replacing, [Heartbeat(healthy=False, why="HTTP 503")], {"shop": None}) == ["component shop is not healthy: HTTP 503"]
    node.states["old"] = "inactive"
    assert untrue(node, replacing, [Heartbeat()], {"shop": None}) == ["component shop: its service old does not run"]
    assert "nothing says which package" in untrue(node, replacing, [Heartbeat()], {"cart": None})[0]


def test_what_was_adopted_is_not_there_where_a_package_is(node):
    node.states["old"] = "active"
    node.started_at["old"] = 10.0
    replacing = components("shop", replaces="old")
    found = untrue(node, replacing, [Heartbeat()], {"shop": None})
    assert "component shop: shop-2.0.0-1.noarch is installed, not what was adopted" in found
    assert untrue(node, replacing, [Heartbeat()], PROOF) == ["component shop: old, which it replaces, runs beside it"]
