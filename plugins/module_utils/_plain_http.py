# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HTTP requests for whoever sends tens of them a second: those of _http read all certificates of the system each time, which is 20 ms of a processor."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import socket
import ssl

from ansible.module_utils.common.text.converters import to_native

from ansible_collections.halfswap.bluegreen.plugins.module_utils._http import Answer, NoAnswer, NotReached

try:
    from http.client import HTTPConnection, HTTPException, HTTPSConnection
    from urllib.parse import urlsplit
except ImportError:  # Python 2.7
    from httplib import HTTPConnection, HTTPException, HTTPSConnection
    from urlparse import urlsplit


class Sender(object):
    """Sends requests as _http.request does, each on a connection of its own, from as many threads as there are."""

    def __init__(self, validate_certs=True, ca_path=None):
        self._validate_certs = validate_certs
        self._ca_path = ca_path
        self._tls = None

    def __call__(self, url, method="GET", headers=None, body=None, timeout_s=5.0):
        parts = urlsplit(to_native(url))
        connection = self._connection(parts, timeout_s)
        try:
            try:
                connection.connect()
            except (EnvironmentError, socket.error) as exc:
                raise NotReached(to_native(exc))
            try:
                target = (parts.path or "/") + ("?" + parts.query if parts.query else "")
                connection.request(method, target, body, dict({"User-Agent": "halfswap.bluegreen", "Connection": "close"}, **(headers or {})))
                answer = connection.getresponse()
                text = answer.read()
            except (HTTPException, EnvironmentError, socket.error) as exc:
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
