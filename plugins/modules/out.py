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
  - Then it keeps the proof on the node, C(/var/lib/halfswap-bluegreen/proof.json), for which M(halfswap.bluegreen.release) asks before it stops anything.
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
        description: Base URL of the control side of its heartbeat as the node reaches it, for instance V(http://127.0.0.1:9101).
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
      - {name: shop, url: "http://127.0.0.1:9101"}
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

from ansible_collections.halfswap.bluegreen.plugins.module_utils import _lock, _proof, _records
from ansible_collections.halfswap.bluegreen.plugins.module_utils._draining import NOT_DRAINED, UNDRAINABLE, drain, options
from ansible_collections.halfswap.bluegreen.plugins.module_utils._heartbeat_api import HeartbeatError
from ansible_collections.halfswap.bluegreen.plugins.module_utils._heartbeats import components_option, heartbeat_of
from ansible_collections.halfswap.bluegreen.plugins.module_utils._secrets import Module
from ansible_collections.halfswap.bluegreen.plugins.module_utils._switch import JUDGED, OPTIONS, Failure, Switch, on_the_node
from ansible_collections.halfswap.bluegreen.plugins.module_utils._systemd import SystemdError, look


def check(params, asked):
    """Refuse what could never become a proof."""
    named = [c["name"] for c in asked["components"]]
    missing = [c["name"] for c in params["components"] if c["name"] not in named]
    if missing:
        raise HeartbeatError("Nothing was changed: drain.components does not name %s, and nobody would look whether it is in use." % ", ".join(missing))
    unsettled = [c["name"] for c in params["components"] if c["revision"] is None]
    if params["step"] == "drain" and unsettled:
        raise HeartbeatError("Nothing was changed: step drain needs the revision at which the heartbeat was settled, of %s." % ", ".join(unsettled))


def switched(module):
    """What module heartbeat does to standby; the revision of each component, and the result."""
    params = dict(module.params, state="standby", traffic_timeout_s=0.0)
    if params["step"] == "drain":
        held = _lock.foreign(params["run_id"])
        if held:
            raise HeartbeatError("Refused, nothing was changed: %s." % held)
        if not module.check_mode:
            _proof.remove()
        return {c["name"]: c["revision"] for c in params["components"]}, dict(changed=False)
    switch = Switch(params, [heartbeat_of(c, params["token"], module) for c in params["components"]])
    result = on_the_node(switch, params["step"], module.check_mode, module.warn, lambda work: _proof.remove())
    return {c["name"]: c["revision"] for c in result["components"]}, result


def drained(module, asked, revisions):
    """Wait until nobody uses what runs, and keep the proof; the result of module drain."""
    units = look(module, [c["service"] for c in asked["components"]])
    running = [c for c in asked["components"] if units[c["service"]].runs]
    # What does not run has nothing in flight, and could not tell.
    result = dict(drained=True, proceeded=False, guess=False, waited_s=0.0, open=[], method=asked["method"], components=[])
    exceptions = {}
    if running:
        result = drain(module, dict(asked, components=running), module.check_mode, exceptions)
    if "msg" in result or module.check_mode:
        return result
    seen = {c["name"]: c["requests"] for c in result["components"]}
    proven = {
        name: dict(revision=revision, ran=name in seen, requests=seen.get(name), exception=exceptions.get(name, "")) for name, revision in revisions.items()
    }
    _records.prepare()
    _proof.keep(module.params["run_id"], module.params["batch_id"], proven)
    return result


def run(module):
    try:
        asked = options(module.params["drain"])
    except UNDRAINABLE as exc:
        # Before the switch: what could never be proven is no reason to leave.
        raise HeartbeatError(NOT_DRAINED % exc)
    asked["run_id"] = asked["run_id"] or module.params["run_id"]
    check(module.params, asked)
    revisions, result = switched(module)
    if module.params["step"] in ("judge", "record") and not module.check_mode:
        return result
    try:
        found = drained(module, asked, revisions)
    except UNDRAINABLE as exc:
        raise Failure(NOT_DRAINED % exc, dict(result, drained=False))
    except SystemdError as exc:
        raise Failure(NOT_DRAINED % exc, dict(result, drained=False))
    msg = found.pop("msg", None)
    result.update(drain=found, drained=found["drained"])
    if msg:
        raise Failure(msg, result)
    return result


def main():
    module = Module(
        guarded=["components", "drain"],
        argument_spec=dict(
            dict(OPTIONS, **JUDGED),
            components=components_option(revision=dict(type="int")),
            drain=dict(type="dict", required=True),
            batch_id=dict(type="str", required=True),
            step=dict(type="str", choices=["all", "judge", "record", "drain"], default="all"),
        ),
        supports_check_mode=True,
    )
    module.run_command_environ_update = dict(LC_ALL="C")
    try:
        module.exit_json(**run(module))
    except Failure as exc:
        module.fail_json(msg=str(exc), **exc.result)
    except (HeartbeatError, _records.RecordsError) as exc:
        module.fail_json(msg=str(exc))


if __name__ == "__main__":
    main()
