# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An SSH server and an HTTP server on real sockets."""

from __future__ import annotations

import http.client
import shlex
import shutil
import socket
import sys
import threading
import time
import types
from contextlib import suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils._http import NoAnswer, NotReached
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.reach import _tunnel
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.reach._tunnel import Target, Tunnel, TunnelError, target

paramiko = pytest.importorskip("paramiko")


class Application(BaseHTTPRequestHandler):
    asked: list[tuple] = []
    read = threading.Event()

    def answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        self.asked.append((self.command, self.path, self.headers["Authorization"], self.rfile.read(length), self.headers["Host"]))
        if self.path == "/cut":
            self.send_response(200)
            self.send_header("Content-Length", "100")
            self.end_headers()
            self.wfile.write(b"half")
            return
        if self.path in ("/drip", "/pour"):
            self.send_response(200)
            self.end_headers()
            with suppress(OSError):
                for _piece in range(40 if self.path == "/drip" else 10000):
                    self.wfile.write(b"x" if self.path == "/drip" else b"x" * 20000)
                    time.sleep(0.05 if self.path == "/drip" else 0)
            return
        self.send_response(404 if self.path == "/none" else 200)
        if self.path == "/in-parts":
            self.send_header("Content-Length", "5")
        self.end_headers()
        if self.path == "/in-parts":
            self.read.wait(5)
        self.wfile.write("grün".encode())

    do_GET = do_PUT = answer

    def log_message(self, *_args):
        pass


@pytest.fixture
def application():
    server = HTTPServer(("127.0.0.1", 0), Application)
    Application.asked = []
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


class Rules(paramiko.ServerInterface):
    """Who may log in, and where they may go."""

    def __init__(self, server):
        self.server = server

    def get_allowed_auths(self, username):
        return "password,publickey"

    def check_auth_password(self, username, password):
        return paramiko.AUTH_SUCCESSFUL if (username, password) == ("ops", "right") else paramiko.AUTH_FAILED

    def check_auth_publickey(self, username, key):
        return paramiko.AUTH_SUCCESSFUL if key == self.server.user_key else paramiko.AUTH_FAILED

    def check_channel_direct_tcpip_request(self, chanid, origin, destination):
        if not self.server.forwards:
            return paramiko.OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED
        self.server.destinations.append(destination)
        try:
            self.server.waiting[chanid] = socket.create_connection(destination, 2)
        except OSError:
            return paramiko.OPEN_FAILED_CONNECT_FAILED
        return paramiko.OPEN_SUCCEEDED


class SshServer:
    def __init__(self):
        self.key = paramiko.RSAKey.generate(2048)
        self.user_key = paramiko.RSAKey.generate(2048)
        self.forwards = True
        self.destinations = []
        self.waiting = {}
        self._sock = socket.create_server(("127.0.0.1", 0))
        self.port = self._sock.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with suppress(OSError):
            while True:
                sock, _peer = self._sock.accept()
                threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        transport = paramiko.Transport(sock)
        transport.add_server_key(self.key)
        with suppress(paramiko.SSHException, OSError, EOFError):
            transport.start_server(server=Rules(self))
            while transport.is_active():
                channel = transport.accept(0.2)
                if channel:
                    there = self.waiting.pop(channel.get_id())
                    for source, sink in ((channel, there), (there, channel)):
                        threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    @staticmethod
    def _pump(source, sink):
        with suppress(OSError, EOFError):
            while data := source.recv(4096):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
            return
        sink.close()

    def close(self):
        self._sock.close()


@pytest.fixture(scope="module")
def keys():
    return SshServer()


@pytest.fixture
def ssh(keys):
    keys.forwards = True
    keys.destinations.clear()
    return keys


@pytest.fixture
def to(ssh, tmp_path):
    known = tmp_path / "known hosts"
    name = f"[127.0.0.1]:{ssh.port}"
    known.write_text(f"{name} {ssh.key.get_name()} {ssh.key.get_base64()}\n")
    return Target("127.0.0.1", ssh.port, "ops", name, (str(known),), strict=True, agent=False, password="right")


def test_requests_go_through_ssh_to_the_loopback_of_the_node(ssh, to, application):
    with Tunnel(to) as tunnel:
        answer = tunnel.request(application + "/heartbeat?fresh=1", "PUT", {"Authorization": "Bearer t"}, b"{}", 5)
        assert (answer.status, answer.body) == (200, "grün")
        assert tunnel.request(application + "/none").status == 404
    host = application.removeprefix("http://")
    assert Application.asked == [("PUT", "/heartbeat?fresh=1", "Bearer t", b"{}", host), ("GET", "/none", None, b"", host)]
    assert ssh.destinations == [("127.0.0.1", int(host.split(":")[1]))] * 2


def test_a_body_that_comes_after_its_headers(to, application, monkeypatch):
    get_response = http.client.HTTPConnection.getresponse

    def slowly(connection):
        response = get_response(connection)
        Application.read.set()
        return response

    monkeypatch.setattr(http.client.HTTPConnection, "getresponse", slowly)
    with Tunnel(to) as tunnel:
        assert tunnel.request(application + "/in-parts").body == "grün"


def test_an_answer_has_its_time_and_its_size_for_the_whole(to, application):
    with Tunnel(to) as tunnel:
        with pytest.raises(NoAnswer, match=r"^through SSH: it did not end within 1 s: \d+ bytes came$"):
            tunnel.request(application + "/drip", timeout_s=1)
        with pytest.raises(NoAnswer, match="^through SSH: it is larger than 1 MB$"):
            tunnel.request(application + "/pour", timeout_s=20)
        assert tunnel.request(application + "/none").status == 404


def test_ssh_has_its_time_to_say_how_it_would_connect(tmp_path, monkeypatch):
    waits = tmp_path / "ssh"
    waits.write_text("#!/bin/sh\nexec sleep 5\n")
    waits.chmod(0o755)
    monkeypatch.setattr(_tunnel, "CONNECT_TIMEOUT_S", 0.2)
    with pytest.raises(TunnelError, match="timed out after 0.2 seconds"):
        target(Connection(ssh_executable=str(waits)))


def test_a_key_instead_of_a_password(ssh, to, application, tmp_path):
    ssh.user_key.write_private_key_file(str(tmp_path / "key"))
    with Tunnel(replace(to, password=None, key_files=(str(tmp_path / "key"),))) as tunnel:
        assert tunnel.request(application).status == 200


@pytest.mark.parametrize(
    "changes, text",
    [
        ({"known_hosts": ()}, "not found in known_hosts"),
        ({"password": "wrong"}, "no SSH connection to ops@127.0.0.1"),
        ({"port": 1}, "no SSH connection to ops@127.0.0.1:1"),
    ],
)
def test_no_connection(to, changes, text):
    with pytest.raises(TunnelError) as error, Tunnel(replace(to, **changes)):
        pass
    assert text in str(error.value)
    assert "right" not in str(error.value)


def test_a_key_that_has_changed_is_refused_whatever_was_asked_for(ssh, to, tmp_path):
    other = paramiko.RSAKey.generate(2048)
    (tmp_path / "other").write_text(f"[127.0.0.1]:{ssh.port} {other.get_name()} {other.get_base64()}\n")
    for strict in (True, False):
        with pytest.raises(TunnelError) as error, Tunnel(replace(to, known_hosts=(str(tmp_path / "other"),), strict=strict)):
            pass
        assert "is not the one in" in str(error.value)


def test_an_unknown_key_only_where_nobody_wants_it_checked(to, application):
    with Tunnel(replace(to, known_hosts=(), strict=False)) as tunnel:
        assert tunnel.request(application).status == 200


def test_what_does_not_answer(ssh, to, application):
    with Tunnel(to) as tunnel:
        with pytest.raises(NotReached) as error:
            tunnel.request("http://127.0.0.1:1/")
        assert "nobody listens there" in str(error.value)
        with pytest.raises(NoAnswer):
            tunnel.request(application + "/cut")
        with pytest.raises(NotReached) as error:
            tunnel.request("https://127.0.0.1:8443/")
        assert "a tunnel takes http://" in str(error.value)
        ssh.forwards = False
        with pytest.raises(NotReached) as error:
            tunnel.request(application)
        assert "AllowTcpForwarding" in str(error.value)


def test_a_host_behind_another_one(ssh, to, application):
    # A proxy command is a program whose input and output are the connection.
    relay = (
        "import os, socket, sys, threading\n"
        "s = socket.create_connection((sys.argv[1], int(sys.argv[2])))\n"
        "def up():\n"
        "    while True:\n"
        "        data = os.read(0, 4096)\n"
        "        if not data: os._exit(0)\n"
        "        s.sendall(data)\n"
        "threading.Thread(target=up, daemon=True).start()\n"
        "while True:\n"
        "    data = s.recv(4096)\n"
        "    if not data: os._exit(0)\n"
        "    os.write(1, data)\n"
    )
    with Tunnel(replace(to, host="unreachable.invalid", proxy=shlex.join([sys.executable, "-c", relay, "127.0.0.1", str(ssh.port)]))) as tunnel:
        assert tunnel.request(application).status == 200


def test_without_paramiko(to, monkeypatch):
    monkeypatch.setattr(_tunnel, "paramiko", None)
    with pytest.raises(TunnelError) as error:
        Tunnel(to)
    assert "pip install paramiko" in str(error.value)


class Connection:
    transport = "ssh"

    def __init__(self, **options):
        self.options = {"host": "127.0.0.1", "ssh_executable": "ssh", **options}

    def get_option(self, name):
        if name == "private_key_passphrase":
            raise KeyError(name)  # as on older cores
        return self.options.get(name)


needs_ssh = pytest.mark.skipif(not shutil.which("ssh"), reason="no ssh")


@needs_ssh
def test_openssh_says_how_it_would_connect(tmp_path):
    for name in ("known", "id"):
        (tmp_path / name).write_text("x")
    common = f'-o IdentitiesOnly=yes -o StrictHostKeyChecking=yes -o "UserKnownHostsFile=\\"{tmp_path}/known\\""'
    found = target(Connection(ssh_common_args=common, port=2222, remote_user="ops", private_key_file=str(tmp_path / "id"), password="secret"))
    assert (found.host, found.port, found.user, found.known_as) == ("127.0.0.1", 2222, "ops", "[127.0.0.1]:2222")
    assert found.known_hosts[0] == str(tmp_path / "known") and found.key_files == (str(tmp_path / "id"),)
    assert (found.strict, found.agent, found.password, found.passphrase, found.proxy) == (True, False, "secret", None, None)


@needs_ssh
@pytest.mark.parametrize(
    "options, strict",
    [({}, True), ({"host_key_checking": False}, False), ({"ssh_args": "-o StrictHostKeyChecking=accept-new"}, False)],
)
def test_host_keys_are_checked_unless_ansible_was_told_otherwise(options, strict):
    assert target(Connection(**options)).strict is strict


@needs_ssh
def test_jump_hosts():
    proxied = target(Connection(ssh_common_args='-o ProxyCommand="nc -X 5 %h %p %r"', port=2222, remote_user="ops"))
    assert proxied.proxy == "nc -X 5 127.0.0.1 2222 ops"
    options = {"ssh_args": "-C -o ControlMaster=auto", "ssh_common_args": "-J ops@outer:2200,inner", "port": 2222, "remote_user": "app"}
    assert target(Connection(**options)).proxy == "ssh -C -o ControlMaster=auto -J ops@outer:2200 -W '[127.0.0.1]:2222' ssh://inner"
    assert target(Connection(ssh_common_args="-o ProxyJump=inner -oHostKeyAlias=blue1 -o Port=7")).proxy == "ssh -W '[127.0.0.1]:7' ssh://inner"
    assert target(Connection(ssh_common_args="-o HostKeyAlias=blue1")).known_as == "blue1"


def test_another_connection_than_ssh():
    with pytest.raises(TunnelError) as error:
        target(types.SimpleNamespace(transport="community.docker.docker"))
    assert "this one is community.docker.docker" in str(error.value)
    with pytest.raises(TunnelError) as error:
        target(Connection(ssh_executable="/nonexistent/ssh"))
    assert "ssh does not say how it would connect" in str(error.value)
