# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The heartbeat of one component on one node: tells load balancers live or standby, and keeps book of what it told them.

Five threads, however many clients there are: an event loop for each of the two listeners (so that a slow client costs a
socket and nothing else), one thread that checks the component's health, one that reads its status, and the main one, which
waits for a signal. Only the control side's thread writes to disk; the probe side never waits for it.

Nobody who asks is believed, nor is the component: whatever comes from outside has a longest length, and a bounded place to stay.

Runs on Python 2.7 and 3.6 or newer with the standard library alone, because legacy nodes have nothing else.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import argparse
import binascii
import collections
import errno
import fcntl
import hashlib
import hmac
import io
import json
import math
import os
import re
import resource
import select
import signal
import socket
import struct
import sys
import threading
import time
import traceback

try:
    from http.client import HTTPException, HTTPResponse
    from urllib.parse import urlsplit
except ImportError:  # Python 2.7
    from httplib import HTTPException, HTTPResponse
    from urlparse import urlsplit

VERSION = "0.1.0"
TEXT = type(b"".decode("ascii"))

LIVE = "live"
STANDBY = "standby"
DOWN = "down"
PHASE_OF = {LIVE: "SERVING", STANDBY: "STANDING_BY"}
PHASES = ("SCHEDULED", "INITIALISING", "STANDING_BY", "SERVING", "CLEANING_UP", "OBSOLETE")

MAX_CLIENTS = 1024  # of the probe side
MAX_WRITERS = 128  # clients of the control side
OTHER_FILES = 64  # that are open besides those of clients
BACKLOG = 4096  # who comes while the agent has no processor waits here; the kernel may allow fewer (net.core.somaxconn)
ACCEPTED_AT_ONCE = 128  # before those who are here already have their turn
CLIENT_LIFETIME_S = 5.0  # from accept to the last byte of the answer

MAX_HEAD = 8 * 1024
MAX_HEADER_LINES = 64
MAX_BLANK_LINES = 2  # before the request; HTTP asks to bear some
MAX_TARGET = 256  # characters of path and query
MAX_BODY = 16 * 1024
RECEIVED_AT_ONCE = 16 * 1024
MAX_DISCARDED = 1024 * 1024  # of what a client still sends after its answer
SOCKET_BUFFER = 16 * 1024  # what the kernel keeps for a client, in each direction
MAX_HELD = 4 * 1024 * 1024  # of answers that clients do not read, for all clients of a listener

# In the books: how many there are at most, and how many of one address.
DECLARED_PROBERS = (256, 64)
STRANGERS = (128, 16)  # where others are declared
UNDECLARED_PROBERS = (256, 64)  # where nobody is
REFUSED = (64, 8)
MAX_ASKED = 80  # characters of what was asked for
MAX_NETWORKS = 256
FORGET_PROBER_S = 600.0
GAPS_KEPT = 9  # odd, so that the median is one of them
# A long list of probers is written down at most ten times a second, however often somebody asks for it.
LONG_BOOKS = 16
BOOKS_KEPT_S = 0.1

MAX_TEST_S = 300.0  # so that no test is ever left behind
MAX_TEST_PATHS = 32

STATUS_INTERVAL_S = 1.0
STATUS_TIMEOUT_S = 1.0
RATE_SAMPLES = 11  # ten seconds of them
# What the component may say: in all, as its status, and as its release. Small, because parsed JSON takes many times its size.
MAX_COMPONENT_ANSWER = 512 * 1024
MAX_STATUS_BODY = 128 * 1024
MAX_RELEASE = 256
MAX_DIGITS = 18
MAX_WHY = 300

MAX_FILE = 1024 * 1024  # of what is read from the disk
LAST_SECOND = 253402300799  # of the year 9999

STOP_TIMEOUT_S = 3.0  # longer than any poll that keeps its timeout of a second

EXIT_FAILED = 1
EXIT_CONFIG = 2


def log(message):
    try:
        sys.stderr.write("%s\n" % message)
        sys.stderr.flush()
    except EnvironmentError:
        pass  # a log that is gone must not take the heartbeat with it


def parse_json(content):
    """Raises ValueError for everything that is wrong. A number that nobody can mean stays a float: to read it would take long."""
    try:
        return json.loads(content.decode("utf-8"), parse_int=lambda text: int(text) if len(text) <= MAX_DIGITS else float(text))
    except RuntimeError:
        raise ValueError("is nested too deeply")


class Clock:
    """Wall time for people, monotonic time for durations."""

    wall = staticmethod(time.time)
    # Python 2.7 has no time.monotonic; on Linux the elapsed time of times(2) is one, in ticks of 10 ms.
    monotonic = staticmethod(getattr(time, "monotonic", lambda: os.times()[4]))


def iso8601(wall):
    milliseconds = int(round(wall * 1000))
    return "%s.%03dZ" % (time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(milliseconds // 1000)), milliseconds % 1000)


def plain(text):
    """What somebody else has said, as printable ASCII of bounded length."""
    if isinstance(text, bytes):
        text = text.decode("latin-1")
    return re.sub("[^ -~]", lambda match: "\\x%02x" % ord(match.group()), text[: MAX_WHY + 1])[:MAX_WHY]


def describe(error):
    return plain(getattr(error, "strerror", None) or str(error) or type(error).__name__)


# ---- Addresses -----------------------------------------------------------------------------------------------------------


def address_number(text):
    """128 bits. An IPv4 address has the number of the IPv6 address that stands for it, so that there is one kind only."""
    try:
        packed = socket.inet_pton(socket.AF_INET6, text) if ":" in text else IPV4_IN_IPV6 + socket.inet_pton(socket.AF_INET, text)
    except (EnvironmentError, socket.error):
        raise ValueError("no address: %s" % text)
    return int(binascii.hexlify(packed), 16)


IPV4_IN_IPV6 = b"\0" * 10 + b"\xff" * 2


def client_address(peer):
    """As people write it: without the interface, and IPv4 as such where the listener speaks both."""
    address = peer[0].partition("%")[0]
    return address[7:] if address.lower().startswith("::ffff:") and "." in address else address


class Networks:
    """The addresses that were declared to be those of load balancers."""

    def __init__(self, networks):
        self._of_length = {}
        for number, bits in networks:
            self._of_length.setdefault(128 - bits, set()).add(number >> (128 - bits))

    def have(self, address):
        """None where nobody was declared."""
        if not self._of_length:
            return None
        number = address_number(address)
        return any(number >> rest in numbers for rest, numbers in self._of_length.items())


# ---- Configuration: /etc/halfswap-heartbeat/<component>.json -------------------------------------------------------------

Config = collections.namedtuple("Config", "component probe control token_file state_file record_file probers health status digest")
Health = collections.namedtuple("Health", "url timeout_s interval_s fall")
Status = collections.namedtuple("Status", "url release_key requests_key")

REQUIRED = object()


class ConfigError(Exception):
    """What is wrong, with the file and the key."""


class Section:
    """One JSON object of the configuration, taken key by key: what is left over at the end is a mistake."""

    def __init__(self, source, values, prefix=""):
        self._source = source
        self._prefix = prefix
        if not isinstance(values, dict):
            raise ConfigError("%s: %s must be a JSON object" % (source, "key " + prefix[:-1] if prefix else "the configuration"))
        self._left = dict(values)

    def _error(self, key, message):
        return ConfigError("%s: key %s%s %s" % (self._source, self._prefix, key, message))

    def take(self, key, convert, default=REQUIRED):
        if key not in self._left:
            if default is REQUIRED:
                raise self._error(key, "is missing")
            return default
        return self._converted(key, self._left.pop(key), convert)

    def take_list(self, key, convert, most):
        values = self.take(key, lambda values: values, [])
        if not isinstance(values, list) or len(values) > most:
            raise self._error(key, "must be a list of at most %d" % most)
        return [self._converted("%s[%d]" % (key, index), value, convert) for index, value in enumerate(values)]

    def _converted(self, key, value, convert):
        try:
            return convert(value)
        except ValueError as error:
            raise self._error(key, "must be %s, not %s" % (error, json.dumps(value)))

    def section(self, key):
        return Section(self._source, self.take(key, lambda value: value), "%s%s." % (self._prefix, key))

    def optional_section(self, key):
        return self.section(key) if self._left.get(key) is not None else self._left.pop(key, None)

    def end(self):
        if self._left:
            raise self._error(sorted(self._left)[0], "is not known")


def a_string(value):
    if not isinstance(value, TEXT) or not value:
        raise ValueError("a string that is not empty")
    return value


def a_name(value):
    if not isinstance(value, TEXT) or not re.match(r"[A-Za-z0-9][A-Za-z0-9_.-]*\Z", value):
        raise ValueError('a name of letters, digits, "_", "." and "-"')
    return value


def a_path(value):
    if not isinstance(value, TEXT) or not os.path.isabs(value):
        raise ValueError("an absolute path")
    return value


def an_address(value):
    match = isinstance(value, TEXT) and re.match(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\[\]:\s]+)):([0-9]{1,5})\Z", value)
    if not match or not 1 <= int(match.group(3)) <= 65535:
        raise ValueError('"address:port", for instance "0.0.0.0:9100" or "[::]:9100"')
    return str(match.group(1) or match.group(2)), int(match.group(3))


def a_network(value):
    """An address or a network, as number and length of its prefix."""
    match = isinstance(value, TEXT) and re.match(r"([0-9A-Fa-f:.]+)(?:/([0-9]{1,3}))?\Z", value)
    try:
        number = address_number(match.group(1)) if match else None
    except ValueError:
        number = None
    outside = 0 if number is None or ":" in value else 96
    bits = outside + int(match.group(2)) if match and match.group(2) else 128
    if number is None or bits > 128:
        raise ValueError('an address or a network, for instance "192.0.2.5", "192.0.2.0/24" or "2001:db8::/64"')
    if bits == outside:
        raise ValueError("a network of load balancers; this one is everybody")
    if number & ((1 << (128 - bits)) - 1):
        raise ValueError('an address ("%s") or a network by its first address' % match.group(1))
    return number, bits


def a_url(value):
    try:
        if not isinstance(value, TEXT) or re.search(r"[^!-~]", value):
            raise ValueError
        parts = urlsplit(value)
        if parts.scheme != "http" or not parts.hostname or parts.port == 0 or parts.username is not None:
            raise ValueError
    except ValueError:
        raise ValueError("a URL that begins with http://")
    return str(value)


def a_duration(value):
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= 3600:
        raise ValueError("a number of seconds, above 0 and up to 3600")
    return float(value)


def a_count(value):
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 1000:
        raise ValueError("a whole number from 1 to 1000")
    return value


def load_config(source):
    try:
        with open(source, "rb") as config_file:
            content = config_file.read()
    except EnvironmentError as error:
        raise ConfigError("%s: cannot be read: %s" % (source, describe(error)))
    try:
        values = json.loads(content.decode("utf-8"))
    except ValueError as error:
        raise ConfigError("%s: is not JSON: %s" % (source, error))

    top = Section(source, values)
    health = top.section("health")
    status = top.optional_section("status")
    config = Config(
        component=top.take("component", a_name),
        probe=top.take("probe", an_address),
        control=top.take("control", an_address),
        token_file=top.take("token_file", a_path),
        state_file=top.take("state_file", a_path),
        record_file=top.take("record_file", a_path, None),
        probers=top.take_list("probers", a_network, MAX_NETWORKS),
        health=Health(
            url=health.take("url", a_url),
            timeout_s=health.take("timeout_s", a_duration, 1.0),
            interval_s=health.take("interval_s", a_duration, 0.5),
            fall=health.take("fall", a_count, 2),
        ),
        status=status
        and Status(
            url=status.take("url", a_url),
            release_key=status.take("release_key", a_string, None),
            requests_key=status.take("requests_key", a_string, None),
        ),
        # What the role compares to see whether the agent runs with the configuration that is on disk.
        digest=hashlib.sha1(content).hexdigest(),
    )
    for section in (top, health) + ((status,) if status else ()):
        section.end()
    if config.probe == config.control:
        raise ConfigError("%s: key control must not be the address of key probe: writing is allowed on the control side only" % source)
    return config


class Tokens:
    """The bearer tokens of the control side, one a line. Read for each write, so that a changed file needs no restart.

    There are two while a token is being replaced: the new one and the former one.
    """

    _key = os.urandom(32)

    def __init__(self, path):
        self._path = path

    def read(self):
        with open(self._path, "rb") as token_file:
            tokens = [line.strip() for line in token_file.read(MAX_FILE).splitlines() if line.strip()]
        if not tokens:
            raise EnvironmentError(errno.ENODATA, "is empty")
        return tokens

    def match(self, authorization):
        scheme, _blank, given = authorization.partition(" ")
        given = self._digest(given.strip().encode("latin-1"))
        return scheme.lower() == "bearer" and given in [self._digest(token) for token in self.read()]

    def _digest(self, token):
        # Digests under a key that nobody knows may be compared in any time; the oldest 2.7 has no hmac.compare_digest.
        return hmac.new(self._key, token, hashlib.sha256).digest()


# ---- State: what was last written, on disk before anybody is told ----------------------------------------------------------


class Record(collections.namedtuple("Record", "state revision since by reason run_id phase")):
    """What a heartbeat was last set to. `since` is the wall time of the last flip."""

    __slots__ = ()

    @classmethod
    def first(cls, wall, reason, state=STANDBY):
        # A revision that grows with time: a writer who decided on an older, lost record never matches it.
        return cls(state, int(wall), wall, "agent", reason, None, PHASE_OF[state])

    def wanted(self, wanted, wall):
        """The record after what a writer wants; this very one when nothing differs."""
        flip = wanted.state != self.state
        phase = wanted.phase or (PHASE_OF[wanted.state] if flip else self.phase)
        if not flip and (phase, wanted.run_id) == (self.phase, self.run_id):
            return self
        return Record(wanted.state, self.revision + 1, wall if flip else self.since, wanted.by, wanted.reason, wanted.run_id, phase)

    @classmethod
    def parse(cls, content):
        """Raises ValueError for anything that this agent has not written."""
        values = parse_json(content)
        if not isinstance(values, dict) or set(values) != set(cls._fields):
            raise ValueError("it must have exactly the keys %s" % ", ".join(cls._fields))
        record = cls(**{str(key): value for key, value in values.items()})
        numbers = [n for n in (record.revision, record.since) if isinstance(n, (int, float)) and not isinstance(n, bool)]
        texts = [t for t in (record.by, record.reason, record.run_id) if t is None or isinstance(t, TEXT)]
        if (
            record.state not in tuple(PHASE_OF)
            or record.phase not in PHASES
            or len(numbers) != 2
            or isinstance(record.revision, float)
            or record.revision < 0
            or not 0 <= record.since <= LAST_SECOND
            or len(texts) != 3
        ):
            raise ValueError("it has a value that no agent writes")
        return record

    def encode(self):
        return (json.dumps(self._asdict(), indent=2, sort_keys=True) + "\n").encode("ascii")


REFUSED_UNTIL = "and every write is refused until it can be read and the agent is restarted, or until it is moved away"


class NotUsable(Exception):
    """There is a state, and nobody can tell what it says."""


def read_file(path):
    with open(path, "rb") as opened:
        return opened.read(MAX_FILE)


class StateStore:
    """A record in a file that survives a power cut: either the old one or the new one is there, whole.

    What it cannot read it never overwrites. What is no record is kept aside under another name. What cannot even be read stays
    where it is, for that may be mended (an owner, a disk), and until then nothing is written.
    """

    def __init__(self, path):
        self._path = path
        self._saved = None
        self.in_the_way = False

    def load(self):
        """The saved record, or None when there is no file. Raises NotUsable."""
        try:
            content = read_file(self._path)
        except EnvironmentError as error:
            if error.errno == errno.ENOENT:
                return None
            self.in_the_way = True
            raise NotUsable("%s cannot be read (%s). It stays as it is, %s" % (self._path, describe(error), REFUSED_UNTIL))
        try:
            self._saved = Record.parse(content)
        except ValueError as error:
            raise NotUsable("%s is damaged (%s). %s" % (self._path, describe(error), self._keep_aside()))
        return self._saved

    def _keep_aside(self):
        aside = name = "%s.damaged-%s" % (self._path, time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()))
        count = 1
        while os.path.lexists(aside):
            count += 1
            aside = "%s-%d" % (name, count)
        try:
            os.rename(self._path, aside)
        except EnvironmentError as error:
            self.in_the_way = True
            return "It cannot be kept aside (%s), so it stays as it is, %s" % (describe(error), REFUSED_UNTIL)
        return "It is kept as %s" % aside

    def save(self, record):
        if self.in_the_way and os.path.lexists(self._path):
            raise EnvironmentError(errno.EEXIST, "%s was not usable when the agent started, %s" % (self._path, REFUSED_UNTIL))
        self.in_the_way = False
        self._replace(record)
        try:
            self._sync_directory()
        except EnvironmentError:
            # The new record may or may not outlive a power cut, and the caller will say that nothing was changed.
            if self._saved:
                self._replace(self._saved)
            else:
                os.remove(self._path)
            raise
        self._saved = record

    def _replace(self, record):
        temporary = self._path + ".tmp"
        with open(temporary, "wb") as state_file:
            state_file.write(record.encode())
            state_file.flush()
            os.fsync(state_file.fileno())
        os.rename(temporary, self._path)

    def _sync_directory(self):
        directory = os.open(os.path.dirname(self._path), os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


# ---- Probers: what each load balancer's health checker was told ---------------------------------------------------------------


class Prober:
    def __init__(self):
        self.seen = 0
        self.first_seen = self.last_seen = None
        self.gaps = collections.deque(maxlen=GAPS_KEPT)
        self.forget_answers()

    def forget_answers(self):
        self.answers = {LIVE: 0, STANDBY: 0, DOWN: 0}
        self.consecutive = {LIVE: 0, "not_live": 0, STANDBY: 0, "not_standby": 0}

    def count(self, word, now):
        if self.last_seen is None:
            self.first_seen = now
        else:
            self.gaps.append(now - self.last_seen)
        self.last_seen = now
        self.seen += 1
        self.answers[word] += 1
        for state in (LIVE, STANDBY):
            run, ended = (state, "not_" + state) if word == state else ("not_" + state, state)
            self.consecutive[run] += 1
            self.consecutive[ended] = 0

    def interval_s(self):
        return round(sorted(self.gaps)[len(self.gaps) // 2], 3) if self.gaps else None


class Refused:
    """Questions of one address, all of the same kind, that got no word."""

    def __init__(self):
        self.seen = 0

    def count(self, error, now):
        self.seen += 1
        self.error = error
        self.last_seen = now


class Book:
    """Entries by address and key. When it is full, the one that was seen least makes room: a steady one is never displaced.

    One address has a limit of its own and makes room itself, so that many questions of one displace nobody else.
    """

    def __init__(self, make, limits):
        self._make = make
        self._most, self._most_of_one = limits
        self._of = {}  # by address, then by key
        self._size = 0

    def entry(self, address, key):
        found = self._of.get(address, {}).get(key)
        if found:
            return found
        if len(self._of.get(address, ())) >= self._most_of_one:
            self._drop_least([address])
        elif self._size >= self._most:
            self._drop_least(self._of)
        self._size += 1
        made = self._of.setdefault(address, {})[key] = self._make()
        return made

    def _drop_least(self, addresses):
        self._drop(*min(((a, k) for a in addresses for k in self._of[a]), key=lambda where: self._steadiness(*where)))

    def _steadiness(self, address, key):
        entry = self._of[address][key]
        return entry.seen, entry.last_seen

    def _drop(self, address, key):
        self._size -= 1
        del self._of[address][key]
        if not self._of[address]:
            del self._of[address]

    def forget(self, before):
        for address, key, entry in list(self):
            if entry.last_seen < before:
                self._drop(address, key)

    def __iter__(self):
        return ((address, key, entry) for address, entries in self._of.items() for key, entry in entries.items())


class Books:
    """What was told to whom. Declared probers have books of their own, so that no stranger displaces one."""

    def __init__(self, networks, clock):
        self._clock = clock
        self._networks = networks
        self._probers = {None: Book(Prober, UNDECLARED_PROBERS), True: Book(Prober, DECLARED_PROBERS), False: Book(Prober, STRANGERS)}
        self._refused = {declared: Book(Refused, REFUSED) for declared in self._probers}
        self._forget_at = clock.monotonic()

    def count(self, address, path, word):
        self._enter(self._probers, address, path, word)

    def refuse(self, address, asked, code, error):
        self._enter(self._refused, address, (code, asked), error)

    def _enter(self, books, address, key, what):
        now = self._clock.monotonic()
        if now >= self._forget_at:
            self._forget(now)
        books[self._networks.have(address)].entry(address, key).count(what, now)

    def _forget(self, now):
        for book in list(self._probers.values()) + list(self._refused.values()):
            book.forget(now - FORGET_PROBER_S)
        self._forget_at = now + 1

    def flip(self):
        for book in self._probers.values():
            for _address, _path, prober in book:
                prober.forget_answers()

    def report(self):
        """Copies, because they are written down while others are counted."""
        now = self._clock.monotonic()
        self._forget(now)
        probers = [
            {
                "address": address,
                "path": path,
                "declared": declared,
                "answers": dict(prober.answers),
                "consecutive": dict(prober.consecutive),
                "first_seen_s": round(now - prober.first_seen, 3),
                "interval_s": prober.interval_s(),
                "last_seen_s": round(now - prober.last_seen, 3),
                "seen": prober.seen,
            }
            for declared, book in self._probers.items()
            for address, path, prober in book
        ]
        refused = [
            {
                "address": address,
                "asked": asked,
                "code": code or None,
                "declared": declared,
                "error": entry.error,
                "last_seen_s": round(now - entry.last_seen, 3),
                "seen": entry.seen,
            }
            for declared, book in self._refused.items()
            for address, (code, asked), entry in book
        ]
        return sorted(probers, key=lambda p: (p["address"], p["path"])), sorted(refused, key=lambda r: (r["address"], r["code"] or 0, r["asked"]))


# ---- The component: is it healthy, and what does it say about itself --------------------------------------------------------


class DeadlineSocket(io.RawIOBase):
    """What HTTPResponse reads from: gives up at one deadline, however slowly the bytes drip in, and at one size."""

    def __init__(self, sock, deadline, monotonic):
        super(DeadlineSocket, self).__init__()
        self._left = MAX_COMPONENT_ANSWER
        self._sock = sock
        self._deadline = deadline
        self._monotonic = monotonic

    def makefile(self, *_mode):
        return io.BufferedReader(self)

    def readable(self):
        return True

    def readinto(self, buffer):
        left_s = self._deadline - self._monotonic()
        if left_s <= 0:
            raise socket.timeout("timed out")
        if self._left <= 0:
            raise EnvironmentError(errno.EMSGSIZE, "answered more than %d bytes" % MAX_COMPONENT_ANSWER)
        self._sock.settimeout(left_s)
        received = self._sock.recv_into(buffer)
        self._left -= received
        return received


class GetError(Exception):
    """There was no answer, or none that speaks HTTP."""


def http_get(url, timeout_s, monotonic=Clock.monotonic):
    """Status and body. Not urllib: it follows proxies of the environment, and its timeout starts again with every byte."""
    try:
        return _http_get(url, timeout_s, monotonic)
    except Exception as error:  # whatever a hostile answer makes of the library that reads it: a check has failed, no more
        raise GetError(describe(error))


def _http_get(url, timeout_s, monotonic):
    parts = urlsplit(url)
    target = (parts.path or "/") + ("?" + parts.query if parts.query else "")
    request = "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: halfswap-heartbeat/%s\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    deadline = monotonic() + timeout_s
    sock = socket.create_connection((parts.hostname, parts.port or 80), timeout_s)
    try:
        sock.sendall((request % (target, parts.netloc, VERSION)).encode("ascii"))
        response = HTTPResponse(DeadlineSocket(sock, deadline, monotonic))
        response.begin()
        if response.version < 10:  # Python 2.7 takes whatever a port says for HTTP/0.9
            raise HTTPException("does not speak HTTP")
        return response.status, response.read(MAX_STATUS_BODY + 1)
    finally:
        sock.close()


class HealthPoller:
    """Healthy from the first good check on, until `fall` checks in a row were bad. No news is bad news."""

    def __init__(self, health, clock, get=http_get):
        self._health = health
        self._clock = clock
        self._get = get
        self._polling = threading.Lock()
        self._failures = 0
        self._result = (False, "no health check has finished yet", None)
        # The time in which one check more than `fall` has finished even if each of them ran into its timeout.
        self._stale_s = (health.fall + 1) * (health.interval_s + health.timeout_s)

    def poll(self):
        with self._polling:
            try:
                code, _body = self._get(self._health.url, self._health.timeout_s)
                good, said = 200 <= code <= 299, "answered %d" % code
            except GetError as error:
                good, said = False, str(error)
            was_healthy = self.verdict()[0]
            self._failures = 0 if good else self._failures + 1
            healthy = good or (was_healthy and self._failures < self._health.fall)
            why = "%s: %s" % (self._health.url, said)
            if not good:
                why += " (%d bad in a row, %d make it down)" % (self._failures, self._health.fall)
            self._result = (healthy, why, self._clock.monotonic())
        if healthy != was_healthy:
            log("%s: %s" % ("healthy" if healthy else "down", why))
        return good

    def verdict(self):
        """Healthy or not, and why."""
        healthy, why, when = self._result
        age_s = 0 if when is None else self._clock.monotonic() - when
        if age_s > self._stale_s:
            return False, "the last health check finished %.1f s ago (%s)" % (age_s, why)
        return healthy, why


# As plugins/module_utils/_json_path.py reads them, which this one file cannot import; a test compares the two.
NUMBER = re.compile(r"[0-9]{1,18}(\.[0-9]{1,18})?([eE][+-]?[0-9]{1,2})?\Z")
MOST = 10**18


def find(values, dotted_key):
    """What is at the key, of which the parts between the dots may be keys within keys, or one key that has dots itself. Raises LookupError."""
    found = all_at(values, dotted_key.split("."))
    if not found:
        raise LookupError("nothing at key %s" % plain(dotted_key))
    if len(found) > 1:
        raise LookupError("several values at key %s, as there are keys with dots in them" % plain(dotted_key))
    return found[0]


def all_at(values, parts):
    if not parts:
        return [values]
    if isinstance(values, dict):
        names = [(count, ".".join(parts[:count])) for count in range(1, len(parts) + 1)]
        return [found for count, name in names if name in values for found in all_at(values[name], parts[count:])]
    if isinstance(values, list) and parts[0].isdigit() and int(parts[0]) < len(values):
        return all_at(values[int(parts[0])], parts[1:])
    return []


def whole_number(value):
    """A count, which may be written 7, 7.0, 7e0 or "7". Raises ValueError."""
    number = value
    if isinstance(value, TEXT) and NUMBER.match(value):
        number = int(value) if value.isdigit() else float(value)
    if isinstance(number, float) and number.is_integer():
        number = int(number)
    if isinstance(number, (bool, float)) or not isinstance(number, (int, type(MOST))) or not 0 <= number < MOST:
        told = "an object" if isinstance(value, dict) else "a list" if isinstance(value, list) else json.dumps(value)
        raise ValueError("%s, and a whole number from 0 on belongs there" % told)
    return number


class StatusPoller:
    """The release the component reports, and how many requests it got since the last flip (or since the agent started)."""

    def __init__(self, status, clock, get=http_get):
        self._status = status
        self._clock = clock
        self._get = get
        self._polling = threading.Lock()  # answers count in the order in which they were asked for
        self._lock = threading.Lock()
        self._release = self._total = self._at_flip = self._error = None
        self._samples = collections.deque(maxlen=RATE_SAMPLES)

    def poll(self):
        """Returns the number of requests so far, or None when the component does not tell."""
        if not self._status:
            return None
        with self._polling:
            said, errors = {}, []
            try:
                values = self._read()
                for what, read in (("release", self._release_in), ("requests", self._requests_in)):
                    try:
                        said[what] = read(values)
                    except (LookupError, ValueError) as failure:
                        errors.append(describe(failure))
            except (GetError, ValueError) as failure:
                errors.append(describe(failure))
            error = plain("%s: %s" % (self._status.url, "; ".join(errors))) if errors else None
            return self._take(said.get("release"), said.get("requests"), error)

    def _read(self):
        code, body = self._get(self._status.url, STATUS_TIMEOUT_S)
        if code != 200:
            raise GetError("answered %d" % code)
        if len(body) > MAX_STATUS_BODY:
            raise GetError("answered more than %d bytes" % MAX_STATUS_BODY)
        return parse_json(body)

    def _value(self, values, key, usual):
        """What is at a key. One that the configuration names must be there; one that is only usual may be missing or null."""
        try:
            found = find(values, key or usual)
        except LookupError:
            if key:
                raise
            return None
        if found is None and key:
            raise LookupError("null at key %s" % plain(key))
        return found

    def _release_in(self, values):
        release = self._value(values, self._status.release_key, "release")
        if isinstance(release, (int, float)):
            release = TEXT(json.dumps(release))
        if release is not None and (not isinstance(release, TEXT) or len(release) > MAX_RELEASE):
            raise ValueError("its %s is no text of at most %d characters" % (plain(self._status.release_key or "release"), MAX_RELEASE))
        return release

    def _requests_in(self, values):
        total = self._value(values, self._status.requests_key, "requests")
        try:
            return total if total is None else whole_number(total)
        except ValueError as error:
            raise ValueError("key %s has %s" % (plain(self._status.requests_key or "requests"), error))

    def _take(self, release, total, error):
        with self._lock:
            self._error = error
            self._release = release
            self._total = total
            if total is not None:
                if self._samples and total < self._samples[-1][1]:
                    # The component was restarted: all that it has counted came after that.
                    self._samples.clear()
                    self._at_flip = 0
                if self._at_flip is None:
                    self._at_flip = total
                self._samples.append((self._clock.monotonic(), total))
        return total

    def flip(self, total):
        with self._lock:
            self._at_flip = total

    def release(self):
        """The release that the component reports, and why it is not known."""
        with self._lock:
            return self._release, self._error

    def requests(self):
        with self._lock:
            first, last = (self._samples[0], self._samples[-1]) if self._samples else ((0, 0), (0, 0))
            measurable = self._total is not None and last[0] > first[0]
            return {
                "total": self._total,
                "since_flip": None if self._total is None else self._total - self._at_flip,
                "rate_per_s": round((last[1] - first[1]) / (last[0] - first[0]), 3) if measurable else None,
            }


# ---- The heartbeat itself --------------------------------------------------------------------------------------------------------

Wanted = collections.namedtuple("Wanted", "state reason run_id phase by")
WantedTest = collections.namedtuple("WantedTest", "words seconds reason run_id by")


class Conflict(Exception):
    """The writer decided on a revision that is no longer the current one."""


class NotStandingBy(Exception):
    """A test would take a live node out."""


class MatchTest:
    """For a while some probers get an answer that says down by its status, and by its body to whoever takes the whole of it.

    Only a match that is not anchored takes it for the word. That shows such a load balancer while the node is out of use.
    """

    def __init__(self, wanted, until):
        self._words = wanted.words
        self._until = until
        self.run_id = wanted.run_id

    def left_s(self, now):
        return self._until - now

    def body(self, path):
        """What is sent instead of `down`, or None where nothing is tested."""
        word = self._words.get(path)
        return word and "%s? No: this only tests whether the match is anchored. It must not find %s" % (word, word)


class Heartbeat:
    """Puts record, health and probers together. Only the control side's thread calls change, so one change follows the other."""

    def __init__(self, config, clock, store, health, status):
        self._config = config
        self._clock = clock
        self._store = store
        self._health = health
        self._status = status
        self._started = clock.monotonic()
        self._answering = threading.Lock()  # record and books change together; never held for a disk or a network
        self._networks = Networks(config.probers)
        self._books = Books(self._networks, clock)
        self._flips = 0
        self._written_books = (None, 0, "")  # of which flip, when, and what
        self._test = None
        self._state_error = None
        self._record = self._load()
        # From here on in monotonic time, so that setting the clock does not move it.
        self._flipped = self._started - max(0.0, clock.wall() - self._record.since)

    def _load(self):
        try:
            record = self._store.load()
            if record:
                return record
            record = Record.first(self._clock.wall(), "first boot")
            log("%s: first boot; starting as standby" % self._config.state_file)
        except NotUsable as error:
            # Standby would take a node out that serves, and after a power cut perhaps all of them. Live would let a node in that
            # nobody has proven. Beside the state lies the record of what the runs proved: it alone can say live.
            state, why = self._noted_state()
            self._state_error = "%s. %s, so the heartbeat is %s" % (error, why, state)
            if not self._store.in_the_way:
                self._state_error += " until somebody writes it"
            record = Record.first(self._clock.wall(), self._state_error, state)
            log(self._state_error)
        if not self._store.in_the_way:
            try:
                self._store.save(record)
            except EnvironmentError as error:
                log("%s: cannot be written: %s" % (self._config.state_file, describe(error)))
        return record

    def _noted_state(self):
        """What the node serves by the record of the runs, and how that is known."""
        if not self._config.record_file:
            return STANDBY, "No record of what this node serves is configured"
        try:
            record = parse_json(read_file(self._config.record_file))
            phase = record.get("phase") if isinstance(record, dict) else None
            if phase not in PHASES:
                raise ValueError("it names no phase")
        except (EnvironmentError, ValueError) as error:
            return STANDBY, "The record of what this node serves cannot be used (%s: %s)" % (self._config.record_file, describe(error))
        return LIVE if phase == PHASE_OF[LIVE] else STANDBY, "The record of what this node serves (%s) says %s" % (self._config.record_file, phase)

    def declared(self, address):
        return self._networks.have(address)

    def _word(self):
        return self._record.state if self._health.verdict()[0] else DOWN

    def answer(self):
        return self._word()

    def answer_prober(self, address, path):
        """The word, and the body where that is another text."""
        with self._answering:
            test = self._running_test()
            body = test and test.body(path)
            word = DOWN if body else self._word()
            self._books.count(address, path, word)
            return word, body or word

    def refuse(self, address, asked, code, error):
        with self._answering:
            self._books.refuse(address, asked, code, error)

    def _running_test(self):
        return self._test if self._test and self._test.left_s(self._clock.monotonic()) > 0 else None

    def test(self, wanted, revision=None):
        """Begin a test, in place of the one that runs, or end it (0 seconds). Raises Conflict or NotStandingBy."""
        record = self._record
        self._decided_on(revision, record)
        if record.state != STANDBY:
            raise NotStandingBy("the heartbeat is %s: matches are tested on a node that is in standby" % record.state)
        with self._answering:
            self._test = MatchTest(wanted, self._clock.monotonic() + wanted.seconds)
        log(
            "match test of %s for %.1f s, by %s, run %s: %s"
            % ((json.dumps(wanted.words, sort_keys=True), wanted.seconds) + tuple(map(json.dumps, (wanted.by, wanted.run_id, wanted.reason))))
        )

    @staticmethod
    def _decided_on(revision, record):
        if revision is not None and revision != record.revision:
            raise Conflict("the heartbeat is at revision %d, not %d: somebody else wrote it" % (record.revision, revision))

    def change(self, wanted, revision=None):
        """True when that changed anything. Raises Conflict, or EnvironmentError when the record cannot be made durable."""
        before = self._record
        self._decided_on(revision, before)
        after = before.wanted(wanted, self._clock.wall())
        if after is before:
            self._confirmed()
            return False
        flip = after.state != before.state
        requests = self._status.poll() if flip else None
        self._store.save(after)
        with self._answering:
            self._record = after
            if flip:
                self._test = None
                self._flipped = self._clock.monotonic()
                self._flips += 1
                self._books.flip()
                self._status.flip(requests)
        self._confirmed()
        log(
            "%s -> %s, %s -> %s, revision %d, by %s, run %s: %s"
            % ((before.state, after.state, before.phase, after.phase, after.revision) + tuple(map(json.dumps, (after.by, after.run_id, after.reason))))
        )
        return True

    def _confirmed(self):
        """Somebody who may write has said what the heartbeat is: it is no guess any more."""
        if not self._store.in_the_way:
            self._state_error = None

    def check_now(self):
        """Whether the component is healthy at this very moment, whatever the checks before said."""
        good = self._health.poll()
        self._status.poll()
        return good

    def status(self, good=True, **more):
        """As JSON. The books are of the same flip as the state, and a long one is up to BOOKS_KEPT_S old."""
        release, status_error = self._status.release()
        with self._answering:
            record, now, flips, books = self._record, self._clock.monotonic(), self._flips, None
            written_at_flip, written_at, written = self._written_books
            if written_at_flip != flips or now - written_at >= BOOKS_KEPT_S:
                books = self._books.report()
            healthy, why = self._health.verdict()
            test = self._running_test()
            values = {
                "component": self._config.component,
                "state": record.state,
                "answer": record.state if healthy else DOWN,
                "revision": record.revision,
                "since": iso8601(record.since),
                "since_s": round(now - self._flipped, 3),
                "by": record.by,
                "reason": record.reason,
                "run_id": record.run_id,
                "phase": record.phase,
                "state_error": self._state_error,
                "healthy": healthy and good,
                "why": why,
                "release": release,
                "status_error": status_error,
                "requests": self._status.requests(),
                "agent": {"version": VERSION, "started_s": round(now - self._started, 3), "config": self._config.digest},
                "test": test and {"run_id": test.run_id, "left_s": round(test.left_s(now), 3)},
            }
        if books:
            written = self._write_down(*books)
            if len(books[0]) + len(books[1]) > LONG_BOOKS:
                self._written_books = flips, now, written
        values.update(more)
        return "%s, %s}\n" % (json.dumps(values, sort_keys=True)[:-1], written)

    @staticmethod
    def _write_down(probers, refused):
        # One by one, so that a prober who comes meanwhile gets its answer in between; unsorted, because Python 2.7 sorts slowly.
        return '"probers": [%s], "refused": [%s]' % tuple(", ".join([json.dumps(entry) for entry in entries]) for entries in (probers, refused))


# ---- HTTP: the API -------------------------------------------------------------------------------------------------------------

REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    413: "Payload Too Large",
    414: "URI Too Long",
    415: "Unsupported Media Type",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    503: "Service Unavailable",
}

REQUEST_LINE = re.compile(r"([A-Z]{1,16}) (/[!-~]*) HTTP/1\.[01]\Z")
HEADERS = ("authorization", "content-length", "content-type", "if-match", "transfer-encoding")  # the others are not kept

Request = collections.namedtuple("Request", "method path query headers body address")


class Response:
    def __init__(self, code, body, content_type, headers=()):
        self._code = code
        self._body = body
        self._headers = (
            ("Content-Type", content_type),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
            ("Connection", "close"),
        ) + tuple(headers)

    def encode(self, with_body=True):
        head = "HTTP/1.1 %d %s\r\n%s\r\n" % (self._code, REASONS[self._code], "".join("%s: %s\r\n" % header for header in self._headers))
        return head.encode("ascii") + (self._body if with_body else b"")


def word_response(code, body):
    return Response(code, body.encode("ascii"), "text/plain")


def json_response(code, text, headers=()):
    return Response(code, text.encode("ascii"), "application/json", headers)


class Refusal(Exception):
    def __init__(self, code, message, headers=()):
        super(Refusal, self).__init__(message)
        self.code = code
        self.response = json_response(code, json.dumps({"error": message}) + "\n", headers)


# How those begin that speak something else, what that is called, and what is said to them.
OTHER_TONGUES = (
    (b"\x16\x03", "TLS", "this is TLS, and the heartbeat is plain HTTP: let the health check go without it"),
    (b"PROXY ", "a PROXY header", "this is a PROXY header, which nobody reads here: let the health check go without it"),
    (b"\r\n\r\n\0\r", "a PROXY header", "this is a PROXY header, which nobody reads here: let the health check go without it"),
    (b"PRI * HTTP/2", "HTTP/2", "this is HTTP/2, and the heartbeat is HTTP/1: let the health check speak that"),
)
LONGEST_BEGINNING = 12
ASKED_NOTHING = "it connected, and asked nothing: a check of the connection alone does not learn what the heartbeat says"
ASKED_IN_PART = "it hung up, or its time was over, before its question had come as a whole"


class Parser:
    """Takes the bytes of a request as they come, each looked at once, and keeps of them only what somebody asks for later."""

    def __init__(self, address, max_body):
        self._address = address
        self._max_body = max_body
        self._begins = b""
        self._pending = bytearray()  # a line that has not ended yet, or the body
        self._size = self._blank_lines = self._header_lines = 0
        self._asked = None  # method and target
        self._headers = {}
        self._length = None  # of the body, once the head is over

    def feed(self, received):
        """The request, or None while it is incomplete. A body that is too large is not waited for: it is None. Raises Refusal."""
        if len(self._begins) < LONGEST_BEGINNING:
            self._begins += received[: LONGEST_BEGINNING - len(self._begins)]
            for beginning, _name, message in OTHER_TONGUES:
                if self._begins.startswith(beginning):
                    raise Refusal(400, message)
        looked = len(self._pending)
        self._pending += received
        while self._length is None:
            end = self._pending.find(b"\n", looked)
            looked = 0
            self._measure(len(self._pending) if end < 0 else end + 1)
            if end < 0:
                return None
            line = bytes(self._pending[:end])
            del self._pending[: end + 1]
            self._size += end + 1
            self._take(line[:-1] if line.endswith(b"\r") else line)
        if self._length > self._max_body:
            return self._request(None)
        return self._request(bytes(self._pending[: self._length])) if len(self._pending) >= self._length else None

    def asked(self):
        """What was asked for so far, in a few words. Those of one kind are alike, whatever number is in each of them."""
        if self._asked:
            return asked_for(self._asked[0], self._asked[1].partition("?")[0])
        if not self._begins:
            return "nothing"
        return next((name for beginning, name, _message in OTHER_TONGUES if self._begins.startswith(beginning)), "no HTTP")

    def _measure(self, more):
        if self._size + more > MAX_HEAD:
            if not self._asked:
                raise Refusal(414, "the request line is larger than %d bytes" % MAX_HEAD)
            raise Refusal(431, "the request line and the headers are larger than %d bytes" % MAX_HEAD)

    def _take(self, line):
        if not self._asked:
            self._take_first(line.decode("latin-1"))
        elif line:
            self._take_header(line.decode("latin-1"))
        else:
            self._end_head()

    def _take_first(self, line):
        if not line:
            self._blank_lines += 1
            if self._blank_lines > MAX_BLANK_LINES:
                raise Refusal(400, "more than %d blank lines come before the request" % MAX_BLANK_LINES)
            return
        match = REQUEST_LINE.match(line)
        if not match:
            raise Refusal(400, 'the first line is not "METHOD /path HTTP/1.1" in printable ASCII')
        if len(match.group(2)) > MAX_TARGET:
            raise Refusal(414, "path and query are longer than %d characters" % MAX_TARGET)
        self._asked = match.groups()

    def _take_header(self, line):
        self._header_lines += 1
        if self._header_lines > MAX_HEADER_LINES:
            raise Refusal(431, "there are more than %d header lines" % MAX_HEADER_LINES)
        name, colon, value = line.partition(":")
        if not colon or not re.match(r"[!-~]+\Z", name):
            raise Refusal(400, "there is a header line without name and colon")
        name = name.lower()
        if name in HEADERS:
            # One that is repeated becomes a list, which is no valid length, revision or token.
            self._headers[name] = self._headers[name] + ", " + value.strip() if name in self._headers else value.strip()

    def _end_head(self):
        length = self._headers.get("content-length", "0")
        if "transfer-encoding" in self._headers or not re.match(r"[0-9]{1,15}\Z", length):
            raise Refusal(400, "the length of the body must be given as one Content-Length")
        if int(length) and self._asked[0] in ("GET", "HEAD"):
            raise Refusal(400, "a question (%s) has no body" % self._asked[0])
        self._length = int(length)

    def _request(self, body):
        path, mark, query = self._asked[1].partition("?")
        return Request(self._asked[0], path, mark + query, self._headers, body, self._address)


def asked_for(method, path):
    return ("%s %s" % (method, path))[:MAX_ASKED]


class ProbeApi:
    """What everybody may ask. Requests are counted as those of a prober."""

    WANTED = {"/heartbeat": None, "/heartbeat/live": LIVE, "/heartbeat/standby": STANDBY}
    STATUS = "/heartbeat/status"
    TEST = "/heartbeat/test"
    MAX_BODY = 0  # what is longer is not waited for

    def __init__(self, heartbeat):
        self._heartbeat = heartbeat

    def __call__(self, request):
        try:
            return self._route(request)
        except Refusal as refusal:
            return self.refuse(request.address, asked_for(request.method, request.path), refusal)
        except Exception as error:  # a bug must cost one answer, not the heartbeat
            traceback.print_exc()
            return Refusal(500, "the agent failed: %s" % describe(error)).response

    def refuse(self, address, asked, refusal):
        """What is answered to a question that gets no word. It is shown in the status: perhaps a load balancer asks it."""
        self._heartbeat.refuse(address, asked, refusal.code, str(refusal))
        return refusal.response

    def unanswered(self, address, asked):
        """The same of a connection that ended before there was a question."""
        self._heartbeat.refuse(address, asked, 0, ASKED_NOTHING if asked == "nothing" else ASKED_IN_PART)

    def _route(self, request):
        if not self._knows(request.path):
            raise Refusal(404, "there is no such path; see /heartbeat, /heartbeat/live, /heartbeat/standby and /heartbeat/status")
        methods = self._methods(request.path)
        if request.method not in methods:
            message = "%s %s is not for this address; it takes %s" % (request.method, request.path, ", ".join(methods))
            raise Refusal(405, message, [("Allow", ", ".join(methods))])
        if request.method == "PUT":
            return self._put(request)
        if request.path == self.STATUS:
            return self._status(request)
        word, body = self._word(request)
        wanted = self.WANTED[request.path]
        return word_response(503 if word == DOWN else 200 if wanted in (None, word) else 404, body)

    def _knows(self, path):
        return path in self.WANTED or path == self.STATUS

    def _methods(self, path):
        return ("GET", "HEAD")

    def _word(self, request):
        return self._heartbeat.answer_prober(request.address, request.path + request.query)

    def _status(self, request):
        return json_response(200, self._heartbeat.status())


class ControlApi(ProbeApi):
    """What operators and playbooks may do besides: write the heartbeat, and have the component checked for the very answer."""

    MAX_BODY = MAX_BODY

    def __init__(self, heartbeat, tokens):
        super(ControlApi, self).__init__(heartbeat)
        self._tokens = tokens

    def refuse(self, address, asked, refusal):
        return refusal.response  # nobody asks here who is a prober

    def unanswered(self, address, asked):
        pass

    def _knows(self, path):
        return path == self.TEST or super(ControlApi, self)._knows(path)

    def _methods(self, path):
        return {"/heartbeat": ("GET", "HEAD", "PUT"), self.TEST: ("PUT",)}.get(path, ("GET", "HEAD"))

    def _word(self, request):
        word = self._heartbeat.answer()
        return word, word

    def _status(self, request):
        # Reading needs no token, but who sends one wants to know whether it would do for writing.
        if "authorization" in request.headers:
            self._authorize(request)
        good = self._heartbeat.check_now() if request.query == "?fresh=1" else True
        return json_response(200, self._heartbeat.status(good))

    def _put(self, request):
        self._authorize(request)
        if request.body is None:
            raise Refusal(413, "the body is larger than %d bytes" % MAX_BODY)
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise Refusal(415, "Content-Type must be application/json")
        if request.path == self.TEST:
            return self._put_test(request)
        wanted, revision = self._wanted(request), self._revision(request)
        try:
            changed = self._heartbeat.change(wanted, revision)
        except Conflict as error:
            return json_response(409, self._heartbeat.status(error=str(error)))
        except EnvironmentError as error:
            log("the heartbeat was not changed, its state cannot be written: %s" % error)
            raise Refusal(500, "nothing was changed, the state cannot be written: %s" % describe(error))
        return json_response(200, self._heartbeat.status(changed=changed))

    def _put_test(self, request):
        wanted, revision = self._wanted_test(request), self._revision(request)
        try:
            self._heartbeat.test(wanted, revision)
        except (Conflict, NotStandingBy) as error:
            return json_response(409, self._heartbeat.status(error=str(error)))
        return json_response(200, self._heartbeat.status())

    def _authorize(self, request):
        try:
            allowed = self._tokens.match(request.headers.get("authorization", ""))
        except EnvironmentError as error:
            log("the token cannot be read: %s" % error)
            raise Refusal(500, "nothing was changed, the agent's token cannot be read: %s" % describe(error))
        if not allowed:
            raise Refusal(401, 'the header "Authorization: Bearer <token>" is missing or wrong', [("WWW-Authenticate", "Bearer")])

    @staticmethod
    def _revision(request):
        if "if-match" not in request.headers:
            return None
        match = re.match(r'"([0-9]{1,18})"\Z', request.headers["if-match"])
        if not match:
            raise Refusal(400, 'If-Match must be "<revision>", with the quotes')
        return int(match.group(1))

    @staticmethod
    def _values(request, fields, required, texts):
        """The JSON object of the body, with no key that is not known and every key that is needed."""
        try:
            values = parse_json(request.body)
        except ValueError:
            raise Refusal(400, "the body is not JSON")
        if not isinstance(values, dict):
            raise Refusal(400, "the body must be a JSON object")
        for key in sorted(set(values) - set(fields)):
            raise Refusal(400, "key %s is not known; the keys are %s" % (json.dumps(key), ", ".join(fields)))
        for key in required:
            if key not in values:
                raise Refusal(400, "key %s is missing" % key)
        for key in sorted(set(values) & set(texts)):
            if not isinstance(values[key], TEXT):
                raise Refusal(400, "key %s must be a string" % key)
        return values

    def _wanted_test(self, request):
        values = self._values(request, WantedTest._fields, ("words", "seconds", "reason", "run_id"), ("reason", "run_id", "by"))
        words, seconds = values["words"], values["seconds"]
        if not isinstance(words, dict) or not 1 <= len(words) <= MAX_TEST_PATHS or set(map(json.dumps, words.values())) - set(map(json.dumps, PHASE_OF)):
            raise Refusal(400, "key words must be an object of up to %d paths, each with live or standby" % MAX_TEST_PATHS)
        for path in sorted(words):
            if path.partition("?")[0] not in self.WANTED:
                raise Refusal(400, "key words has %s, which is no path that a prober asks for" % json.dumps(path))
        if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 <= seconds <= MAX_TEST_S:
            raise Refusal(400, "key seconds must be a number, from 0 to %d" % MAX_TEST_S)
        return WantedTest(words, seconds, values["reason"], values["run_id"], values.get("by", request.address))

    def _wanted(self, request):
        values = self._values(request, Wanted._fields, ("state", "reason", "run_id"), Wanted._fields)
        if values["state"] not in PHASE_OF:
            raise Refusal(400, "key state must be live or standby")
        if values.get("phase", PHASES[0]) not in PHASES:
            raise Refusal(400, "key phase must be one of %s" % ", ".join(PHASES))
        return Wanted(values["state"], values["reason"], values["run_id"], values.get("phase"), values.get("by", request.address))


# ---- HTTP: the listeners ---------------------------------------------------------------------------------------------------------

AGAIN = (errno.EAGAIN, errno.EWOULDBLOCK, errno.EINTR)
FULL = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class Connection:
    """One request and its answer, advanced whenever the socket is ready."""

    def __init__(self, sock, address, deadline, max_body):
        self.sock = sock
        self.address = address
        self.deadline = deadline
        self.held = 0  # bytes of an answer that the client has perhaps not read, here and in the kernel
        self._parser = Parser(address, max_body)
        self._unsent = b""
        self._discarded = 0

    def asked(self):
        """What was asked for so far where nothing has been answered, or None."""
        return self._parser.asked() if self._parser else None

    def wait_for(self):
        return select.EPOLLOUT if self._unsent else select.EPOLLIN

    def advance(self, handle):
        """Whether it goes on."""
        if self._unsent:
            return self._send()
        received = self.sock.recv(RECEIVED_AT_ONCE)
        if not received:
            return False
        if not self._parser:
            self._discarded += len(received)
            return self._discarded <= MAX_DISCARDED
        try:
            request = self._parser.feed(received)
            if request is None:
                return True
            answer = handle(request).encode(with_body=request.method != "HEAD")
            unread = request.body is None
        except Refusal as refusal:
            answer, unread = handle.refuse(self.address, self._parser.asked(), refusal).encode(), True
        self._parser = None
        self._unsent = memoryview(answer)
        # To close while there is something unread would reset the connection, and the client might lose the answer; to close on a
        # large answer would leave it to the kernel for as long as the client does not read it. So the client hangs up first.
        self.held = len(answer) if unread or len(answer) > SOCKET_BUFFER else 0
        return self._send()

    def _send(self):
        self._unsent = self._unsent[self.sock.send(self._unsent) :]
        if self._unsent:
            return True
        self._unsent = b""  # lets go of the answer
        if self.held:
            self.sock.shutdown(socket.SHUT_WR)
        return bool(self.held)

    def close(self):
        if self.held:
            # Reset, so that the kernel lets go of what was not read.
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


class Crowd:
    """Connections by address. When there are too many, the oldest of the address that has most goes, and strangers go first."""

    def __init__(self, declared):
        self._declared = declared
        self._of = {}

    def add(self, descriptor, address):
        self._of.setdefault((not self._declared(address), address), collections.OrderedDict())[descriptor] = True

    def remove(self, descriptor, address):
        """Whether it was there."""
        who = not self._declared(address), address
        there = self._of.get(who, {}).pop(descriptor, False)
        if there and not self._of[who]:
            del self._of[who]
        return there

    def next_to_go(self):
        return next(iter(self._of[max(self._of, key=lambda who: (who[0], len(self._of[who])))]))


class Listener:
    """An event loop for all clients of one address. Each has the same time to finish, and its turn whatever the others do."""

    def __init__(self, address, handle, clock, places, declared):
        self._handle = handle
        self._clock = clock
        self._places = places
        self._stopping = False
        self._connections = collections.OrderedDict()  # by file descriptor, oldest first
        self._crowd = Crowd(declared)
        self._holding = Crowd(declared)  # of them, those with an answer that the client has perhaps not read
        self._held = 0
        self._sock = self._bind(address)
        self._poll = select.epoll()
        self._poll.register(self._sock.fileno(), select.EPOLLIN)
        self.address = self._sock.getsockname()[:2]

    @staticmethod
    def _bind(address):
        family, kind, protocol, _name, where = socket.getaddrinfo(address[0], address[1], 0, socket.SOCK_STREAM, 0, socket.AI_PASSIVE)[0]
        sock = socket.socket(family, kind, protocol)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            for buffer in (socket.SO_SNDBUF, socket.SO_RCVBUF):  # of those that are accepted, too
                sock.setsockopt(socket.SOL_SOCKET, buffer, SOCKET_BUFFER)
            sock.bind(where)
            sock.listen(BACKLOG)
        except EnvironmentError:
            sock.close()
            raise
        sock.setblocking(False)
        return sock

    def serve(self):
        while not self._stopping:
            for descriptor, _event in self._ready():
                if descriptor == self._sock.fileno():
                    self._accept()
                elif descriptor in self._connections:
                    self._advance(descriptor)
            self._expire()
        self.close()

    def stop(self):
        self._stopping = True
        try:
            self._sock.shutdown(socket.SHUT_RDWR)  # wakes the loop
        except EnvironmentError:
            pass  # it is over already

    def close(self):
        for descriptor in list(self._connections):
            self._close(descriptor)
        self._poll.close()
        self._sock.close()

    def _ready(self):
        timeout_s = -1
        for connection in self._connections.values():
            timeout_s = max(0.0, math.ceil((connection.deadline - self._clock.monotonic()) * 1000) / 1000)
            break
        try:
            return self._poll.poll(timeout_s)
        except EnvironmentError as error:
            if error.errno != errno.EINTR:
                raise
            return []

    def _accept(self):
        for _turn in range(ACCEPTED_AT_ONCE):
            try:
                sock, peer = self._sock.accept()
            except EnvironmentError as error:
                if error.errno in FULL and self._connections:
                    self._close(self._crowd.next_to_go())
                return  # nobody is left, the client has gone, or the listener is being stopped
            sock.setblocking(False)
            if len(self._connections) >= self._places:
                self._close(self._crowd.next_to_go())
            connection = Connection(sock, client_address(peer), self._clock.monotonic() + CLIENT_LIFETIME_S, self._handle.MAX_BODY)
            descriptor = sock.fileno()
            self._connections[descriptor] = connection
            self._crowd.add(descriptor, connection.address)
            self._poll.register(descriptor, select.EPOLLIN)
            # Most have asked already, and need no turn of their own.
            self._advance(descriptor)

    def _advance(self, descriptor):
        connection = self._connections[descriptor]
        waited_for, held = connection.wait_for(), connection.held
        try:
            goes_on = connection.advance(self._handle)
        except EnvironmentError as error:
            goes_on = error.errno in AGAIN
        if not goes_on:
            self._end(descriptor)
            return
        if connection.wait_for() != waited_for:
            self._poll.modify(descriptor, connection.wait_for())
        if connection.held > held:
            self._held += connection.held
            self._holding.add(descriptor, connection.address)
            while self._held > MAX_HELD:
                self._close(self._holding.next_to_go())

    def _expire(self):
        now = self._clock.monotonic()
        while self._connections:
            oldest = next(iter(self._connections))
            if self._connections[oldest].deadline > now:
                return
            self._end(oldest)

    def _end(self, descriptor):
        """Close what has ended by itself, and remember whoever got no answer."""
        connection = self._connections[descriptor]
        asked = connection.asked()
        if asked:
            self._handle.unanswered(connection.address, asked)
        self._close(descriptor)

    def _close(self, descriptor):
        connection = self._connections.pop(descriptor)
        self._crowd.remove(descriptor, connection.address)
        if self._holding.remove(descriptor, connection.address):
            self._held -= connection.held
        self._poll.unregister(descriptor)
        connection.close()


# ---- The process ------------------------------------------------------------------------------------------------------------------

THREAD_ENDED = b"\xff"  # no signal has this number


def open_files():
    """How many this process may have: where a container or a host allows fewer than the unit asks for, fewer clients have a place."""
    try:
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    except (EnvironmentError, ValueError):
        return 1024  # older filters of systemd forbid the question
    return MAX_CLIENTS * 2 if limit == resource.RLIM_INFINITY else limit


class Agent:
    """Everything wired together. Bound and read when constructed; answers from start() to stop()."""

    def __init__(self, config, clock=Clock):
        self._wake_read, self.wake_write = os.pipe()
        flags = fcntl.fcntl(self.wake_write, fcntl.F_GETFL)
        fcntl.fcntl(self.wake_write, fcntl.F_SETFL, flags | os.O_NONBLOCK)  # signal.set_wakeup_fd asks for it
        self._stopping = threading.Event()
        self._threads = []
        self._health_interval_s = config.health.interval_s
        self.health = HealthPoller(config.health, clock)
        self.status = StatusPoller(config.status, clock)
        heartbeat = Heartbeat(config, clock, StateStore(config.state_file), self.health, self.status)
        places = max(1, min(MAX_CLIENTS, open_files() - MAX_WRITERS - OTHER_FILES))
        self.probe = self._listen("probe", config.probe, ProbeApi(heartbeat), clock, places, heartbeat.declared)
        self.control = self._listen("control", config.control, ControlApi(heartbeat, Tokens(config.token_file)), clock, MAX_WRITERS, heartbeat.declared)

    @staticmethod
    def _listen(key, address, *how):
        try:
            return Listener(address, *how)
        except EnvironmentError as error:
            raise EnvironmentError(error.errno, "cannot listen on %s:%d (key %s): %s" % (address + (key, describe(error))))

    def start(self):
        self._spawn("health", lambda: self._repeat(self.health.poll, self._health_interval_s))
        self._spawn("status", lambda: self._repeat(self.status.poll, STATUS_INTERVAL_S))
        self.answer()

    def answer(self):
        self._spawn("probe", self.probe.serve)
        self._spawn("control", self.control.serve)

    def _spawn(self, name, target):
        def run():
            try:
                target()
            except Exception:
                traceback.print_exc()
            finally:
                os.write(self.wake_write, THREAD_ENDED)

        thread = threading.Thread(target=run, name=name)
        thread.daemon = True
        thread.start()
        self._threads.append(thread)

    def _repeat(self, work, interval_s):
        work()
        while not self._stopping.wait(interval_s):
            work()

    def wait(self):
        """Blocks until a signal (True), or until a thread ended (False), which none ever should."""
        while True:
            try:
                return os.read(self._wake_read, 1) != THREAD_ENDED
            except EnvironmentError as error:
                if error.errno != errno.EINTR:
                    raise

    def stop(self):
        """Lets a write that has begun finish."""
        self._stopping.set()
        self.probe.stop()
        self.control.stop()
        for thread in self._threads:
            thread.join(STOP_TIMEOUT_S)


def notify_systemd(message):
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        sock.sendto(message, address)
    finally:
        sock.close()


def run(config):
    try:
        Tokens(config.token_file).read()
    except EnvironmentError as error:
        # Not fatal: a node that serves must not leave the load balancers because nobody can write its heartbeat.
        log("%s: %s; every write will be refused" % (config.token_file, describe(error)))
    try:
        agent = Agent(config)
    except EnvironmentError as error:
        log("halfswap-heartbeat: %s" % describe(error))
        return EXIT_FAILED
    if hasattr(sys, "setswitchinterval"):
        sys.setswitchinterval(0.001)  # a thread that computes lets the one that answers in soon
    # Not the handler does the work, for Python 2.7 may run it late: the byte that arrives with the signal does.
    signal.set_wakeup_fd(agent.wake_write)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: None)
    agent.start()
    notify_systemd(b"READY=1")
    by_signal = agent.wait()
    agent.stop()
    if not by_signal:
        log("halfswap-heartbeat: a thread ended unexpectedly")
    return 0 if by_signal else EXIT_FAILED


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="halfswap-heartbeat", description="The heartbeat of one component: live or standby.")
    parser.add_argument("config", metavar="CONFIG", help="configuration, /etc/halfswap-heartbeat/<component>.json")
    parser.add_argument("--check", action="store_true", help="only say whether CONFIG is valid")
    parser.add_argument("--version", action="version", version=VERSION)
    options = parser.parse_args(arguments)
    try:
        config = load_config(options.config)
    except ConfigError as error:
        log("halfswap-heartbeat: %s" % error)
        return EXIT_CONFIG
    return 0 if options.check else run(config)


if __name__ == "__main__":
    sys.exit(main())
