# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks through a load balancer, or of one node by itself: what one answer proves, and what is still unproven."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json
import re
import time

from ansible.module_utils.common.text.converters import to_bytes, to_native, to_text

from ansible_collections.halfswap.bluegreen.plugins.module_utils._http import (
    LONG_ANSWER,
    REQUEST_OPTIONS,
    NoAnswer,
    NotReached,
    request,
    without_login,
)
from ansible_collections.halfswap.bluegreen.plugins.module_utils._shown import Failure, shown
from ansible_collections.halfswap.bluegreen.plugins.module_utils._wait import monotonic
from ansible_collections.halfswap.bluegreen.plugins.module_utils.sanity._json_path import lookup

# Enough of a body to recognise an error page.
SHOWN_CHARACTERS = 300
BALANCER, NODE, BOTH = "balancer", "node", "both"
# One check, for the module, and for whoever wants to know before a run whether the module will take it.
CHECK = dict(
    name=dict(type="str"),
    path=dict(type="str", required=True),
    url=dict(type="str"),
    through=dict(type="str", choices=[BALANCER, NODE, BOTH], default=BALANCER),
    method=dict(type="str", default="GET"),
    headers=dict(type="dict"),
    body=dict(type="raw"),
    count=dict(type="int"),
    status=dict(type="list", elements="int", default=[200]),
    response_headers=dict(type="dict"),
    contains=dict(type="str"),
    regex=dict(type="str"),
    json=dict(type="dict"),
    max_latency_s=dict(type="float"),
)
# What one component of several has of its own.
OF_TEST = dict(
    url=dict(type="str"),
    checks=dict(type="list", elements="dict", options=CHECK),
    release=dict(type="str"),
    release_header=dict(type="str"),
)
SPEC = dict(
    REQUEST_OPTIONS,
    tests=dict(type="list", elements="dict", options=dict(OF_TEST, name=dict(type="str", required=True))),
    batch_id=dict(type="str", default=""),
    url=dict(type="str", required=True),
    nodes=dict(type="list", elements="str", default=[]),
    node=dict(type="str"),
    node_key=dict(type="str", no_log=False),
    release=dict(type="str"),
    release_header=dict(type="str"),
    release_key=dict(type="str", no_log=False),
    checks=dict(type="list", elements="dict", options=CHECK),
    count=dict(type="int", default=1),
    timeout_s=dict(type="float", default=60.0),
    interval_s=dict(type="float", default=0.1),
)
# Which of them may have secrets in them.
GUARDED = ["url", "checks", "tests"]


def parse(body):
    """The JSON document, or None for anything else."""
    try:
        return json.loads(body)
    except ValueError:
        return None


def find(document, key):
    """What is at the dotted key, or None."""
    try:
        return lookup(document, key)
    except LookupError:
        return None


def same(expected, got):
    """Equal, or written the same: older Ansible makes text of every templated value."""
    return expected == got or (
        not isinstance(got, (dict, list, type(None))) and not isinstance(expected, (dict, list, type(None))) and to_text(expected) == to_text(got)
    )


def excerpt(answer):
    return "status %d: %s" % (answer.status, shown(answer.body.strip(), SHOWN_CHARACTERS) or "(empty)")


def disappointment(check, answer, latency_s):
    """The first expectation that the answer does not meet, as (expected, got); None when it meets them all."""
    if answer.status not in check["status"]:
        return "status %s" % " or ".join(str(status) for status in check["status"]), excerpt(answer)
    for name, expected in sorted((check["response_headers"] or {}).items()):
        got = answer.headers.get(name)
        if got is None or not same(expected, to_native(got)):
            return "header %s: %s" % (name, expected), "no such header; %s" % excerpt(answer) if got is None else "%s: %s" % (name, shown(got))
    if check["contains"] is not None and to_native(check["contains"]) not in answer.body:
        return "a body with %s" % to_native(check["contains"]), excerpt(answer)
    if check["regex"] is not None and not re.search(to_native(check["regex"]), answer.body):
        return "a body that matches %s" % to_native(check["regex"]), excerpt(answer)
    if check["json"]:
        document = parse(answer.body)
        for key, expected in sorted(check["json"].items()):
            try:
                got = lookup(document, key)
            except LookupError as exc:
                return "%s = %s" % (key, json.dumps(expected)), "%s; %s" % (shown(exc), excerpt(answer))
            if not same(expected, got):
                return "%s = %s" % (key, json.dumps(expected)), "%s = %s" % (key, shown(json.dumps(got)))
    if check["max_latency_s"] is not None and latency_s > check["max_latency_s"]:
        return "an answer within %g s" % check["max_latency_s"], "an answer after %.3f s" % latency_s
    return None


def remedy(check, answer):
    """What to write in the check, where an answer other than 200 is right for this application.

    Of an error nobody says so, and who has declared a status knows where that is done.
    """
    status = answer.status
    if check["status"] != CHECK["status"]["default"] or not 200 < status < 500:
        return ""
    where = "the checks of a component are its key sanity in bluegreen_components, those of the role are sanity_checks"
    leads = answer.headers.get("Location") if 300 <= status < 400 else None
    if leads:
        text = "It leads to %s, and redirects are not followed: ask for the path behind it (path), or take the redirect for an answer (status: [%d])"
        return "%s; %s." % (text % (shown(leads), status), where)
    if status in (401, 403):
        return "Send what it asks for (headers), ask for a path that needs no login (path), or take this for an answer (status: [%d]); %s." % (status, where)
    return "Where that is the right answer, say so in the check (status: [%d]), or ask for another path (path); %s." % (status, where)


def prepare(check):
    """The check with its name, method, headers and body as they are sent. ValueError says what is wrong with it."""
    found = dict(check)
    found["method"] = check["method"].upper()
    found["name"] = check["name"] or "%s %s" % (found["method"], check["path"])
    if not check["path"].startswith("/"):
        raise ValueError("check %s: path must begin with /, but is %s." % (found["name"], check["path"]))
    if check["url"] and not check["url"].startswith(("http://", "https://")):
        raise ValueError("check %s: url must begin with http:// or https://, but is %s." % (found["name"], check["url"]))
    if check["count"] is not None and check["count"] < 1:
        raise ValueError("check %s: count must be at least 1." % found["name"])
    if check["regex"] is not None:
        try:
            re.compile(check["regex"])
        except re.error as exc:
            raise ValueError("check %s: regex is not a regular expression (%s)." % (found["name"], to_native(exc)))
    found["headers"] = {to_native(name): to_native(value, nonstring="simplerepr") for name, value in (check["headers"] or {}).items()}
    if isinstance(check["body"], (dict, list)):
        found["body"] = to_bytes(json.dumps(check["body"]))
        if "content-type" not in [name.lower() for name in found["headers"]]:
            found["headers"]["Content-Type"] = "application/json"
    elif check["body"] is not None:
        found["body"] = to_bytes(check["body"], nonstring="simplerepr")
    return found


def prepare_all(checks):
    """The checks, each with a name of its own. ValueError says what is wrong."""
    found = [prepare(check) for check in checks]
    names = [check["name"] for check in found]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ValueError('two checks have the name "%s": give them different ones.' % twice[0])
    return found


class Node(object):
    """What the answers of one node have shown."""

    def __init__(self, name):
        self.name = name
        self.answers = 0
        self.release = None
        self.slowest_s = None

    def took(self, latency_s):
        self.slowest_s = max(self.slowest_s or 0.0, round(latency_s, 3))

    def result(self):
        return dict(name=self.name, answers=self.answers, release=self.release, slowest_s=self.slowest_s)


class Sanity(object):
    """Sends one request at a time, and keeps who has answered which check."""

    def __init__(self, params, checks):
        self.params = params
        # The node that is asked by itself, if it is one.
        self.direct = params["node"]
        self.through = NODE if self.direct else BALANCER
        self.checks = [check for check in checks if check["through"] in (self.through, BOTH)]
        self.wanted = [self.direct] if self.direct else params["nodes"]
        self.nodes = {name: Node(name) for name in self.wanted}
        self.order = list(self.wanted)
        self.passed = {}
        self.results = []
        self.requests = 0
        self.last = None

    def count(self, check):
        return self.params["count"] if check["count"] is None else check["count"]

    def url(self, check):
        return self.params["url"] if self.direct else check["url"] or self.params["url"]

    def missing(self, check):
        """The nodes that have not answered this check often enough; [None] for any node at all."""
        passed = self.passed.get(check["name"], {})
        if self.wanted:
            return [name for name in self.wanted if passed.get(name, 0) < self.count(check)]
        return [] if sum(passed.values()) >= self.count(check) else [None]

    def unproven(self):
        """The first check that is not proven yet. One is sent until it is, so that round robin brings it to every node."""
        for check in self.checks:
            if self.missing(check):
                return check
        return None

    def step(self, check):
        """Send the check once. True when that proved something new."""
        self.requests += 1
        start = monotonic()
        try:
            answer = request(
                self.url(check).rstrip("/") + check["path"],
                method=check["method"],
                headers=check["headers"],
                body=check["body"],
                timeout_s=self.params["request_timeout_s"],
                validate_certs=self.params["validate_certs"],
                ca_path=self.params["ca_path"],
                largest=LONG_ANSWER,
            )
        except NotReached as exc:
            self.last = "nobody answers at %s (%s)" % (without_login(self.url(check)), shown(exc))
            if self.direct:
                # It is healthy: whoever does not listen here now is not about to.
                raise self.failure(check, self.direct, "an answer", self.last)
            return False
        except NoAnswer as exc:
            raise self.failure(check, self.direct, "a whole answer", "none within %g s (%s)" % (self.params["request_timeout_s"], shown(exc)))
        return self.judge(check, answer, monotonic() - start)

    def judge(self, check, answer, latency_s):
        document = parse(answer.body)
        name = self.direct or self.named(answer, document, "node")
        if name is not None and self.wanted and name not in self.wanted:
            raise self.failure(
                check,
                name,
                "an answer of %s" % " or ".join(self.wanted),
                "one of %s: the load balancer sends requests to a node that is not under test. What does its heartbeat say?" % name,
            )
        if answer.status == 503 and name is None and 503 not in check["status"]:
            self.last = "the load balancer itself answers 503: it has no server yet. Do its checks of the heartbeat reach the nodes?"
            return False
        row = self.row(check, name)
        row.update(status=answer.status, latency_s=max(row["latency_s"] or 0.0, round(latency_s, 3)))
        wrong = disappointment(check, answer, latency_s)
        if wrong:
            expected, got = wrong
            raise self.failure(check, name, expected, got, remedy(check, answer))
        if name is None and self.wanted:
            where = "header %s" % self.params["node_header"]
            if self.params["node_key"]:
                where += " or JSON key %s" % self.params["node_key"]
            raise self.failure(check, None, "the name of the node in %s" % where, "none (node_header, node_key); %s" % excerpt(answer))
        node = self.node(name)
        node.took(latency_s)
        self.take_release(check, node, self.named(answer, document, "release"))
        node.answers += 1
        row["answers"] += 1
        passed = self.passed.setdefault(check["name"], {})
        passed[name] = passed.get(name, 0) + 1
        self.last = None
        return passed[name] <= self.count(check)

    def named(self, answer, document, what):
        """The name of the node, or the release, that the answer gives: in its header, or else in its JSON."""
        header, key = self.params[what + "_header"], self.params[what + "_key"]
        value = answer.headers.get(header) if header else None
        if value is None and key:
            value = find(document, key)
        return None if value is None else shown(value).strip()

    def node(self, name):
        if name not in self.nodes:
            self.nodes[name] = Node(name)
            self.order.append(name)
        return self.nodes[name]

    def row(self, check, name):
        """What this node showed in this check."""
        for row in self.results:
            if (row["check"], row["node"]) == (check["name"], name):
                return row
        self.results.append(dict(check=check["name"], node=name, through=self.through, status=None, latency_s=None, answers=0, passed=True))
        return self.results[-1]

    def take_release(self, check, node, release):
        if release is None:
            return
        node.release = release
        if self.params["release"] is not None and release != self.params["release"]:
            raise self.failure(check, node.name, "release %s" % self.params["release"], "release %s" % release)

    def failure(self, check, node, expected, got, mend=""):
        self.row(check, node)["passed"] = False
        on = " on node %s%s" % (node, ", asked by itself" if self.direct else "") if node else ""
        return Failure(
            'Check "%s" failed%s: expected %s, got %s%s' % (check["name"], on, expected, got, ". %s" % mend if mend else ""),
            check=check["name"],
            node=node,
            expected=expected,
            got=got,
        )

    def late(self, check):
        """Why the time was not enough."""
        names = self.missing(check)
        text = 'check "%s" has not been answered%s' % (check["name"], "" if names == [None] else " by %s" % ", ".join(names))
        if self.count(check) > 1:
            text += " %d times" % self.count(check)
        return "%s; %s" % (
            text,
            self.last or "the load balancer sent every request to the others. Does it see these nodes, and is it free of sticky sessions?",
        )

    def silent(self):
        """Nodes that were to say their release, but did not. One that is asked by itself has said it through the load balancer."""
        if self.params["release"] is None or self.direct:
            return []
        return [name for name in self.order if self.nodes[name].release is None]

    def result(self):
        return dict(requests=self.requests, nodes=[self.nodes[name].result() for name in self.order], results=self.results)


def carry_out(params):
    """The result of the test, or of those of several components; params: as SPEC has them. Failure says what was wrong, and has the result until then."""
    if not params["tests"]:
        return _one(params)
    found, faults = [], []
    for test in params["tests"]:
        own = {name: test[name] for name in OF_TEST if test[name] is not None}
        try:
            result = _one(dict(params, **own))
        except Failure as exc:
            faults.append("Component %s: %s" % (test["name"], exc))
            result = dict(exc.result, failed=True, msg=str(exc))
        found.append(dict(result, component=test["name"], batch_id=params["batch_id"]))
    # All are tested, so that one run shows everything that is wrong.
    if faults:
        raise Failure("\n".join(faults), tests=found)
    return dict(changed=False, tests=found)


def _one(params):
    start = monotonic()
    try:
        sanity = prepared(params)
    except ValueError as exc:
        raise Failure("Nothing was sent: %s" % exc)

    def result():
        return dict(sanity.result(), changed=False, waited_s=round(monotonic() - start, 3))

    try:
        prove(sanity, start + params["timeout_s"])
    except Failure as exc:
        exc.result = dict(result(), **exc.result)
        raise
    return result()


def prepared(params):
    """The test, ready to be carried out. ValueError says which option is wrong."""
    if params["node"] and params["nodes"]:
        raise ValueError("node and nodes exclude each other.")
    if not params["url"].startswith(("http://", "https://")):
        raise ValueError("url must begin with http:// or https://, but is %s." % params["url"])
    if params["count"] < 1:
        raise ValueError("count must be at least 1.")
    if params["release"] is not None and not (params["release_header"] or params["release_key"]):
        raise ValueError("release needs release_header or release_key, which says where the answers give it.")
    found = Sanity(params, prepare_all(params["checks"] or []))
    if not params["checks"]:
        raise ValueError("checks is empty: without a check nothing is proven.")
    if not found.checks:
        raise ValueError("no check goes through the %s (checks: through): without one nothing is proven." % found.through)
    return found


def prove(sanity, deadline):
    """Send requests until every check is proven on every node."""
    while True:
        check = sanity.unproven()
        if not check:
            break
        progress = sanity.step(check)
        left = deadline - monotonic()
        if left <= 0 and sanity.unproven():
            raise Failure("Not proven in time: %s" % sanity.late(sanity.unproven()))
        if not progress:
            time.sleep(min(sanity.params["interval_s"], left))
    silent = sanity.silent()
    if silent:
        raise Failure("%s never said which release it is (release_header, release_key): add a check of a path whose answers do." % ", ".join(map(str, silent)))
