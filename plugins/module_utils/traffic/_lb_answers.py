# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether load balancers answer at all."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from ansible.module_utils.common.text.converters import to_native

from ansible_collections.halfswap.bluegreen.plugins.module_utils._http import LONG_ANSWER, NoAnswer, NotReached, request, without_login
from ansible_collections.halfswap.bluegreen.plugins.module_utils._shown import Failure, shown

SPEC = dict(load_balancers=dict(type="list", elements="dict", required=True), timeout_s=dict(type="float", default=10.0))
# Which of them may have secrets in them.
GUARDED = ["load_balancers"]


def carry_out(params):
    """The status that each of them answers; params: as SPEC has them. Failure names those that do not answer."""
    answers, faults = {}, []
    for balancer in params["load_balancers"]:
        if not balancer.get("url"):
            continue
        name = balancer.get("name") or "without a name"
        try:
            # Only that it answers counts, however large the page is.
            answers[name] = request(balancer["url"], timeout_s=params["timeout_s"], largest=LONG_ANSWER).status
        except (NotReached, NoAnswer) as exc:
            faults.append("load balancer %s does not answer at %s (%s)" % (name, without_login(balancer["url"]), shown(to_native(exc))))
    if faults:
        raise Failure(
            "%s. Nothing was changed. Does it run, and is its url right (bluegreen_load_balancers)? Asked by the host that sends the sanity tests "
            "(bluegreen_sanity_from)." % "; ".join(faults)
        )
    return dict(changed=False, answers=answers)
