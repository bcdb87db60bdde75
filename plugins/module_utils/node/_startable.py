# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What would keep a service from being started, found while everything still runs: a masked unit, one that the package lacks, a port that is taken."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os
import re
import socket

from ansible_collections.halfswap.bluegreen.plugins.module_utils._http import NoAnswer, NotReached, request
from ansible_collections.halfswap.bluegreen.plugins.module_utils._shown import shown
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node import _systemd
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._adopted import units_of
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._listeners import LOOPBACK, holders, listeners

try:
    from urllib.parse import urlsplit
except ImportError:  # Python 2.7
    from urlparse import urlsplit

# Where a package puts a unit, or a script of System V, and how a scriptlet names such a place, that writes one which no list of files has.
UNIT = re.compile(r"(?:/usr)?/lib/systemd/system/([^/]+)\Z|/etc/systemd/system/([^/]+)\Z|/etc/(?:rc\.d/)?init\.d/([^/]+)\Z")
PLACE = re.compile(r"/systemd/system(?![a-z-])|/init\.d\b")
# Whose units systemd takes before those of packages.
BEFORE_PACKAGES = ("/etc/systemd/", "/run/systemd/")
# An answer with one of these comes from a proxy in front of a service that is down.
OF_A_PROXY = (502, 503, 504)
ANSWER_S = 2.0
LOCAL = ("127.0.0.1", "::1", "localhost")
# In a kernel's table: any address, of both families.
ANY = ("00000000", "0" * 32)
MOST_UNITS_NAMED = 5


def obstacles(module, wanted):
    """For each service why it could not be started, in a list.

    wanted: for each package `service`, `changes` (whether another one is going to be installed), `label` (what it is going to be), `files` (paths of the
    RPMs that it consists of), `former` (the name of the package that is installed, or None), `url`, which its health is asked at, and `replaces`, the
    unit that is stopped before it is started, or None.
    """
    units = _systemd.look(module, [unit for each in wanted for unit in units_of(each)]) if wanted else {}
    found = []
    for each in wanted:
        unit = units[each["service"]]
        if unit.active and not each["changes"]:
            continue
        if unit.is_masked:
            found.append("%s is masked on this node, so that nobody can start it: unmask it (systemctl unmask %s)" % (unit.name, unit.name))
            continue
        found += _without_unit(module, each, unit) + _shadowed(module, each, unit) + _beside(module, unit, [other["service"] for other in wanted])
        # What it replaces holds the port until it is stopped; module release looks again then.
        if unit.has_ended and each.get("url") and not (each.get("replaces") and units[each["replaces"]].runs):
            found += _taken(module, each["url"], unit)
    return found


def _full(name):
    return name if name.endswith(".service") else name + ".service"


def _names(service):
    """The files of which each serves as the unit: its own, that of its template, and a script of System V."""
    name = _full(service)
    template = name.partition("@")[0] + "@.service" if "@" in name else name
    return name, template, name[: -len(".service")]


def _paths(module, files):
    return [line for file in files for line in module.run_command(["rpm", "-q", "-p", "--qf", "[%{FILENAMES}\n]", file])[1].splitlines()]


def _shadowed(module, each, unit):
    """What runs under this name came without the package, and its unit would go on to be the one that is started."""
    own = unit.said.get("FragmentPath") or ""
    if each["former"] or not unit.runs or not own.startswith(BEFORE_PACKAGES):
        return []
    paths = _paths(module, each["files"])
    if own in paths or not any(os.path.basename(path) in _names(unit.name) and UNIT.match(path) for path in paths):
        return []
    return [
        "%s runs without a package, from the unit %s, which systemd would start in place of the one that %s brings: give that unit another name, and name it "
        "in replaces of the component" % (unit.name, shown(own), each["label"])
    ]


def _without_unit(module, each, unit):
    files = each["files"] if each["changes"] else []
    paths = _paths(module, files)
    units = sorted({name for found in map(UNIT.match, paths) if found for name in found.groups() if name})
    if any(name in units for name in _names(unit.name)):
        return []
    loaded = unit.said.get("LoadState") in ("loaded", None)
    if loaded and not (each["changes"] and each["former"]):
        return []
    if loaded:
        # It stays, unless it goes with the former package.
        own = [unit.said.get("SourcePath"), unit.said.get("FragmentPath")]
        former = module.run_command(["rpm", "-q", "--qf", "[%{FILENAMES}\n]", each["former"]])[1].splitlines()
        # /lib is /usr/lib, and a list of files may say either.
        gone = {os.path.realpath(path) for path in former} - {os.path.realpath(path) for path in paths}
        if not any(path and os.path.realpath(path) in gone for path in own):
            return []
    if any(PLACE.search(module.run_command(["rpm", "-q", "-p", "--scripts", file])[1]) for file in files):
        # What a scriptlet writes is known once it has run.
        return []
    has = "it has %s" % ", ".join(units[:MOST_UNITS_NAMED]) if units else "it has no unit at all"
    what = "%s brings no unit %s (%s)" % (each["label"], _full(unit.name), has) if files else "systemd has no unit %s to load on this node" % _full(unit.name)
    return ["%s, so that nothing could be started: name the right one (key service of the component), or mend the package" % what]


def _beside(module, unit, ours):
    """Other instances of the same template, which would go on with the former files."""
    base, at, _instance = _full(unit.name).partition("@")
    if not at:
        return []
    out = module.run_command(["systemctl", "list-units", "--plain", "--no-legend", "--state=active,activating,reloading", "%s@*.service" % base])[1]
    others = [words[0] for words in (line.split() for line in out.splitlines()) if words and words[0] not in [_full(name) for name in ours]]
    if not others:
        return []
    return [
        "beside %s there runs %s, from the same package: they would go on with the former release. One package has one service on a node: stop and disable the "
        "others, or run all of them in one service" % (_full(unit.name), ", ".join(others[:MOST_UNITS_NAMED]))
    ]


def holder_of(port):
    """Who listens on this port of the node, in words; None where nobody does."""
    sockets = _listening("localhost", port)
    return (_holder(sockets) or "somebody else") if sockets else None


def _taken(module, url, unit):
    parts = urlsplit(url)
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return []
    sockets = _listening(parts.hostname or "", port)
    # Where its own socket unit listens for it, that is as it should be.
    if not sockets or any(trigger.active for trigger in (_systemd.look(module, unit.triggers) if unit.triggers else {}).values()):
        return []
    try:
        if request(url, timeout_s=ANSWER_S).status in OF_A_PROXY:
            return []
    except (NotReached, NoAnswer):
        pass
    return [
        "port %d, which %s is to listen on (%s), is taken by %s: stop that, or choose another port"
        % (port, unit.name, shown(url), _holder(sockets) or "somebody else")
    ]


def _listening(host, port):
    """The numbers of the sockets that would be in its way there."""
    addresses = ANY + (LOOPBACK if host in LOCAL else _in_hex(host))
    try:
        return [each.inode for each in listeners().get(port, ()) if each.address in addresses]
    except EnvironmentError:
        # What cannot be looked at is in nobody's way.
        return []


def _in_hex(host):
    """An address of version 4 as the kernel's table has it; of a name or another address nothing is known."""
    try:
        return ("%02X%02X%02X%02X" % tuple(reversed(bytearray(socket.inet_aton(host)))),)
    except (EnvironmentError, socket.error, UnicodeError):
        return ()


def _holder(sockets):
    """Who holds one of them, in words."""
    for holder in holders(sockets).values():
        return "process %d (%s%s)" % (holder.pid, holder.program, ", %s" % holder.unit if holder.unit else "")
    return None
