# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From where the load balancers check, as all nodes together have seen it. It is shown, and the operator confirms it in the description of the site."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.halfswap.bluegreen.plugins.module_utils._addresses import is_within, plain
from ansible_collections.halfswap.bluegreen.plugins.module_utils.heartbeat._settle import KNOWN_AFTER, is_guess, refused, refused_text

# The status of each component of a node that tells who asks for it, by the name of the node.
Books = Mapping[str, Sequence[Mapping[str, Any]]]
# Enough to recognise a load balancer, or a flood.
SHOWN = 8


def books(said: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[str, list[Mapping[str, Any]]]:
    """The books of those nodes that keep any."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for name, status in said:
        if not is_guess(status):
            found.setdefault(name, []).append(status)
    return found


def asked(kept: Books, path: str) -> dict[str, list[str]]:
    """From which addresses somebody asks for this path again and again, and on which nodes; those that ask on the most nodes first."""
    found: dict[str, list[str]] = {}
    for node, statuses in kept.items():
        seen = {plain(p["address"]) for status in statuses for p in status["probers"] if p["path"] == path and p["seen"] >= KNOWN_AFTER}
        for address in sorted(filter(None, seen)):
            found.setdefault(address, []).append(node)
    return dict(sorted(found.items(), key=lambda each: -len(each[1])))


def refusals(kept: Books, addresses: Sequence[str] = ()) -> list[tuple[str, list[str]]]:
    """Who asked what again and again and got no word, and on which nodes: from these addresses, or from anywhere where none is known."""
    found: dict[tuple[str, str], tuple[str, list[str]]] = {}
    for node, statuses in kept.items():
        for status in statuses:
            for entry in refused(status):
                if not addresses or is_within(entry["address"], addresses):
                    found.setdefault((entry["address"], entry.get("asked") or ""), (refused_text(entry), []))[1].append(node)
    return list(found.values())


def candidates(kept: Books, path: str) -> list[str]:
    """The addresses from which every node is asked for this path: a load balancer checks all of them."""
    return [address for address, nodes in asked(kept, path).items() if len(nodes) == len(kept)]


def entry(addresses: Iterable[str]) -> str:
    """What is to be pasted. YAML would take some IPv6 addresses for numbers."""
    return "addresses: [{}]".format(", ".join(f'"{address}"' if ":" in address else address for address in addresses))


def undeclared(kept: Books, load_balancers: Sequence[Mapping[str, Any]]) -> list[str]:
    """One text for each load balancer that anybody could pass for."""
    if not kept:
        return []
    return [
        f"load balancer {balancer['name']}: its addresses are not declared, so that whoever asks for {balancer['path']} could pass for it. "
        + _seen(kept, balancer["path"])
        for balancer in load_balancers
        if not balancer["addresses"]
    ]


def _seen(kept: Books, path: str) -> str:
    who = [f"{address} ({', '.join(nodes)})" for address, nodes in asked(kept, path).items()]
    if not who:
        told = "".join(f" Refused on {', '.join(nodes)}: {text}." for text, nodes in refusals(kept)[:SHOWN])
        return f"Nobody has asked for it {KNOWN_AFTER} times yet: does it check that path on {', '.join(kept)}?{told}"
    more = [f"{len(who) - SHOWN} more"] if len(who) > SHOWN else []
    # With none that asks everywhere, that which asks at most nodes is an example of the form, and no more.
    return (
        f"It is asked for by {', '.join(who[:SHOWN] + more)}. Find out which of them it is, and add to its entry in bluegreen_load_balancers: "
        f"{entry(candidates(kept, path) or [next(iter(asked(kept, path)))])}"
    )


def learned(kept: Books, load_balancers: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The load balancers as described, and in place of addresses that nobody declared those that ask everywhere."""
    found = []
    for balancer in load_balancers:
        addresses = balancer.get("addresses") or candidates(kept, balancer["path"])
        found.append({**balancer, "addresses": addresses} if addresses else dict(balancer))
    return found


def longest_interval_s(kept: Books, load_balancers: Sequence[Mapping[str, Any]]) -> float | None:
    """The longest time between two checks of one of them, as declared or as seen."""
    known = [balancer["interval_s"] for balancer in load_balancers if balancer.get("interval_s")]
    known += [
        prober["interval_s"]
        for statuses in kept.values()
        for status in statuses
        for prober in status["probers"]
        for balancer in load_balancers
        if prober["interval_s"] and prober["path"] == balancer["path"] and is_within(prober["address"], balancer.get("addresses") or [])
    ]
    return max(known, default=None)
