# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole run, as playbooks/deploy.yml has it: what happens when a step fails, on one node or judged for all, or when a node is lost there.

The swap of a batch is one step here; what becomes of its nodes is told by swapping.py. How ansible-core goes on after a failure was measured.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .nodes import Violation
from .shipped import Block, NotUnderstood, Reader, Task, load, understood

PLAYBOOK = "playbooks/deploy.yml"
# What the play has to say, so that a failure on one node is one of all, and all do the same task at the same time.
PLAY = {"gather_facts": False, "become": True, "strategy": "ansible.builtin.linear", "any_errors_fatal": True}

SITE = {"site": {"{{ __bluegreen_site }}": "site"}}
OBSERVED = {"observed": {"__bluegreen_observed": "observed"}}
LEASE = {"run_id": {"{{ __bluegreen_site.run_id }}": "run"}, "state": {"released": "released"}, "decided": {"__bluegreen_decided": "decided"}}
STRATEGY = {"{{ __bluegreen_wanted.strategy }}": "strategy"}
# Nobody has left.
COMPLETE = {"{{ ansible_play_hosts | length == ansible_play_hosts_all | length }}": "complete"}
RESULT = {"{{ 'complete' if ansible_play_hosts | length == ansible_play_hosts_all | length else 'failed' }}": "complete"}
WORDS: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "site": {},
    "target": {**SITE, **OBSERVED, "kind": {"{{ __bluegreen_site.target }}": "kind"}},
    "rpm_stage": {},
    "lb_answers": {},
    "plan": {**SITE, **OBSERVED, "strategy": STRATEGY, "deployment": {"{{ __bluegreen_wanted.deployment }}": "deployment"}},
    "journal": {**LEASE, "override": {"__bluegreen_plan": "plan"}},
    "swap preflight": {},
    "swap": {},
    "deploy_lock": LEASE,
    "begin": {**LEASE, "batch_id": LEASE["run_id"]},
    "end": {**LEASE, "result": RESULT, "plan": {"{{ __bluegreen_plan | default(omit) }}": "plan"}},
    "close": {**SITE, **OBSERVED, "complete": COMPLETE},
}
ARGUMENTS = {
    "site": ("playbook target", ""),
    "target": ("site kind observed release", ""),
    "rpm_stage": ("packages store way_back keep", ""),
    "lb_answers": ("load_balancers", ""),
    "plan": ("site observed packages strategy deployment", ""),
    "journal": ("run_id override", ""),
    "swap preflight": ("name tasks_from", ""),
    "swap": ("name", "rolespec_validate"),
    "deploy_lock": ("run_id", "reason take_over state result"),
    "begin": ("run_id reason take_over decided components token batch_id drain clear_cut_off", ""),
    "end": ("run_id result components plan", ""),
    "close": ("site observed complete packages strategy next", ""),
}
WHEN = {
    "__bluegreen_wanted.strategy != 'all_live'",
    "__bluegreen_plan.override | length > 0",
    "__bluegreen_plan.batches | length > 0 and __bluegreen_traffic | length > 0",
}
# The files that are included, and when.
INCLUDED = {
    "tasks/before.yml": ("__bluegreen_plan.override | length > 0 or (__bluegreen_plan.batches | length > 0 and __bluegreen_traffic | length > 0)",),
    "tasks/end.yml": (),
    "tasks/lock.yml": (),
}
LOOPS = {"swap": "{{ [] if ansible_check_mode else __bluegreen_plan.batches }}"}
# What says for all whether the run goes on, of which readings it asks, and what changes nodes.
JUDGES = ("site", "target", "lb_answers", "plan", "close")
CHANGES = ("rpm_stage", "swap")
# The interlock of each batch asks who has left the run; see swapping.
ASKS_WHO_LEFT = ("swap",)
NAMED = re.compile(r"__bluegreen_\w+")
# Named without a default.
BARE = re.compile(r"(__bluegreen_\w+)\b(?!'\s*:)(?!\s*\|\s*default)(?! is (?:not )?(?:defined|skipped))")


@dataclass(frozen=True)
class Step:
    kind: str
    task: Task
    args: Mapping[str, str]
    # The blocks around it, the outermost first, and whether it stands in the always of the last one.
    around: tuple[Block, ...]
    ends: bool

    def names(self) -> set[str]:
        return set(NAMED.findall(f"{dict(self.task.args)} {self.task.when} {dict(self.task.keys)}"))

    def bare(self) -> set[str]:
        own = {*(self.task.keys.get("vars") or {}), (self.task.keys.get("loop_control") or {}).get("loop_var")}
        return {name for name in BARE.findall(f"{' '.join(self.task.args.values())} {self.task.when} {self.task.keys.get('loop')}") if name not in own}


def kind_of(task: Task) -> str:
    module = task.module.removeprefix("ansible.builtin.")
    if module == "include_role" and task.args.get("name") == "halfswap.bluegreen.swap":
        return "swap preflight" if task.args.get("tasks_from") == "preflight" else "swap"
    return module


def steps_of(entries: Sequence[Task | Block], variables: Mapping[str, Any], around: tuple[Block, ...] = (), ends: bool = False) -> Iterator[Step]:
    for entry in entries:
        file = entry.args["_"] if isinstance(entry, Task) and kind_of(entry) == "include_tasks" else ""
        unknown = set(entry.when) - (set(INCLUDED.get(file, ())) if file else WHEN)
        if unknown:
            raise entry.strange(f"when: {', '.join(sorted(unknown))} is not known")
        if isinstance(entry, Block):
            if entry.when or (entry.rescue and not ends):
                raise entry.strange("a block with a condition, or with a rescue before the end, is not known here")
            yield from steps_of((*entry.tasks, *entry.rescue), variables, (*around, entry), ends)
            yield from steps_of(entry.always, variables, (*around, entry), True)
            continue
        kind = kind_of(entry)
        if file:
            if INCLUDED.get(file) != entry.when:
                raise entry.strange("when it is included is not known")
            yield from steps_of(Reader().tasks(f"playbooks/{file}"), variables, around, ends)
            continue
        if kind not in ARGUMENTS:
            raise entry.strange(f"{kind} is not known here")
        if entry.keys.get("loop") != LOOPS.get(kind):
            raise entry.strange("its loop is not known")
        needed, optional = ARGUMENTS[kind]
        if kind == "deploy_lock":
            needed += " state result" if "state" in entry.args else " reason take_over"
        yield Step(kind, entry, understood(entry, WORDS[kind], needed.split(), optional.split()), around, ends)


# What the play says itself.
GIVEN = set(load(PLAYBOOK)[0]["vars"])


def read_steps() -> list[Step]:
    plays = load(PLAYBOOK)
    play = plays[0]
    wrong = [key for key, value in PLAY.items() if play.get(key) is not value and play.get(key) != value]
    if wrong:
        raise NotUnderstood(f"{PLAYBOOK}: the play does not have {', '.join(f'{key}: {PLAY[key]}' for key in wrong)}")
    steps = list(steps_of(Reader().entries(PLAYBOOK, play["tasks"]), play["vars"]))
    lost = [kind for kind in ARGUMENTS if kind not in [step.kind for step in steps]]
    said = {text for step in steps for text in step.task.when}
    if lost or WHEN - said:
        raise NotUnderstood(f"{PLAYBOOK}: nothing there is {', '.join(lost)} {'; '.join(sorted(WHEN - said))}".rstrip())
    return steps


def check_run() -> tuple[int, dict[str, str]]:
    """How many failures of steps were tried, and the first counterexample of each rule."""
    steps = read_steps()
    broken: dict[str, str] = {}
    tried = 0
    rules = (known_before, alone, locked, judged, ends_everywhere, completes)
    for at, step in enumerate(steps):
        for rule in rules:
            tried += 1
            try:
                rule(steps, at, step)
            except Violation as violation:
                broken.setdefault(violation.rule, f'{violation}\n  {step.task.file}, task "{step.task.name}"')
    return tried, broken


def known_before(steps: Sequence[Step], at: int, step: Step) -> None:
    """However the run ended, what it did not come to is not asked for in the end, or has a default."""
    registered = {each.task.register for each in steps if each.task.register}
    before = {each.task.register for each in steps[:at]}
    unknown = (step.names() & registered - before) | {name for name in step.bare() if name not in before and name not in GIVEN}
    if unknown:
        raise Violation("what a step names was registered before", ", ".join(sorted(unknown)))
    if step.kind == "close" and [each.kind for each in steps[:at] if each.task.register == step.task.args["observed"]][-1] != "end":
        raise Violation("the last word is about the end", f"{step.task.args['observed']} is what was read before it")


def alone(steps: Sequence[Step], at: int, step: Step) -> None:
    """What is judged once in a block that has an always itself brings, from 2.17 on, the first node alone there: no other gives its lock back."""
    judges = step.kind in JUDGES or (step.kind == "deploy_lock" and not step.ends)
    if judges and not step.task.run_once:
        raise Violation("what is judged for all is judged once", step.kind)
    if step.task.run_once and not judges and step.kind != "swap preflight":
        raise Violation("what a node does, each node does", step.kind)
    if judges and step.around and not step.ends:
        inner = step.around[-1]
        if inner.rescue or inner.always or any(not isinstance(task, Task) or not task.run_once for task in inner.tasks):
            raise Violation("what refuses the run brings every node to its end", f'it stands in the block "{inner.name}"')


def locked(steps: Sequence[Step], at: int, step: Step) -> None:
    held = [each.kind for each in steps[:at] if each.kind in ("deploy_lock", "begin") and each.args.get("state") != "released"]
    if step.kind in CHANGES and held != ["deploy_lock", "begin"]:
        raise Violation("nothing is changed without the lock of every node", step.kind)
    if step.kind == "begin" and held != ["deploy_lock"]:
        raise Violation("the first node decides between two runs", f"{held} before it")
    if step.kind == "deploy_lock" and not step.ends and not step.task.register:
        raise Violation("the first node decides between two runs", "it does not tell")


def judged(steps: Sequence[Step], at: int, step: Step) -> None:
    """On 2.16 the others go on when one node has failed: before anything is swapped, somebody has to ask for its result, or who has left."""
    if step.ends or step.kind in (*JUDGES, "swap preflight", "swap"):
        return
    for other in steps[at + 1 :]:
        if step.task.register in other.names() and (other.kind in JUDGES or other.args.get("decided")):
            return
        if step.kind == "journal" and other.kind in ASKS_WHO_LEFT:
            return
        if other.kind in CHANGES:
            break
    raise Violation("on 2.16 a failure of one node stops the others, too", f"nobody asks for {step.task.register or 'it'} before {steps[-1].kind}")


def ends_everywhere(steps: Sequence[Step], at: int, step: Step) -> None:
    """Whatever fails once the lock is had, the run comes to the end, which gives it back; on a node that was lost it is tried."""
    if step.kind == "site":
        return
    if step.ends:
        inner = step.around[-1]
        if step.kind == "end" and (inner.fatal or step.task.keys.get("ignore_unreachable") is not True):
            raise Violation("no node keeps another from giving its lock back", step.kind)
        if step.kind == "end" and [getattr(task, "module", "") for task in inner.rescue] != ["deploy_lock"]:
            raise Violation("each lock is given back", "there is no other way where the end fails")
        if step.kind == "deploy_lock" and (step.args.get("state") != "released" or not step.task.ignores):
            raise Violation("each lock is given back", "it is not given back, or a node keeps another one from that")
        return
    ends = [each for each in steps if each.ends and each.around[:1] == step.around[:1]]
    if [each.kind for each in ends[:1]] != ["end"]:
        raise Violation("however the run ends, each lock is given back", f"after {step.kind} comes {[each.kind for each in ends] or 'nothing'}")
    if step.kind == "begin" and step.task.keys.get("ignore_unreachable") is not True:
        raise Violation("who does not answer stays in the play, and is refused by whoever judges", step.kind)


def completes(steps: Sequence[Step], at: int, step: Step) -> None:
    """Who fails has left the play, unless that is ignored: then somebody else has to see it, as whoever plans does."""
    if step.task.ignores and not step.ends and step.kind in ("swap", *JUDGES):
        raise Violation("a run is complete when everything was swapped", f"nobody sees that {step.kind} has failed")
