# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lock of the node alone."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from ansible_collections.halfswap.bluegreen.plugins.module_utils.node import _lock
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._records import RecordsError
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._whose import Foreign, Keeping


def main():
    module = Keeping(
        guarded=[],
        argument_spec=dict(_lock.HOLDER, state=dict(type="str", choices=["held", "released"], default="held"), result=_lock.RESULT, **_lock.LEASE),
        supports_check_mode=True,
    )
    act = _lock.hold if module.params["state"] == "held" else _lock.give_back
    try:
        module.exit_json(**act(module.params, module.check_mode))
    except (_lock.Held, _lock.Twin, _lock.Unfit, Foreign) as exc:
        module.fail_json(**_lock.failure(exc))
    except RecordsError as exc:
        module.fail_json(msg=str(exc))
