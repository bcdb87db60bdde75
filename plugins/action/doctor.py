# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import shutil
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.halfswap.bluegreen.plugins.module_utils._shown import LONG, shown
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._action import Judgement, Refused
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._application import address_of, load_balancers, login_of, speaker, stacks_of
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._doctor import FINE, Seen, examine, lines, of_description, place_of, verdict
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._evidence import read_nodes, registered
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.show._firewall import Host, Network, as_csv, ways

SSH = 22
# Where the output is no terminal.
WIDTH = 120
LOCAL = ("localhost", "127.0.0.1", "::1")


class ActionModule(Judgement):
    """Shows what is wrong anywhere, and writes down the ways through the firewall."""

    SPEC = {
        "observed": {"type": "str", "required": True},
        "answers": {"type": "str"},
        "faults": {"type": "list", "elements": "str", "default": []},
        "components": {"type": "list", "elements": "dict", "default": []},
        "load_balancers": {"type": "list", "elements": "dict", "default": []},
        "repository": {"type": "dict"},
        "clock_skew_s": {"type": "float", "default": 5.0},
        "way_back": {"type": "bool", "default": True},
        "without": {"type": "list", "elements": "str", "default": []},
        "sanity_from": {"type": "str", "default": "localhost"},
        "dest": {"type": "path"},
    }

    def judge(self, args: dict[str, Any]) -> dict[str, Any]:
        network = None if args["faults"] else self._network(args)
        findings = of_description(args["faults"]) if network is None else examine(self._seen(args, network))
        told = lines(findings, shutil.get_terminal_size((WIDTH, 24)).columns)
        for line in told if speaker(self.task_vars) else ():
            self._display.display(line)
        changed = self._write(args["dest"], as_csv(ways(network))) if network and args["dest"] else False
        # What is well is for people, and would hide the verdict in the output of a failure.
        result = {"changed": changed, "findings": [finding.as_dict() for finding in findings if finding.weight != FINE]}
        if any(not finding.ok for finding in findings):
            raise Refused(verdict(findings), **result)
        return {**result, "table": told, "msg": verdict(findings)}

    def _seen(self, args: Mapping[str, Any], network: Network) -> Seen:
        hostvars = self.task_vars["hostvars"]
        nodes = read_nodes(stacks_of(self.task_vars), hostvars, args["observed"], without=args["without"])
        places = {node.name: place_of(registered(hostvars, node.name, args["observed"])) for node in nodes}
        answered = self._answers(args["answers"])
        # What only the configuration of ssh knows is reached all the same.
        reached = {host.login for host in network.nodes if places.get(host.name)}
        return Seen(
            nodes,
            load_balancers(args["load_balancers"]) if args["load_balancers"] else (),
            {name: place for name, place in places.items() if place},
            args["clock_skew_s"],
            args["way_back"],
            args["repository"],
            answered.get("answers", {}),
            "" if "answers" in answered else shown(answered.get("msg") or "nobody asked the load balancers", LONG),
            {name: found for name, found in network.names.items() if found or name not in reached},
        )

    def _answers(self, variable: str | None) -> Mapping[str, Any]:
        """What came of asking the load balancers: registered on every host alike."""
        hosts = self.task_vars.get("ansible_play_hosts_all") or [self.name]
        return (registered(self.task_vars["hostvars"], hosts[0], variable) if variable else None) or {}

    def _network(self, args: Mapping[str, Any]) -> Network:
        application = stacks_of(self.task_vars)
        nodes = [self._host(name) for stack in application.values() for name in stack if name not in args["without"]]
        groups = self.task_vars["groups"]
        others = [self._host(name) for name in dict.fromkeys([*groups.get("load_balancers", ()), *groups.get("repository", ())])]
        sender = args["sanity_from"]
        local = sender in LOCAL or sender not in self.task_vars["hostvars"]
        repository_url = (args["repository"] or {}).get("url") or ""
        urls = [repository_url, *(balancer.get("url") or "" for balancer in args["load_balancers"])]
        # The repository has the name that the nodes know.
        asked = [*(host.login for host in (*nodes, *others)), *filter(None, (urlsplit(url).hostname for url in urls[1:]))]
        names = {name: _addresses(name) for name in dict.fromkeys(asked)}
        controller = _own_address(next((host.login for host in nodes if host.login not in LOCAL), ""))
        # Load balancers and nodes have to know these; whether the controller does is no matter.
        theirs = [*(host.address for host in (*nodes, *others)), urlsplit(repository_url).hostname or ""]
        more = {name: found for name in dict.fromkeys(theirs) if name and name not in names and (found := _addresses(name))}
        return Network(
            nodes,
            args["components"],
            args["load_balancers"],
            others,
            controller,
            controller if local else self._host(sender).address,
            repository_url,
            {**names, **more},
        )

    def _host(self, name: str) -> Host:
        """A host by its variables, as far as they are written plainly."""
        variables = self.task_vars["hostvars"][name]
        port = int(variables.get("ansible_port") or variables.get("ansible_ssh_port") or SSH)
        return Host(name, login_of(variables, name), port, address_of(variables, name))

    def _write(self, dest: str, text: str) -> bool:
        path = Path(dest)
        try:
            if path.is_file() and path.read_text(encoding="utf-8") == text:
                return False
            if not self._task.check_mode:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
        except OSError as exc:
            raise Refused(f"{dest} cannot be written: {exc.strerror}. Say where to with bluegreen_dist.") from exc
        return True


def _addresses(name: str) -> list[str]:
    """The addresses that the controller knows for a name; none where it knows nothing."""
    try:
        return sorted({str(found[4][0]) for found in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)}, key=lambda address: (":" in address, address))
    except (OSError, UnicodeError):
        return []


def _own_address(target: str) -> str:
    """The address from which this machine would ask that one; nothing is sent for it."""
    for found in socket.getaddrinfo(target, SSH, type=socket.SOCK_DGRAM) if target and _addresses(target) else ():
        with socket.socket(found[0], socket.SOCK_DGRAM) as asking:
            try:
                asking.connect(found[4])
                return str(asking.getsockname()[0])
            except OSError:
                continue
    return "controller"
