# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import types
from unittest import mock

import pytest
from ansible.errors import AnsibleActionFail

from ansible_collections.halfswap.bluegreen.plugins.module_utils._heartbeat_api import HeartbeatError
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._action import Judgement, Refused, Step
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._ways import WayError


def run(kind, args=None, task_vars=None, act=None):
    """The result of an action of this kind, whose act() or judge() does that."""
    made = type("ActionModule", (kind,), {"judge" if issubclass(kind, Judgement) else "act": act, "SPEC": SPEC})
    action = made(
        task=mock.MagicMock(args=args or {}, check_mode=False, async_val=0, action="halfswap.bluegreen.tried", diff=False),
        connection=mock.MagicMock(),
        play_context=mock.MagicMock(check_mode=False),
        loader=mock.MagicMock(),
        templar=mock.MagicMock(),
        shared_loader_obj=mock.MagicMock(),
    )
    action._display = types.SimpleNamespace(display=print)
    sent = []
    action._execute_module = lambda name, module_args=None, task_vars=None: sent.append((name, module_args, task_vars)) or {"changed": True}
    return action.run(task_vars=task_vars or {"inventory_hostname": "blue1"}), sent


SPEC = {"observed": {"type": "str", "required": True}, "without": {"type": "list", "elements": "str", "default": []}, "count": {"type": "int", "default": 0}}


def raising(exc):
    def act(self, args):
        raise exc

    return act


def test_the_result_is_what_it_returns():
    result, sent = run(Step, {"state": "live"}, act=lambda self, args: self.module("heartbeat", {**args, "by": self.name}))
    assert result == {"changed": True}
    # What carries out any step is one module, which is built once.
    options = {"state": "live", "by": "blue1"}
    assert sent == [("halfswap.bluegreen.step", {"step": "heartbeat", "options": options}, {"inventory_hostname": "blue1"})]


def test_a_refusal_is_a_failed_result_with_what_it_found():
    result, _sent = run(Step, act=raising(Refused("No.", refused=["a"], changed=True)))
    assert result == {"failed": True, "changed": False, "msg": "No.", "refused": ["a"]}


@pytest.mark.parametrize("exc", [HeartbeatError("no heartbeat answers"), WayError("no way")])
def test_a_heartbeat_out_of_reach_is_a_failed_result(exc):
    result, _sent = run(Step, act=raising(exc))
    assert (result["failed"], result["msg"]) == (True, str(exc))


def test_the_arguments_of_the_task_are_not_changed():
    args = {"a": 1}
    run(Step, args, act=lambda self, mine: {"gone": mine.pop("a")})
    assert args == {"a": 1}


def test_what_the_task_does_not_say_is_taken_from_the_site():
    site = {"without": ["blue2"], "count": 3, "observed": "not of the site", "unknown": 1}
    result, _sent = run(Judgement, {"observed": "seen", "count": 4, "site": site}, act=lambda self, args: args)
    assert result == {"changed": False, "observed": "seen", "count": 4, "without": ["blue2"]}


def test_what_the_site_leaves_open_has_its_default():
    for site in (None, {}, {"without": None}):
        assert run(Judgement, {"observed": "seen", "site": site}, act=lambda self, args: args)[0]["without"] == []


@pytest.mark.parametrize("args, text", [({}, "observed"), ({"observed": "seen", "wihtout": []}, "wihtout"), ({"observed": "seen", "count": "some"}, "count")])
def test_a_wrong_option_is_named(args, text):
    with pytest.raises(AnsibleActionFail) as error:
        run(Judgement, args, act=lambda self, args: args)
    assert text in str(error.value) and "halfswap.bluegreen.tried" in str(error.value)


def test_a_judgement_asks_no_node():
    """The first host, on which it runs once for all, may be the one that is lost."""
    assert Judgement._requires_connection is False and Step._requires_connection is True
    assert Judgement._supports_check_mode and Step._supports_check_mode
