# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read the node, and the place where it is to be deployed to."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._checking import CHECKS, look
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._reading import OPTIONS, UNREADABLE, read
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._whose import Keeping, refuse_foreign
from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm._rpm_store import STORE, place
from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm._rpm_wanted import REPOSITORIES
from ansible_collections.halfswap.bluegreen.plugins.module_utils.steps.begin import undrainable


def run(module):
    params = module.params
    more = dict({name: params[name] for name in ("remote_tmp", "repository_url", "repository_proxy")}, store=place(params["store"]))
    result = dict(changed=False, checked=look(module, params["checks"], more))
    # Nothing is noted of what is seen here for the first time, either.
    module.check_mode = True
    try:
        refuse_foreign()
        result.update(read(module, params["components"]))
    except UNREADABLE as exc:
        # Of a node that is not set up yet there is all the same something to tell.
        return dict(result, unreadable=str(exc))
    return dict(result, undrainable=undrainable(module, result["components"]) if params["drain"] is not None else None)


def main():
    module = Keeping(
        guarded=["components", "checks", "drain", "repository_url", "repository_proxy"],
        argument_spec=dict(
            dict(OPTIONS, **REPOSITORIES),
            checks=dict(CHECKS, required=True),
            drain=dict(type="dict"),
            store=dict(type="path", default=STORE),
            remote_tmp=dict(type="str", default="~/.ansible/tmp"),
            repository_url=dict(type="str", default=""),
            repository_proxy=dict(type="str", default=""),
        ),
        supports_check_mode=True,
    )
    module.run_command_environ_update = dict(LC_ALL="C")
    module.exit_json(**run(module))
