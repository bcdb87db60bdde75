#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: observe_traffic
short_description: Watch what users of some nodes get, and fail when it is not good enough
version_added: 0.1.0
description:
  - Watches the error rate and the latency of some nodes for O(seconds), from requests of its own through the live load balancer, from HAProxy's
    statistics page, from Prometheus, or from several of them. It fails when a limit of O(policy) is exceeded.
  - Only requests to O(nodes) are judged, and those that nobody answers. What other nodes answer is returned, not judged.
  - With O(policy.relative), O(nodes) are also compared with O(old_nodes), which serve the same load in the same seconds. It fails when they are worse.
  - It ends before the time is over when a limit will be exceeded even if everything else that is to be expected goes well.
  - A source that does not answer now and then is asked again; one that does not answer in the end is an anomaly.
  - It runs where it is delegated to. That host must reach the load balancer, its statistics page or Prometheus; the nodes need not be reached.
author:
  - halfswap.bluegreen contributors (@halfswap)
extends_documentation_fragment:
  - halfswap.bluegreen.attributes
attributes:
  check_mode:
    description: >-
      Asks each source once, and fails if one does not answer, or if it cannot do what O(policy) wants of it. Nothing is judged but rules of
      Prometheus, which have to hold before anything is changed.
  idempotent:
    description: Nothing changes. Probes are GET requests.
options:
  nodes:
    description: The names of the nodes that are judged.
    type: list
    elements: str
    required: true
  seconds:
    description:
      - How long to watch, in seconds. It ends later by what the last answers take.
      - In check mode, the seconds of probes that O(nodes) would get if no other node got any; too few for O(policy.min_requests) is an error.
    type: float
    required: true
  live_url:
    description: Base URL of the live load balancer, for probes without a URL of their own.
    type: str
    default: ""
  release_header:
    description: Header of the application's answers that gives its release, which is returned with what probes have seen.
    type: str
    default: ""
  old_nodes:
    description:
      - The names of the nodes that serve the old release meanwhile, for O(policy.relative). Without any, nothing is compared, which is said in RV(notes).
    type: list
    elements: str
    default: []
  policy:
    description: Where to look, and what is good enough. At least one of C(probes), C(statistics) and C(prometheus) is needed.
    type: dict
    required: true
    suboptions:
      probes:
        description: Requests of its own, GET, each on a connection of its own. An answer of 400 or above, or none at all, is an error.
        type: dict
        suboptions:
          paths:
            description: The paths to ask for, each once in a round, in another order each time; or complete URLs.
            type: list
            elements: str
            required: true
          url:
            description: Base URL of the load balancer. The default is O(live_url).
            type: str
          rate_per_s:
            description:
              - How many requests are sent in a second, whether the ones before were answered or not.
              - With the default a watch of ten seconds sees a hundred requests, so that it can see one percent.
            type: float
            default: 10.0
          request_timeout_s:
            description: Seconds for the whole of a request, at most 30. By default as long as any user may have to wait.
            type: float
            default: 10.0
          node_header:
            description: Header of the answers in which the load balancer or the node gives the name of the node.
            type: str
            default: X-Served-By
      statistics:
        description:
          - HAProxy's statistics page, version 2.4 or later. Its servers must have the names of the nodes.
          - A status of 500 or above, a connection that failed, a missing or cut answer is an error; so is a request that was sent again to
            another server, although its user has noticed nothing. Its latencies are averages over the last 1024 requests, and not judged.
        type: dict
        suboptions:
          urls:
            description: The statistics page of each live load balancer.
            type: list
            elements: str
            required: true
          backends:
            description: Names of the backends to look at. By default all that have a server with the name of a node.
            type: list
            elements: str
            default: []
          user:
            description: User name for the page.
            type: str
          password:
            description: Password for the page.
            type: str
          token:
            description: Bearer token for the page, instead of O(policy.statistics.user).
            type: str
      prometheus:
        description:
          - Queries of which every value must keep within bounds from the beginning to the end, and the applications' own counters.
          - At least one of C(rules) and C(counters) is needed.
        type: dict
        suboptions:
          url:
            description: Base URL of Prometheus, or of anything that answers its C(/api/v1/query).
            type: str
            required: true
          rules:
            description: The queries with bounds.
            type: list
            elements: dict
            suboptions:
              name:
                description: Name of the rule in messages.
                type: str
                required: true
              query:
                description: An expression of PromQL that gives an instant vector or a scalar.
                type: str
                required: true
              max:
                description: The largest value that is good.
                type: float
              min:
                description: The smallest value that is good.
                type: float
          counters:
            description: >-
              Counters of the applications, from the beginning of the watch on. They are compared by O(policy.relative), and in the end judged by
              O(policy.max_error_percent). A restart of an application does no harm.
            type: dict
            suboptions:
              requests:
                description: An expression that gives the counter of all requests for each node, without C(rate).
                type: str
                required: true
              errors:
                description: The same for the requests that failed.
                type: str
                required: true
              node_label:
                description: The label that has the name of the node, with or without a port.
                type: str
                default: instance
          on_empty:
            description:
              - What it means when the query of a rule has no value in the end. No value, or one that is not a number, is often a metric that was misspelt or
                that has gone, so the default is V(anomaly).
            type: str
            choices: [anomaly, ignore]
            default: anomaly
          headers:
            description: Headers to send, such as the name of a tenant. They are no secrets.
            type: dict
          user:
            description: User name for Prometheus.
            type: str
          password:
            description: Password for Prometheus.
            type: str
          token:
            description: Bearer token for Prometheus, instead of O(policy.prometheus.user).
            type: str
      max_error_percent:
        description: How many of a hundred requests may fail. The default is what a user who comes a hundred times may see once.
        type: float
        default: 1.0
      max_p95_s:
        description: Seconds within which 95 of 100 probes must have been answered. Only you know what is normal, so there is no default.
        type: float
      min_requests:
        description: With fewer requests nothing is judged. Of less than the default, the 95th percentile is always the slowest one.
        type: int
        default: 20
      on_small_sample:
        description:
          - What it means when there were fewer requests than O(policy.min_requests). With V(ignore) it is a warning, as an anomaly is something
            that was seen.
        type: str
        choices: [ignore, anomaly]
        default: ignore
      relative:
        description:
          - Has O(nodes) compared with O(old_nodes). The limits above stand beside it. An empty dictionary has the defaults.
          - Errors are compared by Fisher's exact test, from C(probes), C(statistics) and C(prometheus.counters); latency by the test of Mann and Whitney,
            from C(probes) alone. The other sources have no latency of a single request. Requests that no node has answered belong to no side.
          - It is compared four times, after each quarter of O(seconds), over everything since the beginning.
          - What has too few requests is not compared, and no anomaly. RV(notes) has it, and a warning.
        type: dict
        suboptions:
          confidence:
            description:
              - How sure it has to be, above 0.5 and below 1. With the default, of a hundred watches of a release that is as good as the old one, no more
                than one is an anomaly by mistake. All looks, tests and sources of a watch share that.
            type: float
            default: 0.99
          min_requests:
            description:
              - How many requests each side must have had, at least 20. For latency, only those count that did not fail.
              - With less than the default, one failed request is more than a percent.
            type: int
            default: 100
          max_more_error_percent:
            description:
              - By how many percentage points more may fail than on the old nodes, however sure it is. The default is half of what
                O(policy.max_error_percent) permits.
            type: float
            default: 0.5
          max_slower_percent:
            description:
              - By how many percent answers may take longer than those of the old nodes. The default is the tolerance that the judge of Kayenta has.
            type: float
            default: 25.0
          max_slower_s:
            description:
              - By how many seconds answers may take longer. It is an anomaly when it is above both. The default is the clock tick of Python 2.7.
            type: float
            default: 0.01
      validate_certs:
        description: Whether to verify certificates.
        type: bool
        default: true
      ca_path:
        description: File with the certificates to verify them with, instead of those of the system.
        type: path
seealso:
  - module: halfswap.bluegreen.observe
"""

EXAMPLES = r"""
- name: Watch what blue1 answers for a minute
  halfswap.bluegreen.observe_traffic:
    nodes: [blue1]
    seconds: 60
    live_url: http://www.example.com
    policy:
      probes:
        paths: [/, /orders]
      statistics:
        urls: ["http://lb1.example.com:8404/"]
      prometheus:
        url: http://prometheus.example.com:9090
        rules:
          - name: failed payments per second
            query: sum(rate(payments_failed_total[1m]))
            max: 0.5
      max_p95_s: 0.5
  delegate_to: localhost

- name: Watch it, and compare it with the node that serves the old release
  halfswap.bluegreen.observe_traffic:
    nodes: [blue1]
    old_nodes: [green1]
    seconds: 120
    live_url: http://www.example.com
    policy:
      probes:
        paths: [/, /orders]
      relative:
        confidence: 0.99
        max_slower_percent: 50
  delegate_to: localhost
"""

RETURN = r"""
anomalies:
  description: Which limits were exceeded. The task fails when there is any.
  returned: always
  type: list
  elements: str
  sample: ["probes: 12 of 25 requests failed (48.0 %, max_error_percent is 1): 12 times status 500 at http://www.example.com/orders"]
notes:
  description: Why a source was not judged, or not compared.
  returned: always
  type: list
  elements: str
  sample: ["statistics: 3 requests came to the nodes watched, fewer than min_requests (20)"]
observed_s:
  description: Seconds watched.
  returned: always
  type: float
  sample: 10.0
probes:
  description: What probes have seen, by node and release; also of nodes that are not judged.
  returned: with probes, not in check mode
  type: list
  elements: dict
  contains:
    node:
      description: Name of the node. Null where nobody answered, or did not say who it was.
      type: str
      returned: always
      sample: blue1
    release:
      description: Its release. Null where the answers do not tell.
      type: str
      returned: always
      sample: 2.0.0
    requests:
      description: Number of requests.
      type: int
      returned: always
      sample: 25
    errors:
      description: Number of those that failed.
      type: int
      returned: always
      sample: 0
    p95_s:
      description: Seconds within which 95 of 100 of the others were answered. Null without any.
      type: float
      returned: always
      sample: 0.021
statistics:
  description: What the statistics pages have counted, by node; with O(policy.relative), of O(old_nodes), too.
  returned: with statistics, not in check mode
  type: list
  elements: dict
  contains:
    node:
      description: Name of the node.
      type: str
      returned: always
      sample: blue1
    requests:
      description: Attempts to have a request answered by it.
      type: int
      returned: always
      sample: 312
    errors:
      description: Number of those that failed.
      type: int
      returned: always
      sample: 0
prometheus:
  description: What the queries of the rules gave last.
  returned: with prometheus, not in check mode
  type: list
  elements: dict
  contains:
    name:
      description: Name of the rule.
      type: str
      returned: always
      sample: failed payments per second
    values:
      description: Its values.
      type: list
      elements: float
      returned: always
      sample: [0.02]
relative:
  description: What was compared at the last look. Empty when nothing could be.
  returned: with O(policy.relative), not in check mode
  type: list
  elements: dict
  contains:
    source:
      description: Where it comes from.
      type: str
      returned: always
      sample: probes
    measure:
      description: What was compared, C(errors) or C(latency).
      type: str
      returned: always
      sample: errors
    new_requests:
      description: Number of requests to O(nodes) in it.
      type: int
      returned: always
      sample: 600
    old_requests:
      description: Number of requests to O(old_nodes) in it.
      type: int
      returned: always
      sample: 598
    new:
      description: How many percent of those to O(nodes) failed, or the median in seconds. Null when it was not compared.
      type: float
      returned: always
      sample: 5.0
    old:
      description: The same of those to O(old_nodes).
      type: float
      returned: always
      sample: 0.5
    p_value:
      description: >-
        How likely chance alone makes such a difference, when the new nodes are as good as the old ones; for latency, when they are slower by no more than is
        permitted. Null when it was not compared.
      type: float
      returned: always
      sample: 0.0000013
"""

import time

from ansible_collections.halfswap.bluegreen.plugins.module_utils._secrets import Module
from ansible_collections.halfswap.bluegreen.plugins.module_utils._shown import LONG, shown
from ansible_collections.halfswap.bluegreen.plugins.module_utils._wait import monotonic, wait_until
from ansible_collections.halfswap.bluegreen.plugins.module_utils.traffic._traffic import POLICY, SourceError, sources

# How soon too much is noticed. It is judged over everything seen so far, which costs more than a look.
JUDGE_EVERY_S = 0.5
# Long enough to let others work where something is due all the time.
SHORTEST_PAUSE_S = 0.005
ALONE = "relative: no node serves the old release beside the new one, so there is nothing to compare with; the other limits are judged"


def watch(found, seconds):
    """Ask the sources until the time is over or one of them has seen too much. Returns the anomalies and the seconds watched."""
    start = monotonic()
    judge_at_s = JUDGE_EVERY_S
    while True:
        now_s = monotonic() - start
        if now_s >= seconds:
            break
        if now_s >= judge_at_s:
            judge_at_s = now_s + JUDGE_EVERY_S
            anomalies = [text for source in found for text in source.anomalies(now_s / seconds)]
            if anomalies:
                return anomalies, now_s
        for source in found:
            source.look(now_s)
        due_s = min([seconds, judge_at_s] + [source.due_s for source in found if not source.busy])
        time.sleep(max(SHORTEST_PAUSE_S, due_s - now_s))
    wait_until(lambda: [source for source in found if source.pending()], max(source.timeout_s for source in found))
    for source in found:
        source.finish()
    return [text for source in found for text in source.anomalies(1.0)], seconds


def run(module, found):
    if module.check_mode:
        for source in found:
            source.check()
        few = [text for text in [source.too_few(module.params["seconds"]) for source in found] if text]
        if few:
            raise SourceError("; ".join(few))
        return dict(changed=False, anomalies=[], notes=alone(module), observed_s=0.0)
    anomalies, observed_s = watch(found, module.params["seconds"])
    result = dict({source.name: source.result() for source in found}, changed=False, anomalies=anomalies, notes=[], observed_s=round(observed_s, 3))
    if module.params["policy"]["relative"]:
        result["relative"] = [dict(row, source=source.name) for source in found if source.comparison for row in source.comparison.rows]
    if anomalies:
        module.fail_json(msg=shown("After %.1f s: %s." % (observed_s, "; ".join(anomalies)), LONG), **result)
    small = ["%s: %s" % (source.name, source.small()) for source in found if source.small()]
    for note in small:
        module.warn("Traffic was not judged. %s." % note)
    not_compared = ["%s: %s" % (source.name, source.not_compared()) for source in found if source.not_compared()]
    for note in not_compared:
        module.warn("Traffic was not compared. %s." % note)
    result["notes"] = small + not_compared + alone(module)
    return result


def alone(module):
    """Why nothing is compared, although it is wanted; known before the watch."""
    if not module.params["policy"]["relative"] or module.params["old_nodes"]:
        return []
    module.warn("Traffic is not compared. %s." % ALONE)
    return [ALONE]


def main():
    module = Module(
        guarded=["policy", "live_url"],
        argument_spec=dict(
            nodes=dict(type="list", elements="str", required=True),
            seconds=dict(type="float", required=True),
            live_url=dict(type="str", default=""),
            release_header=dict(type="str", default=""),
            old_nodes=dict(type="list", elements="str", default=[]),
            policy=dict(type="dict", required=True, options=POLICY),
        ),
        supports_check_mode=True,
    )
    params = module.params
    if params["seconds"] <= 0:
        module.fail_json(msg="Nothing is observed, as seconds is 0: say for how long (bluegreen_observe_s), or leave bluegreen_observe out.")
    try:
        found = sources(params["policy"], params["nodes"], params["live_url"], params["release_header"], params["old_nodes"])
    except ValueError as exc:
        module.fail_json(msg="policy (bluegreen_observe): %s" % exc)
    try:
        module.exit_json(**run(module, found))
    except SourceError as exc:
        module.fail_json(msg="%s. Nothing was changed." % exc)


if __name__ == "__main__":
    main()
