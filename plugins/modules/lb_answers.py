#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: lb_answers
short_description: Ask whether the load balancers answer at all
version_added: 0.1.0
description:
  - Sends one request to each load balancer that has a URL, and fails where one does not answer. Whatever it answers, it is there; without a node in its
    state that is a 503.
  - Run it on the host that sends the sanity tests, before anything is touched.
author:
  - halfswap.bluegreen contributors (@halfswap)
extends_documentation_fragment:
  - halfswap.bluegreen.attributes
attributes:
  check_mode:
    description: Asks as it does else.
options:
  load_balancers:
    description: The load balancers, as in C(bluegreen_load_balancers) in the README. Of each, C(name) and C(url) count.
    type: list
    elements: dict
    required: true
  timeout_s:
    description: Longest wait for the whole of an answer, in seconds. A load balancer that holds requests while no node is live takes its time.
    type: float
    default: 10.0
seealso:
  - module: halfswap.bluegreen.sanity
"""

EXAMPLES = r"""
- name: Ask whether the load balancers answer
  halfswap.bluegreen.lb_answers:
    load_balancers: "{{ bluegreen_load_balancers }}"
  delegate_to: localhost
"""

RETURN = r"""
answers:
  description: The status of each answer, by the name of the load balancer.
  returned: success
  type: dict
  sample: {live: 200, standby: 503}
"""

from ansible_collections.halfswap.bluegreen.plugins.module_utils._secrets import Module
from ansible_collections.halfswap.bluegreen.plugins.module_utils.traffic._lb_answers import GUARDED, SPEC, Failure, carry_out


def main():
    module = Module(guarded=GUARDED, argument_spec=SPEC, supports_check_mode=True)
    try:
        module.exit_json(**carry_out(module.params))
    except Failure as exc:
        module.fail_json(msg=str(exc), **exc.result)


if __name__ == "__main__":
    main()
