# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Refusals by name: what each one means, what mends it, and whether an operator may pass it for one run. docs/refusals.md is made from this table.

A refusal may be passed where the operator knows more than we do about load, time or numbers. None is where passing it could leave the last node of a
component, or all that was read of a node, out of account: what no node proves, no reason replaces.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.halfswap.bluegreen.plugins.module_utils._shown import LONG, shown


@dataclass(frozen=True)
class Row:
    """One kind of refusal."""

    code: str
    subject: str
    meaning: str
    remedy: str
    passable: bool = False


SITE, NODES, RELEASE, CAPACITY, TIME, BALANCERS, PROOF = (
    "The description of the site",
    "The nodes, and other runs",
    "The release",
    "Capacity",
    "Time and approval",
    "Load balancers",
    "Proof",
)

REFUSALS = (
    Row(
        "HS-SITE",
        SITE,
        "The description of the site, the inventory or the play has faults. Each of them is named.",
        "Correct what is named. Nothing was changed, and no lock was taken.",
    ),
    Row(
        "HS-SLICED",
        SITE,
        "The inventory has another number of nodes than `bluegreen_node_count` says, or a job of AWX does not say it. A sliced job sees only a part of them.",
        "Switch job slicing off, and set `bluegreen_node_count` to the number of nodes.",
    ),
    Row(
        "HS-FORKS",
        SITE,
        "An exclusive switch needs all of its nodes to act side by side, and Ansible has fewer forks.",
        "Run it with `--forks` of at least the number that is named; in AWX, set the forks of the template.",
    ),
    Row(
        "HS-LOCKED",
        NODES,
        "Another run holds the lock of a node.",
        "Wait for that run. If it is dead: `-e bluegreen_take_over=RUN_ID`, or the playbook `unlock`.",
    ),
    Row(
        "HS-FOREIGN",
        NODES,
        "The records on a node are those of another application, or it has one of these components, too.",
        "Give each application a name of its own with `bluegreen_application`, and each component to one of them.",
    ),
    Row(
        "HS-LOST",
        NODES,
        "A node has left this run: it failed, or could not be reached any more.",
        "Look at the output above for that node, mend it, and run the same command again.",
    ),
    Row(
        "HS-UNREAD",
        NODES,
        "A node did not say where it stands, for this batch and just now, or two names of the inventory are one machine. It counts as not live.",
        'Mend what is named. A node that is known to be dead is left out with `-e \'{"bluegreen_without": ["NODE"]}\'`.',
    ),
    Row(
        "HS-PLACE",
        NODES,
        "A node is not fit for what is to run there: Ansible is not root, a port is taken, a file system is full or read-only, or the agent's unit is masked.",
        "Mend what is named. The playbook `doctor` shows it, and more of the kind.",
    ),
    Row(
        "HS-REPOSITORY",
        NODES,
        "A node does not find a repository at `bluegreen_repository.url`, through the proxy that is declared. It was tried before anything was written.",
        "Mend the `url` or the `proxy`, start the repository, or let the firewall open the way to it.",
    ),
    Row(
        "HS-AGENT",
        NODES,
        "A heartbeat agent would not do with what is described: it was tried on the node beside the one that runs, or the node did not tell.",
        "Correct what is named, such as `health_url`, a port, a key of the status or the token. Every agent is as it was.",
    ),
    Row(
        "HS-CLOCK",
        NODES,
        "The clock of a node differs from the controller's by more than `bluegreen_clock_skew_s`. Locks expire by the node's clock.",
        "Start the time service of that node.",
        passable=True,
    ),
    Row(
        "HS-PACKAGES",
        RELEASE,
        "The packages of the release were not found for a node.",
        "Look at what the node said while they were staged: the repository, its keys, the filters of dnf.",
    ),
    Row(
        "HS-NOWHERE",
        RELEASE,
        "There is no earlier release that all nodes have served, so there is nothing to roll back to; or it was adopted, and no package of it is known.",
        "Deploy the release that you want by its version.",
    ),
    Row(
        "HS-MIXED",
        RELEASE,
        "Not all nodes that serve have the same release, or none serves, or it was adopted without a package, so nothing can be confirmed.",
        "Deploy the release that you want by its version.",
    ),
    Row(
        "HS-CUT-OFF",
        RELEASE,
        "This release cannot run with what a migration left in the database.",
        "Deploy a later release. Once the schema was restored by hand: `-e bluegreen_schema_restored=true`.",
    ),
    Row(
        "HS-ADOPT",
        RELEASE,
        "A node was live before, or nodes have different packages: it cannot be adopted without a test.",
        "Use `all_live` for nodes that were live before. Bring all nodes that have a package to one release before `adopt`.",
    ),
    Row(
        "HS-LAST",
        CAPACITY,
        "No other node would serve a component that leaves with the batch.",
        "Bring the other half back first, with `all_live` or by mending its nodes.",
    ),
    Row(
        "HS-ONE-STACK",
        CAPACITY,
        "A component is on the nodes of one stack alone, and nobody would serve it while they are out.",
        "Put the component on nodes of the other stack, too.",
    ),
    Row(
        "HS-MIN-LIVE",
        CAPACITY,
        "Some nodes would go on serving, but fewer than `bluegreen_min_live`; without it, fewer than all outside the batch.",
        "Mend the nodes that do not serve, or set `bluegreen_min_live`. Passed, one node of each component is enough.",
        passable=True,
    ),
    Row(
        "HS-UNAVAILABLE",
        CAPACITY,
        "More nodes would be out at once than `bluegreen_max_unavailable` allows.",
        "Mend the nodes that do not serve, use `rolling` with smaller batches, or set `bluegreen_max_unavailable`.",
        passable=True,
    ),
    Row(
        "HS-PEAK",
        CAPACITY,
        "Those that stay cannot carry the requests that come now, by `capacity_per_s`.",
        "Wait for less traffic, or use `rolling` with smaller batches.",
        passable=True,
    ),
    Row(
        "HS-CAPACITY",
        CAPACITY,
        "A capacity is declared which cannot be judged.",
        "Correct `capacity_per_s` of the component that is named, or leave it out.",
        passable=True,
    ),
    Row(
        "HS-WINDOW",
        TIME,
        "The plan would take longer than the window is open, or runs into a time that is blocked (`bluegreen_windows`).",
        "Wait for the next window, which is named. `rollback` does not ask for windows.",
        passable=True,
    ),
    Row(
        "HS-APPROVAL",
        TIME,
        "The plan is another one than `bluegreen_plan_hash` approves.",
        "Look at the plan with `--check`, and have it approved again.",
    ),
    Row(
        "HS-UNDECLARED",
        BALANCERS,
        "A load balancer has no `addresses`, so that anybody could pass for it.",
        "Add the addresses to its entry in `bluegreen_load_balancers`; the refusal says who asks.",
    ),
    Row(
        "HS-UNCHECKED",
        BALANCERS,
        "A load balancer does not check a node. Nobody could see that it has noticed.",
        "Compare its configuration with `bluegreen_load_balancers`, and see whether the firewall lets its checks through.",
    ),
    Row(
        "HS-SILENT",
        BALANCERS,
        "A load balancer has checked a node, and does not any more.",
        "Start it again. If it has left that address for good, take the address out of `bluegreen_load_balancers`.",
    ),
    Row(
        "HS-EXCLUSIVE",
        BALANCERS,
        "A load balancer does not fit an exclusive switch: it holds no requests, or may take nodes in before it has taken the others out.",
        "Set `hold_s`, and a `rise` of at least `fall` + 2, here and in the load balancer; or leave `bluegreen_exclusive` out.",
    ),
    Row(
        "HS-DRAIN",
        PROOF,
        "Nobody could tell when the requests of a node are done.",
        "Mend what is named, or choose another `bluegreen_drain_method`.",
    ),
    Row(
        "HS-PERMIT",
        PROOF,
        "The interlock has not permitted this switch: not at all, for another batch, for other nodes, or too long ago.",
        "Run the same command again.",
    ),
    Row(
        "HS-PROOF",
        PROOF,
        "A node that is to go live does not have the package of the plan.",
        "See why the installation left another package there, and run the same command again.",
    ),
    Row(
        "HS-UNPROVEN",
        PROOF,
        "A node was set up, and does not answer as it did before. No other node is changed then.",
        "Look at its agent (`journalctl -u 'halfswap-heartbeat@*'`), and run `setup` again with what is right.",
    ),
    Row(
        "HS-DOUBT",
        PROOF,
        "It is not known whether the process that runs is the package that is installed.",
        "Restart the service of the node, and see what its `status_url` answers.",
    ),
    Row(
        "HS-FILES",
        PROOF,
        "Files on the disk of a node are not those of the package that it is to serve.",
        "Run `deploy` again, which installs the package anew; name what the application itself changes in `may_differ` of the component.",
    ),
    Row(
        "HS-UNHEALTHY",
        PROOF,
        "A component is not healthy by its `health_url`.",
        "Look at its journal on the node, and mend it.",
    ),
    Row(
        "HS-UNTESTED",
        PROOF,
        "A node has not passed the sanity test of each component, and no node served this release when the batch began.",
        "See what the sanity test said above.",
    ),
)

ROWS: Mapping[str, Row] = {row.code: row for row in REFUSALS}


class Refusal(str):
    """One reason to refuse: a text that knows its name."""

    row: Row

    def __new__(cls, code: str, text: str) -> Refusal:
        self = super().__new__(cls, text)
        self.row = ROWS[code]
        return self

    def __getnewargs__(self) -> tuple[str, str]:  # type: ignore[override]
        # A plan is copied.
        return self.row.code, str(self)

    @property
    def code(self) -> str:
        return self.row.code

    @property
    def told(self) -> str:
        """As it is shown."""
        return f"{self.row.code}: {self}"

    def of(self, where: str) -> Refusal:
        """The same, with what it is about in front of it."""
        return Refusal(self.row.code, f"{where}{self}")


def all_told(refusals: Iterable[Refusal]) -> str:
    return "; ".join(refusal.told for refusal in refusals)


@dataclass(frozen=True)
class Override:
    """The refusals that an operator passes in this run, and why."""

    reason: str = ""
    refusals: Collection[str] = ()

    def record(self, passed: Sequence[Refusal]) -> dict[str, Any]:
        """What the journal says of those that were passed; nothing where none was."""
        return {"reason": self.reason, "passed": [shown(refusal.told, LONG) for refusal in passed]} if passed else {}

    def lines(self, passed: Iterable[Refusal]) -> list[str]:
        return [f"PASSED by override, because {self.reason}: {refusal.told}" for refusal in passed]


def divided(refusals: Iterable[Refusal], override: Override) -> tuple[list[Refusal], list[Refusal]]:
    """Those that refuse, and those that the override passes. What may not be passed refuses whoever asks."""
    left: list[Refusal] = []
    passed: list[Refusal] = []
    for refusal in refusals:
        (passed if refusal.row.passable and refusal.code in override.refusals else left).append(refusal)
    return left, passed
