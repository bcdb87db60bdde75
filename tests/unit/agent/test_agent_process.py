# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent as a process: its configuration, its signals, and what a kill leaves behind."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import hashlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading

import heartbeat
import pytest
from running_agent import AGENT, ROLE, ask, free_port, wanted


def run(*arguments):
    process = subprocess.Popen([sys.executable, AGENT] + list(arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    output, errors = process.communicate()
    return process.returncode, output.decode("utf-8"), errors.decode("utf-8")


def test_ready_answers_and_ends_cleanly(process):
    status = process.status(fresh=True)
    assert (status["healthy"], status["release"]) == (True, "1.0.0")
    with open(str(process.config_file), "rb") as config_file:
        assert status["agent"]["config"] == hashlib.sha1(config_file.read()).hexdigest()
    assert ask(process.probe, "/heartbeat/standby").text == "standby"
    process.put(wanted("live"))
    code, logged = process.end(signal.SIGTERM)
    assert code == 0
    assert "first boot; starting as standby" in logged
    assert "healthy: http://" in logged
    assert "standby -> live, STANDING_BY -> SERVING, revision" in logged
    assert "Traceback" not in logged


def test_health_is_checked_in_the_background(process, component):
    process.status(fresh=True)
    for _check in range(5):
        component.asked.acquire()
    component.health = 500
    while process.status()["healthy"]:
        component.asked.acquire()
    assert ask(process.probe, "/heartbeat").code == 503


def test_state_survives_kill_9_in_the_midst_of_writing(process):
    """The last write that was confirmed is there after the kill, or the one that was under way."""
    for _round in range(3):
        confirmed = []
        enough = threading.Semaphore(0)

        def write(confirmed, enough):
            try:
                while True:
                    for state in ("live", "standby"):
                        confirmed.append(process.put(wanted(state)).json)
                        enough.release()
            except (EnvironmentError, IndexError, ValueError):
                pass  # killed: refused, reset, or cut off

        writer = threading.Thread(target=write, args=(confirmed, enough))
        writer.start()
        for _write in range(15):
            enough.acquire()
        process.end(signal.SIGKILL)
        writer.join()
        process.start()
        status, last = process.status(), confirmed[-1]
        assert status["revision"] - last["revision"] in (0, 1)
        assert (status["state"] == last["state"]) == (status["revision"] == last["revision"])


def test_an_address_that_is_taken(process, config_values, tmp_path):
    other = tmp_path / "other.config"
    other.write_bytes(json.dumps(dict(config_values, probe="127.0.0.1:%d" % free_port())).encode("ascii"))
    code, _output, errors = run(str(other))
    assert code == 1
    assert errors.endswith("cannot listen on %s (key control): Address already in use\n" % config_values["control"])


def test_no_token_is_logged_but_the_heartbeat_goes_on(config_values, process):
    process.end(signal.SIGTERM)
    os.remove(config_values["token_file"])
    process.start()
    assert ask(process.probe, "/heartbeat").code in (200, 503)
    code, logged = process.end(signal.SIGINT)
    assert code == 0
    assert config_values["token_file"] + ": No such file or directory; every write will be refused" in logged


def test_a_thread_that_ends_takes_the_process_along(process):
    # systemd starts it again; half an agent would be worse than none.
    config = heartbeat.load_config(str(process.config_file))
    process.end(signal.SIGTERM)
    agent = heartbeat.Agent(config)
    agent.health.poll = lambda: 1 // 0
    agent.start()
    assert agent.wait() is False
    agent.stop()


def test_abstract_notification_socket(monkeypatch):
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sock.bind("\0halfswap-test-%d" % os.getpid())
    monkeypatch.setenv("NOTIFY_SOCKET", "@halfswap-test-%d" % os.getpid())
    heartbeat.notify_systemd(b"READY=1")
    assert sock.recv(100) == b"READY=1"
    sock.close()


def without(values, *path):
    values = json.loads(json.dumps(values))
    inner = values
    for key in path[:-1]:
        inner = inner[key]
    del inner[path[-1]]
    return values


def changed(values, path, value):
    values = json.loads(json.dumps(values))
    inner = values
    for key in path.split(".")[:-1]:
        inner = inner[key]
    inner[path.split(".")[-1]] = value
    return values


def test_check_accepts_and_changes_nothing(tmp_path, config_values):
    config_file = tmp_path / "config"
    for values in (config_values, without(config_values, "status"), changed(config_values, "probe", "[::]:9100")):
        config_file.write_bytes(json.dumps(values).encode("ascii"))
        assert run("--check", str(config_file)) == (0, "", "")
    assert not os.path.exists(config_values["state_file"])


def test_defaults(tmp_path, config_values):
    config_file = tmp_path / "config"
    config_file.write_bytes(json.dumps(dict(config_values, health={"url": "http://127.0.0.1:8080/h"})).encode("ascii"))
    config = heartbeat.load_config(str(config_file))
    assert config.health == heartbeat.Health("http://127.0.0.1:8080/h", 1.0, 0.5, 2)
    assert config.status[1:] == (None, None)
    assert (config.probers, config.record_file) == ([], None)
    assert config.probe == ("127.0.0.1", int(config_values["probe"].split(":")[1]))


@pytest.mark.parametrize(
    "path, value, error",
    [
        ("component", "a/b", 'key component must be a name of letters, digits, "_", "." and "-", not "a/b"'),
        ("component", None, "key component must be a name"),
        ("probe", 9100, 'key probe must be "address:port"'),
        ("probe", "9100", 'key probe must be "address:port"'),
        ("probe", "0.0.0.0:0", 'key probe must be "address:port"'),
        ("probe", "0.0.0.0:65536", 'key probe must be "address:port"'),
        ("control", "::1:9101", 'key control must be "address:port"'),
        ("token_file", "token", 'key token_file must be an absolute path, not "token"'),
        ("state_file", "", "key state_file must be an absolute path"),
        ("health", "http://127.0.0.1/", "key health must be a JSON object"),
        ("health.url", "https://127.0.0.1/", "key health.url must be a URL that begins with http://"),
        ("health.url", "http://127.0.0.1:x/", "key health.url must be a URL that begins with http://"),
        ("health.url", "http://127.0.0.1:0/", "key health.url must be a URL that begins with http://"),
        ("health.url", "http:///health", "key health.url must be a URL that begins with http://"),
        ("health.url", "http://u:p@127.0.0.1/", "key health.url must be a URL that begins with http://"),
        ("health.url", "http://127.0.0.1/a b", "key health.url must be a URL that begins with http://"),
        ("health.url", b"http://127.0.0.1/\xe4".decode("latin-1"), "key health.url must be a URL that begins with http://"),
        ("health.timeout_s", 0, "key health.timeout_s must be a number of seconds, above 0 and up to 3600, not 0"),
        ("health.timeout_s", True, "key health.timeout_s must be a number of seconds"),
        ("health.interval_s", "1", "key health.interval_s must be a number of seconds"),
        ("health.interval_s", float("nan"), "key health.interval_s must be a number of seconds"),
        ("health.fall", 0, "key health.fall must be a whole number from 1 to 1000, not 0"),
        ("health.fall", 1.5, "key health.fall must be a whole number"),
        ("health.interval", 1, "key health.interval is not known"),
        ("status.release_key", "", "key status.release_key must be a string that is not empty"),
        ("status.rise", 1, "key status.rise is not known"),
        ("status", False, "key status must be a JSON object"),
        ("tokn_file", "/x", "key tokn_file is not known"),
        ("record_file", "release.json", "key record_file must be an absolute path"),
        ("probers", "192.0.2.5", "key probers must be a list of at most 256"),
        ("probers", ["192.0.2.5"] * 257, "key probers must be a list of at most 256"),
        ("probers", ["192.0.2.5", "lb1"], 'key probers[1] must be an address or a network, for instance "192.0.2.5", "192.0.2.0/24" or'),
        ("probers", [5], "key probers[0] must be an address or a network"),
        ("probers", ["192.0.2.5\n"], "key probers[0] must be an address or a network"),
        ("probers", ["192.0.2"], "key probers[0] must be an address or a network"),
        ("probers", ["192.0.2.256"], "key probers[0] must be an address or a network"),
        ("probers", ["192.0.2.0/33"], "key probers[0] must be an address or a network"),
        ("probers", ["2001:db8::/129"], "key probers[0] must be an address or a network"),
        ("probers", ["2001:db8:::"], "key probers[0] must be an address or a network"),
        ("probers", ["fe80::1%eth0"], "key probers[0] must be an address or a network"),
        ("probers", ["192.0.2.5/24"], 'key probers[0] must be an address ("192.0.2.5") or a network by its first address, not "192.0.2.5/24"'),
        ("probers", ["0.0.0.0/0"], "key probers[0] must be a network of load balancers; this one is everybody"),
        ("probers", ["::/0"], "key probers[0] must be a network of load balancers; this one is everybody"),
    ],
)
def test_bad_configuration(tmp_path, config_values, path, value, error):
    config_file = tmp_path / "config"
    config_file.write_bytes(json.dumps(changed(config_values, path, value)).encode("ascii"))
    with pytest.raises(heartbeat.ConfigError) as caught:
        heartbeat.load_config(str(config_file))
    assert str(caught.value).startswith("%s: %s" % (config_file, error))


@pytest.mark.parametrize(
    "path", [("component",), ("probe",), ("control",), ("token_file",), ("state_file",), ("health",), ("health", "url"), ("status", "url")]
)
def test_missing_key(tmp_path, config_values, path):
    config_file = tmp_path / "config"
    config_file.write_bytes(json.dumps(without(config_values, *path)).encode("ascii"))
    with pytest.raises(heartbeat.ConfigError) as caught:
        heartbeat.load_config(str(config_file))
    assert str(caught.value) == "%s: key %s is missing" % (config_file, ".".join(path))


def test_both_sides_on_one_address(tmp_path, config_values):
    config_file = tmp_path / "config"
    config_file.write_bytes(json.dumps(dict(config_values, control=config_values["probe"])).encode("ascii"))
    with pytest.raises(heartbeat.ConfigError) as caught:
        heartbeat.load_config(str(config_file))
    assert "key control must not be the address of key probe" in str(caught.value)


@pytest.mark.parametrize(
    "content, error",
    [(None, "cannot be read: No such file"), (b"{", "is not JSON: "), (b"\xff", "is not JSON: "), (b"[]", "the configuration must")],
)
@pytest.mark.parametrize("check", [True, False])
def test_a_configuration_that_cannot_be_used_is_exit_2(tmp_path, content, error, check):
    config_file = tmp_path / "config"
    if content is not None:
        config_file.write_bytes(content)
    code, output, errors = run(*(["--check"] if check else []) + [str(config_file)])
    assert (code, output) == (2, "")
    assert errors.startswith("halfswap-heartbeat: %s: %s" % (config_file, error))
    assert "Traceback" not in errors


def test_the_launcher_takes_the_first_python_that_works(tmp_path):
    if os.path.exists("/usr/libexec/platform-python"):
        pytest.skip("this machine has one that the launcher cannot be kept from")

    def python(name, script):
        path = tmp_path / name
        path.write_bytes(("#!/bin/sh\n%s\n" % script).encode("ascii"))
        path.chmod(0o755)

    def launch():
        launcher = [os.path.join(ROLE, "files", "halfswap-heartbeat"), "--check", "a b"]
        process = subprocess.Popen(launcher, env={"PATH": str(tmp_path), "PYTHONPATH": "/x"}, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        output, errors = process.communicate()
        return process.returncode, output.decode("ascii"), errors.decode("ascii")

    works = '[ "$1" = -c ] && exit 0; echo "$0|$1|$2|$3|$4|$PYTHONPATH"; exit 7'
    run_with = "%s|-B|/usr/share/halfswap-heartbeat/heartbeat.py|--check|a b|\n"
    code, output, errors = launch()
    assert (code, output) == (2, "")
    assert "none of python3, /usr/libexec/platform-python, python2 and python" in errors
    python("python", works)
    assert launch() == (7, run_with % (tmp_path / "python"), "")
    python("python2", works)
    python("python3", "exit 1")
    assert launch() == (7, run_with % (tmp_path / "python2"), "")
    python("python3", works)
    assert launch() == (7, run_with % (tmp_path / "python3"), "")


def test_the_role_installs_this_version():
    with open(os.path.join(ROLE, "defaults", "main.yml")) as defaults:
        assert re.findall(r'^heartbeat_agent_version: "(.*)"$', defaults.read(), re.M) == [heartbeat.VERSION]
