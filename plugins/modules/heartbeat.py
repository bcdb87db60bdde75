#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: heartbeat
short_description: Switch the heartbeat of a node's components between live and standby
version_added: 0.1.0
description:
  - Writes the two-state heartbeat of every component of a node, and waits until the load balancers have noticed, all in one
    round trip to the node.
  - This is what moves traffic. Before anything is sent to the node, the action plugin of the same name judges on the controller
    whether the change is safe, from what B(every) node of the inventory groups C(blue) and C(green) said within this batch; a task that cannot
    show that evidence is refused and changes nothing.
  - To V(standby) - every node was read within O(evidence_max_age_s), and the nodes that stay live, healthy and on a known release
    number at least O(min_live), counted for each component that leaves. Two names of one machine do not count at
    all. Where there is traffic, each of them really serves it.
  - To V(live) - the node itself was read again after its installation, has the package of O(proof) installed, runs a process that was
    started after it and reports that release, is healthy, and passed the sanity test (O(sanity)) or is on the release that the live
    nodes serve.
  - Each write carries the revision that was read with the evidence (compare-and-set). When somebody else wrote since then, the node
    answers 409 and nothing changes.
  - It refuses, in check mode too, while the lock of another run lies on the node; see M(halfswap.bluegreen.deploy_lock). Without any lock
    it goes on.
  - Each write is noted in the journal of the node, and what the node serves in its release record; see M(halfswap.bluegreen.node_info).
author:
  - halfswap.bluegreen contributors (@halfswap)
extends_documentation_fragment:
  - halfswap.bluegreen.judged
  - halfswap.bluegreen.switch
  - halfswap.bluegreen.limits
  - halfswap.bluegreen.records
attributes:
  check_mode:
    description: Predicts the change from the state that the node reports; writes nothing and does not wait.
    support: full
  diff_mode:
    description: Shows the state of each component before and after.
    support: full
  idempotent:
    description: A component that is in the wanted state, written by the same run, is left alone.
    support: full
options:
  components:
    description: The components of the node whose heartbeat is set; all of them, because a node is live or standby as a whole.
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
        description:
          - Instead of O(components[].url), the heartbeat of an application that does not answer the heartbeat API. Its key C(profile) says which
            kind it is; C(docs/heartbeats.md) has the keys of each. With O(components[].url), only its key C(via) counts.
          - With C(via) being V(controller) or V(tunnel) the controller itself asks and tells the heartbeat, over the network or through SSH.
        type: dict
      revision:
        description:
          - The revision of the heartbeat that the decision was made on.
          - The action plugin fills it in from the evidence.
        type: int
      expected_per_s:
        description:
          - Requests per second that the node will get once it is live, as far as the others show it; V(0), it is not known.
          - The action plugin fills it in from the evidence.
        type: float
        default: 0.0
      package:
        description:
          - Name of its RPM. With it and O(components[].service), the node looks once more just before it goes live whether what was proven is still so.
            The package of O(proof) is installed, the service runs a process that is younger than it, and the component is healthy and reports
            its version, where it reports one. Where it is not so, nothing is changed.
        type: str
      service:
        description: Name of its systemd unit.
        type: str
      replaces:
        description: The systemd unit in which it serves as long as its package is not installed, where that is not O(components[].service).
        type: str
  state:
    description: The state wanted.
    type: str
    required: true
    choices: [live, standby]
  rehearsal:
    description: Whether the node was out without being swapped, so that the time is not noted as what a swap of it takes.
    type: bool
    default: false
  traffic_timeout_s:
    description:
      - After the change to V(live), longest wait in seconds for the first live request, where the other live nodes have enough
        traffic that ten requests are expected within that time (O(components[].expected_per_s)). Only for components that count their requests.
      - Without one in that time there is a warning; the other half does not leave before it has come, unless the traffic has ended.
    type: float
    default: 10.0
  batch_id:
    description: Names the batch that the evidence must have been gathered for; see module M(halfswap.bluegreen.node_info).
    type: str
    required: true
  successors:
    description:
      - For O(state=standby), the nodes that come in at the same moment, each with what must be installed and running, as in O(proof). They are
        proven as if they went live, and O(min_live) does not hold for that moment.
      - For O(state=live), the same for those that come in, so that both halves are judged alike - none comes in beside one that must not leave.
      - It takes live load balancers that hold requests meanwhile (O(load_balancers[].hold_s)), and whose O(load_balancers[].rise) is at least
        O(load_balancers[].fall) + 2, so that they take nodes out before they take others in.
    type: dict
  lead_s:
    description:
      - For O(state=live), seconds to wait before the change, after everything else was seen to be right. It gives the nodes that leave in the
        same task a lead, since Ansible does not start a task on all hosts at the same moment.
    type: float
    default: 0.0
  proof:
    description: For O(state=live), what must be installed and running; a dictionary of component name to NEVRA.
    type: dict
  release:
    description:
      - What the node serves, a dictionary of component name to NEVRA, for the release record of the node. The action plugin fills it in.
      - For O(state=live) it is what goes live. When every heartbeat says so it is named as current, and the former one is what a rollback goes
        back to. For O(state=standby) it is what was served until now; it is noted where nothing has been noted before.
    type: dict
  deployment:
    description:
      - For O(state=live), what brings the release, as M(halfswap.bluegreen.plan) names it for all nodes. A node that has served it already goes back to
        it, and forgets what it has served since.
      - Without it, the node goes back to what it last served of the same packages, if it has served them.
    type: str
    default: ""
  step:
    description: >-
      Used by the action plugin, where only the controller reaches the heartbeat. V(judge) stops before the heartbeat is written, V(record) notes
      what the controller has written.
    type: str
    choices: [all, judge, record]
    default: all
  proof_evidence:
    description: >-
      For O(state=live), name of the variable in which this node was registered again after its installation. Defaults to O(evidence).
    type: str
  sanity:
    description:
      - For O(state=live), names of the variables in which M(halfswap.bluegreen.sanity) was registered for this batch, as one task for all components
        (O(halfswap.bluegreen.sanity#module:tests)) or for one, as one with a loop over them, or as a list of such results, each with the name of its
        component as C(component).
      - Each component of the node has to be among them, and this node among the answers of each. Of a node with one component the name may be missing.
      - What they showed of this node is noted in the journal of the node.
    type: list
    elements: str
    default: []
  sanity_host:
    description: The host on which O(sanity) was registered. Defaults to this node.
    type: str
  adopt:
    description:
      - For O(state=live), whether the node goes live for the first time without a sanity test, because users reach it already through load
        balancers that do not ask the heartbeats yet. The playbook C(adopt) sets it.
      - It is refused for a node that was live before, and where a node that is live or could be adopted runs another release.
    type: bool
    default: false
  tested:
    description: What is noted of O(sanity) for each component. The action plugin fills it in.
    type: dict
    default: {}
notes:
  - A node that was not read counts as not live.
seealso:
  - module: halfswap.bluegreen.heartbeat_info
  - module: halfswap.bluegreen.node_info
  - module: halfswap.bluegreen.drain
  - module: halfswap.bluegreen.deploy_lock
"""

EXAMPLES = r"""
- name: Read what every node says
  halfswap.bluegreen.node_info:
    batch_id: "{{ run_id }}/1"
    components:
      - {name: shop, package: shop, service: shop, url: "http://127.0.0.1:8791"}
    token: "{{ heartbeat_token }}"
  register: bluegreen_evidence

- name: Take the blue half out, and wait until the live load balancer has noticed
  halfswap.bluegreen.heartbeat:
    state: standby
    components:
      - {name: shop, url: "http://127.0.0.1:8791"}
    token: "{{ heartbeat_token }}"
    run_id: "{{ run_id }}"
    reason: release 2.0.0
    batch: "{{ groups['blue'] }}"
    batch_id: "{{ run_id }}/1"
    load_balancers:
      - {name: live, follows: live, path: /heartbeat/live, addresses: [10.0.0.5], fall: 3, rise: 2}
  when: inventory_hostname in groups['blue']
"""

RETURN = r"""
components:
  description: Each component, before and after.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: Name of the component.
      type: str
      returned: always
      sample: shop
    before:
      description: Its state before.
      type: str
      returned: always
      sample: live
    after:
      description: Its state now, or as it would be in check mode.
      type: str
      returned: always
      sample: standby
    revision:
      description: The revision of its heartbeat now.
      type: int
      returned: always
      sample: 8
    served:
      description: Whether a live request has arrived since the change. Null where the component does not count requests.
      type: bool
      returned: when a request was waited for
      sample: true
settled:
  description: Whether the load balancers were seen to have noticed.
  returned: when O(load_balancers) is given, and not in check mode
  type: bool
  sample: true
settled_s:
  description: Seconds from the change until then.
  returned: when O(load_balancers) is given, and not in check mode
  type: float
  sample: 1.52
guess:
  description: Whether that is a guess, because a heartbeat does not tell who asks for it.
  returned: when O(load_balancers) is given, and not in check mode
  type: bool
  sample: false
"""

from ansible_collections.halfswap.bluegreen.plugins.module_utils.steps.heartbeat import main

if __name__ == "__main__":
    main()
