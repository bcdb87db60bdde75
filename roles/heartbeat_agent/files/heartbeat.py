# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The heartbeat of one component on one node: tells load balancers live or standby, and keeps book of what it told them.

Five threads, however many clients there are: an event loop for each of the two listeners (so that a slow client costs a
socket and nothing else), one thread that checks the component's health, one that reads its status, and the main one, which
waits for a signal, or for the word that a successor shall take over. Only the control side's thread writes to disk; the probe
side never waits for it.

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
import pwd
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
import warnings

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

# A take-over. A successor has so long to start, to read and to check the component; then so long for each of its words.
SUCCESSOR_READY_S = 20.0
HANDOVER_STEP_S = 5.0
FIRST_CHECKS_S = 10.0  # in which it checks the component's health as often as would make it down
LEAVING_S = 1.0  # that the old one stays at least, so that systemd has read who the main process is before it sees this one end
RELOAD_TIMEOUT_S = 55.0  # for whoever asked for it; below the unit's TimeoutStartSec
PROTOCOL = 1  # of what an agent and its successor say to each other

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

    key = "configuration"


class Section:
    """One JSON object of the configuration, taken key by key: what is left over at the end is a mistake."""

    def __init__(self, source, values, prefix=""):
        self._source = source
        self._prefix = prefix
        if not isinstance(values, dict):
            raise ConfigError("%s: %s must be a JSON object" % (source, "key " + prefix[:-1] if prefix else "the configuration"))
        self._left = dict(values)

    def _error(self, key, message):
        error = ConfigError("%s: key %s%s %s" % (self._source, self._prefix, key, message))
        error.key = self._prefix + key
        return error

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


def digest_of(path):
    try:
        return hashlib.sha1(read_file(path)).hexdigest()
    except EnvironmentError:
        return None


CODE = digest_of(os.path.abspath(__file__))  # what this process runs, whatever is on the disk later


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

    def adopt(self, record, elsewhere):
        """Go on with the record of a predecessor, whose file this is, or which had another one (elsewhere)."""
        self._saved = record
        if elsewhere:
            self.save(record)

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

    def hand_over(self, now):
        ages = {"first_seen_s": now - self.first_seen, "last_seen_s": now - self.last_seen}
        return dict(ages, seen=self.seen, gaps=list(self.gaps), answers=self.answers, consecutive=self.consecutive)

    def take_over(self, told, now):
        self.seen = told["seen"]
        self.first_seen, self.last_seen = now - told["first_seen_s"], now - told["last_seen_s"]
        self.gaps.extend(told["gaps"])
        self.answers.update(told["answers"])
        self.consecutive.update(told["consecutive"])

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

    def hand_over(self, now):
        return {"seen": self.seen, "error": self.error, "last_seen_s": now - self.last_seen}

    def take_over(self, told, now):
        self.seen, self.error, self.last_seen = told["seen"], told["error"], now - told["last_seen_s"]

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

    def hand_over(self):
        """Ages instead of times: a successor may run on another Python, whose monotonic clock is another one."""
        now = self._clock.monotonic()
        return [[[address, key, entry.hand_over(now)] for book in books.values() for address, key, entry in book] for books in (self._probers, self._refused)]

    def take_over(self, told):
        """Each into the book where its address belongs now."""
        now = self._clock.monotonic()
        probers, refused = told
        for books, entries in ((self._probers, probers), (self._refused, [[address, tuple(key), entry] for address, key, entry in refused])):
            for address, key, entry in entries:
                books[self._networks.have(address)].entry(address, key).take_over(entry, now)

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
    """There was no answer, or none that speaks HTTP. `nobody`: nothing was there that could have answered."""

    def __init__(self, message, nobody=False):
        super(GetError, self).__init__(message)
        self.nobody = nobody


class Got(collections.namedtuple("Got", "code body")):
    """An answer. `location` is where it sends those who ask, or None."""

    location = None


def http_get(url, timeout_s, monotonic=Clock.monotonic):
    """Status and body. Not urllib: it follows proxies of the environment, and its timeout starts again with every byte."""
    try:
        return _http_get(url, timeout_s, monotonic)
    except Exception as error:  # whatever a hostile answer makes of the library that reads it: a check has failed, no more
        # A name that is not known is a mistake of whoever wrote it, and no component that is away.
        raise GetError(describe(error), isinstance(error, EnvironmentError) and not isinstance(error, socket.gaierror))


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
        got = Got(response.status, response.read(MAX_STATUS_BODY + 1))
        got.location = response.getheader("Location")
        return got
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

    def first_verdict(self):
        """The verdict after as many checks as make a component down, or after the first good one."""
        until = self._clock.monotonic() + FIRST_CHECKS_S
        while not self.poll() and self._failures < self._health.fall and self._clock.monotonic() < until:
            time.sleep(min(self._health.interval_s, 1.0))
        return self.verdict()

    def verdict(self):
        """Healthy or not, and why."""
        healthy, why, when = self._result
        age_s = 0 if when is None else self._clock.monotonic() - when
        if age_s > self._stale_s:
            return False, "the last health check finished %.1f s ago (%s)" % (age_s, why)
        return healthy, why


# As plugins/module_utils/sanity/_json_path.py reads them, which this one file cannot import; a test compares the two.
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

    def hand_over(self):
        with self._lock:
            now = self._clock.monotonic()
            samples = [[now - when, total] for when, total in self._samples]
            return {
                "asked": self._status,
                "release": self._release,
                "total": self._total,
                "at_flip": self._at_flip,
                "error": self._error,
                "samples": samples,
            }

    def take_over(self, told):
        """What was counted under another key or by another status is nothing to go on with."""
        if not self._status or told["asked"] != list(self._status):
            return
        with self._lock:
            now = self._clock.monotonic()
            self._release, self._total, self._at_flip, self._error = [told[key] for key in ("release", "total", "at_flip", "error")]
            self._samples = collections.deque([(now - age, total) for age, total in told["samples"]], maxlen=RATE_SAMPLES)

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

    def __init__(self, words, run_id, until):
        self._words = words
        self._until = until
        self.run_id = run_id

    def left_s(self, now):
        return self._until - now

    def hand_over(self, now):
        return {"words": self._words, "run_id": self.run_id, "left_s": self.left_s(now)}

    def body(self, path):
        """What is sent instead of `down`, or None where nothing is tested."""
        word = self._words.get(path)
        return word and "%s? No: this only tests whether the match is anchored. It must not find %s" % (word, word)


class Heartbeat:
    """Puts record, health and probers together. One change follows the other: what changes it takes its turn (_changing)."""

    def __init__(self, config, clock, store, health, status, told=None):
        self._config = config
        self._clock = clock
        self._store = store
        self._health = health
        self._status = status
        self._started = clock.monotonic()
        self._changing = threading.Lock()
        self._answering = threading.Lock()  # record and books change together; never held for a disk or a network
        self._networks = Networks(config.probers)
        self._books = Books(self._networks, clock)
        self._flips = 0
        self._written_books = (None, 0, "")  # of which flip, when, and what
        self._test = None
        self._state_error = None
        self._takeover_ms = None
        if told:
            self._take_over(told)
        else:
            self._record = self._load()
            # From here on in monotonic time, so that setting the clock does not move it.
            self._flipped = self._started - max(0.0, clock.wall() - self._record.since)

    def hand_over(self):
        """All that a successor needs to go on as if it had been here all the time."""
        with self._answering:
            now = self._clock.monotonic()
            test = self._running_test()
            return {
                "record": self._record.encode().decode("ascii"),
                "state_file": self._config.state_file,
                "state_error": self._state_error,
                "in_the_way": self._store.in_the_way,
                "since_s": now - self._flipped,
                "started_s": now - self._started,
                "test": test and test.hand_over(now),
                "books": self._books.hand_over(),
                "status": self._status.hand_over(),
            }

    def _take_over(self, told):
        self._record = Record.parse(told["record"].encode("ascii"))
        self._store.in_the_way = told["in_the_way"]
        self._store.adopt(self._record, elsewhere=told["state_file"] != self._config.state_file)
        self._state_error = told["state_error"]
        now = self._started
        # What was counted goes on, so its beginning does, too: whoever asks for how long has it been there means the heartbeat.
        self._started, self._flipped = now - told["started_s"], now - told["since_s"]
        if told["test"]:
            self._test = MatchTest(told["test"]["words"], told["test"]["run_id"], now + told["test"]["left_s"])
        self._books.take_over(told["books"])
        self._status.take_over(told["status"])

    def took_over(self, nobody_accepted_s):
        self._takeover_ms = round(nobody_accepted_s * 1000, 1)

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
        with self._changing:
            self._begin_test(wanted, revision)

    def _begin_test(self, wanted, revision):
        record = self._record
        self._decided_on(revision, record)
        if record.state != STANDBY:
            raise NotStandingBy("the heartbeat is %s: matches are tested on a node that is in standby" % record.state)
        with self._answering:
            self._test = MatchTest(wanted.words, wanted.run_id, self._clock.monotonic() + wanted.seconds)
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
        with self._changing:
            return self._change(wanted, revision)

    def _change(self, wanted, revision):
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
                "agent": {
                    "version": VERSION,
                    "code": CODE,
                    "config": self._config.digest,
                    "started_s": round(now - self._started, 3),
                    "takeover_ms": self._takeover_ms,
                },
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


def listen(key, address):
    try:
        sock = bind(address)
        try:
            sock.listen(BACKLOG)
        except EnvironmentError:
            sock.close()
            raise
        return sock
    except EnvironmentError as error:
        raise EnvironmentError(error.errno, "cannot listen on %s:%d (key %s): %s" % (address + (key, describe(error))))


def bind(address):
    family, kind, protocol, _name, where = socket.getaddrinfo(address[0], address[1], 0, socket.SOCK_STREAM, 0, socket.AI_PASSIVE)[0]
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        for buffer in (socket.SO_SNDBUF, socket.SO_RCVBUF):  # of those that are accepted, too
            sock.setsockopt(socket.SOL_SOCKET, buffer, SOCKET_BUFFER)
        sock.bind(where)
    except EnvironmentError:
        sock.close()
        raise
    sock.setblocking(False)
    return sock


def readable(descriptors, timeout_s=None):
    """Those of which something can be read; none where the time is over, or a signal came."""
    try:
        return select.select(descriptors, [], [], timeout_s)[0]
    except (EnvironmentError, select.error) as error:
        if error.args[0] != errno.EINTR:
            raise
        return []


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

    def __init__(self, sock, handle, clock, places, declared):
        self._handle = handle
        self._clock = clock
        self._places = places
        self._stopping = self._leaving = False
        self._orders = collections.deque()
        self._wake_read, self._wake_write = os.pipe()
        self._connections = collections.OrderedDict()  # by file descriptor, oldest first
        self._crowd = Crowd(declared)
        self._holding = Crowd(declared)  # of them, those with an answer that the client has perhaps not read
        self._held = 0
        self._sock = sock
        self._poll = select.epoll()
        self._poll.register(self._wake_read, select.EPOLLIN)
        self._poll.register(self._sock.fileno(), select.EPOLLIN)
        self.address = self._sock.getsockname()[:2]

    def serve(self):
        while not (self._stopping or (self._leaving and not self._connections)):
            for descriptor, _event in self._ready():
                if descriptor == self._wake_read:
                    self._obey()
                elif descriptor in self._connections:
                    self._advance(descriptor)
                elif not self._leaving and descriptor == self._sock.fileno():
                    self._accept()
            self._expire()
        self.close()

    def stop(self):
        self._stopping = True
        os.write(self._wake_write, b"\0")

    def hold(self, handle):
        """Accept nobody, and let `handle` answer those who are here. Whether that is so within the time of a step."""

        def hold():
            self._poll.unregister(self._sock.fileno())
            self._handle = handle

        return self._order(hold)

    def resume(self, handle):
        """The opposite."""

        def resume():
            self._handle = handle
            self._poll.register(self._sock.fileno(), select.EPOLLIN)

        return self._order(resume)

    def leave(self, is_inherited):
        """End with the last connection. An address that nobody inherited is closed, and who waits there is still answered."""

        def leave():
            if not is_inherited:
                self._accept()
            self._sock.close()
            self._leaving = True

        return self._order(leave)

    def _order(self, work):
        # Not threading.Event: with a timeout, that of Python 2.7 wakes up to 50 ms late.
        done_read, done_write = os.pipe()
        try:
            self._orders.append((work, done_write))
            os.write(self._wake_write, b"\0")
            return bool(readable([done_read], HANDOVER_STEP_S))
        finally:
            os.close(done_read)

    def _obey(self):
        os.read(self._wake_read, 1024)
        while self._orders:
            work, done_write = self._orders.popleft()
            work()
            os.close(done_write)

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
    """Everything wired together. Bound when constructed, and read when it takes up its work; answers from start() to stop().

    A successor is constructed with the sockets that it has inherited, by address, and takes up its work with what it was told.
    """

    def __init__(self, config, clock=Clock, inherited=None):
        self._wake_read, self.wake_write = os.pipe()
        flags = fcntl.fcntl(self.wake_write, fcntl.F_GETFL)
        fcntl.fcntl(self.wake_write, fcntl.F_SETFL, flags | os.O_NONBLOCK)  # signal.set_wakeup_fd asks for it
        self._stopping = threading.Event()
        self._threads = []
        self.config = config
        self._clock = clock
        self.health = HealthPoller(config.health, clock)
        self.status = StatusPoller(config.status, clock)
        self.sockets = [(inherited or {}).get(address) or listen(key, address) for key, address in (("probe", config.probe), ("control", config.control))]
        if inherited is None:
            self.take_up()

    def take_up(self, told=None):
        config, clock = self.config, self._clock
        self.heartbeat = Heartbeat(config, clock, StateStore(config.state_file), self.health, self.status, told)
        self.apis = ProbeApi(self.heartbeat), ControlApi(self.heartbeat, Tokens(config.token_file))
        places = max(1, min(MAX_CLIENTS, open_files() - MAX_WRITERS - OTHER_FILES))
        self.probe = Listener(self.sockets[0], self.apis[0], clock, places, self.heartbeat.declared)
        self.control = Listener(self.sockets[1], self.apis[1], clock, MAX_WRITERS, self.heartbeat.declared)

    def start(self):
        self.answer()
        self._spawn("health", lambda: self._repeat(self.health.poll, self.config.health.interval_s))
        self._spawn("status", lambda: self._repeat(self.status.poll, STATUS_INTERVAL_S))

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

    def wait(self, *others):
        """Blocks until a signal (True), or until a thread ended (False), which none ever should, or until one of the others can be read (it)."""
        while True:
            ready = readable([self._wake_read] + list(others))
            if self._wake_read in ready:
                return os.read(self._wake_read, 1) != THREAD_ENDED
            if ready:
                return ready[0]

    def wait_for(self, other, timeout_s):
        """Whether the other one can be read in time. A signal, or the end of a thread, cuts that short, and stays for wait()."""
        return other in readable([self._wake_read, other], max(0.0, timeout_s))

    def leave(self, inherited):
        """End with the connections that are open; the successor has all others."""
        self._stopping.set()
        now = Clock.monotonic()
        until, at_least = now + CLIENT_LIFETIME_S + 1, now + LEAVING_S
        for listener, address in ((self.probe, self.config.probe), (self.control, self.config.control)):
            listener.leave(address in inherited)
        listening = [thread for thread in self._threads if thread.name in ("probe", "control")]
        while now < until and (now < at_least or any(thread.is_alive() for thread in listening)):
            if readable([self._wake_read], 0.05) and os.read(self._wake_read, 1) != THREAD_ENDED:
                return  # the whole unit is stopped
            now = Clock.monotonic()

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


# ---- Take-over: a successor with the code and the configuration that are on the disk now -------------------------------------------
#
# The running agent starts its successor, which inherits the listening sockets. Not exec in place: once this program were gone, nobody
# could go on where the new one fails. So there are two processes for a while, and systemd is told which is the main one (MAINPID; the
# unit is Type=notify, whose NotifyAccess=main lets the present one say so, on systemd 219 as well). The successor is forked twice, so
# that systemd is its parent, and sees it end as it would see a process that it started itself.
#
#   agent                                        successor
#   offer: the sockets                    ->     reads code, configuration and token, binds what is new, checks the component
#                                         <-     ready, and how the component is
#   accepts nobody any more
#   books: all that it knows              ->     takes them up
#                                         <-     taken
#   go                                    ->     accepts
#
# Whatever fails before "go", the agent goes on. From "go" on the successor is the agent. There is never a moment in which both accept, or in
# which a listening socket is closed: who comes meanwhile waits in its queue. Who was accepted before, and has not asked to the end, is
# answered by the successor through the agent, so that one of them alone counts, and no answer is older than a flip.


class TakeOverFailed(Exception):
    """Why the successor did not take over."""


class Channel:
    """What an agent and its successor say to each other: JSON, one line each. Both are of this program and this user."""

    def __init__(self, sock, wait_for=None):
        self._sock = sock
        self.wait_for = wait_for or self.wait_patiently
        self._received = b""

    def send(self, values):
        self._sock.sendall(json.dumps(values).encode("ascii") + b"\n")

    def tell(self, values):
        """Where an answer follows: that there is none says then that the other one has ended."""
        try:
            self.send(values)
        except EnvironmentError as error:
            if error.errno not in (errno.EPIPE, errno.ECONNRESET):
                raise

    def receive(self, timeout_s=None):
        """None when the other one has ended. Raises TakeOverFailed when it says nothing in time."""
        deadline = Clock.monotonic() + (timeout_s or 0)
        while b"\n" not in self._received:
            if timeout_s is not None and not self.wait_for(self._sock.fileno(), deadline - Clock.monotonic()):
                raise TakeOverFailed("it was silent for %.0f s, or this agent was stopped meanwhile" % timeout_s)
            try:
                more = self._sock.recv(RECEIVED_AT_ONCE)
            except EnvironmentError as error:
                if error.errno != errno.ECONNRESET:
                    raise
                more = b""  # it has ended without reading everything
            if not more:
                return None
            self._received += more
        line, _end, self._received = self._received.partition(b"\n")
        return json.loads(line.decode("ascii"))

    @staticmethod
    def wait_patiently(descriptor, timeout_s):
        return bool(readable([descriptor], max(0.0, timeout_s)))

    def close(self):
        self._sock.close()


class ReadyMade:
    """An answer that was encoded by the successor."""

    def __init__(self, encoded):
        self._encoded = encoded

    def encode(self, with_body=True):
        return self._encoded


class Held:
    """Answers those who were here at a take-over: nobody until it is decided, and then the successor does it, or, where it failed, who did before."""

    def __init__(self, side, handle, take_over):
        self.MAX_BODY = handle.MAX_BODY
        self.handle = handle
        self._side = side
        self._take_over = take_over

    def __call__(self, request):
        successor = self._take_over.successor()
        if not successor:
            return self.handle(request)
        body = None if request.body is None else request.body.decode("latin-1")
        return ReadyMade(successor(self._side, "answer", request._replace(body=body)).encode("latin-1"))

    def refuse(self, address, asked, refusal):
        if not self._note("refuse", address, asked, refusal.code, str(refusal)):
            return self.handle.refuse(address, asked, refusal)
        return refusal.response

    def unanswered(self, address, asked):
        if not self._note("unanswered", address, asked):
            self.handle.unanswered(address, asked)

    def _note(self, *what):
        successor = self._take_over.successor()
        if successor:
            try:
                successor(self._side, what[0], what[1:])
            except EnvironmentError:
                pass  # it has ended; whoever is told nothing any more is not counted either
        return successor


class TakeOver:
    """The agent's side of it."""

    def __init__(self, agent, config_file, reload_socket):
        self._agent = agent
        self._config_file = config_file
        self._reload_socket = reload_socket
        self._undecided = threading.Lock()
        self._asking = threading.Lock()
        self._successor = None
        self._held = []
        self._sockets = dict(zip((agent.config.probe, agent.config.control), agent.sockets))
        self.inherited = ()  # the addresses of them at which the successor listens

    def run(self):
        """What is told to whoever asked for it. Raises TakeOverFailed, and everything is as before then."""
        ours, theirs = socket.socketpair()
        self._channel = Channel(ours, self._agent.wait_for)
        try:
            try:
                self._start(theirs)
            finally:
                theirs.close()
            ready = self._hear("ready", SUCCESSOR_READY_S)
            healthy, why = self._agent.health.verdict()
            if healthy and not ready["healthy"]:
                raise TakeOverFailed("it would say down (%s), and this one says healthy (%s)" % (ready["why"], why))
            held_s = self._hand_over()
        except (TakeOverFailed, EnvironmentError, KeyError, TypeError, ValueError) as error:
            self._give_up()
            raise error if isinstance(error, TakeOverFailed) else TakeOverFailed(describe(error))
        self.inherited = [tuple(address) for address in ready["listens"]]
        return {"ok": True, "told": "process %d took over" % ready["ready"], "pid": ready["ready"], "takeover_ms": round(held_s * 1000, 1)}

    def successor(self):
        """Waits until it is decided. Who answers instead of this agent, or None."""
        with self._undecided:
            return self._successor

    def _start(self, theirs):
        kept = [theirs.fileno(), self._reload_socket.fileno()] + [sock.fileno() for sock in self._sockets.values()]
        command = [sys.executable, "-B", os.path.abspath(__file__), self._config_file, "--successor", str(theirs.fileno())]
        fork_twice(command, kept)
        listeners = [[list(address), sock.family, sock.fileno()] for address, sock in self._sockets.items()]
        reload_at = [reload_path(self._agent.config), self._reload_socket.fileno()]
        self._channel.tell({"protocol": PROTOCOL, "listeners": listeners, "reload": reload_at})

    def _hear(self, word, timeout_s):
        said = self._channel.receive(timeout_s)
        if said is None:
            raise TakeOverFailed("it ended before it had said %s; what it wrote to the journal tells why" % word)
        if "failed" in said:
            raise TakeOverFailed(plain(said["failed"]))
        said[word]  # another word is a fault of the successor: KeyError
        return said

    def _hand_over(self):
        # First the control side, where a write may take its time, during which probes are answered as ever.
        with self._undecided:
            for side, listener in (("control", self._agent.control), ("probe", self._agent.probe)):
                held_at = Clock.monotonic()
                api = self._agent.apis[side == "control"]
                self._held.append((listener, api))
                if not listener.hold(Held(side, api, self)):
                    raise TakeOverFailed("what this agent was at had not ended after %.0f s, on its %s side" % (HANDOVER_STEP_S, side))
            self._channel.tell(dict(self._agent.heartbeat.hand_over(), held_s=Clock.monotonic() - held_at))
            self._hear("taken", HANDOVER_STEP_S)
            self._channel.send({"go": True})
            # A listener that has ended, as both are about to, is no reason to give up any more.
            self._channel.wait_for = self._channel.wait_patiently
            self._successor = self._ask
            return Clock.monotonic() - held_at

    def _give_up(self):
        self._channel.close()  # where the successor has not ended, it does now
        for listener, api in self._held:
            listener.resume(api)

    def _ask(self, side, what, values):
        with self._asking:
            try:
                self._channel.send([side, what, values])
                answer = self._channel.receive(HANDOVER_STEP_S)
            except TakeOverFailed:
                answer = None
            if answer is None:
                raise EnvironmentError(errno.ECONNRESET, "the successor has ended")
            return answer["answer"]


def fork_twice(command, kept):
    """Run the command as a child of process 1, with these files and those of the standard alone: a client's connection must not stay open in it."""
    with warnings.catch_warnings():
        # Python 3.12 warns of a fork where there are threads. The child takes no lock, and executes another program at once.
        warnings.simplefilter("ignore")
        child = os.fork()
    if child:
        while True:
            try:
                os.waitpid(child, 0)
                return
            except EnvironmentError as error:
                if error.errno != errno.EINTR:
                    raise
    try:
        if not os.fork():
            for descriptor in kept:
                fcntl.fcntl(descriptor, fcntl.F_SETFD, 0)
            for name in os.listdir("/proc/self/fd"):
                if int(name) > 2 and int(name) not in kept:
                    try:
                        os.close(int(name))
                    except EnvironmentError:
                        pass  # that of the list itself
            os.execv(command[0], command)
    finally:
        os._exit(EXIT_FAILED)


def inherited_socket(descriptor, family, kind=socket.SOCK_STREAM):
    sock = socket.fromfd(descriptor, family, kind)  # a copy, for Python 2.7 has no other way
    os.close(descriptor)
    return sock


class Successor:
    """The other side of it."""

    def __init__(self, config_file, descriptor):
        self._config_file = config_file
        self._channel = Channel(inherited_socket(descriptor, socket.AF_UNIX))

    def take_over(self):
        """The agent that is the heartbeat now, and the socket by which it is told to reload; None where nothing came of it."""
        try:
            return self._take_over()
        except (ConfigError, TakeOverFailed, EnvironmentError, KeyError, TypeError, ValueError) as error:
            words = str(error) if isinstance(error, (ConfigError, TakeOverFailed)) else describe(error)
            log("halfswap-heartbeat: the successor did not take over: %s" % words)
            try:
                self._channel.send({"failed": words})
            except EnvironmentError:
                pass  # the agent has ended, or has given up
            return None

    def _take_over(self):
        offer = self._hear()
        if offer["protocol"] != PROTOCOL:
            raise TakeOverFailed("it does not speak the protocol of the running agent, which has to be restarted")
        inherited = {(str(address[0]), address[1]): inherited_socket(number, family) for address, family, number in offer["listeners"]}
        for sock in inherited.values():
            sock.setblocking(False)
        config = load_config(self._config_file)
        for address in set(inherited) - {config.probe, config.control}:
            inherited.pop(address).close()
        try:
            Tokens(config.token_file).read()
        except EnvironmentError as error:
            raise TakeOverFailed("%s: %s" % (config.token_file, describe(error)))
        agent = Agent(config, inherited=inherited)
        reload_socket = inherited_socket(offer["reload"][1], socket.AF_UNIX)
        healthy, why = agent.health.first_verdict()
        agent.status.poll()
        self._channel.send({"ready": os.getpid(), "healthy": healthy, "why": why, "listens": [config.probe, config.control]})
        books = self._hear()
        received_at = Clock.monotonic()
        agent.take_up(books)
        if offer["reload"][0] != reload_path(config):
            reload_socket = listen_for_reload(config)
        watch_signals(agent)
        self._channel.send({"taken": True})
        self._hear()
        agent.heartbeat.took_over(books["held_s"] + Clock.monotonic() - received_at)
        agent.start()
        self._agent = agent
        thread = threading.Thread(target=self._serve, name="take-over")
        thread.daemon = True
        thread.start()
        return agent, reload_socket

    def _hear(self):
        """Without a time: the agent has one, and ends the channel when it gives up."""
        said = self._channel.receive()
        if said is None:
            raise TakeOverFailed("the running agent has given up, or has ended")
        return said

    def _serve(self):
        """Answers those whom the predecessor had accepted, until it has ended."""
        try:
            while True:
                asked = self._channel.receive()
                if asked is None:
                    return
                self._channel.send({"answer": self._answer(*asked)})
        except EnvironmentError:
            pass  # it has ended

    def _answer(self, side, what, values):
        api = self._agent.apis[side == "control"]
        if what == "answer":
            request = Request(*values)
            request = request._replace(body=None if request.body is None else request.body.encode("latin-1"))
            return api(request).encode(with_body=request.method != "HEAD").decode("latin-1")
        if what == "refuse":
            address, asked, code, message = values
            api.refuse(address, asked, Refusal(code, message))
        else:
            api.unanswered(*values)
        return None


def reload_path(config):
    """Beside the state, in a directory that only the agent's user and root can enter."""
    return config.state_file + ".reload"


def listen_for_reload(config):
    """The socket at which a reload is asked for; None where there can be none, which takes no heartbeat away."""
    path = reload_path(config)
    before = os.umask(0o077)
    try:
        if os.path.lexists(path):
            os.remove(path)
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.bind(path)
        sock.listen(8)
        return sock
    except EnvironmentError as error:
        log("%s: %s; this agent cannot be reloaded, only restarted" % (path, describe(error)))
        return None
    finally:
        os.umask(before)


def ask_for_reload(config):
    """What the running agent says of it: JSON with ok and told."""
    path = reload_path(config)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.settimeout(RELOAD_TIMEOUT_S)
    try:
        try:
            sock.connect(path)
        except EnvironmentError as error:
            told = "no agent that can be reloaded listens at %s (%s); it has to be (re)started" % (path, describe(error))
            return {"ok": False, "told": told, "reloads": False}
        try:
            said = Channel(sock).receive(RELOAD_TIMEOUT_S)
        except (EnvironmentError, TakeOverFailed, ValueError) as error:
            return {"ok": False, "told": "the agent did not say what became of it: %s" % describe(error), "reloads": True}
        return dict(said or {"ok": False, "told": "the agent ended meanwhile"}, reloads=True)
    finally:
        sock.close()


def watch_signals(agent):
    # Not the handler does the work, for Python 2.7 may run it late: the byte that arrives with the signal does.
    signal.set_wakeup_fd(agent.wake_write)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: None)


def begin(config):
    """The agent, and the socket by which it is told to reload; None where it cannot begin."""
    try:
        Tokens(config.token_file).read()
    except EnvironmentError as error:
        # Not fatal: a node that serves must not leave the load balancers because nobody can write its heartbeat.
        log("%s: %s; every write will be refused" % (config.token_file, describe(error)))
    try:
        agent = Agent(config)
    except EnvironmentError as error:
        log("halfswap-heartbeat: %s" % describe(error))
        return None
    watch_signals(agent)
    reload_socket = listen_for_reload(config)
    agent.start()
    notify_systemd(b"READY=1")
    return agent, reload_socket


def go_on(agent, reload_socket, config_file):
    """Until a signal, the end of a thread, or a successor. The exit status."""
    while True:
        came = agent.wait(*[reload_socket] if reload_socket else [])
        if came is not reload_socket:
            agent.stop()
            if not came:
                log("halfswap-heartbeat: a thread ended unexpectedly")
            return 0 if came else EXIT_FAILED
        whoever = Channel(reload_socket.accept()[0])
        take_over = TakeOver(agent, config_file, reload_socket)
        try:
            told = take_over.run()
        except TakeOverFailed as failure:
            told = {"ok": False, "told": "the running agent goes on, for its successor did not take over: %s" % failure}
        log("halfswap-heartbeat: %s" % told["told"])
        if told["ok"]:
            try:
                notify_systemd(("MAINPID=%d" % told["pid"]).encode("ascii"))
            except EnvironmentError as error:
                log("systemd was not told of the new main process (%s), and may start the unit again" % describe(error))
        try:
            whoever.send(told)
        except EnvironmentError:
            pass  # who asked has gone
        whoever.close()
        if told["ok"]:
            agent.leave(take_over.inherited)
            return 0


# ---- A trial: would an agent with this configuration do, beside the one that runs? -------------------------------------------------

USER = "halfswap-heartbeat"  # who runs the agents, as the unit says
LISTENS = "0A"  # the state of a socket in /proc/net/tcp
TOKEN = re.compile(b"[!-~]{16,}\\Z")

Holder = collections.namedtuple("Holder", "pid command")


def processes_listening():
    """Who listens, by port, as far as /proc tells: Holder, or None for somebody who is not seen."""
    inodes = {}
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            rows = [line.split() for line in read_file(table).decode("ascii").splitlines()[1:]]
        except EnvironmentError:
            continue  # no IPv6
        inodes.update(("socket:[%s]" % row[9], int(row[1].rpartition(":")[2], 16)) for row in rows if row[3] == LISTENS)
    seen = {}
    for pid in [name for name in os.listdir("/proc") if name.isdigit()]:
        for inode in set(inodes) & set(links_in("/proc/%s/fd" % pid)):
            seen.setdefault(inode, set()).add(Holder(int(pid), command_of(pid)))
    holders = {}
    for inode, port in inodes.items():
        holders.setdefault(port, set()).update(seen.get(inode, [None]))
    return holders


def links_in(directory):
    links = []
    try:
        for name in os.listdir(directory):
            links.append(os.readlink(os.path.join(directory, name)))
    except EnvironmentError:
        pass  # it has ended, or is somebody else's
    return links


def command_of(pid):
    try:
        return tuple(plain(word) for word in read_file("/proc/%s/cmdline" % pid).split(b"\0")[:-1])
    except EnvironmentError:
        return ()


def become_agent_user():
    """From here on a trial may what the agent may, and no more. Where there is no such user yet, or this one is not root, it stays who it is."""
    try:
        user = pwd.getpwnam(USER)
        if os.geteuid() == 0:
            os.setgroups([user.pw_gid])
            os.setgid(user.pw_gid)
            os.setuid(user.pw_uid)
    except KeyError:
        pass


class Trial:
    """Tries a configuration, and changes nothing. Faults are what would be worse than it is now, notes are what is worth a look."""

    def __init__(self, config_file, running_file, token_file):
        self._config_file = config_file
        self._running_file = running_file
        self._token_file = token_file
        self._faults, self._notes = [], []
        self._got = self._health = None
        self._must_restart = None

    def result(self):
        listening = processes_listening()
        self._running_config = self._load_running()
        become_agent_user()
        running = self._ask_running()
        config = None
        try:
            config = load_config(self._config_file)
        except ConfigError as error:
            self._fault(error.key, str(error), "refused")
        if config:
            self._try_token(self._token_file or config.token_file)
            self._try_state(config)
            self._try_addresses(config, running, listening)
            self._try_component(config)
        return {
            "ok": not self._faults,
            "faults": self._faults,
            "notes": self._notes,
            "component": config and config.component,
            "config": config and config.digest,
            "version": VERSION,
            "code": CODE,
            "health": self._health,
            "running": running and self._short(running),
            "takes": self._takes(config, running),
            "restart_because": self._must_restart,
        }

    @staticmethod
    def _short(running):
        agent = running["agent"]
        told = {key: running.get(key) for key in ("healthy", "why", "state", "revision", "release", "status_error")}
        return dict(told, version=agent.get("version"), config=agent.get("config"), code=agent.get("code"))

    def _fault(self, what, told, harm):
        self._faults.append({"what": what, "told": plain_words(told), "harm": harm})

    def _note(self, what, told):
        self._notes.append({"what": what, "told": plain_words(told)})

    def _load_running(self):
        if self._running_file and os.path.exists(self._running_file):
            try:
                return load_config(self._running_file)
            except ConfigError as error:
                self._note("running", "the agent that runs cannot be asked, for its configuration is wrong: %s" % error)
        return None

    def _ask_running(self):
        """The status of the agent that runs, or None."""
        if not self._running_config:
            return None
        host, port = self._running_config.control
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
        url = "http://%s:%d/heartbeat/status" % ("[%s]" % host if ":" in host else host, port)
        try:
            got = http_get(url, STATUS_TIMEOUT_S * 2)
            values = parse_json(got.body) if got.code == 200 else None
        except (GetError, ValueError):
            return None
        return values if isinstance(values, dict) and isinstance(values.get("agent"), dict) else None

    def _takes(self, config, running):
        if not running:
            return "start"
        if "code" not in running["agent"]:
            self._must_restart = "the agent that runs is older than the take-over"
        if self._must_restart:
            return "restart"
        same = config and (running["agent"].get("config"), running["agent"]["code"]) == (config.digest, CODE)
        return "nothing" if same else "reload"

    def _try_token(self, path):
        try:
            tokens = Tokens(path).read()
        except EnvironmentError as error:
            self._fault("token_file", "%s cannot be read by the agent (%s): every write would be refused" % (path, describe(error)), "refused")
            return
        if not all(TOKEN.match(token) for token in tokens):
            told = "%s has a line that is no token: at least 16 characters, printable ASCII without blanks. `openssl rand -hex 32` makes one"
            self._fault("token_file", told % path, "refused")

    def _try_state(self, config):
        directory = os.path.dirname(config.state_file)
        if not os.access(directory, os.R_OK | os.W_OK | os.X_OK):
            self._fault("state_file", "%s is no directory that the agent can write to: every write would be refused" % directory, "refused")
        elif os.path.lexists(config.state_file) and not os.access(config.state_file, os.R_OK):
            self._fault("state_file", "%s cannot be read by the agent: every write would be refused" % config.state_file, "refused")

    def _try_addresses(self, config, running, listening):
        running_config = self._running_config
        ours = (running_config.probe, running_config.control) if running_config and running else ()
        for key, address in (("probe", config.probe), ("control", config.control)):
            where = "%s:%d" % address
            try:
                bind(address).close()
                continue
            except EnvironmentError as error:
                if error.errno != errno.EADDRINUSE:
                    self._fault(key, "the agent cannot listen on %s: %s" % (where, describe(error)), "refused")
                    continue
            holders = listening.get(address[1]) or {None}
            others = [holder for holder in holders if holder and self._running_file not in holder.command]
            if others or (None in holders and address not in ours):
                told = " and ".join("process %d (%s)" % (holder.pid, " ".join(holder.command)) for holder in sorted(others))
                told = told or "a process that is not seen from here"
                self._fault(key, "%s is taken by %s. Give the agent another port, or end that process" % (where, told), "refused")
            elif address not in ours:
                self._must_restart = "the agent that runs holds port %d at another address, so %s is free only when it has ended" % (address[1], where)

    def _get(self, url, timeout_s):
        try:
            self._got = http_get(url, timeout_s)
            return self._got
        except GetError as error:
            self._got = error
            raise

    def _try_component(self, config):
        healthy, why = HealthPoller(config.health, Clock, self._get).first_verdict()
        self._health = {"healthy": healthy, "why": why}
        got = self._got
        # Asked after the checks, so that it has seen what they have seen.
        running = self._ask_running()
        before = self._running_config
        if not healthy:
            said = why + (", to %s" % plain(got.location) if getattr(got, "location", None) else "")
            self._judge(
                "health.url",
                "%s; only 200 to 299 is healthy" % said,
                "load balancers would be told down. Mend health.url, or the application",
                "down",
                running and running.get("healthy") is True,
                bool(before and before.health == config.health),
            )
        if config.status:
            self._got = None
            poller = StatusPoller(config.status, Clock, self._get)
            poller.poll()
            error = poller.release()[1]
            if error:
                self._judge(
                    "status.url",
                    error,
                    "no deployment would trust this node. Mend status.url, release_key or requests_key, or the application",
                    "unknown",
                    running and running.get("status_error") is None and bool(before.status),
                    bool(before and before.status == config.status),
                )

    def _judge(self, what, said, consequence, harm, was_good, is_same):
        """Bad is what was good until now, and what no application mends: one that is not there yet, or fails by itself, is not the configuration's fault."""
        code = getattr(self._got, "code", None)
        away = getattr(self._got, "nobody", False) or (code is not None and code >= 500)
        if was_good:
            self._fault(what, "%s. The agent that runs finds it good; with this configuration %s" % (said, consequence), harm)
        elif away or is_same:
            self._note(what, said)
        else:
            self._fault(what, "%s. With this configuration %s" % (said, consequence), harm)


def plain_words(text):
    return re.sub("[^ -~]", "?", text)[:1000]


# ---- The command -------------------------------------------------------------------------------------------------------------------


def show(values):
    sys.stdout.write(json.dumps(values, sort_keys=True) + "\n")
    sys.stdout.flush()
    return 0 if values["ok"] else EXIT_FAILED


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="halfswap-heartbeat", description="The heartbeat of one component: live or standby.")
    parser.add_argument("config", metavar="CONFIG", help="configuration, /etc/halfswap-heartbeat/<component>.json")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--check", action="store_true", help="only say whether CONFIG is valid")
    what.add_argument("--try", action="store_true", dest="trial", help="say, as JSON, whether an agent with CONFIG would do here; change nothing")
    what.add_argument("--reload", action="store_true", help="let the running agent start its successor, with what is on the disk, and wait for it")
    what.add_argument("--successor", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--running", metavar="FILE", help="with --try: the configuration of the agent that runs, whose place it takes")
    parser.add_argument("--token-file", metavar="FILE", help="with --try: the tokens to try, instead of those that CONFIG names")
    parser.add_argument("--version", action="version", version=VERSION)
    options = parser.parse_args(arguments)
    if hasattr(sys, "setswitchinterval"):
        sys.setswitchinterval(0.001)  # a thread that computes lets the one that answers in soon
    if options.trial:
        return show(Trial(options.config, options.running, options.token_file).result())
    if options.successor is not None:
        begun = Successor(options.config, options.successor).take_over()
        return go_on(*begun + (options.config,)) if begun else EXIT_FAILED
    try:
        config = load_config(options.config)
    except ConfigError as error:
        log("halfswap-heartbeat: %s" % error)
        return EXIT_CONFIG
    if options.check:
        return 0
    if options.reload:
        told = ask_for_reload(config)
        if not told["ok"]:
            log("halfswap-heartbeat: %s" % told["told"])
        return show(told)
    begun = begin(config)
    return go_on(*begun + (options.config,)) if begun else EXIT_FAILED


if __name__ == "__main__":
    sys.exit(main())
