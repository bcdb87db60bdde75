# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The swap of one batch and the way back of its nodes, as roles/swap/tasks/{batch,steps,restore}.yml have it, on either kind of ansible-core.

What each task does is told here, in acts; which tasks there are, in which order, on whom and with what is read from the files. What the modules out and
release do one after the other is read from them as well.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._evidence import Node
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._interlock import untested
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._permit import refuse
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._tested import results
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._way_back import way_back

from .nodes import (
    ADOPTED,
    ALL_NODES,
    DISTURBANCES,
    FLIPPED,
    INSTALLED,
    LIVE,
    LOCALS,
    STANDBY,
    STARTED,
    STOPPED,
    UNREAD,
    Proof,
    Served,
    Violation,
    is_live,
    is_right,
    is_standby,
    nevra,
    permitted,
)
from .shipped import Block, Reader, Task, a_block, calls, each_task, load, of_tasks, understood

# How ansible-core goes on when a task has failed on one node: from 2.17 on all come to the rescue; up to 2.16 the others do the next tasks of the block.
CORES = ("2.17", "2.16")

FOLDER = "roles/swap/tasks"
VARIABLES = load("roles/swap/vars/main.yml")
# observe.yml puts other batches in its place.
PUT_IN = {key: value for key, value in VARIABLES.items() if key != "__swap_batch"}
MAIN = a_block(FOLDER, Reader(PUT_IN).tasks(f"{FOLDER}/main.yml")[0])
READER = Reader(PUT_IN, MAIN.defaults)
BATCH, STEPS, RESTORE, SANITY, FURTHER = (READER.tasks(f"{FOLDER}/{name}.yml") for name in ("batch", "steps", "restore", "sanity", "further"))

# What can be written, and what it means.

NODE = {"{{ swap_components | halfswap.bluegreen.components('node') }}": "node"}
SWITCHED = {"{{ swap_components | halfswap.bluegreen.components('switch') }}": "switch"}
HEARTBEAT = {"{{ swap_components | halfswap.bluegreen.components('heartbeat') }}": "heartbeat"}
RELEASED = {
    "{{ swap_components | halfswap.bluegreen.components('release', __swap_batch.after[inventory_hostname]) }}": "after",
    "{{ swap_components | halfswap.bluegreen.components('release', __swap_way_back.packages) }}": "__swap_way_back",
}
# What further.yml does for one component: the tests, and then the note that they have passed.
TESTS_FURTHER, NOTES_FURTHER = of_tasks(f"{FOLDER}/further.yml", FURTHER, "ansible.builtin.include_role", "ansible.builtin.set_fact")
if TESTS_FURTHER.args != {"name": "halfswap.bluegreen.sanity", "tasks_from": "further"} or TESTS_FURTHER.when or NOTES_FURTHER.when:
    raise TESTS_FURTHER.strange("it does not test further, or not always")

ID = "{{ swap_site.run_id }}/{{ swap_batch.number }}"
BATCH_ID = {ID: "batch", f"{ID}/switch": "switch"}
DRAIN = {
    "{{ swap_site.drain | combine({'components': swap_components | halfswap.bluegreen.components('drain', swap_site.drain.method)}) }}": "drain",
}
NOW_AND_THEN = ("__swap_batch.before[inventory_hostname]", "__swap_batch.after[inventory_hostname]")
NOTED = "__swap_further_shown"
SHOWN = {"{{ ['__swap_sanity'] + (['__swap_further_shown'] if __swap_further else []) }}": "shown"}
WORDS: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "begin": {"components": NODE, "batch_id": BATCH_ID},
    "interlock": {"site": {"{{ swap_site }}": "site"}, "batch": {"{{ __swap_batch.nodes }}": "nodes"}, "batch_id": BATCH_ID},
    "out": {"components": HEARTBEAT, "batch_id": BATCH_ID, "drain": DRAIN},
    "release": {
        "components": RELEASED,
        "batch_id": BATCH_ID,
        "drain": DRAIN,
        "restart": {f"{{{{ inventory_hostname not in __swap_batch.ready and {' == '.join(NOW_AND_THEN)} }}}}": "restart"},
    },
    "sanity": {
        "tests": {"{{ swap_components | halfswap.bluegreen.components('test', __swap_batch.after[__swap_batch.nodes[0]]) }}": "tests"},
        "batch_id": BATCH_ID,
        "nodes": {"{{ __swap_batch.nodes }}": "nodes"},
    },
    "heartbeat": {
        "components": SWITCHED,
        # The interlock passes what this run passes, here as there.
        "override": {"{{ swap_site.override }}": "override"},
        "batch_id": BATCH_ID,
        "state": {
            "live": "live",
            "standby": "standby",
            "{{ 'live' if inventory_hostname in __swap_batch.nodes else 'standby' }}": "exclusive",
        },
        "batch": {"{{ ansible_play_hosts_all | difference(__swap_batch.serving_after) }}": "not after"},
        "proof": {
            "{{ __swap_batch.after[inventory_hostname] }}": "after",
            "{{ __swap_batch.after[inventory_hostname] | default({}) }}": "after",
            "{{ __swap_way_back.packages }}": "__swap_way_back",
            "{{ __swap_left.components | items2dict(key_name='name', value_name='nevra') }}": "__swap_left",
        },
        "sanity": SHOWN,
        "sanity_host": {"{{ __swap_batch.nodes[0] }}": "first"},
        "successors": {"{{ __swap_batch.after }}": "after"},
        "deployment": {"{{ __swap_batch.deployment }}": "deployment"},
    },
    "way_back": {"batch": {"{{ __swap_batch }}": "batch"}, "on_failure": {"{{ swap_site.on_failure }}": "on_failure"}},
    "stopped": {"batch": {"{{ __swap_batch }}": "batch"}, "back": {"['__swap_back', '__swap_returned']": "back"}},
    "ansible.builtin.include_tasks": {},
    "ansible.builtin.fail": {},
}
SWITCH = "token run_id reason load_balancers settle_timeout_s"
ARGUMENTS = {
    "begin": ("components token run_id reason ttl_s batch_id", ""),
    "interlock": ("site batch batch_id evidence", ""),
    "out": (f"components {SWITCH} drain batch_id permit", ""),
    "release": ("components token run_id store health_timeout_s drain batch_id", "restart"),
    "sanity": ("tests batch_id url nodes timeout_s", ""),
    "heartbeat": (
        f"components {SWITCH} min_live max_unavailable capacity without override state batch_id proof",
        "batch evidence permit proof_evidence successors lead_s sanity sanity_host deployment",
    ),
    "way_back": ("batch on_failure evidence", ""),
    "stopped": ("batch run_id task way_back back services", ""),
    "ansible.builtin.include_tasks": ("_", ""),
    "ansible.builtin.fail": ("msg", ""),
}
# As heartbeat has it where nothing is said.
EVIDENCE = "bluegreen_evidence"

# What else a task must have for the model to be true of it.
KEYS = {"sanity": {"delegate_to": "{{ swap_site.sanity_from }}", "become": False}}


@functools.cache
def meaning(task: Task) -> dict[str, str]:
    if task.module not in ARGUMENTS:
        raise task.strange(f"module {task.module} is not known")
    needed, optional = ARGUMENTS[task.module]
    if task.module == "heartbeat" and task.args.get("state") == "standby":
        needed = needed.removesuffix(" proof")
    wanted = KEYS.get(task.module, {})
    found = {key: value for key, value in task.keys.items() if key not in ("loop_control", "ignore_errors", "ignore_unreachable", "run_once")}
    if found != wanted:
        raise task.strange(f"it has {found or 'nothing'}, and should have {wanted or 'nothing'} besides")
    meant = understood(task, WORDS[task.module], needed.split(), optional.split())
    if ("deployment" in meant) != (meant.get("proof") == "after"):
        raise task.strange("what is deployed has a deployment, and what goes back has none: the node would forget what it has served, or never go back")
    return meant


class Said(NamedTuple):
    """What a node said of itself: for which batch, and at which revision of its heartbeat."""

    local: int
    revision: int
    batch_id: str


class Undefined(Exception):
    """A variable that nothing has registered yet."""


# Whoever is none of the nodes of the batch.
OUTSIDE = -1

When = Callable[["Swapping", int], bool]
WHEN: dict[str, When] = {
    "inventory_hostname in __swap_batch.nodes": lambda run, i: i != OUTSIDE,
    "inventory_hostname not in __swap_batch.ready": lambda run, i: i == OUTSIDE or not run.case.ready[i],
    "inventory_hostname == __swap_batch.nodes[0]": lambda run, i: i == 0,
    "not __swap_batch.exclusive": lambda run, i: not run.case.exclusive,
    "__swap_further | length > 0": lambda run, i: True,
    "__swap_way_back.packages | length > 0": lambda run, i: bool(run.said("__swap_way_back", i)),
    "__swap_back is succeeded and __swap_back is not skipped": lambda run, i: run.said("__swap_back", i) is not None,
}

# What a task does on a node, act by act. Between these somebody may disturb it, but for those that look and act at once.
ACTS = {
    "begin": ("read",),
    "interlock": ("judge",),
    "out": calls("plugins/module_utils/steps/out.py", ("switched", "drained")),
    "release": calls("plugins/module_utils/steps/release.py", ("ask_for_proof", "stop", "install", "start", "await_health", "read")),
    "sanity": ("test",),
    "heartbeat": ("serve",),
    "way_back": ("judge_way_back",),
    "stopped": ("tell",),
}
AT_ONCE = ("stop", "judge", "judge_way_back", "tell")
# These are asked on the controller, whatever became of the node.
HERE = ("judge", "judge_way_back", "tell")
LOOKS_AGAIN = bool(calls("plugins/module_utils/steps/heartbeat.py", ("untrue",)))
PASSED = {"nodes": [{"name": "me"}]}
# What nobody does to a node: another test than that through the load balancer fails.
FURTHER_FAILS = "fails in a further test"


class Act(NamedTuple):
    name: str
    task: Task
    args: Mapping[str, str]
    when: tuple[When, ...]
    # Where its failure leads: to the rescue of the nodes of this block, or to the end of the run.
    rescued: bool
    first: bool
    last: bool


def _when(entry: Task | Block) -> tuple[When, ...]:
    for text in entry.when:
        if text not in WHEN:
            raise entry.strange(f"when: {text} is not known")
    return tuple(WHEN[text] for text in entry.when)


def _acts(entries: Sequence[Task | Block], rescued: bool = False, when: tuple[When, ...] = ()) -> Iterator[Act]:
    for entry in entries:
        conditions = (*when, *_when(entry))
        if isinstance(entry, Block):
            yield from _in_block(entry, rescued, conditions)
            continue
        args = meaning(entry)
        if args.get("_") == "steps.yml":
            yield from _acts(STEPS, rescued, conditions)
            continue
        names = ("test_further",) if args.get("_") == "sanity.yml" else ACTS.get(entry.module)
        if not names:
            raise entry.strange(f"{args.get('_', entry.module)} is not known here")
        if entry.run_once:
            raise entry.strange("what is judged once needs a block of its own without a rescue, or it does not stop every node")
        for name in names:
            yield Act(name, entry, args, conditions, rescued, name == names[0], name == names[-1])


def _in_block(block: Block, rescued: bool, when: tuple[When, ...]) -> Iterator[Act]:
    if block.always:
        raise block.strange("an always is not known here")
    if not block.rescue:
        (task,) = block.tasks if len(block.tasks) == 1 else (None,)
        if not isinstance(task, Task) or task.module != "interlock" or not task.run_once or task.when or rescued:
            raise block.strange("a block without a rescue holds the one task that judges for all, run once")
        yield Act("judge", task, meaning(task), when, False, True, True)
        return
    (way,) = block.rescue if len(block.rescue) == 1 else (None,)
    if not isinstance(way, Task) or meaning(way).get("_") != "restore.yml" or way.when or rescued:
        raise block.strange("its rescue is not restore.yml alone")
    yield from _acts(block.tasks, True, when)


FORWARD, BACK = tuple(_acts(BATCH)), tuple(_acts(RESTORE))


class Case(NamedTuple):
    """All that the swap of a batch depends on; the tuples have an entry for each node of it, the first one first."""

    evidence: tuple[int, ...]
    ready: tuple[bool, ...]
    restart: tuple[bool, ...]
    after: tuple[str, ...]
    restore: tuple[str, ...]
    # What the interlock says of the batch, and what it knows to be served.
    may_leave: bool
    served: Served
    exclusive: bool
    rollback: bool

    def __str__(self) -> str:
        rows = zip(self.evidence, self.ready, self.after, self.restore)
        return "a batch of" + "".join(
            f"\n    {LOCALS[local]}{', ready' if ready else ''} -> {after}, or back to {restore or 'nothing'}" for local, ready, after, restore in rows
        )


class Swapped(NamedTuple):
    """How it can end: the nodes, at what it has stopped, and the nodes that are no more in the play then."""

    nodes: tuple[int, ...]
    stopped_at: str = ""
    gone: tuple[int, ...] = ()


class Swapping:
    """The acts on the nodes of the batch, one after the other. Each returns whether the node has passed it."""

    case: Case

    def __init__(self, case: Case, core: str = CORES[0]) -> None:
        self.case, self.core = case, core
        self.nodes = list(case.evidence)
        count = len(self.nodes)
        self.members = frozenset(range(count))
        self.revisions = [0] * count
        # On the node: for which batch, and at which revision. And at which nobody was seen to use it.
        self.proofs: list[tuple[str, int] | None] = [None] * count
        self.unused = [-1] * count
        self.tested: tuple[int, ...] = ()
        self.further_failed = False
        self.registered: dict[str, tuple[Any, ...]] = {}
        self.acts, self.backwards = FORWARD, False
        # Those that do the tasks, those that wait for the rescue, and those that have left the play.
        self.playing, self.waiting, self.gone = self.members, frozenset[int](), frozenset[int]()
        self.working, self.failed = self.members, frozenset[int]()
        self.anew: dict[int, bool] = {}
        self.hopes: frozenset[int] = frozenset()
        self.stopped_at = ""
        self.steps = 0

    def copy(self) -> Swapping:
        other = object.__new__(Swapping)
        other.__dict__.update(self.__dict__)
        for name in ("nodes", "revisions", "proofs", "unused"):
            setattr(other, name, list(getattr(self, name)))
        other.registered, other.anew = dict(self.registered), dict(self.anew)
        return other

    def disturb(self, member: int, kind: str) -> None:
        if kind == FURTHER_FAILS:
            self.further_failed = True
            return
        self.nodes[member] = DISTURBANCES[kind][self.nodes[member]]
        if DISTURBANCES[kind] is FLIPPED:
            self.revisions[member] += 1
        self.hopes -= {member}

    def finish(self) -> Swapped:
        while self.acts:
            self.step()
        return Swapped(tuple(self.nodes), self.stopped_at, tuple(sorted(self.gone)))

    # How a task goes.

    def said(self, variable: str, i: int) -> Any:
        if variable not in self.registered:
            raise Undefined(variable)
        return self.registered[variable][i]

    def step(self) -> None:
        act, self.acts = self.acts[0], self.acts[1:]
        if act.first:
            self._begin(act)
        self.steps += len(self.working)
        passes = getattr(self, act.name)
        for i in sorted(self.working - self.failed):
            if (self.nodes[i] == UNREAD and act.name not in HERE) or not passes(i, act):
                self.failed |= {i}
        if act.last:
            self._end(act)

    def _begin(self, act: Act) -> None:
        self.failed, working = frozenset(), set()
        for i in (*sorted(self.playing), OUTSIDE):
            try:
                if all(holds(self, i) for holds in act.when):
                    working.add(i)
            except Undefined:
                self.failed |= {i} - {OUTSIDE}
        if OUTSIDE in working and act.task.module not in ("begin", "interlock") and not self.backwards:
            raise Violation("no node outside the batch is touched", act.task.name)
        self.working = frozenset(working | self.failed) - {OUTSIDE}
        if act.task.register and not act.task.run_once:
            self.registered[act.task.register] = (None,) * len(self.nodes)
        if act.task.module == "release":
            self.anew = {i: self._has_to_stop(i, act) for i in self.working - self.failed}

    def _end(self, act: Act) -> None:
        if self.failed and not act.task.ignores:
            self.stopped_at = self.stopped_at or act.name
            self._fail(act, frozenset(i for i in self.failed if self.nodes[i] == UNREAD and act.name not in HERE))
        if self.acts and self.playing:
            return
        if not self.backwards and self.waiting:
            self._turn_back()
        elif self.backwards and self.playing and not self.acts:
            raise Violation("a batch that has failed ends the run", f"it stopped at {self.stopped_at}, and its rescue passed, in {self.case}")
        else:
            self.acts = ()
            if self.backwards:
                self._hopes_come_true()

    def _fail(self, act: Act, lost: frozenset[int]) -> None:
        if act.task.run_once:
            self.gone |= self.playing
            self.playing = frozenset()
        elif self.core == "2.16" and lost:
            # The play is over, for everybody.
            self.playing, self.waiting, self.gone = frozenset(), frozenset(), self.members
        elif self.core == "2.16" or (self.backwards and self.failed == self.playing):
            self.playing -= self.failed
            self.waiting |= self.failed if act.rescued else frozenset()
            self.gone |= self.failed
        else:
            self.waiting = self.playing - lost if act.rescued else frozenset()
            self.playing, self.gone = frozenset(), self.members

    def _turn_back(self) -> None:
        self.acts, self.backwards, self.playing, self.waiting = BACK, True, self.waiting, frozenset()
        self.hopes = frozenset(i for i in self.playing if self._could_come_back(i))

    def _could_come_back(self, i: int) -> bool:
        local, restore = LOCALS[self.nodes[i]], self.case.restore[i]
        if not self.case.rollback or not is_standby[self.nodes[i]] or restore not in self.case.served:
            return False
        if local.package == restore and local.process != "stale":
            return is_right[self.nodes[i]] or local.process == "none"
        return local.process == "none" or (self.proofs[i] is not None and self.unused[i] == self.revisions[i])

    def _hopes_come_true(self) -> None:
        for i in self.hopes:
            if not (is_live[self.nodes[i]] and is_right[self.nodes[i]] and LOCALS[self.nodes[i]].package == self.case.restore[i]):
                raise Violation("each node comes back that can", f"node {i} is {LOCALS[self.nodes[i]]} after it stopped at {self.stopped_at}, in {self.case}")

    # What the tasks do.

    def read(self, i: int, act: Act) -> bool:
        if not self.backwards and act.task.module == "begin" and not act.task.ignores:
            raise Violation("who does not answer stays in the play, for the interlock to judge", act.task.name)
        self._register(act, i, Said(self.nodes[i], self.revisions[i], act.args["batch_id"]))
        return True

    def _register(self, act: Act, i: int, value: Any) -> None:
        if act.task.register:
            former = self.registered[act.task.register]
            self.registered[act.task.register] = (*former[:i], value, *former[i + 1 :])

    def judge(self, i: int, act: Act) -> bool:
        evidence = self.registered.get(act.args["evidence"], (None,) * len(self.nodes))
        if not all(isinstance(said, Said) and said.batch_id == act.args["batch_id"] for said in evidence) or not self.case.may_leave:
            return False
        found = {"batch_id": act.args["batch_id"], "at": float("inf"), "nodes": {str(member): said.revision for member, said in enumerate(evidence)}}
        self.registered[act.task.register] = (found,) * len(self.nodes)
        return True

    def _permit(self, i: int, act: Act) -> Mapping[str, Any] | None:
        found: Mapping[str, Any] | None = self.registered.get(act.args["permit"], (None,) * len(self.nodes))[i]
        return None if refuse(found, act.args["batch_id"], str(i)) else found

    def switched(self, i: int, act: Act) -> bool:
        if self.case.ready[i]:
            raise Violation("a node that is ready is not taken out again", f"node {i} in {self.case}")
        found = self._permit(i, act)
        if not found or found["nodes"][str(i)] != self.revisions[i]:
            return False
        self.nodes[i] = STANDBY[self.nodes[i]]
        self.revisions[i] += 1
        self.registered["out"] = tuple(self.revisions)
        return True

    def drained(self, i: int, act: Act) -> bool:
        # What does not run has nothing in flight. On a live node requests keep arriving, and it fails.
        if is_live[self.nodes[i]] and LOCALS[self.nodes[i]].process != "none":
            return False
        self.unused[i] = self.revisions[i]
        self.proofs[i] = act.args["batch_id"], self.said("out", i)
        return True

    def _package(self, i: int, of: str) -> str:
        found: str = self.case.after[i] if of == "after" else (self.registered.get(of) or ("",) * len(self.nodes))[i]
        return found

    def _has_to_stop(self, i: int, act: Act) -> bool:
        package, local = self._package(i, act.args["components"]), LOCALS[self.nodes[i]]
        if not package:
            raise Violation("a node is released only to what is known", f"node {i} in {self.case}")
        restart = "restart" in act.args and self.case.restart[i]
        if restart and self.case.ready[i]:
            raise Violation("a node that is ready is left alone", f"node {i} in {self.case}")
        return local.package != package or local.process == "stale" or restart

    def ask_for_proof(self, i: int, act: Act) -> bool:
        if not self.anew[i] or LOCALS[self.nodes[i]].process == "none":
            return True
        return is_standby[self.nodes[i]] and self.proofs[i] == (act.args["batch_id"], self.revisions[i])

    def stop(self, i: int, act: Act) -> bool:
        if self.anew[i] and LOCALS[self.nodes[i]].process != "none":
            if is_live[self.nodes[i]] or self.unused[i] != self.revisions[i]:
                raise Violation("nothing is stopped before proof that nobody uses it", f"node {i} is {LOCALS[self.nodes[i]]}, in {self.case}")
            self.nodes[i] = STOPPED[self.nodes[i]]
        return True

    def install(self, i: int, act: Act) -> bool:
        package = self._package(i, act.args["components"])
        if LOCALS[self.nodes[i]].package != package:
            self.nodes[i] = INSTALLED[package][self.nodes[i]]
        return True

    def start(self, i: int, act: Act) -> bool:
        self.nodes[i] = STARTED[self.nodes[i]]
        return True

    def await_health(self, i: int, act: Act) -> bool:
        return LOCALS[self.nodes[i]].healthy

    def test(self, i: int, act: Act) -> bool:
        """Through the standby load balancer, which sends nothing to a node that is live or not healthy."""
        if len(self.working) > 1:
            raise Violation("the sanity test of a batch is run once", act.task.name)
        passed = all(is_standby[local] and LOCALS[local].healthy for local in self.nodes)
        self.tested = tuple(self.nodes) if passed else ()
        self._register(act, i, PASSED if passed else {"failed": True})
        return passed

    def test_further(self, i: int, act: Act) -> bool:
        """sanity.yml, for two components, of which the second one fails if one does: what is noted when, and what was noted for another batch."""
        facts: dict[str, list[Any]] = {NOTED: [PASSED]}
        for task in each_task(SANITY):
            if task.args.get("_") == "further.yml":
                if task.keys.get("loop") != "{{ __swap_further }}":
                    raise task.strange("it is not done for each component")
                _set(facts, NOTES_FURTHER)
                if self.further_failed:
                    break
                _set(facts, NOTES_FURTHER)
            else:
                _set(facts, task)
        self.registered[NOTED] = (facts[NOTED],) * len(self.nodes)
        return not self.further_failed

    def _sanity(self, i: int, act: Act) -> bool:
        host = 0 if "sanity_host" in act.args else i
        names = ("__swap_sanity", NOTED) if "sanity" in act.args else ()
        return not untested(ALL_NODES[self.nodes[i]], results(self.registered.get(name, (None,) * len(self.nodes))[host] for name in names))

    def serve(self, i: int, act: Act) -> bool:
        if act.args["state"] != "live":
            raise act.task.strange("here nodes come in, and nothing else")
        said = self.registered.get(act.args.get("proof_evidence") or act.args.get("evidence") or EVIDENCE, (None,) * len(self.nodes))[i]
        package, sanity = self._package(i, act.args["proof"]), self._sanity(i, act)
        if "permit" not in act.args:
            raise act.task.strange("it does not ask for the permit")
        if not self._permit(i, act) or not isinstance(said, Said) or said.batch_id != act.args["batch_id"] or said.revision != self.revisions[i]:
            return False
        if Proof(said.local, package, sanity) not in permitted(self.case.served):
            return False
        if LOOKS_AGAIN and not self._runs(i, package):
            return False
        tested = bool(self.tested) and LOCALS[self.tested[i]].package == package and not self.further_failed
        if not self._runs(i, package) or not (tested or package in self.case.served):
            raise Violation("no node goes live unproven", f"it is {LOCALS[self.nodes[i]]}, in {self.case}")
        self.nodes[i] = LIVE[self.nodes[i]]
        self.revisions[i] += 1
        self.proofs[i] = None
        return True

    def _runs(self, i: int, package: str) -> bool:
        return is_right[self.nodes[i]] and LOCALS[self.nodes[i]].package == package

    def judge_way_back(self, i: int, act: Act) -> bool:
        said = self.registered.get(act.args["evidence"], (None,) * len(self.nodes))[i]
        node = ALL_NODES[said.local] if isinstance(said, Said) else Node("me", "blue", unread="it was not read")
        restore = {"shop": nevra(self.case.restore[i])} if self.case.restore[i] else {}
        packages = way_back(node, restore, "rollback" if self.case.rollback else "hold").packages
        self._register(act, i, (packages["shop"] or ADOPTED) if packages else "")
        return True

    def tell(self, i: int, act: Act) -> bool:
        return False


def _set(facts: dict[str, list[Any]], task: Task) -> None:
    """Lists of tests that have passed: none, another one, or one more."""
    for name, text in task.args.items():
        more = re.fullmatch(r"{{ (\w+)( \+ \[sanity_result .*\])? }}", text)
        if task.module != "ansible.builtin.set_fact" or task.when or (text != "[]" and (not more or more[1] not in facts)):
            raise task.strange(f"{name}: {text} is not known")
        facts[name] = [*facts[more[1]], *([PASSED] if more[2] else [])] if more else []


class Endings(NamedTuple):
    undisturbed: Swapped
    # Those that the run has not noticed, so that it goes on; and those in which it goes on without some of the nodes.
    unnoticed: tuple[Swapped, ...]
    # How many nodes have passed an act: after each of them the run may have been killed.
    steps: int
    disturbances: int


@functools.cache
def endings(case: Case) -> Endings:
    """The swap undisturbed, and with each disturbance of each node of it before each act."""
    run = Swapping(case)
    moments = []
    while run.acts:
        moments.append(run.copy())
        run.step()
    disturbed = [] if run.stopped_at == "" else [Swapping(case, "2.16").finish()]
    for moment in moments:
        act = moment.acts[0]
        if act.name in AT_ONCE:
            continue
        if act.name == "test_further":
            disturbed += _disturbed(moment, 0, FURTHER_FAILS)
        # Of nodes that are alike, one stands for all; the first one runs the sanity test.
        alike = {(i == 0, moment.nodes[i], *each): i for i, each in enumerate(zip(case.evidence, case.ready, case.restart, case.after, case.restore))}
        for member in alike.values():
            for kind, becomes in DISTURBANCES.items():
                if becomes[moment.nodes[member]] != moment.nodes[member]:
                    disturbed += _disturbed(moment, member, kind)
    goes_on = dict.fromkeys(swapped for swapped in disturbed if not swapped.stopped_at or len(swapped.gone) < len(case.evidence))
    return Endings(run.finish(), tuple(goes_on), run.steps, len(disturbed))


def _disturbed(moment: Swapping, member: int, kind: str) -> Iterator[Swapped]:
    """As long as nothing fails, both kinds of ansible-core do the same."""
    for core in CORES:
        other = moment.copy()
        other.core = core
        other.disturb(member, kind)
        try:
            ended = other.finish()
        except Violation as violation:
            text = str(violation).removeprefix(violation.rule + ": ")
            raise Violation(violation.rule, f"{text}\n  when node {member} {kind} before {moment.acts[0].name}, on ansible-core {core}") from None
        yield ended
        if not ended.stopped_at or moment.backwards:
            return
