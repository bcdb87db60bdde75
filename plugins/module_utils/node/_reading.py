# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Everything that a node says of itself, as evidence: what module node_info reads, and what a step reads when it is done."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import time

from ansible_collections.halfswap.bluegreen.plugins.module_utils.heartbeat._heartbeat_api import HeartbeatError
from ansible_collections.halfswap.bluegreen.plugins.module_utils.heartbeat._heartbeats import components_option, heartbeat_of
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node import _lock, _owed, _release_record
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._adopted import REPLACES, units_of
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._machine import machine
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._records import RecordsError
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._systemd import SystemdError, look, told
from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm._rpm import RpmError, installed_packages
from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm._rpm_files import MAY_DIFFER, differing_at_a_glance, patterns_of

OPTIONS = dict(
    components=components_option(package=dict(type="str", required=True), service=dict(type="str", required=True), may_differ=MAY_DIFFER, replaces=REPLACES),
    token=dict(type="str", no_log=True),
    batch_id=dict(type="str", default=""),
)
# Why a node cannot be read at all.
UNREADABLE = (RecordsError, RpmError, SystemdError)


def _said_of(component, module):
    try:
        # What is seen here for the first time is dated, so that a later look knows for how long it has been so.
        status = heartbeat_of(component, module.params["token"], module).status(fresh=True, note=not module.check_mode)
        return dict(heartbeat=status, error=None)
    except HeartbeatError as exc:
        return dict(heartbeat=None, error=str(exc))


def read(module, components, holder=_lock.holder):
    """The result of module node_info. holder: how it is found out who holds the lock."""
    units = look(module, [unit for c in components for unit in units_of(c)])
    owed = _owed.services()
    packages = installed_packages(module, [c["package"] for c in components])
    files = differing_at_a_glance(module, sorted(packages), patterns_of(components, "package"))
    found = []
    for component in components:
        package = packages.get(component["package"]) or {}
        entry = dict(
            name=component["name"],
            package=component["package"],
            nevra=package.get("nevra"),
            version=package.get("version"),
            installed_at=package.get("installed_at"),
            owed=component["service"] in owed,
            differing=files.get(component["package"], []),
        )
        if component.get("replaces"):
            entry.update(replaces=component["replaces"], replaced_active=units[component["replaces"]].active)
        unit = units[component["service"]]
        entry.update(active=unit.active, started_at=unit.started_at, restarts=unit.restarts, ended=told(module, unit) if unit.has_ended else None)
        entry.update(_said_of(component, module))
        found.append(entry)
    return dict(
        changed=False,
        components=found,
        batch_id=module.params["batch_id"],
        lock=holder(),
        record=_release_record.read(),
        machine=machine(),
        time=round(time.time(), 3),
    )
