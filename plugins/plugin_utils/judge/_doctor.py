# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The doctor: what nodes and controller have read, judged check by check. Pure functions; what a deployment refuses before its first flip is judged here, too.

A fault keeps a deployment from working, or makes it unsafe. A note is to be known and harms nothing by itself. The rest is as it should be.
"""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.halfswap.bluegreen.plugins.module_utils._dialect import faults, keys, listing, mapping, number, or_null, text, truth, whole
from ansible_collections.halfswap.bluegreen.plugins.module_utils._shown import LONG, shown, shown_all
from ansible_collections.halfswap.bluegreen.plugins.module_utils.heartbeat._settle import (
    differences,
    is_guess,
    known_probers,
    missing_probers,
    silent_probers,
)
from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm._rpm_store import MIN_FREE_BYTES

from .._refusals import Refusal
from ..show._report import fit
from ._evidence import LENGTH, UNKNOWN, Node

FAULT, NOTE, FINE = "fault", "note", "fine"
CONTROLLER = "controller"

# What module node_info says of the place; see module_utils/node/_checking.
_UNIT = keys({"component": text(), "package": text(), "role": text(), "unit": text(), "id": text(), "load": text(), "active": text(), "file": text()})
_PORT = keys(
    {
        "component": text(),
        "port": whole(65535),
        "what": text(),
        "unit": text(),
        "outside": truth(),
        "heard": truth(),
        "loopback": truth(),
        "pid": or_null(whole()),
        "program": or_null(text()),
        "by": or_null(text()),
    }
)
_VALUE = keys({"meaning": text(), "key": text(), "kind": or_null(text()), "value": or_null(text()), "error": or_null(text())})
_ANSWER = keys(
    {
        "component": text(),
        "what": text(),
        "url": text(),
        "status": or_null(whole(999)),
        "error": or_null(text()),
        "took_s": number(),
        "values": listing(_VALUE, 10),
    }
)
_OFFER = keys({"name": text(), "nevra": text(), "repository": text()})
CHECKED = keys(
    {"errors": mapping(text(), 20)},
    {
        "units": listing(_UNIT, 2000),
        "ports": listing(_PORT, 5000),
        "free": listing(keys({"path": text(), "free_bytes": whole()}), 10),
        "host": keys({"python": text(), "user": whole(), "name": text()}),
        "mounts": listing(keys({"path": text(), "noexec": truth(), "read_only": truth()}), 10),
        "proxies": listing(keys({"where": text(), "name": text(), "value": text()}), 100),
        "manager": listing(keys({"file": text(), "section": text(), "option": text(), "value": text()}), 1000),
        "keys": whole(),
        "installed": mapping(or_null(text()), 1000),
        "offered": keys({"packages": listing(_OFFER, 1000), "complaints": listing(text(), 1000)}),
        "stored": listing(text(), 10000),
        "record": keys({"current": mapping(or_null(text()), 1000), "previous": listing(mapping(or_null(text()), 1000), 1000)}),
        "changed_files": listing(keys({"package": text(), "nevra": text(), "files": listing(text(), 1000), "count": whole()}), 1000),
        "answers": listing(_ANSWER, 5000),
    },
)
# Systemd starts none of these.
UNFIT = {"bad-setting": "has a line that systemd does not understand", "error": "cannot be read by systemd"}
# Whoever asks a repository takes these for a filter of its packages.
FILTERS = ("excludepkgs", "exclude")
YES = ("1", "yes", "true", "on")
# What is meant to have the port of an application which listens elsewhere, with or without it.
FRONTS = ("nginx", "httpd", "apache2", "haproxy", "caddy", "varnishd", "envoy", "traefik", "docker-proxy", "conmon", "rootlessport")
MIB = 1024**2


@dataclass(frozen=True)
class Finding:
    """One check on one node, or on what `node` names instead."""

    check: str
    node: str
    found: str
    mend: str = ""
    weight: str = FAULT

    @property
    def ok(self) -> bool:
        return self.weight != FAULT

    def __str__(self) -> str:
        return f"{self.node}: {self.found}{': ' if self.mend else ''}{self.mend}"

    def as_dict(self) -> dict[str, Any]:
        return {"check": self.check, "node": self.node, "found": self.found, "mend": self.mend, "weight": self.weight}


@dataclass(frozen=True)
class Seen:
    """All that was read, by whom ever."""

    nodes: Sequence[Node]
    load_balancers: Sequence[Mapping[str, Any]] = ()
    # What each of the nodes said of its place, also of those that could not be read otherwise.
    places: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    clock_skew_s: float = 5.0
    way_back: bool = True
    repository: Mapping[str, Any] | None = None
    # Load balancer -> the status it answered; and what whoever asked says of those that did not.
    answers: Mapping[str, Any] = field(default_factory=dict)
    unanswered: str = ""
    # Names that the controller has looked up -> their addresses; none: nobody knows the name.
    names: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def each(self, part: str) -> Iterator[tuple[str, Any]]:
        """That part of what each node said of its place, where it could be read."""
        for name, place in self.places.items():
            if place.get(part) is not None:
                yield name, place[part]


Check = Callable[[Seen], Iterable[Finding]]


def place_of(said: Any) -> dict[str, Any]:
    """What a node said of its place, fit to be judged. What does not fit the dialect is an error, and nothing of it counts."""
    checked = said.get("checked") if isinstance(said, Mapping) else None
    if checked is None:
        return {}
    checked = shown_all(checked, LENGTH)
    wrong = faults(CHECKED, checked)
    if wrong:
        return {"errors": {"answer": f"it answers in another dialect than halfswap.bluegreen.node_check: {'; '.join(wrong)}"}}
    return dict(checked)


# What a deployment asks, too -------------------------------------------------------------------------


def clocks(seen: Seen) -> Iterator[Finding]:
    for node in seen.nodes:
        if node.unread:
            continue
        if node.clock_skew_s > seen.clock_skew_s:
            yield Finding(
                "clock",
                node.name,
                f"its clock differs by {node.clock_skew_s:.0f} s from the controller's, and bluegreen_clock_skew_s is {seen.clock_skew_s:g}",
                "is its time service running?",
            )
        else:
            yield Finding("clock", node.name, f"at most {seen.clock_skew_s:g} s from the controller's", weight=FINE)


def drains(seen: Seen) -> Iterator[Finding]:
    for node in seen.nodes:
        if node.undrainable:
            yield Finding("drain", node.name, f"nobody could tell when its requests are done: {node.undrainable}")


def masked(seen: Seen) -> Iterator[Finding]:
    """Units that nobody can start, whatever package is there."""
    for name, told in seen.each("units"):
        for unit in told:
            if _is_masked(unit):
                mend = f"see who has masked it, and why; then systemctl unmask {unit['unit']}"
                yield Finding("unit", name, f"{unit['unit']} is masked, so that nothing can start it", mend)


def taken(seen: Seen) -> Iterator[Finding]:
    """Ports that somebody else has, whom the component would meet at its start."""
    for name, told in seen.each("ports"):
        active = _active_units(seen, name)
        for port in told:
            # Nothing stands in front of an agent: if it runs, it listens elsewhere, and is to come here.
            elsewhere = not _any_unit(active, port["unit"]) or _is_of_agent(seen, name, port)
            if port["heard"] and not _is_its_own(seen, name, port) and elsewhere and not _is_front(port):
                yield Finding("port", name, f"{_port(port)} is taken by {_holder(port)}", f"stop that, or choose another port ({_variable(port)})")


def disks(seen: Seen) -> Iterator[Finding]:
    for name, told in seen.each("free"):
        short = [entry for entry in told if entry["free_bytes"] < MIN_FREE_BYTES]
        for entry in short:
            yield Finding(
                "disk",
                name,
                f"the file system of {entry['path']} has {entry['free_bytes'] // MIB} MiB free, and a deployment wants {MIN_FREE_BYTES // MIB} MiB there",
                "make room (dnf clean packages, journalctl --vacuum-size=100M) or make it larger",
            )
        if not short:
            yield Finding("disk", name, f"at least {MIN_FREE_BYTES // MIB} MiB free where it is written", weight=FINE)


def before_a_swap(nodes: Sequence[Node], swaps: bool, clock_skew_s: float) -> list[Refusal]:
    """Why a deployment is refused, whatever it installs; what a package could not start is found where it is staged.

    swaps: whether any node is swapped at all. A clock that is wrong makes all that a node says doubtful, be there something to do or not.
    """
    seen = Seen(nodes, clock_skew_s=clock_skew_s)
    late = [Refusal("HS-CLOCK", str(finding)) for finding in clocks(seen) if not finding.ok]
    return late + [Refusal("HS-DRAIN", str(finding)) for finding in drains(seen) if swaps]


# What only the doctor asks --------------------------------------------------------------------------


def logins(seen: Seen) -> Iterator[Finding]:
    """Whether the node is reached, as root and with a Python."""
    for node in seen.nodes:
        place = seen.places.get(node.name) or {}
        host = place.get("host")
        if not place:
            yield Finding("login", node.name, node.unread, _mend_login(node.unread))
        elif host and host["user"] != 0:
            yield Finding("login", node.name, f"it is user {host['user']} there, not root", "set ansible_become for the nodes, and let sudo allow it")
        elif host:
            yield Finding("login", node.name, f"as root, Python {host['python']}", weight=FINE)


def _mend_login(why: str) -> str:
    low = why.lower()
    if "unreachable" in low or "ssh" in low:
        return "try ssh to it by hand with the user and key of the inventory; the way is in firewall-request.csv"
    if "password" in low or "sudo" in low or "become" in low:
        return "let sudo allow the user all commands without a password, or give -K (--ask-become-pass)"
    if "interpreter" in low or "python" in low:
        return "set ansible_python_interpreter for the node to a Python that is there"
    return "mend that first: nothing else is known of this node"


def parts(seen: Seen) -> Iterator[Finding]:
    """What a node could not read, so that nobody has judged it."""
    for name, errors in seen.each("errors"):
        for part, why in errors.items():
            yield Finding(_PART.get(part, part), name, f"it could not be read: {why}", "mend that; until then nothing is known of it")


_PART = {
    "units": "unit",
    "ports": "port",
    "free": "disk",
    "manager": "filter",
    "keys": "key",
    "offered": "repository",
    "stored": "way back",
    "record": "record",
    "changed_files": "drift",
    "installed": "package",
    "answers": "answer",
    "mounts": "mount",
    "proxies": "proxy",
}


def names(seen: Seen) -> Iterator[Finding]:
    for name, found in seen.names.items():
        if found:
            yield Finding("name", CONTROLLER, f"{name} is {', '.join(found)}" if list(found) != [name] else f"{name} is an address", weight=FINE)
        else:
            yield Finding(
                "name", CONTROLLER, f"the controller does not know the name {shown(name)}", "mend it in DNS or /etc/hosts, or give the address in the inventory"
            )


def heartbeats(seen: Seen) -> Iterator[Finding]:
    """What the node says as evidence, and why it would not count."""
    for node in seen.nodes:
        if node.unread and seen.places.get(node.name):
            mend = "" if "halfswap.bluegreen.setup" in node.unread else "mend it: an unread node counts as not live, and no batch leaves"
            yield Finding("heartbeat", node.name, node.unread, mend)
        for component in node.components:
            where = f"{component.name}: "
            if component.nevra is None and not component.adopted:
                yield Finding("heartbeat", node.name, f"{where}{component.state}; no package is installed yet", weight=FINE)
                continue
            wrong = [*component.doubts(), *([] if component.healthy else [f"{where}it is not healthy: {component.why}"])]
            for why in wrong:
                yield Finding("heartbeat", node.name, why, "see systemctl status and the journal of its service; deploying it again is right, too")
            if not wrong:
                yield Finding("heartbeat", node.name, f"{where}{component.state}, healthy, {component.named}", weight=FINE)
        if node.lock:
            found = f"run {node.lock['run_id']} of {node.lock['owner']} holds the lock"
            yield Finding("lock", node.name, found, f"wait for it; of a dead run: halfswap.bluegreen.unlock -e bluegreen_run_id={node.lock['run_id']}", NOTE)


def balancers(seen: Seen) -> Iterator[Finding]:
    """Each load balancer's questions, as each node sees them; and whether it answers."""
    if seen.unanswered:
        yield Finding("load balancer", CONTROLLER, seen.unanswered, "start it, or mend its url; the way is in firewall-request.csv")
    for name, status in seen.answers.items():
        yield Finding("load balancer", CONTROLLER, f"{name} answers {status}", weight=FINE)
    for node in seen.nodes:
        for component in node.components:
            for balancer in seen.load_balancers:
                yield from _questions(node, component.name, component.status, balancer)


def _questions(node: Node, component: str, status: Mapping[str, Any], balancer: Mapping[str, Any]) -> Iterator[Finding]:
    guess = is_guess(status)
    wrong = missing_probers(status, [balancer]) + ([] if guess else silent_probers(status, [balancer]))
    if not guess and not balancer["addresses"]:
        wrong = [f"load balancer {balancer['name']}: its addresses are not declared, so that nobody is known to be it"]
    for why in wrong:
        mend = (
            "give its interval_s (bluegreen_load_balancers)"
            if guess
            else "let it check this node: see its configuration, the firewall (firewall-request.csv), and its addresses (bluegreen_load_balancers)"
        )
        yield Finding("balancer asks", node.name, f"{component}: {why}", mend)
    for why in () if guess else differences(status, [balancer]):
        yield Finding("balancer asks", node.name, f"{component}: {why}", "halfswap.bluegreen.verify_lb measures it", NOTE)
    if not wrong:
        count = "nobody tells who asks" if guess else _counted(len(known_probers(status, [balancer])), "prober")
        yield Finding("balancer asks", node.name, f"{component}: {balancer['name']}: {count}", weight=FINE)


def units(seen: Seen) -> Iterator[Finding]:
    """What else systemd says of them. One that is not there comes with its package, or its package lacks it."""
    for name, told in seen.each("units"):
        for unit in told:
            there = _installed(seen, name, unit)
            if _is_masked(unit):
                continue
            if unit["role"] == "replaced":
                found = "is not there" if unit["load"] == "not-found" else f"is {unit['active']}"
                yield Finding("unit", name, f"{unit['unit']}, which {unit['component']} replaces, {found}", weight=FINE)
            elif unit["role"] == "agent" and unit["load"] == "not-found":
                yield Finding("unit", name, f"{unit['unit']} is not there", "run halfswap.bluegreen.setup, which installs the heartbeat agent")
            elif unit["load"] == "not-found" and there is None:
                yield Finding("unit", name, f"{unit['unit']} comes with the first deployment", weight=FINE)
            elif unit["load"] == "not-found":
                mend = f"see rpm -ql {there} for its units, and name the right one (service in bluegreen_components)"
                yield Finding("unit", name, f"{unit['unit']} is not there, although {there} is installed", mend)
            elif unit["load"] in UNFIT:
                yield Finding("unit", name, f"{unit['unit']} {UNFIT[unit['load']]}", f"see systemctl status {unit['unit']} on the node")
            elif unit["active"] == "failed":
                yield Finding("unit", name, f"{unit['unit']} has failed", f"see journalctl -u {unit['unit']}")
            else:
                yield Finding("unit", name, f"{unit['unit']} is {unit['active']}", weight=FINE)


def listening(seen: Seen) -> Iterator[Finding]:
    """Whether what runs listens where it is described, and where a load balancer gets to."""
    taken_there = {(finding.node, finding.found) for finding in taken(seen)}
    for name, told in seen.each("ports"):
        active = _active_units(seen, name)
        healthy = {component.name for node in seen.nodes if node.name == name for component in node.components if component.healthy}
        for port in told:
            what = _port(port)
            if (name, f"{what} is taken by {_holder(port)}") in taken_there:
                continue
            if port["heard"] and port["loopback"] and port["outside"]:
                found = f"{what} listens at 127.0.0.1 alone, where no load balancer gets to"
                yield Finding("port", name, found, "let it listen at the address of the node, or at 0.0.0.0")
            elif port["heard"] and not _is_its_own(seen, name, port):
                found = f"{what} is held by {_holder(port)}, not by {port['unit']}"
                yield Finding("port", name, found, "right where that stands in front of it, as a proxy or for a container", NOTE)
            elif not port["heard"] and _any_unit(active, port["unit"]):
                # What is forwarded by the kernel, as for a container, is healthy without anybody who listens.
                weight = NOTE if port["component"] in healthy and port["what"] == "application" else FAULT
                found = f"nobody listens at {what}, although {port['unit']} runs"
                yield Finding("port", name, found, f"see where it listens (ss -tlnp), and {_variable(port)}", weight)
            else:
                yield Finding("port", name, f"{what} is {'its own' if port['heard'] else 'free'}", weight=FINE)


def answers(seen: Seen) -> Iterator[Finding]:
    """What an application answers to the node itself, and the values of the keys."""
    for name, told in seen.each("answers"):
        running = _active(seen, name)
        for answer in told:
            if answer["what"] == "repository":
                yield _reached(name, answer)
            elif answer["component"] in running or answer["status"] is not None:
                yield from _answered(name, answer)


def _reached(name: str, answer: Mapping[str, Any]) -> Finding:
    if answer["error"]:
        return Finding(
            "repository",
            name,
            f"the node does not reach {answer['url']} ({answer['error']})",
            "is it running? is the way open (firewall-request.csv)? is bluegreen_repository.url right?",
        )
    # A package manager follows where it is sent on to.
    if not 200 <= answer["status"] < 400:
        return Finding(
            "repository",
            name,
            f"{answer['url']} answers {answer['status']}, so there is no repository at bluegreen_repository.url",
            "mend the url or the proxy (bluegreen_repository), or publish there first (halfswap.bluegreen.package)",
        )
    return Finding("repository", name, f"{answer['url']} answers {answer['status']}", weight=FINE)


def _answered(name: str, answer: Mapping[str, Any]) -> Iterator[Finding]:
    variable = f"{answer['what']}_url"
    where = f"{answer['component']}: {answer['url']}"
    if answer["error"]:
        yield Finding("answer", name, f"{where}: {answer['error']}", f"mend the application, or {variable} (bluegreen_components)")
    elif not 200 <= answer["status"] < 300:
        yield Finding("answer", name, f"{where} answers {answer['status']}", f"200 to 299 is good: mend the application, or {variable} (bluegreen_components)")
    else:
        yield Finding("answer", name, f"{answer['component']}: {variable} answers {answer['status']}", weight=FINE)
    for value in answer["values"]:
        yield _value(name, answer["component"], value)


def _value(name: str, component: str, value: Mapping[str, Any]) -> Finding:
    key = f"{value['meaning']}_key"
    where = f"{component}: {key} {value['key']}"
    if value["error"]:
        return Finding("JSON key", name, f"{where}: {value['error']}", f"name the key that is there ({key} in bluegreen_components)")
    kinds = ("text", "whole", "number") if value["meaning"] == "release" else ("whole",)
    if value["kind"] not in kinds or (value["meaning"] != "release" and value["value"].startswith("-")):
        belongs = "a text" if value["meaning"] == "release" else "a whole number from 0 on"
        return Finding("JSON key", name, f"{where} is {value['value']}, and {belongs} belongs there", f"mend the application, or name another key ({key})")
    return Finding("JSON key", name, f"{where} is {value['value']}", weight=FINE)


def mounts(seen: Seen) -> Iterator[Finding]:
    for name, told in seen.each("mounts"):
        for entry in told:
            if entry["read_only"]:
                yield Finding(
                    "mount", name, f"{entry['path']} is on a file system that is mounted read-only (ro)", "mount it with rw: a deployment writes there"
                )
        closed = list(dict.fromkeys(entry["path"] for entry in told if entry["noexec"]))
        if closed:
            found = f"{', '.join(closed)} on a file system with noexec"
            yield Finding(
                "mount", name, found, "what starts programs from there fails: commands and scripts of yours; ansible_remote_tmp can be elsewhere", NOTE
            )


def proxies(seen: Seen) -> Iterator[Finding]:
    """A proxy is only known to do harm where the repository is not reached; else it is told."""
    url = (seen.repository or {}).get("url") or ""
    host = urlsplit(url).hostname or ""
    for name, told in seen.each("proxies"):
        options = [
            entry for entry in seen.places[name].get("manager") or () if entry["option"] == "proxy" and entry["value"].strip().lower() not in ("", "_none_")
        ]
        spared = [part.strip().lstrip("*.") for entry in told if entry["name"].lower() == "no_proxy" for part in entry["value"].split(",") if part.strip()]
        found = [f"{entry['name']}={entry['value']} ({entry['where']})" for entry in told if entry["name"].lower() != "no_proxy"]
        found += [f"proxy={entry['value']} ({entry['file']}, {entry['section']})" for entry in options]
        if not found:
            yield Finding("proxy", name, "none", weight=FINE)
            continue
        past = bool(host) and any(host == part or host.endswith(f".{part}") for part in spared) and not options
        weight = NOTE if past or not _broken(seen, name) else FAULT
        mend = (
            f"let the package manager go past it for {host}: no_proxy, or proxy=_none_ in the repository's file"
            if weight == FAULT
            else "our own requests go past it"
        )
        yield Finding("proxy", name, "; ".join(found), mend, weight)


def _broken(seen: Seen, name: str) -> bool:
    """Whether the package manager did not get to its repositories."""
    place = seen.places[name]
    return "offered" in (place.get("errors") or {}) or bool((place.get("offered") or {}).get("complaints"))


def repositories(seen: Seen) -> Iterator[Finding]:
    """What the package manager sees of each package."""
    wanted = (seen.repository or {}).get("name")
    for name, told in seen.each("offered"):
        manager = seen.places[name].get("manager") or ()
        sections = {entry["section"] for entry in manager}
        off = {entry["section"] for entry in manager if entry["option"] == "enabled" and entry["value"].strip().lower() not in YES}
        if wanted and (wanted not in sections or wanted in off):
            how = "is there, but not enabled" if wanted in off else "is not there"
            yield Finding("repository", name, f"the repository {wanted} {how}", "run halfswap.bluegreen.setup, or enable it in /etc/yum.repos.d")
        for complaint in told["complaints"]:
            yield Finding("repository", name, f"the package manager says: {complaint}", "mend that repository, or disable it where it is not needed")
        for package in _packages(seen, name):
            there = [offer["nevra"] for offer in told["packages"] if offer["name"] == package]
            if there:
                yield Finding("repository", name, f"{len(there)} of {package}, the newest {there[0]}", weight=FINE)
            elif not _hidden(manager, package) and not told["complaints"]:
                yield Finding(
                    "repository",
                    name,
                    f"no repository has a package {package}",
                    "publish it (halfswap.bluegreen.package), or mend its name (package in bluegreen_components)",
                )


def filters(seen: Seen) -> Iterator[Finding]:
    """What hides a package from the package manager."""
    for name, manager in seen.each("manager"):
        packages = _packages(seen, name)
        hidden = [(package, why) for package in packages for why in _hidden(manager, package)]
        for package, why in hidden:
            yield Finding("filter", name, f"{package} is hidden by {why}", "take it out of there: a deployment could not install it")
        if not hidden:
            yield Finding("filter", name, "none hides a package of ours", weight=FINE)


def _hidden(manager: Iterable[Mapping[str, str]], package: str) -> list[str]:
    found = []
    for entry in manager:
        patterns = entry["value"].replace(",", " ").split()
        where = f"{entry['option']} in {entry['file']}{'' if entry['section'] == 'main' else ' (' + entry['section'] + ')'}"
        if entry["option"] in FILTERS and any(_matches(pattern, package) for pattern in patterns):
            found.append(f"{where}: {entry['value']}")
        if entry["option"] == "includepkgs" and patterns and not any(_matches(pattern, package) for pattern in patterns):
            found.append(f"{where}, which has only {entry['value']}")
        # A lock holds one version, shop-0:1.0.0-1.* or, for yum, 0:shop-1.0.0-1.*; with an exclamation mark all but that one.
        if entry["option"] == "versionlock" and any(_matches(part, package) for part in (patterns[0].lstrip("!"), patterns[0].partition(":")[2])):
            found.append(f"{where}: {entry['value']}")
    return found


def _matches(pattern: str, package: str) -> bool:
    """Whether a pattern is about this package: by its name, or by its name and whatever version."""
    return fnmatchcase(package, pattern) or (pattern.startswith(f"{package}-") and pattern[len(package) + 1 : len(package) + 2] in tuple("0123456789*?["))


def signatures(seen: Seen) -> Iterator[Finding]:
    """Whether packages will be checked for a signature, and with which key."""
    ours = seen.repository or {}
    for name, count in seen.each("keys"):
        manager = seen.places[name].get("manager") or ()
        files = [entry["file"] for entry in manager if entry["option"] == "localpkg_gpgcheck" and entry["value"].strip().lower() in YES]
        checked = [
            entry["section"]
            for entry in manager
            if entry["option"] == "gpgcheck" and entry["value"].strip().lower() in YES and entry["section"] in (ours.get("name"), "main")
        ]
        plain = [entry["section"] for entry in manager if entry["option"] == "gpgcheck" and entry["value"].strip().lower() not in YES]
        keyed = {entry["section"] for entry in manager if entry["option"] == "gpgkey" and entry["value"].strip()}
        asked = ours.get("name") not in plain and bool(checked) and bool(ours)
        if files and not ours.get("gpgcheck") and (ours.get("name") in plain or not ours):
            yield Finding(
                "key",
                name,
                f"localpkg_gpgcheck is on in {files[0]}, and packages of the site need no signature (bluegreen_repository.gpgcheck)",
                "sign them (repository_signing_key, bluegreen_repository.gpgcheck: true), or switch it off; unsigned ones are refused from the node's store",
            )
        elif (asked or files) and not count and ours.get("name") not in keyed:
            yield Finding("key", name, "packages are checked for a signature, and rpm has no key", "import the key of whoever signs: rpm --import FILE")
        else:
            yield Finding("key", name, f"{count} keys; {'packages are checked' if asked or files else 'no signature is asked for'}", weight=FINE)


def drift(seen: Seen) -> Iterator[Finding]:
    """Files that are not those of their package, and packages that are not those which the node has noted."""
    for name, told in seen.each("changed_files"):
        for entry in told:
            if entry["count"]:
                files = ", ".join(entry["files"][:3])
                more = f" and {entry['count'] - 3} more" if entry["count"] > 3 else ""
                yield Finding(
                    "drift",
                    name,
                    f"files of {entry['nevra']} are not those of the package: {files}{more}",
                    f"see rpm -V {entry['package']}; then install it again: dnf reinstall {entry['nevra']}, while the node is in standby",
                )
            else:
                yield Finding("drift", name, f"the files of {entry['nevra']} are those of the package", weight=FINE)
    for node in seen.nodes:
        current = (node.record or {}).get("current")
        if current and node.nevras and node.serving and dict(current) != node.nevras:
            yield Finding(
                "drift",
                node.name,
                f"it serves {node.named}, and has noted {' '.join(nevra or UNKNOWN for nevra in current.values())}",
                "somebody installed it past the collection: deploy the release that you want, which brings both together",
            )


def ways_back(seen: Seen) -> Iterator[Finding]:
    """Whether what is installed now could be installed again after the next deployment."""
    for name, stored in seen.each("stored"):
        place = seen.places[name]
        offered = {offer["nevra"] for offer in (place.get("offered") or {}).get("packages") or ()}
        now = [nevra for nevra in (place.get("installed") or {}).values() if nevra]
        lost = [nevra for nevra in now if nevra not in stored and nevra not in offered]
        if lost:
            found = f"the RPM of {', '.join(lost)}, which is installed, is neither in the node's store nor in a repository"
            store = (place.get("free") or [{"path": "the node's store"}])[0]["path"]
            mend = f"publish it again, or put it into {store}/{lost[0]}/ on the node"
            yield Finding(
                "way back",
                name,
                found,
                f"{mend}{'' if seen.way_back else '; bluegreen_way_back is false, so nothing is refused for it'}",
                FAULT if seen.way_back else NOTE,
            )
        record = place.get("record")
        gone = sorted(
            {nevra for release in (record or {}).get("previous", ()) for nevra in release.values() if nevra and nevra not in stored and nevra not in offered}
        )
        if gone:
            yield Finding(
                "way back", name, f"rollback could not go to {', '.join(gone)}: its RPM is nowhere", "publish it again, if it is ever to serve again", NOTE
            )
        only = [c for node in seen.nodes if node.name == name for c in node.components if c.nevra is None and c.adopted and not c.replaces]
        for component in only:
            yield Finding(
                "way back",
                name,
                f"{component.name} serves without a package, and nothing names the unit that the way back of its first deployment would start",
                "let it run in a unit of another name than its service, and name that in replaces of the component",
                FAULT if seen.way_back else NOTE,
            )
        if not lost and not gone and not only:
            yield Finding("way back", name, "every package to go back to is there" if now else "nothing is installed yet", weight=FINE)


CHECKS: tuple[Check, ...] = (
    names,
    logins,
    parts,
    clocks,
    disks,
    mounts,
    proxies,
    repositories,
    filters,
    signatures,
    masked,
    units,
    taken,
    listening,
    answers,
    heartbeats,
    drains,
    balancers,
    drift,
    ways_back,
)


def examine(seen: Seen) -> list[Finding]:
    return [finding for check in CHECKS for finding in check(seen)]


def of_description(texts: Iterable[str]) -> list[Finding]:
    """What is wrong with the description, which keeps everything else from being asked."""
    return [Finding("description", CONTROLLER, shown(text, LONG), "mend it in the inventory: nothing else was asked") for text in texts]


def _installed(seen: Seen, name: str, unit: Mapping[str, Any]) -> str | None:
    """The package that is installed of the component of this unit, whoever has told."""
    told = (seen.places[name].get("installed") or {}).get(unit["package"])
    return told or next((node.nevras.get(unit["component"]) for node in seen.nodes if node.name == name), None)


def _packages(seen: Seen, name: str) -> list[str]:
    """The names of the packages of the application."""
    return list(seen.places[name].get("installed") or {})


def _is_masked(unit: Mapping[str, Any]) -> bool:
    return "masked" in (unit["load"], unit["file"].partition("-")[0])


def _port(port: Mapping[str, Any]) -> str:
    return f"port {port['port']} ({port['component']}, {port['what']})"


def _variable(port: Mapping[str, Any]) -> str:
    return f"{'heartbeat' if 'heartbeat' in port['what'] else 'port'} in bluegreen_components"


def _holder(port: Mapping[str, Any]) -> str:
    return f"{port['program'] or 'somebody'}{' of ' if port['by'] else ''}{port['by'] or ''}, process {port['pid'] or '?'}"


def _is_its_own(seen: Seen, name: str, port: Mapping[str, Any]) -> bool:
    """Process 1 holds a socket for the unit that it starts; and a unit may have several names."""
    there = seen.places[name].get("units") or ()
    names = [port["unit"], *(unit["id"] for unit in there if unit["unit"] == port["unit"])]
    if port["what"] == "application":
        # It serves there until the first deployment.
        names += [unit["unit"] for unit in there if unit["role"] == "replaced" and unit["component"] == port["component"]]
    if _is_of_agent(seen, name, port) and _is_agent_of(port["by"] or "", port["component"]):
        return True
    return port["pid"] in (None, 1) or any(_same_unit(port["by"], each) for each in names)


def _is_agent_of(unit: str, component: str) -> bool:
    """Whether this unit is an agent of such a component, under the name of an application or none. Whose it is shows where a new agent is tried."""
    agent, _at, instance = unit.removesuffix(".service").partition("@")
    return agent == "halfswap-heartbeat" and (instance == component or instance.endswith(f".{component}"))


def _is_of_agent(seen: Seen, name: str, port: Mapping[str, Any]) -> bool:
    return any(unit["role"] == "agent" and unit["unit"] == port["unit"] for unit in seen.places[name].get("units") or ())


def _is_front(port: Mapping[str, Any]) -> bool:
    return bool(port["what"] == "application" and port["program"] in FRONTS)


def _active_units(seen: Seen, name: str) -> set[str]:
    return {unit["unit"] for unit in seen.places[name].get("units") or () if unit["active"] in ("active", "activating", "reloading")}


def _active(seen: Seen, name: str) -> set[str]:
    """The components whose service runs."""
    return {unit["component"] for unit in seen.places[name].get("units") or () if unit["role"] == "service" and unit["active"] == "active"}


def _same_unit(one: str | None, other: str) -> bool:
    return (one or "").removesuffix(".service") == other.removesuffix(".service")


def _any_unit(active: Iterable[str], unit: str) -> bool:
    return any(_same_unit(each, unit) for each in active)


# What people are shown ------------------------------------------------------------------------------

NARROWEST, WIDEST = 80, 160
GAP = "  "
HEADER = ("check", "node", "found", "what to mend")


def verdict(findings: Sequence[Finding]) -> str:
    faults_told, notes = (_counted(sum(finding.weight == weight for finding in findings), weight) for weight in (FAULT, NOTE))
    end = "." if all(finding.ok for finding in findings) else ". Mend them, then run it again."
    return f"DOCTOR: {faults_told}, {notes} in {len(findings)} checks{end}"


def _counted(count: int, what: str) -> str:
    return f"{count or 'no'} {what}{'' if count == 1 else 's'}"


def lines(findings: Sequence[Finding], width: int) -> list[str]:
    """The table: faults, then notes, then what is well, in as many columns as fit, and the verdict below."""
    width = min(max(width, NARROWEST), WIDEST)
    rows = _rows(findings)
    checks = max([len(row[0]) for row in (HEADER, *rows)])
    nodes = min(max([len(row[1]) for row in (HEADER, *rows)]), width // 6)
    rest = width - checks - nodes - 3 * len(GAP)
    widths = (checks, nodes, rest - rest * 2 // 5, rest * 2 // 5)
    told = [*_wrapped(HEADER, widths), GAP.join("-" * each for each in widths)]
    for row in rows:
        told += _wrapped(row, widths)
    return fit([*told, verdict(findings)])


def _rows(findings: Sequence[Finding]) -> list[tuple[str, str, str, str]]:
    rows, told = [], Counter[str]()
    for weight, finding, where in _grouped(findings):
        if weight == FINE:
            told[finding.check] += 1
        if weight != FINE or told[finding.check] <= ALIKE:
            rows.append((f"{finding.check}, note" if weight == NOTE else finding.check, _some(where), finding.found, finding.mend or "-"))
    return rows + [(check, "", f"{count - ALIKE} more that are well", "-") for check, count in told.items() if count > ALIKE]


def _grouped(findings: Sequence[Finding]) -> list[tuple[str, Finding, list[str]]]:
    """What is alike on several nodes, once; faults come first."""
    found: dict[tuple[str, str, str, str], tuple[Finding, list[str]]] = {}
    for finding in findings:
        key = (finding.weight, finding.check, finding.found, finding.mend)
        found.setdefault(key, (finding, []))[1].append(finding.node)
    return sorted(((key[0], *each) for key, each in found.items()), key=lambda each: (FAULT, NOTE, FINE).index(each[0]))


# More names tell nothing more, nor do more values that are well.
NAMED = 4
ALIKE = 8


def _some(nodes: Sequence[str]) -> str:
    each = list(dict.fromkeys(nodes))
    return ", ".join(each) if len(each) <= NAMED else f"{', '.join(each[: NAMED - 1])} and {len(each) - NAMED + 1} more"


def _wrapped(cells: Sequence[str], widths: Sequence[int]) -> list[str]:
    columns = [textwrap.wrap(shown(cell, LENGTH), width) or [""] for cell, width in zip(cells, widths)]
    height = max(map(len, columns))
    columns = [[*column, *[""] * (height - len(column))] for column in columns]
    return [GAP.join(part.ljust(width) for part, width in zip(row, widths)).rstrip() for row in zip(*columns)]
