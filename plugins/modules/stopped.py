#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The work is done by the action plugin of the same name; this file is its documentation.

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: stopped
short_description: Stop a batch that has failed, and say where that left this node
version_added: 0.1.0
description:
  - Writes into the journal of the node why its batch stopped, and fails with it. For the rescue of a block.
author:
  - halfswap.bluegreen contributors (@halfswap)
attributes:
  check_mode:
    description: Writes nothing.
    support: full
  diff_mode:
    description: A journal is only added to.
    support: none
  idempotent:
    description: Each time is another line.
    support: none
options:
  batch:
    description: The batch, as M(halfswap.bluegreen.plan) returns it.
    type: dict
    required: true
  run_id:
    description: The run, for the journal.
    type: str
    required: true
  task:
    description: >-
      The task that has failed on this node. Where none has, because another node of the batch failed or was lost, it says that of those, by name.
    type: str
    default: ""
  way_back:
    description: Name of the variable in which M(halfswap.bluegreen.way_back) was registered.
    type: str
    required: true
  back:
    description: Names of the variables in which the steps of the way back were registered, the release and then the heartbeat.
    type: list
    elements: str
    required: true
  services:
    description: The systemd units of the node, for whoever looks further.
    type: list
    elements: str
    required: true
seealso:
  - module: halfswap.bluegreen.way_back
"""

EXAMPLES = r"""
- name: Stop, and say where things stand
  halfswap.bluegreen.stopped:
    batch: "{{ batch }}"
    run_id: "{{ run_id }}"
    task: "{{ ansible_failed_task.name }}"
    way_back: way_back
    back: [released, returned]
    services: [shop]
"""

RETURN = r"""
msg:
  description: What stopped the batch, and where that left the node.
  returned: always
  type: str
  sample: 'Batch 1 (blue1) stopped at "Release": Not ready after 60.0 s. blue1 is back on shop-1.0.0-1.noarch and live.'
"""
