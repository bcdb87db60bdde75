# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils import _library, _secrets, steps
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node import _lock
from ansible_collections.halfswap.bluegreen.plugins.modules import step


@pytest.fixture(autouse=True)
def nothing_handed(monkeypatch):
    monkeypatch.setattr(_secrets.Module, "handed", None)


def test_there_is_one_for_each_file():
    files = {os.path.splitext(name)[0] for name in os.listdir(os.path.dirname(steps.__file__)) if name.endswith(".py")}
    assert set(step.STEPS) == files - {"__init__"}


@pytest.mark.parametrize("name", step.STEPS)
def test_each_is_carried_out_by_its_own_file(name):
    assert step.named(name).__module__ == "ansible_collections.halfswap.bluegreen.plugins.module_utils.steps.%s" % name


def test_it_is_done_with_its_own_options(run_module, records):
    held = run_module(step, dict(step="deploy_lock", options=dict(run_id="r1", owner="ops@laptop", reason="release 2.0.0", node="blue1", host="ops1")))
    assert not held.failed, held
    assert (held["changed"], _lock.holder()["run_id"]) == (True, "r1")


def test_check_mode_is_that_of_the_task(run_module, records):
    held = run_module(step, dict(step="deploy_lock", options=dict(run_id="r1", owner="ops@laptop", host="laptop", node="blue1")), check_mode=True)
    assert held["changed"] and _lock.holder() is None


@pytest.mark.parametrize(
    "options, text",
    [(dict(run_id="r1", owner="ops", sate="held"), "sate"), (dict(), "run_id"), (dict(run_id="r1", owner="ops", state="open"), "state")],
    ids=str,
)
def test_its_own_module_refuses_wrong_options(run_module, records, options, text):
    result = run_module(step, dict(step="deploy_lock", options=options))
    assert result.failed and text in result["msg"] and _lock.holder() is None


def test_what_is_secret_in_them_is_not_shown(run_module, records):
    result = run_module(step, dict(step="node_info", options=dict(components=[], token="s3cret-word", batch="x")))
    assert result.failed and "s3cret-word" not in result.output
    assert not any("s3cret-word" in str(line) for line in run_module.logged)


def test_one_that_nobody_knows(run_module):
    result = run_module(step, dict(step="drain", options={}))
    assert result.failed and "value of step must be one of" in result["msg"]


@pytest.fixture
def kept(monkeypatch):
    """What was to be kept, as (where, what)."""
    found = []
    monkeypatch.setattr(_library, "keep", lambda library, sent: found.append((library, sent)))
    return found


HELD = dict(step="deploy_lock", options=dict(run_id="r1", owner="ops@laptop", host="laptop", node="blue1"))


def test_what_ansible_has_sent_is_kept_where_the_controller_says(run_module, records, kept, monkeypatch):
    monkeypatch.setattr(step, "_modlib_path", "/tmp/sent.zip", raising=False)
    assert run_module(step, dict(HELD, keep="/run/here/d1ge5t"))["changed"]
    assert kept == [("/run/here/d1ge5t", "/tmp/sent.zip")]


@pytest.mark.parametrize("why", ["not asked for", "check mode", "no zip"])
def test_nothing_is_kept(run_module, records, kept, monkeypatch, why):
    if why != "no zip":
        monkeypatch.setattr(step, "_modlib_path", "/tmp/sent.zip", raising=False)
    asked = HELD if why == "not asked for" else dict(HELD, keep="/run/here/d1ge5t")
    assert run_module(step, asked, check_mode=why == "check mode")["changed"] and kept == []
