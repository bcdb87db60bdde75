# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bare procedure: the steps of a deployment by ssh alone, which is what `deploy` is measured against.

It does for each half what has to be done and nothing else: standby, settle, drain, stop, rpm, start, healthy, sanity test through the standby load
balancer, live, settle. It judges nothing, locks nothing and records nothing. The connections are open and the packages are on the nodes before it
begins, and a half costs two commands on each node. Nothing in it waits longer than it has to.
"""

from __future__ import annotations

import concurrent.futures
import json
import shlex
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "demo"))

from lab import Failure, Lab, run_quietly

NODE_PART = (Path(__file__).parent / "bare_node.py").read_text(encoding="utf-8")
STORE = "/var/tmp"
PATHS = ("/", "/orders?prefix=sanity")
POLL_S = 0.02
WITHIN_S = 60.0


def on_all(nodes: Sequence[str], act: Callable[[str], Any]) -> list[Any]:
    with concurrent.futures.ThreadPoolExecutor(len(nodes)) as pool:
        return list(pool.map(act, nodes))


def slowest(told: Iterable[dict[str, float]]) -> dict[str, float]:
    """Of each step the seconds of the slowest node, which the half has to wait for."""
    steps: dict[str, float] = {}
    for seconds in told:
        for step, took in seconds.items():
            steps[step] = max(took, steps.get(step, 0.0))
    return steps


class Bare:
    """The lab's nodes, over connections that stay open until close()."""

    def __init__(self, lab: Lab, sockets: Path) -> None:
        self._lab = lab
        self._sockets = sockets
        self._standby_url = f"http://127.0.0.1:{lab.hostvars['lb-standby']['lab_http_port']}"
        # The lab is on this machine, whatever proxy the environment names.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def stage(self, releases: Iterable[str]) -> None:
        """Put the packages on the nodes."""
        for release in releases:
            for node in self._lab.nodes:
                package = self._lab.inventory.parent / "dist" / self._package(release)
                run_quietly("podman", "cp", package, f"{self._lab.container(node)}:{STORE}/{package.name}")

    def open(self) -> None:
        on_all(self._lab.nodes, lambda node: self._ssh(node, "true"))

    def close(self) -> None:
        for node in self._lab.nodes:
            subprocess.run(self._words(node, "-O", "exit"), check=False, capture_output=True)

    def swap(self, release: str) -> list[dict[str, float]]:
        """Bring every node to this release, one half after the other; returns the seconds of each step of each half."""
        halves = []
        for nodes in self._lab.stacks.values():
            steps = slowest(on_all(nodes, lambda node: self._part(node, "out", release)))
            began = time.monotonic()
            self._sanity(nodes, release)
            steps["sanity test"] = time.monotonic() - began
            halves.append({**steps, **slowest(on_all(nodes, lambda node: self._part(node, "in", release)))})
        return halves

    def _part(self, node: str, part: str, release: str) -> dict[str, float]:
        argument = {"part": part, "token": self._lab.hostvars[node]["bluegreen_token"], "package": f"{STORE}/{self._package(release)}", "release": release}
        return json.loads(self._ssh(node, f"sudo python3 - {shlex.quote(json.dumps(argument))}", NODE_PART))

    def _sanity(self, nodes: Sequence[str], release: str) -> None:
        """Until each node has answered each path through the standby load balancer, with the new release."""
        deadline = time.monotonic() + WITHIN_S
        # One path after the other: asked in turns, a load balancer that takes its nodes in turns would send each path to the same node for ever.
        for path in PATHS:
            missing = set(nodes)
            while missing:
                if time.monotonic() > deadline:
                    raise Failure(f"Not seen through the standby load balancer on {path}: {', '.join(sorted(missing))}")
                try:
                    with self._opener.open(self._standby_url + path, timeout=5) as answer:
                        if answer.headers["X-Release"] == release:
                            missing.discard(answer.headers["X-Served-By"])
                except urllib.error.URLError:
                    # The load balancer has not taken a node in yet.
                    time.sleep(POLL_S)

    @staticmethod
    def _package(release: str) -> str:
        return f"shop-{release}-1.noarch.rpm"

    def _words(self, node: str, *more: str) -> list[str]:
        host = self._lab.hostvars[node]
        own = ["-o", "ControlMaster=auto", "-o", f"ControlPath={self._sockets}/%C", "-o", "ControlPersist=yes", "-p", str(host["ansible_port"])]
        known = ["-i", host["ansible_ssh_private_key_file"], *shlex.split(host["ansible_ssh_common_args"])]
        return ["ssh", *known, *own, *more, f"{host['ansible_user']}@{host['ansible_host']}"]

    def _ssh(self, node: str, command: str, data: str | None = None) -> str:
        done = subprocess.run([*self._words(node), command], input=data, text=True, capture_output=True, check=False)
        if done.returncode:
            raise Failure(f"{node}: the bare procedure failed: {done.stderr}")
        return done.stdout
