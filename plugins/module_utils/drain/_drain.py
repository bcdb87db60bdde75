# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When is nothing in flight? What one sample says, and what a row of samples proves."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os

from ansible.module_utils.common.text.converters import to_native

from ansible_collections.halfswap.bluegreen.plugins.module_utils._dialect import parsed
from ansible_collections.halfswap.bluegreen.plugins.module_utils._http import NoAnswer, NotReached, request, without_login
from ansible_collections.halfswap.bluegreen.plugins.module_utils._shown import Told
from ansible_collections.halfswap.bluegreen.plugins.module_utils._wait import monotonic
from ansible_collections.halfswap.bluegreen.plugins.module_utils.drain import _connections
from ansible_collections.halfswap.bluegreen.plugins.module_utils.sanity._json_path import lookup, whole_number

# The counter is on the node itself, or next to it.
READ_TIMEOUT_S = 2.0

SOCKET_TABLES = ("/proc/net/tcp", "/proc/net/tcp6")
ESTABLISHED = "01"
LISTEN = "0A"


class DrainError(Told):
    """The question cannot be asked this way; the text says which component and which option mends it."""


class Unread(Told):
    """There was no answer this time; there may be one the next time."""


class Watch(object):
    """One component: what the last sample said, and how many samples in a row say that nobody uses it."""

    def __init__(self, name):
        self.name = name
        self.in_flight = None
        self.requests = None
        self.samples = 0
        self.late = False
        # Requests that came while none was in flight: no answer that was still to be counted.
        self.arrived = 0
        self.error = None

    def sample(self, in_flight, requests=None):
        """Take one sample. A request that came and went since the last one begins the row anew."""
        self.late = self.requests is not None and requests != self.requests
        if self.late and self.in_flight == 0:
            self.arrived += max(0, requests - self.requests)
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
    # What is told of it goes into the journal, too.
    url = without_login(component["in_flight_url"])
    try:
        answer = request(component["in_flight_url"], timeout_s=READ_TIMEOUT_S)
    except (NotReached, NoAnswer) as exc:
        raise Unread("%s does not answer (%s)" % (url, to_native(exc)))
    if answer.status != 200:
        raise Unread("%s answers %d" % (url, answer.status))
    try:
        document = parsed(answer.body)
    except ValueError:
        raise DrainError("component %s: %s does not answer with JSON: is in_flight_url right?" % (component["name"], url))

    def number(option):
        try:
            return whole_number(lookup(document, component[option]))
        except LookupError as exc:
            raise DrainError("component %s: %s has %s: is %s right?" % (component["name"], url, to_native(exc), option))
        except ValueError as exc:
            raise DrainError("component %s: %s has at key %s %s: is %s right?" % (component["name"], url, component[option], to_native(exc), option))

    return number("in_flight_key"), number("requests_key") if component["requests_key"] else None


def sockets(text):
    """(state, local port) of each line of a kernel table of TCP sockets."""
    for line in text.splitlines()[1:]:
        fields = line.split()
        yield fields[3], int(fields[1].rsplit(":", 1)[1], 16)


def count_connections(component, tables=None):
    """Established connections to the ports of the component, as the kernel lists them, and no counter of requests."""
    tables = tables or SOCKET_TABLES
    found = []
    for table in tables:
        # Without IPv6 there is no second table.
        if table == tables[0] or os.path.exists(table):
            try:
                with open(table) as handle:
                    found.extend(sockets(handle.read()))
            except IOError as exc:
                raise DrainError("this node has no list of its connections (%s): use method counter" % to_native(exc))
    _heard(component, component["ports"], [port for state, port in found if state == LISTEN])
    return sum(1 for state, port in found if state == ESTABLISHED and port in component["ports"]), None


def _heard(component, ports, listening):
    unheard = [port for port in ports if port not in listening]
    if unheard:
        # A wrong port has no connections either, and would prove nothing.
        raise DrainError(
            "component %s: nothing listens on port %s on this node: is ports right, and is the service running?"
            % (component["name"], ", ".join(str(port) for port in unheard))
        )


class Sockets(object):
    """The connections of the components, as ss shows them each time somebody looks."""

    def __init__(self, run_ss, longest_request_s, quiet_s):
        """run_ss takes the arguments of ss and returns its status, output and complaints; None where there is no ss."""
        self.run_ss = run_ss
        self.longest_request_s, self.quiet_s = longest_request_s, quiet_s
        self._seen = {}

    def look(self, component):
        """All connections of the component now, each with why it may be in use."""
        if self.run_ss is None:
            raise DrainError("this node has no ss, which shows the connections: install the package iproute (iproute2 on Debian)")
        ports = component["ports"] + (component["long_lived_ports"] or [])
        status, out, complaints = self.run_ss(_connections.arguments(ports))
        if status != 0:
            raise DrainError("ss failed with status %d on this node: %s" % (status, complaints.strip()))
        now = monotonic()
        try:
            listening, found = _connections.parse(out)
        except _connections.NotUnderstood as exc:
            raise DrainError("ss printed a line that is not understood: %s. Use method counter or connections" % to_native(exc))
        _heard(component, ports, listening)
        last, at = self._seen.get(component["name"], ({}, now))
        for connection in found:
            connection.judge(self.longest_request_s, self.quiet_s)
            connection.follows(last.get(connection.key), now - at)
        self._seen[component["name"]] = {connection.key: connection for connection in found}, now
        return found


class Reader(object):
    """What a sample of a component counts: what is in flight by the method, and what is long-lived for as long as that is waited for.

    A long-lived connection is one on a port that is declared to have no others. By method kernel it is as well one that has been in use for
    longer than any request takes: a load balancer that has noticed sends no new ones.
    """

    def __init__(self, method, sockets, long_lived_wait_s):
        self.method, self.sockets = method, sockets
        self.long_lived_wait_s = long_lived_wait_s
        self.begun = monotonic()
        # Of each component, how many long-lived connections were left out of its last sample.
        self.left_out = {}

    def sample(self, component):
        """In flight, and requests so far (or None)."""
        declared = component["long_lived_ports"]
        long_lived = count_connections(dict(component, ports=declared))[0] if declared else 0
        requests = None
        if self.method == "counter":
            in_flight, requests = read_counter(component)
        elif self.method == "connections":
            in_flight, requests = count_connections(component)
        else:
            in_use = [each for each in self.sockets.look(component) if each.why and each.port in component["ports"]]
            in_flight = sum(1 for each in in_use if each.in_use_s <= self.sockets.longest_request_s)
            long_lived += len(in_use) - in_flight
        waits = self.long_lived_wait_s is None or monotonic() - self.begun < self.long_lived_wait_s
        self.left_out[component["name"]] = 0 if waits else long_lived
        return in_flight + (long_lived if waits else 0), requests

    def open(self, component):
        """What holds the component up, as far as ss can tell: most interesting first."""
        if not component["ports"]:
            return []
        found = self.sockets.look(component)
        if self.method == "kernel":
            found = [each for each in found if each.why or each.port not in component["ports"]]
        return sorted(found, key=lambda each: (each.why is None, -each.open_s))


def told(connection):
    """A line about a connection that is still open."""
    return "%s -> port %d, open for at least %.1f s, idle for %s s, %s bytes received, %s sent%s" % (
        connection["peer"],
        connection["port"],
        connection["open_s"],
        "?" if connection["idle_s"] is None else "%.1f" % connection["idle_s"],
        "?" if connection["received_bytes"] is None else connection["received_bytes"],
        "?" if connection["sent_bytes"] is None else connection["sent_bytes"],
        " (%s)" % connection["why"] if connection["why"] else "",
    )
