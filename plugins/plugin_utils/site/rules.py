# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What no type says: how a name looks, which keys belong together, what a version is.

A rule of one value says what is wrong with it as the end of a sentence ("... is X, but <this>."), or nothing. What a rule of a list or a dictionary
says comes after its name; it may be several things, with semicolons between them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from ansible_collections.halfswap.bluegreen.plugins.module_utils._addresses import problems
from ansible_collections.halfswap.bluegreen.plugins.module_utils.heartbeat._heartbeat_api import HeartbeatError
from ansible_collections.halfswap.bluegreen.plugins.module_utils.heartbeat._heartbeats import FAR_PROFILES, described, profile_of, way_to
from ansible_collections.halfswap.bluegreen.plugins.module_utils.sanity import _compare, _sanity

from .._refusals import ROWS
from ..judge._windows import WindowError, refusals
from .check import QUOTED_CHARACTERS, nearest

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
# What rpm takes for a version: a dash separates it from the release.
VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+~^]*")
ARCHITECTURES = ("noarch", "x86_64", "aarch64", "ppc64le", "s390x", "i386", "i486", "i586", "i686", "armv7hl", "riscv64", "ppc64")
PACKAGE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]*")
WITH_ARCHITECTURE = re.compile(r".*\.(" + "|".join(ARCHITECTURES) + ")")
SERVICE = re.compile(r"[A-Za-z0-9:_.@\\-]+")
OTHER_UNITS = ("socket", "timer", "path", "target", "scope", "slice", "mount", "automount", "swap", "device")
TOKEN = re.compile(r"[\x21-\x7e]+")
EXAMPLE = "for instance -e bluegreen_release=2.0.0"


def http_url(value: str) -> str:
    return "" if re.fullmatch(r"https?://[^\s/]+(/\S*)?", value) else "a URL that begins with http:// or https:// belongs there"


def url_path(value: str) -> str:
    return "" if re.fullmatch(r"/[\x21-\x7e]*", value) else "a URL path that begins with / belongs there"


def component_name(value: str) -> str:
    return "" if NAME.fullmatch(value) else "a name has letters, digits, and _ . - after the first one"


file_name = component_name


def package_name(value: str) -> str:
    # A version alone may be part of a name (java-1.8.0-openjdk): of that a node knows.
    if WITH_ARCHITECTURE.fullmatch(value):
        return "the name alone belongs there: version and architecture come with bluegreen_release"
    return "" if PACKAGE.fullmatch(value) else "the name of an RPM has letters, digits, and . _ + - after the first one"


def service_name(value: str) -> str:
    base, dot, kind = value.rpartition(".")
    if not SERVICE.fullmatch(value):
        return "the name of a systemd unit has letters, digits, and : _ . @ - \\ in it"
    if dot and kind in OTHER_UNITS:
        return f"a service belongs there, whose process can be proven: name the service that the {kind} starts (what triggers it is stopped with it)"
    if (base if kind == "service" else value).endswith("@"):
        return "a template runs nothing by itself: name one instance of it, such as shop@1"
    return ""


def token(value: str) -> str:
    return "" if TOKEN.fullmatch(value) else "it has blanks, line breaks or other characters that no HTTP header takes: make one with `openssl rand -hex 32`"


def addresses(value: Sequence[str]) -> str:
    return "; ".join(problems(value))


def verify_nodes(value: Any) -> str:
    if value == "all" or (isinstance(value, list) and value and all(isinstance(name, str) for name in value)):
        return ""
    return 'a list of nodes, or "all", belongs there'


def windows(value: Mapping[str, Any]) -> str:
    try:
        refusals(value, datetime.now(timezone.utc), 0.0)
    except WindowError as exc:
        return str(exc).rstrip(".")
    return ""


def passable(value: Sequence[str]) -> str:
    """What is wrong with the refusals that a run passes."""
    found = []
    for code in value:
        row = ROWS.get(code)
        if row is None:
            meant = nearest(code.upper(), ROWS).removesuffix(".")
            found.append(f"{code[:QUOTED_CHARACTERS]} is the name of no refusal ({meant}); docs/refusals.md lists them")
        elif not row.passable:
            found.append(f"{code} cannot be passed, whatever the reason: {row.remedy.removesuffix('.')}")
    return "; ".join(found)


def applications(value: Mapping[str, Any]) -> str:
    strange = [str(name) for name, variables in value.items() if not NAME.fullmatch(str(name)) or not isinstance(variables, Mapping)]
    return f"each name has a dictionary with its variables, and {', '.join(strange)} has none" if strange else ""


def load_balancers(value: Sequence[Mapping[str, Any]]) -> str:
    found = []
    missing = [state for state in ("live", "standby") if state not in [balancer["follows"] for balancer in value]]
    if missing:
        found.append(f"none follows {' and none follows '.join(missing)}; there must be one for each state")
    whole = [{"path": path_of(balancer), **balancer} for balancer in value]
    for key, text in (("path", "check the same path {}; give each a URL of its own, so that they can be told apart"), ("name", "are called {}")):
        values = [balancer.get(key) for balancer in whole if balancer.get(key)]
        found += [f"two {text.format(each)}" for each in sorted({str(each) for each in values if values.count(each) > 1})]
    for balancer in whole:
        other = {"live": "standby", "standby": "live"}[balancer["follows"]]
        if balancer["path"].partition("?")[0] == f"/heartbeat/{other}":
            found.append(
                f"load balancer {balancer.get('name')} follows {balancer['follows']} and checks {balancer['path']}, which answers 200 for nodes that are "
                f"{other}: its path is {path_of(balancer)}"
            )
    return "; ".join(found)


def path_of(balancer: Mapping[str, Any]) -> str:
    """What a load balancer checks whose description does not say it."""
    return f"/heartbeat/{balancer.get('follows')}"


def sanity_way(described: Sequence[Mapping[str, Any]], balancers: Sequence[Mapping[str, Any]]) -> list[str]:
    """Why no sanity test can reach a node that is not live."""
    if any(balancer["follows"] == "standby" and balancer.get("url") for balancer in balancers) or all(component.get("standby_url") for component in described):
        return []
    return [
        "bluegreen_load_balancers: none that follows standby has a url, through which the sanity test goes: give the address where the controller reaches it."
    ]


def compare_way(described: Sequence[Mapping[str, Any]], balancers: Sequence[Mapping[str, Any]]) -> list[str]:
    """Why there is nothing to compare answers with."""
    if any(balancer["follows"] == "live" and balancer.get("url") for balancer in balancers):
        return []
    return [
        f"component {component['name']} has the key compare, but no load balancer that follows live has a url (bluegreen_load_balancers): give one, or "
        "live_url in compare."
        for component in described
        if component.get("compare") and not component["compare"].get("live_url")
    ]


def components(value: Sequence[Mapping[str, Any]]) -> str:
    """Everything that is wrong between the keys of a component, and between components."""
    problems = [text for component in value for text in _component(component)]
    names = [component["name"] for component in value]
    problems += [f"component {name} is described twice" for name in sorted({name for name in names if names.count(name) > 1})]
    problems += _shared_packages(value) + _replaced(value)
    ways = {way_to(component) for component in value}
    if len(ways) > 1:
        problems.append(f"heartbeat.via is {' for one and '.join(sorted(ways))} for another: all components of a node are reached in the same way")
    return "; ".join(problems)


def _shared_packages(components: Sequence[Mapping[str, Any]]) -> list[str]:
    owners: dict[str, list[Mapping[str, Any]]] = {}
    for component in components:
        owners.setdefault(component.get("package") or component["name"], []).append(component)
    return [
        f"components {' and '.join(component['name'] for component in alike)} have the same package {package}: several instances of one RPM on a node are not "
        "supported, because whoever installs it changes the files of all of them at once. Describe one component whose service runs all of them itself, or "
        "run each on a node of its own, or build a package for each"
        for package, alike in owners.items()
        if len({component["name"] for component in alike}) > 1
    ]


def _replaced(components: Sequence[Mapping[str, Any]]) -> list[str]:
    """A unit that goes and one that comes have names of their own: who installs the one has not lost the other."""
    coming = {_unit(component.get("service") or component["name"]) for component in components}
    return [
        f"component {component['name']} replaces {component['replaces']}, which is the service of a component: let what serves without a package run in a unit "
        "of another name, and name that"
        for component in components
        if component.get("replaces") and _unit(component["replaces"]) in coming
    ]


def _unit(name: str) -> str:
    return name.removesuffix(".service")


def _component(component: Mapping[str, Any]) -> list[str]:
    name, heartbeat = component["name"], component["heartbeat"]
    found = _heartbeat(name, component)
    if not component.get("health_url") and not heartbeat.get("url"):
        found.append(f"component {name} has no health_url, by which its health is known")
    if component.get("capacity_per_s"):
        if profile_of(component) != "api":
            found.append(f"component {name} has a capacity_per_s, but a heartbeat of another kind does not tell its load: leave it out")
        elif not component.get("requests_key"):
            found.append(f"component {name} has a capacity_per_s, but no requests_key to compare it with: give the key, or leave both out")
    return found + [f"component {name}: {text}" for text in (*_checks(component), *_commands(component), *_comparison(component))]


def _heartbeat(name: str, component: Mapping[str, Any]) -> list[str]:
    heartbeat, profile, via = component["heartbeat"], profile_of(component), way_to(component)
    found = []
    if via != "node" and profile not in FAR_PROFILES:
        found.append(f"component {name}: a heartbeat of profile {profile} is only reached on the node, so heartbeat.via cannot be {via}")
    elif via == "controller" and profile == "api" and not heartbeat.get("url"):
        found.append(
            f"component {name}: the agent's control side listens on the node's 127.0.0.1 only, so heartbeat.via cannot be controller: use tunnel, or node"
        )
    if profile == "api":
        # Keys of a profile that somebody forgot to name.
        strange = sorted(set(heartbeat) - {"profile", "via", "port", "control_port", "address", "url"})
        return found + [f"component {name}: heartbeat has the key {key}, which its profile (api) does not have" for key in strange]
    try:
        described(name, heartbeat)
    except HeartbeatError as exc:
        found.append(str(exc).removesuffix(". See docs/heartbeats.md."))
    return found


def _checks(component: Mapping[str, Any]) -> list[str]:
    checks = [_with_defaults(_sanity.CHECK, check) for check in component.get("sanity") or []]
    try:
        _sanity.prepare_all(checks)
    except ValueError as exc:
        return [f"sanity, {exc}".removesuffix(".")]
    if checks and all(check["through"] == _sanity.NODE for check in checks):
        return ["sanity has no check that goes through the load balancer, so nothing would prove that a node answers there"]
    return []


def _commands(component: Mapping[str, Any]) -> list[str]:
    return [
        f"sanity_commands, command {command['name']} has an empty argv"
        for command in component.get("sanity_commands") or []
        if command and not command.get("argv")
    ]


def _comparison(component: Mapping[str, Any]) -> list[str]:
    compare = component.get("compare")
    if not compare:
        return []
    if sum(bool(compare.get(source)) for source in _compare.SOURCES) != 1:
        return [f"compare needs exactly one of {', '.join(_compare.SOURCES)}, from which it takes its requests"]
    try:
        _compare.prepare(_with_defaults(_compare.OPTIONS, compare))
    except ValueError as exc:
        return [f"compare, {exc}".removesuffix(".")]
    return []


def _with_defaults(spec: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    return {**{name: entry.get("default") for name, entry in spec.items()}, **given}


# A release -------------------------------------------------------------------------------------------


def release(value: Any, packages: Mapping[str, str]) -> list[str]:
    """What is wrong with bluegreen_release, whose components have these packages."""
    if not isinstance(value, Mapping):
        # One text for all: an exact package can only be that of a single component.
        return list(dict.fromkeys(text for package in packages.values() for text in _version("bluegreen_release", value, package)))
    found = [
        f"bluegreen_release names the component {name}, which bluegreen_components does not have (there are {', '.join(packages)})."
        for name in value
        if name not in packages
    ]
    for component, package in packages.items():
        if component in value:
            found += _version(f"bluegreen_release.{component}", value[component], package)
        else:
            found.append(f"bluegreen_release gives no release for the component {component}.")
    return found


def _version(where: str, value: Any, package: str) -> list[str]:
    """A version, as people name it, or the exact package, as a plan names it."""
    if not isinstance(value, str):
        return [f'{where} is {str(value)[:60]}, which is no text: write the version in quotes, because YAML changes what looks like a number ("2.0.0").']
    if VERSION.fullmatch(value):
        return []
    if value.startswith(f"{package}-"):
        rest = value[len(package) + 1 :]
        version, _dash, tail = rest.partition("-")
        number, _dot, architecture = tail.rpartition(".")
        version = re.sub(r"^\d+:", "", version)
        if architecture in ARCHITECTURES and VERSION.fullmatch(version) and VERSION.fullmatch(number):
            return []
    return [
        f"{where} is {value[:60]!r}, but a version belongs there, which has no dash ({EXAMPLE}), or the exact package as a plan names it "
        f"({package}-2.0.0-1.noarch)."
    ]
