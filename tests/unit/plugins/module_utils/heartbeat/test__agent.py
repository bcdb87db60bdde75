# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the agents of a node are given; tests/unit/plugins/modules/test_agent.py runs them."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json
import os

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils.heartbeat import _agent

SHOP = {
    "name": "shop",
    "probe": "127.0.0.1:8790",
    "control": "127.0.0.1:8791",
    "health": {"url": "http://127.0.0.1/h", "interval_s": None, "timeout_s": 2.0, "fall": None},
    "status": {"url": None, "release_key": None, "requests_key": None},
}


class Module:
    check_mode = False

    def __init__(self, **params):
        self.params = dict({"application": "", "token": " new ", "former_token": "", "probers": [], "version": "0.1.0"}, **params)


@pytest.fixture(autouse=True)
def directory(tmp_path, monkeypatch):
    monkeypatch.setattr(_agent, "CONFIG", str(tmp_path))
    monkeypatch.setattr(_agent, "GROUP", "no-such-group")
    return tmp_path


def agent(**params):
    return _agent.Agent(Module(**params), SHOP, None)


def test_what_was_not_given_is_not_in_the_configuration():
    values = json.loads(agent()._config.decode("ascii"))
    assert values["health"] == {"url": "http://127.0.0.1/h", "timeout_s": 2.0}
    assert values["status"] is None
    assert values["record_file"] == "/var/lib/halfswap-bluegreen/release.json"


def test_one_that_belongs_to_an_application():
    values = json.loads(agent(application="web")._config.decode("ascii"))
    assert values["component"] == "shop"
    assert values["state_file"] == "/var/lib/halfswap-heartbeat/web.shop.json"
    assert values["record_file"] == "/var/lib/halfswap-bluegreen/applications/web/release.json"


@pytest.mark.parametrize("former, tokens", [("", b"new\n"), ("old ", b"new\nold\n"), ("new", b"new\n")])
def test_the_new_token_comes_first_and_each_once(former, tokens):
    assert agent(former_token=former)._token == tokens


def test_which_agent_it_replaces(directory):
    assert agent(application="web").replaces is None
    (directory / "shop.json").write_bytes(b"{}")
    assert agent(application="web").replaces == "shop"
    assert agent().replaces is None
    (directory / "web.shop.json").write_bytes(b"{}")
    assert agent(application="web").replaces is None


@pytest.mark.parametrize("before, keys", [(None, 9), (b"no JSON", 9), (b"[]", ["its form"])])
def test_which_keys_differ(before, keys):
    changed = agent()._changed_keys(before)
    # status is null, and so is what is not there
    assert changed == keys or len(changed) == keys - 1


def test_one_key_differs():
    assert agent(probers=["192.0.2.1"])._changed_keys(agent()._config) == ["probers"]
    assert agent()._changed_keys(agent()._config.replace(b"\n", b"\n\n")) == ["its form"]


def test_a_file_is_written_for_the_agent_alone(directory):
    path = str(directory / "file")
    _agent.write(path, b"content")
    assert os.stat(path).st_mode & 0o777 == 0o640
    assert (_agent.read(path), os.listdir(str(directory))) == (b"content", ["file"])
    _agent.write(path, None)
    assert _agent.read(path) is None
    _agent.write(path, None)
