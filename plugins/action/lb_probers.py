# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.halfswap.bluegreen.plugins.module_utils._addresses import is_within
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._application import load_balancers, speaker, stacks_of
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.lb_check._probers import (
    SHOWN,
    Books,
    asked,
    books,
    candidates,
    entry,
    learned,
    longest_interval_s,
    refusals,
)
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.lb_check._verify_plan import hold_s
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.show._report import table


class ActionModule(ActionBase):
    """Shows from where the heartbeats of all nodes are asked, and what of it belongs into the description of the site."""

    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        _valid, args = self.validate_argument_spec(
            argument_spec={
                "observed": {"type": "str", "required": True},
                "load_balancers": {"type": "list", "elements": "dict", "required": True},
                "without": {"type": "list", "elements": "str", "default": []},
            }
        )
        # What is described is checked; it goes on with all its keys.
        checked = load_balancers(args["load_balancers"])
        names = [name for stack in stacks_of(task_vars).values() for name in stack if name not in args["without"]]
        read = {name: list(_statuses(task_vars["hostvars"][name].get(args["observed"]))) for name in names}
        kept = books((name, status) for name, statuses in read.items() for status in statuses)
        lines = _lines(kept, args["load_balancers"])
        silent = [name for name, statuses in read.items() if not statuses]
        if silent:
            lines.append(f"No heartbeat was read on {', '.join(silent)}.")
        for line in lines if speaker(task_vars) else ():
            self._display.display(line)
        balancers = learned(kept, args["load_balancers"])
        interval_s = longest_interval_s(kept, balancers)
        result.update(changed=False, table=lines, load_balancers=balancers, interval_s=interval_s, hold_s=hold_s(checked, interval_s))
        return result


def _statuses(registered: Any) -> Iterator[Mapping[str, Any]]:
    """What the heartbeats of a node said; nothing where it was not read."""
    for component in (registered or {}).get("components") or ():
        if component.get("heartbeat"):
            yield component["heartbeat"]


def _lines(kept: Books, load_balancers: Sequence[Mapping[str, Any]]) -> list[str]:
    """Who asks, for people, and what they may paste."""
    rows, paste, without = [], [], []
    for balancer in load_balancers:
        name, path, declared = balancer["name"], balancer["path"], balancer.get("addresses") or []
        who = asked(kept, path)
        for address, nodes in list(who.items())[:SHOWN]:
            is_its_own = "yes" if is_within(address, declared) else "no, a stranger" if declared else "not declared"
            rows.append((name, path, address, ", ".join(nodes), is_its_own))
        if len(who) > SHOWN:
            rows.append((name, path, f"{len(who) - SHOWN} more", "", ""))
        if not who:
            rows.append((name, path, "nobody yet", "", ""))
            without += [f"Load balancer {name}: refused on {', '.join(nodes)}: {text}." for text, nodes in refusals(kept, declared)[:SHOWN]]
        if not declared and candidates(kept, path):
            paste.append(f"If load balancer {name} checks from there, add to its entry in bluegreen_load_balancers: {entry(candidates(kept, path))}")
        elif not declared:
            paste.append(f"Load balancer {name} has no addresses, and there is none that asks for {path} on every node: let it check them, and look again.")
    return [*table(("load balancer", "path", "asked by", "on", "its own"), rows), *without, *paste]
