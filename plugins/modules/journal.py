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
  - Adds one line to the journal of the node, C(journal.jsonl) among its records (see O(application)). The other modules note what they do by
    themselves; this one is for what they do not know of, such as a migration.
  - The journal only grows. At about 1 MiB the file is put aside, and four of those are kept.
author:
  - halfswap.bluegreen contributors (@halfswap)
extends_documentation_fragment:
  - halfswap.bluegreen.records
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
    description: What was done. Required, unless O(override) is given.
    type: str
  before:
    description: What was before; text, a list or a dictionary.
    type: raw
  after:
    description: What is after it; text, a list or a dictionary.
    type: raw
  override:
    description:
      - For the action plugin. Name of the variable in which M(halfswap.bluegreen.plan) was registered, whose RV(halfswap.bluegreen.plan#module:override)
        is written down.
      - It takes the place of O(what) and O(after).
    type: str
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

from ansible_collections.halfswap.bluegreen.plugins.module_utils.steps.journal import main

if __name__ == "__main__":
    main()
