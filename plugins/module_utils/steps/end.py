# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Give the lock of the node back, and read it."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from ansible_collections.halfswap.bluegreen.plugins.module_utils.node import _lock, _release_record
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._reading import OPTIONS, UNREADABLE, read
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._records import RecordsError
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._whose import Keeping, refuse_foreign


def give_back(module):
    result = dict(changed=False, released=False, held_by=None, lock_error=None)
    try:
        result["changed"] = result["released"] = _lock.give_back(module.params, module.check_mode)["changed"]
    except _lock.Held as exc:
        result["held_by"] = str(exc)
    except RecordsError as exc:
        result["lock_error"] = str(exc)
    return result


def holder():
    """Who holds the lock now; a lock that cannot be read was told already."""
    try:
        return _lock.holder()
    except RecordsError:
        return None


def run(module):
    # The lock first: what else goes wrong must not keep the next run waiting.
    result = give_back(module)
    try:
        if result["released"] and module.params["batch_s"] is not None and not module.check_mode:
            _release_record.took(module.params["run_id"], module.params["batch_s"])
        refuse_foreign()
        said = read(module, module.params["components"], holder)
    except UNREADABLE as exc:
        module.fail_json(msg=str(exc), **result)
    said.update(result)
    return said


def main():
    module = Keeping(
        guarded=["components"], argument_spec=dict(OPTIONS, batch_s=dict(type="float"), result=_lock.RESULT, **_lock.HOLDER), supports_check_mode=True
    )
    module.run_command_environ_update = dict(LC_ALL="C")
    try:
        module.exit_json(**run(module))
    except _lock.Unfit as exc:
        module.fail_json(**_lock.failure(exc))
