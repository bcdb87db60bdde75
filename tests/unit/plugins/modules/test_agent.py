# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module between the agent's own program, which tries really, and a systemd of the test, which runs really."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest
from ansible.module_utils import basic
from ansible.module_utils.common.text.converters import to_bytes

from ansible_collections.halfswap.bluegreen.plugins.module_utils.heartbeat import _agent
from ansible_collections.halfswap.bluegreen.plugins.modules import agent

try:
    from http.server import BaseHTTPRequestHandler, HTTPServer
except ImportError:  # Python 2.7
    from BaseHTTPServer import BaseHTTPRequestHandler, HTTPServer

PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "..", "roles", "heartbeat_agent", "files", "heartbeat.py")
TOKEN = "a-token-of-20-letters"


class Application(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/health" else 302)
        self.send_header("Location", "/login")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        pass


@pytest.fixture
def application():
    server = HTTPServer(("127.0.0.1", 0), Application)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield "http://127.0.0.1:%d" % server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


class Systemd:
    """Starts and stops agents as processes of the test."""

    def __init__(self, config, program):
        self.config, self.program = config, program
        self.running, self.enabled, self.calls = {}, set(), []

    def run(self, arguments):
        verb, name = arguments[0], arguments[-1].partition("@")[2].rpartition(".")[0]
        self.calls.append("%s %s" % (verb, name))
        if verb == "is-enabled":
            return 0 if name in self.enabled else 1
        if verb in ("stop", "restart"):
            self.stop(name)
        if verb in ("start", "restart"):
            config = os.path.join(str(self.config), "%s.json" % name)
            with open(os.devnull, "wb") as nowhere:
                self.running[name] = subprocess.Popen([sys.executable, self.program, config], stderr=nowhere)
        if verb == "enable":
            self.enabled.add(name)
        if verb == "disable":
            self.enabled.discard(name)
        return 0

    def stop(self, name):
        process = self.running.pop(name, None)
        if process:
            process.send_signal(signal.SIGTERM)
            process.wait()


@pytest.fixture
def node(tmp_path, monkeypatch, application):
    config, state, trial = [tmp_path / name for name in ("etc", "state", "run")]
    for directory in (config, state, trial):
        directory.mkdir()
    program = tmp_path / "heartbeat.py"
    with open(PROGRAM, "rb") as source:
        program.write_bytes(source.read())
    systemd = Systemd(config, str(program))
    systemd.pids = []

    def run_command(_module, command):
        if command[0] == "systemctl":
            return systemd.run(command[1:]), "", ""
        command = ([sys.executable, str(program)] if command[0] == _agent.COMMAND else command[:1]) + command[1:]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        out, err = [text.decode("utf-8") for text in process.communicate()]
        if "--reload" in command and process.returncode == 0:
            systemd.pids.append(json.loads(out)["pid"])
        return process.returncode, out, err

    monkeypatch.setattr(basic.AnsibleModule, "run_command", run_command)
    monkeypatch.setattr(_agent, "CONFIG", str(config))
    monkeypatch.setattr(_agent, "STATE", str(state))
    monkeypatch.setattr(_agent, "TRIAL", str(trial))
    monkeypatch.setattr(_agent, "GROUP", "no-such-group")
    monkeypatch.setattr(_agent, "READY_S", 6.0)
    systemd.state, systemd.trial = state, trial
    yield systemd
    for name in list(systemd.running):
        systemd.stop(name)
    for pid in systemd.pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except OSError:
            pass


def content(path):
    with open(path) as file:
        return file.read()


def free_port():
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    port = sock.getsockname()[1]
    sock.close()
    return port


@pytest.fixture
def shop(application):
    return {
        "name": "shop",
        "probe": "127.0.0.1:%d" % free_port(),
        "control": "127.0.0.1:%d" % free_port(),
        "health": {"url": application + "/health", "interval_s": "0.05", "fall": 1},
        "status": {},
    }


class Exit(Exception):
    pass


@pytest.fixture
def run(monkeypatch):
    """The result of the module; a failure has `failed`."""

    def do(shop, check=False, **options):
        arguments = dict({"components": [shop], "token": TOKEN, "version": "0.1.0", "source": content(PROGRAM)}, **options)
        monkeypatch.setattr(basic, "_ANSIBLE_ARGS", to_bytes(json.dumps({"ANSIBLE_MODULE_ARGS": dict(arguments, _ansible_check_mode=check)})))
        monkeypatch.setattr(basic, "_ANSIBLE_PROFILE", "legacy", raising=False)
        told = {}

        def leave(failed):
            def exit(_module, **result):
                told.update(result, failed=failed)
                raise Exit

            return exit

        monkeypatch.setattr(basic.AnsibleModule, "exit_json", leave(False))
        monkeypatch.setattr(basic.AnsibleModule, "fail_json", leave(True))
        with pytest.raises(Exit):
            agent.main()
        return told

    return do


def one(told):
    assert not told["failed"], told
    return told["components"][0]


def test_first_start_then_nothing_then_reload(run, node, shop):
    found = one(run(shop, check=True))
    assert (found["takes"], found["running"], found["faults"]) == ("start", None, [])
    assert "no agent answers" in found["differs"]
    assert node.running == {}
    assert os.listdir(_agent.CONFIG) == []
    assert run(shop)["changed"]
    assert node.enabled == {"shop"}
    again = run(shop)
    assert (again["changed"], one(again)["takes"], one(again)["differs"]) == (False, "nothing", [])
    # Check mode tries with the text that it was sent, which is the very same program.
    again = run(shop, check=True)
    assert (again["changed"], one(again)["takes"], one(again)["differs"]) == (False, "nothing", [])
    node.calls[:] = []
    found = one(run(shop, probers=["192.0.2.1"]))
    assert (found["takes"], found["differs"]) == ("reload", ["configuration (probers)"])
    assert node.calls == ["is-enabled shop"] * 2
    assert not run(shop, probers=["192.0.2.1"])["changed"]
    assert os.listdir(str(node.trial)) == []


def test_a_token_alone_needs_no_successor(run, node, shop):
    run(shop)
    found = one(run(shop, token="another-token-of-letters", former_token=TOKEN))
    assert (found["takes"], found["differs"]) == ("nothing", ["tokens"])
    with open(os.path.join(_agent.CONFIG, "shop.token")) as tokens:
        assert tokens.read() == "another-token-of-letters\n%s\n" % TOKEN
    assert os.stat(os.path.join(_agent.CONFIG, "shop.token")).st_mode & 0o777 == 0o640


def test_a_health_check_that_would_make_it_down_changes_nothing(run, node, shop, application):
    run(shop)
    time.sleep(0.3)
    bad = dict(shop, health=dict(shop["health"], url=application + "/elsewhere"))
    before = content(os.path.join(_agent.CONFIG, "shop.json"))
    foretold = one(run(bad, check=True))
    assert len(foretold["faults"]) == 1 and "answered 302" in foretold["faults"][0] and "to /login" in foretold["faults"][0]
    told = run(bad)
    assert told["failed"] and foretold["faults"][0] in told["msg"] and "Nothing was changed" in told["msg"]
    assert content(os.path.join(_agent.CONFIG, "shop.json")) == before
    assert one(run(shop))["running"]["healthy"]


def test_a_version_that_does_not_come_is_put_back(run, node, shop):
    run(shop)
    before = content(os.path.join(_agent.CONFIG, "shop.json"))
    told = run(shop, version="9.9.9", probers=["192.0.2.1"])
    assert told["failed"] and "version is 0.1.0, not 9.9.9" in told["msg"]
    assert content(os.path.join(_agent.CONFIG, "shop.json")) == before


def test_a_reload_that_fails_leaves_the_running_one_and_its_files(run, node, shop):
    run(shop)
    before = content(os.path.join(_agent.CONFIG, "shop.json"))
    good = content(node.program)
    with open(node.program, "w") as program:
        program.write(good.replace('self._channel.send({"taken": True})', "os._exit(3)"))
    told = run(shop, probers=["192.0.2.1"])
    assert told["failed"] and "runs as before" in told["msg"] and "taken" in told["msg"]
    assert content(os.path.join(_agent.CONFIG, "shop.json")) == before
    assert node.running["shop"].poll() is None


def test_the_application_gets_a_name(run, node, shop):
    run(shop)
    revision = one(run(shop))["running"]["revision"]
    found = one(run(shop, application="web"))
    assert (found["instance"], found["takes"]) == ("web.shop", "restart")
    assert "has to end before halfswap-heartbeat@web.shop.service can listen" in found["restart_because"]
    assert (sorted(node.running), node.enabled) == (["web.shop"], {"web.shop"})
    after = one(run(shop, application="web"))
    assert (after["takes"], after["differs"], after["running"]["revision"]) == ("nothing", [], revision)
    assert sorted(os.listdir(_agent.CONFIG)) == ["web.shop.json", "web.shop.token"]
    with open(os.path.join(_agent.CONFIG, "web.shop.json")) as config:
        assert json.load(config)["record_file"] == "/var/lib/halfswap-bluegreen/applications/web/release.json"


def test_what_the_program_says_that_is_no_json(run, node, shop):
    with open(node.program, "w") as program:
        program.write("import sys; sys.exit('no Python here')")
    told = run(shop)
    assert told["failed"] and "shop could not be tried (exit status 1): no Python here" in told["msg"]
