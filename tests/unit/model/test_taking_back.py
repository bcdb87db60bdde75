# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import copy

import pytest

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._planner import Policy
from ansible_collections.halfswap.bluegreen.tests.model import taking_back
from ansible_collections.halfswap.bluegreen.tests.model.model import Application, Setting
from ansible_collections.halfswap.bluegreen.tests.model.nodes import INDEX, OLD, Local, Violation
from ansible_collections.halfswap.bluegreen.tests.model.shipped import NotUnderstood, load
from ansible_collections.halfswap.bluegreen.tests.model.taking_back import TakingBack, taken_back

SERVES = INDEX[Local("live", OLD, "runs", True)]


def taken_back_by(monkeypatch, judge):
    """Two nodes that serve the old release, one after the other, with an anomaly after the second one."""
    monkeypatch.setattr(taking_back, "taken_back", judge)
    application = Application(1, 1, Setting("rolling", Policy("rolling", observe_s=10.0)))
    found = TakingBack(application)
    found.whole((SERVES, SERVES), application.plan((SERVES, SERVES)))
    return found


def test_it_ends_where_it_began_or_between_two_batches(monkeypatch):
    ends = taken_back_by(monkeypatch, taken_back).ends
    assert (SERVES, SERVES) in ends
    assert len(ends) == 2


@pytest.mark.parametrize("judge", [lambda *args: taken_back(*args)[::-1], lambda *args: taken_back(*args)[:1], lambda *args: []])
def test_another_order_or_not_all_of_them(monkeypatch, judge):
    with pytest.raises(Violation, match="each batch that the run brought in goes back, the last one first"):
        taken_back_by(monkeypatch, judge)


def another_task(watch, observe):
    observe.insert(1, {"name": "Wait", "ansible.builtin.pause": {"seconds": 1}})


def another_condition(watch, observe):
    watch[0]["when"] = "not __swap_seen.found and swap_batch.number > 1"


def another_step(watch, observe):
    watch[0]["block"].append({"name": "Wait", "ansible.builtin.pause": {"seconds": 1}})


@pytest.mark.parametrize("change", [another_task, another_condition, another_step])
def test_what_is_not_known_of_the_watch(monkeypatch, change):
    said = {f"roles/swap/tasks/{name}.yml": copy.deepcopy(load(f"roles/swap/tasks/{name}.yml")) for name in ("watch", "observe")}
    change(*said.values())
    monkeypatch.setattr(taking_back, "load", said.__getitem__)
    with pytest.raises(NotUnderstood, match='watch.yml, task "Judge what has shown"'):
        taking_back._shape()
