# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._action import Refused, Step
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._author import author
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._refusals import all_told, divided
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._tested import of_node
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.reach._flip import Ground, switched_from_here
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.reach._ways import Remote, sending, way


class ActionModule(Step):
    """The interlock, in front of the module heartbeat: no proof, no switch."""

    MODULE = "heartbeat"

    def act(self, args: dict[str, Any]) -> dict[str, Any]:
        args = self.permitted(args)
        via = way(args["components"])
        return self.ask(args) if via == "node" else self.from_here(via, args)

    def ask(self, args: dict[str, Any]) -> dict[str, Any]:
        return self.module(self.MODULE, args)

    def permitted(self, args: dict[str, Any]) -> dict[str, Any]:
        """The arguments of the module, with what the decision was made on."""
        for required in ("state", "batch_id", "components", "run_id"):
            if not args.get(required):
                raise AnsibleActionFail(f"halfswap.bluegreen.{self.MODULE}: the option {required} is required.")
        ground = Ground(args, self.task_vars)
        override = ground.limits.override
        reasons, passed = divided(ground.refuse(), override)
        if reasons:
            told = f"Interlock: {ground.name} does not go to {args['state']}, nothing was changed. {all_told(reasons)}."
            raise Refused(told, refused=[reason.told for reason in reasons])
        if args.get("load_balancers"):
            args["load_balancers"] = ground.limits.load_balancers
        args["components"] = [ground.as_seen(component) for component in args["components"]]
        args.setdefault("by", author(self.task_vars))
        # What leaves says so itself, before it does: whoever reads its journal sees by which right.
        passing = override.record(passed) or (ground.permit or {}).get("override") if args["state"] == "standby" else {}
        if passing:
            self.note(args, passing)
        args["release"] = ground.release()
        # Judged; the node only keeps what is its own of it.
        args["tested"] = of_node(ground.tests, ground.name) if args["state"] == "live" else {}
        for key in ("sanity", "sanity_host", "permit", "override"):
            args.pop(key, None)
        return args

    def note(self, args: dict[str, Any], passing: dict[str, Any]) -> None:
        noted = self.module("journal", {"run_id": args["run_id"], "by": args["by"], "what": "override", "after": passing})
        if noted.get("failed"):
            raise Refused(f"What the override passes could not be noted, nothing was changed. {noted['msg']}")

    def from_here(self, via: str, args: dict[str, Any]) -> dict[str, Any]:
        """Where only the controller reaches the heartbeats."""
        with sending(via, self._connection, self._play_context.remote_addr) as send:
            heartbeats = [Remote(component, args["token"], send) for component in args["components"]]
            return switched_from_here(lambda **instead: self.ask({**args, **instead}), heartbeats, args)
