# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An anomaly after any batch of a run: everything that the run has brought in goes back, batch after batch, as the watch decides.

What is taken back is judged by the collection, and each batch goes back by the same tasks by which it came. The run itself is undisturbed until then: after
a disturbance it is, batch after batch, a run that starts anew. While batches go back everything is disturbed as check.py does it, once in a run.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._planner import Batch, Plan
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._watch import taken_back

from .model import Application, Order, State
from .nodes import LOCALS, Violation, is_good
from .shipped import load, of_tasks
from .swapping import FOLDER, READER, VARIABLES

# What the watch registers is what observe.yml goes by, and nothing of it changes a node; its waiting is tried in unit/plugins/test_watch_plays.py.
(JUDGE,) = of_tasks(f"{FOLDER}/watch.yml", READER.entries(f"{FOLDER}/watch.yml", load(f"{FOLDER}/watch.yml")[1:]), "watch")
JUDGES = {
    "batch": "{{ swap_batch }}",
    "batches": "{{ swap_batches }}",
    "on_failure": "{{ swap_site.on_failure }}",
    "observed": "__swap_observed",
    "traffic": "['__swap_traffic_job', '__swap_traffic']",
    "traffic_attempts": str(VARIABLES["__swap_traffic_end_s"]),
    "former": JUDGE.register,
}
WATCHES = ("halfswap.bluegreen.observe", "ansible.builtin.async_status")
PREPARES = ("ansible.builtin.set_fact", "halfswap.bluegreen.observe_traffic", "ansible.builtin.include_tasks")


WHEN = {
    "watch": ["not __swap_seen.found", "inventory_hostname in swap_batch.serving_after", ["__swap_traffic_job.ansible_job_id is defined"]],
    "observe": [None, ["swap_observe | length > 0", "inventory_hostname == ansible_play_hosts_all[0]"], None],
}


def _modules(said: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    return tuple(key for each in said for key in each if "." in key or key in ("block", "rescue", "always"))


def _shape() -> None:
    if JUDGE.args != JUDGES or JUDGE.register != "__swap_seen" or not JUDGE.run_once or JUDGE.when or JUDGE.ignores:
        raise JUDGE.strange("it does not judge once for all, by all batches of the run, what observe.yml goes by")
    watch, observe = load(f"{FOLDER}/watch.yml"), load(f"{FOLDER}/observe.yml")
    if _modules(watch[:1]) != ("block",) or _modules(watch[0]["block"]) != WATCHES:
        raise JUDGE.strange(f"before it stands something else than {', '.join(WATCHES)}")
    if _modules(observe[:-3]) != PREPARES:
        raise JUDGE.strange(f"what calls it is not {', '.join(PREPARES)}")
    said = {"watch": [each.get("when") for each in (watch[0], *watch[0]["block"])], "observe": [each.get("when") for each in observe[:-3]]}
    if said != WHEN:
        raise JUDGE.strange(f"what is watched when is not {WHEN}, but {said}")


_shape()


class TakingBack:
    """All runs of one setting. What was tried from the same application is not tried again."""

    def __init__(self, application: Application) -> None:
        self.application = application
        self.tried: set[tuple[Any, ...]] = set()
        # Where it ends, where a kill between two batches ends it, and where a refusal does.
        self.ends: set[State] = set()

    def whole(self, state: State, found: Plan) -> None:
        """The run, with an anomaly after each of its batches but the first, for which Application.observe stands."""
        application = self.application
        orders = [application.order(batch) for batch in found.batches]
        said = [_said(order) for order in orders]
        for at, order in enumerate(orders):
            end = application.run(state, order)
            if end.stopped_at:
                raise Violation("what is planned is done where nobody disturbs it", f"batch {at + 1} stops at {end.stopped_at}")
            state = end.state
            if at and order.batch.observe_s:
                undos = [undo["order"] for undo in taken_back(said[at], said, application.setting.on_failure)]
                if application.setting.on_failure == "rollback":
                    self.everything(found.batches[: at + 1], [undo.batch for undo in undos])
                application.told = f"an anomaly shows after batch {at + 1}"
                self.after(state, undos)
                application.told = ""

    def everything(self, batches: Sequence[Batch], undone: Sequence[Batch]) -> None:
        """But where this batch itself has nothing to go back to: then its release cannot be left, and no other batch leaves it either."""
        known = [{name: packages for name, packages in batch.restore.items() if packages and name not in batch.one_way} for batch in reversed(batches)]
        if not known[0]:
            known = []
        if [dict(undo.after) for undo in undone] != [packages for packages in known if packages]:
            raise Violation(
                "each batch that the run brought in goes back, the last one first",
                f"after batch {len(batches)} it is {[undo.nodes for undo in undone]}, and known is how {known} go back",
            )

    def after(self, state: State, undos: Sequence[Order]) -> None:
        key = state, *((undo.nodes, undo.after) for undo in undos)
        if key in self.tried:
            return
        self.tried.add(key)
        application, told = self.application, self.application.told
        reached = state
        for at, undo in enumerate(undos):
            for disturbed in application.disturbances(reached, undo):
                application.told = f"{told}, and {application.told} before batch {undo.batch.number} is taken back"
                self.rest(disturbed, undos[at:], undos[:at])
            application.told = f"{told}, and a node of batch {undo.batch.number} is disturbed while it is taken back"
            end, unnoticed = application.swap(reached, undo, disturbed=True)
            for ended in unnoticed:
                # Where somebody has left, the interlock refuses the next batch; Application.may_swap sees to it.
                self.rest(ended.state, [] if ended.gone or ended.stopped_at else undos[at + 1 :], undos[: at + 1], bool(ended.stopped_at))
            application.told = told
            self.ends.add(end.state)
            if end.stopped_at:
                self.refused(reached, undo, end.stopped_at, end.state)
                return
            reached = end.state
        self.back(reached, undos, 0)
        self.alone(state, reached, undos)

    def rest(self, state: State, undos: Sequence[Order], before: Sequence[Order], stopped: bool = False) -> None:
        """After the one disturbance that there is."""
        reached = state
        for undo in undos:
            end = self.application.run(reached, undo)
            stopped = bool(end.stopped_at)
            reached = end.state
            if stopped:
                break
        if any(is_good[local] for local in state) and not any(is_good[local] for local in reached):
            raise Violation("while batches are taken back somebody serves", self.application.describe(reached))
        if not stopped:
            self.back(reached, [*before, *undos], 1)

    def refused(self, state: State, undo: Order, at: str, left: State) -> None:
        """Where nothing is disturbed, only the interlock says no, and then for cause, and everything stays as it is."""
        if at != "judge" or left != state or self.application.may_leave(state, undo.batch.nodes):
            raise Violation("what was brought in can be taken back", f"batch {undo.batch.number} stopped at {at}, from{self.application.describe(state)}")

    def back(self, state: State, undos: Sequence[Order], but: int) -> None:
        """What is said to have gone back has, but for the node that was disturbed."""
        gone_back = {i: package for undo in undos for i, package in zip(undo.nodes, undo.after)}
        missing = [i for i, package in gone_back.items() if not (is_good[state[i]] and LOCALS[state[i]].package == package)]
        if len(missing) > but:
            names = ", ".join(self.application.names[i] for i in missing)
            raise Violation("what is said to be taken back serves what it served", f"{names} should:{self.application.describe(state)}")

    def alone(self, state: State, reached: State, undos: Sequence[Order]) -> None:
        taken = {i for undo in undos for i in undo.nodes}
        if any(reached[i] != local for i, local in enumerate(state) if i not in taken):
            raise Violation(
                "no node outside what is taken back is touched", f"{self.application.describe(state)}\n  after:{self.application.describe(reached)}"
            )


def _said(order: Order) -> dict[str, Any]:
    """A batch as the watch has it, as far as it asks."""
    undo = {"retire": order.undo.batch.retire, "order": order.undo} if order.undo else None
    return {"number": order.batch.number, "undo": undo}
