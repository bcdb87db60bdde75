# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What traffic says of some nodes: from probes, from HAProxy's statistics page, from Prometheus; and the judgement over it."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import base64
import collections
import csv
import json
import math
import random
import threading

from ansible.module_utils.common.text.converters import to_bytes, to_native

from ansible_collections.halfswap.bluegreen.plugins.module_utils._http import LONG_ANSWER, NoAnswer, NotReached, Sender, without_login
from ansible_collections.halfswap.bluegreen.plugins.module_utils._shown import Told, shown
from ansible_collections.halfswap.bluegreen.plugins.module_utils._wait import monotonic
from ansible_collections.halfswap.bluegreen.plugins.module_utils.traffic import _relative
from ansible_collections.halfswap.bluegreen.plugins.module_utils.traffic._percentile import percentile

try:
    from urllib.parse import urlencode
except ImportError:
    from urllib import urlencode

# 95 of 100 users: rarer than that, and one hiccup in a short watch decides; with fewer requests than 20 it is the slowest one anyway.
PERCENTILE = 95
# HAProxy counts without delay, and the page costs it next to nothing.
STATISTICS_EVERY_S = 1.0
# Prometheus learns something new every 10 to 60 seconds at most sites; a query may be expensive.
PROMETHEUS_EVERY_S = 5.0
# Probes are samples. What a load does to a release is for a load test to find out.
MOST_PROBES_PER_S = 100
# At the end of a watch somebody waits for the last one.
LONGEST_REQUEST_S = 30
# Beyond it a float does not count every one any more, and nothing that serves people comes near.
LARGEST_COUNT = 2.0**53
# How long a page or a query may take. Both come from machines beside the application, not from the application.
READ_TIMEOUT_S = 5.0

_SECRET = dict(type="str", no_log=True)
# The option `policy` of observe_traffic: how the traffic is watched, and how good it has to be.
POLICY = dict(
    probes=dict(
        type="dict",
        options=dict(
            paths=dict(type="list", elements="str", required=True),
            url=dict(type="str"),
            rate_per_s=dict(type="float", default=10.0),
            request_timeout_s=dict(type="float", default=10.0),
            node_header=dict(type="str", default="X-Served-By"),
        ),
    ),
    statistics=dict(
        type="dict",
        options=dict(
            urls=dict(type="list", elements="str", required=True),
            backends=dict(type="list", elements="str", default=[]),
            user=dict(type="str"),
            password=_SECRET,
            token=_SECRET,
        ),
    ),
    prometheus=dict(
        type="dict",
        options=dict(
            url=dict(type="str", required=True),
            rules=dict(
                type="list",
                elements="dict",
                options=dict(
                    name=dict(type="str", required=True),
                    query=dict(type="str", required=True),
                    max=dict(type="float"),
                    min=dict(type="float"),
                ),
                required_one_of=[("max", "min")],
            ),
            counters=dict(
                type="dict",
                options=dict(
                    requests=dict(type="str", required=True),
                    errors=dict(type="str", required=True),
                    node_label=dict(type="str", default="instance"),
                ),
            ),
            on_empty=dict(type="str", choices=["anomaly", "ignore"], default="anomaly"),
            headers=dict(type="dict"),
            user=dict(type="str"),
            password=_SECRET,
            token=_SECRET,
        ),
        required_one_of=[("rules", "counters")],
    ),
    max_error_percent=dict(type="float", default=1.0),
    max_p95_s=dict(type="float"),
    min_requests=dict(type="int", default=20),
    on_small_sample=dict(type="str", choices=["ignore", "anomaly"], default="ignore"),
    relative=dict(type="dict", options=_relative.OPTIONS),
    validate_certs=dict(type="bool", default=True),
    ca_path=dict(type="path"),
)


class SourceError(Told):
    """A source cannot be read, or is not what it should be; the text says which one and why."""


def spawn(work):
    """Do it beside everything else; nobody waits for it at the end of the process."""
    thread = threading.Thread(target=work)
    thread.daemon = True
    thread.start()


class Counts(object):
    """How many requests there were, how many of them failed, how long the others took in seconds, and what the failures were."""

    def __init__(self, requests=0, errors=0, latencies=(), why=()):
        self.requests = requests
        self.errors = errors
        self.latencies = list(latencies)
        self.why = collections.Counter(why)

    def __add__(self, other):
        return Counts(self.requests + other.requests, self.errors + other.errors, self.latencies + other.latencies, self.why + other.why)


def too_small(counts, policy):
    """Why they prove nothing; empty when there are enough."""
    if counts.requests >= policy["min_requests"]:
        return ""
    return "%d requests came to the nodes watched, fewer than min_requests (%d)" % (counts.requests, policy["min_requests"])


def judge(counts, policy, elapsed):
    """What is wrong with them, when this part (up to 1.0) of the time is over.

    Before the end it is only said what can get no better: where even with not one bad request more, in as many as are to be expected until
    the end, it would be too much.
    """

    def too_many(bad, of, percent):
        return bad * 100.0 > percent * of / elapsed

    if too_small(counts, policy):
        return []
    found = []
    if too_many(counts.errors, counts.requests, policy["max_error_percent"]):
        text = "%d of %d requests failed (%.1f %%, max_error_percent is %g)" % (
            counts.errors,
            counts.requests,
            counts.errors * 100.0 / counts.requests,
            policy["max_error_percent"],
        )
        found.append(": ".join([text] + ["%d times %s" % (count, why) for why, count in counts.why.most_common(1)]))
    limit = policy["max_p95_s"]
    # The percentile is above the limit exactly when more than the rest of a hundred are.
    if limit is not None and too_many(len([s for s in counts.latencies if s > limit]), len(counts.latencies), 100 - PERCENTILE):
        found.append("%d of 100 answers took up to %.3f s (max_p95_s is %g)" % (PERCENTILE, percentile(counts.latencies, PERCENTILE), limit))
    return found


class Source(object):
    """Asked again and again without keeping the others waiting. What counts is what it said last: one lost question is no anomaly.

    A kind of source has name, every_s, check(), read(), of() or judged(), and result(); and what of it can be compared with the old nodes.
    """

    measures = ()
    # A _relative.Comparison, where there is somebody to compare with.
    comparison = None

    def __init__(self, policy, nodes, old_nodes=()):
        self.policy = policy
        self.options = policy[self.name]
        self.nodes = [to_native(node) for node in some("nodes", nodes)]
        self.old_nodes = [to_native(node) for node in old_nodes]
        self.known = self.nodes + [node for node in self.old_nodes if node not in self.nodes]
        self.send = Sender(policy["validate_certs"], policy["ca_path"], LONG_ANSWER)
        self.timeout_s = READ_TIMEOUT_S
        self.busy = False
        self.due_s = 0.0
        self.error = "%s has not answered yet" % self.name

    def look(self, now_s):
        if self.busy or now_s < self.due_s:
            return
        self.busy = True
        self.due_s = now_s + self.every_s
        spawn(self._ask)

    def _ask(self):
        try:
            self.read()
            self.error = None
        except SourceError as exc:
            self.error = to_native(exc)
        finally:
            self.busy = False

    def pending(self):
        return self.busy

    def finish(self):
        """What it says in the end."""
        self._ask()

    def anomalies(self, elapsed):
        """What is wrong, by what was seen so far. What is only known in the end (elapsed is 1.0) is said there."""
        over = elapsed >= 1.0
        if self.error:
            return [self.error] if over else []
        found = self.judged(elapsed) + self.compared(elapsed)
        if over and self.policy["on_small_sample"] == "anomaly":
            found += filter(None, [self.small()])
        return ["%s: %s" % (self.name, text) for text in found]

    def judged(self, elapsed):
        return judge(self.counts(), self.policy, elapsed)

    def compared(self, elapsed):
        """What is worse than on the old nodes, where it is time to look."""
        if not self.comparison or not self.comparison.is_due(elapsed):
            return []
        return self.comparison.look(elapsed, self.of(self.nodes), self.of(self.old_nodes))

    def not_compared(self):
        """What could not be compared in the end, and why; empty when all could."""
        return self.comparison.not_compared() if self.comparison else ""

    def counts(self):
        return self.of(self.nodes)

    def small(self):
        """Why there was too little to be judged; empty when there was enough."""
        return too_small(self.counts(), self.policy)

    def too_few(self, _seconds):
        """Why so many seconds cannot be enough; empty when they can, or when nobody knows."""
        return ""

    def fetch(self, url, headers):
        try:
            return self.send(url, headers=headers, timeout_s=self.timeout_s)
        except (NotReached, NoAnswer) as exc:
            raise SourceError("%s: nobody answers at %s (%s)" % (self.name, without_login(url), to_native(exc)))


class Probes(Source):
    """Requests of our own through the live load balancer, each at its time, whether the ones before were answered or not: a client that waits
    for slow answers would ask less often while they are slow, and see less of it."""

    name = "probes"
    measures = (_relative.ERRORS, _relative.LATENCY)

    def __init__(self, policy, nodes, live_url="", release_header="", old_nodes=()):
        super(Probes, self).__init__(policy, nodes, old_nodes)
        if not 0 < self.options["rate_per_s"] <= MOST_PROBES_PER_S:
            raise ValueError("probes.rate_per_s must be above 0 and at most %d, but is %g." % (MOST_PROBES_PER_S, self.options["rate_per_s"]))
        self.timeout_s = self.options["request_timeout_s"]
        if not 0 < self.timeout_s <= LONGEST_REQUEST_S:
            raise ValueError("probes.request_timeout_s must be above 0 and at most %d, but is %g." % (LONGEST_REQUEST_S, self.timeout_s))
        self.error = None
        self.release_header = release_header
        self.every_s = 1.0 / self.options["rate_per_s"]
        self.urls = [
            http("probes.url", self.options["url"] or live_url).rstrip("/") + to_native(path) if path.startswith("/") else http("probes.paths", path)
            for path in some("probes.paths", self.options["paths"])
        ]
        self.round = []
        self.sent = 0
        # Written by many threads, one entry for each answer: (node, release, error or None, seconds).
        self.answers = []

    def look(self, now_s):
        # What could not be sent in time is left out: all of it at once would be a load test.
        if now_s >= self.due_s:
            self.due_s = max(self.due_s, now_s - self.every_s) + self.every_s
            # Each round in another order: a load balancer that has its turns, too, would bring the same node the same path every time.
            self.round = self.round or random.sample(self.urls, len(self.urls))
            url = self.round.pop()
            self.sent += 1
            spawn(lambda: self.probe(url))

    def probe(self, url):
        start = monotonic()
        try:
            answer = self.send(url, timeout_s=self.timeout_s)
        except NotReached as exc:
            self.answers.append((None, None, "nobody answers at %s (%s)" % (url, shown(exc)), None))
        except NoAnswer as exc:
            self.answers.append((None, None, "no whole answer from %s (%s)" % (url, shown(exc)), None))
        else:
            error = "status %d at %s" % (answer.status, url) if answer.status >= 400 else None
            self.answers.append((self.node(answer), _header(answer, self.release_header), error, monotonic() - start))

    def node(self, answer):
        return _header(answer, self.options["node_header"])

    def check(self):
        """What is right before anything is changed. Whether the release that serves now answers well is not asked: the next one may mend it."""
        for url in self.urls:
            try:
                answer = self.send(url, timeout_s=self.timeout_s)
            except (NotReached, NoAnswer) as exc:
                raise SourceError("probes: nobody answers at %s (%s): see probes.url and probes.paths" % (url, to_native(exc)))
            if 400 <= answer.status < 500:
                raise SourceError("probes: %s is answered with %d: give a path that can be read by everybody (probes.paths)" % (url, answer.status))
            if answer.status < 400 and self.node(answer) not in self.known:
                raise SourceError(
                    "probes: the header %s of the answer at %s is %s, which is not one of %s: have the load balancer send the name of the node "
                    "(probes.node_header)" % (self.options["node_header"], url, self.node(answer) or "missing", ", ".join(self.known))
                )

    def too_few(self, seconds):
        wanted = [(self.policy["min_requests"], "min_requests")]
        wanted += [(self.policy["relative"]["min_requests"], "relative.min_requests")] if self.comparison else []
        least, name = max(wanted)
        if seconds * self.options["rate_per_s"] >= least:
            return ""
        return (
            "probes: of %g requests per second, the nodes of a batch get %d while it is observed, and %s is %d: raise "
            "bluegreen_observe_s or probes.rate_per_s" % (self.options["rate_per_s"], seconds * self.options["rate_per_s"], name, least)
        )

    def pending(self):
        return self.sent - len(self.answers)

    def by_node(self):
        """Counts by the name and the release of the node; both are None for what nobody answered, or nobody who says who it was."""
        found = {}
        for node, release, error, seconds in list(self.answers):
            counts = found.setdefault((node, release), Counts())
            counts.requests += 1
            if error:
                counts.errors += 1
                counts.why[error] += 1
            else:
                counts.latencies.append(seconds)
        return found

    def of(self, nodes):
        return sum((counts for (node, _release), counts in self.by_node().items() if node in nodes), Counts())

    def counts(self):
        """Of the nodes that are judged and of what nobody answered. What the others answer is not the fault of these, and would not be mended
        by taking them back."""
        return self.of([None] + self.nodes)

    def finish(self):
        """What is still on its way has had longer than the time for a whole answer."""
        self.answers += [(None, None, "no whole answer within %g s" % self.timeout_s, None)] * self.pending()

    def result(self):
        found = self.by_node()
        return [
            dict(
                node=key[0],
                release=key[1],
                requests=found[key].requests,
                errors=found[key].errors,
                p95_s=rounded(percentile(found[key].latencies, PERCENTILE)),
            )
            for key in sorted(found, key=lambda key: (key[0] or "", key[1] or ""))
        ]


def _header(answer, name):
    value = answer.headers.get(name)
    return None if value is None else shown(value)


def rounded(seconds):
    return None if seconds is None else round(seconds, 3)


# Cumulative, per server. With HAProxy 2.6 each attempt to have a request answered by a server is one in stot, and one that failed is in
# exactly one of the others, but for one that is sent again to another server: that is in wretr, in wredis, or in both.
COUNTERS = ("stot", "hrsp_5xx", "econ", "eresp", "wretr", "wredis")


def parse_statistics(text):
    """Per server, a dictionary of its counters, by (proxy, server)."""
    lines = text.lstrip("# ").splitlines()
    rows = csv.DictReader(lines)
    if not {"pxname", "svname", "type"}.union(COUNTERS).issubset(rows.fieldnames or ()):
        raise ValueError("not the CSV of a statistics page, but %s" % (lines[0][:80] if lines else "nothing"))
    return {(row["pxname"], row["svname"]): {name: counter(row[name]) for name in COUNTERS} for row in rows if row["type"] == "2"}


def counter(text):
    # One that does not apply, such as a status in mode tcp, is empty.
    number = int(text or 0)
    if not 0 <= number < LARGEST_COUNT:
        raise ValueError("not the CSV of a statistics page: %d is no count" % number)
    return number


def grown(before, now):
    """By how much counters have grown. HAProxy begins at zero when it is restarted."""
    return {name: max(0, now[name] - (before[name] if now["stot"] >= before["stot"] else 0)) for name in COUNTERS}


def attempts(grown_by):
    """Counts from the counters of a server: what HAProxy mended by asking another one is an error of this one all the same."""
    why = {
        "a status of 500 or above": grown_by["hrsp_5xx"],
        "a connection that failed": grown_by["econ"],
        "no whole answer": grown_by["eresp"],
        "a request that had to be sent again": max(grown_by["wretr"], grown_by["wredis"]),
    }
    errors = sum(why.values())
    # A request that began before the watch may fail within it.
    return Counts(max(grown_by["stot"], errors), errors, why=why)


class Statistics(Source):
    """The counters of HAProxy's statistics pages, from the first time they were read on."""

    name = "statistics"
    every_s = STATISTICS_EVERY_S
    measures = (_relative.ERRORS,)

    def __init__(self, policy, nodes, old_nodes=()):
        super(Statistics, self).__init__(policy, nodes, old_nodes)
        self.urls = [http("statistics.urls", url) for url in some("statistics.urls", self.options["urls"])]
        self.last = {}
        self.total = {}

    def rows(self, url):
        answer = self.fetch(url if url.endswith(";csv") else url + ";csv", authorization(self.options))
        if answer.status in (401, 403):
            raise refused("statistics", url, answer.status)
        if answer.status != 200:
            raise SourceError("statistics: %s is answered with %d" % (url, answer.status))
        try:
            rows = parse_statistics(answer.body)
        except ValueError as exc:
            raise SourceError("statistics: %s is %s" % (url, to_native(exc)))
        wanted = self.options["backends"]
        rows = {key: row for key, row in rows.items() if key[1] in self.known and (not wanted or key[0] in wanted)}
        missing = [node for node in self.known if node not in [server for _proxy, server in rows]]
        if missing:
            raise SourceError(
                "statistics: %s has no server %s%s: servers have to have the names of the nodes"
                % (url, ", ".join(missing), " in " + ", ".join(wanted) if wanted else "")
            )
        return rows

    def check(self):
        for url in self.urls:
            self.rows(url)

    def read(self):
        for url in self.urls:
            for (proxy, server), row in self.rows(url).items():
                key = (url, proxy, server)
                total = self.total.setdefault(key, dict.fromkeys(COUNTERS, 0))
                for name, count in grown(self.last.get(key, row), row).items():
                    total[name] += count
                self.last[key] = row

    def of_node(self, node):
        return sum((attempts(total) for (_url, _proxy, server), total in sorted(self.total.items()) if server == node), Counts())

    def of(self, nodes):
        return sum(map(self.of_node, nodes), Counts())

    def result(self):
        found = [(node, self.of_node(node)) for node in self.known]
        return [dict(node=node, requests=counts.requests, errors=counts.errors) for node, counts in found]


def authorization(options):
    """Headers that open the door, if any are needed."""
    if options["token"]:
        return {"Authorization": "Bearer %s" % to_native(options["token"])}
    if options["user"]:
        pair = to_bytes("%s:%s" % (to_native(options["user"]), to_native(options["password"] or "")))
        return {"Authorization": "Basic %s" % to_native(base64.b64encode(pair))}
    return {}


def refused(source, url, status):
    """The door is closed."""
    return SourceError("%s: %s is answered with %d: see %s.user, %s.password and %s.token" % (source, url, status, source, source, source))


def parse_query(text):
    """The values of an instant query, as (labels, number). One that is not a number (0/0: there was no traffic) is no value."""
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    if not isinstance(document, dict) or "status" not in document:
        raise ValueError("not an answer of Prometheus, but %s" % (text[:80].strip() or "nothing"))
    if document["status"] != "success":
        raise ValueError("%s: %s" % (document.get("errorType"), document.get("error")))
    kind, result = document["data"]["resultType"], document["data"]["result"]
    if kind == "scalar":
        found = [({}, float(result[1]))]
    elif kind == "vector":
        found = [(dict(sample["metric"]), float(sample["value"][1])) for sample in result]
    else:
        raise ValueError("a %s, where a query must give an instant vector or a scalar" % kind)
    return [(labels, value) for labels, value in found if not math.isnan(value)]


def broken(rule, values):
    """The bounds of the rule that a value does not keep."""
    for labels, value in values:
        where = "{%s}" % ", ".join("%s=%s" % (shown(key), shown(labels[key])) for key in sorted(labels)) if labels else ""
        if rule["max"] is not None and value > rule["max"]:
            yield "%s is %g%s, above %g (max)" % (to_native(rule["name"]), value, where, rule["max"])
        if rule["min"] is not None and value < rule["min"]:
            yield "%s is %g%s, below %g (min)" % (to_native(rule["name"]), value, where, rule["min"])


class Prometheus(Source):
    """Queries whose values have to keep within bounds, and the applications' own counters of requests and errors."""

    name = "prometheus"
    every_s = PROMETHEUS_EVERY_S

    def __init__(self, policy, nodes, old_nodes=()):
        super(Prometheus, self).__init__(policy, nodes, old_nodes)
        self.url = http("prometheus.url", self.options["url"]).rstrip("/") + "/api/v1/query"
        self.rules = [] if self.options["rules"] is None else some("prometheus.rules", self.options["rules"])
        self.counters = self.options["counters"]
        self.measures = (_relative.ERRORS,) if self.counters else ()
        names = [rule["name"] for rule in self.rules]
        twice = [name for name in names if names.count(name) > 1]
        if twice:
            raise ValueError("two rules of prometheus have the name %s: give them different ones." % to_native(twice[0]))
        self.values = {}
        # The counters as they were last, by (what, node, labels), and by how much those of a node have grown, by (what, node).
        self.last = None
        self.total = collections.Counter()

    def query(self, name, query):
        headers = {to_native(name): to_native(value, nonstring="simplerepr") for name, value in (self.options["headers"] or {}).items()}
        headers.update(authorization(self.options))
        answer = self.fetch("%s?%s" % (self.url, urlencode({"query": to_bytes(query)})), headers)
        if answer.status in (401, 403):
            raise refused("prometheus", self.url, answer.status)
        try:
            return parse_query(answer.body)
        except (ValueError, KeyError, TypeError, IndexError) as exc:
            raise SourceError("prometheus: %s is answered by %s with %d (%s)" % (to_native(name), self.url, answer.status, to_native(exc)))

    def read(self):
        self.values = {rule["name"]: self.query("rule " + rule["name"], rule["query"]) for rule in self.rules}
        if self.counters:
            self.count()

    def count(self):
        """A series that comes up later has begun at zero: many clients have none for errors before the first one."""
        now = {}
        # Errors first: an error that is counted between the two questions is missing rather than one without its request.
        for what in ("errors", "requests"):
            for labels, value in self.query("counters." + what, self.counters[what]):
                if not 0 <= value < LARGEST_COUNT:
                    raise SourceError("prometheus: counters.%s has the value %g, which is no count" % (what, value))
                now.update({(what, node, json.dumps(labels, sort_keys=True)): value for node in self.known if self.is_of(node, labels)})
        for key, value in now.items():
            before = value if self.last is None else self.last.get(key, 0.0)
            # A counter begins at zero when its process is started.
            self.total[key[:2]] += value - before if value >= before else value
        # One that is missing for once keeps what it had.
        self.last = dict(self.last or {})
        self.last.update(now)

    def is_of(self, node, labels):
        """What is scraped has the address with its port for a name."""
        return to_native(labels.get(self.counters["node_label"], ""), nonstring="simplerepr").split(":")[0] == node

    def of(self, nodes):
        requests, errors = [int(round(sum(self.total[what, node] for node in nodes))) for what in ("requests", "errors")]
        return Counts(max(requests, errors), errors)

    def check(self):
        """A rule that is broken before the release would take back whatever comes. One without a value may be about what comes."""
        self.read()
        if self.counters and not self.last:
            raise SourceError(
                "prometheus: the counters have no value whose label %s is one of %s: see prometheus.counters.node_label"
                % (to_native(self.counters["node_label"]), ", ".join(self.known))
            )
        found = self.out_of_bounds()
        if found:
            raise SourceError("prometheus: %s already, before anything is changed" % "; ".join(found))

    def out_of_bounds(self):
        return [text for rule in self.rules for text in broken(rule, self.values[rule["name"]])]

    def judged(self, elapsed):
        found, over = self.out_of_bounds(), elapsed >= 1.0
        if over and self.options["on_empty"] == "anomaly":
            found += ["%s has no value (on_empty is anomaly)" % to_native(rule["name"]) for rule in self.rules if not self.values[rule["name"]]]
        # Nobody knows how old the last scrape is, so nobody knows before the end how many requests are still to be expected.
        return found + (judge(self.counts(), self.policy, elapsed) if over and self.counters else [])

    def small(self):
        return super(Prometheus, self).small() if self.counters else ""

    def result(self):
        return [dict(name=rule["name"], values=[value for _labels, value in self.values.get(rule["name"], [])]) for rule in self.rules]


def sources(policy, nodes, live_url="", release_header="", old_nodes=()):
    """Those that are configured. ValueError says which key of the policy is wrong."""
    if not 0 <= policy["max_error_percent"] < 100:
        raise ValueError("max_error_percent must be at least 0 and below 100, but is %g." % policy["max_error_percent"])
    if policy["max_p95_s"] is not None and policy["max_p95_s"] <= 0:
        raise ValueError("max_p95_s must be above 0, but is %g." % policy["max_p95_s"])
    if policy["min_requests"] < 1:
        raise ValueError("min_requests must be at least 1, but is %d." % policy["min_requests"])
    old_nodes = old_nodes if policy["relative"] else ()
    found = [Probes(policy, nodes, live_url, release_header, old_nodes)] if policy["probes"] else []
    found += [kind(policy, nodes, old_nodes) for kind in (Statistics, Prometheus) if policy[kind.name]]
    if not found:
        raise ValueError("there is nothing to see: give probes, statistics or prometheus.")
    if policy["relative"]:
        compare(policy["relative"], found)
    return found


def compare(options, found):
    """Have the sources compare what they can, where old nodes serve."""
    _relative.check(options)
    tests = sum(len(source.measures) for source in found)
    if not tests:
        raise ValueError("relative has nothing to compare: give probes, statistics or prometheus.counters.")
    for source in found:
        if source.old_nodes and source.measures:
            source.comparison = _relative.Comparison(options, source.measures, tests)


def http(key, url):
    """The URL, which has to be one."""
    if not (url or "").startswith(("http://", "https://")):
        raise ValueError("%s must begin with http:// or https://, but is %s." % (key, url or "missing"))
    return to_native(url)


def some(key, values):
    if not values:
        raise ValueError("%s is empty." % key)
    return values
