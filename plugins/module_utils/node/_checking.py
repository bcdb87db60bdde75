# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a node can say of the place where an application is to be deployed: units, ports, disks, package manager, files, answers.

Nothing is judged here, and nothing is changed; plugins/plugin_utils/judge/_doctor.py judges. A part that cannot be read is an entry of `errors`, and the others
are there all the same.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import io
import json
import os
import platform
import re

from ansible.module_utils.common.text.converters import to_native

from ansible_collections.halfswap.bluegreen.plugins.module_utils._dialect import TEXTS, parsed
from ansible_collections.halfswap.bluegreen.plugins.module_utils._http import LONG_ANSWER, NoAnswer, NotReached, request, without_login
from ansible_collections.halfswap.bluegreen.plugins.module_utils._shown import Told, shown
from ansible_collections.halfswap.bluegreen.plugins.module_utils._wait import monotonic
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node import _release_record
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._listeners import LOOPBACK, holders, listeners
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._records import RecordsError
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._systemd import SystemdError
from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm._rpm import installed_packages
from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm._rpm_proxy import ConfigurationError, options_of
from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm._rpm_release import find_manager
from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm._rpm_store import HEARTBEAT_STATE, LARGE_TEMPORARY_FILES, Store, free_bytes
from ansible_collections.halfswap.bluegreen.plugins.module_utils.sanity._json_path import lookup

PROC = "/proc"
ETC = "/etc"
UNIT_PROPERTIES = "Id LoadState ActiveState UnitFileState".split()
ASK_S = 5.0
# What every repository of packages has, and what a package manager asks for first.
METADATA = "/repodata/repomd.xml"
# A table has a cell for it.
VALUE_CHARACTERS = 60
FILES_TOLD = 20
OFFERS_TOLD = 200
LINES_TOLD = 100
# What decides which packages the manager sees, and how it gets to them. Keys and passwords of a repository are not read.
MANAGER_OPTIONS = "enabled baseurl metalink mirrorlist proxy gpgcheck localpkg_gpgcheck excludepkgs exclude includepkgs gpgkey skip_if_unavailable".split()
# Of a repository that does not answer, the manager would ask ten times.
IMPATIENT = ["--setopt=timeout=10", "--setopt=retries=1"]
# What rpm says of a file that is not as the package has it.
CHANGED = re.compile(r"(missing|[.?A-Z0-9]{8,9}) +(?:([a-z]) )? *(/.*)$")
# Configuration is for the operator to change; a ghost is nobody's.
OWN_MATTER = ("c", "g")
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")

COMPONENT = dict(
    name=dict(type="str", required=True),
    package=dict(type="str", required=True),
    replaces=dict(type="str"),
    service=dict(type="str", required=True),
    agent=dict(type="str", default=""),
    ports=dict(type="list", elements="dict", default=[]),
    health_url=dict(type="str", default=""),
    status_url=dict(type="str", default=""),
    keys=dict(type="dict", default={}, no_log=False),
)
CHECKS = dict(type="list", elements="dict", options=COMPONENT)


def look(module, components, more):
    """What is known of each part."""
    found, errors = {}, {}
    parts = [
        ("units", lambda: units(module, components)),
        ("ports", lambda: ports(components)),
        ("free", lambda: free(more)),
        ("host", host),
        ("mounts", lambda: mounts(more)),
        ("proxies", proxies),
        ("manager", manager_options),
        ("keys", lambda: signing_keys(module)),
        ("installed", lambda: installed(module, components)),
        ("offered", lambda: offered(module, components)),
        ("stored", lambda: stored(module, more)),
        ("record", record),
        ("changed_files", lambda: changed_files(module, components)),
        ("answers", lambda: answers(components, more)),
    ]
    for name, read in parts:
        try:
            found[name] = read()
        except (Told, RecordsError, EnvironmentError, ConfigurationError, ValueError) as exc:
            errors[name] = shown(to_native(exc))
    return dict(found, errors=errors)


def roles(component):
    return (("service", component["service"]), ("agent", component["agent"]), ("replaced", component.get("replaces")))


def units(module, components):
    """What systemd says of the units of each component, in one call."""
    asked = [(c, role, unit) for c in components for role, unit in roles(c) if unit]
    names = []
    for _component, _role, unit in asked:
        if unit not in names:
            names.append(unit)
    if not names:
        return []
    status, out, err = module.run_command(["systemctl", "show", "--property=%s" % ",".join(UNIT_PROPERTIES), "--"] + names)
    if status:
        raise SystemdError("systemctl cannot tell the state of %s: %s" % (", ".join(names), (err or out).strip()))
    said = dict(zip(names, [dict(line.split("=", 1) for line in block.splitlines() if "=" in line) for block in out.strip("\n").split("\n\n")]))
    return [
        dict(
            component=c["name"],
            package=c["package"],
            role=role,
            unit=unit,
            id=shown(said.get(unit, {}).get("Id", "")),
            load=shown(said.get(unit, {}).get("LoadState", "")),
            active=shown(said.get(unit, {}).get("ActiveState", "")),
            file=shown(said.get(unit, {}).get("UnitFileState", "")),
        )
        for c, role, unit in asked
    ]


def ports(components):
    """Who listens on each port of a component."""
    listening = listeners()
    asked = [(c["name"], entry) for c in components for entry in c["ports"]]
    who = holders({each.inode for _name, entry in asked for each in listening.get(int(entry["port"]), ())})
    found = []
    for name, entry in asked:
        mine = listening.get(int(entry["port"]), [])
        holder = next((who[each.inode] for each in mine if each.inode in who), None)
        found.append(
            dict(
                component=name,
                port=int(entry["port"]),
                what=entry.get("what", ""),
                unit=entry.get("unit", ""),
                outside=bool(entry.get("outside")),
                heard=bool(mine),
                loopback=bool(mine) and all(each.address in LOOPBACK for each in mine),
                pid=holder.pid if holder else None,
                program=holder.program if holder else None,
                by=holder.unit if holder else None,
            )
        )
    return found


def free(more):
    """What is free where a deployment writes."""
    return [dict(path=path, free_bytes=free_bytes(path)) for path in (more["store"], HEARTBEAT_STATE)]


def host():
    return dict(python=platform.python_version(), user=os.geteuid(), name=shown(platform.node()))


def mounts(more):
    """For each directory that is written to: what forbids something there."""
    table = []
    for line in _text(os.path.join(PROC, "mounts")).splitlines():
        fields = line.split(" ")
        table.append((fields[1].replace("\\040", " "), fields[3].split(",")))
    found = []
    for path in [more["remote_tmp"], "/tmp", LARGE_TEMPORARY_FILES, more["store"], "/usr"]:
        path = os.path.expanduser(path)
        # The last one that was mounted there is the one that is seen.
        fitting = [(len(point), at, options) for at, (point, options) in enumerate(table) if (path + "/").startswith(point.rstrip("/") + "/")]
        options = max(fitting)[2] if fitting else []
        found.append(dict(path=path, noexec="noexec" in options, read_only="ro" in options))
    return found


def proxies():
    """Where a proxy is named, without the password that may be in it."""
    found = [dict(where="environment", name=name, value=_proxy(os.environ[name])) for name in sorted(os.environ) if name.lower() in PROXIES]
    path = os.path.join(ETC, "environment")
    for line in _text(path).splitlines() if os.path.exists(path) else ():
        name, equals, value = line.strip().partition("=")
        name = name.replace("export ", "").strip()
        if equals and name.lower() in PROXIES:
            found.append(dict(where=path, name=name, value=_proxy(value.strip("\"' "))))
    return found


def _proxy(value):
    return shown(without_login(value))


def manager_options():
    """What the package manager was told, as far as it hides packages or checks them; a line each."""
    paths = [os.path.join(ETC, *each) for each in (("dnf", "dnf.conf"), ("yum.conf",))]
    for directory in (os.path.join(ETC, "dnf", "libdnf5.conf.d"), os.path.join(ETC, "yum.repos.d")):
        ends = (".repo",) if directory.endswith("repos.d") else (".conf",)
        paths += [os.path.join(directory, name) for name in (sorted(os.listdir(directory)) if os.path.isdir(directory) else ()) if name.endswith(ends)]
    found = []
    for path in paths:
        if os.path.exists(path) and not (os.path.islink(path) and os.path.realpath(path) in paths):
            options = options_of(path)
            found += [
                dict(file=path, section=shown(section), option=name, value=_proxy((options.get(section, name) or "").replace("\n", " ")))
                for section in options.sections()
                for name in MANAGER_OPTIONS
                if options.has_option(section, name)
            ]
    for each in (("dnf", "plugins", "versionlock.list"), ("yum", "pluginconf.d", "versionlock.list")):
        path = os.path.join(ETC, *each)
        lines = _text(path).splitlines() if os.path.exists(path) else []
        found += [dict(file=path, section="main", option="versionlock", value=shown(line.strip())) for line in lines if line.strip() and line[0] != "#"]
    return found[:LINES_TOLD]


def signing_keys(module):
    """How many keys rpm would believe."""
    status, out, _err = module.run_command(["rpm", "-q", "gpg-pubkey"], environ_update=dict(LC_ALL="C"))
    return 0 if status else len(out.split())


def installed(module, components):
    there = installed_packages(module, [c["package"] for c in components])
    return {c["package"]: (there.get(c["package"]) or {}).get("nevra") for c in components}


def offered(module, components):
    """What the enabled repositories have of each package, and what the manager complained of."""
    manager = find_manager(module)
    manager.command += IMPATIENT
    # Asked now: what it remembers of a repository says nothing of the way there.
    pairs = manager.available(sorted({c["package"] for c in components}), True)
    complaints = [shown(line) for line in manager.complaints]
    newest = sorted(pairs, key=lambda pair: pair[0].age, reverse=True)
    told = [dict(name=package.name, nevra=str(package), repository=shown(repository)) for package, repository in newest]
    return dict(packages=told[:OFFERS_TOLD], complaints=complaints[:FILES_TOLD])


def stored(module, more):
    return sorted(str(package) for package in Store(module, more["store"]).packages())


def record():
    """What the node has noted of its releases."""
    noted = _release_record.read()
    return None if noted is None else dict(current=noted["current"], previous=[former["packages"] for former in noted["previous"]])


def changed_files(module, components):
    """The files of each installed package that are not those of the package, without configuration and without what differs by its date alone."""
    found = []
    there = installed_packages(module, [c["package"] for c in components])
    for package in sorted(there):
        _status, out, _err = module.run_command(["rpm", "-V", "--nodeps", "--noscripts", package], environ_update=dict(LC_ALL="C"))
        changed = []
        for line in out.splitlines():
            match = CHANGED.match(line)
            if match and match.group(2) not in OWN_MATTER and set(match.group(1)) - set(".?T"):
                changed.append(shown(match.group(3)) + (" (missing)" if match.group(1) == "missing" else ""))
        found.append(dict(package=package, nevra=there[package]["nevra"], files=changed[:FILES_TOLD], count=len(changed)))
    return found


def answers(components, more):
    """What the application answers where it is asked, and the repository; with the values of the keys."""
    found = []
    for c in components:
        for what in ("health", "status"):
            if c[what + "_url"]:
                keys = c["keys"] if what == "status" else {}
                found.append(_answer(c["name"], what, c[what + "_url"], keys))
    url, proxy = more["repository_url"], more["repository_proxy"]
    # What only the package manager fills in, or speaks, is left to it.
    if url.startswith("http") and "$" not in url and (not proxy or proxy.startswith("http://")):
        found.append(_answer("", "repository", url.rstrip("/") + METADATA, {}, proxy))
    return found


def _answer(component, what, url, keys, proxy=None):
    entry = dict(component=component, what=what, url=shown(without_login(url)), status=None, error=None, values=[])
    began = monotonic()
    try:
        answer = request(url, timeout_s=ASK_S, largest=LONG_ANSWER, proxy=proxy or None)
    except (NotReached, NoAnswer) as exc:
        return dict(entry, error=shown(to_native(exc)), took_s=round(monotonic() - began, 3))
    entry.update(status=answer.status, took_s=round(monotonic() - began, 3))
    if keys:
        try:
            document = parsed(answer.body)
        except ValueError:
            return dict(entry, error="it is no JSON: %s" % shown(answer.body, VALUE_CHARACTERS))
        entry["values"] = [_value(document, meaning, keys[meaning]) for meaning in sorted(keys)]
    return entry


def _value(document, meaning, key):
    entry = dict(meaning=shown(meaning), key=shown(key), kind=None, value=None, error=None)
    try:
        value = lookup(document, key)
    except LookupError as exc:
        return dict(entry, error=shown(to_native(exc)))
    # A Python of nodes has two kinds of text and of whole numbers, JSON one each.
    kind = "text" if isinstance(value, TEXTS) else "truth" if isinstance(value, bool) else "number" if isinstance(value, float) else None
    kind = kind or ("null" if value is None else "structure" if isinstance(value, (dict, list)) else "whole")
    return dict(entry, kind=kind, value=shown(json.dumps(value), VALUE_CHARACTERS))


def _text(path):
    with io.open(path, encoding="utf-8", errors="replace") as opened:
        return opened.read()
