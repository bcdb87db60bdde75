# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When is nothing in flight? What one sample says, and what a row of samples proves."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json
import os

from ansible.module_utils.common.text.converters import to_native

from ansible_collections.halfswap.bluegreen.plugins.module_utils._http import NoAnswer, NotReached, request
from ansible_collections.halfswap.bluegreen.plugins.module_utils._json_path import lookup

# The counter is on the node itself, or next to it.
READ_TIMEOUT_S = 2.0

SOCKET_TABLES = ("/proc/net/tcp", "/proc/net/tcp6")
ESTABLISHED = "01"
LISTEN = "0A"


class DrainError(Exception):
    """The question cannot be asked this way; the text says which component and which option mends it."""


class Unread(Exception):
    """There was no answer this time; there may be one the next time."""


class Watch(object):
    """One component: what the last sample said, and how many samples in a row say that nobody uses it."""

    def __init__(self, name):
        self.name = name
        self.in_flight = None
        self.requests = None
        self.samples = 0
        self.late = False
        self.error = None

    def sample(self, in_flight, requests=None):
        """Take one sample. A request that came and went since the last one begins the row anew."""
        self.late = self.requests is not None and requests != self.requests
        self.in_flight, self.requests, self.error = in_flight, requests, None
        if in_flight != 0:
            self.samples = 0
        elif self.late:
            self.samples = 1
        else:
            self.samples += 1

    def unread(self, error):
        self.in_flight, self.samples, self.error = None, 0, error

    def missing(self, samples):
        """Why it is not drained yet; nothing when it is."""
        if self.samples >= samples:
            return None
        if self.error:
            return "%s: %s" % (self.name, self.error)
        if self.in_flight:
            return "%s: %d in flight" % (self.name, self.in_flight)
        if self.late:
            return "%s: none in flight, but requests keep arriving (%d so far)" % (self.name, self.requests)
        return "%s: none in flight in only %d of %d samples" % (self.name, self.samples, samples)

    def result(self):
        return dict(name=self.name, in_flight=self.in_flight, requests=self.requests, samples=self.samples)


def read_counter(component):
    """In flight and requests so far (or None), as the application counts them."""
    url = component["in_flight_url"]
    try:
        answer = request(url, timeout_s=READ_TIMEOUT_S)
    except (NotReached, NoAnswer) as exc:
        raise Unread("%s does not answer (%s)" % (url, to_native(exc)))
    if answer.status != 200:
        raise Unread("%s answers %d" % (url, answer.status))
    try:
        document = json.loads(answer.body)
    except ValueError:
        raise DrainError("component %s: %s does not answer with JSON: is in_flight_url right?" % (component["name"], url))

    def number(option):
        try:
            return int(lookup(document, component[option]))
        except LookupError as exc:
            raise DrainError("component %s: %s has %s: is %s right?" % (component["name"], url, to_native(exc), option))
        except (TypeError, ValueError):
            raise DrainError("component %s: %s has no number at key %s: is %s right?" % (component["name"], url, component[option], option))

    return number("in_flight_key"), number("requests_key") if component["requests_key"] else None


def sockets(text):
    """(state, local port) of each line of a kernel table of TCP sockets."""
    for line in text.splitlines()[1:]:
        fields = line.split()
        yield fields[3], int(fields[1].rsplit(":", 1)[1], 16)


def count_connections(component, tables=SOCKET_TABLES):
    """Established connections to the ports of the component, as the kernel lists them, and no counter of requests."""
    found = []
    for table in tables:
        # Without IPv6 there is no second table.
        if table == tables[0] or os.path.exists(table):
            try:
                with open(table) as handle:
                    found.extend(sockets(handle.read()))
            except IOError as exc:
                raise DrainError("this node has no list of its connections (%s): use method counter" % to_native(exc))
    unheard = [port for port in component["ports"] if (LISTEN, port) not in found]
    if unheard:
        # A wrong port has no connections either, and would prove nothing.
        raise DrainError(
            "component %s: nothing listens on port %s on this node: is ports right, and is the service running?"
            % (component["name"], ", ".join(str(port) for port in unheard))
        )
    return sum(1 for state, port in found if state == ESTABLISHED and port in component["ports"]), None
