# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Switch the heartbeats of the node, and wait until the load balancers have noticed."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from ansible_collections.halfswap.bluegreen.plugins.module_utils.heartbeat._heartbeat_api import HeartbeatError
from ansible_collections.halfswap.bluegreen.plugins.module_utils.heartbeat._heartbeats import components_option, heartbeat_of
from ansible_collections.halfswap.bluegreen.plugins.module_utils.heartbeat._switch import JUDGED, OPTIONS, Failure, Switch, on_the_node
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node import _records
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._adopted import REPLACES
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._proven import untrue
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._systemd import SystemdError
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._whose import Keeping
from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm._rpm import RpmError


def run(module):
    params = module.params
    heartbeats = [heartbeat_of(c, params["token"], module) for c in params["components"]]

    def first(work):
        wrong = untrue(module, params["components"], heartbeats, params["proof"] or {}) if work and params["state"] == "live" else []
        if wrong:
            raise HeartbeatError(
                "Nothing was changed, the node stays in standby: what was proven of it is not true any more: %s. Find out what changed it, then run again."
                % "; ".join(wrong)
            )

    return on_the_node(Switch(params, heartbeats), params["step"], module.check_mode, module.warn, first)


def main():
    module = Keeping(
        guarded=["components"],
        argument_spec=dict(
            dict(OPTIONS, **JUDGED),
            components=components_option(
                revision=dict(type="int"),
                expected_per_s=dict(type="float", default=0.0),
                package=dict(type="str"),
                service=dict(type="str"),
                replaces=REPLACES,
            ),
            state=dict(type="str", required=True, choices=["live", "standby"]),
            traffic_timeout_s=dict(type="float", default=10.0),
            tested=dict(type="dict", default={}),
            deployment=dict(type="str", default=""),
            step=dict(type="str", choices=["all", "judge", "record"], default="all"),
            # What follows is judged on the controller, by the action plugin, before the module is sent.
            batch_id=dict(type="str", required=True),
            lead_s=dict(type="float", default=0.0),
            rehearsal=dict(type="bool", default=False),
            successors=dict(type="dict"),
            proof=dict(type="dict"),
            proof_evidence=dict(type="str"),
            sanity=dict(type="list", elements="str", default=[]),
            sanity_host=dict(type="str"),
            adopt=dict(type="bool", default=False),
        ),
        supports_check_mode=True,
    )
    try:
        module.exit_json(**run(module))
    except Failure as exc:
        module.fail_json(msg=str(exc), **exc.result)
    except (HeartbeatError, _records.RecordsError, RpmError, SystemdError) as exc:
        module.fail_json(msg=str(exc))
