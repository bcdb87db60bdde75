#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The work is done by the action plugin of the same name; this file is its documentation.

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: watch
short_description: Judge what a watch has shown
version_added: 0.1.0
description:
  - Puts together what M(halfswap.bluegreen.observe) registered on every host of the play, and M(halfswap.bluegreen.observe_traffic) on the first one.
  - An anomaly does not make it fail, so that every host comes to the tasks which take the batch back.
  - Runs on the controller. What nodes say is never templated on its way.
author:
  - halfswap.bluegreen contributors (@halfswap)
extends_documentation_fragment:
  - halfswap.bluegreen.attributes
attributes:
  check_mode:
    description: Reads only what was registered.
options:
  batch:
    description: The batch that is watched, as M(halfswap.bluegreen.plan) returns it.
    type: dict
    required: true
  batches:
    description: All batches of the plan. After an anomaly, those that are in go back, too.
    type: list
    elements: dict
    default: []
  on_failure:
    description: What becomes of them after an anomaly, as in C(bluegreen_on_failure).
    type: str
    required: true
  observed:
    description: Name of the variable in which M(halfswap.bluegreen.observe) was registered on each host.
    type: str
    required: true
  traffic:
    description: Names of the variables in which the start and the state of the job of M(halfswap.bluegreen.observe_traffic) were registered.
    type: list
    elements: str
    required: true
  traffic_attempts:
    description: After so many attempts to read it, a job that has not ended is an anomaly.
    type: int
    required: true
  former:
    description: Name of the variable with the judgement before this one. An anomaly that it tells of is kept.
    type: str
    required: true
seealso:
  - module: halfswap.bluegreen.observe
  - module: halfswap.bluegreen.observe_traffic
"""

EXAMPLES = r"""
- name: Judge what has shown
  halfswap.bluegreen.watch:
    batch: "{{ batch }}"
    on_failure: rollback
    observed: observed
    traffic: [traffic_job, traffic]
    traffic_attempts: 60
    former: seen
  register: seen
"""

RETURN = r"""
found:
  description: Whether there is an anomaly.
  returned: always
  type: bool
  sample: true
anomalies:
  description: What has shown, and where.
  returned: always
  type: list
  elements: str
  sample: ["green1: After 1.5 s: component shop is not healthy: HTTP 503."]
undo:
  description: The batches by which what was brought in goes back, the last one first, as M(halfswap.bluegreen.plan) returns them.
  returned: always
  type: list
  elements: dict
  sample: []
hold:
  description: Whether the batch is taken out instead, to be looked at.
  returned: always
  type: bool
  sample: false
verdict:
  description: Where things stand once the batch was taken back. Empty without an anomaly.
  returned: always
  type: str
  sample: "Batch 1 was in, and then green1: After 1.5 s: component shop is not healthy: HTTP 503. green1 serve what they served before."
"""
