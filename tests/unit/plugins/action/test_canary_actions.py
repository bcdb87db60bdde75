# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A canary through what the controller makes of the results of nodes: nowhere raw, and cut to a length, whatever a node says in them."""

from __future__ import annotations

import json

import pytest
from ansible.errors import AnsibleError

BALANCERS = [{"name": state, "follows": state, "path": f"/heartbeat/{state}"} for state in ("live", "standby")]
ARGUMENTS = {
    "status": {"observed": "seen", "next": True},
    "target": {"observed": "seen", "kind": "rollback"},
    "plan": {"observed": "seen", "packages": "found", "load_balancers": BALANCERS, "run_id": "r1"},
    "history": {"observed": "journal"},
    "unlock": {"observed": "seen"},
}
# Some of these texts are in a table, in as wide a column for each row.
MOST = 60000


def lying(said, text, where):
    """The results of a node that says this there."""
    seen = said()
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
    return {"seen": seen, "found": found, "journal": journal}


@pytest.mark.parametrize("action", sorted(ARGUMENTS))
@pytest.mark.parametrize("where", ["failed", "error", "lock", "heartbeat", "package", "prober"])
def test_whatever_a_node_says(run_action, said, canary, action, where):
    said_by_it = lying(said, canary.text, where)
    task_vars = {"groups": {"blue": ["blue1"], "green": ["green1"]}, "hostvars": {"blue1": said_by_it, "green1": said_by_it}, "inventory_hostname": "blue1"}
    try:
        ran = run_action(action, ARGUMENTS[action], task_vars)
        output = [*ran.shown, json.dumps(ran.result, ensure_ascii=False, default=str).replace("\\\\", "\\")]
    except AnsibleError as error:
        output = [str(error)]
    for text in output:
        canary.shown_in(text, MOST)
        # As it is in JSON, where a control character has an escape that does not show here.
        assert "\\u001b" not in text and "\\u0000" not in text and "{{" not in text and "{%" not in text
