# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One HTTP request on a connection of its own, with every answer an answer, whatever its status."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import socket

from ansible.module_utils.common.text.converters import to_native
from ansible.module_utils.urls import open_url

try:
    from http.client import HTTPException
    from urllib import error as urllib_error
except ImportError:  # Python 2.7, where ansible-core has the name
    from ansible.module_utils.urls import urllib_error
    from httplib import HTTPException

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


def request(url, method="GET", headers=None, body=None, timeout_s=5.0, validate_certs=True, ca_path=None):
    """The answer to one request. Proxies, netrc and redirects are not followed: the answer is that of the server named in the URL."""
    try:
        try:
            response = open_url(
                url,
                method=method,
                headers=headers,
                data=body,
                timeout=timeout_s,
                validate_certs=validate_certs,
                ca_path=ca_path,
                http_agent="halfswap.bluegreen",
                use_proxy=False,
                use_netrc=False,
                follow_redirects="none",
                decompress=False,
            )
        except urllib_error.HTTPError as exc:
            response = exc
        text = response.read()
        # Python 2.7 takes an answer that was cut for a whole one.
        if method != "HEAD" and len(text) < int(response.headers.get("Content-Length") or 0):
            raise NoAnswer("the answer was cut after %d bytes" % len(text))
        return Answer(response.code, response.headers, to_native(text, errors="surrogate_or_replace"))
    except urllib_error.URLError as exc:
        raise NotReached(to_native(exc.reason))
    except (HTTPException, socket.error) as exc:
        raise NoAnswer(to_native(exc) or type(exc).__name__)
