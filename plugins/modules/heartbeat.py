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
  - halfswap.bluegreen.limits
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
        description: Base URL of the control side of its heartbeat as the node reaches it, for instance V(http://127.0.0.1:9101).
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
  state:
    description: The state wanted.
    type: str
    required: true
    choices: [live, standby]
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
  rehearsal:
    description: Whether the node was out without being swapped, so that the time is not noted as what a swap of it takes.
    type: bool
    default: false
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
  traffic_timeout_s:
    description:
      - After the change to V(live), longest wait in seconds for the first live request, where the other live nodes have enough
        traffic that ten requests are expected within that time (O(components[].expected_per_s)). Only for components that count their requests.
      - Without one in that time there is a warning; the other half does not leave before it has come, unless the traffic has ended.
    type: float
    default: 10.0
  batch:
    description: All nodes that are swapped together with this one, itself included. Defaults to this node alone.
    type: list
    elements: str
  batch_id:
    description: Names the batch that the evidence must have been gathered for; see module M(halfswap.bluegreen.node_info).
    type: str
    required: true
  evidence:
    description: >-
      Name of the variable in which the M(halfswap.bluegreen.node_info) task of this batch registered what each node said.
    type: str
    default: bluegreen_evidence
  evidence_max_age_s:
    description: Evidence older than this many seconds is refused. It must have been read I(just now).
    type: float
    default: 60.0
  without:
    description: Nodes known to be dead. They are not asked, and count as not serving.
    type: list
    elements: str
    default: []
  successors:
    description:
      - For O(state=standby), the nodes that come in at the same moment, each with what must be installed and running, as in O(proof). They are
        proven as if they went live, and O(min_live) does not hold for that moment.
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
      - For O(state=live), the registered results of M(halfswap.bluegreen.sanity) for this batch, one for each component.
      - What a result with the name of its component, as C(component), showed of this node is noted in the journal of the node.
    type: list
    elements: dict
    default: []
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
      - {name: shop, package: shop, service: shop, url: "http://127.0.0.1:9101"}
    token: "{{ heartbeat_token }}"
  register: bluegreen_evidence

- name: Take the blue half out, and wait until the live load balancer has noticed
  halfswap.bluegreen.heartbeat:
    state: standby
    components:
      - {name: shop, url: "http://127.0.0.1:9101"}
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

from ansible_collections.halfswap.bluegreen.plugins.module_utils import _lock, _records
from ansible_collections.halfswap.bluegreen.plugins.module_utils._heartbeat_api import PHASES, HeartbeatError
from ansible_collections.halfswap.bluegreen.plugins.module_utils._heartbeats import components_option, heartbeat_of
from ansible_collections.halfswap.bluegreen.plugins.module_utils._secrets import Module
from ansible_collections.halfswap.bluegreen.plugins.module_utils._settle import LOAD_BALANCER_SPEC
from ansible_collections.halfswap.bluegreen.plugins.module_utils._switch import Failure, Switch, wait


def diff(result):
    def text(key):
        return "".join("%s: %s\n" % (c["name"], c[key]) for c in result["components"])

    return dict(before=text("before"), after=text("after"))


def run(module):
    params = module.params
    held = _lock.foreign(params["run_id"])
    if held:
        raise HeartbeatError("Refused, nothing was changed: %s." % held)
    switch = Switch(params, [heartbeat_of(c, params["token"], module) for c in params["components"]])
    switch.read()
    work = switch.work()
    result = switch.result(bool(work), params["state"])
    result["diff"] = diff(result)
    if module.check_mode:
        return result
    if work:
        _records.prepare()
    if params["step"] == "judge":
        return dict(result, work=[heartbeat.name for heartbeat in work], statuses=switch.before)
    if work and params["step"] == "all":
        switch.lead()
    switch.write(work)
    switch.record()
    if params["step"] == "record":
        return dict(result, statuses=switch.after)
    result.update(wait(switch, bool(work), module.warn))
    return result


def main():
    module = Module(
        guarded=["components"],
        argument_spec=dict(
            components=components_option(revision=dict(type="int"), expected_per_s=dict(type="float", default=0.0)),
            state=dict(type="str", required=True, choices=["live", "standby"]),
            token=dict(type="str", required=True, no_log=True),
            reason=dict(type="str", default=""),
            run_id=dict(type="str", required=True),
            by=dict(type="str"),
            phase=dict(type="str", choices=list(PHASES)),
            load_balancers=dict(type="list", elements="dict", default=[], options=LOAD_BALANCER_SPEC),
            settle_timeout_s=dict(type="float", default=60.0),
            traffic_timeout_s=dict(type="float", default=10.0),
            release=dict(type="dict"),
            tested=dict(type="dict", default={}),
            step=dict(type="str", choices=["all", "judge", "record"], default="all"),
            # What follows is judged on the controller, by the action plugin, before the module is sent.
            batch=dict(type="list", elements="str"),
            batch_id=dict(type="str", required=True),
            evidence=dict(type="str", default="bluegreen_evidence"),
            evidence_max_age_s=dict(type="float", default=60.0),
            min_live=dict(type="int", default=0),
            max_unavailable=dict(type="str", default="0"),
            capacity=dict(
                type="list",
                elements="dict",
                default=[],
                options=dict(name=dict(type="str", required=True), per_s=dict(type="float", required=True)),
            ),
            without=dict(type="list", elements="str", default=[]),
            lead_s=dict(type="float", default=0.0),
            rehearsal=dict(type="bool", default=False),
            successors=dict(type="dict"),
            proof=dict(type="dict"),
            proof_evidence=dict(type="str"),
            sanity=dict(type="list", elements="dict", default=[]),
            adopt=dict(type="bool", default=False),
        ),
        supports_check_mode=True,
    )
    try:
        module.exit_json(**run(module))
    except Failure as exc:
        module.fail_json(msg=str(exc), **exc.result)
    except (HeartbeatError, _records.RecordsError) as exc:
        module.fail_json(msg=str(exc))


if __name__ == "__main__":
    main()
