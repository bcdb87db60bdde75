# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import csv

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.show._firewall import Host, Network, as_csv, ways

NODES = [Host("blue1", "blue1.mgmt", 22, "10.0.0.1"), Host("green1", "10.9.0.2", 2222, "green1.app")]
SHOP = {"name": "shop", "port": 8080, "heartbeat": {"port": 9100}}
LIVE = {"name": "live", "follows": "live", "addresses": ["10.0.1.5", "10.0.1.6"], "url": "https://shop.example.org"}
STANDBY = {"name": "standby", "follows": "standby", "url": "http://standby:8081/x"}
NAMES = {"blue1.mgmt": ["10.9.0.1"], "green1.app": ["10.0.0.2"], "shop.example.org": ["192.0.2.7"], "repo": ["10.0.2.1"], "standby": []}


def network(**changes):
    given = {"nodes": NODES, "components": [SHOP], "load_balancers": [LIVE, STANDBY], "controller": "10.9.0.9", "sender": "10.9.0.8"}
    return Network(**{**given, "names": NAMES, "repository_url": "http://repo:8008/", **changes})


def test_every_way_with_real_addresses():
    found = {(source, target, port) for source, target, port, _why in ways(network())}
    assert found == {
        ("10.9.0.9", "10.9.0.1", 22),
        ("10.9.0.9", "10.9.0.2", 2222),
        *((source, target, port) for source in ("10.0.1.5", "10.0.1.6") for target in ("10.0.0.1", "10.0.0.2") for port in (9100, 8080)),
        *(("load balancer standby", target, port) for target in ("10.0.0.1", "10.0.0.2") for port in (9100, 8080)),
        ("10.9.0.8", "192.0.2.7", 443),
        ("10.9.0.8", "standby", 8081),
        ("10.0.0.1", "10.0.2.1", 8008),
        ("10.0.0.2", "10.0.2.1", 8008),
    }


def test_each_way_says_why_once():
    reasons = {way[:3]: way[3] for way in ways(network())}
    assert reasons[("10.0.1.5", "10.0.0.1", 9100)] == "load balancer live checks shop on blue1"
    assert reasons[("10.0.1.5", "10.0.0.1", 8080)] == "live traffic of shop to blue1"
    assert reasons[("10.9.0.9", "10.9.0.2", 2222)] == "Ansible logs in to green1 (SSH)"
    # One way for two reasons: both load balancers check from one address.
    both = ways(network(load_balancers=[LIVE, {**STANDBY, "addresses": ["10.0.1.5"]}]))
    (why,) = [why for source, target, port, why in both if (source, target, port) == ("10.0.1.5", "10.0.0.1", 9100)]
    assert why == "load balancer live checks shop on blue1; load balancer standby checks shop on blue1"


def test_a_balancer_of_the_inventory_without_addresses():
    others = [Host("lb2", "lb2.mgmt", 22, "10.0.1.9")]
    found = ways(network(load_balancers=[{**STANDBY, "hosts": ["lb2"]}], others=others))
    assert ("10.0.1.9", "10.0.0.1", 9100) in [way[:3] for way in found] and ("10.9.0.9", "lb2.mgmt", 22) in [way[:3] for way in found]


def test_what_else_needs_a_way():
    far = {**SHOP, "heartbeat": {"port": 9100, "url": "http://127.0.0.1:9101", "via": "controller"}, "standby_url": "http://standby:8085"}
    found = [way[:3] for way in ways(network(components=[far], load_balancers=[{**LIVE, "mirror_to": "standby:81"}]))]
    assert ("10.9.0.9", "10.9.0.1", 9101) in found and ("10.9.0.8", "standby", 8085) in found and ("10.0.1.6", "standby", 81) in found


def test_a_machine_needs_no_way_to_itself():
    assert ways(network(nodes=[], controller="192.0.2.7", sender="192.0.2.7", load_balancers=[LIVE])) == []


def test_the_file():
    rows = list(csv.reader(as_csv([("10.0.0.1", "10.0.0.2", 22, 'why, and "how"')]).splitlines()))
    assert rows == [["from", "to", "port", "why"], ["10.0.0.1", "10.0.0.2", "22", 'why, and "how"']]
