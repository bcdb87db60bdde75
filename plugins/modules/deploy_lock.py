#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: deploy_lock
short_description: Hold or release the lock of a node, so that one run at a time changes it
version_added: 0.1.0
description:
  - Takes, renews or releases the lock that lies on a node while a run works on its application. It names its holder, and it is a lease -
    without being renewed it ends by itself after O(ttl_s), judged by the node's own clock alone.
  - A lock that another run holds is refused, with its holder, age and the way to take it over. M(halfswap.bluegreen.heartbeat) refuses as
    well while another run holds it.
  - A lock whose holder ran on this very controller, and whose process is no longer there, is taken over without being asked. A run that was
    killed never blocks the next one from the same machine.
  - It keeps the name that the node has in the inventory. A run that asks for the lock of the same machine under another name is refused.
  - A lock that a newer version of this collection has written is refused as such, and left alone.
  - One node decides nothing for the others. A run takes the lock of every node, in the order of the inventory, and releases those it
    got when it is refused one.
author:
  - halfswap.bluegreen contributors (@halfswap)
extends_documentation_fragment:
  - halfswap.bluegreen.holder
  - halfswap.bluegreen.lease
  - halfswap.bluegreen.records
attributes:
  check_mode:
    description: Only looks; fails as it would without check mode when another run holds the lock.
    support: full
  diff_mode:
    description: What is changed is in the result.
    support: none
  idempotent:
    description: Renewing is no change, and neither is releasing what is not held.
    support: full
options:
  state:
    description:
      - V(held) takes the lock, or renews it where this run has it already.
      - V(released) gives back the lock of O(run_id). It is an error when another run holds the lock, and nothing to do when nobody does.
    type: str
    choices: [held, released]
    default: held
  result:
    description: For O(state=released), what the run has ended with. It is noted in the journal.
    type: str
    choices: [complete, failed, interrupted]
    default: complete
seealso:
  - module: halfswap.bluegreen.heartbeat
  - module: halfswap.bluegreen.history
"""

EXAMPLES = r"""
- name: Take the lock of the node, or renew it
  halfswap.bluegreen.deploy_lock:
    run_id: "{{ run_id }}"
    reason: release 2.0.0

- name: Give it back
  halfswap.bluegreen.deploy_lock:
    state: released
    run_id: "{{ run_id }}"
"""

RETURN = r"""
before:
  description: Who held the lock before; null when nobody did, or when the lock had expired.
  returned: success
  type: dict
  sample: null
  contains: &holder
    run_id:
      description: The run.
      type: str
      returned: always
      sample: 20261120T101500Z-4711
    owner:
      description: Who runs it.
      type: str
      returned: always
      sample: alice@ops1
    host:
      description: Where it runs.
      type: str
      returned: always
      sample: ops1
    reason:
      description: Why.
      type: str
      returned: always
      sample: release 2.0.0
    since:
      description: When it took the lock, by the node's clock.
      type: str
      returned: always but as what check mode foretells
      sample: "2026-11-20T10:15:04Z"
    expires_at:
      description: When the lock ends by itself, in seconds since the epoch by the node's clock.
      type: float
      returned: always but as what check mode foretells
      sample: 1795170304.5
    ttl_s:
      description: Seconds from its last renewal until then.
      type: float
      returned: always
      sample: 600.0
    node:
      description: The name of the node in the inventory for which it was taken; null where nobody gave it.
      type: str
      returned: always
      sample: blue1
    process:
      description: Its process on the controller; null where that is not known.
      type: dict
      returned: always
      sample: {boot_id: 2f6c2b04-8f0a-4f63-9d3e-6d1c0d2f7a11, pid_namespace: "pid:[4026531836]", pid: 4711, start_time: 123456}
after:
  description: Who holds the lock now, or would in check mode; null when nobody does.
  returned: success
  type: dict
  contains: *holder
taken_over:
  description: The record of another run that was replaced, whether it had expired or was taken over; null when there was none.
  returned: when O(state=held)
  type: dict
  contains: *holder
foreign:
  description: Whether the records of the node are in the way, because they are those of another application, or one of the components is.
  returned: when they are, and it fails for that
  type: bool
  sample: true
holder:
  description: Who holds the lock.
  returned: when another run holds it
  type: dict
  contains: *holder
"""

from ansible_collections.halfswap.bluegreen.plugins.module_utils.steps.deploy_lock import main

if __name__ == "__main__":
    main()
