# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Powers a node off before a deployment, and during the swap of each half, and sees that nobody else leaves because of it.

    python tests/faults/power.py                        all cases, in a lab of its own; KEEP=1 keeps the lab
    python tests/faults/power.py --lab halfswap --cases 1,4

Power is off from one moment to the next: every process of the node is killed, its disk and its address stay. Then the deployment has to be
refused, or to stop, with an exit status; every node that it was not swapping has to go on being live, without a break; and with the node
back, `deploy` again has to finish the work. The last line is
``RESULT power_cases=N kept=N converged=N failed_requests=N caused_by_power_off=N``:

- kept: cases in which the run ended with an error, and no other node of the live half has left it
- converged: cases that ended with all nodes live on the new release
- failed_requests: requests without the right answer, and orders that are not stored exactly once as they were sent
- caused_by_power_off: requests, not among those, that were on their way when the power went or came within a few seconds of it

Exits 0 only when all cases were kept and converged, and no request failed but those caused by the power-off.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from application import DEPLOY_WITHIN_S, Deployment, Node, Trial, describe, fresh, look, numbers, other, parser, served
from lab import Failure, Lab, in_lab, run_quietly, say, start

OWN_LAB = "power"
# The load balancers look every 0.5 s, wait up to 2 s for an answer, and want three that fail.
NOTICED_WITHIN_S = 8.0
BOOT_WITHIN_S = 60.0
# From the end of the boot until a person runs the next command: enough for the load balancers to have seen the node again.
BACK_S = 5.0


@dataclass(frozen=True)
class Case:
    """``node`` is powered off while ``swapped`` is out of service; without that, before the deployment."""

    node: str
    swapped: str | None = None

    def __str__(self) -> str:
        return f"{self.node} off {f'while {self.swapped} is swapped' if self.swapped else 'before the deployment'}"


CASES = (
    Case("blue2"),
    Case("green2"),
    Case("blue1", swapped="blue"),
    Case("green1", swapped="blue"),
    Case("green1", swapped="green"),
    Case("blue1", swapped="green"),
)


def left(before: dict[str, Node], after: dict[str, Node]) -> list[str]:
    """The nodes that were live and are not, or were out of service in between."""
    return [name for name, node in before.items() if node.state == "live" and (after[name].state, after[name].since) != ("live", node.since)]


def caused(records: Iterable[dict], began: float, offs: Sequence[float]) -> list[dict]:
    """Of these failed requests, those that were on their way when a node went off, or due before that could be noticed."""
    return [
        record for record in records if any(began + record["t"] <= off + NOTICED_WITHIN_S and began + record["t"] + record["latency_s"] >= off for off in offs)
    ]


class PowerSwitch:
    def __init__(self, lab: Lab, node: str) -> None:
        self._container = lab.container(node)
        self._network = lab.hostvars[node]["lab_network"]
        asked = start("podman", "inspect", self._container, stdout=subprocess.PIPE).communicate()[0]
        network = json.loads(asked)[0]["NetworkSettings"]["Networks"][self._network]
        self._address = ("--ip", network["IPAddress"], "--mac-address", network["MacAddress"], "--alias", node)
        self._off = False

    def off(self) -> None:
        self._off = True
        run_quietly("podman", "stop", "--time", "0", self._container)
        # A machine comes back with the address that it had; a container would get the next free one.
        run_quietly("podman", "network", "disconnect", self._network, self._container)
        run_quietly("podman", "network", "connect", *self._address, self._network, self._container)

    def on(self) -> None:
        if not self._off:
            return
        self._off = False
        run_quietly("podman", "start", self._container)
        deadline = time.monotonic() + BOOT_WITHIN_S
        boot = ("podman", "exec", self._container, "systemctl", "is-system-running", "--wait")
        while start(*boot, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).communicate()[0].strip() not in ("running", "degraded"):
            if time.monotonic() > deadline:
                raise Failure(f"{self._container} does not boot; see `podman logs {self._container}`")
            time.sleep(1)
        time.sleep(BACK_S)


class Power(Trial):
    name = "power"

    def __init__(self, lab: Lab, rate: float, cases: Sequence[Case]) -> None:
        super().__init__(lab, rate)
        self.cases = cases
        self.offs: list[float] = []
        self.kept = 0
        self.converged = 0

    def attempt(self) -> None:
        for number, case in enumerate(self.cases, start=1):
            switch = PowerSwitch(self.lab, case.node)
            try:
                self._try(case, switch, number)
            finally:
                switch.on()

    def verdict(self, summary: dict) -> bool:
        began = datetime.fromisoformat(summary["began"]).timestamp()
        with open(self.load.requests, encoding="utf-8") as file:
            records = [record for record in map(json.loads, file) if record["failed"]]
        excused = len(caused(records, began, self.offs))
        failed = summary["failed"] - excused + summary["lost_writes"]
        print(
            f"RESULT power_cases={len(self.cases)} kept={self.kept} converged={self.converged} failed_requests={failed} caused_by_power_off={excused}",
            flush=True,
        )
        return self.kept == self.converged == len(self.cases) and not failed

    def _try(self, case: Case, switch: PowerSwitch, number: int) -> None:
        folder = fresh(self.records / f"case-{number}")
        to = other(self.release)
        say(f"{case}, on the way to {to}")
        deployment = Deployment(self.lab, to, folder, "deploy")
        if case.swapped:
            before = self._wait_until_out(case.swapped, deployment.start())
            self._cut(switch)
        else:
            before = look(self.lab)
            self._cut(switch)
            time.sleep(NOTICED_WITHIN_S)
            deployment.start()
        del before[case.node]
        deployment.wait()
        after = look(self.lab)
        problems = []
        if not isinstance(deployment.status, int) or deployment.status == 0:
            problems.append(f"the run neither was refused nor stopped: exit status {deployment.status}")
        # The half that is swapped leaves with permission, one node a little later than the other.
        swapped = self.lab.stacks[case.swapped] if case.swapped else []
        if gone := left({name: node for name, node in before.items() if name not in swapped}, after):
            problems.append(f"{', '.join(gone)} left the live half")
        self.kept += not problems
        print(f"    at the power-off {describe(before)}")
        print(f"    {deployment.seconds:5.1f} s  exit status {deployment.status}, in {deployment.record.task}; then {describe(after)}")
        switch.on()
        again = Deployment(self.lab, to, folder, "again").run()
        finished = look(self.lab)
        converged = again.status == 0 and served(finished) == to
        self.converged += converged
        if not converged:
            problems.append(f"with the node back, deploy ended with exit status {again.status} in {again.record.task}: {describe(finished)}")
        print(f"    {again.seconds:5.1f} s  again: {'OK' if not problems else 'FAILED: ' + '; '.join(problems) + f'; see {folder}'}", flush=True)
        self.release = to
        if not converged:
            self.bring_to(to, folder, "mend")

    def _cut(self, switch: PowerSwitch) -> None:
        self.offs.append(time.time())
        switch.off()

    def _wait_until_out(self, stack: str, deployment: Deployment) -> dict[str, Node]:
        """The nodes as they are when the first one of the stack has left."""
        deadline = time.monotonic() + DEPLOY_WITHIN_S
        while deployment.running and time.monotonic() < deadline:
            nodes = look(self.lab)
            if any(nodes[node].state == "standby" for node in self.lab.stacks[stack]):
                return nodes
        raise Failure(f"No node of {stack} was taken out of service; see {deployment.log}")


def main() -> int:
    options = parser(__doc__)
    listed = ", ".join(f"{number}: {case}" for number, case in enumerate(CASES, start=1))
    options.add_argument("--cases", type=numbers, metavar="N,N", help=f"these only; {listed}")
    given = options.parse_args()
    chosen = given.cases or range(1, len(CASES) + 1)
    if max(chosen) > len(CASES):
        options.error(f"there are {len(CASES)} cases: {listed}")
    return in_lab(given.lab, OWN_LAB, lambda lab: Power(lab, given.rate, [CASES[number - 1] for number in chosen]).run())


if __name__ == "__main__":
    sys.exit(main())
