# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HTTP through SSH to what listens on a node's loopback. The node needs no Python for it, and no port is opened on the controller.

OpenSSH itself says how it would connect (ssh -G): its configuration, Ansible's options and jump hosts count here as they do there.
"""

from __future__ import annotations

import logging
import os
import shlex
import socket
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.halfswap.bluegreen.plugins.module_utils._http import SHORT_ANSWER, Answer, Deadline, Late, NoAnswer, NotReached, exchange

try:
    import paramiko
except ImportError:
    paramiko = None  # type: ignore[assignment]  # a module that may be missing has no other type

# Until SSH has connected and logged in.
CONNECT_TIMEOUT_S = 15.0
SSH_PORT = 22
ARGUMENTS = ("ssh_args", "ssh_common_args", "ssh_extra_args")


class TunnelError(Exception):
    """There is no way to the node through SSH; the text says why, and what mends it."""


@dataclass(frozen=True)
class Target:
    """How SSH gets to the node."""

    host: str
    port: int
    user: str
    # The name under which its key is known.
    known_as: str
    known_hosts: tuple[str, ...]
    # Whether a host whose key is not known is refused. One whose key has changed always is.
    strict: bool
    key_files: tuple[str, ...] = ()
    agent: bool = True
    password: str | None = None
    passphrase: str | None = None
    # A command whose input and output are the connection, for a host behind another one.
    proxy: str | None = None


def target(connection: Any) -> Target:
    """The target of a task's connection, which has to be one through OpenSSH."""
    if getattr(connection, "transport", None) != "ssh":
        raise TunnelError(f"a tunnel takes a connection through ssh, and this one is {getattr(connection, 'transport', None) or 'another'}")

    def option(name: str) -> Any:
        try:
            return connection.get_option(name)
        except KeyError:
            return None  # an option of newer cores

    ssh = option("ssh_executable") or "ssh"
    arguments = [word for name in ARGUMENTS for word in shlex.split(option(name) or "")]
    if option("host_key_checking") is False:
        arguments += ["-o", "StrictHostKeyChecking=no"]
    for flag, name in (("-p", "port"), ("-l", "remote_user"), ("-i", "private_key_file")):
        if option(name):
            arguments += [flag, os.path.expanduser(str(option(name)))]
    command = [ssh, *arguments, "-G", str(option("host"))]
    try:
        said = subprocess.run(command, check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=CONNECT_TIMEOUT_S).stdout
    except (OSError, subprocess.SubprocessError) as exc:
        raise TunnelError(f"ssh does not say how it would connect ({getattr(exc, 'stderr', None) or exc})") from exc
    return _target(said, ssh, arguments, option("password"), option("private_key_passphrase"))


def _target(said: str, ssh: str, arguments: Iterable[str], password: str | None, passphrase: str | None) -> Target:
    settings: dict[str, list[str]] = {}
    for line in said.splitlines():
        key, _space, value = line.partition(" ")
        settings.setdefault(key, []).append(value)

    def of(key: str, default: str = "") -> str:
        return settings.get(key, [default])[0]

    host, port, user = of("hostname"), int(of("port", str(SSH_PORT))), of("user")
    alias = of("hostkeyalias")
    proxy = of("proxycommand") if of("proxycommand", "none") != "none" else None
    if of("proxyjump", "none") != "none":
        *before, last = of("proxyjump").split(",")
        through = ["-J", ",".join(before)] if before else []
        proxy = shlex.join([ssh, *_without_jump(arguments), *through, "-W", "[%h]:%p", last if "://" in last else f"ssh://{last}"])
    for token, value in (("%h", host), ("%p", str(port)), ("%r", user)):
        proxy = proxy and proxy.replace(token, value)
    return Target(
        host=host,
        port=port,
        user=user,
        known_as=alias or (host if port == SSH_PORT else f"[{host}]:{port}"),
        known_hosts=tuple(path for key in ("userknownhostsfile", "globalknownhostsfile") for path in _files(settings.get(key, []))),
        # Where ssh would ask, nobody is there to answer.
        strict=of("stricthostkeychecking", "ask") not in ("false", "no", "off", "accept-new"),
        key_files=tuple(path for value in settings.get("identityfile", []) for path in _files([value])),
        agent=of("identitiesonly") != "yes",
        password=password,
        passphrase=passphrase,
        proxy=proxy,
    )


def _files(values: Iterable[str]) -> list[str]:
    """Those that are there, of values that name one file with spaces, or several."""
    paths = [path for value in values for path in ([value] if os.path.exists(os.path.expanduser(value)) else value.split())]
    return [path for path in map(os.path.expanduser, paths) if os.path.isfile(path)]


def _without_jump(arguments: Iterable[str]) -> list[str]:
    """For the jump host: known hosts and keys as for the node, but nothing that is the node's alone."""
    kept: list[str] = []
    words = iter(arguments)
    for word in words:
        if word in ("-J", "-p", "-l"):
            next(words, None)
        elif word == "-o":
            option = next(words, "")
            kept += [] if _is_the_nodes(option) else [word, option]
        elif not (word.startswith("-o") and _is_the_nodes(word[2:])):
            kept.append(word)
    return kept


def _is_the_nodes(option: str) -> bool:
    return option.lower().replace(" ", "=").startswith(("proxyjump=", "proxycommand=", "port=", "user=", "hostname=", "hostkeyalias="))


class Tunnel:
    """An SSH connection to a node, on which each request is a channel of its own."""

    def __init__(self, to: Target) -> None:
        if paramiko is None:
            raise TunnelError("a tunnel needs the Python library paramiko on the controller, in the Python that runs Ansible: pip install paramiko")
        self.target = to
        self._client = paramiko.SSHClient()

    def __enter__(self) -> Tunnel:
        # Without a handler of ours Python prints what paramiko complains about.
        logging.getLogger("paramiko").addHandler(logging.NullHandler())
        to = self.target
        try:
            for path in to.known_hosts:
                self._client.load_system_host_keys(path)
            self._client.set_missing_host_key_policy(paramiko.RejectPolicy() if to.strict else paramiko.AutoAddPolicy())
            self._client.connect(
                # The name and port under which the key is looked for; the socket is there already.
                to.known_as,
                SSH_PORT,
                to.user,
                password=to.password,
                key_filename=list(to.key_files),  # type: ignore[arg-type]  # paramiko takes a list, too; its stubs do not say so
                passphrase=to.passphrase,
                allow_agent=to.agent,
                look_for_keys=False,
                sock=self._sock(),
                timeout=CONNECT_TIMEOUT_S,
                banner_timeout=CONNECT_TIMEOUT_S,
                auth_timeout=CONNECT_TIMEOUT_S,
            )
        except paramiko.BadHostKeyException as exc:
            self._client.close()
            raise TunnelError(f"the host key of {to.known_as} is not the one in {', '.join(to.known_hosts)}: is it the right host?") from exc
        except (paramiko.SSHException, OSError, EOFError) as exc:
            self._client.close()
            through = f" through {to.proxy}" if to.proxy else ""
            raise TunnelError(f"no SSH connection to {to.user}@{to.host}:{to.port}{through}: {exc or type(exc).__name__}") from exc
        return self

    def _sock(self) -> Any:
        if self.target.proxy:
            # By a shell, as OpenSSH does it.
            return paramiko.ProxyCommand(shlex.join(["sh", "-c", f"exec {self.target.proxy}"]))
        return socket.create_connection((self.target.host, self.target.port), CONNECT_TIMEOUT_S)

    def __exit__(self, *_raised: object) -> None:
        self._client.close()

    def request(
        self,
        url: str,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        timeout_s: float = 5.0,
        _validate_certs: bool = True,
        _ca_path: str | None = None,
        largest: int = SHORT_ANSWER,
    ) -> Answer:
        """The answer to one request, as _http.request gives it."""
        parts = urlsplit(url)
        if parts.scheme != "http":
            raise NotReached(f"a tunnel takes http:// and encrypts it by itself, not {parts.scheme}://")
        deadline = Deadline(timeout_s)
        channel = None
        try:
            channel = self._channel(parts.hostname or "", parts.port or 80, deadline)
            answer: Answer = exchange(channel, parts, method, headers, body, deadline, largest)
            return answer
        except Late as exc:
            raise NotReached(f"through SSH: no connection within {timeout_s:g} s") from exc
        except (NoAnswer, OSError, EOFError, paramiko.SSHException) as exc:
            raise NoAnswer(f"through SSH: {exc or type(exc).__name__}") from exc
        finally:
            if channel is not None:
                channel.close()

    def _channel(self, host: str, port: int, deadline: Deadline) -> Any:
        transport = self._client.get_transport()
        if transport is None:
            raise NotReached("through SSH: the connection is closed")
        try:
            return transport.open_channel("direct-tcpip", (host, port), ("127.0.0.1", 0), timeout=deadline.left())
        except paramiko.ChannelException as exc:
            why = "the SSH server of the node does not allow it (AllowTcpForwarding)" if exc.code == 1 else "nobody listens there"
            raise NotReached(f"through SSH: {why}") from exc
