# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A configuration is tried beside the agent that runs: what would be worse is a fault, and nothing changes."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json
import os
import socket
import subprocess
import sys
import threading

import pytest
from running_agent import AGENT, free_port


@pytest.fixture
def config_values(config_values):
    with open(config_values["token_file"], "w") as token:
        token.write("a-token-of-20-letters\n")
    config_values["health"]["fall"] = 1
    return config_values


@pytest.fixture
def tried(tmp_path):
    """What is told of a configuration, and the exit status; `running` is the one of the agent that runs."""

    def run(values, running=None, *more):
        wanted = tmp_path / "wanted.json"
        wanted.write_bytes(json.dumps(values).encode("ascii"))
        command = [sys.executable, AGENT, "--try", str(wanted)] + (["--running", str(running)] if running else []) + list(more)
        before = sorted(os.listdir(str(tmp_path)))
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        told = json.loads(process.communicate()[0].decode("ascii"))
        assert sorted(os.listdir(str(tmp_path))) == before
        assert told["ok"] == (process.returncode == 0) == (not told["faults"])
        return told

    return run


def fault(told):
    assert len(told["faults"]) == 1, told["faults"]
    return told["faults"][0]


def test_a_first_set_up(tried, config_values):
    told = tried(config_values)
    assert (told["ok"], told["takes"], told["running"], told["notes"]) == (True, "start", None, [])
    assert told["health"]["healthy"]


def test_before_there_is_an_application(tried, config_values):
    port = free_port()
    told = tried(dict(config_values, health={"url": "http://127.0.0.1:%d/h" % port, "fall": 1}, status={"url": "http://127.0.0.1:%d/s" % port}))
    assert told["ok"]
    assert [note["what"] for note in told["notes"]] == ["health.url", "status.url"]
    assert "Connection refused" in told["notes"][0]["told"]


@pytest.mark.parametrize("code, is_fault", [(302, True), (404, True), (401, True), (500, False), (503, False)])
def test_what_an_application_answers_before_there_is_an_agent(tried, config_values, component, code, is_fault):
    """One that is not healthy by itself may become so; where it answers something else, the URL is wrong."""
    component.health = code
    told = tried(config_values)
    assert told["ok"] is not is_fault
    assert "answered %d" % code in (told["faults"] or told["notes"])[0]["told"]


def test_what_is_healthy_now_and_would_be_down(tried, config_values, component, process):
    process.status(fresh=True)
    component.status = None  # whatever is not /health answers 500
    told = tried(dict(config_values, status=None, health={"url": component.url + "/h", "fall": 1}), process.config_file)
    assert fault(told)["what"] == "health.url"
    assert fault(told)["harm"] == "down"
    assert "The agent that runs finds it good; with this configuration load balancers would be told down" in fault(told)["told"]
    assert told["running"]["healthy"] is True


def test_nothing_there_is_a_fault_where_the_running_agent_finds_it_healthy(tried, config_values, process):
    process.status(fresh=True)
    told = tried(dict(config_values, health={"url": "http://127.0.0.1:%d/h" % free_port(), "fall": 1}), process.config_file)
    assert (fault(told)["what"], fault(told)["harm"]) == ("health.url", "down")


def test_a_redirection_is_told_with_where_it_goes(tried, config_values):
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(5)

    def redirect():
        client = listener.accept()[0]
        client.recv(4096)
        client.sendall(b"HTTP/1.1 302 Found\r\nLocation: /login\x1b[2J\r\nContent-Length: 0\r\n\r\n")
        client.close()

    thread = threading.Thread(target=redirect)
    thread.start()
    told = tried(dict(config_values, health={"url": "http://127.0.0.1:%d/h" % listener.getsockname()[1], "fall": 1}))
    thread.join()
    listener.close()
    assert "answered 302" in fault(told)["told"] and ", to /login\\x1b[2J; only 200 to 299 is healthy" in fault(told)["told"]


def test_a_component_that_is_down_already_is_no_fault_of_the_same_check(tried, config_values, component, process):
    component.health = 404
    while process.status()["healthy"]:
        pass
    assert tried(dict(config_values, probers=["192.0.2.1"]), process.config_file)["ok"]
    # Another check that fails as badly is one.
    told = tried(dict(config_values, health={"url": component.url + "/health", "fall": 2}), process.config_file)
    assert fault(told)["what"] == "health.url"


@pytest.mark.parametrize("key", ["release_key", "requests_key"])
def test_a_key_that_the_status_does_not_have(tried, config_values, component, process, key):
    process.status(fresh=True)
    told = tried(dict(config_values, status={"url": component.url + "/status", key: "nowhere"}), process.config_file)
    assert (fault(told)["what"], fault(told)["harm"]) == ("status.url", "unknown")
    assert "nothing at key nowhere" in fault(told)["told"]


def test_a_status_that_nobody_reads_as_json(tried, config_values, component):
    component.status = None
    told = tried(dict(config_values, status={"url": component.url + "/health"}))
    assert told["ok"]  # null at the health URL: no release, which may be missing
    told = tried(dict(config_values, status={"url": component.url + "/health", "release_key": "release"}))
    assert fault(told)["what"] == "status.url"


@pytest.mark.parametrize("key", ["probe", "control"])
def test_a_port_that_is_taken(tried, config_values, key):
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    taken.listen(1)
    told = tried(dict(config_values, **{key: "127.0.0.1:%d" % taken.getsockname()[1]}))
    taken.close()
    assert (fault(told)["what"], fault(told)["harm"]) == (key, "refused")
    assert "is taken by process %d (" % os.getpid() in fault(told)["told"]


def test_an_address_that_this_node_does_not_have(tried, config_values):
    assert "cannot listen on 192.0.2.1:" in fault(tried(dict(config_values, probe="192.0.2.1:8790")))["told"]


def test_the_ports_of_the_agent_that_runs_are_no_fault(tried, config_values, process):
    told = tried(config_values, process.config_file)
    assert (told["ok"], told["takes"]) == (True, "nothing")
    told = tried(dict(config_values, probers=["192.0.2.1"]), process.config_file)
    assert (told["ok"], told["takes"]) == (True, "reload")
    # Of another instance they are.
    assert [each["what"] for each in tried(config_values)["faults"]] == ["probe", "control"]


def test_an_overlapping_address_costs_a_restart(tried, config_values, process):
    told = tried(dict(config_values, probe=config_values["probe"].replace("127.0.0.1", "0.0.0.0")), process.config_file)
    assert (told["ok"], told["takes"]) == (True, "restart")
    assert "at another address" in told["restart_because"]


@pytest.mark.parametrize("token", ["", "short\n", "with a blank in it, and long\n", None])
def test_a_token_that_does_not_do(tried, config_values, tmp_path, token):
    other = tmp_path / "other-token"
    if token is not None:
        other.write_bytes(token.encode("ascii"))
    assert fault(tried(config_values, None, "--token-file", str(other)))["what"] == "token_file"


def test_a_state_that_cannot_be_kept(tried, config_values, tmp_path):
    assert fault(tried(dict(config_values, state_file=str(tmp_path / "nowhere" / "state.json"))))["what"] == "state_file"


def test_a_configuration_that_is_wrong_is_told_by_its_key(tried, config_values):
    told = tried(dict(config_values, probers=["lb1"]))
    assert (fault(told)["what"], fault(told)["harm"]) == ("probers[0]", "refused")


def test_all_faults_are_told_at_once(tried, config_values, component):
    component.health = 404
    told = tried(dict(config_values, probe="192.0.2.1:8790", token_file="/nowhere"))
    assert [each["what"] for each in told["faults"]] == ["token_file", "probe", "health.url"]
