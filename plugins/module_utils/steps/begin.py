# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Take the lock of the node, and read it."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from ansible_collections.halfswap.bluegreen.plugins.module_utils.drain._draining import UNDRAINABLE, could_be_told, options
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node import _lock, _records, _release_record
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._reading import OPTIONS, UNREADABLE, read
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._whose import Foreign, Keeping


def undrainable(module, seen):
    """Why a drain could not be told; of components that are healthy, for whatever else may not answer."""
    healthy = [c["name"] for c in seen if c["heartbeat"] and c["heartbeat"]["healthy"]]
    try:
        drain = options(module.params["drain"], service=False)
        could_be_told(module, dict(drain, run_id="", components=[c for c in drain["components"] if c["name"] in healthy]))
    except UNDRAINABLE as exc:
        return str(exc)
    return None


def run(module):
    params = module.params
    lock = _lock.hold(params, module.check_mode)
    if params["clear_cut_off"] and not module.check_mode:
        # The journal comes first: it tells what was done, even if the node dies before the record says what follows from it.
        _records.append(params["run_id"], _lock.who(params), "schema restored")
        _release_record.clear_cut_off()
    result = read(module, params["components"])
    result.update(
        changed=lock["changed"] or params["clear_cut_off"],
        before=lock["before"],
        taken_over=lock["taken_over"],
        undrainable=undrainable(module, result["components"]) if params["drain"] is not None else None,
    )
    return result


def main():
    spec = dict(OPTIONS, decided=dict(type="str"), clear_cut_off=dict(type="bool", default=False), drain=dict(type="dict"))
    spec.update(_lock.HOLDER, **_lock.LEASE)
    module = Keeping(guarded=["components", "drain"], argument_spec=spec, supports_check_mode=True)
    module.run_command_environ_update = dict(LC_ALL="C")
    try:
        module.exit_json(**run(module))
    except (_lock.Held, _lock.Twin, _lock.Unfit, Foreign) as exc:
        module.fail_json(**_lock.failure(exc))
    except UNREADABLE as exc:
        module.fail_json(msg=str(exc))
