# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import types
from unittest import mock

import pytest
from ansible import constants
from ansible.errors import AnsibleActionFail

from ansible_collections.halfswap.bluegreen.plugins.module_utils._library_run import UNUSED
from ansible_collections.halfswap.bluegreen.plugins.module_utils.heartbeat._heartbeat_api import HeartbeatError
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._action import Judgement, Keeping, Refused, Step
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.reach import _library
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.reach._ways import WayError


def run(kind, args=None, task_vars=None, act=None):
    """The result of an action of this kind, whose act() or judge() does that."""
    made = type("ActionModule", (kind,), {"judge" if issubclass(kind, Judgement) else "act": act, "SPEC": SPEC})
    action = made(
        task=mock.MagicMock(args=args or {}, check_mode=False, async_val=0, action="halfswap.bluegreen.tried", diff=False, delegate_to=None),
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


GROUPS = {"blue": ["blue1"], "green": ["green1"], "shop_blue": ["blue1"], "shop_green": ["green1"], "crm_blue": ["blue1"], "crm_green": ["green1"]}
TWO = {"shop": {"components": [{"name": "shop"}, {"name": "cart", "heartbeat": "{{ vault }}"}]}, "crm": {"components": [{"name": "crm"}]}}


@pytest.mark.parametrize(
    "variables, application, components",
    [
        ({"bluegreen_components": [{"name": "shop"}]}, "", ["shop"]),
        ({"bluegreen_components": [{"name": "shop"}], "bluegreen_application": "shop"}, "shop", ["shop"]),
        ({"bluegreen_applications": TWO, "bluegreen_application": "shop"}, "shop", ["shop", "cart"]),
        ({"bluegreen_applications": TWO, "bluegreen_application": "crm"}, "crm", ["crm"]),
        ({"bluegreen_applications": {"crm": TWO["crm"]}}, "crm", ["crm"]),
        ({"bluegreen_application": "shop", "bluegreen_components": "no list"}, "shop", []),
        ({"bluegreen_application": "shop", "bluegreen_components": [None, {}, {"name": "shop"}, {"name": 7}]}, "shop", ["shop", "7"]),
    ],
)
@pytest.mark.parametrize("kind", [Step, Keeping])
def test_the_node_is_told_whose_records_are_meant(monkeypatch, kind, variables, application, components):
    task_vars = {"inventory_hostname": "blue1", "groups": GROUPS, **variables}
    if kind is Step:
        _result, sent = run(Step, {"count": 5}, task_vars, act=lambda self, args: self.module("journal", args))
        asked = sent[0][1]["options"]
    else:
        monkeypatch.setattr(Keeping, "MODULE", "journal_info", raising=False)
        _result, sent = run(Keeping, {"count": 5}, task_vars, act=Keeping.act)
        assert sent[0][0] == "halfswap.bluegreen.journal_info"
        asked = sent[0][1]
    assert asked == {"count": 5, "application": application, "application_components": components}


@pytest.mark.parametrize("native, wrapped", [(False, True), (True, False)])
def test_a_module_that_runs_in_the_background_still_does(monkeypatch, native, wrapped):
    monkeypatch.setattr(Keeping, "MODULE", "lb_trial", raising=False)

    def act(self, args):
        seen = []
        self._task.async_val, self._connection.has_native_async = 30, native
        self._execute_module = lambda name, module_args=None, task_vars=None, wrap_async=False: seen.append(wrap_async) or {}
        Keeping.act(self, args)
        return {"seen": seen}

    assert run(Keeping, {}, act=act)[0]["seen"] == [wrapped] and Keeping._supports_async


def test_what_the_task_says_of_it_wins_and_a_step_of_a_step_knows_it():
    task_vars = {"inventory_hostname": "blue1", "groups": GROUPS, "bluegreen_components": [{"name": "shop"}]}
    given = {"application": "crm", "application_components": ["crm"]}
    _result, sent = run(Step, given, task_vars, act=lambda self, args: self.module("node_info", {"components": []}))
    assert sent[0][1]["options"] == {"components": [], **given}


def test_where_it_is_not_said_which_application_is_meant_nothing_is_sent():
    task_vars = {"inventory_hostname": "blue1", "groups": GROUPS, "bluegreen_applications": TWO}
    result, sent = run(Step, {}, task_vars, act=lambda self, args: self.module("journal", args))
    assert result["failed"] and sent == []
    assert result["msg"].startswith(
        "HS-SITE: Nothing was changed. bluegreen_application is not given, but bluegreen_applications describes shop, crm: choose one"
    )
    assert run(Step, {"application": "shop"}, task_vars, act=lambda self, args: self.module("journal", args))[1][0][1]["options"]["application"] == "shop"


class Node:
    """Gives these answers one after the other, and notes what it was asked and whether by the short program."""

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []

    def act(self, action, args):
        def execute(_name, module_args=None, task_vars=None):
            self.asked.append((action._sent_by is not None, module_args))
            return self.answers.pop(0)

        action._execute_module = execute
        action._display = types.SimpleNamespace(vvv=print)
        return action.module("node_info", args)


NONE = {"changed": False, UNUSED: "none is there"}


@pytest.fixture
def this_run(monkeypatch, tmp_path):
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(tmp_path))


def test_a_node_that_has_the_library_is_sent_no_module(this_run):
    node = Node({"changed": False, "components": []})
    result, _sent = run(Step, {"components": []}, act=lambda action, args: node.act(action, args))
    assert result == {"changed": False, "components": []}
    assert node.asked == [(True, {"step": "node_info", "options": {"components": []}})]


def test_a_node_that_has_none_is_sent_the_module_to_keep_it(this_run, capsys):
    node = Node({**NONE, UNUSED: "none\x1b[2J is there"}, {"changed": True})
    result, _sent = run(Step, act=lambda action, args: node.act(action, args))
    asked = {"step": "node_info", "options": {}}
    assert result == {"changed": True}
    assert node.asked == [(True, asked), (False, {**asked, "keep": f"{_library.DIRECTORY}/{_library.name()}"})]
    assert "blue1: none\\x1b[2J is there." in capsys.readouterr().out


def test_a_node_that_cannot_keep_it_is_asked_twice_a_run_and_no_other_is_left_unasked(this_run):
    node = Node(NONE, {"a": 1}, NONE, {"a": 2}, {"a": 3})
    said = [run(Step, act=lambda action, args: node.act(action, args))[0]["a"] for _time in range(3)]
    assert said == [1, 2, 3] and [short for short, _asked in node.asked] == [True, False, True, False, False]
    assert "keep" not in node.asked[-1][1]
    other = Node({"a": 4})
    run(Step, act=lambda action, args: other.act(action, args), task_vars={"inventory_hostname": "blue2"})
    assert [short for short, _asked in other.asked] == [True]


@pytest.mark.parametrize("answer", [{"failed": True, "msg": "MODULE FAILURE"}, {"unreachable": True}, {"changed": True}, {}])
def test_a_step_that_may_have_begun_is_not_sent_again(this_run, answer):
    node = Node(answer)
    result, _sent = run(Step, act=lambda action, args: node.act(action, args))
    assert len(node.asked) == 1 and {key: result[key] for key in answer} == answer


def test_a_connection_that_is_lost_is_lost(this_run):
    node = Node()
    with pytest.raises(IndexError):
        run(Step, act=lambda action, args: node.act(action, args))
    assert len(node.asked) == 1


@pytest.mark.parametrize("which", ["local", "async", "limit"])
def test_where_ansible_does_more_than_run_it_the_module_is_sent(this_run, which):
    node = Node({})

    def act(action, args):
        action._connection.transport = "local" if which == "local" else "ssh"
        action._task.async_val = 10 if which == "async" else 0
        return node.act(action, args)

    limited = {"ansible_python_module_rlimit_nofile": 1024} if which == "limit" else {}
    run(Step, act=act, task_vars={"inventory_hostname": "blue1", **limited})
    assert [short for short, _asked in node.asked] == [False]


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
