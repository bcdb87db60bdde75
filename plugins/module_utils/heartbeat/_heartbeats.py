# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The heartbeats of all kinds, which answer the same questions; the one place that knows their differences.

`Heartbeat` (_heartbeat_api) speaks to an API that keeps books. Any other application only knows live and standby, if that: it is a
`Http`, a `FlagFile` or a `Command` here, and a `Kept` keeps the books for it, in a record on the node.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json
import os
import re
import tempfile
import time

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.text.converters import to_bytes, to_native
from ansible.module_utils.errors import UnsupportedError

from ansible_collections.halfswap.bluegreen.plugins.module_utils import _command
from ansible_collections.halfswap.bluegreen.plugins.module_utils._dialect import keys, number, one_of, or_null, parsed, text, whole
from ansible_collections.halfswap.bluegreen.plugins.module_utils._http import NoAnswer, NotReached, request, without_login
from ansible_collections.halfswap.bluegreen.plugins.module_utils._secrets import secrets_of
from ansible_collections.halfswap.bluegreen.plugins.module_utils._shown import shown_all
from ansible_collections.halfswap.bluegreen.plugins.module_utils._wait import monotonic, wait_until
from ansible_collections.halfswap.bluegreen.plugins.module_utils.heartbeat._heartbeat_api import PHASES, Conflict, Heartbeat, HeartbeatError
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node import _records
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._machine import boot_id
from ansible_collections.halfswap.bluegreen.plugins.module_utils.sanity._json_path import lookup, whole_number

PHASE_OF = dict(standby="STANDING_BY", live="SERVING")
# Where there is no record yet, or no more. A writer that decided on a revision of a lost one never matches these.
FIRST_REVISION = dict(standby=0, live=1)
# The record that is kept for an application.
TABLE = keys(
    dict(
        state=one_of("live", "standby"),
        revision=whole(),
        since=number(),
        since_up_s=number(),
        boot=or_null(text()),
        by=or_null(text()),
        run_id=or_null(text()),
        reason=or_null(text()),
        phase=one_of(*PHASES),
        requests=or_null(whole()),
    )
)
# How long an application may take until it says what it was told.
READ_BACK_S = 5.0
# Enough of an answer to recognise what it is.
SHOWN_CHARACTERS = 200

_TEST = dict(status=dict(type="list", elements="int"), regex=dict(type="str"), json=dict(type="dict"))
_REQUEST = dict(
    url=dict(type="str", required=True),
    method=dict(type="str", default="GET"),
    headers=dict(type="dict", default={}),
    body=dict(type="raw"),
    timeout_s=dict(type="float", default=5.0),
    validate_certs=dict(type="bool", default=True),
    ca_path=dict(type="str"),
)
_ENDED = dict(rc=dict(type="list", elements="int"), regex=dict(type="str"))
_RUN = dict(argv=dict(type="list", elements="str", required=True), timeout_s=dict(type="float", default=10.0))


def _section(*specs):
    merged = {}
    for spec in specs:
        merged.update(spec)
    return dict(type="dict", required=True, options=merged)


def _read_section(ask, test):
    return _section(ask, dict(live=_section(test), standby=_section(test)))


# The keys of each profile, beside those that all have.
PROFILES = dict(
    api=dict(),
    http=dict(read=_read_section(_REQUEST, _TEST), live=_section(_REQUEST, _TEST), standby=_section(_REQUEST, _TEST)),
    file=dict(
        path=dict(type="str", required=True),
        content=dict(type="dict", options=dict(live=dict(type="str", required=True), standby=dict(type="str", required=True))),
        owner=dict(type="str"),
        group=dict(type="str"),
        mode=dict(type="str", default="0644"),
    ),
    command=dict(read=_read_section(_RUN, _ENDED), live=_section(_RUN, _ENDED), standby=_section(_RUN, _ENDED)),
)
# What every profile has beside them. What `relayed` has was seen and told by the controller.
COMMON_KEYS = ("profile", "via", "port", "health", "status", "relayed")
WAYS = ("node", "controller", "tunnel")
# What can be asked from elsewhere.
FAR_PROFILES = ("api", "http")
_HEALTH = dict(url=dict(type="str", required=True), timeout_s=dict(type="float", default=1.0))
_STATUS = dict(url=dict(type="str", required=True), release_key=dict(type="str", default="release"), requests_key=dict(type="str"))
USUAL_REQUESTS_KEY = "requests"


class Untold(HeartbeatError):
    """The application says neither live nor standby, for instance because it does not run."""


def components_option(**more):
    """The option `components` of a module that asks their heartbeats, or tells them; `more` is what else it takes of each."""
    options = dict(name=dict(type="str", required=True), url=dict(type="str"), heartbeat=dict(type="dict"), **more)
    return dict(type="list", elements="dict", required=True, options=options, required_one_of=[["url", "heartbeat"]])


def profile_of(component):
    return (component.get("heartbeat") or {}).get("profile") or "api"


def way_to(component):
    return (component.get("heartbeat") or {}).get("via") or "node"


def described(name, heartbeat):
    """The description of a heartbeat of another kind with its types and defaults. HeartbeatError names everything that is wrong with it."""
    profile = heartbeat.get("profile") or "api"
    if profile not in PROFILES:
        raise HeartbeatError("component %s: heartbeat.profile is %s; there are %s." % (name, profile, ", ".join(sorted(PROFILES))))
    given = {key: value for key, value in heartbeat.items() if key not in COMMON_KEYS}
    result = ArgumentSpecValidator(PROFILES[profile]).validate(given)
    problems = [to_native(error.msg) for error in result.errors if not isinstance(error, UnsupportedError)]
    unknown = sorted(key if not isinstance(key, tuple) else ".".join(key) for key in result.unsupported_parameters)
    problems += ["unknown key %s" % key for key in unknown]
    if not problems:
        problems = _problems(profile, result.validated_parameters)
    if problems:
        raise HeartbeatError("component %s: heartbeat (profile %s): %s. See docs/heartbeats.md." % (name, profile, "; ".join(problems)))
    return result.validated_parameters


def _problems(profile, keys):
    if profile == "file":
        return [] if os.path.isabs(keys["path"]) else ["path must be absolute, but is %s" % keys["path"]]
    found = []
    for what, test in (("read.live", keys["read"]["live"]), ("read.standby", keys["read"]["standby"]), ("live", keys["live"]), ("standby", keys["standby"])):
        if test.get("regex") is not None:
            try:
                re.compile(test["regex"])
            except re.error as exc:
                found.append("%s.regex is not a regular expression (%s)" % (what, to_native(exc)))
        if what.startswith("read.") and not any(test.get(key) for key in ("status", "rc", "regex", "json")):
            found.append("%s says nothing by which that state is known" % what)
    if not found and _plain(keys["read"]["live"]) == _plain(keys["read"]["standby"]):
        found.append("read.live and read.standby are the same")
    return found


def _plain(test):
    return {key: value for key, value in test.items() if value}


# ---- What an application of each kind is asked and told -----------------------------------------------------------------------------


class Http(object):
    """An application that is asked and told by requests of its own."""

    def __init__(self, name, keys, send=request):
        self.name = name
        self.keys = keys
        self._send = send
        self._secrets = secrets_of(keys)

    def read(self):
        asked = self.keys["read"]
        answer = self._ask(asked, Untold)
        return _told(self.name, {state: self._unmet(asked[state], answer) for state in PHASE_OF}, self._shown(answer))

    def write(self, state):
        asked = self.keys[state]
        answer = self._ask(asked, HeartbeatError)
        unmet = self._unmet(dict(asked, status=asked["status"] or range(200, 300)), answer)
        if unmet:
            raise HeartbeatError(
                "component %s: %s %s was to make it %s, but the answer %s (%s)."
                % (self.name, asked["method"], without_login(asked["url"]), state, unmet, self._shown(answer))
            )

    def _ask(self, asked, error):
        headers = {to_native(key): to_native(value, nonstring="simplerepr") for key, value in asked["headers"].items()}
        body = asked["body"]
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
            if "content-type" not in [key.lower() for key in headers]:
                headers["Content-Type"] = "application/json"
        try:
            return self._send(
                asked["url"],
                asked["method"].upper(),
                headers,
                None if body is None else to_bytes(body, nonstring="simplerepr"),
                asked["timeout_s"],
                asked["validate_certs"],
                asked["ca_path"],
            )
        except (NotReached, NoAnswer) as exc:
            raise error("component %s: nobody answers at %s (%s). Does its service run?" % (self.name, without_login(asked["url"]), to_native(exc)))

    def _unmet(self, test, answer):
        return self._masked(_unmet(test, answer) or "")

    def _shown(self, answer):
        return "status %d: %s" % (answer.status, self._masked(answer.body)[:SHOWN_CHARACTERS].strip() or "(empty)")

    def _masked(self, text):
        """Who echoes a request has its secrets in the answer, which is quoted, and on the controller nothing else masks them."""
        for secret in self._secrets:
            text = text.replace(secret, "********")
        return text


def _unmet(test, answer):
    """What the answer lacks for this test; nothing when it meets it."""
    if test["status"] and answer.status not in test["status"]:
        return "has status %d" % answer.status
    if test["regex"] is not None and not re.search(test["regex"], answer.body):
        return "does not match %s" % test["regex"]
    for key, expected in sorted((test["json"] or {}).items()):
        try:
            got = lookup(parsed(answer.body), key)
        except (ValueError, LookupError) as exc:
            return "has no JSON key %s (%s)" % (key, to_native(exc))
        # Older Ansible makes text of every templated value.
        if got != expected and to_native(got, nonstring="simplerepr") != to_native(expected, nonstring="simplerepr"):
            return "has %s = %s" % (key, json.dumps(got))
    return None


def _told(name, unmet, shown):
    """The one state whose test is met."""
    met = [state for state in sorted(unmet) if not unmet[state]]
    if len(met) == 1:
        return met[0]
    why = "both tests are met" if met else "; ".join("not %s, as the answer %s" % (state, unmet[state]) for state in sorted(unmet))
    raise Untold("component %s says neither live nor standby: %s (%s)." % (name, why, shown))


class FlagFile(object):
    """A file that a web server exposes: it is there when live, or its content says so."""

    def __init__(self, name, keys, module):
        self.name = name
        self.keys = keys
        self.module = module

    def read(self):
        path, content = self.keys["path"], self.keys["content"]
        try:
            with open(path, "rb") as flag:
                got = to_native(flag.read(4096), errors="surrogate_or_replace").strip()
        except EnvironmentError as exc:
            # A directory that is missing or closed is no answer.
            if not os.path.isdir(os.path.dirname(path)) or os.path.exists(path):
                raise Untold("component %s: the flag file %s cannot be read: %s." % (self.name, path, to_native(exc.strerror)))
            if content is None:
                return "standby"
            raise Untold("component %s: there is no flag file %s." % (self.name, path))
        if content is None:
            return "live"
        for state in sorted(content):
            if got == content[state].strip():
                return state
        raise Untold(
            "component %s: the flag file %s has neither the content for live nor that for standby, but %s." % (self.name, path, got[:SHOWN_CHARACTERS])
        )

    def write(self, state):
        path, content = self.keys["path"], self.keys["content"]
        try:
            if content is None and state == "standby":
                if os.path.exists(path):
                    os.unlink(path)
            else:
                self._replace(path, "live\n" if content is None else content[state])
            self._sync(os.path.dirname(path))
        except EnvironmentError as exc:
            raise HeartbeatError("component %s: the flag file %s cannot be written: %s." % (self.name, path, to_native(exc.strerror)))

    def _replace(self, path, content):
        created = not os.path.exists(path)
        descriptor, new = tempfile.mkstemp(prefix=".halfswap-", dir=os.path.dirname(path))
        try:
            with os.fdopen(descriptor, "wb") as flag:
                flag.write(to_bytes(content))
                flag.flush()
                os.fsync(flag.fileno())
            # It keeps owner and mode of a file that is replaced, and gives the SELinux context that belongs there.
            self.module.atomic_move(new, path)
        finally:
            if os.path.exists(new):
                os.unlink(new)
        if created:
            self.module.set_owner_if_different(path, self.keys["owner"], False)
            self.module.set_group_if_different(path, self.keys["group"], False)
            self.module.set_mode_if_different(path, self.keys["mode"], False)

    @staticmethod
    def _sync(directory):
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


class Command(object):
    """Commands that set and tell the state."""

    def __init__(self, name, keys, _module):
        self.name = name
        self.keys = keys

    def read(self):
        asked = self.keys["read"]
        rc, said = self._run(asked, Untold)
        return _told(self.name, {state: self._unmet(asked[state], rc, said) for state in PHASE_OF}, "%s ended with %d: %s" % (asked["argv"][0], rc, said))

    def write(self, state):
        asked = self.keys[state]
        rc, said = self._run(asked, HeartbeatError)
        unmet = self._unmet(dict(asked, rc=asked["rc"] or [0]), rc, said)
        if unmet:
            raise HeartbeatError("component %s: %s was to make it %s, but its end %s: %s" % (self.name, " ".join(asked["argv"]), state, unmet, said))

    def _run(self, asked, error):
        try:
            rc, out, err = _command.run(asked["argv"], asked["timeout_s"])
        except _command.Unfinished as exc:
            raise error("component %s: %s %s." % (self.name, " ".join(asked["argv"]), exc))
        return rc, (out.strip() or err.strip())[:SHOWN_CHARACTERS]

    @staticmethod
    def _unmet(test, rc, said):
        if test["rc"] and rc not in test["rc"]:
            return "has exit status %d" % rc
        if test["regex"] is not None and not re.search(test["regex"], said):
            return "does not match %s" % test["regex"]
        return None


class Relayed(object):
    """What the controller was told by an application that it alone reaches, and what it has told it since."""

    def __init__(self, name, seen):
        self.name = name
        self.seen = seen

    def read(self):
        if self.seen["state"] is None:
            raise Untold(self.seen["untold"])
        return self.seen["state"]

    def write(self, state):
        if self.seen.get("written") != state:
            raise HeartbeatError("component %s: nothing says that it was told %s." % (self.name, state))
        self.seen = dict(self.seen, state=state)


def tell(asked, state):
    """Tell an application its state, and see that it took it."""

    def missing():
        try:
            return [] if asked.read() == state else ["it says something else"]
        except Untold as exc:
            return [str(exc)]

    asked.write(state)
    left, waited_s = wait_until(missing, READ_BACK_S)
    if left:
        raise HeartbeatError("component %s: it was told %s, but %.1f s later %s." % (asked.name, state, waited_s, left[0].rstrip(".")))


# ---- What is seen from outside ------------------------------------------------------------------------------------------------------


class Outside(object):
    """Health and status of the component, which are asked for as the agent does."""

    def __init__(self, heartbeat, send=request):
        self._health = _validated(_HEALTH, heartbeat.get("health"))
        self._status = _validated(_STATUS, heartbeat.get("status"))
        self._send = send

    def look(self):
        healthy, why = self._healthy()
        release, total, error = self._told()
        return dict(healthy=healthy, why=why, release=release, total=total, status_error=error)

    def _healthy(self):
        if not self._health:
            return True, "nobody checks its health (health_url)"
        try:
            answer = self._get(self._health["url"], self._health["timeout_s"])
        except (NotReached, NoAnswer) as exc:
            return False, "%s: %s" % (without_login(self._health["url"]), to_native(exc))
        return 200 <= answer.status < 300, "%s: answered %d" % (without_login(self._health["url"]), answer.status)

    def _told(self):
        if not self._status:
            return None, None, None
        url = without_login(self._status["url"])
        try:
            answer = self._get(self._status["url"], (self._health or dict(timeout_s=1.0))["timeout_s"])
            if not 200 <= answer.status < 300:
                return None, None, "%s: answered %d" % (url, answer.status)
            document = parsed(answer.body)
        except (NotReached, NoAnswer, ValueError) as exc:
            return None, None, "%s: %s" % (url, to_native(exc))
        release = total = None
        errors = []
        try:
            release = to_native(lookup(document, self._status["release_key"]), nonstring="simplerepr")
        except LookupError as exc:
            errors.append(to_native(exc))
        try:
            total = self._total(document)
        except (LookupError, ValueError) as exc:
            errors.append(to_native(exc))
        return release, total, "%s: %s" % (url, "; ".join(errors)) if errors else None

    def _total(self, document):
        """The requests so far. A key that the site names must be there; without one, the usual one may be missing."""
        key = self._status["requests_key"] or USUAL_REQUESTS_KEY
        try:
            found = lookup(document, key)
        except LookupError:
            if self._status["requests_key"]:
                raise
            return None
        try:
            return whole_number(found)
        except ValueError as exc:
            raise ValueError("key %s has %s" % (key, to_native(exc)))

    def _get(self, url, timeout_s):
        return self._send(url, "GET", None, None, timeout_s)


class Seen(object):
    """What the controller has seen."""

    def __init__(self, seen):
        self._seen = seen

    def look(self):
        return {key: self._seen[key] for key in ("healthy", "why", "release", "total", "status_error")}


def _validated(spec, given):
    if not given:
        return None
    result = ArgumentSpecValidator(spec).validate(given)
    if result.error_messages:
        raise HeartbeatError("; ".join(result.error_messages))
    return result.validated_parameters


# ---- Heartbeats that answer all questions -------------------------------------------------------------------------------------------


class Kept(object):
    """The heartbeat of an application that keeps no books: its own word for the state, and a record on the node for the rest.

    books: whether there is such a record, which is so on the node only.
    """

    def __init__(self, name, profile, application, outside, books=True):
        self.name = name
        self.profile = profile
        self._application = application
        self._outside = outside
        self._books = books
        self._file = "heartbeat-%s.json" % name

    def status(self, fresh=False, note=False):
        """What the component says now, its health always checked for this very answer. With note, what is seen first is dated on the node."""
        record, state, untold = self._look()
        if note and not untold and (record is None or record["state"] != state):
            with _records.exclusive(self._file):
                record, state, untold = self._look()
                if not untold and (record is None or record["state"] != state):
                    record = self._write(_found(record, state), self._outside.look()["total"])
        return self._status(record, state, untold)

    def put(self, revision, state, reason=None, run_id=None, by=None, phase=None):
        """Write state, reason, run id, phase or author, decided on the given revision."""
        with _records.exclusive(self._file):
            record, was, _untold = self._look()
            now = _revision(record, was)
            if now != revision:
                raise Conflict(
                    "component %s: somebody else changed the heartbeat meanwhile (it is at revision %d, not %d). Nothing was changed here; look "
                    "with halfswap.bluegreen.status, then run again." % (self.name, now, revision)
                )
            flip = was != state
            known = record if record is not None and record["state"] == was else None
            phase = phase or (known["phase"] if known and not flip else PHASE_OF[state])
            changed = flip or known is None or (known["phase"], known["run_id"]) != (phase, run_id)
            if flip:
                tell(self._application, state)
            if changed:
                lasting = None if flip else known
                record = self._write(
                    dict(
                        _dated(lasting),
                        state=state,
                        # A first record begins where no earlier one can have been.
                        revision=int(time.time()) if record is None else now + 1,
                        by=by,
                        run_id=run_id,
                        reason=reason,
                        phase=phase,
                    ),
                    lasting["requests"] if lasting else self._outside.look()["total"],
                )
            return dict(self._status(record, state, None), changed=changed)

    def _look(self):
        """The record, the state, and why the application does not tell it: what was written last is then all there is to say."""
        record = _records.read_json(self._file, TABLE) if self._books else None
        try:
            return record, self._application.read(), None
        except Untold as exc:
            if record is None:
                raise
            return record, record["state"], str(exc)

    def _write(self, record, requests):
        record["requests"] = requests
        _records.write_json(self._file, record)
        return record

    def _status(self, record, state, untold):
        seen = self._outside.look()
        known = record if record is not None and record["state"] == state else None
        since_s = _since_s(known)
        status = dict(
            component=self.name,
            profile=self.profile,
            state=state,
            revision=_revision(record, state) if self._books else None,
            since=known and _records.iso8601(known["since"]),
            since_s=since_s,
            by=known and known["by"],
            reason=known and known["reason"],
            run_id=known and known["run_id"],
            phase=known and known["phase"],
            healthy=seen["healthy"] and not untold,
            why=untold or seen["why"],
            release=seen["release"],
            status_error=seen["status_error"],
            requests=dict(total=seen["total"], since_flip=_since_flip(known, seen["total"]), rate_per_s=None),
            # Nobody knows who asks.
            probers=None,
        )
        return shown_all(status)


def _revision(record, state):
    if record is None:
        return FIRST_REVISION[state]
    # Somebody else has switched it since: a writer that decided before that does not match.
    return record["revision"] + (record["state"] != state)


def _found(record, state):
    """The record of a state that somebody else has brought about, at the latest now."""
    revision = int(time.time()) if record is None else _revision(record, state)
    return dict(_dated(None), state=state, revision=revision, by=None, run_id=None, reason="found", phase=PHASE_OF[state])


def _dated(record):
    """When the state began: with this record, or now. By the clock for people, and by the time since the boot for whoever waits."""
    if record is not None:
        return {key: record[key] for key in ("since", "since_up_s", "boot")}
    return dict(since=time.time(), since_up_s=monotonic(), boot=boot_id())


def _since_s(record):
    if record is None:
        return None
    same_boot = record["boot"] == boot_id()
    return round(max(0.0, monotonic() - record["since_up_s"] if same_boot else time.time() - record["since"]), 3)


def _since_flip(record, total):
    if record is None or total is None or record["requests"] is None or total < record["requests"]:
        return None  # it began to count anew meanwhile
    return total - record["requests"]


class Told(object):
    """What an API that the controller alone reaches has told it, before and after it was written."""

    def __init__(self, name, relayed):
        self.name = name
        self._now = relayed["status"]
        self._after = relayed.get("after")

    def status(self, fresh=False, note=False):
        return self._now

    def put(self, revision, **_record):
        if self._after is None or self._now["revision"] != revision:
            raise HeartbeatError("component %s: nothing says that its heartbeat was written on revision %s." % (self.name, revision))
        self._now = self._after
        return self._now


class Failing(object):
    """A heartbeat that the controller could not read."""

    def __init__(self, name, error):
        self.name = name
        self._error = error

    def status(self, fresh=False, note=False):
        raise HeartbeatError(self._error)

    put = status


# ---- The factory --------------------------------------------------------------------------------------------------------------------


def application(name, heartbeat, module=None, send=request):
    """What only knows live and standby, as its profile describes it."""
    keys = described(name, heartbeat)
    if heartbeat["profile"] == "http":
        return Http(name, keys, send)
    return dict(file=FlagFile, command=Command)[heartbeat["profile"]](name, keys, module)


def heartbeat_of(component, token=None, module=None, send=request, books=True):
    """The heartbeat of a component of a module (name, and url or heartbeat), whatever its kind.

    send: how requests get there. books: whether the records of the node can be used.
    """
    heartbeat, name = component.get("heartbeat") or {}, component["name"]
    profile = profile_of(component)
    relayed = heartbeat.get("relayed")
    if relayed and "error" in relayed:
        return Failing(name, relayed["error"])
    if profile == "api":
        if relayed:
            return Told(name, relayed)
        if not component.get("url"):
            raise HeartbeatError("component %s has neither a url nor a heartbeat with a profile." % name)
        return Heartbeat(name, component["url"], token, send)
    if relayed:
        return Kept(name, profile, Relayed(name, relayed["seen"]), Seen(relayed["seen"]))
    return Kept(name, profile, application(name, heartbeat, module, send), Outside(heartbeat, send), books)


def seen_of(component, send=request):
    """What the controller sees of an application without books, for a `relayed` on the node."""
    name, heartbeat = component["name"], component["heartbeat"]
    asked = application(name, heartbeat, send=send)
    try:
        state, untold = asked.read(), None
    except Untold as exc:
        state, untold = None, str(exc)
    return dict(Outside(heartbeat, send).look(), state=state, untold=untold)
