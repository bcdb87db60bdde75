# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the agent are made of: a component, clients on raw sockets, and an agent as an object or as a process."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json
import os
import signal
import socket
import subprocess
import sys
import threading

import heartbeat

try:
    from http.server import BaseHTTPRequestHandler, HTTPServer
    from socketserver import ThreadingMixIn
except ImportError:  # Python 2.7
    from BaseHTTPServer import BaseHTTPRequestHandler, HTTPServer
    from SocketServer import ThreadingMixIn

ROLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "roles", "heartbeat_agent")
AGENT = os.path.join(ROLE, "files", "heartbeat.py")

# Nothing here takes this long; a test that would hang fails instead.
PATIENCE_S = 10
BOOT = 1700000000.0


class ScriptedClock:
    def __init__(self):
        self.now = BOOT

    def wall(self):
        return self.now

    def monotonic(self):
        return self.now


class Component(ThreadingMixIn, HTTPServer):
    """An application with a health check and a status; the tests decide what they say, and may make it hang."""

    daemon_threads = True

    def __init__(self):
        HTTPServer.__init__(self, ("127.0.0.1", 0), Handler)
        self.health = 200
        self.status = {"release": "1.0.0", "requests": 0}
        self.asked = threading.Semaphore(0)
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.url = "http://127.0.0.1:%d" % self.server_address[1]

    def handle_error(self, request, client_address):
        pass  # the agent hung up on an answer that came too late, as a test wanted it to


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.release()
        self.server.may_answer.wait(PATIENCE_S)
        body = json.dumps(self.server.status).encode("utf-8")
        # A component without a status fails when it is asked for it.
        self.send_response(self.server.health if self.path == "/health" else 200 if self.server.status is not None else 500)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


class Answer:
    def __init__(self, received):
        head, _blank, self.body = received.partition(b"\r\n\r\n")
        lines = head.decode("ascii").split("\r\n")
        self.code = int(lines[0].split()[1])
        self.headers = dict(line.split(": ", 1) for line in lines[1:])

    @property
    def text(self):
        return self.body.decode("ascii")

    @property
    def json(self):
        return json.loads(self.text)


def connect(address, source="127.0.0.1"):
    return socket.create_connection(address, PATIENCE_S, (source, 0))


def receive(sock):
    received = b""
    while True:
        more = sock.recv(65536)
        if not more:
            sock.close()
            return received
        received += more


def exchange(address, request, source="127.0.0.1"):
    """The very bytes that come back for these bytes."""
    sock = connect(address, source)
    sock.sendall(request)
    return receive(sock)


def ask(address, path, method="GET", source="127.0.0.1"):
    return Answer(exchange(address, ("%s %s HTTP/1.1\r\nHost: node\r\n\r\n" % (method, path)).encode("ascii"), source))


def put_request(values, token="secret", path="/heartbeat", **headers):
    body = values if isinstance(values, bytes) else json.dumps(values).encode("utf-8")
    fields = {"Content-Type": "application/json", "Content-Length": str(len(body)), "Authorization": "Bearer %s" % token}
    fields.update((name.replace("_", "-"), value) for name, value in headers.items())
    lines = ["%s: %s\r\n" % field for field in sorted(fields.items()) if field[1] is not None]
    return ("PUT %s HTTP/1.1\r\n%s\r\n" % (path, "".join(lines))).encode("latin-1") + body


def wanted(state, **values):
    return dict({"state": state, "reason": "release 2.0.0", "run_id": "run-1"}, **values)


class Node:
    """An agent that answers on sockets; its polls happen when a test says so."""

    def __init__(self, config, clock):
        self.config = config
        self.clock = clock
        self.start()

    def start(self):
        self.agent = heartbeat.Agent(self.config, self.clock)
        self.agent.answer()
        self.probe = self.agent.probe.address
        self.control = self.agent.control.address

    def stop(self):
        self.agent.stop()

    def restart(self, **config):
        self.stop()
        self.config = self.config._replace(**config)
        self.start()
        self.agent.health.poll()

    def check_health(self, passed_s=0, times=1):
        self.clock.now += passed_s
        for _index in range(times):
            self.agent.health.poll()

    def ask(self, path="/heartbeat", source="127.0.0.1"):
        return ask(self.probe, path, source=source).text

    def put(self, values, **options):
        return Answer(exchange(self.control, put_request(values, **options)))

    def status(self):
        return ask(self.control, "/heartbeat/status").json

    def prober(self, path="/heartbeat/live"):
        return [p for p in self.status()["probers"] if p["path"] == path][0]


def free_port():
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    port = sock.getsockname()[1]
    sock.close()
    return port


class Process:
    """The agent as systemd runs it: a process of its own that says when it is ready, and later who its successor is."""

    def __init__(self, config_file, values, agent=AGENT):
        self.agent = agent
        self.config_file = config_file
        self.configure(values)
        self.process = None
        self.successors = []
        # No pipe: a successor inherits it, and whoever waits for the end of the pipe would wait for that one.
        self.log = str(config_file) + ".log"

    def configure(self, values):
        self.config_file.write_bytes(json.dumps(values).encode("utf-8"))
        self.probe, self.control = [(a.split(":")[0], int(a.split(":")[1])) for a in (values["probe"], values["control"])]

    def start(self):
        address = str(self.config_file) + ".notify"
        if os.path.exists(address):
            os.remove(address)
        notifications = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        notifications.bind(address)
        notifications.settimeout(PATIENCE_S)
        with open(self.log, "ab") as log:
            command = [sys.executable, str(self.agent), str(self.config_file)]
            self.process = subprocess.Popen(command, env=dict(os.environ, NOTIFY_SOCKET=address), stderr=log)
        self.notifications = notifications
        assert notifications.recv(100) == b"READY=1"

    def put(self, values, **options):
        return Answer(exchange(self.control, put_request(values, **options)))

    def status(self, fresh=False):
        return ask(self.control, "/heartbeat/status" + ("?fresh=1" if fresh else "")).json

    def reload(self):
        """What the command says of it, and its exit status."""
        command = subprocess.Popen([sys.executable, str(self.agent), "--reload", str(self.config_file)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        told = json.loads(command.communicate()[0].decode("ascii"))
        if told["ok"]:
            self.successors.append(told["pid"])
        return told, command.returncode

    def check(self):
        """As much work for the processor as a reload, which has nothing to do with the agent that runs."""
        for _process in ("who asks", "the successor"):
            subprocess.check_call([sys.executable, AGENT, "--check", str(self.config_file)])

    def kill_all(self):
        """What was logged by all of them."""
        for pid in self.successors:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass  # it has ended
        return self.end(signal.SIGKILL)[1]

    def end(self, signal_number):
        """Exit status and what was logged, by this one and those before it."""
        if self.process.poll() is None:
            self.process.send_signal(signal_number)
        self.process.wait()
        self.notifications.close()
        with open(self.log, "rb") as log:
            return self.process.returncode, log.read().decode("utf-8")
