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

from ansible.module_utils.common.text.converters import to_native

from ansible_collections.halfswap.bluegreen.plugins.module_utils._http import LONG_ANSWER, NoAnswer, NotReached, request, without_login
from ansible_collections.halfswap.bluegreen.plugins.module_utils._secrets import Module
from ansible_collections.halfswap.bluegreen.plugins.module_utils._shown import shown


def main():
    module = Module(
        guarded=["load_balancers"],
        argument_spec=dict(
            load_balancers=dict(type="list", elements="dict", required=True),
            timeout_s=dict(type="float", default=10.0),
        ),
        supports_check_mode=True,
    )
    answers, faults = {}, []
    for balancer in module.params["load_balancers"]:
        if not balancer.get("url"):
            continue
        name = balancer.get("name") or "without a name"
        try:
            # Only that it answers counts, however large the page is.
            answers[name] = request(balancer["url"], timeout_s=module.params["timeout_s"], largest=LONG_ANSWER).status
        except (NotReached, NoAnswer) as exc:
            faults.append("load balancer %s does not answer at %s (%s)" % (name, without_login(balancer["url"]), shown(to_native(exc))))
    if faults:
        module.fail_json(
            msg="%s. Nothing was changed. Does it run, and is its url right (bluegreen_load_balancers)? Asked by the host that sends the sanity tests "
            "(bluegreen_sanity_from)." % "; ".join(faults)
        )
    module.exit_json(changed=False, answers=answers)


if __name__ == "__main__":
    main()
