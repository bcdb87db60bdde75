# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HTTP requests, each on a connection of its own, with every answer an answer, whatever its status.

Not with ansible.module_utils.urls: it follows proxies and redirects unless it is kept from that, reads all certificates of the system each time, and
to import it takes a fifth of the time that a module needs on its node.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import base64
import socket
import ssl

from ansible.module_utils.common.text.converters import to_bytes, to_native

try:
    from http.client import HTTPConnection, HTTPException, HTTPSConnection
    from urllib.parse import unquote, urlsplit
except ImportError:  # Python 2.7
    from urllib import unquote

    from httplib import HTTPConnection, HTTPException, HTTPSConnection
    from urlparse import urlsplit

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


class Answer(object):
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body


class Sender(object):
    """Sends requests, from as many threads as there are. Proxies, netrc and redirects are not followed: the answer is that of the server in the URL."""

    def __init__(self, validate_certs=True, ca_path=None):
        self._validate_certs = validate_certs
        self._ca_path = ca_path
        self._tls = None

    def __call__(self, url, method="GET", headers=None, body=None, timeout_s=5.0):
        try:
            parts = urlsplit(to_native(url))
            connection = self._connection(parts, timeout_s)
        # A port that is no number, or a certificate that cannot be read.
        except (ValueError, EnvironmentError) as exc:
            raise NotReached(to_native(exc))
        try:
            try:
                connection.connect()
            except (EnvironmentError, socket.error) as exc:
                raise NotReached(to_native(exc))
            try:
                target = (parts.path or "/") + ("?" + parts.query if parts.query else "")
                connection.request(to_native(method), target, body, _headers(parts, headers or {}, body))
                answer = connection.getresponse()
                text = answer.read()
            # A header or a path that cannot be sent is a ValueError.
            except (HTTPException, ValueError, EnvironmentError, socket.error) as exc:
                raise NoAnswer(to_native(exc) or type(exc).__name__)
        finally:
            connection.close()
        # Python 2.7 takes whatever a port says for HTTP/0.9, and an answer that was cut for a whole one.
        if answer.version < 10:
            raise NoAnswer("what answers does not speak HTTP")
        if method != "HEAD" and len(text) < int(answer.getheader("Content-Length") or 0):
            raise NoAnswer("the answer was cut after %d bytes" % len(text))
        return Answer(answer.status, answer.msg, to_native(text, errors="surrogate_or_replace"))

    def _connection(self, parts, timeout_s):
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("a URL begins with http:// or https:// and a host, which is not so for %s" % parts.geturl())
        if parts.scheme == "http":
            return HTTPConnection(parts.hostname, parts.port, timeout=timeout_s)
        return HTTPSConnection(parts.hostname, parts.port, timeout=timeout_s, context=self._context())

    def _context(self):
        if self._tls is None:
            context = ssl.create_default_context(cafile=self._ca_path)
            if not self._validate_certs:
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
            self._tls = context
        return self._tls


def _headers(parts, given, body):
    """Those given, and what else belongs to the request."""
    headers = {"User-Agent": "halfswap.bluegreen", "Connection": "close"}
    if body is not None:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    if parts.username:
        login = "%s:%s" % (unquote(parts.username), unquote(parts.password or ""))
        headers["Authorization"] = "Basic " + to_native(base64.b64encode(to_bytes(login)))
    named = [name.lower() for name in given]
    return dict({name: value for name, value in headers.items() if name.lower() not in named}, **given)


def request(url, method="GET", headers=None, body=None, timeout_s=5.0, validate_certs=True, ca_path=None):
    """The answer to one request."""
    return Sender(validate_certs, ca_path)(url, method, headers, body, timeout_s)
