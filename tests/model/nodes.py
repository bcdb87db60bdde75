# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one node of the model can be like, what can become of it, and what the interlock permits for it alone.

The evidence and the interlock are those of the collection.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import NamedTuple

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._evidence import Component, Node
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._interlock import refuse_live, served_by


class Violation(Exception):
    """A rule was broken."""

    def __init__(self, rule: str, text: str) -> None:
        super().__init__(f"{rule}: {text}")
        self.rule = rule


class Local(NamedTuple):
    beat: str  # live, standby, or unread: dead, or out of reach
    package: str | None = None
    # runs: the package as installed; stale: one started before that; mute: it reports another release, or none; none: stopped
    process: str = "none"
    healthy: bool = False

    def __str__(self) -> str:
        if self.beat == "unread":
            return "unread"
        process = {"runs": "", "stale": ", not restarted", "mute": ", tells another release", "none": ", stopped"}[self.process]
        return f"{self.beat}, {self.package or 'nothing'}{process}{'' if self.healthy or self.process == 'none' else ', unhealthy'}"


OLD, NEW, OTHER = RELEASES = ("shop-1.0.0-1", "shop-2.0.0-1", "shop-1.5.0-1")
# What serves without a package, as an operator has adopted it. With a package, every node has a unit to go back to; one that has nothing never had.
ADOPTED = "adopted"
TARGETS = (*RELEASES, ADOPTED)
LOCALS = [Local("unread")] + [
    Local(beat, *rest)
    for beat in ("live", "standby")
    for rest in [
        (None, "none", False),
        *((package, process, healthy) for package in RELEASES for process in ("runs", "stale", "mute") for healthy in (True, False)),
        *((package, "none", False) for package in TARGETS),
        *((ADOPTED, "runs", healthy) for healthy in (True, False)),
    ]
]
INDEX = {local: index for index, local in enumerate(LOCALS)}
UNREAD = INDEX[Local("unread")]


def table(change: Callable[[Local], Local]) -> list[int]:
    """What becomes of each; a dead node stays dead. Whatever comes out is in LOCALS again, or this fails."""
    return [index if index == UNREAD else INDEX[change(local)] for index, local in enumerate(LOCALS)]


def _started(local: Local) -> Local:
    return local._replace(process="runs", healthy=True) if local.package and local.process == "none" else local


def _installed(package: str) -> list[int]:
    if package == ADOPTED:
        # The package is removed, and nothing of it runs any more.
        return table(lambda local: local._replace(package=package, process="none", healthy=False))
    return table(lambda local: local._replace(package=package))


def nevra(package: str | None) -> str | None:
    return None if package == ADOPTED else package


LIVE = table(lambda local: local._replace(beat="live"))
STANDBY = table(lambda local: local._replace(beat="standby"))
STOPPED = table(lambda local: local._replace(process="none", healthy=False))
INSTALLED = {package: _installed(package) for package in TARGETS}
# What runs is left alone, unless it was stopped before.
STARTED = table(_started)

is_live = [local.beat == "live" for local in LOCALS]
is_standby = [local.beat == "standby" for local in LOCALS]
serves = [local.beat == "live" and local.healthy for local in LOCALS]
is_right = [local.process == "runs" and local.healthy for local in LOCALS]
is_good = [serving and right for serving, right in zip(serves, is_right)]

# What can happen to a node while we work.
DISTURBANCES = {
    "is lost": [UNREAD] * len(LOCALS),
    "is flipped by somebody else": table(lambda local: local._replace(beat="standby" if local.beat == "live" else "live")),
    "turns unhealthy": table(lambda local: local._replace(healthy=False)),
}
FLIPPED = DISTURBANCES["is flipped by somebody else"]


class Remembered(Node):
    """A node that works out only once what it says of itself."""

    @functools.cached_property
    def live(self) -> bool:
        return super().live

    @functools.cached_property
    def serving(self) -> bool:
        return super().serving

    @functools.cached_property
    def nevras(self) -> dict[str, str | None]:
        return super().nevras

    _doubts = functools.cached_property(Node.doubts)
    _unhealthy = functools.cached_property(Node.unhealthy)

    def doubts(self) -> list[str]:
        return self._doubts

    def unhealthy(self) -> list[str]:
        return self._unhealthy


def node(name: str, stack: str, local: Local) -> Node:
    if local.beat == "unread":
        return Remembered(name, stack, unread="it is unreachable")
    package = nevra(local.package)
    version = package.split("-")[1] if package else None
    component = Component(
        name="shop",
        package="shop",
        state=local.beat,
        healthy=local.healthy,
        why="HTTP 200" if local.healthy else "HTTP 503",
        revision=1,
        run_id=None,
        since_s=0.0,
        nevra=package,
        version=version,
        release="0" if local.process == "mute" else version,
        active=bool(package) and local.process != "none",
        installed_at=2.0 if package else None,
        started_at={"none": None, "stale": 1.0}.get(local.process, 3.0) if package else None,
        replaces="old",
        replaced_active=local.package == ADOPTED and local.process != "none",
        adopted=local.package is not None,
        served=None,
        served_in_s=0.0,
        rate_per_s=None,
        status={"probers": []},
    )
    return Remembered(name, stack, (component,))


# What the interlock permits for a node alone.

SANITY = [{"nodes": [{"name": "me"}]}]
ALL_NODES = [node("me", "blue", local) for local in LOCALS]


class Proof(NamedTuple):
    """A node that was read, the package that it must have, and whether the sanity test was passed."""

    local: int
    package: str | None
    sanity: bool


Served = frozenset[str | None]


@functools.cache
def served(around: frozenset[int]) -> Served:
    """The packages that nodes serve, as the permit tells those who come in. Which of them is like what makes no difference, and how many neither."""
    found = frozenset(packages["shop"] or ADOPTED for packages in served_by([ALL_NODES[local] for local in around]))
    true = frozenset(LOCALS[local].package for local in around if is_good[local])
    if found != true:
        raise Violation("what counts as served is what serves", f"it is {set(true) or 'nothing'}, and {set(found) or 'nothing'} counts")
    return found


@functools.cache
def permitted(serves: Served) -> frozenset[Proof]:
    """All that may go live while this is served."""
    packages = [{"shop": nevra(package)} for package in serves]
    found = set()
    for local, me in enumerate(ALL_NODES):
        for package in TARGETS:
            for sanity in (True, False):
                reasons = refuse_live(me, packages, {"shop": nevra(package)}, SANITY if sanity else [])
                right = is_right[local] and LOCALS[local].package == package and (sanity or package in serves)
                if right == bool(reasons):
                    raise Violation(
                        "no node goes live unproven, and none is kept back without a reason",
                        f"a node that is {LOCALS[local]}, to run {package}, sanity test {'passed' if sanity else 'not passed'}, "
                        f"{set(serves) or 'nothing'} served: the interlock says {reasons or 'yes'}",
                    )
                if not reasons:
                    found.add(Proof(local, package, sanity))
    return frozenset(found)
