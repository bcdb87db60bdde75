# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An application in memory, and what role swap does with it, task by task, while somebody disturbs it.

What is judged is real: the planner, the interlock and the evidence are those of the collection. What is simulated is only what they
judge and what follows from it: the nodes, and the tasks of roles/swap/tasks/{batch,restore,switch,exclusive,observe}.yml and
roles/release/tasks/main.yml in their order. Time is left out: whatever waits has waited long enough.

Who may be told what, and when, is what the rules are about, so this is how the model takes it:

- The evidence is what counts. What happens to a node between the last look at it and our act is nobody's fault; what we know by then
  has to be right. A second operator's flip in between is noticed by compare-and-set when we write that heartbeat, and else not.
- A task runs on all nodes of the batch and then the run goes on, or stops: with a failure for the rescue, which acts for the batch (on
  ansible-core 2.16 it does not, which leaves the nodes as a crash does).
- Between two looks nothing depends on the nodes outside the batch, and nothing on the order of the nodes within one task. So a
  disturbance of a node outside the batch is tried where somebody looks next, and one of a node in the batch before each task.
- The swap of a batch sees nothing but its own nodes and the permissions of the interlock, so it is worked out once for each
  combination of these (Swapping) and not once for each application in which it occurs.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._evidence import Component, Node
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._interlock import refuse_exclusive, refuse_live, refuse_standby
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._planner import Batch, Plan, Policy, plan


class Violation(Exception):
    """A rule was broken."""

    def __init__(self, rule: str, text: str) -> None:
        super().__init__(f"{rule}: {text}")
        self.rule = rule


# What one node can be like.


class Local(NamedTuple):
    beat: str  # live, standby, or unread: dead, or out of reach
    package: str | None = None
    # runs: the package as installed; stale: one started before that; mute: it reports another release, or none; none: stopped
    process: str = "none"
    healthy: bool = False

    def __str__(self) -> str:
        if self.beat == "unread":
            return "unread"
        process = {"runs": "", "stale": ", not restarted", "mute": ", tells another release", "none": ", stopped"}[self.process]
        return f"{self.beat}, {self.package or 'no package'}{process}{'' if self.healthy or self.process == 'none' else ', unhealthy'}"


OLD, NEW, OTHER = RELEASES = ("shop-1.0.0-1", "shop-2.0.0-1", "shop-1.5.0-1")
LOCALS = [Local("unread")] + [
    Local(beat, *rest)
    for beat in ("live", "standby")
    for rest in [
        (None, "none", False),
        *((package, process, healthy) for package in RELEASES for process in ("runs", "stale", "mute") for healthy in (True, False)),
        *((package, "none", False) for package in RELEASES),
    ]
]
INDEX = {local: index for index, local in enumerate(LOCALS)}
UNREAD = INDEX[Local("unread")]


def table(change: Callable[[Local], Local]) -> list[int]:
    """What becomes of each; a dead node stays dead. Whatever comes out is in LOCALS again, or this fails."""
    return [index if index == UNREAD else INDEX[change(local)] for index, local in enumerate(LOCALS)]


def _started(local: Local) -> Local:
    return local._replace(process="runs", healthy=True) if local.package and local.process in ("none", "stale") else local


def _installed(package: str) -> list[int]:
    return table(lambda local: local._replace(package=package))


LIVE = table(lambda local: local._replace(beat="live"))
STANDBY = table(lambda local: local._replace(beat="standby"))
STOPPED = table(lambda local: local._replace(process="none", healthy=False))
INSTALLED = {package: _installed(package) for package in RELEASES}
# A service that runs is left alone; only one that is older than its package is started again.
STARTED = table(_started)

is_live = [local.beat == "live" for local in LOCALS]
is_standby = [local.beat == "standby" for local in LOCALS]
serves = [local.beat == "live" and local.healthy for local in LOCALS]
is_right = [local.process == "runs" and local.healthy for local in LOCALS]
is_good = [serving and right for serving, right in zip(serves, is_right)]

# What can happen to a node while we work.
DISTURBANCES = {
    "is lost": [UNREAD] * len(LOCALS),
    "is flipped by somebody else": table(lambda local: local._replace(beat="standby" if local.beat == "live" else "live")),
    "turns unhealthy": table(lambda local: local._replace(healthy=False)),
}
FLIPPED = DISTURBANCES["is flipped by somebody else"]


class Remembered(Node):
    """A node that works out only once what it says of itself."""

    @functools.cached_property
    def live(self) -> bool:
        return super().live

    @functools.cached_property
    def serving(self) -> bool:
        return super().serving

    @functools.cached_property
    def nevras(self) -> dict[str, str | None]:
        return super().nevras

    _doubts = functools.cached_property(Node.doubts)
    _unhealthy = functools.cached_property(Node.unhealthy)

    def doubts(self) -> list[str]:
        return self._doubts

    def unhealthy(self) -> list[str]:
        return self._unhealthy


def node(name: str, stack: str, local: Local) -> Node:
    if local.beat == "unread":
        return Remembered(name, stack, unread="it is unreachable")
    version = local.package.split("-")[1] if local.package else None
    component = Component(
        name="shop",
        package="shop",
        state=local.beat,
        healthy=local.healthy,
        why="HTTP 200" if local.healthy else "HTTP 503",
        revision=1,
        run_id=None,
        since_s=0.0,
        nevra=local.package,
        version=version,
        release="0" if local.process == "mute" else version,
        active=local.process != "none",
        installed_at=2.0 if local.package else None,
        started_at={"none": None, "stale": 1.0}.get(local.process, 3.0),
        served=None,
        served_in_s=0.0,
        rate_per_s=None,
        status={"probers": []},
    )
    return Remembered(name, stack, (component,))


# What the interlock permits for a node alone.

SANITY = [{"nodes": [{"name": "me"}]}]
ALL_NODES = [node("me", "blue", local) for local in LOCALS]


class Proof(NamedTuple):
    """A node that was read, the package that it must have, and whether the sanity test was passed."""

    local: int
    package: str | None
    sanity: bool


@functools.cache
def permitted(around: frozenset[int]) -> frozenset[Proof]:
    """All that may go live while the nodes around are like this. Which of them is like what makes no difference, and how many neither."""
    nodes = [ALL_NODES[local] for local in around]
    served = {LOCALS[local].package for local in around if is_good[local]}
    found = set()
    for local, me in enumerate(ALL_NODES):
        for package in RELEASES:
            for sanity in (True, False):
                reasons = refuse_live(me, nodes, {"shop": package}, SANITY if sanity else [])
                right = is_right[local] and LOCALS[local].package == package and (sanity or package in served)
                if right == bool(reasons):
                    raise Violation(
                        "no node goes live unproven, and none is kept back without a reason",
                        f"a node that is {LOCALS[local]}, to run {package}, sanity test {'passed' if sanity else 'not passed'}, {served or 'nothing'} served: "
                        f"the interlock says {reasons or 'yes'}",
                    )
                if not reasons:
                    found.add(Proof(local, package, sanity))
    return frozenset(found)


# The swap of one batch.


class Case(NamedTuple):
    """All that the swap of a batch depends on; the tuples have an entry for each node of it."""

    evidence: tuple[int, ...]
    ready: tuple[bool, ...]
    after: tuple[str, ...]
    restore: tuple[str, ...]
    may_leave: bool
    may_serve: frozenset[Proof]
    exclusive: bool
    rollback: bool

    def __str__(self) -> str:
        rows = zip(self.evidence, self.ready, self.after, self.restore)
        return "a batch of" + "".join(
            f"\n    {LOCALS[local]}{', ready' if ready else ''} -> {after}, or back to {restore or 'nothing'}" for local, ready, after, restore in rows
        )


class Swapped(NamedTuple):
    """How it can end: the nodes, whether the run has stopped there, and at what."""

    nodes: tuple[int, ...]
    stopped_at: str = ""


class Swapping:
    """batch.yml and restore.yml on the nodes of the batch. Each task returns whether all of them passed it."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.nodes = list(case.evidence)
        self.members = range(len(self.nodes))
        self.tasks: Sequence[str] = SWAP
        self.proof: list[int] = []
        self.sanity = False
        # drain has passed on it, or found nothing to wait for
        self.unused = [False] * len(self.nodes)
        self.acting = [i for i in self.members if not case.ready[i]]
        self.target = case.after
        # The node that somebody else has flipped: since its heartbeat was read; since it was seen to be standby.
        self.unseen = self.blind = -1
        self.stopped_at = ""
        self.steps = 0

    def copy(self) -> Swapping:
        other = object.__new__(Swapping)
        other.__dict__.update(self.__dict__)
        other.nodes, other.unused = list(self.nodes), list(self.unused)
        return other

    def disturb(self, member: int, kind: str) -> None:
        self.nodes[member] = DISTURBANCES[kind][self.nodes[member]]
        if DISTURBANCES[kind] is FLIPPED:
            self.unseen = self.blind = member

    def finish(self) -> Swapped:
        while self.tasks:
            self.step()
        return Swapped(tuple(self.nodes), self.stopped_at)

    def step(self) -> None:
        name, *self.tasks = self.tasks
        self.steps += len(self.acting)
        if not getattr(self, name)():
            self.tasks = [] if self.stopped_at else RESCUE
            self.stopped_at = self.stopped_at or name

    def each(self, act: Callable[[int], bool]) -> bool:
        """Linear strategy: the task runs on every node, and then it is seen whether one has failed."""
        passed = [self.nodes[i] != UNREAD and act(i) for i in self.acting]
        return all(passed)

    def leave(self) -> bool:
        def act(i: int) -> bool:
            if i == self.unseen or (is_live[self.case.evidence[i]] and not self.case.may_leave):
                return False
            self.nodes[i] = STANDBY[self.nodes[i]]
            return True

        return self.each(act)

    def drain(self) -> bool:
        def act(i: int) -> bool:
            # What did not run when it was read has nothing in flight. On a live node requests keep arriving, and it fails.
            runs = LOCALS[self.case.evidence[i]].process != "none"
            if runs and i == self.blind:
                self.blind = -1
            self.unused[i] = not (runs and is_live[self.nodes[i]])
            return self.unused[i]

        return self.each(act)

    def stop(self) -> bool:
        def act(i: int) -> bool:
            if LOCALS[self.nodes[i]].package not in (None, self.target[i]):
                if is_live[self.nodes[i]] and LOCALS[self.nodes[i]].process != "none" and i != self.blind:
                    raise Violation("nothing is stopped on a live node", f"it is {LOCALS[self.nodes[i]]}, in {self.case}")
                self.nodes[i] = STOPPED[self.nodes[i]]
            return True

        return self.each(act)

    def install(self) -> bool:
        def act(i: int) -> bool:
            self.nodes[i] = INSTALLED[self.target[i]][self.nodes[i]]
            return True

        return self.each(act)

    def start(self) -> bool:
        def act(i: int) -> bool:
            self.nodes[i] = STARTED[self.nodes[i]]
            return True

        return self.each(act)

    def get_healthy(self) -> bool:
        return self.each(lambda i: LOCALS[self.nodes[i]].healthy)

    def test(self) -> bool:
        """Through the standby load balancer, which sends nothing to a node that is live or not healthy."""
        self.acting = list(self.members)
        self.sanity = self.each(lambda i: is_standby[self.nodes[i]] and LOCALS[self.nodes[i]].healthy)
        return self.sanity

    def prove(self) -> bool:
        self.proof = list(self.nodes)
        self.unseen = self.blind = -1
        return self.each(lambda i: True)

    def serve(self) -> bool:
        def act(i: int) -> bool:
            package = self.target[i]
            if i == self.unseen or Proof(self.proof[i], package, self.sanity) not in self.case.may_serve:
                return False
            if not is_right[self.proof[i]] or LOCALS[self.proof[i]].package != package:
                raise Violation("no node goes live unproven", f"it is {LOCALS[self.proof[i]]}, in {self.case}")
            self.nodes[i] = LIVE[self.nodes[i]]
            return True

        return self.case.exclusive or self.each(act)

    def look_again(self) -> bool:
        """The rescue acts where the node is out and nobody uses it, and where it knows of something to go back to."""
        self.proof, self.sanity, self.target = list(self.nodes), False, self.case.restore
        self.unseen = self.blind = -1
        self.acting = [
            i
            for i in self.members
            if self.case.rollback
            and is_standby[self.nodes[i]]
            and self.case.restore[i]
            and (self.unused[i] or LOCALS[self.nodes[i]].package == self.case.restore[i])
        ]
        return True


DEPLOY = ("stop", "install", "start", "get_healthy")
SWAP = ("leave", "drain", *DEPLOY, "test", "prove", "serve")
RESCUE = ("look_again", *DEPLOY, "prove", "serve")


class Endings(NamedTuple):
    undisturbed: Swapped
    # Those that the run has not noticed, so that it goes on.
    unnoticed: tuple[Swapped, ...]
    # How many nodes have passed a task: after each of them the run may have been killed.
    steps: int
    disturbances: int


@functools.cache
def endings(case: Case) -> Endings:
    """The swap undisturbed, and with each disturbance of each node of it before each task."""
    run = Swapping(case)
    moments = []
    while run.tasks:
        moments.append(run.copy())
        run.step()
    disturbed = []
    for moment in moments:
        # Of nodes that are alike, one stands for all.
        alike = {(*each, moment.nodes[i]): i for i, each in enumerate(zip(case.evidence, case.ready, case.after, case.restore))}
        for member in alike.values():
            for kind, becomes in DISTURBANCES.items():
                if becomes[moment.nodes[member]] != moment.nodes[member]:
                    other = moment.copy()
                    other.disturb(member, kind)
                    disturbed.append(other.finish())
    unnoticed = dict.fromkeys(swapped for swapped in disturbed if not swapped.stopped_at)
    return Endings(run.finish(), tuple(unnoticed), run.steps, len(disturbed))


# The application, and one batch of a plan in it.

State = tuple[int, ...]


@dataclass(frozen=True)
class Order:
    """A batch of a plan, with numbers for names."""

    batch: Batch
    nodes: tuple[int, ...]
    ready: tuple[bool, ...]
    after: tuple[str, ...]
    restore: tuple[str, ...]
    retire: tuple[int, ...]
    serving_after: frozenset[int]
    # Whoever does not serve after it is no evidence against the switch.
    not_after: tuple[str, ...]
    # Nodes of one stack that are alike and that have the same part in it are interchangeable.
    part: tuple[int, ...]
    undo: Order | None


class End(NamedTuple):
    """The application at the end of a batch, and the task at which the run has stopped, if it has."""

    state: State
    stopped_at: str = ""


@dataclass(frozen=True)
class Setting:
    """A policy under test, and what else a deployment is told."""

    name: str
    policy: Policy
    on_failure: str = "rollback"


class Application:
    """Nodes in two stacks, what they are to run, and how they are to get there."""

    def __init__(self, blue: int, green: int, setting: Setting) -> None:
        stacks = ["blue"] * blue + ["green"] * green
        self.names = [f"{stack}{stacks[:i].count(stack) + 1}" for i, stack in enumerate(stacks)]
        self.numbers = {name: i for i, name in enumerate(self.names)}
        self.stacks = stacks
        self.setting = setting
        self.policy = setting.policy
        self.limits = setting.policy.limits
        self.cast = [[node(name, stack, local) for local in LOCALS] for name, stack in zip(self.names, stacks)]
        self.wanted = {name: {"shop": NEW} for name in self.names}
        self.transitions = 0
        self.told = ""
        # Neighbouring states ask the same.
        self.may_leave = functools.lru_cache(200_000)(self._may_leave)

    def nodes(self, state: State) -> list[Node]:
        return [locals_[local] for locals_, local in zip(self.cast, state)]

    def plan(self, state: State) -> Plan:
        nodes = self.nodes(state)
        wanted = {node.name: node.nevras for node in nodes} if self.policy.strategy == "all_live" else self.wanted
        return plan(nodes, wanted, self.policy)

    def order(self, batch: Batch) -> Order:
        members = {name: self.numbers[name] for name in batch.nodes}
        retire = tuple(self.numbers[name] for name in batch.retire)
        return Order(
            batch=batch,
            nodes=tuple(members.values()),
            ready=tuple(name in batch.ready for name in members),
            after=tuple(batch.after[name]["shop"] or "" for name in members),
            restore=tuple((batch.restore.get(name) or {}).get("shop") or "" for name in members),
            retire=retire,
            serving_after=frozenset(self.numbers[name] for name in batch.serving_after),
            not_after=tuple(name for name in self.names if name not in batch.serving_after),
            part=tuple(4 * (stack == "blue") + 2 * (i in members.values()) + (i in retire) for i, stack in enumerate(self.stacks)),
            undo=self.order(batch.undo) if batch.undo else None,
        )

    def describe(self, state: State) -> str:
        return "".join(f"\n    {name}: {LOCALS[local]}" for name, local in zip(self.names, state))

    # The interlock, each time compared with what is the case.

    def _may_leave(self, state: State, out: tuple[str, ...]) -> bool:
        """Whether these nodes may leave, as the interlock says and as it is."""
        reasons = refuse_standby(self.nodes(state), out, self.limits)
        staying = [local for local, name in zip(state, self.names) if name not in out]
        good = sum(is_good[local] for local in staying)
        least = max(1, self.limits.min_live or len(staying))
        unavailable = len(state) + len(self.limits.without) - good
        right = good >= least and UNREAD not in state and not 0 < self.limits.max_unavailable < unavailable
        if right == bool(reasons):
            raise Violation(
                "a node leaves only if enough stay, and none is kept without a reason",
                f"{', '.join(out)} to leave, {good} of at least {least} stay, {unavailable} unavailable, and the interlock says {reasons or 'yes'}; "
                f"when it is asked:{self.describe(state)}",
            )
        return right

    def _unread_is_refused(self, state: State, members: Collection[int], out: tuple[str, ...]) -> End:
        """The run stops at a node that it cannot read. Should Ansible go on nevertheless, nobody may leave."""
        if any(is_live[state[i]] for i in members) and self.may_leave(state, out):
            raise Violation("a node leaves only when all were read", self.describe(state))
        return End(state, "read")

    # The tasks that look at the whole application.

    def swap(self, state: State, order: Order, disturbed: bool = False) -> tuple[End, list[State]]:
        """batch.yml up to the exclusive switch, from reading every node: how it ends, and how it ends after a disturbance that it did not notice."""
        if UNREAD in state:
            return self._unread_is_refused(state, order.nodes, order.batch.nodes), []
        # In this order, so that fewer cases differ.
        evidence, ready, after, restore, members = zip(*sorted(zip((state[i] for i in order.nodes), order.ready, order.after, order.restore, order.nodes)))
        leaving = any(is_live[local] and not done for local, done in zip(evidence, ready))
        found = endings(
            Case(
                evidence=evidence,
                ready=ready,
                after=after,
                restore=restore,
                may_leave=leaving and self.may_leave(state, order.batch.nodes),
                may_serve=permitted(frozenset(state)),
                exclusive=order.batch.exclusive,
                rollback=self.setting.on_failure == "rollback",
            )
        )
        self.transitions += found.steps + disturbed * found.disturbances

        def merged(swapped: Swapped) -> State:
            nodes = list(state)
            for i, local in zip(members, swapped.nodes):
                nodes[i] = local
            return tuple(nodes)

        return End(merged(found.undisturbed), found.undisturbed.stopped_at), [merged(swapped) for swapped in found.unnoticed if disturbed]

    def switch(self, state: State, order: Order) -> End:
        """switch.yml, or exclusive.yml."""
        if order.batch.exclusive and order.nodes:
            return self.exclusive(state, order)
        if order.batch.exclusive or not order.retire:
            return End(state)
        if UNREAD in state:
            return self._unread_is_refused(state, order.retire, order.not_after)
        if any(is_live[state[i]] for i in order.retire) and not self.may_leave(state, order.not_after):
            return End(state, "switch")
        return End(self.flip(state, STANDBY, order.retire))

    def flip(self, state: State, becomes: Sequence[int], members: Collection[int]) -> State:
        self.transitions += len(members)
        return tuple(becomes[local] if i in members else local for i, local in enumerate(state))

    def exclusive(self, state: State, order: Order) -> End:
        if UNREAD in state:
            return End(state, "read")
        nodes = self.nodes(state)
        proofs = {name: {"shop": package} for name, package in zip(order.batch.nodes, order.after)}
        sanity = [{"nodes": [{"name": name} for name in order.batch.nodes]}]
        refused = refuse_exclusive([nodes[i] for i in order.nodes], nodes, order.not_after, proofs, sanity, self.limits)
        may_serve = permitted(frozenset(state))
        coming = [i for i, package in zip(order.nodes, order.after) if Proof(state[i], package, True) in may_serve]
        leaving = [i for i in order.retire if not refused or not is_live[state[i]]]
        if any(is_live[state[i]] for i in leaving) and len(coming) < len(order.nodes):
            raise Violation(
                "in an exclusive switch nodes leave only for proven successors",
                f"{len(coming)} of {len(order.nodes)} successors are proven; when it is asked:{self.describe(state)}",
            )
        # The nodes outside are left as they were; one that is lost or flipped at this very moment does not come in, and the others do.
        ends = [self._exclusively(state, order, coming, leaving, late) for late in (None, *order.nodes, *order.retire)]
        return ends[0]

    def _exclusively(self, state: State, order: Order, coming: Sequence[int], leaving: Sequence[int], late: int | None) -> End:
        after = self.flip(self.flip(state, LIVE, {*coming} - {late}), STANDBY, {*leaving} - {late})
        if len(coming) == len(order.nodes) and len(leaving) == len(order.retire) and late is None:
            return End(after)
        may_serve = permitted(frozenset(state))
        after = self.flip(after, LIVE, [i for i in order.retire if Proof(after[i], LOCALS[after[i]].package, False) in may_serve])
        if any(is_good[local] for i, local in enumerate(state) if i != late) and not any(is_good[local] for i, local in enumerate(after) if i != late):
            raise Violation("after an exclusive switch that failed somebody serves", f"before:{self.describe(state)}\n  after:{self.describe(after)}")
        return End(after, "exclusive")

    # A whole batch.

    def disturbances(self, state: State, order: Order, members: Collection[int] | None = None) -> Iterator[State]:
        """Each application that comes of one disturbance; of nodes that are alike, one stands for all."""
        seen = set()
        for i, local in enumerate(state):
            alike = order.part[i], local
            if local == UNREAD or alike in seen or (members is not None and i not in members):
                continue
            seen.add(alike)
            for kind, becomes in DISTURBANCES.items():
                if becomes[local] != local:
                    self.told = f"{self.names[i]} {kind}"
                    yield (*state[:i], becomes[local], *state[i + 1 :])
        self.told = ""

    def run(self, state: State, order: Order) -> End:
        """The batch without a disturbance."""
        if order.nodes:
            end, _unnoticed = self.swap(state, order)
            if end.stopped_at:
                return end
            state = end.state
        return self.switch(state, order)

    def run_disturbed(self, state: State, order: Order) -> None:
        """The batch with each disturbance at each step; what may not happen raises a Violation."""
        for disturbed in self.disturbances(state, order):
            self.told += " before the batch is read"
            self.run(disturbed, order)
        if order.nodes:
            end, unnoticed = self.swap(state, order, disturbed=True)
            self.told = "a node of the batch is disturbed"
            for ended in unnoticed:
                self.switch(ended, order)
            if end.stopped_at:
                return
            state = end.state
        if order.retire:
            for disturbed in self.disturbances(state, order):
                self.told += " before the switch"
                self.switch(disturbed, order)
        end = self.switch(state, order)
        if order.batch.observe_s and not end.stopped_at:
            self.observe(end.state, order)

    def observe(self, state: State, order: Order) -> None:
        """observe.yml: whatever is seen, the batch is taken back, or taken out to be looked at."""
        hold = self.setting.on_failure == "hold"
        if order.undo and (not hold or order.undo.retire):
            self.told = "taken back"
            self.undone(state, order.undo, self.run(state, order.undo))
            for disturbed in self.disturbances(state, order, order.serving_after):
                self.told += " while it is observed"
                self.run(disturbed, order.undo)
        if hold and not order.retire and order.nodes:
            staying = tuple(name for name in self.names if name not in order.batch.staying)
            for disturbed in (state, *self.disturbances(state, order, order.serving_after)):
                if UNREAD in disturbed:
                    self._unread_is_refused(disturbed, order.nodes, staying)
                elif any(is_live[disturbed[i]] for i in order.nodes):
                    self.may_leave(disturbed, staying)

    # What a plan says of itself.

    def undone(self, state: State, undo: Order, end: End) -> None:
        if end.stopped_at:
            # Nothing is installed for it, and nothing was disturbed.
            out = len(state) + len(self.limits.without) - len(undo.serving_after)
            within = len(undo.serving_after) >= self.limits.min_live and not 0 < self.limits.max_unavailable < out
            if all(undo.ready) and within:
                raise Violation("the undo of a plan is possible", f"it stopped at {end.stopped_at}, from{self.describe(state)}")
            return
        self.serving("undo: serving_after", end.state, undo.serving_after)
        for i, package in zip(undo.nodes, undo.after):
            if LOCALS[end.state[i]].package != package:
                raise Violation("what a plan says is true (undo: after)", f"{self.names[i]} is not back on {package}:{self.describe(end.state)}")

    def serving(self, what: str, state: State, said: Collection[int]) -> None:
        true = {i for i, local in enumerate(state) if is_good[local]}
        if true != set(said):
            names = [", ".join(self.names[i] for i in sorted(found)) or "nobody" for found in (said, true)]
            raise Violation(f"what a plan says is true ({what})", f"{names[0]} should be serving, and {names[1]} serve:{self.describe(state)}")

    def claims(self, state: State, order: Order, end: End) -> None:
        """The first batch of a plan, before anything was done."""
        batch = order.batch
        self.serving("staying", tuple(STANDBY[local] if i in order.nodes else local for i, local in enumerate(state)), [self.numbers[n] for n in batch.staying])
        for i, ready in zip(order.nodes, order.ready):
            wanted = order.after[order.nodes.index(i)]
            if ready != (is_standby[state[i]] and is_right[state[i]] and LOCALS[state[i]].package == wanted):
                raise Violation("what a plan says is true (ready)", f"{self.names[i]}:{self.describe(state)}")
        if end.stopped_at in ("leave", "switch"):
            raise Violation("what is planned is permitted", f"the interlock refuses the first batch, {', '.join(batch.nodes)}, at {end.stopped_at}")
        if not all(is_live[state[i]] for i in order.retire):
            raise Violation("what a plan says is true (retire)", f"{batch.retire}:{self.describe(state)}")
        if self.policy.strategy != "all_live":
            served = {LOCALS[state[self.numbers[name]]].package for name in batch.staying}
            for i, restore in zip(order.nodes, order.restore):
                own = LOCALS[state[i]].package if is_good[state[i]] else served.copy().pop() if len(served) == 1 else ""
                if restore != ("" if own == NEW else own):
                    raise Violation("what a plan says is true (restore)", f"{self.names[i]} would go back to {restore or 'nothing'}:{self.describe(state)}")
        if batch.total != len(state) + len(self.limits.without):
            raise Violation("what a plan says is true (total)", f"{batch.total}")
        if not end.stopped_at:
            self.serving("serving_after", end.state, order.serving_after)
            for i, package in zip(order.nodes, order.after):
                if LOCALS[end.state[i]].package != package or not is_good[end.state[i]]:
                    raise Violation("what a plan says is true (after)", f"{self.names[i]} does not serve {package}:{self.describe(end.state)}")
