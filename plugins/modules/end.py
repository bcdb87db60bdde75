#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: end
short_description: End a run on a node - give its lock back and read it
version_added: 0.1.0
description:
  - The last step of a run, in one round trip. It gives the lock of the node back as M(halfswap.bluegreen.deploy_lock) does, and
    then reads the node as M(halfswap.bluegreen.node_info) does.
  - The lock of another run is left alone and told in RV(held_by). That is no failure, and neither is a lock that cannot be read (RV(lock_error)).
  - The lock comes back even where the node cannot be read. That fails.
author:
  - halfswap.bluegreen contributors (@halfswap)
extends_documentation_fragment:
  - halfswap.bluegreen.holder
  - halfswap.bluegreen.node
  - halfswap.bluegreen.records
attributes:
  check_mode:
    description: Only looks at the lock, and reads without noting anything.
    support: full
  diff_mode:
    description: What is changed is in the result.
    support: none
  idempotent:
    description: Where this run holds no lock, none is given back.
    support: full
options:
  result:
    description: What the run has ended with. It is noted in the journal.
    type: str
    choices: [complete, failed, interrupted]
    default: complete
  batch_s:
    description:
      - Seconds that each batch of this run took, without the waits that were planned. The action M(halfswap.bluegreen.end) sets it from
        the option C(plan), which is what M(halfswap.bluegreen.plan) registered when all of it was done.
      - It is noted in the release record of a node that this run has brought live, for the next plan.
    type: float
seealso:
  - module: halfswap.bluegreen.begin
  - module: halfswap.bluegreen.deploy_lock
  - module: halfswap.bluegreen.node_info
"""

EXAMPLES = r"""
- name: Give the lock back, and read how the run left the node
  halfswap.bluegreen.end:
    run_id: "{{ run_id }}"
    components:
      - {name: shop, package: shop, service: shop, url: "http://127.0.0.1:8791"}
    token: "{{ heartbeat_token }}"
"""

RETURN = r"""
components:
  description: As RV(halfswap.bluegreen.node_info#module:components). Everything else that M(halfswap.bluegreen.node_info) returns is returned, too.
  returned: success
  type: list
  elements: dict
  sample: [{name: shop, nevra: shop-2.0.0-1.noarch, active: true, heartbeat: {state: live}, error: null}]
released:
  description: Whether the lock of this run was given back. False when it held none.
  returned: always
  type: bool
  sample: true
held_by:
  description: The other run that holds the lock, in words; null when none does.
  returned: always
  type: str
  sample: null
lock_error:
  description: Why the lock could not be read or given back; null when it could.
  returned: always
  type: str
  sample: null
"""

from ansible_collections.halfswap.bluegreen.plugins.module_utils.steps.end import main

if __name__ == "__main__":
    main()
