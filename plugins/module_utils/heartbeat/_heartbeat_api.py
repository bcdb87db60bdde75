# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Client of the heartbeat API: the one place that knows its URLs, its headers and its errors."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json

from ansible_collections.halfswap.bluegreen.plugins.module_utils._dialect import (
    faults,
    keys,
    listing,
    mapping,
    number,
    one_of,
    or_null,
    parsed,
    text,
    truth,
    whole,
)
from ansible_collections.halfswap.bluegreen.plugins.module_utils._http import NoAnswer, NotReached, request
from ansible_collections.halfswap.bluegreen.plugins.module_utils._shown import LONG, shown, shown_all

# The API answers within 50 ms; a status read with `fresh` waits for one health check, at most 1 s by default.
TIMEOUT_S = 5
# As many characters as a write may carry: no text that it brings back is longer.
LONGEST = 16 * 1024
PHASES = ("SCHEDULED", "INITIALISING", "STANDING_BY", "SERVING", "CLEANING_UP", "OBSOLETE")

# What docs/heartbeat-api.md says of the status; what else an application adds is its own matter.
_TEXT = text(LONGEST)
_PROBER = keys(
    dict(
        address=_TEXT,
        path=_TEXT,
        consecutive=keys(dict(live=whole(), not_live=whole(), standby=whole(), not_standby=whole())),
        interval_s=or_null(number()),
        last_seen_s=number(),
        seen=whole(),
    ),
    dict(answers=mapping(whole(), 10), declared=truth(), first_seen_s=number()),
)
_NEEDED = dict(
    state=one_of("live", "standby"),
    revision=whole(),
    since_s=number(),
    by=or_null(_TEXT),
    run_id=or_null(_TEXT),
    healthy=truth(),
    why=_TEXT,
    probers=listing(_PROBER, 10000),
)
_OTHERS = dict(
    component=_TEXT,
    answer=one_of("live", "standby", "down"),
    since=_TEXT,
    state_error=_TEXT,
    reason=_TEXT,
    phase=one_of(*PHASES),
    release=_TEXT,
    status_error=_TEXT,
    requests=keys({}, dict(total=whole(), since_flip=whole(), rate_per_s=number())),
    agent=keys({}, dict(version=_TEXT, started_s=number(), config=_TEXT)),
    test=keys({}, dict(run_id=_TEXT, left_s=number())),
    refused=listing(keys({}, dict(address=_TEXT, asked=_TEXT, code=whole(), declared=truth(), error=_TEXT, seen=whole(), last_seen_s=number())), 10000),
)
STATUS = keys(_NEEDED, _OTHERS)
# Of an application that keeps no books, nobody knows who asks for it, and maybe not since when it says what it says.
ANY_STATUS = keys(dict(_NEEDED, since_s=or_null(number()), probers=or_null(_NEEDED["probers"])), _OTHERS)


class HeartbeatError(Exception):
    """The heartbeat API did not do what it was asked; the text says which component and what to do."""

    def __init__(self, told):
        # It may quote what others say.
        super(HeartbeatError, self).__init__(shown(told, LONG))


class Conflict(HeartbeatError):
    """Somebody else wrote the heartbeat since the decision was made (409)."""


class Heartbeat(object):
    """The heartbeat of one component, reached at the address of its control side. send: how requests get there (_http.request)."""

    def __init__(self, name, url, token=None, send=request):
        self.name = name
        self._send = send
        self.url = url.rstrip("/")
        # A token from a file often has a line end, which no header may have.
        self._token = (token or "").strip()

    def status(self, fresh=False, note=False):
        """What the component says now. With fresh, its health is checked for this very answer. It keeps books by itself: nothing to note."""
        return self._call("GET", "/heartbeat/status" + ("?fresh=1" if fresh else ""))

    def put(self, revision, **record):
        """Write state, reason, run id, phase or author, decided on the given revision."""
        body = {key: value for key, value in record.items() if value is not None}
        return self._call("PUT", "/heartbeat", body, {"If-Match": '"%d"' % revision})

    def match_test(self, words, seconds, **who):
        """For that time, answer what only a match that is not anchored takes for the word of a path."""
        return self._call("PUT", "/heartbeat/test", dict(who, words=words, seconds=seconds))

    def _call(self, method, path, body=None, headers=None):
        headers = dict(headers or {})
        if not all("!" <= character <= "~" for character in self._token):
            # Sent, it would come back within the text of an error.
            raise HeartbeatError("component %s: the token (variable bluegreen_token) may only have visible ASCII characters." % self.name)
        if self._token:
            headers["Authorization"] = "Bearer " + self._token
        if body is not None:
            body = json.dumps(body).encode("utf-8")
            headers["Content-Type"] = "application/json"
        try:
            answer = self._send(self.url + path, method, headers, body, TIMEOUT_S)
        except (NotReached, NoAnswer) as exc:
            raise HeartbeatError(
                "component %s: no heartbeat answers at %s (%s). Is its agent running "
                "(systemctl status halfswap-heartbeat@%s)? The playbook halfswap.bluegreen.setup installs and starts it."
                % (self.name, self.url, exc, self.name)
            )
        try:
            said = parsed(answer.body)
        except ValueError:
            said = None
        if answer.status != 200:
            raise self._refusal(answer.status, shown(said.get("error", "") if isinstance(said, dict) else answer.body))
        if not isinstance(said, dict):
            raise HeartbeatError("component %s: %s answers, but not with the heartbeat API's JSON. Is another program on that port?" % (self.name, self.url))
        wrong = faults(STATUS, said)
        if wrong:
            raise HeartbeatError(
                "component %s: %s answers in another dialect than the heartbeat API: %s. So nothing that it says counts. An application that keeps "
                "the API by itself has to answer as docs/heartbeat-api.md says; an agent of another version is replaced by halfswap.bluegreen.setup."
                % (self.name, self.url, "; ".join(wrong))
            )
        return shown_all(said)

    def _refusal(self, status, said):
        if status == 401:
            return HeartbeatError(
                "component %s: the heartbeat at %s refuses the token. It must be the one that halfswap.bluegreen.setup wrote to the node "
                "(variable bluegreen_token)." % (self.name, self.url)
            )
        if status == 409:
            return Conflict(
                "component %s: somebody else changed the heartbeat meanwhile (%s). Nothing was changed here; look with "
                "halfswap.bluegreen.status, then run again." % (self.name, said)
            )
        return HeartbeatError("component %s: the heartbeat at %s answered %d: %s" % (self.name, self.url, status, said))
