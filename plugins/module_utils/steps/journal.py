# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write a line into the journal of the node."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from ansible_collections.halfswap.bluegreen.plugins.module_utils.node import _records, _release_record
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._whose import Keeping


def run(params):
    result = dict(changed=True)
    # The journal comes first: it tells what was done, even if the node dies before the record says what follows from it.
    _records.append(*[params[key] for key in ("run_id", "by", "what", "before", "after", "result")])
    if params["cut_off"] or params["clear_cut_off"]:
        record = _release_record.cut_off(params["cut_off"]) if params["cut_off"] else _release_record.clear_cut_off()
        result["cut_off"] = record["cut_off"] if record else None
    return result


def main():
    module = Keeping(
        guarded=[],
        argument_spec=dict(
            run_id=dict(type="str", required=True),
            by=dict(type="str"),
            what=dict(type="str"),
            # Put in place of what and after on the controller.
            override=dict(type="str"),
            before=dict(type="raw"),
            after=dict(type="raw"),
            result=dict(type="str"),
            cut_off=dict(type="str"),
            clear_cut_off=dict(type="bool", default=False),
        ),
        supports_check_mode=True,
    )
    if not module.params["what"]:
        module.fail_json(msg="what is empty: say what was done.")
    if module.params["cut_off"] and module.params["clear_cut_off"]:
        module.fail_json(msg="cut_off and clear_cut_off exclude each other.")
    if module.check_mode:
        module.exit_json(changed=True)
    try:
        module.exit_json(**run(module.params))
    except _records.RecordsError as exc:
        module.fail_json(msg=str(exc))
