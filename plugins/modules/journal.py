#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: journal
short_description: Note an act in the journal of a node
version_added: 0.1.0
description:
  - Adds one line to the journal of the node, C(/var/lib/halfswap-bluegreen/journal.jsonl). The other modules note what they do by
    themselves; this one is for what they do not know of, such as a migration.
  - The journal only grows. At about 1 MiB the file is put aside, and four of those are kept.
author:
  - halfswap.bluegreen contributors (@halfswap)
attributes:
  check_mode:
    description: Writes nothing.
    support: full
  diff_mode:
    description: What is noted is in the task.
    support: none
  idempotent:
    description: Each task is an act of its own, and adds a line.
    support: none
options:
  run_id:
    description: The run that did it.
    type: str
    required: true
  by:
    description: Who did it. Defaults to the user (in AWX the one who launched the job) and the host of the controller, V(user@host).
    type: str
  what:
    description: What was done.
    type: str
    required: true
  before:
    description: What was before; text, a list or a dictionary.
    type: raw
  after:
    description: What is after it; text, a list or a dictionary.
    type: raw
  result:
    description: What came of it.
    type: str
  cut_off:
    description:
      - Why the node can go back to none of its earlier releases any more, for instance the name of a migration that they cannot live with.
      - They are cut off in its release record until O(clear_cut_off), whatever is released later.
    type: str
  clear_cut_off:
    description: Say that the releases cut off can be used again, after the migration was undone.
    type: bool
    default: false
seealso:
  - module: halfswap.bluegreen.journal_info
  - module: halfswap.bluegreen.node_info
"""

EXAMPLES = r"""
- name: Note the migration, and that the releases before it cannot be used any more
  halfswap.bluegreen.journal:
    run_id: "{{ run_id }}"
    what: migration orders
    result: complete
    cut_off: migration orders has dropped the column customer_name
"""

RETURN = r"""
cut_off:
  description: What is cut off on the node now, as in the release record that M(halfswap.bluegreen.node_info) returns; null when nothing is.
  returned: when O(cut_off) or O(clear_cut_off) is given, and not in check mode
  type: dict
  sample: {previous: [{shop: shop-1.0.0-1.noarch}], why: migration orders has dropped the column customer_name}
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.halfswap.bluegreen.plugins.module_utils import _records, _release_record


def run(params):
    result = dict(changed=True)
    # The journal comes first: it tells what was done, even if the node dies before the record says what follows from it.
    _records.append(*[params[key] for key in ("run_id", "by", "what", "before", "after", "result")])
    if params["cut_off"] or params["clear_cut_off"]:
        record = _release_record.cut_off(params["cut_off"]) if params["cut_off"] else _release_record.clear_cut_off()
        result["cut_off"] = record["cut_off"] if record else None
    return result


def main():
    module = AnsibleModule(
        argument_spec=dict(
            run_id=dict(type="str", required=True),
            by=dict(type="str"),
            what=dict(type="str", required=True),
            before=dict(type="raw"),
            after=dict(type="raw"),
            result=dict(type="str"),
            cut_off=dict(type="str"),
            clear_cut_off=dict(type="bool", default=False),
        ),
        supports_check_mode=True,
    )
    if module.params["cut_off"] and module.params["clear_cut_off"]:
        module.fail_json(msg="cut_off and clear_cut_off exclude each other.")
    if module.check_mode:
        module.exit_json(changed=True)
    try:
        module.exit_json(**run(module.params))
    except _records.RecordsError as exc:
        module.fail_json(msg=str(exc))


if __name__ == "__main__":
    main()
