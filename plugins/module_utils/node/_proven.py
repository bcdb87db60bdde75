# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Is what was proven of a node still so? Looked at on the node, just before it goes live."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from ansible_collections.halfswap.bluegreen.plugins.module_utils.node import _owed
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._adopted import unit_of, units_of
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._ready import not_ready
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._systemd import services
from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm._rpm import installed_packages

# The kernel and systemd count boot and start in other steps than the clock's.
CLOCKS_DIFFER_S = 0.1


def is_older(started_at, installed_at):
    """Whether a process was started before its package was installed; not where one of both is not known."""
    return started_at is not None and installed_at is not None and started_at < installed_at - CLOCKS_DIFFER_S


def untrue(module, components, heartbeats, proof):
    """What is not as it must be, of the components that say which package and service are theirs.

    proof: for each component its package (NEVRA), or None: what was adopted, without a package.
    """
    pairs = [(component, heartbeat) for component, heartbeat in zip(components, heartbeats) if component["package"] and component["service"]]
    if not pairs or not proof:
        return []
    packages = installed_packages(module, [component["package"] for component, _heartbeat in pairs])
    units = services(module, [unit for component, _heartbeat in pairs for unit in units_of(component)])
    owed = _owed.services()
    found = []
    for component, heartbeat in pairs:
        name, package = component["name"], packages.get(component["package"]) or {}
        service = component["service"] if package else unit_of(component)
        unit = units[service]
        if name not in proof:
            found.append("component %s: nothing says which package it must have (proof)" % name)
        elif package.get("nevra") != proof[name]:
            wanted = proof[name] or "what was adopted"
            found.append("component %s: %s is installed, not %s" % (name, package.get("nevra") or "no %s" % component["package"], wanted))
        if not unit["active"]:
            found.append("component %s: its service %s does not run" % (name, service))
        elif package and component.get("replaces") and units[component["replaces"]]["active"]:
            found.append("component %s: %s, which it replaces, runs beside it" % (name, component["replaces"]))
        elif component["service"] in owed:
            found.append("component %s: its service %s was not started again since its package was changed" % (name, component["service"]))
        elif is_older(unit["started_at"], package.get("installed_at")):
            found.append("component %s: its service %s runs a process that is older than the package" % (name, component["service"]))
        found.append(not_ready(dict(name=name, release=package.get("version")), heartbeat.status(fresh=True)))
    return [text for text in found if text]
