# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # What OPTIONS of module_utils/heartbeat/_switch.py takes. Each module says by itself what `release` is.
    DOCUMENTATION = r"""
options:
  token:
    description: The bearer token of the write side.
    type: str
    required: true
  reason:
    description: Why, for whoever reads the status later.
    type: str
    default: ""
  run_id:
    description: Identifies the run that writes.
    type: str
    required: true
  by:
    description: Who writes. Defaults to the user and the host of the controller.
    type: str
  phase:
    description: The phase that the component enters. Without it the phase follows the state, V(SERVING) or V(STANDING_BY).
    type: str
    choices: [SCHEDULED, INITIALISING, STANDING_BY, SERVING, CLEANING_UP, OBSOLETE]
  load_balancers:
    description:
      - The load balancers, as they were configured by hand. When given, the module returns only when every known prober of the live ones
        has had O(load_balancers[].fall) consecutive answers of "not live" (or O(load_balancers[].rise) of V(live)) since the change.
      - There is a warning where requests begin or end after another number of answers than declared, as far as their rate lets that be told. A
        test through a standby load balancer at that moment looks the same; the playbook C(verify_lb) measures it.
      - A prober is whoever asks for O(load_balancers[].path) from one of O(load_balancers[].addresses), at least three times within the last
        600 seconds. When one falls silent, which is when it has left out five of its own requests, the task fails at once. Whoever else asks is
        a stranger, who proves nothing and is not waited for.
      - A heartbeat that does not tell who asks for it can only be waited for as long as O(load_balancers[].interval_s) times
        O(load_balancers[].fall) (or O(load_balancers[].rise)), and half a second. That is a guess, and a warning says so.
      - An empty list does not wait.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name, for messages.
        type: str
        required: true
      follows:
        description: The state that this load balancer sends traffic to.
        type: str
        required: true
        choices: [live, standby]
      path:
        description: The URL that its health check asks for, with the query string. Each load balancer has one of its own.
        type: str
        required: true
      addresses:
        description:
          - The addresses and networks from which it checks, IPv4 or IPv6, for instance V([10.0.0.5, 10.0.1.0/28]).
          - They are required where the heartbeat tells who asks for it. Each of those that ask has to be told.
        type: list
        elements: str
        default: []
      fall:
        description: Number of consecutive failed checks after which it takes a node out.
        type: int
        default: 3
      rise:
        description: Number of consecutive good checks after which it takes a node in.
        type: int
        default: 2
      interval_s:
        description:
          - Seconds from one of its checks to the next one. There is a warning where it is seen to differ.
          - It is required where the heartbeat does not tell who asks for it.
        type: float
      probers:
        description: How many addresses check each node at least; V(2) for a pair of load balancers of which both check.
        type: int
        default: 1
      hold_s:
        description: >-
          For how many seconds at most it holds requests while no node is live. V(0), it answers at once with an error.
        type: float
        default: 0.0
  settle_timeout_s:
    description: Longest wait for the load balancers, in seconds. At the end of it the task fails; the heartbeat stays as written.
    type: float
    default: 60.0
"""
