# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Have the agents of a node answer what only a match that is not anchored takes for the word."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from ansible_collections.halfswap.bluegreen.plugins.module_utils.heartbeat._heartbeat_api import Heartbeat
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node import _records

SPEC = dict(
    components=dict(
        type="list",
        elements="dict",
        required=True,
        options=dict(name=dict(type="str", required=True), url=dict(type="str", required=True)),
    ),
    token=dict(type="str", required=True, no_log=True),
    words=dict(type="dict", required=True),
    seconds=dict(type="float", required=True),
    reason=dict(type="str", default=""),
    run_id=dict(type="str", required=True),
    by=dict(type="str", required=True),
)


def begin(params):
    """Begins it, and notes it in the journal; which components do it, and which cannot."""
    heartbeats = [Heartbeat(c["name"], c["url"], params["token"]) for c in params["components"]]
    able = [heartbeat for heartbeat in heartbeats if "test" in heartbeat.status()]
    if able:
        _records.prepare()
    for heartbeat in able:
        heartbeat.match_test(params["words"], params["seconds"], reason=params["reason"], run_id=params["run_id"], by=params["by"])
        what = "heartbeat %s: match test of %.1f s" % (heartbeat.name, params["seconds"])
        _records.append(params["run_id"], params["by"], what, after=params["words"], reason=params["reason"])
    return dict(tested=[h.name for h in able], unable=[h.name for h in heartbeats if h not in able])
