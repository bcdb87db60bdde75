# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the kernel tells about the connections to some ports, as ss prints it, and which of them may be in use."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import itertools
import re

# Whoever has closed his direction may still wait for the answer (close-wait). Its numbers mean something else for a listening socket.
STATES = ("listening", "established", "close-wait")
LISTEN = "LISTEN"

# A number that is 0 is not printed. All connections have had a segment, so without segs_in the kernel (before 4.2) does not count at all.
NUMBER = re.compile(r"\b(lastsnd|lastrcv|lastack|bytes_sent|bytes_acked|bytes_received|segs_in):(\d+)")
TIMES = ("lastsnd", "lastrcv", "lastack")
COUNTS = ("bytes_sent", "bytes_acked", "bytes_received", "segs_in")


class NotUnderstood(Exception):
    """A line that is not what any known ss prints."""


def arguments(ports):
    """What to call ss with. Without an option for no header, which old ones lack."""
    states = [word for state in STATES for word in ("state", state)]
    return ["-t", "-i", "-n"] + states + ["( %s )" % " or ".join("sport = :%d" % port for port in ports)]


class Connection(object):
    """One connection at one moment, and since when it has been seen, and seen in use, by whoever looks again and again."""

    def __init__(self, unread, unsent, local, peer):
        self.unread, self.unsent = int(unread), int(unsent)
        self.key = local, peer
        self.port = int(local.rsplit(":", 1)[1])
        self.peer = _address(peer)
        # Milliseconds since the last data, each way; unknown from an ss that does not tell.
        self.received_ms = self.sent_ms = None
        # Bytes, each way; unknown from a kernel that does not count.
        self.received = self.sent = None
        self.why = None
        self.seen_s = self.in_use_s = 0.0

    def told(self, text):
        """Take in what ss adds about the connection."""
        numbers = {name: int(number) for name, number in NUMBER.findall(text)}
        # Times that are all 0 are those of this very moment, which is in use as well as one of which nothing is known.
        if any(name in numbers for name in TIMES):
            self.received_ms, self.sent_ms = numbers.get("lastrcv", 0), numbers.get("lastsnd", 0)
        if any(name in numbers for name in COUNTS):
            self.received = numbers.get("bytes_received", 0)
            # What was sent is counted since kernel 4.19. What was acknowledged is the same as soon as nothing is unsent.
            self.sent = numbers.get("bytes_sent", numbers.get("bytes_acked", 0))

    @property
    def idle_s(self):
        """Seconds without any data; unknown where ss does not tell."""
        return None if self.received_ms is None else min(self.received_ms, self.sent_ms) / 1000.0

    @property
    def open_s(self):
        """Seconds for which it has been open at least: the kernel does not tell since when."""
        return max(self.seen_s, self.idle_s or 0.0)

    def judge(self, longest_request_s, quiet_s):
        """Note why it may be in use, or that it is not. In doubt it is."""
        self.why = self._why(longest_request_s, quiet_s)

    def _why(self, longest_request_s, quiet_s):
        if self.unread:
            return "the application has not read everything"
        if self.unsent:
            return "the other side has not taken everything"
        if self.received_ms is None:
            return "ss does not tell when data passed: iproute is too old (RHEL 7.5 or later has a newer one), or the kernel keeps it back"
        if self.received and not self.sent:
            return "a request without an answer"
        if self.received_ms < self.sent_ms:
            return "data came in last"
        if self.idle_s < quiet_s:
            return "data passed less than %g s ago" % quiet_s
        # A request that came within the same tick of the kernel's clock as the end of the answer before it looks like this, too.
        if self.received_ms == self.sent_ms and self.idle_s < longest_request_s:
            return "data came in and went out at the same moment"
        return None

    def follows(self, former, passed_s):
        """Go on from the same connection as it was judged some seconds ago; None where it is seen for the first time."""
        if former:
            self.seen_s = former.seen_s + passed_s
        if self.why:
            self.in_use_s = former.in_use_s + passed_s if former and former.why else 0.0
            if self.received_ms is not None and self.received_ms < self.sent_ms:
                # It has waited for its answer since then.
                self.in_use_s = max(self.in_use_s, self.received_ms / 1000.0)

    def result(self):
        return dict(
            peer=self.peer,
            port=self.port,
            open_s=round(self.open_s, 1),
            idle_s=None if self.idle_s is None else round(self.idle_s, 1),
            received_bytes=self.received,
            sent_bytes=self.sent,
            in_use=self.why is not None,
            why=self.why or "",
        )


def parse(text):
    """(ports that somebody listens on, connections) of what ss printed."""
    listening, connections = set(), []
    current = None
    for line in text.splitlines():
        if "Recv-Q" in line or not line.strip():
            continue
        if line[0].isspace():
            # Of a listening socket there is nothing to be told.
            if current:
                current.told(line)
            continue
        words = line.split()
        # With one state there is no column for it, and some have a column for the protocol before it.
        leading = list(itertools.takewhile(lambda word: not word.isdigit(), words))
        try:
            unread, unsent, local, peer = words[len(leading) : len(leading) + 4]
            if LISTEN in leading:
                listening.add(int(local.rsplit(":", 1)[1]))
                current = None
                continue
            current = Connection(unread, unsent, local, peer)
        except (IndexError, ValueError):
            raise NotUnderstood(line)
        # Where it is asked for one line each, the rest follows.
        current.told(line)
        connections.append(current)
    return listening, connections


def _address(text):
    """The same notation from every ss: 192.0.2.5:1234 and [2001:db8::5]:1234."""
    host, port = text.rsplit(":", 1)
    host = host.strip("[]")
    if host.startswith("::ffff:") and "." in host:
        host = host[len("::ffff:") :]
    return "%s:%s" % ("[%s]" % host if ":" in host else host, port)
