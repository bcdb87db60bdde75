#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: compare
short_description: Send the same requests through the live and the standby load balancer, and compare the answers
version_added: 0.1.0
description:
  - Sends a sample of read requests through both load balancers and compares status, body and latency, so that it shows what the new release
    answers differently before anybody uses it.
  - The requests are paths from a list, from a file, or from the access log of the live load balancer. Only V(GET) or V(HEAD) is ever sent, one
    request at a time, each on a connection of its own. No proxy is used and no redirect is followed.
  - Where the answers differ, both load balancers are asked once more, because users may have written in between. What still differs counts.
  - It runs where it is delegated to. O(file) and O(log) are read there, and that host must reach both load balancers.
author:
  - halfswap.bluegreen contributors (@halfswap)
extends_documentation_fragment:
  - halfswap.bluegreen.requests
attributes:
  check_mode:
    description: It only reads, and does so in check mode, too.
    support: full
  diff_mode:
    description: Nothing of Ansible's changes. The differences of the answers are in the result.
    support: none
  idempotent:
    description: It sends its requests each time.
    support: none
options:
  live_url:
    description:
      - Base URL of the live load balancer.
      - Without it and O(standby_url) nothing is sent, and only RV(paths) is returned. That is for a log on a host that does not reach both.
    type: str
  standby_url:
    description: Base URL of the standby load balancer.
    type: str
  paths:
    description: The paths, with a query where needed. Exactly one of O(paths), O(file) and O(log) is given.
    type: list
    elements: str
  file:
    description: File with one path in each line. Empty lines, and those that begin with C(#), are left out.
    type: path
  log:
    description:
      - Access log of the live load balancer, in the common or combined format or in HAProxy's HTTP format.
      - Taken are the paths of V(GET) requests that were answered with a status of 200 to 399. A path with an escaped character is left out.
    type: path
  lines:
    description: How many lines of O(log) are read, from its end.
    type: int
    default: 10000
  include:
    description: Regular expressions of Python of which one must match somewhere in the path. When empty, every path will do.
    type: list
    elements: str
    default: []
  exclude:
    description: Regular expressions of Python of which none may match, for paths that do something although they are read, such as C(^/logout).
    type: list
    elements: str
    default: []
  sample:
    description:
      - How many different paths are sent at most.
      - Each kind of path has its turn, so that a page for which there are thousands of paths leaves room for the others. Paths are of one kind when
        they are the same without the query and without the parts in which there is a digit.
    type: int
    default: 100
  seed:
    description: What chooses the sample. The same paths and the same seed give the same sample.
    type: str
    default: ""
  method:
    description: The HTTP method. With V(HEAD) no bodies are compared.
    type: str
    choices: [GET, HEAD]
    default: GET
  headers:
    description: Headers to send.
    type: dict
  ignore:
    description:
      - Keys that are taken out of JSON bodies before they are compared; dots lead into inner objects, a number is a position in a list, and C(*)
        stands for all keys or positions, as in C(orders.*.updated_at).
    type: list
    elements: str
    default: []
  mask:
    description: Regular expressions of Python. What they match in a body, JSON or not, is not compared.
    type: list
    elements: str
    default: []
  max_differences:
    description: How many answers may differ, as a number or as a percentage of those compared.
    type: str
    default: "0"
  max_slower_percent:
    description: By how many percent the median answer through the standby load balancer may take longer than through the live one.
    type: float
  max_slower_s:
    description: By how many seconds it may take longer. With O(max_slower_percent) it fails when it is above both.
    type: float
  min_sample:
    description: How many paths must be compared at least. With fewer it fails.
    type: int
    default: 1
  timeout_s:
    description: Seconds after which no further path is sent. O(min_sample) says whether that will do.
    type: float
    default: 60.0
  diff_lines:
    description: How many lines of the difference are kept for each path.
    type: int
    default: 20
seealso:
  - module: halfswap.bluegreen.sanity
"""

EXAMPLES = r"""
- name: Compare what users have asked for lately
  halfswap.bluegreen.compare:
    live_url: http://lb.example.com
    standby_url: http://lb-standby.example.com
    log: /var/log/haproxy.log
    exclude: [^/logout]
    sample: 200
    ignore: [generated_at, "orders.*.updated_at"]
    mask: ['name="csrf" value="[^"]*"']
    max_differences: 1%
    max_slower_percent: 50
    max_slower_s: 0.1
    min_sample: 50
  delegate_to: lb-live
"""

RETURN = r"""
paths:
  description: The sample, in the order in which it is sent.
  returned: success
  type: list
  elements: str
  sample: [/orders/17, /]
compared:
  description: Number of paths for which at least one of the load balancers gave an answer.
  returned: when requests were sent
  type: int
  sample: 200
differences:
  description: How many of them were answered differently.
  returned: when requests were sent
  type: int
  sample: 1
unanswered:
  description: Number of paths that neither of them answered.
  returned: when requests were sent
  type: int
  sample: 0
left_out:
  description: Number of paths of the sample that were not sent because the time was up.
  returned: when requests were sent
  type: int
  sample: 0
waited_s:
  description: Seconds that it took.
  returned: when requests were sent
  type: float
  sample: 4.117
latency:
  description: What the answers took, where both answered.
  returned: when requests were sent
  type: dict
  contains:
    live:
      description: Through the live load balancer, the C(median_s) and the 95th percentile C(p95_s), in seconds. Null where nothing was answered.
      type: dict
      returned: always
      sample: {median_s: 0.009, p95_s: 0.031}
    standby:
      description: The same through the standby load balancer.
      type: dict
      returned: always
      sample: {median_s: 0.010, p95_s: 0.044}
results:
  description: What was compared, path by path.
  returned: when requests were sent
  type: list
  elements: dict
  contains:
    path:
      description: The path.
      type: str
      returned: always
      sample: /orders/17
    same:
      description: Whether status and body were the same but for what is not compared.
      type: bool
      returned: always
      sample: false
    live:
      description: >-
        Through the live load balancer, the C(status), the seconds until the whole answer (C(latency_s)), the C(node) where the header gave it, and
        why there was no answer (C(error)); null for what was not there.
      type: dict
      returned: always
      sample: {status: 200, latency_s: 0.008, node: blue1, error: null}
    standby:
      description: The same through the standby load balancer.
      type: dict
      returned: always
      sample: {status: 200, latency_s: 0.009, node: green1, error: null}
    diff:
      description: The difference as a unified diff. Empty where there is none.
      type: list
      elements: str
      returned: always
      sample: ["--- live /orders/17", "+++ standby /orders/17", "@@ -2,3 +2,3 @@", " {", '-  "total": 12.5', '+  "total": 1250', " }"]
"""

import io

from ansible.module_utils.common.text.converters import to_native

from ansible_collections.halfswap.bluegreen.plugins.module_utils._http import REQUEST_OPTIONS
from ansible_collections.halfswap.bluegreen.plugins.module_utils._secrets import Module
from ansible_collections.halfswap.bluegreen.plugins.module_utils._shown import shown
from ansible_collections.halfswap.bluegreen.plugins.module_utils._wait import monotonic
from ansible_collections.halfswap.bluegreen.plugins.module_utils.sanity._compare import OPTIONS, SOURCES, Comparison, choose, listed, logged, patterns, prepare


def candidates(module):
    """All paths that there are. ValueError says why there are none to be had."""
    params = module.params
    if params["log"]:
        status, out, error = module.run_command(["tail", "-n", str(params["lines"]), "--", params["log"]], errors="surrogate_or_replace")
        if status:
            raise ValueError("log: %s. Does it need root (become)?" % shown(error.strip()))
        try:
            return logged(out.splitlines())
        except ValueError as exc:
            raise ValueError("log %s: %s." % (params["log"], to_native(exc)))
    if params["file"]:
        try:
            with io.open(params["file"], encoding="utf-8") as file:
                return listed([to_native(line) for line in file])
        except (EnvironmentError, ValueError) as exc:
            raise ValueError("file %s: %s." % (params["file"], to_native(exc)))
    return params["paths"]


def sampled(module):
    """The sample. ValueError says which option is wrong."""
    params = module.params
    prepare(params)
    for option in ("live_url", "standby_url"):
        if params[option] is not None and not params[option].startswith(("http://", "https://")):
            raise ValueError("%s must begin with http:// or https://, but is %s." % (option, params[option]))
    if params["live_url"] and params["live_url"].rstrip("/") == params["standby_url"].rstrip("/"):
        raise ValueError("live_url and standby_url are the same: there is nothing to compare.")
    return choose(candidates(module), patterns(params, "include"), patterns(params, "exclude"), params["sample"], params["seed"])


def compare(module, paths):
    comparison = Comparison(module.params)
    start = monotonic()
    sent = 0
    for path in paths:
        if monotonic() - start >= module.params["timeout_s"]:
            break
        comparison.step(path)
        sent += 1
    result = dict(comparison.result(), changed=False, paths=paths, left_out=len(paths) - sent, waited_s=round(monotonic() - start, 3))
    problems = comparison.problems()
    if problems:
        text = "The two load balancers do not answer alike: %s." % "; ".join(problems)
        module.fail_json(msg="\n".join([text, comparison.shown()]).strip(), **result)
    if result["differences"]:
        module.warn("%d of %d answers differ, which max_differences allows." % (result["differences"], result["compared"]))
    module.exit_json(**result)


def main():
    module = Module(
        guarded=["headers", "live_url", "standby_url"],
        argument_spec=dict(OPTIONS, live_url=dict(type="str"), standby_url=dict(type="str"), **REQUEST_OPTIONS),
        required_one_of=[SOURCES],
        mutually_exclusive=[SOURCES],
        required_together=[("live_url", "standby_url")],
        supports_check_mode=True,
    )
    try:
        paths = sampled(module)
    except ValueError as exc:
        module.fail_json(msg="Nothing was sent: %s" % exc)
    if module.params["live_url"] is None:
        module.exit_json(changed=False, paths=paths)
    compare(module, paths)


if __name__ == "__main__":
    main()
