# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils.traffic import _lb_answers


def ask(*balancers):
    return _lb_answers.carry_out(dict(load_balancers=list(balancers), timeout_s=5.0))


def test_each_with_a_url_is_asked_once(heartbeat_server):
    heartbeat_server.next_answers = [(503, "")]
    assert ask(dict(name="live", url=heartbeat_server.url), dict(name="outside"), dict(url="")) == dict(changed=False, answers={"live": 503})
    assert len(heartbeat_server.asked) == 1
    assert ask() == dict(changed=False, answers={})


def test_those_that_do_not_answer_are_named(heartbeat_server):
    with pytest.raises(_lb_answers.Failure) as told:
        ask(dict(name="a", url="http://127.0.0.1:1"), dict(name="b", url=heartbeat_server.url), dict(url="lb"))
    text = str(told.value)
    assert text.startswith("load balancer a does not answer at http://127.0.0.1:1 (") and "load balancer without a name does not answer at lb (" in text
    assert "load balancer b" not in text and told.value.result == {}
