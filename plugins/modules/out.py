#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: out
short_description: Take a node out of use - standby, settle, drain - and keep the proof
version_added: 0.1.0
description:
  - One step of a swap, in one round trip. It writes standby to the heartbeat of every component and waits until the load balancers have noticed, as
    M(halfswap.bluegreen.heartbeat) does, and then waits until nobody uses the components, as M(halfswap.bluegreen.drain) does.
  - Then it keeps the proof on the node, C(proof.json) among its records, for which M(halfswap.bluegreen.release) asks before it stops anything.
    The proof holds for this run, this batch and this boot of the node, and for as long as the heartbeats stay as they were settled.
  - It removes the proof that is there before it changes anything. So does a heartbeat that goes live.
  - The action plugin of the same name judges first whether the node may leave, as that of M(halfswap.bluegreen.heartbeat) does.
  - A service that does not run has nothing in flight, and is not waited for.
author:
  - halfswap.bluegreen contributors (@halfswap)
extends_documentation_fragment:
  - halfswap.bluegreen.judged
  - halfswap.bluegreen.limits
  - halfswap.bluegreen.switch
  - halfswap.bluegreen.records
attributes:
  check_mode:
    description: Predicts the change from what the node reports, writes nothing, looks once at what is in flight, and waits for nothing.
    support: full
  diff_mode:
    description: Shows the state of each component before and after.
    support: full
  idempotent:
    description: A component that is in standby, written by the same run, is left alone. The wait and the proof are made anew.
    support: full
options:
  components:
    description: The components of the node; all of them, because a node is live or standby as a whole.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the component.
        type: str
        required: true
      url:
        description: Base URL of the control side of its heartbeat as the node reaches it, for instance V(http://127.0.0.1:8791).
        type: str
      heartbeat:
        description: Instead of O(components[].url), the heartbeat of an application that does not answer the heartbeat API, see C(docs/heartbeats.md).
        type: dict
      revision:
        description:
          - The revision of the heartbeat that the decision was made on. The action plugin fills it in from the evidence.
          - For O(step=drain) the revision at which the heartbeat was settled, which is required then.
        type: int
  drain:
    description:
      - The options of M(halfswap.bluegreen.drain). Its C(components) name all of O(components), each with the key C(service), its systemd unit.
      - Its C(run_id) is O(run_id) where it has none.
    type: dict
    required: true
  batch_id:
    description: Names the batch that the proof is for.
    type: str
    required: true
  release:
    description:
      - What the node has served until now, a dictionary of component name to NEVRA, for its release record; it is noted where nothing has been noted before.
      - The action plugin fills it in.
    type: dict
  step:
    description: >-
      Used by the action plugin, where only the controller reaches the heartbeat. V(judge) stops before the heartbeat is written, V(record) notes
      what the controller has written, V(drain) is what remains when it has settled - the drain and the proof.
    type: str
    choices: [all, judge, record, drain]
    default: all
seealso:
  - module: halfswap.bluegreen.heartbeat
  - module: halfswap.bluegreen.drain
  - module: halfswap.bluegreen.release
"""

EXAMPLES = r"""
- name: Take the node out, and prove that nobody uses it
  halfswap.bluegreen.out:
    components:
      - {name: shop, url: "http://127.0.0.1:8791"}
    token: "{{ heartbeat_token }}"
    run_id: "{{ run_id }}"
    batch_id: "{{ run_id }}/1"
    reason: release 2.0.0
    load_balancers:
      - {name: live, follows: live, path: /heartbeat/live, addresses: [10.0.0.5], fall: 3, rise: 2}
    drain:
      method: kernel
      components: [{name: shop, service: shop, ports: [8080]}]
"""

RETURN = r"""
components:
  description: Each component before and after, as RV(halfswap.bluegreen.heartbeat#module:components).
  returned: but with O(step=drain)
  type: list
  elements: dict
  sample: [{name: shop, before: live, after: standby, revision: 8}]
settled:
  description: Whether the load balancers were seen to have noticed.
  returned: when O(load_balancers) is given, not in check mode, and not with O(step=drain)
  type: bool
  sample: true
settled_s:
  description: Seconds from the change until then.
  returned: when O(load_balancers) is given, not in check mode, and not with O(step=drain)
  type: float
  sample: 1.52
guess:
  description: Whether that is a guess, because a heartbeat does not tell who asks for it.
  returned: when O(load_balancers) is given, not in check mode, and not with O(step=drain)
  type: bool
  sample: false
drain:
  description: What M(halfswap.bluegreen.drain) returns, of the components that run. Its lists are empty where none does.
  returned: when the load balancers have noticed
  type: dict
  sample: {drained: true, proceeded: false, method: kernel, guess: false, waited_s: 0.2, components: [{name: shop, in_flight: 0}], open: []}
drained:
  description: Whether nothing was in flight, as in RV(drain).
  returned: but with O(step=judge) and O(step=record)
  type: bool
  sample: true
"""

from ansible_collections.halfswap.bluegreen.plugins.module_utils.steps.out import main

if __name__ == "__main__":
    main()
