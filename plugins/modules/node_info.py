#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: node_info
short_description: Read what a node says of its components, as evidence
version_added: 0.1.0
description:
  - Reads, in one round trip, everything that a decision about a node rests on. For each component the status of its heartbeat (with a health
    check made for this very answer), the package installed and since when, the state of its service and the start of its process; for the
    node its clock, its lock, its release record, and which machine it is.
  - The action plugin of the same name stamps the result with the controller's monotonic time and with the batch that it was gathered
    for. Registered, it is the evidence that M(halfswap.bluegreen.heartbeat) and M(halfswap.bluegreen.plan) judge.
  - A component whose heartbeat does not answer, or answers in another dialect than C(docs/heartbeat-api.md) has, is reported with C(error). The
    module itself does not fail for it, so that one run tells everything that is wrong with every node.
author:
  - halfswap.bluegreen contributors (@halfswap)
extends_documentation_fragment:
  - halfswap.bluegreen.node
  - halfswap.bluegreen.attributes
  - halfswap.bluegreen.records
attributes:
  check_mode:
    description: Reads only. Else it dates what an application that keeps no books is seen to say for the first time, in a record of the node.
seealso:
  - module: halfswap.bluegreen.heartbeat
  - module: halfswap.bluegreen.heartbeat_info
"""

EXAMPLES = r"""
- name: Read what every node says now
  halfswap.bluegreen.node_info:
    batch_id: "{{ run_id }}/1"
    components:
      - {name: shop, package: shop, service: shop, url: "http://127.0.0.1:8791"}
    token: "{{ heartbeat_token }}"
  register: bluegreen_evidence
"""

RETURN = r"""
components:
  description: What the node says of each component.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: Name of the component.
      type: str
      returned: always
      sample: shop
    package:
      description: Name of its RPM.
      type: str
      returned: always
      sample: shop
    heartbeat:
      description: The status as the heartbeat API answers it; null when it does not answer.
      type: dict
      returned: always
      sample: {state: live, answer: live, revision: 7, healthy: true, release: 2.0.0}
    error:
      description: Why the heartbeat did not answer; null when it did.
      type: str
      returned: always
      sample: null
    nevra:
      description: The package installed, null when there is none.
      type: str
      returned: always
      sample: shop-2.0.0-1.noarch
    version:
      description: The version of the package installed, null when there is none.
      type: str
      returned: always
      sample: 2.0.0
    installed_at:
      description: When it was installed, in seconds since the epoch by the node's clock; null when it is not.
      type: int
      returned: always
      sample: 1790000000
    differing:
      description: >-
        The files on the disk that are not as in the package, and how they differ. Configuration, documentation and ghosts are left out. A file is read
        only where its size, its time or the target of a link is another one, or where an installation of the package has not ended.
      type: list
      elements: str
      returned: always
      sample: ["/opt/shop/shop.py (size, content)"]
    active:
      description: Whether the service runs.
      type: bool
      returned: always
      sample: true
    owed:
      description: >-
        Whether a run of M(halfswap.bluegreen.release) has changed the package and not started the service again. Its process may be of the former package.
      type: bool
      returned: always
      sample: false
    ended:
      description: Where the service has ended or failed, what systemd says of it, and the end of its journal; null where it has not.
      type: str
      returned: always
      sample: null
    restarts:
      description: How often systemd has started the service again by itself; always 0 where it does not count (before version 235).
      type: int
      returned: always
      sample: 0
    started_at:
      description: >-
        When the main process of the service was started, in seconds since the epoch by the node's clock; where systemd knows none, the oldest process of its
        control group; null when there is no process.
      type: float
      returned: always
      sample: 1790000001.5
lock:
  description: Who holds the lock of the node, as M(halfswap.bluegreen.deploy_lock) returns it; null when nobody does, or when the lock has expired.
  returned: always
  type: dict
  sample: null
record:
  description: The release record of the node; null on a node that no run has brought live yet.
  returned: always
  type: dict
  contains:
    current:
      description: What it serves, or served last, as a dictionary of component name to NEVRA.
      type: dict
      returned: always
      sample: {shop: shop-2.0.0-1.noarch}
    previous:
      description: The releases that it can go back to, newest first, at most three.
      type: list
      elements: dict
      returned: always
      sample: [{shop: shop-1.0.0-1.noarch}]
    phase:
      description: The phase that the node is in.
      type: str
      returned: always
      sample: SERVING
    run_id:
      description: The run that led it there.
      type: str
      returned: always
      sample: 20261120T101500Z-4711
    since:
      description: When it entered the phase, or began to serve what it serves, by its own clock.
      type: str
      returned: always
      sample: "2026-11-20T10:16:20Z"
    out_s:
      description: Seconds from standby to live in its last swap that one run has completed; null when there was none.
      type: float
      returned: always
      sample: 12.4
    beside_s:
      description:
        - Seconds that a batch took in that run beside being out and the waits that were planned, such as reading all nodes.
      type: float
      returned: once a deployment has measured it
      sample: 5.1
    cut_off:
      description: The releases that it cannot go back to any more; null when there are none.
      type: dict
      returned: always
      sample: null
      contains:
        previous:
          description: The releases, newest first.
          type: list
          elements: dict
          returned: always
          sample: [{shop: shop-1.0.0-1.noarch}]
        why:
          description: What they cannot live with.
          type: str
          returned: always
          sample: migration orders has dropped the column customer_name
machine:
  description:
    - Which machine it is. Two names of one machine have the same here, and count as no node at all. Null where it is not known.
    - It is not the machine id, which clones share, nor the boot id alone, which containers share.
  returned: always
  type: str
  sample: 2f6c2b04-8f0a-4f63-9d3e-6d1c0d2f7a11/64769/128
time:
  description: The node's clock, in seconds since the epoch.
  returned: always
  type: float
  sample: 1795170304.512
clock_skew_s:
  description:
    - By how many seconds the clock of the node differs at least from that of the controller, either way. It is 0 when the node's time lies
      between the controller's before the question and after the answer.
  returned: always
  type: float
  sample: 0.0
at:
  description: The controller's monotonic time, in seconds, before the node was asked.
  returned: always
  type: float
  sample: 123456.7
batch_id:
  description: The batch that the evidence was gathered for.
  returned: always
  type: str
  sample: 20261120T101500-4711/1
"""

from ansible_collections.halfswap.bluegreen.plugins.module_utils.steps.node_info import main

if __name__ == "__main__":
    main()
