# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read the node."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._reading import OPTIONS, UNREADABLE, read
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._whose import Keeping, refuse_foreign


def main():
    module = Keeping(guarded=["components"], argument_spec=OPTIONS, supports_check_mode=True)
    module.run_command_environ_update = dict(LC_ALL="C")
    try:
        refuse_foreign()
        module.exit_json(**read(module, module.params["components"]))
    except UNREADABLE as exc:
        module.fail_json(msg=str(exc))
