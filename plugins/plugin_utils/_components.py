# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One description of a component, and the view of it that each module and role takes as its argument."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.halfswap.bluegreen.plugins.module_utils.heartbeat._heartbeats import profile_of, way_to

from .site import description as site


class ComponentError(Exception):
    """The description of the components is wrong; the text says which component, which key and what belongs there."""


def _control_url(component: Mapping[str, Any]) -> str:
    heartbeat = component["heartbeat"]
    return heartbeat.get("url") or f"http://127.0.0.1:{heartbeat['control_port']}"


def _status(component: Mapping[str, Any]) -> dict[str, Any]:
    status = {"url": component.get("status_url"), "release_key": component.get("release_key"), "requests_key": component.get("requests_key")}
    return {key: value for key, value in status.items() if value} if status["url"] else {}


def _heartbeat(component: Mapping[str, Any]) -> dict[str, Any]:
    """How the modules reach it: at the URL of the heartbeat API, or as its profile says."""
    if profile_of(component) == "api":
        return {"url": _control_url(component), **({"heartbeat": {"via": way_to(component)}} if way_to(component) != "node" else {})}
    health = {"url": component["health_url"], "timeout_s": component.get("health_timeout_s")}
    own = {key: value for key, value in component["heartbeat"].items() if key != "port"}
    return {"heartbeat": {**own, "health": {key: value for key, value in health.items() if value}, "status": _status(component)}}


def _agent(component: Mapping[str, Any]) -> dict[str, Any] | None:
    heartbeat = component["heartbeat"]
    if "url" in heartbeat or profile_of(component) != "api":
        return None  # the application has a heartbeat of its own
    health = {"url": component["health_url"]} | {key: component.get(f"health_{key}") for key in ("timeout_s", "interval_s", "fall")}
    address = heartbeat.get("address", "0.0.0.0")
    host = f"[{address}]" if ":" in address and not address.startswith("[") else address
    return {
        "name": component["name"],
        "probe": f"{host}:{heartbeat['port']}",
        "control": f"127.0.0.1:{heartbeat['control_port']}",
        "health": {key: value for key, value in health.items() if value},
        "status": _status(component),
    }


def _drain(component: Mapping[str, Any], method: Any) -> dict[str, Any]:
    if method == "counter" and not (component.get("status_url") and component.get("in_flight_key")):
        raise ComponentError(
            f"component {component['name']} has no status_url and in_flight_key, so nobody can count its requests in flight: give both, or set "
            "bluegreen_drain_method to kernel, which needs no help from the application (see docs/drain.md)"
        )
    view = {"name": component["name"], "service": component["service"], "ports": [component["port"]], **_replaces(component)}
    if component.get("long_lived_ports"):
        view["long_lived_ports"] = component["long_lived_ports"]
    if component.get("status_url") and component.get("in_flight_key"):
        view["in_flight_url"] = component["status_url"]
        view["in_flight_key"] = component["in_flight_key"]
        if component.get("requests_key"):
            view["requests_key"] = component["requests_key"]
    return view


def _unit(component: Mapping[str, Any], application: Any) -> str:
    """The unit of its agent."""
    instance = f"{application}.{component['name']}" if application else component["name"]
    return f"halfswap-heartbeat@{instance}.service" if _agent(component) else ""


def _check(component: Mapping[str, Any], application: Any) -> dict[str, Any]:
    """Where a node has to look before a deployment: every key is given, whatever the component has."""
    heartbeat, agent = component["heartbeat"], _agent(component)
    unit = _unit(component, application)
    ports = [{"port": component["port"], "what": "application", "unit": component["service"], "outside": True}]
    if heartbeat["port"] != component["port"]:
        ports.append({"port": heartbeat["port"], "what": "heartbeat", "unit": unit or component["service"], "outside": True})
    if agent:
        ports.append({"port": heartbeat["control_port"], "what": "control side of the heartbeat", "unit": unit, "outside": False})
    keys = {name: component.get(f"{name}_key") for name in ("release", "in_flight", "requests")}
    # The agent looks for this one even if nobody names it.
    keys["release"] = keys["release"] or ("release" if agent else None)
    return {
        "name": component["name"],
        "package": component["package"],
        "service": component["service"],
        "agent": unit,
        **_replaces(component),
        "ports": ports,
        "health_url": component.get("health_url") or "",
        "status_url": component.get("status_url") or "",
        "keys": {name: key for name, key in keys.items() if key},
    }


def _is_adopted(component: Mapping[str, Any], release: Any) -> bool:
    """Whether that release has no package of it: what an operator has adopted is noted as None. A release that somebody asks for has a version."""
    return isinstance(release, Mapping) and component["name"] in release and release[component["name"]] is None


def _replaces(component: Mapping[str, Any]) -> dict[str, Any]:
    return {"replaces": component["replaces"]} if component.get("replaces") else {}


def _of_release(component: Mapping[str, Any], release: Any) -> str:
    version = release.get(component["name"]) if isinstance(release, Mapping) else release
    if version in (None, ""):
        raise ComponentError(f"no release is given for component {component['name']}: set bluegreen_release, for instance -e bluegreen_release=2.0.0")
    return str(version)


def _capacity(component: Mapping[str, Any]) -> dict[str, Any] | None:
    if not component.get("capacity_per_s"):
        return None  # nobody measured it
    return {"name": component["name"], "per_s": float(component["capacity_per_s"])}


def _wanted(component: Mapping[str, Any], release: Any) -> dict[str, Any]:
    """A release is a version, as people name it, or the exact package (NEVRA), as a plan names it: only that one has dashes."""
    wanted = _of_release(component, release)
    if "-" not in wanted:
        return {"version": wanted}
    label, arch = wanted.rsplit(".", 1)
    _name, version, release = label.rsplit("-", 2)
    epoch, _colon, version = version.rpartition(":")
    return {"version": version, "release": release, "arch": arch, **({"epoch": int(epoch)} if epoch else {})}


def _startable(component: Mapping[str, Any]) -> dict[str, Any]:
    """What shows beforehand whether it could be started: its unit, and where it is to listen."""
    return {"service": component["service"], **({"health_url": component["health_url"]} if component.get("health_url") else {})}


def _package(component: Mapping[str, Any], release: Any) -> dict[str, Any] | None:
    if _is_adopted(component, release):
        return None  # there is none to be staged
    return {**_packaged(component, "name"), **_wanted(component, release), **_startable(component), **_replaces(component)}


def _released(component: Mapping[str, Any], release: Any) -> dict[str, Any]:
    wanted = {"as_adopted": True} if _is_adopted(component, release) else _wanted(component, release)
    return {"name": component["name"], **_packaged(component), **wanted, "service": component["service"], **_replaces(component), **_heartbeat(component)}


def _packaged(component: Mapping[str, Any], key: str = "package") -> dict[str, Any]:
    return {key: component["package"], **({"may_differ": component["may_differ"]} if component.get("may_differ") else {})}


def _build(component: Mapping[str, Any], release: Any) -> dict[str, Any] | None:
    if not component.get("build"):
        return None  # somebody else builds it
    return {"name": component["package"], "version": _of_release(component, release), **component["build"]}


def _test(component: Mapping[str, Any], release: Any) -> dict[str, Any]:
    """What goes through the standby load balancer."""
    return {key: value for key, value in _sanity(component, release).items() if value and key in ("name", "url", "checks", "release", "release_header")}


def _sanity(component: Mapping[str, Any], release: Any) -> dict[str, Any]:
    header = component.get("release_header", "")
    version = "" if _is_adopted(component, release) else _wanted(component, release)["version"]
    checks = component.get("sanity") or [{"name": "answers", "path": "/"}]
    alone = bool(component.get("sanity_commands")) or any(check.get("through") in ("node", "both") for check in checks)
    return {
        "name": component["name"],
        "url": component.get("standby_url"),
        # Whether there is more than checks through the load balancer: a comparison, or what each node can show without the other release.
        "further": alone or bool(component.get("compare")),
        "further_alone": alone,
        "node_url": component.get("node_url") or f"http://127.0.0.1:{component['port']}",
        # Without checks of its own a component must at least answer through the standby load balancer.
        "checks": checks,
        # An application whose answers do not tell the release is taken at its status.
        "release": version if header else "",
        "release_header": header,
        "commands": [
            {**command, "env": {"SANITY_RELEASE": version, "SANITY_COMPONENT": component["name"], **(command.get("env") or {})}}
            for command in component.get("sanity_commands") or []
        ],
        "compare": component.get("compare") or {},
    }


def _verify(component: Mapping[str, Any], application: Any) -> dict[str, Any]:
    # A request that does not change anything: the first check of the sanity test that only reads.
    reading = [check["path"] for check in component.get("sanity") or () if str(check.get("method", "GET")).upper() == "GET" and check.get("path")]
    return {
        "name": component["name"],
        "path": reading[0] if reading else "/",
        "standby_url": component.get("standby_url", ""),
        # Only a heartbeat beside the application can be stopped by itself.
        "unit": _unit(component, application),
    }


# The second argument is the release, for `drain` the method, for `check` and `verify` the name of the application, or for `frontend` the address that the
# load balancer listens at.
VIEWS: dict[str, Callable[[Mapping[str, Any], Any], dict[str, Any] | None]] = {
    "heartbeat": lambda c, release: {"name": c["name"], **_heartbeat(c)},
    "node": lambda c, release: {"name": c["name"], **_packaged(c), "service": c["service"], **_replaces(c), **_heartbeat(c)},
    "switch": lambda c, release: {"name": c["name"], "package": c["package"], "service": c["service"], **_replaces(c), **_heartbeat(c)},
    "observe": lambda c, release: {"name": c["name"], "service": c["service"], **_replaces(c), **_heartbeat(c)},
    "agent": lambda c, release: _agent(c),
    "check": _check,
    "way": lambda c, release: {
        **{key: c[key] for key in ("name", "port", "standby_url") if c.get(key)},
        "heartbeat": {key: value for key, value in c["heartbeat"].items() if key in ("port", "url", "via", "profile")},
    },
    "capacity": lambda c, release: _capacity(c),
    "drain": _drain,
    "package": _package,
    "release": _released,
    "build": _build,
    "sanity": _sanity,
    "test": _test,
    "watch": lambda c, release: {"name": c["name"], "url": _control_url(c)} if profile_of(c) == "api" else None,
    "verify": _verify,
    "frontend": lambda c, address: {
        "name": c["name"],
        "bind": f"{address or '*'}:{c.get('load_balancer_port', c['port'])}",
        "port": c["port"],
        "heartbeat_port": c["heartbeat"]["port"],
    },
}


def view(components: Any, kind: str, release: Any = None) -> list[dict[str, Any]]:
    """The components as the module or role of that kind takes them."""
    try:
        described = site.components(components)
    except site.SiteError as exc:
        raise ComponentError(f"{exc} See bluegreen_components in the README.") from exc
    if kind not in VIEWS:
        raise ComponentError(f"there is no view {kind}; there are {', '.join(sorted(VIEWS))}")
    views = [VIEWS[kind](component, release) for component in described]
    return [found for found in views if found is not None]
