# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the variables of an application are found, and the whole of them checked.

A playbook templates only what it reads. Of the rest it checks what is written down plainly: somebody else's vault, or a variable that only `package` is
given, is no reason to refuse a rollback.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from . import rules
from .check import entry_of, nearest, value_of
from .key import Key
from .table import CONTROL_PORT, EXAMINED, GONE, VARIABLES

PREFIX = "bluegreen_"
# What playbooks and roles set for themselves. Given with -e, nothing that they set would count: two runs might have one id.
INTERNAL = tuple(
    f"__{owner}_" for owner in ("bluegreen", "heartbeat_agent", "load_balancer", "migrate", "package", "release", "repository", "sanity", "swap", "verify_lb")
)
# What a message quotes of an error of a template.
REASON_CHARACTERS = 300
KNOWN = {key.name: key for key in VARIABLES}
# These say where the others are.
PLACES = ("application", "applications")
Template = Callable[[Any], Any]


class SiteError(Exception):
    """The site is described wrongly; faults has a sentence for each fault."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(dict.fromkeys(faults))
        super().__init__(" ".join(self.faults))


class Untemplated(Exception):
    """A template could not be filled in; the text says why."""


def plain(value: Any) -> bool:
    """Whether it says what it says without a template or a vault."""
    if isinstance(value, str):
        return "{{" not in value and "{%" not in value
    if isinstance(value, Mapping):
        return all(plain(each) for each in value.values())
    if isinstance(value, (list, tuple)):
        return all(plain(each) for each in value)
    return value is None or isinstance(value, (int, float, bool))


class Description:
    """The variables of one application, as the inventory and the command line give them."""

    def __init__(self, variables: Mapping[str, Any], template: Template, extra: Iterable[str] = ()) -> None:
        self._variables = variables
        self._template = template
        # What was given with -e wins, wherever else there is something of that name.
        self._extra = frozenset(extra)
        self.faults: list[str] = []
        self.application = ""
        self._own: Mapping[str, Any] = {}
        self._choose()

    def _choose(self) -> None:
        described = self._filled("applications")
        chosen = self._filled("application") or ""
        wrong = chosen and rules.component_name(str(chosen))
        if wrong:
            self.faults.append(f"bluegreen_application is {str(chosen)[:60]!r}: {wrong}.")
            return
        if described is None:
            self.application = str(chosen)
            return
        wanted = value_of(KNOWN["applications"], described, "bluegreen_applications", self.faults)
        if self.faults:
            return
        if not chosen and len(wanted) == 1:
            (chosen,) = wanted
        if chosen not in wanted:
            said = f"bluegreen_application is {str(chosen)[:60]!r}" if chosen else "bluegreen_application is not given"
            self.faults.append(
                f"{said}, but bluegreen_applications describes {', '.join(wanted)}: choose one with -e bluegreen_application={next(iter(wanted), 'NAME')}."
            )
            return
        self.application = str(chosen)
        self._own = wanted[chosen]
        for name in self._own:
            if name not in KNOWN or name in PLACES:
                meant = GONE.get(name) or nearest(str(name), set(KNOWN) - set(PLACES))
                self.faults.append(f"bluegreen_applications.{chosen} has the unknown key {str(name)[:60]}: {meant}")

    def _filled(self, name: str) -> Any:
        """One of the two variables that say where the others are. What is in the applications is filled in later, where it is read."""
        raw = self._variables.get(PREFIX + name)
        if isinstance(raw, Mapping):
            return raw
        try:
            return None if raw is None else self._template(raw)
        except Untemplated as exc:
            self.faults.append(f"{PREFIX}{name}: {exc}")
            return None

    def raw(self, name: str) -> Any:
        """The variable as it is written; None where nobody has."""
        own = self._own.get(name) if PREFIX + name not in self._extra else None
        return self._variables.get(PREFIX + name) if own is None else own

    def component_names(self) -> list[str]:
        """As far as they can be told. Nothing else of the components is filled in: it is not needed to know them by their names, and may be a secret."""
        try:
            components = self.raw("components")
            components = self._template(components) if isinstance(components, str) else components
            names = [self._template(each["name"]) for each in components or () if isinstance(each, Mapping) and each.get("name")]
        except (Untemplated, TypeError):
            return []
        return [str(name) for name in names]

    def where(self, name: str) -> str:
        return f"bluegreen_applications.{self.application}.{name}" if self._own.get(name) is not None and PREFIX + name not in self._extra else PREFIX + name

    def value(self, name: str, playbook: str, faults: list[str]) -> Any:
        """The checked value of a variable, or its default; None for what this playbook does not read and which is not written plainly."""
        key, raw = KNOWN[name], self.raw(name)
        if raw is None:
            return default_of(key)
        read = key.read_by(playbook)
        key, raw, unread = _without_unread(key, raw, playbook) if read else (key, raw, {})
        if not read and not plain(raw):
            return None
        try:
            value = raw if not read else self._template(raw)
        except Untemplated as exc:
            faults.append(f"{self.where(name)}: {exc}")
            return None
        # An empty one was left out: AWX asks with a survey and gives "" for no answer.
        if value is None or (value == "" and not key.required):
            return default_of(key)
        found = value_of(key, value, self.where(name), faults)
        for place, (inner, given) in unread.items():
            if plain(given):
                value_of(inner, given, f"{self.where(name)}{place}", faults)
        return found

    def check(self, playbook: str, needed: Iterable[str] = ()) -> dict[str, Any]:
        """Every variable with its value. SiteError has all faults at once; needed are those without which this run cannot be."""
        faults = list(self.faults)
        faults += [
            f"{name} is no variable of this collection: {GONE.get(name[len(PREFIX) :]) or nearest(name, [PREFIX + key for key in KNOWN])}"
            for name in sorted(self._variables)
            if name.startswith(PREFIX) and name[len(PREFIX) :] not in KNOWN
        ]
        faults += [
            f"{name} is given with -e, but names that begin with __ are the collection's own: it would stand for what the run itself finds out. Leave it out."
            for name in sorted(self._extra)
            if name.startswith(INTERNAL)
        ]
        faults += [
            f"{self.where(key.name)} is for one run alone: give it with -e, and take it out of the inventory, where it would outlast the run."
            for key in VARIABLES
            if key.of_run and self.raw(key.name) is not None and PREFIX + key.name not in self._extra
        ]
        settings = {name: self.value(name, playbook, faults) for name in KNOWN if name not in PLACES}
        for name in needed:
            if self.raw(name) in (None, ""):
                faults.append(f"{self.where(name)} is not given: {_wanted(KNOWN[name])}")
        if settings.get("components") and all(settings["components"]):
            settings["components"] = filled(settings["components"])
            if settings["release"] is not None and (KNOWN["release"].read_by(playbook) or plain(self.raw("release"))):
                # A component that is described wrongly has no name to look up.
                packages = {component["name"]: component["package"] for component in settings["components"] if component.get("name")}
                faults += rules.release(settings["release"], packages)
        if settings.get("load_balancers") and all(settings["load_balancers"]):
            settings["load_balancers"] = [{"path": rules.path_of(balancer), **balancer} for balancer in settings["load_balancers"]]
        if playbook in EXAMINED and not faults:
            faults += rules.sanity_way(settings["components"] or [], settings["load_balancers"] or [])
            faults += rules.compare_way(settings["components"] or [], settings["load_balancers"] or [])
        if faults:
            raise SiteError(faults)
        return settings


def default_of(key: Key) -> Any:
    return list(key.default) if isinstance(key.default, tuple) else key.default


def _wanted(key: Key) -> str:
    if key.name == "release":
        return f"say which one, {rules.EXAMPLE}."
    return f"{key.text.split(';')[0].split(', see')[0]}. See the variables in the README."


def _without_unread(key: Key, raw: Any, playbook: str) -> tuple[Key, Any, dict[str, tuple[Key, Any]]]:
    """A list or dictionary less the keys that only other playbooks read, which are given apart, by their place."""
    inner = [each for each in key.keys or () if not each.read_by(playbook)]
    entries = [(entry_of("", entry, number), entry) for number, entry in enumerate(raw, start=1)] if isinstance(raw, (list, tuple)) else [("", raw)]
    if not inner or not all(isinstance(entry, Mapping) for _place, entry in entries):
        return key, raw, {}
    names = {each.name for each in inner}
    unread = {f"{place}.{each.name}": (each, entry[each.name]) for place, entry in entries for each in inner if entry.get(each.name) is not None}
    left = [{name: value for name, value in entry.items() if name not in names} for _place, entry in entries]
    known = tuple(replace(each, required=False) if each.name in names else each for each in key.keys or ())
    return replace(key, keys=known), left if isinstance(raw, (list, tuple)) else left[0], unread


def filled(components: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Components with what follows from their other keys."""
    found = []
    for component in components:
        whole = {"package": component.get("name"), "service": component.get("name"), **component}
        heartbeat = component.get("heartbeat") or {}
        if heartbeat.get("port") and not heartbeat.get("url") and heartbeat.get("profile", "api") == "api":
            whole["heartbeat"] = {"control_port": heartbeat["port"] + CONTROL_PORT, **heartbeat}
        found.append(whole)
    return found


def components(value: Any) -> list[dict[str, Any]]:
    """Components by themselves, checked and with their defaults, for roles that are handed them. SiteError has every fault."""
    faults: list[str] = []
    if not isinstance(value, (list, tuple)) or not value:
        raise SiteError(["bluegreen_components must be a list with at least one component."])
    found = value_of(KNOWN["components"], value, "bluegreen_components", faults)
    if faults:
        raise SiteError(faults)
    return filled(found)
