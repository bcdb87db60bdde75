# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Evidence: what each node itself said, when, and for which batch.

Registered results of module node_info become Node objects here, and anything that is not such a result (a skipped task, a failed
one, an unreachable host, a fact left over from another batch) becomes the reason why the node counts as unread.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ansible.errors import AnsibleActionFail

from ansible_collections.halfswap.bluegreen.plugins.module_utils._dialect import faults, keys, listing, number, or_null, text, truth
from ansible_collections.halfswap.bluegreen.plugins.module_utils._shown import LONG, shown, shown_all
from ansible_collections.halfswap.bluegreen.plugins.module_utils.heartbeat._heartbeat_api import ANY_STATUS
from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm._rpm_files import differ

from ._reason import reason

# What module node_info says of a node. Lock and record were checked where they were read, on the node.
_COMPONENT = keys(
    {
        "name": text(),
        "package": text(),
        "heartbeat": or_null(ANY_STATUS),
        "error": or_null(text()),
        "nevra": or_null(text()),
        "version": or_null(text()),
        "active": truth(),
        "installed_at": or_null(number(None)),
        "started_at": or_null(number(None)),
        "differing": listing(text(), 100000),
    },
    {"owed": truth(), "replaces": or_null(text()), "replaced_active": truth()},
)
_SAID = keys(
    {"at": number(), "batch_id": text(), "machine": text(), "components": listing(_COMPONENT, 1000)},
    {"lock": keys({}), "record": keys({}), "clock_skew_s": number(), "undrainable": or_null(text())},
)

# What stands for a release that has no package.
UNKNOWN = "unknown (adopted)"

# Of what a node says, each text. Modules of ours have cut what they quote, and say a little more than that.
LENGTH = 1000


@dataclass(frozen=True)
class Component:
    """One component as its node described it."""

    name: str
    package: str
    state: str
    healthy: bool
    why: str
    revision: int
    run_id: str | None
    # None: it is not known since when.
    since_s: float | None
    nevra: str | None
    version: str | None
    release: str | None
    active: bool
    installed_at: float | None
    started_at: float | None
    # Requests since the last flip or the start of the agent, and the seconds since then.
    served: int | None
    served_in_s: float
    rate_per_s: float | None
    status: Mapping[str, Any]
    # Whether its package was changed and its service not started again by the run that did so.
    owed: bool = False
    # The files on the disk that are not as in the package.
    differing: tuple[str, ...] = ()
    # The unit in which it runs without its package, where it has another one than with it, and whether that is active.
    replaces: str = ""
    replaced_active: bool = False
    # Whether the node has noted that it serves without a package, by the word of an operator.
    adopted: bool = False

    @property
    def named(self) -> str:
        """Its package as people read it."""
        return self.nevra or (UNKNOWN if self.adopted else "nothing")

    @property
    def serving(self) -> bool:
        return self.state == "live" and self.healthy

    def altered(self) -> list[str]:
        """Why what is installed is not what its package has. The node may serve well so; nobody knows which release that is."""
        return [f"{self.name}: {differ(self.differing, self.nevra)}"] if self.differing else []

    def doubts(self) -> list[str]:
        """Why it is not known what the running process is; nothing when the process is the package installed."""
        if self.nevra is None:
            return [f"{self.name}: {text}" for text in self._doubts_of_unknown()]
        if self.replaced_active:
            return [
                f"{self.name}: {self.replaces}, which it replaces, is active beside {self.nevra}, so nobody knows which of them answers: stop that which is "
                f"not to serve (systemctl disable --now {self.replaces})"
            ]
        if not self.active:
            return [f"{self.name}: its service does not run"]
        if self.started_at is None or self.installed_at is None:
            return [
                f"{self.name}: its service is active, but there is no process in its control group, so nothing tells which release runs: the unit has to keep "
                "its processes (User= instead of su)"
            ]
        if self.owed:
            return [f"{self.name}: its package was changed, and its service not started again: that run was cut off, or the start failed"]
        if self.started_at < self.installed_at:
            return [f"{self.name}: its process was started before {self.nevra} was installed"]
        if self.status.get("status_error"):
            return [f"{self.name}: it does not tell what it has to (status_url; {self.status['status_error']})"]
        if self.release is not None and self.release != self.version:
            return [f"{self.name}: it reports release {self.release}, but {self.nevra} is installed"]
        return []

    def _doubts_of_unknown(self) -> list[str]:
        """Which release that is nobody knows: the operator has said that it serves. What was adopted is its unit, which may have been started again since."""
        if not self.adopted:
            return [f"no package is installed{': what serves without one is adopted by halfswap.bluegreen.adopt' if self.serving else ''}"]
        if not (self.replaced_active if self.replaces else self.active):
            return [f"{self.replaces or 'the service'} in which it was adopted is not active"]
        if self.owed:
            return ["an installation of its package has begun, so the files that were adopted may have been replaced"]
        if self.status.get("status_error"):
            return [f"it does not tell what it has to (status_url; {self.status['status_error']})"]
        return []


@dataclass(frozen=True)
class Node:
    """One node as it described itself; without components, it was not read, and `unread` says why."""

    name: str
    stack: str
    components: tuple[Component, ...] = ()
    unread: str = ""
    # The same for all names of one machine; see module_utils/node/_machine.
    machine: str = ""
    at: float = 0.0
    # The run that holds the node's lock, and what the node noted of its releases; see module_utils/node/_release_record.
    lock: Mapping[str, Any] | None = None
    record: Mapping[str, Any] | None = None
    clock_skew_s: float = 0.0
    # Why nobody could tell when its requests in flight are done; nothing where somebody could, or nobody asked.
    undrainable: str = ""

    @property
    def live(self) -> bool:
        """Whether a load balancer may be sending live traffic here."""
        return any(c.state == "live" for c in self.components)

    @property
    def serving(self) -> bool:
        """Live and healthy in every component: the only thing that counts as capacity."""
        return bool(self.components) and all(c.serving for c in self.components)

    @property
    def nevras(self) -> dict[str, str | None]:
        return {c.name: c.nevra for c in self.components}

    @property
    def named(self) -> str:
        """Its packages as people read them."""
        return " ".join(c.named for c in self.components)

    def as_adopted(self) -> Node:
        """What it would be if an operator adopted it."""
        return replace(self, components=tuple(replace(c, adopted=True) if c.nevra is None else c for c in self.components))

    def has(self, component: str) -> bool:
        """Nobody knows what an unread node lacks."""
        return not self.components or any(c.name == component for c in self.components)

    def doubts(self) -> list[str]:
        return [doubt for c in self.components for doubt in c.doubts()]

    def altered(self) -> list[str]:
        return [text for c in self.components for text in c.altered()]

    def unhealthy(self) -> list[str]:
        return [f"{c.name}: {c.why}" for c in self.components if not c.healthy]

    def ready(self, wanted: Mapping[str, str | None]) -> bool:
        """Whether it needs no more than a sanity test to serve these packages."""
        return self.nevras == dict(wanted) and not self.doubts() and not self.altered() and not self.unhealthy()


def _component(said: Mapping[str, Any], record: Mapping[str, Any] | None) -> Component:
    status = said["heartbeat"]
    requests = status.get("requests") or {}
    since_s = None if status["since_s"] is None else float(status["since_s"])
    return Component(
        name=said["name"],
        package=said["package"],
        state=status["state"],
        healthy=status["healthy"],
        why=status["why"],
        revision=status["revision"],
        run_id=status.get("run_id"),
        since_s=since_s,
        nevra=said["nevra"],
        version=said["version"],
        release=status.get("release"),
        active=said["active"],
        installed_at=said["installed_at"],
        started_at=said["started_at"],
        owed=bool(said.get("owed")),
        served=requests.get("since_flip"),
        served_in_s=min(since_s or 0.0, float((status.get("agent") or {}).get("started_s", since_s or 0.0))),
        rate_per_s=requests.get("rate_per_s"),
        status=status,
        differing=tuple(said["differing"]),
        replaces=said.get("replaces") or "",
        replaced_active=bool(said.get("replaced_active")),
        adopted=bool(record) and (record or {}).get("current", {}).get(said["name"], "") is None,
    )


def read_node(name: str, stack: str, said: Any, batch_id: str | None = None, oldest: float | None = None) -> Node:
    """The node as the result of node_info shows it that was registered. Evidence for another batch, or from before `oldest`, is no evidence."""

    def unread(why: str) -> Node:
        return Node(name, stack, unread=why)

    if not isinstance(said, Mapping) or not said:
        return unread("it was not read")
    said = shown_all(said, LENGTH)
    if said.get("skipped"):
        return unread("its reading was skipped")
    if said.get("unreachable"):
        return unread("it is unreachable")
    if said.get("failed"):
        return unread(f"its reading failed: {reason(said) or 'no reason given'}")
    if said.get("unreadable"):
        return unread(f"it cannot be read: {shown(said['unreadable'], LONG)}")
    if "at" not in said or "components" not in said:
        return unread("what was registered is not the result of halfswap.bluegreen.node_info")
    wrong = faults(_SAID, said)
    if wrong:
        return unread(f"it answers in another dialect than halfswap.bluegreen.node_info: {'; '.join(wrong)}")
    if batch_id is not None and said["batch_id"] != batch_id:
        return unread(f"it was read for {said['batch_id'] or 'no batch'}, not for {batch_id}")
    if oldest is not None and said["at"] < oldest:
        return unread(f"it was read {oldest - said['at']:.0f} s too long ago")
    errors = [
        each["error"] or f"component {each['name']}: nothing is known of its heartbeat"
        for each in said["components"]
        if each["error"] or each["heartbeat"] is None
    ]
    if errors:
        return unread("; ".join(errors))
    components = tuple(_component(each, said.get("record")) for each in said["components"])
    if not components:
        return unread("it has no components")
    return Node(
        name,
        stack,
        components,
        machine=said["machine"],
        at=float(said["at"]),
        lock=said.get("lock"),
        record=said.get("record"),
        clock_skew_s=float(said.get("clock_skew_s") or 0.0),
        undrainable=said.get("undrainable") or "",
    )


def variable_named(name: Any) -> str:
    """What was registered is asked for by the name of its variable: handed over as it is, it would be read once more for each node."""
    if not isinstance(name, str):
        raise AnsibleActionFail(
            f"The name of a variable belongs where {str(name)[:60]!r} stands: that in which it was registered, and not what was registered."
        )
    return name


def registered(hostvars: Any, name: str, variable: str) -> Any:
    """What was registered on a node, just as it is: no template sees what a node says, and none has to be filled in for it."""
    variable = variable_named(variable)
    if name not in hostvars:
        return None
    return getattr(hostvars, "raw_get", hostvars.__getitem__)(name).get(variable)


def read_nodes(
    stacks: Mapping[str, Sequence[str]],
    hostvars: Any,
    variable: str,
    batch_id: str | None = None,
    oldest: float | None = None,
    without: Collection[str] = (),
) -> list[Node]:
    """Every node of the inventory groups, read or not: whatever --limit, tags or slicing left out is there as unread.

    Only those named in `without` are not: the operator knows them to be dead. They serve nobody, so they add to no capacity.
    """
    nodes = [
        read_node(name, stack, registered(hostvars, name, variable), batch_id, oldest)
        for stack, names in stacks.items()
        for name in names
        if name not in without
    ]
    names: dict[str, list[str]] = {}
    for node in nodes:
        names.setdefault(node.machine, []).append(node.name)
    return [_as_one(node, names[node.machine]) if node.machine else node for node in nodes]


def _as_one(node: Node, names: Sequence[str]) -> Node:
    """A machine counts once. Under several names it does not count at all: nobody knows which of them is meant."""
    others = " and ".join(name for name in names if name != node.name)
    if not others:
        return node
    return Node(node.name, node.stack, unread=f"it is the same machine as {others}, which counts once: leave one of these names in the inventory")


class Unstaged(Exception):
    """The packages of a node were not found."""


def staged(nodes: Sequence[Node], hostvars: Any, variable: str | None) -> dict[str, dict[str, str | None]]:
    """Per node and component the package that is to be there: what was staged for the node, or without a variable what it has."""
    if variable is None:
        return {node.name: node.nevras for node in nodes}
    wanted: dict[str, dict[str, str | None]] = {}
    for node in nodes:
        found = shown_all(registered(hostvars, node.name, variable) or {}, LENGTH)
        if found.get("failed") or "packages" not in found:
            raise Unstaged(f"{node.name}: the packages of the release were not found for it ({reason(found) or 'skipped'}).")
        resolved = {package["name"]: package["after"] for package in found["packages"]}
        # What was adopted has no package that could be staged.
        wanted[node.name] = {component.name: resolved.get(component.package) for component in node.components}
    return wanted
