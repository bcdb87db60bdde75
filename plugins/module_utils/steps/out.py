# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Take the node out of the traffic: standby, settle, drain; keep the proof."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from ansible_collections.halfswap.bluegreen.plugins.module_utils.drain import _proof
from ansible_collections.halfswap.bluegreen.plugins.module_utils.drain._draining import NOT_DRAINED, UNDRAINABLE, drain, options
from ansible_collections.halfswap.bluegreen.plugins.module_utils.heartbeat._heartbeat_api import HeartbeatError
from ansible_collections.halfswap.bluegreen.plugins.module_utils.heartbeat._heartbeats import components_option, heartbeat_of
from ansible_collections.halfswap.bluegreen.plugins.module_utils.heartbeat._switch import JUDGED, OPTIONS, Failure, Switch, on_the_node
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node import _lock, _records
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._adopted import units_of
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._systemd import SystemdError, look
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._whose import Keeping


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
    units = look(module, [unit for c in asked["components"] for unit in units_of(c)])
    running = [c for c in asked["components"] if any(units[unit].runs for unit in units_of(c))]
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
    module = Keeping(
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
