# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HTTP requests, each on a connection of its own, with every answer an answer, whatever its status.

Each has a time and a size for the whole of it, from the connection to the last byte: whoever answers may drip or pour, and gets no more than that.
Not with ansible.module_utils.urls: it follows proxies and redirects unless it is kept from that, reads all certificates of the system each time, and
to import it takes a fifth of the time that a module needs on its node.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import base64
import io
import re
import select
import socket
import ssl

from ansible.module_utils.common.text.converters import to_bytes, to_native

from ansible_collections.halfswap.bluegreen.plugins.module_utils._wait import monotonic

try:
    from http.client import HTTPConnection, HTTPException
    from urllib.parse import unquote, urlsplit
except ImportError:  # Python 2.7
    from urllib import unquote

    from httplib import HTTPConnection, HTTPException
    from urlparse import urlsplit

# Bytes of an answer, its head included: of what says a state or a number, and of what users get or a load balancer lists.
SHORT_ANSWER = 1 << 20
LONG_ANSWER = 16 << 20
PIECE = 1 << 16

# What each module takes that sends requests to nodes behind a load balancer.
REQUEST_OPTIONS = dict(
    request_timeout_s=dict(type="float", default=10.0),
    node_header=dict(type="str", default="X-Served-By"),
    validate_certs=dict(type="bool", default=True),
    ca_path=dict(type="path"),
)


class NotReached(Exception):
    """Nobody accepted the connection."""


class NoAnswer(Exception):
    """The connection was accepted, but no whole answer came."""


class Late(Exception):
    """The time for the whole is over."""


class Answer(object):
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body


class Deadline(object):
    """The time for the whole of a request."""

    def __init__(self, seconds):
        self.seconds = seconds
        self._end = monotonic() + seconds

    def left(self):
        left = self._end - monotonic()
        if left <= 0:
            raise self.late()
        return left

    def late(self):
        return Late("it did not end within %g s" % self.seconds)


class Sender(object):
    """Sends requests, from as many threads as there are. Netrc, redirects and proxies that nobody named are not followed: the answer is that of the server
    in the URL."""

    def __init__(self, validate_certs=True, ca_path=None, largest=SHORT_ANSWER, proxy=None):
        self._validate_certs = validate_certs
        self._ca_path = ca_path
        self._largest = largest
        # For whoever asks in place of another program that goes through it: the URL of a proxy that speaks HTTP.
        self._proxy = proxy
        self._tls = None

    def __call__(self, url, method="GET", headers=None, body=None, timeout_s=5.0):
        deadline = Deadline(timeout_s)
        sock = None
        try:
            try:
                parts = urlsplit(to_native(url))
                if parts.scheme not in ("http", "https") or not parts.hostname:
                    raise ValueError("a URL begins with http:// or https:// and a host, which is not so for %s" % without_login(url))
                tls = self._context() if parts.scheme == "https" else None
                proxy = urlsplit(to_native(self._proxy)) if self._proxy else None
                sock = _connected(*((proxy.hostname, proxy.port or 80) if proxy else (parts.hostname, parts.port or (443 if tls else 80))), deadline=deadline)
                if tls and proxy:
                    _tunnel(sock, parts, proxy, deadline)
                if tls:
                    sock = tls.wrap_socket(sock, server_hostname=parts.hostname, do_handshake_on_connect=False)
                    _shake_hands(sock, deadline)
            except (Late, socket.timeout):
                raise NotReached("no connection within %g s" % timeout_s)
            # A port that is no number, a certificate that cannot be read, a name that nobody knows.
            except (ValueError, EnvironmentError, socket.error) as exc:
                raise NotReached(to_native(exc))
            return exchange(sock, parts, method, headers, body, deadline, self._largest, None if tls else proxy)
        finally:
            if sock is not None:
                sock.close()

    def _context(self):
        if self._tls is None:
            context = ssl.create_default_context(cafile=self._ca_path)
            if not self._validate_certs:
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
            self._tls = context
        return self._tls


def _connected(host, port, deadline):
    """A connection to the first address of the host that takes one."""
    failure = None
    for family, kind, protocol, _name, address in socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM):
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(deadline.left())
            sock.connect(address)
            # The body follows the head at once.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return sock
        except (EnvironmentError, socket.error) as exc:
            sock.close()
            failure = exc
    raise failure


def _tunnel(sock, parts, proxy, deadline):
    """A way through the proxy to the host of the URL."""
    target = "%s:%d" % ("[%s]" % parts.hostname if ":" in parts.hostname else parts.hostname, parts.port or 443)
    login = "".join("%s: %s\r\n" % each for each in _proxy_login(proxy).items())
    wire = _Wire(sock, deadline, SHORT_ANSWER)
    wire.sendall(to_bytes("CONNECT %s HTTP/1.1\r\nHost: %s\r\n%s\r\n" % (target, target, login)))
    head, byte = b"", bytearray(1)
    # No byte more than the head: what follows belongs to TLS.
    while not head.endswith(b"\r\n\r\n"):
        if not wire.readinto(byte):
            raise ValueError("the proxy closed the connection")
        head += bytes(byte)
    status = re.match(r"HTTP/1\.[01] (\d{3})", to_native(head, errors="surrogate_or_replace"))
    if not status or not status.group(1).startswith("2"):
        raise ValueError("the proxy does not let it through (%s)" % (status.group(1) if status else "it does not speak HTTP"))


def _proxy_login(proxy):
    return {"Proxy-Authorization": _basic(proxy)} if proxy.username else {}


def _basic(parts):
    login = "%s:%s" % (unquote(parts.username), unquote(parts.password or ""))
    return "Basic " + to_native(base64.b64encode(to_bytes(login)))


def _shake_hands(sock, deadline):
    """TLS, in a time for the whole of it: Python 2.7 begins to wait anew with every byte."""
    sock.setblocking(False)
    while True:
        try:
            return sock.do_handshake()
        except ssl.SSLWantReadError:
            select.select([sock], [], [], deadline.left())
        except ssl.SSLWantWriteError:
            select.select([], [sock], [], deadline.left())


def exchange(sock, parts, method, headers, body, deadline, largest=SHORT_ANSWER, proxy=None):
    """The answer to one request on what is connected to the host of the URL, or to a proxy: a socket, or what sends and receives as one does."""
    wire = _Wire(sock, deadline, largest)
    connection = _Connection(parts, wire)
    try:
        target = (parts.path or "/") + ("?" + parts.query if parts.query else "")
        if proxy:
            target = "http://%s%s" % (parts.netloc.rpartition("@")[2], target)
        connection.request(to_native(method), target, body, dict(_headers(parts, headers or {}, body), **(_proxy_login(proxy) if proxy else {})))
        answer = connection.getresponse()
        # Python 2.7 takes whatever a port says for HTTP/0.9, and an answer that was cut for a whole one.
        if answer.version < 10:
            raise NoAnswer("what answers does not speak HTTP")
        length = 0 if method == "HEAD" else int(answer.getheader("Content-Length") or 0)
        if length > largest:
            raise NoAnswer(_too_large(largest))
        text = b"".join(iter(lambda: answer.read(PIECE), b""))
    except Late as exc:
        raise NoAnswer("%s: %d bytes came" % (exc, wire.came))
    # A header or a path that cannot be sent is a ValueError.
    except (HTTPException, ValueError, EnvironmentError, socket.error) as exc:
        raise NoAnswer(to_native(exc) or type(exc).__name__)
    if len(text) < length:
        raise NoAnswer("the answer was cut after %d bytes" % len(text))
    return Answer(answer.status, answer.msg, to_native(text, errors="surrogate_or_replace"))


def _too_large(largest):
    return "it is larger than %g MB" % (largest / float(1 << 20))


class _Connection(HTTPConnection):
    """HTTP on a wire that is there already. It is closed by whoever opened it: when this would, the answer is still to be read."""

    def __init__(self, parts, wire):
        HTTPConnection.__init__(self, parts.hostname, parts.port or (443 if parts.scheme == "https" else 80))
        # Another port is part of the header Host.
        self.default_port = 443 if parts.scheme == "https" else 80
        self.sock = wire

    def close(self):
        pass


class _Wire(io.RawIOBase):
    """A socket as HTTPConnection uses it, within a time and a size for all that comes."""

    def __init__(self, sock, deadline, largest):
        io.RawIOBase.__init__(self)
        self._sock = sock
        self._deadline = deadline
        self._largest = largest
        self.came = 0

    def sendall(self, data):
        while data:
            data = data[self._within_time(self._sock.send, data) :]

    def makefile(self, *_mode):
        return io.BufferedReader(self)

    def readable(self):
        return True

    def readinto(self, buffer):
        piece = self._within_time(self._sock.recv, len(buffer))
        buffer[: len(piece)] = piece
        self.came += len(piece)
        if self.came > self._largest:
            raise NoAnswer(_too_large(self._largest))
        return len(piece)

    def _within_time(self, act, what):
        self._sock.settimeout(self._deadline.left())
        try:
            return act(what)
        except (EnvironmentError, socket.error) as exc:
            # It had all the time that was left, and the clock above may be a tick behind the one that ended it. Python 2.7 has no class for it in TLS.
            if isinstance(exc, socket.timeout) or "timed out" in to_native(exc):
                raise self._deadline.late()
            raise


def without_login(url):
    """A URL for a message: without the user and the password that may be in it."""
    return re.sub(r"(?<=//)[^/?#]*@", "", to_native(url))


def _headers(parts, given, body):
    """Those given, and what else belongs to the request."""
    headers = {"User-Agent": "halfswap.bluegreen", "Connection": "close"}
    if body is not None:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    if parts.username:
        headers["Authorization"] = _basic(parts)
    named = [name.lower() for name in given]
    return dict({name: value for name, value in headers.items() if name.lower() not in named}, **given)


def request(url, method="GET", headers=None, body=None, timeout_s=5.0, validate_certs=True, ca_path=None, largest=SHORT_ANSWER, proxy=None):
    """The answer to one request."""
    return Sender(validate_certs, ca_path, largest, proxy)(url, method, headers, body, timeout_s)
