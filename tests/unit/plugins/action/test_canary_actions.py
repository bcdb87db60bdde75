# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A canary through what the controller makes of the results of nodes: nowhere raw, and cut to a length, whatever a node says in them."""

from __future__ import annotations

import json
import time

import pytest
from ansible.errors import AnsibleError

from ansible_collections.halfswap.bluegreen.plugins.module_utils._shown import shown
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._evidence import LENGTH, read_node
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._permit import permit

BALANCERS = [{"name": state, "follows": state, "path": f"/heartbeat/{state}"} for state in ("live", "standby")]
COMPONENTS = [{"name": "shop", "url": "http://127.0.0.1:9101"}]
BATCH = {"number": 1, "nodes": ["blue1"], "restore": {"blue1": {"shop": "shop-1.0.0-1.noarch"}}, "undo": None, "retire": []}
ARGUMENTS = {
    "status": {"observed": "seen"},
    "close": {"observed": "seen", "complete": True, "packages": "found", "strategy": "halves", "load_balancers": BALANCERS},
    "close, incomplete": {"observed": "seen", "complete": False, "load_balancers": BALANCERS},
    "interlock": {"evidence": "seen", "batch": ["blue1"], "batch_id": "r1/1", "run_id": "r1", "load_balancers": BALANCERS},
    "interlock, permitted": {"evidence": "seen", "batch": ["blue1"], "batch_id": "r1/1", "run_id": "r2", "load_balancers": BALANCERS},
    "way_back": {"batch": BATCH, "on_failure": "rollback", "evidence": "seen"},
    "stopped": {"batch": BATCH, "run_id": "r1", "task": "Release", "way_back": "way", "back": ["found", "journal"], "services": ["shop"]},
    "heartbeat": {
        "evidence": "seen",
        "state": "standby",
        "batch": ["blue1"],
        "batch_id": "r1/1",
        "run_id": "r1",
        "components": COMPONENTS,
        "load_balancers": BALANCERS,
    },
    "out": {"permit": "permit", "batch_id": "r1/1", "run_id": "r1", "components": COMPONENTS, "load_balancers": BALANCERS},
    "heartbeat, in": {
        "permit": "permit",
        "proof_evidence": "seen",
        "state": "live",
        "batch_id": "r1/1",
        "run_id": "r1",
        "components": COMPONENTS,
        "load_balancers": BALANCERS,
    },
    "begin": {"run_id": "r1", "components": COMPONENTS, "decided": "journal"},
    "target": {"observed": "seen", "kind": "rollback"},
    "plan": {"observed": "seen", "packages": "found", "load_balancers": BALANCERS, "run_id": "r1"},
    "history": {"observed": "journal"},
    "unlock": {"observed": "seen"},
}
# Some of these texts are in a table, in as wide a column for each row.
MOST = 60000


def lying(said, text, where):
    """The results of a node that says this there."""
    seen = said(batch_id="r1/1", at=time.monotonic() + 1e6)
    component = seen["components"][0]
    seen["lock"] = {"run_id": "r2", "owner": "ops", "reason": "", "since": "2026-11-20T10:15:06Z"}
    if where == "failed":
        seen = {"failed": True, "msg": text}
    elif where == "error":
        component["error"] = text
    elif where == "lock":
        seen["lock"] = dict.fromkeys(seen["lock"], text)
    elif where == "heartbeat":
        component["heartbeat"].update(why=text, release=text, run_id=text, status_error=text, state=text, healthy=False)
    elif where == "package":
        component.update(nevra=text, version=text, name=text)
    elif where == "prober":
        component["heartbeat"]["probers"][0].update(address=text, path=text)
    found = {"failed": True, "msg": text} if where == "failed" else {"packages": [{"name": "shop", "before": text, "after": text}]}
    line = {"at": "2026-11-20T10:15:06Z", "run_id": "r1", "by": text, "what": "packages", "before": [text], "after": [text + "-2"], "result": text}
    journal = {"failed": True, "msg": text} if where == "failed" else {"lines": [line], "lock": None}
    # As the interlock gave it, of what the nodes said.
    given = permit([read_node(name, name[:-1], {**seen, "machine": name}) for name in ("blue1", "green1")], ["blue1"], "r1/1")
    way = {"packages": {"shop": shown(text, LENGTH)}}
    return {"seen": seen, "found": found, "journal": journal, "permit": given, "way": way, "ansible_failed_result": {"failed": True, "msg": text}}


@pytest.mark.parametrize("action", sorted(ARGUMENTS))
@pytest.mark.parametrize("where", ["failed", "error", "lock", "heartbeat", "package", "prober"])
def test_whatever_a_node_says(run_action, said, canary, action, where):
    said_by_it = lying(said, canary.text, where)
    task_vars = {
        "groups": {"blue": ["blue1"], "green": ["green1"]},
        "hostvars": {name: {**said_by_it, "seen": {**said_by_it["seen"], "machine": name}} for name in ("blue1", "green1")},
        "inventory_hostname": "blue1",
        "ansible_play_hosts_all": ["blue1", "green1"],
        "ansible_play_hosts": ["blue1", "green1"],
        **said_by_it,
    }
    try:
        ran = run_action(action.partition(",")[0], ARGUMENTS[action], task_vars)
        output = [*ran.shown, json.dumps(ran.result, ensure_ascii=False, default=str).replace("\\\\", "\\")]
    except AnsibleError as error:
        output = [str(error)]
    for text in output:
        canary.shown_in(text, MOST)
        # As it is in JSON, where a control character has an escape that does not show here.
        assert "\\u001b" not in text and "\\u0000" not in text and "{{" not in text and "{%" not in text
