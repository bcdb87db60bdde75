#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: journal_info
short_description: Read the journal of a node
version_added: 0.1.0
description:
  - Reads the last lines of the journal of the node, and who holds its lock.
  - A line that a power loss has cut short, or that is not ours, is in RV(strange). It stops nothing.
author:
  - halfswap.bluegreen contributors (@halfswap)
extends_documentation_fragment:
  - halfswap.bluegreen.attributes
  - halfswap.bluegreen.records
attributes:
  check_mode:
    description: Reads only.
options:
  count:
    description: How many lines to read at most, the newest ones.
    type: int
    default: 200
seealso:
  - module: halfswap.bluegreen.journal
  - module: halfswap.bluegreen.history
"""

EXAMPLES = r"""
- name: Read the journal of every node
  halfswap.bluegreen.journal_info:
    count: 50
  register: bluegreen_journal
"""

RETURN = r"""
lines:
  description: The acts, oldest first.
  returned: always
  type: list
  elements: dict
  contains:
    at:
      description: When, by the node's clock.
      type: str
      returned: always
      sample: "2026-11-20T10:15:06Z"
    run_id:
      description: The run that did it.
      type: str
      returned: always
      sample: 20261120T101500Z-4711
    by:
      description: Who, and from where.
      type: str
      returned: always
      sample: alice@ops1
    what:
      description: What was done. V(lock acquired), V(lock taken over), V(lock released), V(heartbeat) with the component, V(packages), V(drain goes on),
        V(goes on without a whole drain), V(sanity test), V(batch stopped), or what a user noted.
      type: str
      returned: always
      sample: heartbeat shop
    before:
      description: What was before; null where there is nothing to tell.
      type: raw
      returned: always
      sample: live
    after:
      description: What is after it; null where there is nothing to tell.
      type: raw
      returned: always
      sample: standby
    result:
      description: What came of it; null where there is nothing to tell.
      type: str
      returned: always
      sample: revision 8
    reason:
      description: Why.
      type: str
      returned: for locks and heartbeats
      sample: release 2.0.0
strange:
  description: The lines among them that tell of no act, escaped and cut.
  returned: always
  type: list
  elements: str
  sample: []
lock:
  description: Who holds the lock of the node, as M(halfswap.bluegreen.deploy_lock) returns it; null when nobody does, or when the lock has expired.
  returned: always
  type: dict
  sample: null
"""

from ansible_collections.halfswap.bluegreen.plugins.module_utils._shown import shown_all
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node import _lock, _records, _whose


def main():
    module = _whose.Keeping(guarded=[], argument_spec=dict(count=dict(type="int", default=200)), supports_check_mode=True)
    if module.params["count"] < 0:
        module.fail_json(msg="count must not be below 0, as %d is." % module.params["count"])
    try:
        _whose.refuse_foreign()
        strange = []
        lines = shown_all(_records.journal(module.params["count"], strange))
        module.exit_json(changed=False, lines=lines, strange=strange, lock=shown_all(_lock.holder()))
    except _records.RecordsError as exc:
        module.fail_json(msg=str(exc))


if __name__ == "__main__":
    main()
