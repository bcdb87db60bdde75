# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An application in memory, and what role swap does with it, task by task, while somebody disturbs it.

What is judged is real: the planner, the interlock and the evidence are those of the collection. So are the tasks: nodes.py tells what a node is, shipped.py
reads the files of role swap, swapping.py runs the batch, here are the files around it, and taking_back.py has what an anomaly takes back. What is simulated
is what a task does to a node. Time is left out: whatever waits has waited long enough.

Who may be told what, and when, is what the rules are about, so this is how the model takes it:

- The evidence is what counts. What happens to a node between the last look at it and our act is nobody's fault; what we know by then
  has to be right. A second operator's flip in between is noticed by compare-and-set when we write that heartbeat, and else not.
- A task runs on all nodes of the batch and then the run goes on, or stops: with a failure for the rescue, each node's own. On ansible-core 2.16 those
  that did not fail do the next tasks first. A node that is lost ends the play there, and leaves the nodes as a crash does.
- Between two looks nothing depends on the nodes outside the batch, and nothing on the order of the nodes within one task. So a
  disturbance of a node outside the batch is tried where somebody looks next, and one of a node in the batch before each act of a task.
- The swap of a batch sees nothing but its own nodes and the permissions of the interlock, so it is worked out once for each
  combination of these (Swapping) and not once for each application in which it occurs.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._refusals import divided
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._evidence import Node
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._interlock import refuse_exclusive, refuse_standby
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._permit import judge
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._planner import Batch, Plan, Policy, plan

from .nodes import (
    ADOPTED,
    DISTURBANCES,
    LIVE,
    LOCALS,
    NEW,
    STANDBY,
    UNREAD,
    Proof,
    Violation,
    is_good,
    is_live,
    is_right,
    is_standby,
    nevra,
    node,
    permitted,
    served,
)
from .shipped import Task, a_block, all_said, each_when, load, of_tasks
from .swapping import BATCH, EVIDENCE, FOLDER, MAIN, READER, RESTORE, STEPS, WHEN, Case, Swapped, endings, meaning

State = tuple[int, ...]


@dataclass(frozen=True)
class Order:
    """A batch of a plan, with numbers for names."""

    batch: Batch
    nodes: tuple[int, ...]
    ready: tuple[bool, ...]
    restart: tuple[bool, ...]
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
    # Those that have left the play.
    gone: tuple[int, ...] = ()


@dataclass(frozen=True)
class Setting:
    """A policy under test, and what else a deployment is told."""

    name: str
    policy: Policy
    on_failure: str = "rollback"


# The files around the batch, and what their tasks ask.

INCLUDE = "ansible.builtin.include_tasks"
_files = {name: READER.tasks(f"{FOLDER}/{name}.yml") for name in ("after", "switch", "exclusive")}
INCLUDES = of_tasks(f"{FOLDER}/main.yml", MAIN.tasks, INCLUDE, INCLUDE)
AFTER = of_tasks(f"{FOLDER}/after.yml", _files["after"], INCLUDE, INCLUDE, INCLUDE)
SWITCH = of_tasks(f"{FOLDER}/switch.yml", _files["switch"], "begin", "heartbeat")
(BOTH_READ,), BOTH = of_tasks(f"{FOLDER}/exclusive.yml", _files["exclusive"][:1], "begin"), a_block(f"{FOLDER}/exclusive.yml", _files["exclusive"][-1])
(BOTH_FLIP,) = of_tasks(BOTH.file, BOTH.tasks, "heartbeat")
BOTH_AGAIN, BOTH_BACK, BOTH_STOP = of_tasks(BOTH.file, BOTH.rescue, "begin", "heartbeat", "ansible.builtin.fail")
# Of the watch only what follows from it; Application.observe does as much.
UNDO = of_tasks(f"{FOLDER}/undo.yml", READER.tasks(f"{FOLDER}/undo.yml"), INCLUDE, INCLUDE)
OBSERVE = READER.entries(f"{FOLDER}/observe.yml", load(f"{FOLDER}/observe.yml")[-3:])
TAKE_BACK, TAKE_OUT, STOP = of_tasks(f"{FOLDER}/observe.yml", OBSERVE, INCLUDE, INCLUDE, "ansible.builtin.fail")
# Each with a name of its own, for which nodes are read and proofs are made: none of another batch is good for it.
PUT_BACK = {"__swap_batch": "{{ __swap_undone }}", "__swap_batch_id": "{{ swap_site.run_id }}/{{ swap_batch.number }}/undo/{{ __swap_undone.number }}"}
PUT_OUT = {
    "__swap_batch": "{{ swap_batch | combine({'retire': swap_batch.nodes, 'serving_after': swap_batch.staying, 'exclusive': false}) }}",
    "__swap_batch_id": "{{ swap_site.run_id }}/{{ swap_batch.number }}/hold",
}
FOLLOWS: list[tuple[Task, str, tuple[str, ...], str | None, dict[str, str] | None]] = [
    (UNDO[0], "batch.yml", (), None, None),
    (UNDO[1], "after.yml", ("__swap_batch.retire | length > 0",), None, None),
    (TAKE_BACK, "undo.yml", (), "{{ __swap_seen.undo }}", PUT_BACK),
    (TAKE_OUT, "switch.yml", ("__swap_seen.hold",), None, PUT_OUT),
    (STOP, "", ("__swap_seen.found",), None, None),
]
AROUND: dict[str, Callable[[Order, int], bool]] = {
    "swap_batch.nodes | length > 0": lambda order, i: bool(order.nodes),
    "swap_batch.retire | length > 0 or swap_batch.observe_s > 0": lambda order, i: bool(order.retire) or order.batch.observe_s > 0,
    "__swap_batch.exclusive": lambda order, i: order.batch.exclusive,
    "__swap_batch.retire | length > 0 and not __swap_batch.exclusive": lambda order, i: bool(order.retire) and not order.batch.exclusive,
    "__swap_batch.observe_s > 0": lambda order, i: order.batch.observe_s > 0,
    "inventory_hostname in __swap_batch.retire": lambda order, i: i in order.retire,
    "inventory_hostname in __swap_batch.nodes + __swap_batch.retire": lambda order, i: i in order.nodes or i in order.retire,
}


def _shape() -> tuple[Callable[[Order], bool], Callable[[Order], bool]]:
    """What cannot be run is told before anything is; and whether a batch is swapped, and whether something follows."""
    for entry, text in each_when((*MAIN.tasks, *AFTER, *SWITCH, BOTH_READ, BOTH)):
        if text not in AROUND:
            raise entry.strange(f"when: {text} is not known")
    entries = (*MAIN.tasks, *BATCH, *STEPS, *RESTORE, *AFTER, *SWITCH, BOTH)
    all_said(FOLDER, [text for _entry, text in each_when(entries)], [*WHEN, *AROUND])
    for tasks, names in ((AFTER, ["exclusive.yml", "switch.yml", "observe.yml"]), (INCLUDES, ["batch.yml", "after.yml"])):
        if [meaning(task)["_"] for task in tasks] != names:
            raise tasks[0].strange(f"what is included is not {', '.join(names)}, in this order")
    for task in (SWITCH[0], BOTH_READ, BOTH_AGAIN, BOTH_STOP):
        # Who does not answer stays in the play, for each node that flips to judge.
        if not meaning(task) or task.when or task.ignores is not (task.module == "begin"):
            raise task.strange("it does not run on every node, or stops for one that it should not, or does not stop for one")
    if TAKE_BACK.keys.get("loop_control", {}).get("loop_var") != "__swap_undone":
        raise TAKE_BACK.strange("its loop has another variable")
    for task, file, when, loop, puts in FOLLOWS:
        if task.args.get("_", "") != file or task.when != when or task.keys.get("loop") != loop or task.keys.get("vars") != puts or not task.args:
            raise task.strange("it does not do what the watch has decided")
    swaps, goes_on = ([AROUND[text] for text in task.when] for task in INCLUDES)
    return lambda order: all(holds(order, -1) for holds in swaps), lambda order: all(holds(order, -1) for holds in goes_on)


SWAPS, GOES_ON = _shape()


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
        self.may_swap = functools.lru_cache(200_000)(self._may_swap)

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
            restart=tuple(name not in batch.ready and dict(batch.before[name]) == dict(batch.after[name]) for name in members),
            after=tuple(batch.after[name]["shop"] or ADOPTED for name in members),
            # Where nothing was adopted, nothing can come back: then it is one way.
            restore=tuple("" if name in batch.one_way or not batch.restore.get(name) else batch.restore[name]["shop"] or ADOPTED for name in members),
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
        nodes = self.nodes(state)
        reasons, _passed = divided(refuse_standby(nodes, out, self.limits), self.limits.override)
        staying = [local for local, name in zip(state, self.names) if name not in out]
        good = sum(is_good[local] for local in staying)
        # Whatever is passed, one node has to stay, and every node is known.
        few, many = (code not in self.limits.override.refusals for code in ("HS-MIN-LIVE", "HS-UNAVAILABLE"))
        least = max(1, self.limits.min_live or len(staying)) if few else 1
        unavailable = len(state) + len(self.limits.without) - good
        right = good >= least and UNREAD not in state and not (many and 0 < self.limits.max_unavailable < unavailable)
        if right == bool(reasons):
            raise Violation(
                "a node leaves only if enough stay, and none is kept without a reason",
                f"{', '.join(out)} to leave, {good} of at least {least} stay, {unavailable} unavailable, and the interlock says {reasons or 'yes'}; "
                f"when it is asked:{self.describe(state)}",
            )
        return right

    def _may_swap(self, state: State, out: tuple[str, ...]) -> bool:
        """What the permit of a batch is made of."""
        nodes = self.nodes(state)
        reasons, _passed = divided(judge(nodes, out, "", (), self.limits), self.limits.override)
        mine = [state[self.numbers[name]] for name in out]
        right = UNREAD not in mine and (not any(is_live[local] for local in mine) or self.may_leave(state, out))
        if right == bool(reasons):
            raise Violation("a batch is swapped only where it may leave", f"{', '.join(out)}, and the interlock says {reasons or 'yes'}:{self.describe(state)}")
        if not divided(judge(nodes, out, "", ("a node",), self.limits), self.limits.override)[0]:
            raise Violation("nobody goes on when a node has left the run", f"{', '.join(out)}:{self.describe(state)}")
        return right

    # The tasks that look at the whole application.

    def swap(self, state: State, order: Order, disturbed: bool = False) -> tuple[End, list[End]]:
        """batch.yml: how it ends, and how it ends after a disturbance so that some go on."""
        may_leave = self.may_swap(state, order.batch.nodes)
        # In this order, so that fewer cases differ. The first one runs the sanity test.
        first, *others = zip((state[i] for i in order.nodes), order.ready, order.restart, order.after, order.restore, order.nodes)
        evidence, ready, restart, after, restore, members = zip(first, *sorted(others))
        case = Case(
            evidence=evidence,
            ready=ready,
            restart=restart,
            after=after,
            restore=restore,
            may_leave=may_leave,
            served=served(frozenset(state)),
            exclusive=order.batch.exclusive,
            rollback=self.setting.on_failure == "rollback",
        )

        def merged(swapped: Swapped) -> End:
            nodes = list(state)
            for i, local in zip(members, swapped.nodes):
                nodes[i] = local
            return End(tuple(nodes), swapped.stopped_at, tuple(members[i] for i in swapped.gone))

        found = endings(case)
        self.transitions += found.steps + found.disturbances * disturbed
        return merged(found.undisturbed), [merged(swapped) for swapped in found.unnoticed] if disturbed else []

    def after(self, state: State, order: Order, gone: Collection[int] = ()) -> End:
        """after.yml. gone: those that have left the play, and are not read any more."""
        for task in AFTER:
            args = meaning(task)
            if all(AROUND[text](order, -1) for text in task.when) and args["_"] != "observe.yml":
                end = (self.exclusive if args["_"] == "exclusive.yml" else self.switch)(state, order, gone)
                if end.stopped_at:
                    return end
                state = end.state
        return End(state)

    def read(self, state: State, gone: Collection[int], begin: Task, flip: Task) -> State:
        """What the flip takes for the nodes, when `begin` has read those that are in the play. Whoever has left said something for the batch alone."""
        said, asked = meaning(begin), meaning(flip)
        if begin.module != "begin" or begin.register != asked.get("evidence", EVIDENCE) or said["batch_id"] != asked["batch_id"]:
            return (UNREAD,) * len(state)
        return state if said["batch_id"] == "batch" else tuple(UNREAD if i in gone else local for i, local in enumerate(state))

    def asked(self, i: int, order: Order, flip: Task) -> tuple[str, ...]:
        return order.not_after if "batch" in flip.args else (self.names[i],)

    def refused(self, read: State, i: int, order: Order, flip: Task) -> bool:
        """A switch to standby. Without successors the others have to serve already."""
        out = self.asked(i, order, flip)
        if self.names[i] not in out or read[i] == UNREAD:
            return True
        return is_live[read[i]] and not self.may_leave(read, out)

    def switch(self, state: State, order: Order, gone: Collection[int] = ()) -> End:
        """switch.yml."""
        begin, flip = SWITCH
        if meaning(flip)["state"] != "standby" or meaning(flip)["batch_id"] == "batch":
            raise flip.strange("here nodes leave, by what was read after the batch")
        read = self.read(state, gone, begin, flip)
        leaving = [i for i in range(len(state)) if i not in gone and all(AROUND[text](order, i) for text in flip.when)]
        passing = [i for i in leaving if not self.refused(read, i, order, flip)]
        self.leaves(state, read, passing, order, gone)
        return End(self.flip(state, STANDBY, passing), "" if passing == leaving and UNREAD not in state else "switch", tuple(gone))

    def leaves(self, state: State, read: State, leaving: Sequence[int], order: Order, gone: Collection[int]) -> None:
        if any(is_live[state[i]] for i in leaving):
            seen = tuple(UNREAD if i in gone else local for i, local in enumerate(state))
            if not self.may_leave(seen, order.not_after) or UNREAD in read:
                raise Violation("nodes leave together only if enough stay, and all were read", f"{order.batch.retire} left:{self.describe(seen)}")

    def flip(self, state: State, becomes: Sequence[int], members: Collection[int]) -> State:
        self.transitions += len(members)
        return tuple(becomes[local] if i in members else local for i, local in enumerate(state))

    def exclusive(self, state: State, order: Order, gone: Collection[int] = ()) -> End:
        """exclusive.yml."""
        flip, args = BOTH_FLIP, meaning(BOTH_FLIP)
        if args["state"] != "exclusive" or not {"successors", "lead_s", "batch"} <= set(args):
            raise flip.strange("here one half comes in and the other one leaves, which has a lead, and of which all are told who else leaves")
        read = self.read(state, gone, BOTH_READ, flip)
        acting = [i for i in range(len(state)) if i not in gone and all(AROUND[text](order, i) for text in BOTH.when)]
        tested = args.get("sanity") == "shown" and args.get("sanity_host") == "first" and not set(gone) & set(order.nodes)
        may_serve = permitted(served(frozenset(read)))
        coming = [i for i in acting if i in order.nodes and Proof(read[i], order.after[order.nodes.index(i)], tested) in may_serve]
        leaving = [i for i in acting if i not in order.nodes and not self.refused_exclusive(read, i, order, flip, tested)]
        # Both halves are judged alike.
        if not self._exclusive_permitted(read, order, order.not_after, tested):
            coming = []
        if coming and UNREAD in state:
            raise Violation("nobody comes in beside those that must not leave", f"when it is asked:{self.describe(state)}")
        if any(is_live[state[i]] for i in leaving) and (len(coming) < len(order.nodes) or not set(leaving) <= set(order.retire)):
            raise Violation(
                "in an exclusive switch nodes leave only for proven successors",
                f"{len(coming)} of {len(order.nodes)} successors are proven; when it is asked:{self.describe(state)}",
            )
        if any(is_live[state[i]] for i in leaving) and not self._exclusive_permitted(read, order, order.not_after, tested):
            raise Violation("in an exclusive switch enough serve afterwards", f"{order.batch.retire} left:{self.describe(state)}")
        # The nodes outside are left as they were; one that is lost or flipped at this very moment does not come in, and the others do.
        ends = [self._exclusively(state, order, coming, leaving, late, gone) for late in (None, *order.nodes, *order.retire)]
        return ends[0]

    def _exclusive_permitted(self, read: State, order: Order, out: Collection[str], tested: bool) -> bool:
        nodes = self.nodes(read)
        proofs = {name: {"shop": nevra(package)} for name, package in zip(order.batch.nodes, order.after)}
        sanity = [{"nodes": [{"name": name} for name in order.batch.nodes]}] if tested else []
        reasons = refuse_exclusive([nodes[i] for i in order.nodes], nodes, out, proofs, sanity, self.limits)
        return not divided(reasons, self.limits.override)[0]

    def refused_exclusive(self, read: State, i: int, order: Order, flip: Task, tested: bool) -> bool:
        if "successors" not in flip.args:
            return self.refused(read, i, order, flip)
        out = self.asked(i, order, flip)
        if self.names[i] not in out or read[i] == UNREAD:
            return True
        return is_live[read[i]] and not self._exclusive_permitted(read, order, out, tested)

    def _exclusively(self, state: State, order: Order, coming: Sequence[int], leaving: Sequence[int], late: int | None, gone: Collection[int]) -> End:
        after = self.flip(self.flip(state, LIVE, {*coming} - {late}), STANDBY, {*leaving} - {late})
        if len(coming) == len(order.nodes) and len(leaving) == len(order.retire) and late is None:
            return End(after)
        # On 2.16 only those come to the rescue that have failed themselves; the others have come in, or have a successor that came in.
        returning = [i for i in range(len(state)) if i not in gone and all(AROUND[text](order, i) for text in (*BOTH.when, *BOTH_BACK.when))]
        if set(returning) != set(order.retire) - set(gone):
            raise Violation("those switch back that served before", f"{order.batch.retire}, and asked are {[self.names[i] for i in returning]}")
        may_serve = permitted(served(frozenset(state)))
        if self._proves():
            after = self.flip(after, LIVE, [i for i in returning if Proof(after[i], LOCALS[after[i]].package, False) in may_serve])
        if any(is_good[local] for i, local in enumerate(state) if i != late) and not any(is_good[local] for i, local in enumerate(after) if i != late):
            raise Violation("after an exclusive switch that failed somebody serves", f"before:{self.describe(state)}\n  after:{self.describe(after)}")
        return End(after, "exclusive", tuple(gone))

    @staticmethod
    def _proves() -> bool:
        """Whether those that switch back are read first, as proof of what they served before."""
        said, args = meaning(BOTH_AGAIN), meaning(BOTH_BACK)
        if args["state"] != "live" or args.get("evidence") != BOTH_READ.register:
            raise BOTH_BACK.strange("it does not switch back by what was read before")
        return BOTH_AGAIN.register == args.get("proof_evidence") == args["proof"] and said["batch_id"] == args["batch_id"]

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
        if SWAPS(order):
            end, _unnoticed = self.swap(state, order)
            if end.stopped_at:
                return end
            state = end.state
        return self.after(state, order) if GOES_ON(order) else End(state)

    def run_disturbed(self, state: State, order: Order) -> None:
        """The batch with each disturbance at each step; what may not happen raises a Violation."""
        for disturbed in self.disturbances(state, order):
            self.told += " before the batch is read"
            self.run(disturbed, order)
        if order.nodes:
            end, unnoticed = self.swap(state, order, disturbed=True)
            self.told = "a node of the batch is disturbed"
            for ended in unnoticed:
                after = self.after(ended.state, order, ended.gone)
                if ended.gone and order.retire and not after.stopped_at:
                    raise Violation("what follows a batch that failed is refused", f"{self.describe(ended.state)}")
            if end.stopped_at:
                return
            state = end.state
        if order.retire:
            for disturbed in self.disturbances(state, order):
                self.told += " before the switch"
                self.after(disturbed, order)
        end = self.after(state, order)
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
                if any(is_live[disturbed[i]] for i in order.nodes):
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
        if end.stopped_at:
            raise Violation("what is planned is done where nobody disturbs it", f"the first batch, {', '.join(batch.nodes)}, stops at {end.stopped_at}")
        if not all(is_live[state[i]] for i in order.retire):
            raise Violation("what a plan says is true (retire)", f"{batch.retire}:{self.describe(state)}")
        if self.policy.strategy != "all_live":
            served = {LOCALS[state[self.numbers[name]]].package for name in batch.staying}
            for i, restore in zip(order.nodes, order.restore):
                own = LOCALS[state[i]].package if is_good[state[i]] else served.copy().pop() if len(served) == 1 else ""
                own = "" if own == ADOPTED and LOCALS[state[i]].package is None else own
                if restore != ("" if own == NEW else own):
                    raise Violation("what a plan says is true (restore)", f"{self.names[i]} would go back to {restore or 'nothing'}:{self.describe(state)}")
        if batch.total != len(state) + len(self.limits.without):
            raise Violation("what a plan says is true (total)", f"{batch.total}")
        self.serving("serving_after", end.state, order.serving_after)
        for i, package in zip(order.nodes, order.after):
            if LOCALS[end.state[i]].package != package or not is_good[end.state[i]]:
                raise Violation("what a plan says is true (after)", f"{self.names[i]} does not serve {package}:{self.describe(end.state)}")
