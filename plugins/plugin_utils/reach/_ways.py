# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ways from the controller to a heartbeat: over the network, or through SSH. What was seen there is handed to the module on the node.

So the records, the journal and the lock stay on the node, whoever reaches its heartbeat.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from ansible.errors import AnsibleActionFail

from ansible_collections.halfswap.bluegreen.plugins.module_utils._http import Answer, request
from ansible_collections.halfswap.bluegreen.plugins.module_utils.heartbeat._heartbeat_api import HeartbeatError
from ansible_collections.halfswap.bluegreen.plugins.module_utils.heartbeat._heartbeats import (
    FAR_PROFILES,
    WAYS,
    Untold,
    application,
    heartbeat_of,
    profile_of,
    seen_of,
    tell,
    way_to,
)

from ._tunnel import Tunnel, TunnelError, target

Send = Callable[..., Answer]
# A question costs a round trip or two, not a process on the node.
POLL_S = 0.25
LOOPBACK = ("127.0.0.1", "::1", "localhost")


class WayError(Exception):
    """The controller does not get to the heartbeats of the node."""


def way(components: Sequence[Mapping[str, Any]]) -> str:
    """How the heartbeats of a node are reached: all of them alike, for they are switched together."""
    ways = list(dict.fromkeys(way_to(component) for component in components))
    names = ", ".join(component.get("name", "?") for component in components)
    if len(ways) > 1:
        raise AnsibleActionFail(f"heartbeat.via is {' and '.join(ways)} for {names}: all components of a node are reached in the same way.")
    if ways and ways[0] not in WAYS:
        raise AnsibleActionFail(f"heartbeat.via is {ways[0]} for {names}; there are {', '.join(WAYS)}.")
    for component in components:
        if ways[0] != "node" and profile_of(component) not in FAR_PROFILES:
            raise AnsibleActionFail(
                f"component {component['name']}: a heartbeat of profile {profile_of(component)} is only reached on the node, not via {ways[0]}."
            )
    return ways[0] if ways else "node"


@contextmanager
def sending(via: str, connection: Any, address: str) -> Iterator[Send]:
    """How requests get to the node, whose URLs are those of the node itself."""
    if via == "tunnel":
        try:
            with Tunnel(target(connection)) as tunnel:
                yield tunnel.request
        except TunnelError as exc:
            raise WayError(f"{exc} (heartbeat.via: tunnel)") from exc
        return

    def over_the_network(url: str, *args: Any) -> Answer:
        answer: Answer = request(_at(url, address), *args)
        return answer

    yield over_the_network


def _at(url: str, address: str) -> str:
    """The URL as the controller reaches it: the node's own loopback is the node's address there."""
    parts = urlsplit(url)
    if parts.hostname not in LOOPBACK:
        return url
    host = f"[{address}]" if ":" in address else address
    return parts._replace(netloc=f"{host}:{parts.port}" if parts.port else host).geturl()


def far(component: Mapping[str, Any], token: str | None, send: Send) -> Any:
    """The heartbeat as the controller alone can see it: what the node's records know is null."""
    return heartbeat_of(component, token, send=send, books=False)


def with_seen(component: Mapping[str, Any], relayed: Mapping[str, Any]) -> dict[str, Any]:
    """The component for a module on the node, with what the controller has seen of it."""
    return {**component, "heartbeat": {**(component.get("heartbeat") or {}), "relayed": relayed}}


def look(component: Mapping[str, Any], token: str | None, send: Send) -> dict[str, Any]:
    """What the controller sees of one component now."""
    try:
        if profile_of(component) == "api":
            return {"status": far(component, token, send).status(fresh=True)}
        return {"seen": seen_of(component, send)}
    except HeartbeatError as exc:
        return {"error": str(exc)}


class Remote:
    """A heartbeat that the controller reads and writes, in turns with the module on the node, which keeps the records."""

    def __init__(self, component: Mapping[str, Any], token: str, send: Send) -> None:
        self.name = component["name"]
        self.relayed = look(component, token, send)
        self._api: Any = far(component, token, send) if profile_of(component) == "api" else None
        self._application: Any = None if self._api or "error" in self.relayed else application(self.name, component["heartbeat"], send=send)
        self._recorded: Mapping[str, Any] = {}
        self._recorded_at = 0.0

    def write(self, before: Mapping[str, Any], params: Mapping[str, Any]) -> None:
        """Tell it the state wanted, decided on what it said before."""
        if self._api:
            record = {key: params[key] for key in ("state", "reason", "run_id", "by", "phase")}
            self.relayed = {**self.relayed, "after": self._api.put(before["revision"], **record)}
        else:
            if before["state"] != params["state"]:
                tell(self._application, params["state"])
            self.relayed = {"seen": {**self.relayed["seen"], "written": params["state"]}}

    def recorded(self, status: Mapping[str, Any]) -> None:
        """What the node's records say of it now."""
        self._recorded, self._recorded_at = status, time.monotonic()

    def status(self, fresh: bool = False) -> Mapping[str, Any]:
        if self._api:
            status: Mapping[str, Any] = self._api.status(fresh)
            return status
        try:
            state = self._application.read()
        except Untold:
            state = self._recorded["state"]
        since_s = self._recorded["since_s"]
        return {**self._recorded, "state": state, "since_s": since_s + time.monotonic() - self._recorded_at}
