# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The same requests through two load balancers: which ones are sent, what counts as the same answer, and how much may differ."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import difflib
import hashlib
import json
import re

from ansible.module_utils.common.text.converters import to_bytes, to_native

from ansible_collections.halfswap.bluegreen.plugins.module_utils._http import LONG_ANSWER, NoAnswer, NotReached, request
from ansible_collections.halfswap.bluegreen.plugins.module_utils._shown import shown
from ansible_collections.halfswap.bluegreen.plugins.module_utils._wait import monotonic
from ansible_collections.halfswap.bluegreen.plugins.module_utils.sanity._json_path import take_out
from ansible_collections.halfswap.bluegreen.plugins.module_utils.traffic._percentile import percentile

# What is compared and how, for the module, and for whoever wants to know before a run whether the module will take it.
OPTIONS = dict(
    paths=dict(type="list", elements="str"),
    file=dict(type="path"),
    log=dict(type="path"),
    lines=dict(type="int", default=10000),
    include=dict(type="list", elements="str", default=[]),
    exclude=dict(type="list", elements="str", default=[]),
    sample=dict(type="int", default=100),
    seed=dict(type="str", default=""),
    method=dict(type="str", choices=["GET", "HEAD"], default="GET"),
    headers=dict(type="dict"),
    ignore=dict(type="list", elements="str", default=[]),
    mask=dict(type="list", elements="str", default=[]),
    max_differences=dict(type="str", default="0"),
    max_slower_percent=dict(type="float"),
    max_slower_s=dict(type="float"),
    min_sample=dict(type="int", default=1),
    timeout_s=dict(type="float", default=60.0),
    diff_lines=dict(type="int", default=20),
)
SOURCES = ("paths", "file", "log")

# Apache and nginx write the status after the request, HAProxy before it.
REQUEST = r'"(?P<method>[A-Z]+) (?P<target>\S+) HTTP/[0-9.]+"'
LOG_LINES = (
    re.compile(r"\] %s (?P<status>[0-9]{3}) " % REQUEST),
    re.compile(r" (?P<status>[0-9]{3}) \+?[0-9]+ \S+ \S+ \S{4} [0-9/+]+ [0-9]+/[0-9]+ (?:\{.*\} )?%s" % REQUEST),
)
# HTTP/2 is logged with the host.
HOST = re.compile("^https?://[^/?#]+")
# Logs write what is unusual in a request with # or a backslash, and it cannot be told from them what was really sent. Braces are
# unusual, too, and a template has them.
PATH = re.compile(r"/[!$-\[\]-z|~]{0,2000}\Z")
# What tells one order from another, but not an order from a basket.
IDENTIFIER = re.compile("[^/]*[0-9][^/]*")
# What failed for the users says little about the new release.
GOOD = range(200, 400)

MASKED = "(masked)"
# A page may be one line: in pieces it can be shown where it differs.
LINE_CHARACTERS = 160
CONTEXT_LINES = 2
# From the first difference on, so that a long page does not take long.
DIFF_INPUT_LINES = 500
HUNK = re.compile(r"^@@ -([0-9]+)(\S*) \+([0-9]+)(\S*) @@")
# The rest is in the results.
SHOWN_DIFFERENCES = 3


def logged(lines):
    """The paths that were read without an error according to an access log. ValueError when none of the lines is one."""
    found, understood = [], 0
    for line in lines:
        entry = next((match for match in (known.search(line) for known in LOG_LINES) if match), None)
        if not entry:
            continue
        understood += 1
        path = HOST.sub("", entry.group("target"))
        if entry.group("method") == "GET" and int(entry.group("status")) in GOOD and PATH.match(path):
            found.append(path)
    if lines and not understood:
        raise ValueError(
            "none of its last %d lines is in the common or combined format or in HAProxy's HTTP format, for instance: %s"
            % (len(lines), shown(lines[-1], LINE_CHARACTERS))
        )
    return found


def listed(lines):
    """The paths of a file, one in a line. ValueError says which line is none."""
    found = []
    for number, line in enumerate(lines, 1):
        path = line.strip()
        if path and not path.startswith("#"):
            if not path.startswith("/"):
                raise ValueError("line %d must be a path that begins with /, but is %s" % (number, shown(path, LINE_CHARACTERS)))
            found.append(path)
    return found


def choose(paths, include, exclude, number, seed):
    """Each path once, and of these a sample, in which each kind of path has its turn: a page for which there are thousands of paths leaves room.

    The same paths and the same seed give the same sample, in whatever order they come and on every Python.
    """
    wanted = [
        path
        for path in sorted(set(paths))
        if (not include or any(pattern.search(path) for pattern in include)) and not any(pattern.search(path) for pattern in exclude)
    ]
    shuffled = sorted(wanted, key=lambda path: hashlib.sha256(to_bytes("%s %s" % (seed, path))).hexdigest())
    kinds, turn = {}, {}
    for path in shuffled:
        kind = IDENTIFIER.sub("", path.partition("?")[0])
        turn[path] = kinds[kind] = kinds.get(kind, 0) + 1
    return sorted(shuffled, key=turn.get)[:number]


def patterns(params, option):
    """The regular expressions of this option. ValueError says which one is none."""
    found = []
    for text in params[option]:
        try:
            found.append(re.compile(to_native(text)))
        except re.error as exc:
            raise ValueError("%s: %s is not a regular expression (%s)." % (option, to_native(text), to_native(exc)))
    return found


def allowed(text, compared):
    """How many of the compared answers may differ. ValueError when the text is no limit."""
    found = re.match(r"(?:([0-9]+(?:[.][0-9]+)?)%|([0-9]+))\Z", text)
    if not found:
        raise ValueError("max_differences must be a number or a percentage such as 5%%, but is %s." % text)
    return int(found.group(2)) if found.group(2) else compared * float(found.group(1)) / 100


def prepare(params):
    """Raises ValueError for what cannot be told by the types of the options alone."""
    for option in ("include", "exclude", "mask"):
        patterns(params, option)
    allowed(params["max_differences"], 0)
    for option in ("lines", "sample", "min_sample"):
        if params[option] < 1:
            raise ValueError("%s must be at least 1." % option)
    if params["min_sample"] > params["sample"]:
        raise ValueError("min_sample (%d) is above sample (%d): no sample would be large enough." % (params["min_sample"], params["sample"]))
    wrong = [path for path in params["paths"] or [] if not path.startswith("/")]
    if wrong:
        raise ValueError("paths: %s does not begin with /." % wrong[0])


def difference(old, new, path, most):
    """A unified diff of two texts, of at most so many lines."""
    texts = [[line[at : at + LINE_CHARACTERS] for line in text.splitlines() for at in range(0, len(line) or 1, LINE_CHARACTERS)] for text in (old, new)]
    same = 0
    for lines in zip(*texts):
        if lines[0] != lines[1]:
            break
        same += 1
    skipped = max(0, same - CONTEXT_LINES)
    texts = [lines[skipped : skipped + DIFF_INPUT_LINES] for lines in texts]
    diff = list(difflib.unified_diff(texts[0], texts[1], "live %s" % path, "standby %s" % path, n=CONTEXT_LINES, lineterm=""))
    diff = [
        HUNK.sub(lambda at: "@@ -%d%s +%d%s @@" % (int(at.group(1)) + skipped, at.group(2), int(at.group(3)) + skipped, at.group(4)), line) for line in diff
    ]
    # Line ends are all that differs.
    diff = diff or ["--- live %s" % path, "+++ standby %s" % path, "(only in the ends of lines)"]
    # With the mark in front of it.
    return [shown(line, LINE_CHARACTERS + 1) for line in diff[:most]] + (["(%d lines more)" % (len(diff) - most)] if len(diff) > most else [])


class Asked(object):
    """What came of one request through one load balancer."""

    def __init__(self, answer, error, latency_s, node):
        self.answer = answer
        self.error = error
        self.latency_s = latency_s
        self.node = node

    def text(self, ignore, mask):
        """The answer as it is compared."""
        if self.answer is None:
            return "no answer (%s)" % self.error
        body = self.answer.body
        try:
            document = json.loads(body)
        except ValueError:
            document = None
        if isinstance(document, (dict, list)):
            for key in ignore:
                take_out(document, key)
            body = json.dumps(document, indent=2, sort_keys=True, separators=(",", ": "))
        for pattern in mask:
            body = pattern.sub(MASKED, body)
        return "status %d\n%s" % (self.answer.status, body)

    def result(self):
        return dict(status=self.answer.status if self.answer else None, latency_s=self.latency_s, node=self.node, error=self.error)


class Comparison(object):
    """Sends one request at a time, and keeps what differed."""

    def __init__(self, params):
        self.params = params
        self.mask = patterns(params, "mask")
        self.results = []
        self.unanswered = 0

    def ask(self, url, path):
        start = monotonic()
        answer = error = None
        try:
            answer = request(
                url.rstrip("/") + path,
                method=self.params["method"],
                headers=self.params["headers"],
                timeout_s=self.params["request_timeout_s"],
                validate_certs=self.params["validate_certs"],
                ca_path=self.params["ca_path"],
                largest=LONG_ANSWER,
            )
        except (NotReached, NoAnswer) as exc:
            error = shown(exc)
        node = answer.headers.get(self.params["node_header"]) if answer else None
        return Asked(answer, error, round(monotonic() - start, 3), None if node is None else shown(node))

    def ask_both(self, path):
        # In turn, so that neither always finds what the other one has just had the database read.
        sides = [self.params["live_url"], self.params["standby_url"]]
        backwards = len(self.results) % 2 == 1
        asked = [self.ask(url, path) for url in (reversed(sides) if backwards else sides)]
        return asked[::-1] if backwards else asked

    def step(self, path):
        """Compare the answers to one path."""
        first = live, standby = self.ask_both(path)
        old, new = [asked.text(self.params["ignore"], self.mask) for asked in first]
        if old != new:
            # What users write between the two requests differs once, what the release does differs again.
            live, standby = self.ask_both(path)
            old, new = [asked.text(self.params["ignore"], self.mask) for asked in (live, standby)]
        if live.answer is None and standby.answer is None:
            self.unanswered += 1
            return
        # The time of an answer that was asked for again says nothing: it is in a cache by then.
        live.latency_s, standby.latency_s = first[0].latency_s, first[1].latency_s
        diff = [] if old == new else difference(old, new, path, self.params["diff_lines"])
        self.results.append(dict(path=path, same=old == new, live=live.result(), standby=standby.result(), diff=diff))

    def differing(self):
        return [found for found in self.results if not found["same"]]

    def latency(self):
        both = [found for found in self.results if not (found["live"]["error"] or found["standby"]["error"])]
        return {
            side: dict(
                median_s=percentile([found[side]["latency_s"] for found in both], 50),
                p95_s=percentile([found[side]["latency_s"] for found in both], 95),
            )
            for side in ("live", "standby")
        }

    def problems(self):
        """Which limits it is above."""
        params, compared, differ = self.params, len(self.results), len(self.differing())
        found = []
        if compared < params["min_sample"]:
            found.append("%d requests were compared, and at least %d (min_sample) must be" % (compared, params["min_sample"]))
        if differ > allowed(params["max_differences"], compared):
            found.append("%d of %d answers differ, and max_differences is %s" % (differ, compared, params["max_differences"]))
        return found + self.slower()

    def slower(self):
        latency = self.latency()
        old, new = latency["live"]["median_s"], latency["standby"]["median_s"]
        if old is None:
            return []
        limits = []
        if self.params["max_slower_percent"] is not None:
            limits.append(old * (1 + self.params["max_slower_percent"] / 100))
        if self.params["max_slower_s"] is not None:
            limits.append(old + self.params["max_slower_s"])
        # With both, it has to be above both: twice a millisecond is not slow.
        if not limits or new <= max(limits):
            return []
        return ["the median answer takes %.3f s instead of %.3f s, and may take %.3f s (max_slower_percent, max_slower_s)" % (new, old, max(limits))]

    def shown(self):
        """The first differences, for people."""
        differing = self.differing()
        lines = [line for found in differing[:SHOWN_DIFFERENCES] for line in found["diff"]]
        return "\n".join(lines + (["(%d paths more)" % (len(differing) - SHOWN_DIFFERENCES)] if len(differing) > SHOWN_DIFFERENCES else []))

    def result(self):
        return dict(compared=len(self.results), differences=len(self.differing()), unanswered=self.unanswered, latency=self.latency(), results=self.results)
