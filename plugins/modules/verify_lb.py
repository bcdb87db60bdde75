#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The work is done by the action plugin of the same name; this file is its documentation.

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: verify_lb
short_description: Judge from records what load balancers do, and fail where it is not what is declared of them
version_added: 0.1.0
description:
  - Puts together what the role P(halfswap.bluegreen.verify_lb#role) recorded of every node that it tested, shows it as one table, and writes
    the load balancers down with the figures that were measured.
  - It fails when a load balancer has a fault, and says what must be changed there.
  - Runs on the controller; of the hosts of a play, the first one shows it.
author:
  - halfswap.bluegreen contributors (@halfswap)
attributes:
  check_mode:
    description: Reads only what was registered, and writes the file.
    support: partial
  diff_mode:
    description: What is written is shown.
    support: none
  idempotent:
    description: The same records give the same file.
    support: full
options:
  recorded:
    description: Name of the variable in which the role has put its records on each node that it tested.
    type: str
    required: true
  evidence:
    description:
      - Name of the variable in which M(halfswap.bluegreen.begin) or M(halfswap.bluegreen.node_info) was registered on every node. What its first
        heartbeat said is its state, but for the one that is tested.
    type: str
    required: true
  nodes:
    description: The nodes that were tested.
    type: list
    elements: str
    required: true
  load_balancers:
    description: The load balancers, as they are declared in C(bluegreen_load_balancers).
    type: list
    elements: dict
    required: true
  dest:
    description: File on the controller for the load balancers as they were measured. Its directory is made.
    type: str
seealso:
  - module: halfswap.bluegreen.lb_watch
  - module: halfswap.bluegreen.lb_traffic
"""

EXAMPLES = r"""
- name: Judge what was recorded
  halfswap.bluegreen.verify_lb:
    recorded: verify_lb_recorded
    evidence: bluegreen_evidence
    nodes: [blue1, green1]
    load_balancers: "{{ bluegreen_load_balancers }}"
    dest: dist/load-balancers.yml
  run_once: true
"""

RETURN = r"""
table:
  description: What was shown, line by line.
  returned: always
  type: list
  elements: str
  sample: ["load balancer  interval  fall  rise"]
load_balancers:
  description: The load balancers as declared, with the figures that were measured in place of those that are wrong.
  returned: always
  type: list
  elements: dict
  sample: [{name: live, follows: live, path: /heartbeat/live, fall: 3, rise: 2, interval_s: 0.5}]
faults:
  description: What must be changed. The task fails when there is any.
  returned: always
  type: list
  elements: str
  sample: ["load balancer live: it takes a node out after 5 checks, and fall is declared as 3"]
open:
  description: What could not be verified, and why.
  returned: always
  type: list
  elements: str
  sample: []
"""
