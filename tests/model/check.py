# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Executes the first batch of the plan of every application, with everything that can happen meanwhile, and judges each act of ours.

    PYTHONPATH=.cache/collections python -m ansible_collections.halfswap.bluegreen.tests.model.check

The planner has no memory, so one batch from every application is enough. Whatever becomes of it, by a crash, by a node that is lost, by
somebody else's flip or by a fault, is an application again of which some run starts (model.table fails if a node ever left LOCALS), and
a batch that is not the first is the first one of the plan from where the batch before it has ended; that, too, is compared. So all runs
are covered, however often they are disturbed, as long as it is once a batch. An anomaly takes back more than the last batch: of that
taking_back.py executes whole runs.

With --sample every rule is looked at as well, but only from one application of so many.

The last line is ``MODEL states=N transitions=N applications=N strategies=N seconds=N``. Exits 1 with the smallest counterexample of
each rule that was broken.
"""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._refusals import REFUSALS, Override
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._interlock import Limits
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._planner import Plan, Policy

from .layouts import check_layouts
from .model import Application, End, Setting, State
from .nodes import ADOPTED, INDEX, LOCALS, NEW, OLD, OTHER, UNREAD, Local, Violation, is_good, is_live, is_right, is_standby
from .run import check_run
from .taking_back import TakingBack

WORKERS = 2
MOST_NODES = 6

HOLDS = ({"name": "live", "follows": "live", "path": "/heartbeat/live", "addresses": ["10.0.0.5"], "fall": 1, "rise": 3, "probers": 0, "hold_s": 8.0},)


def setting(name: str, on_failure: str = "rollback", observe_s: float = 10.0, limits: dict[str, Any] | None = None, **policy: Any) -> Setting:
    return Setting(name, Policy(observe_s=observe_s, limits=Limits(**limits or {}), **policy), on_failure)


SETTINGS = [
    setting("halves"),
    setting("rolling, 1 at a time", strategy="rolling", batch_size=1),
    setting("rolling, 2 at a time", strategy="rolling", batch_size=2),
    setting("cutover", strategy="cutover"),
    setting("cutover, exclusive", strategy="cutover", exclusive=True, limits={"load_balancers": HOLDS}),
    setting("cutover, confirmed after 60 s", strategy="cutover", confirm_after_s=60.0),
    setting("all_live", strategy="all_live", observe_s=0.0),
]
# Broken glass: whoever passes all that has a name passes what may be passed, and rule 1 holds.
PASSED = {"override": Override("the model", tuple(row.code for row in REFUSALS))}
VARIANTS = [
    setting("halves, everything passed", limits=PASSED),
    setting("rolling, 2 at a time, max_unavailable 1, everything passed", strategy="rolling", batch_size=2, limits={"max_unavailable": 1, **PASSED}),
    setting("cutover, min_live 2, everything passed", strategy="cutover", limits={"min_live": 2, **PASSED}),
    setting("cutover, exclusive, min_live 2, everything passed", strategy="cutover", exclusive=True, limits={"min_live": 2, "load_balancers": HOLDS, **PASSED}),
    setting("halves, hold", on_failure="hold"),
    setting("halves, min_live 1", limits={"min_live": 1}),
    setting("halves, max_unavailable 1", limits={"max_unavailable": 1}),
    setting("halves, max_unavailable 2, without a dead node", limits={"max_unavailable": 2, "without": ("dead",)}),
    setting("rolling, 2 at a time, max_unavailable 1", strategy="rolling", batch_size=2, limits={"max_unavailable": 1}),
    setting("rolling, 2 at a time, min_live 2, without a dead node", strategy="rolling", batch_size=2, limits={"min_live": 2, "without": ("dead",)}),
    setting("rolling, 1 at a time, hold", strategy="rolling", on_failure="hold"),
    setting("cutover, min_live 2", strategy="cutover", limits={"min_live": 2}),
    setting("cutover, exclusive, min_live 2", strategy="cutover", exclusive=True, limits={"min_live": 2, "load_balancers": HOLDS}),
    setting("cutover, max_unavailable 2, hold", strategy="cutover", limits={"max_unavailable": 2}, on_failure="hold"),
    setting("cutover, exclusive, confirmed after 60 s", strategy="cutover", exclusive=True, confirm_after_s=60.0, limits={"load_balancers": HOLDS}),
]


def alike(local: Local) -> Local:
    """The local state that stands for all which nothing tells apart.

    The planner and the interlock look at the heartbeat and at the package, and whether a node is healthy and has doubts; of nodes that
    are out, or live and unhealthy, no more than that something is wrong. The swap looks at what mends them: a package that is not the
    wanted one is installed, and what does not run as it should is started anew; on the way back it is so only where it is stale. `Checker.alike`
    compares the plans. A third release is one more old one, but for what a node could go back to.
    """
    if local.beat == "unread":
        return local
    package = NEW if local.package == NEW else OLD
    stays = package == NEW and local.process in ("runs", "mute")
    if local.healthy and local.process == "runs":
        return Local(local.beat, package, "runs", True)
    if local.healthy and local.beat == "live":
        return Local("live", package, "mute" if stays else "stale", True)
    return Local(local.beat, package, "runs" if stays or (local.beat, package) == ("live", OLD) else "none")


def much_alike(local: Local) -> Local:
    """For the largest applications: where nodes also need not be told apart of which a swap makes the same.

    That leaves out which of two equal halves a cut-over begins with, for it prefers the one that has more of the new release installed.
    """
    local = alike(local)
    if local.beat == "live" and local.healthy and local.process != "runs":
        return Local("live", NEW, "stale", True)
    return alike(local._replace(package=OLD)) if local.package and local.process == "none" else local


def some(which: Callable[[Local], Local]) -> list[int]:
    return sorted({INDEX[which(local)] for local in LOCALS})


EVERY = some(lambda local: local)
# A third release, or what was adopted, that is not even served is like any package that is not the wanted one.
PLAIN = [i for i, local in enumerate(LOCALS) if local.package not in (OTHER, ADOPTED) or (local.process == "runs" and local.healthy)]
ALIKE, FEW = some(alike), some(much_alike)


@dataclass
class Part:
    """The applications of one split of the nodes over the stacks, under one setting."""

    blue: int
    green: int
    setting: Setting
    locals: Sequence[int]
    # One state of so many is looked at.
    sample: int = 1
    states: int = 0
    transitions: int = 0
    seconds: float = 0.0
    # The first counterexample of each rule.
    broken: dict[str, str] = field(default_factory=dict)


def parts(most: int) -> Iterator[Part]:
    for count in range(2, most + 1):
        for blue in range(1, count):
            # Above four nodes mirror images are left out: nothing tells the stacks apart but that the planner takes the first one where it
            # has no reason to prefer one.
            if count > 4 and blue > count - blue:
                continue
            for one in SETTINGS:
                yield Part(blue, count - blue, one, {2: EVERY, 3: PLAIN, 4: ALIKE}.get(count, FEW))
            for one in VARIANTS if count <= 4 else []:
                yield Part(blue, count - blue, one, ALIKE)


class Checker:
    def __init__(self, part: Part) -> None:
        self.part = part
        self.application = Application(part.blue, part.green, part.setting)
        # Where one undisturbed batch leads from each application.
        self.leads: dict[State, End | None] = {}
        self.taking_back = TakingBack(self.application)

    def check(self) -> Part:
        started = time.monotonic()
        part, application = self.part, self.application
        stacks = [list(itertools.combinations_with_replacement(part.locals, count)) for count in (part.blue, part.green)]
        for blue, green in itertools.islice(itertools.product(*stacks), None, None, part.sample):
            part.states += 1
            self.attempt((*blue, *green), self.state)
            if part.setting.policy.strategy == "rolling":
                # Here the order of the nodes decides who goes first.
                self.attempt((*reversed(blue), *reversed(green)), self.state)
        for state in {*self.leads, *map(self.same, self.taking_back.ends)}:
            self.attempt(state, self.converges)
        part.transitions = application.transitions
        part.seconds = time.monotonic() - started
        return part

    def attempt(self, state: State, judge: Callable[[State], None]) -> None:
        self.application.told = ""
        try:
            judge(state)
        except Violation as violation:
            told = f"\n  when {self.application.told}" if self.application.told else ""
            self.part.broken.setdefault(violation.rule, f"{violation}\n  strategy: {self.part.setting.name}\n  start:{self.application.describe(state)}{told}")

    def same(self, state: State) -> State:
        """Nodes of one stack that are alike are interchangeable."""
        return (*sorted(state[: self.part.blue]), *sorted(state[self.part.blue :]))

    def state(self, state: State) -> None:
        application = self.application
        found = application.plan(state)
        if len(self.part.locals) > len(ALIKE):
            self.alike(state, found)
        if not found.batches:
            if found.refusals:
                self.refused(state, found)
            else:
                self.done(state)
            self.leads[self.same(state)] = None
            return
        if found.refusals:
            raise Violation("a plan has batches or refusals", repr(found))
        for batch in found.batches:
            order = application.order(batch)
            acts = order.nodes or order.retire
            end = application.run(state, order)
            # A batch that only watches changes nothing, and the next one is the first that does.
            if acts:
                self.leads[self.same(state)] = End(self.same(end.state), end.stopped_at)
                application.claims(state, order, end)
            application.run_disturbed(state, order)
            if acts:
                break
        else:
            self.leads[self.same(state)] = None
        if acts and not end.stopped_at:
            self.stable(found, batch.number, end.state)
            self.taking_back.whole(state, found)

    def alike(self, state: State, found: Plan) -> None:
        """What stands for this state in larger applications has the same plan."""
        if any(LOCALS[local].package in (OTHER, ADOPTED) for local in state):
            return
        other = self.application.plan(tuple(INDEX[alike(LOCALS[local])] for local in state))
        first, second = [
            (bool(one.refusals), [(batch.nodes, batch.ready, batch.retire, batch.restore, batch.staying, batch.serving_after) for batch in one.batches])
            for one in (found, other)
        ]
        if first != second:
            raise Violation("states that are alike have the same plan", f"{first}, and for what is alike {second}")

    def stable(self, found: Plan, done: int, state: State) -> None:
        """Planned again after a batch, the rest of the plan is the same."""
        again = self.application.plan(state)
        rest, now = [
            [(batch.nodes, batch.retire, batch.after, batch.restore, batch.staying, batch.serving_after) for batch in batches if batch.nodes or batch.retire]
            for batches in (found.batches[done:], again.batches)
        ]
        if rest != now or again.refusals:
            raise Violation("planned again after a batch the rest is the same", f"{rest} was planned, and now it is {now or again.refusals}")

    def done(self, state: State) -> None:
        """There is really nothing left to do."""
        policy, blue = self.part.setting.policy, self.part.blue
        there = [is_good[local] and LOCALS[local].package == NEW for local in state]
        if policy.strategy == "all_live":
            right = not any(is_standby[local] and is_right[local] for local in state)
        elif policy.strategy == "cutover" and policy.confirm_after_s is None:
            whole = all(there[:blue]) or all(there[blue:])
            right = whole and all(local_there or not is_live[local] for local_there, local in zip(there, state))
        else:
            right = all(there)
        if not right:
            raise Violation("what is not done yet is planned", "there is nothing to do, says the plan")

    def refused(self, state: State, found: Plan) -> None:
        """The reasons are true."""
        application = self.application
        if UNREAD in state:
            unread = [f"{name}: it is unreachable" for name, local in zip(application.names, state) if local == UNREAD]
            if list(found.refusals) != unread:
                raise Violation("a plan that is refused has true reasons", f"{found.refusals}")
            return
        limits = application.limits
        for text in found.refusals:
            few = re.fullmatch(
                r"while batch (\d+) \((.*)\) is out, (\d+) of at least (\d+) nodes would serve(?: with a release that is known for certain)?", text
            )
            many = re.fullmatch(r"while batch (\d+) \((.*)\) is out, (\d+) nodes would not serve, and bluegreen_max_unavailable is (\d+)", text)
            doubt = r"HTTP \d+|its process was started before \S+ was installed|it reports release 0, but \S+ is installed"
            reason = few or many or re.fullmatch(rf"()(\w+): shop: ({doubt})()", text)
            if not reason:
                raise Violation("a plan that is refused has true reasons", text)
            number, out, counted, bound = reason.groups()
            if few:
                least = max(1, limits.min_live or len(state) - len(out.split(", ")))
                # Where all is passed, none is left.
                true = int(counted) < int(bound) == least and not (limits.override.refusals and int(counted))
            elif many:
                true = not limits.override.refusals and int(counted) > int(bound) == limits.max_unavailable > 0
            else:
                true = not is_right[state[application.numbers[out]]]
            if number == "1":
                others = [local for name, local in zip(application.names, state) if name not in out.split(", ")]
                # Those who leave when the batch is in leave to all the others.
                staying = {sum(is_good[local] for local in others), len(others)}
                true = true and (int(counted) if few else len(state) + len(limits.without) - int(counted)) in staying
            if not true:
                raise Violation("a plan that is refused has true reasons", text)
        policy = self.part.setting.policy
        if limits != Limits(load_balancers=limits.load_balancers) or policy.batch_size >= len(state):
            return
        weak = [stack for stack, local in zip(application.stacks, state) if not is_good[local]]
        # Halves can always begin where one node serves or stands by; a cut-over where one stack is whole, or out.
        hopeless = {
            "halves": not any(is_good[local] or is_standby[local] for local in state),
            "cutover": len(set(weak)) > 1 and len({stack for stack, local in zip(application.stacks, state) if is_live[local]}) > 1,
            "rolling": len(weak) > policy.batch_size or not any(is_good[local] or is_standby[local] for local in state),
        }
        if not hopeless[policy.strategy]:
            raise Violation("a plan is refused only for cause", f"{found.refusals}")

    def lead(self, state: State) -> End | None:
        """Where one undisturbed batch leads; what is not in the sample is found out when somebody gets there."""
        if state not in self.leads and self.part.sample > 1:
            acting = (order for order in map(self.application.order, self.application.plan(state).batches) if order.nodes or order.retire)
            end = next((self.application.run(state, order) for order in acting), None)
            self.leads[state] = end and End(self.same(end.state), end.stopped_at)
        return self.leads.get(state)

    def converges(self, state: State) -> None:
        """Batch after batch, run after run, there is soon nothing to do, or a reason that stays."""
        seen = [state]
        while (end := self.lead(seen[-1])) is not None:
            if end.stopped_at and end.state == seen[-1]:
                return
            seen.append(end.state)
            # Each node is swapped twice at most: back to what the others serve, and then to what is wanted.
            if len(seen) > 2 * len(state) + 1:
                raise Violation("it converges", f"{len(seen)} batches, and no end:" + "".join(f"\n   {self.application.describe(one)}" for one in seen))


def check(part: Part) -> Part:
    return Checker(part).check()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nodes", type=int, default=MOST_NODES, metavar="N", help="applications of up to N nodes")
    parser.add_argument("--strategy", default="", metavar="TEXT", help="only settings whose name contains this")
    parser.add_argument("--sample", type=int, default=1, metavar="N", help="look at one state of N")
    parser.add_argument("--whole", type=int, default=2, metavar="N", help="with --sample, look at all states of applications of up to N nodes")
    parser.add_argument("--verbose", action="store_true")
    arguments = parser.parse_args()
    started = time.monotonic()
    broken: dict[str, tuple[int, str]] = {}
    todo = [part for part in parts(arguments.nodes) if arguments.strategy in part.setting.name]
    for part in todo:
        part.sample = arguments.sample if part.blue + part.green > arguments.whole else 1
    done = []
    with multiprocessing.Pool(WORKERS) as pool:
        # The largest first, and the settings of one split in a row: much of what one has worked out another one asks again.
        for part in pool.imap_unordered(check, sorted(todo, key=lambda part: -part.blue - part.green), chunksize=len(SETTINGS)):
            done.append(part)
            if arguments.verbose:
                print(f"{part.blue}+{part.green} {part.setting.name}: {part.states} states, {part.transitions} transitions, {part.seconds:.1f} s", flush=True)
            for rule, text in part.broken.items():
                size = part.blue + part.green
                if rule not in broken or size < broken[rule][0]:
                    broken[rule] = size, text
    layouts, judged, misplaced = check_layouts(arguments.sample)
    broken.update({rule: (0, text) for rule, text in misplaced.items()})
    tried, astray = check_run()
    broken.update({rule: (0, text) for rule, text in astray.items()})
    for _size, text in broken.values():
        print(f"BROKEN {text}\n")
    print(f"LAYOUTS layouts={layouts} judgements={judged}")
    print(f"RUN judgements={tried}")
    print(
        f"MODEL states={sum(part.states for part in done)} transitions={sum(part.transitions for part in done)} "
        f"applications={len({(part.blue, part.green) for part in done})} strategies={len({part.setting.name for part in done})} "
        f"seconds={time.monotonic() - started:.0f}"
    )
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
