# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import yaml
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._application import load_balancers, speaker
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.lb_check._verification import (
    CHECKS,
    FAULT,
    OK,
    OPEN,
    Figures,
    judge,
    judge_restart,
    measured,
    merge,
)
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.show._report import table


class ActionModule(ActionBase):
    """Judges what was recorded on every node that was tested, shows it as one table, and writes the variables down."""

    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        _valid, args = self.validate_argument_spec(
            argument_spec={
                "recorded": {"type": "str", "required": True},
                "evidence": {"type": "str", "required": True},
                "nodes": {"type": "list", "elements": "str", "required": True},
                "load_balancers": {"type": "list", "elements": "dict", "required": True},
                "dest": {"type": "str"},
            }
        )
        records = {name: task_vars["hostvars"][name].get(args["recorded"]) for name in args["nodes"]}
        missing = [name for name, record in records.items() if not record]
        if missing:
            raise AnsibleActionFail(f"halfswap.bluegreen.verify_lb: nothing was recorded for {', '.join(missing)} (variable {args['recorded']}).")
        # The others have not changed since they were read, or the interlock would have refused.
        states = _states(task_vars, args["evidence"])
        balancers = load_balancers(args["load_balancers"])
        unknown_clocks: set[str] = set()
        found = {balancer["name"]: _judged(balancer, records, states, unknown_clocks) for balancer in balancers}
        entries = [
            measured({**given, "fall": balancer["fall"], "rise": balancer["rise"]}, found[balancer["name"]])
            for given, balancer in zip(args["load_balancers"], balancers)
        ]
        faults = _texts(found, FAULT)
        lines = _lines(found, unknown_clocks)
        variables = yaml.safe_dump({"bluegreen_load_balancers": _plain(entries)}, sort_keys=False, default_flow_style=None, width=160)
        if speaker(task_vars):
            for line in [*lines, "", "What was measured, as variables:", "", *variables.splitlines()]:
                self._display.display(line)
            if args["dest"]:
                result["changed"] = _write(args["dest"], variables)
        result.update(table=lines, load_balancers=entries, faults=faults, open=_texts(found, OPEN))
        if faults:
            # On every host, so that all of them come to the end of the play alike; the reasons once.
            result.update(failed=True, msg="; ".join(faults) + "." if speaker(task_vars) else f"{len(faults)} faults, see the table.")
        return result


def _states(task_vars: Mapping[str, Any], evidence: str) -> dict[str, str]:
    """What the heartbeat of every node said when it was read last, by its name."""
    read = {name: (task_vars["hostvars"][name].get(evidence) or {}).get("components") for name in task_vars["ansible_play_hosts_all"]}
    unread = [name for name, components in read.items() if not components or not components[0].get("heartbeat")]
    if unread:
        raise AnsibleActionFail(f"halfswap.bluegreen.verify_lb: {', '.join(unread)} was not read (variable {evidence}).")
    return {name: str(components[0]["heartbeat"]["state"]) for name, components in read.items() if components}


def _judged(balancer: Mapping[str, Any], records: Mapping[str, Mapping[str, Any]], states: Mapping[str, str], unknown_clocks: set[str]) -> Figures:
    figures, restarts = [], []
    for name, record in records.items():
        for watched in record["watched"]["components"]:
            seen, clock = judge(name, balancer, watched["name"], watched, record["traffic"], states)
            figures.append(seen)
            if not clock.known:
                unknown_clocks.add(name)
        after = {**states, name: "standby"}
        restarts += [judge_restart(balancer, restarted, after) for restarted in record["restarts"] if restarted["load_balancer"] == balancer["name"]]
    return merge(balancer, figures, restarts)


def _texts(found: Mapping[str, Figures], what: str) -> list[str]:
    return [
        f"load balancer {name}: {verdict.text}"
        for name, figures in found.items()
        for verdict in figures.verdicts.values()
        if verdict.what == what and verdict.text
    ]


def _lines(found: Mapping[str, Figures], unknown_clocks: set[str]) -> list[str]:
    rows = [
        (
            name,
            _seconds(figures.interval_s),
            str(figures.fall or "?"),
            str(figures.rise or "?"),
            _seconds(figures.last_s),
            _seconds(figures.first_s),
            *("-" if figures.verdicts[check].what == OPEN else figures.verdicts[check].what for check in CHECKS),
        )
        for name, figures in found.items()
    ]
    header = ("load balancer", "interval", "fall", "rise", "last request after", "first request after", *CHECKS)
    return [
        *table(header, rows),
        *(f"FAULT: {text}" for text in _texts(found, FAULT)),
        *(f"Not verified: {text}" for text in _texts(found, OPEN)),
        *(f"No fault, but seen: {text}" for text in _texts(found, OK)),
        *(
            f"The clock of {name} could not be compared with that of the client (no header Date): the counts are right only as far as the clocks agree."
            for name in sorted(unknown_clocks)
        ),
    ]


def _seconds(value: float | None) -> str:
    return "?" if value is None else f"{value:.2f} s"


def _plain(value: Any) -> Any:
    """Without the types that Ansible wraps around values, which YAML would write down."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    for kind in (bool, int, float):
        if isinstance(value, kind):
            return kind(value)
    return None if value is None else str(value)


def _write(dest: str, text: str) -> bool:
    os.makedirs(os.path.dirname(dest) or ".", exist_ok=True)
    if os.path.exists(dest):
        with open(dest, encoding="utf-8") as there:
            if there.read() == text:
                return False
    with open(dest, "w", encoding="utf-8") as new:
        new.write(text)
    return True
