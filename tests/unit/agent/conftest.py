# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real agent between a real component and raw sockets; only the time is scripted.

The agent needs no Ansible, and neither do these tests: ``pytest --confcutdir=tests/unit/agent tests/unit/agent`` runs them where
there is none, as on Python 2.7 and 3.6.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os
import sys
import threading

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "..", "..", "roles", "heartbeat_agent", "files")]

# The agent is no package: it is found on the path that was just set.
import heartbeat  # noqa: E402
from running_agent import PATIENCE_S, Component, Node, Process, ScriptedClock, free_port  # noqa: E402


@pytest.fixture
def clock():
    return ScriptedClock()


@pytest.fixture
def component():
    server = Component()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.may_answer.set()
    server.shutdown()
    thread.join(PATIENCE_S)
    server.server_close()


@pytest.fixture
def config(tmp_path, component):
    (tmp_path / "token").write_bytes(b"secret\n")
    return heartbeat.Config(
        component="shop",
        probe=("127.0.0.1", 0),
        control=("127.0.0.1", 0),
        token_file=str(tmp_path / "token"),
        state_file=str(tmp_path / "shop.json"),
        record_file=str(tmp_path / "release.json"),
        probers=[],
        health=heartbeat.Health(component.url + "/health", 1.0, 0.5, 2),
        status=heartbeat.Status(component.url + "/status", "release", "requests"),
        digest="cafe",
    )


@pytest.fixture
def starting_node(config, clock):
    node = Node(config, clock)
    yield node
    node.stop()


@pytest.fixture
def node(starting_node):
    """A healthy one."""
    starting_node.agent.health.poll()
    starting_node.agent.status.poll()
    return starting_node


@pytest.fixture
def config_values(tmp_path, component):
    (tmp_path / "token").write_bytes(b"secret\n")
    return {
        "component": "shop",
        "probe": "127.0.0.1:%d" % free_port(),
        "control": "127.0.0.1:%d" % free_port(),
        "token_file": str(tmp_path / "token"),
        "state_file": str(tmp_path / "state.json"),
        "health": {"url": component.url + "/health", "interval_s": 0.05},
        "status": {"url": component.url + "/status"},
    }


@pytest.fixture
def process(tmp_path, config_values):
    agent = Process(tmp_path / "shop.config", config_values)
    agent.start()
    yield agent
    agent.kill_all()
