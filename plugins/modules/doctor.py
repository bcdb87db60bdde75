#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The work is done by the action plugin of the same name; this file is its documentation.

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: doctor
short_description: Judge what was read everywhere, and say what to mend
version_added: 0.1.0
description:
  - Judges what M(halfswap.bluegreen.node_check) registered on every node, what the controller knows by itself, and what the load balancers answered. It shows
    a table of check, node, what was found and what to mend, with a verdict below it.
  - It fails where there is a fault, which is something that keeps a deployment from working or makes it unsafe. A note harms nothing by itself.
  - With O(dest) it writes down every way that has to be open through firewalls, as CSV with the columns C(from), C(to), C(port) and C(why).
  - Runs on the controller; of the hosts of a play, the first one shows it.
author:
  - halfswap.bluegreen contributors (@halfswap)
extends_documentation_fragment:
  - halfswap.bluegreen.attributes
  - halfswap.bluegreen.observed
  - halfswap.bluegreen.site
attributes:
  check_mode:
    description: Nothing is written to O(dest).
options:
  answers:
    description: Name of the variable in which M(halfswap.bluegreen.lb_answers) was registered.
    type: str
  faults:
    description: What is wrong with the description of the site. Then nothing else is judged.
    type: list
    elements: str
    default: []
  components:
    description: The components, as the filter P(halfswap.bluegreen.components#filter) gives them with V(way), for the ways through firewalls.
    type: list
    elements: dict
    default: []
  load_balancers:
    description: The load balancers of the site.
    type: list
    elements: dict
    default: []
  repository:
    description: The repository of the site, with C(name), C(url) and C(gpgcheck).
    type: dict
  clock_skew_s:
    description: How far the clock of a node may be from that of the controller, in seconds.
    type: float
    default: 5.0
  way_back:
    description: Whether a deployment is refused for which the packages to go back to cannot be had.
    type: bool
    default: true
  sanity_from:
    description: The host that sends the sanity tests.
    type: str
    default: localhost
  dest:
    description: The file on the controller for the ways through firewalls. Without it nothing is written.
    type: path
seealso:
  - module: halfswap.bluegreen.node_check
  - module: halfswap.bluegreen.plan
"""

EXAMPLES = r"""
- name: Show what was found
  halfswap.bluegreen.doctor:
    site: "{{ site }}"
    observed: bluegreen_checked
    dest: dist/firewall-request.csv
  run_once: true
"""

RETURN = r"""
table:
  description: The table as it was shown, line by line.
  returned: success
  type: list
  elements: str
  sample: ["DOCTOR: no faults, no notes in 96 checks."]
findings:
  description: The faults and notes of it, for programs.
  returned: always
  type: list
  elements: dict
  contains:
    check:
      description: The check.
      type: str
      returned: always
      sample: unit
    node:
      description: The node, or V(controller).
      type: str
      returned: always
      sample: blue1
    found:
      description: What was found there.
      type: str
      returned: always
      sample: shop is masked, so that nothing can start it
    mend:
      description: What to mend.
      type: str
      returned: always
      sample: see who has masked it, and why; then systemctl unmask shop
    weight:
      description: Whether it is a V(fault) or a V(note).
      type: str
      returned: always
      sample: fault
"""
