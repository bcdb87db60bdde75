# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How action plugins are tested: the real run(), the module's answer scripted."""

from __future__ import annotations

import importlib
import types
from unittest import mock

import pytest


class HostVars(dict):
    """As Ansible's, of which raw_get gives what was registered without templating it."""

    raw_get = dict.__getitem__


class WatchedHostVars(HostVars):
    """The same, and `read` has the name of the host at each time that somebody took its variables; with `explode` nobody may."""

    def __init__(self, hosts, explode=False):
        super().__init__(hosts)
        self.read = []
        self._explode = explode

    def _took(self, name):
        assert not self._explode, f"the variables of {name} were read"
        self.read.append(name)

    def __getitem__(self, name):
        self._took(name)
        return super().__getitem__(name)

    raw_get = __getitem__

    def get(self, name, default=None):
        self._took(name)
        return super().get(name, default)

    def _all(self):
        for name in self:
            self._took(name)

    def values(self):
        self._all()
        return super().values()

    def items(self):
        self._all()
        return super().items()


@pytest.fixture
def watched():
    """watched(hostvars) are these variables, which note whose of them are read."""
    return WatchedHostVars


@pytest.fixture
def described():
    """The variables of a node of application shop, whose component is cart."""
    groups = {"blue": ["blue1"], "green": ["green1"]}
    return {"inventory_hostname": "blue1", "groups": groups, "bluegreen_application": "shop", "bluegreen_components": [{"name": "cart"}]}


@pytest.fixture
def run_action(monkeypatch):
    """run_action(name, args, task_vars, answers=...) gives the result; .sent of it lists the modules executed with their arguments."""

    def run(name, args, task_vars, answer=None, check_mode=False, strategy="linear", transport=None, become=False, environment=()):
        module = importlib.import_module(f"ansible_collections.halfswap.bluegreen.plugins.action.{name}")
        sent = []
        task = mock.MagicMock(args=args, check_mode=check_mode, async_val=0, action=f"halfswap.bluegreen.{name}", diff=False, environment=list(environment))
        task.get_play.return_value.strategy = strategy
        shown = []
        action = module.ActionModule(
            task=task,
            connection=mock.MagicMock(**({"transport": transport} if transport else {})),
            play_context=mock.MagicMock(check_mode=check_mode, remote_addr="127.0.0.1", become=become),
            loader=mock.MagicMock(),
            templar=mock.MagicMock(),
            shared_loader_obj=mock.MagicMock(),
        )
        # Ansible's plugin loader sets it.
        action._load_name = f"halfswap.bluegreen.{name}"
        action._display = types.SimpleNamespace(display=shown.append)

        def execute(module_name, module_args=None, task_vars=None):
            if module_name == "halfswap.bluegreen.step":
                module_name, module_args = f"halfswap.bluegreen.{module_args['step']}", module_args["options"]
            sent.append((module_name, module_args))
            if callable(answer):
                return answer(module_args)
            # A list has an answer for each time that a module is executed.
            said = answer[len(sent) - 1] if isinstance(answer, list) else answer
            return dict(said or {"changed": True})

        monkeypatch.setattr(action, "_execute_module", execute)
        hostvars = task_vars.get("hostvars", {})
        result = action.run(task_vars={**task_vars, "hostvars": hostvars if isinstance(hostvars, HostVars) else HostVars(hostvars)})
        return types.SimpleNamespace(result=result, sent=sent, shown=shown)

    return run
