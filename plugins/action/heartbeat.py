# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import getpass
import socket
import time
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._application import load_balancers, stacks
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._evidence import Node, read_node, read_nodes
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._interlock import (
    CERTAIN_REQUESTS,
    refuse_live,
    refuse_standby,
    requests_expected,
)

MODULE = "halfswap.bluegreen.heartbeat"


class ActionModule(ActionBase):
    """The interlock, in front of the module heartbeat: no proof, no switch."""

    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        args = dict(self._task.args)
        for required in ("state", "batch_id", "components", "run_id"):
            if not args.get(required):
                raise AnsibleActionFail(f"{MODULE}: the option {required} is required.")
        if args.get("load_balancers"):
            args["load_balancers"] = load_balancers(args["load_balancers"])
        nodes, me = self._evidence(args, task_vars)
        reasons = self._refuse(args, nodes, me)
        if reasons:
            result.update(
                failed=True,
                changed=False,
                refused=reasons,
                msg=f"Interlock: {me.name} does not go to {args['state']}, nothing was changed. " + "; ".join(reasons) + ".",
            )
            return result
        args["components"] = self._with_revisions(args["components"], me)
        args.setdefault("by", self._author(task_vars))
        args["expect_traffic"] = args["state"] == "live" and self._traffic(args, nodes, me)
        result.update(self._execute_module(MODULE, module_args=args, task_vars=task_vars))
        return result

    def _evidence(self, args: Mapping[str, Any], task_vars: Mapping[str, Any]) -> tuple[list[Node], Node]:
        """Every node of the inventory as it was read for this batch, and this node as it was read last."""
        application = stacks(task_vars["groups"])
        name = task_vars["inventory_hostname"]
        stack = next((stack for stack, names in application.items() if name in names), None)
        if stack is None:
            raise AnsibleActionFail(f"{MODULE}: {name} is in neither of the inventory groups blue and green.")
        oldest = time.monotonic() - float(args.get("evidence_max_age_s") or 60.0)
        variable = args.get("evidence") or "bluegreen_evidence"
        hostvars = task_vars["hostvars"]
        # What the others serve is only a comparison when a node goes live; when it leaves, they must have been read just now.
        nodes = read_nodes(application, hostvars, variable, args["batch_id"], oldest if args["state"] == "standby" else None)
        mine = hostvars[name].get(args.get("proof_evidence") or variable)
        return nodes, read_node(name, stack, mine, args["batch_id"], oldest)

    @staticmethod
    def _refuse(args: Mapping[str, Any], nodes: list[Node], me: Node) -> list[str]:
        if args["state"] == "live":
            return refuse_live(me, nodes, args.get("proof") or {}, args.get("sanity") or [])
        if me.unread:
            return [f"{me.name}: {me.unread}"]
        batch = args.get("batch") or [me.name]
        if me.name not in batch:
            return [f"{me.name} is not in the batch {', '.join(batch)}"]
        if not me.live:
            return []  # it serves nobody: no capacity leaves
        return refuse_standby(
            nodes,
            batch,
            int(args.get("min_live") or 0),
            args.get("load_balancers") or [],
            args.get("ignore_probers") or [],
        )

    @staticmethod
    def _with_revisions(components: list[dict[str, Any]], me: Node) -> list[dict[str, Any]]:
        """Compare-and-set: each write carries the revision that the decision was made on."""
        revisions = {component.name: component.revision for component in me.components}
        return [{**component, "revision": revisions.get(component["name"])} for component in components]

    @staticmethod
    def _traffic(args: Mapping[str, Any], nodes: list[Node], me: Node) -> bool:
        seconds = float(args.get("traffic_timeout_s") or 10.0)
        return all(component.served is not None and requests_expected(nodes, component.name, seconds) >= CERTAIN_REQUESTS for component in me.components)

    @staticmethod
    def _author(task_vars: Mapping[str, Any]) -> str:
        user = task_vars.get("awx_user_name") or task_vars.get("tower_user_name") or getpass.getuser()
        return f"{user}@{socket.gethostname()}"
