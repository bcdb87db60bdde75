# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ways that have to be open, for the people who open firewalls by hand."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.halfswap.bluegreen.plugins.module_utils.heartbeat._heartbeats import way_to

HEADER = ("from", "to", "port", "why")
PORTS = {"http": 80, "https": 443}
Way = tuple[str, str, int, str]


@dataclass(frozen=True)
class Host:
    """A host of the inventory: how the controller gets there, and where the load balancers do."""

    name: str
    login: str
    port: int
    address: str


@dataclass(frozen=True)
class Network:
    """Who has to reach whom. Where an address is a name, `names` has what the controller knows of it."""

    nodes: Sequence[Host]
    components: Sequence[Mapping[str, Any]]
    load_balancers: Sequence[Mapping[str, Any]]
    # Hosts that setup logs in to besides.
    others: Sequence[Host] = ()
    controller: str = "controller"
    # Where sanity tests, watches and verify_lb come from.
    sender: str = "controller"
    repository_url: str = ""
    names: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def of(self, name: str) -> str:
        """An address in place of a name, where there is one."""
        return next(iter(self.names.get(name, ())), name)


def ways(network: Network) -> list[Way]:
    """Each way once, for one reason or several."""
    reasons: dict[tuple[str, str, int], list[str]] = {}
    for source, target, port, why in _ways(network):
        told = reasons.setdefault((source, target, port), [])
        if why not in told:
            told.append(why)
    return [(*way, "; ".join(why)) for way, why in reasons.items() if way[0] != way[1]]


def _ways(network: Network) -> Iterator[Way]:
    for host in (*network.nodes, *network.others):
        yield network.controller, network.of(host.login), host.port, f"Ansible logs in to {host.name} (SSH)"
    for balancer in network.load_balancers:
        state = balancer["follows"]
        for source in _sources(network, balancer):
            for host in network.nodes:
                for component in network.components:
                    checks = f"load balancer {balancer['name']} checks {component['name']} on {host.name}"
                    yield source, network.of(host.address), component["heartbeat"]["port"], checks
                    yield source, network.of(host.address), component["port"], f"{state} traffic of {component['name']} to {host.name}"
        if balancer.get("url"):
            use = "sanity test" if state == "standby" else "comparison and watch"
            yield (network.sender, *_target(network, balancer["url"]), f"{use} through load balancer {balancer['name']}")
        if balancer.get("mirror_to"):
            for source in _sources(network, balancer):
                yield (source, *_target(network, f"http://{balancer['mirror_to']}"), f"load balancer {balancer['name']} copies reads to the standby one")
    for component in network.components:
        if component.get("standby_url"):
            yield (network.sender, *_target(network, component["standby_url"]), f"sanity test of {component['name']}")
        if way_to(component) == "controller":
            url = urlsplit(component["heartbeat"].get("url") or "")
            port = url.port or PORTS.get(url.scheme) or component["heartbeat"]["port"]
            for host in network.nodes:
                yield network.controller, network.of(host.login), port, f"heartbeat of {component['name']} on {host.name} (heartbeat.via: controller)"
    if urlsplit(network.repository_url).hostname:
        for host in network.nodes:
            yield (network.of(host.address), *_target(network, network.repository_url), f"packages for {host.name}")


def _sources(network: Network, balancer: Mapping[str, Any]) -> list[str]:
    """From where it checks and sends traffic; without its addresses, its name stands for them."""
    hosts = {host.name: host.address for host in network.others}
    declared = balancer.get("addresses") or [network.of(hosts[name]) for name in balancer.get("hosts") or () if name in hosts]
    return list(declared) or [f"load balancer {balancer['name']}"]


def _target(network: Network, url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return network.of(parts.hostname or url), parts.port or PORTS.get(parts.scheme, 80)


def as_csv(rows: Iterable[Way]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([HEADER, *rows])
    return text.getvalue()
