# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.halfswap.bluegreen.tests.model import shipped
from ansible_collections.halfswap.bluegreen.tests.model.shipped import NotUnderstood, Reader, a_block, all_said, calls, of_tasks, understood

OUT = {"name": "Out", "halfswap.bluegreen.out": {"batch_id": "{{ __id }}", "permit": "__permit"}, "when": ["one", "two"], "register": "__out"}


def read(**said):
    (entry,) = Reader({"__id": "run/1"}, {"halfswap.bluegreen.out": {"drain": "d", "permit": "of the default"}}).entries("batch.yml", [{**OUT, **said}])
    return entry


def test_a_task_with_what_variables_and_defaults_put_in():
    task = read(ignore_errors=True, ignore_unreachable=True)
    assert (task.name, task.module, task.when, task.register, task.ignores) == ("Out", "out", ("one", "two"), "__out", True)
    assert task.args == {"batch_id": "run/1", "permit": "__permit", "drain": "d"}


def test_it_ignores_a_failure_only_with_both():
    assert not read(ignore_errors=True).ignores
    assert not read(ignore_unreachable=True).ignores


@pytest.mark.parametrize("key", ["retries", "failed_when", "async", "no_log"])
def test_a_key_that_is_not_known(key):
    with pytest.raises(NotUnderstood, match=f'batch.yml, task "Out": {key} is not known'):
        read(**{key: 1})


def test_a_task_without_a_module():
    with pytest.raises(NotUnderstood, match='batch.yml, task "Nothing": a task without a module'):
        Reader().entries("batch.yml", [{"name": "Nothing"}])


def test_a_block_with_a_key_that_is_not_known():
    with pytest.raises(NotUnderstood, match='batch.yml, block "Both": ignore_errors of a block is not known'):
        Reader().entries("batch.yml", [{"name": "Both", "block": [OUT], "ignore_errors": True}])


def test_what_the_arguments_mean():
    words = {"batch_id": {"run/1": "batch"}}
    assert understood(read(), words, ["batch_id", "permit"], ["drain"]) == {"batch_id": "batch", "permit": "__permit", "drain": "d"}


@pytest.mark.parametrize(
    ("words", "needed", "optional", "why"),
    [
        ({}, ["batch_id", "permit", "drain", "token"], [], "out without token"),
        ({}, ["batch_id", "permit"], [], "drain of out is not known"),
        ({"batch_id": {"run/2": "batch"}}, ["batch_id", "permit", "drain"], [], "batch_id: run/1 is not known"),
    ],
)
def test_what_of_the_arguments_is_not_understood(words, needed, optional, why):
    with pytest.raises(NotUnderstood, match=f'batch.yml, task "Out": {why}'):
        understood(read(), words, needed, optional)


def test_a_condition_that_no_task_has_any_more():
    all_said("roles", ["one", "two"], ["one"])
    with pytest.raises(NotUnderstood, match="roles: nothing there is said to be so when: three"):
        all_said("roles", ["one", "two"], ["one", "three"])


def test_the_shape_of_a_file():
    assert [task.module for task in of_tasks("batch.yml", (read(),), "out")] == ["out"]
    with pytest.raises(NotUnderstood, match="batch.yml: Out: these are not release"):
        of_tasks("batch.yml", (read(),), "release")
    with pytest.raises(NotUnderstood, match="batch.yml: Out: it is not a block"):
        a_block("batch.yml", read())


def test_what_a_module_does_in_its_order(tmp_path, monkeypatch):
    monkeypatch.setattr(shipped, "ROOT", tmp_path)
    (tmp_path / "release.py").write_text("def run(module):\n    release.stop()\n    if ask(release.read()):\n        install()\n\ndef other():\n    start()\n")
    assert calls("release.py", ("install", "read", "start", "stop")) == ("stop", "read", "install")
