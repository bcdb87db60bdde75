# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What verify_lb does, by the description of the site: which nodes it tests, through which URLs it asks, and whom it restarts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._components import view

# For everything that has no limit of its own, and for the restart of a load balancer.
MARGIN_S = 600.0
RESTART_S = 60.0
# Checks beside the declared ones: one that is declared wrongly is seen to be late.
CHECKS_MORE = 3
# Where nobody knows how often a load balancer asks.
INTERVAL_S = 1.0
# As setup calls the service of a kind.
SERVICES = {"apache": "apache2"}


def faults(settings: Mapping[str, Any]) -> list[str]:
    """Why there would be nothing to measure."""
    found = [
        f"load balancer {balancer['name']} has no url, and verify_lb sends requests through each one: add it to its entry in bluegreen_load_balancers."
        for balancer in settings["load_balancers"]
        if not balancer.get("url")
    ]
    excluded = set(settings["without"] or ())
    found += [
        f"bluegreen_verify_nodes names {node}, which bluegreen_without leaves out: name another one."
        for node in (settings["verify_nodes"] or () if settings["verify_nodes"] != "all" else ())
        if node in excluded
    ]
    if not view(settings["components"], "watch"):
        found.append(
            "no component has a heartbeat that tells who asks for it, so nobody can count the checks of a load balancer: verify_lb needs the agent, or the "
            "heartbeat API in the application (docs/heartbeat-api.md)."
        )
    return found


def verification(settings: Mapping[str, Any], application: Mapping[str, Sequence[str]], name: str = "") -> dict[str, Any]:
    views, balancers = view(settings["components"], "verify", name), settings["load_balancers"]
    here = [balancer for balancer in balancers if settings["verify_restart"] and balancer.get("hosts")]
    by_hand = [balancer for balancer in balancers if balancer not in here and settings["verify_restart_watch_s"] > 0]
    streams = [
        {"load_balancer": balancer["name"], "component": component["name"], "url": _base(balancer, component).rstrip("/") + component["path"]}
        for balancer in balancers
        for component in views
    ]
    flips = int(settings["verify_flips"])
    return {
        "nodes": _tested(settings, application),
        "watched": view(settings["components"], "watch"),
        "units": [component["unit"] for component in views if component["unit"]],
        "words": {balancer["path"]: balancer["follows"] for balancer in balancers},
        "streams": streams,
        "restarts": [
            {
                "name": balancer["name"],
                "by": by,
                "hosts": list(balancer.get("hosts") or ()),
                "service": balancer.get("service") or SERVICES.get(str(balancer.get("kind")), balancer.get("kind")),
                "streams": [stream for stream in streams if stream["load_balancer"] == balancer["name"]],
            }
            for by, restarted in (("ansible", here), ("hand", by_hand))
            for balancer in restarted
        ],
        # Everything once more than it is done. A hold is as long as a load balancer needs to change its mind, which lb_probers finds out.
        "lock": {
            "fixed_s": MARGIN_S + 2 * (flips + 2) * settings["settle_timeout_s"] + len(balancers) * (settings["verify_restart_watch_s"] + RESTART_S),
            "holds": 2 * flips + 10,
        },
    }


def hold_s(balancers: Sequence[Mapping[str, Any]], interval_s: float | None) -> float:
    """As long as a load balancer needs to change its mind, by what it is declared to need, with some checks more."""
    counts = [int(balancer[key]) for balancer in balancers for key in ("fall", "rise")]
    return round(1 + (max(counts) + CHECKS_MORE) * (interval_s or INTERVAL_S), 3)


def _tested(settings: Mapping[str, Any], application: Mapping[str, Sequence[str]]) -> list[str]:
    """In the order of the inventory. One of each stack sees every load balancer both ways."""
    left = [[name for name in stack if name not in (settings["without"] or ())] for stack in application.values()]
    if settings["verify_nodes"] == "all":
        return [name for stack in left for name in stack]
    return list(settings["verify_nodes"] or ()) or [stack[0] for stack in left if stack]


def _base(balancer: Mapping[str, Any], component: Mapping[str, Any]) -> str:
    own = component["standby_url"] if balancer["follows"] == "standby" else ""
    return str(own or balancer["url"])
