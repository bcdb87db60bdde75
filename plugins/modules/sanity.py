#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: sanity
short_description: Test nodes through their load balancer until each has answered every check
version_added: 0.1.0
description:
  - Sends HTTP checks to a load balancer, usually the standby one, until every node has answered each of them as expected.
  - Every request has a connection of its own, so that the load balancer distributes them.
  - With O(node) it asks one node by itself instead, without a load balancer.
  - The first answer that is not as expected ends it. Only the time until the load balancer has a node at all is waited for, which it shows
    by refusing the connection or by a 503 that names no node.
  - It runs where it is delegated to. That host must reach the load balancer; the nodes need not be reached.
author:
  - halfswap.bluegreen contributors (@halfswap)
extends_documentation_fragment:
  - halfswap.bluegreen.requests
attributes:
  check_mode:
    description: Sends nothing in check mode, because a check may write; it is skipped.
    support: none
  diff_mode:
    description: Nothing of Ansible's changes. What the requests change in the application is the affair of the checks.
    support: none
  idempotent:
    description: It sends its requests each time.
    support: none
options:
  batch_id:
    description: The batch that is tested. With O(tests), each result has it, and M(halfswap.bluegreen.heartbeat) takes none of another batch.
    type: str
    default: ""
  url:
    description: Base URL of the load balancer, or of the node. No proxy is used and no redirect is followed.
    type: str
    required: true
  nodes:
    description:
      - The names of the nodes that must answer. An answer of another node is an error.
      - When empty, each check must be answered O(count) times, by whatever node.
    type: list
    elements: str
    default: []
  node:
    description: The name of the node that answers at O(url), where it is asked by itself. Excludes O(nodes).
    type: str
  node_key:
    description: Key in JSON answers that gives the name of the node where O(node_header) is missing; dots lead into inner objects.
    type: str
  release:
    description: The release that each node must report in at least one of its answers, and in no answer another one.
    type: str
  release_header:
    description: Header of the answers that gives the release.
    type: str
  release_key:
    description: Key in JSON answers that gives the release where O(release_header) is missing; dots lead into inner objects.
    type: str
  checks:
    description: The checks. Without O(tests) at least one must go the way that is asked for, see O(checks[].through).
    type: list
    elements: dict
    suboptions: &check
      name:
        description: Name of the check in messages. By default its method and path.
        type: str
      path:
        description: Path of the URL, with a query where needed.
        type: str
        required: true
      url:
        description: Base URL for this check where it is not O(url). A node that is asked by itself is asked at O(url).
        type: str
      through:
        description:
          - Whether the check is for the load balancer, for each node by itself (O(node)), or for both.
          - Each run of this module goes one way, and leaves the checks out that are only for the other one.
        type: str
        choices: [balancer, node, both]
        default: balancer
      method:
        description: The HTTP method.
        type: str
        default: GET
      headers:
        description: Headers to send.
        type: dict
      body:
        description: Text to send, or a dictionary or a list to send as JSON.
        type: raw
      status:
        description: The status expected, or a list of those that will do.
        type: list
        elements: int
        default: [200]
      count:
        description: How often each node must answer this check, where it is not O(count).
        type: int
      response_headers:
        description: Headers that the answer must have, with their exact values.
        type: dict
      contains:
        description: Text that the body must contain.
        type: str
      regex:
        description: Regular expression of Python that must match somewhere in the body.
        type: str
      json:
        description: Values that the JSON body must have, by key; dots lead into inner objects, and a number is a position in a list.
        type: dict
      max_latency_s:
        description: Seconds that the whole answer may take.
        type: float
  tests:
    description:
      - The tests of several components, one after the other. Each has what it does not share with the others.
      - All of them are carried out, whichever fails.
    type: list
    elements: dict
    suboptions:
      name:
        description: The component.
        type: str
        required: true
      url:
        description: As O(url), which is for those that have none.
        type: str
      checks:
        description: As O(checks).
        type: list
        elements: dict
        suboptions: *check
      release:
        description: As O(release).
        type: str
      release_header:
        description: As O(release_header).
        type: str
  count:
    description: How often each node must answer each check.
    type: int
    default: 1
  timeout_s:
    description: Seconds after which to give up. A request under way is finished.
    type: float
    default: 60.0
  interval_s:
    description: Seconds to pause after a request that proved nothing new. There is no pause otherwise.
    type: float
    default: 0.1
seealso:
  - module: halfswap.bluegreen.drain
"""

EXAMPLES = r"""
- name: Test two components of the green half
  halfswap.bluegreen.sanity:
    url: http://lb-standby.example.com
    nodes: [green1, green2]
    tests:
      - {name: shop, release: "2.0.0", release_header: X-Release, checks: [{path: /}]}
      - {name: cart, url: "http://lb-standby.example.com:81", checks: [{path: /cart}]}
  delegate_to: localhost

- name: Test the green half through the standby load balancer
  halfswap.bluegreen.sanity:
    url: http://lb-standby.example.com
    nodes: [green1, green2]
    release: "2.0.0"
    release_key: release
    checks:
      - path: /
        contains: Welcome
      - path: /status
        json:
          database.connected: true
        max_latency_s: 0.5
      - name: order
        path: /orders
        method: POST
        body: {item: test, amount: 1}
        status: [200, 201]
  delegate_to: localhost

- name: Test every node by itself
  halfswap.bluegreen.sanity:
    url: http://127.0.0.1:8080
    node: "{{ inventory_hostname }}"
    checks:
      - {path: /metrics, through: node, contains: jvm_memory}
"""

RETURN = r"""
tests:
  description: For each of O(tests) everything that follows, with C(component), its name, O(batch_id), and where it failed C(failed) and C(msg).
  returned: when O(tests) is given
  type: list
  elements: dict
  sample: [{component: shop, batch_id: 20261120T101500Z-4711/1, requests: 6}]
requests:
  description: Number of requests sent.
  returned: when a request was sent
  type: int
  sample: 6
waited_s:
  description: Seconds that it took.
  returned: when a request was sent
  type: float
  sample: 0.412
nodes:
  description: What the answers of each node showed.
  returned: when a request was sent
  type: list
  elements: dict
  contains:
    name:
      description: Name of the node. Null when the answers gave none.
      type: str
      returned: always
      sample: green1
    answers:
      description: Number of answers that were as expected.
      type: int
      returned: always
      sample: 3
    release:
      description: The release that it reported last. Null when it reported none.
      type: str
      returned: always
      sample: 2.0.0
    slowest_s:
      description: Seconds that its slowest answer took. Null when it gave none.
      type: float
      returned: always
      sample: 0.031
results:
  description: What came of each check on each node that answered it.
  returned: when a request was sent
  type: list
  elements: dict
  contains:
    check:
      description: Name of the check.
      type: str
      returned: always
      sample: GET /
    node:
      description: Name of the node. Null when the answer named none.
      type: str
      returned: always
      sample: green1
    through:
      description: V(balancer), or V(node) for one that was asked by itself.
      type: str
      returned: always
      sample: balancer
    status:
      description: Status of its last answer. Null when none came.
      type: int
      returned: always
      sample: 200
    latency_s:
      description: Seconds that its slowest answer took. Null when none came.
      type: float
      returned: always
      sample: 0.031
    answers:
      description: Number of answers that were as expected.
      type: int
      returned: always
      sample: 1
    passed:
      description: Whether all of them were.
      type: bool
      returned: always
      sample: true
check:
  description: Name of the check that failed.
  returned: when a check failed
  type: str
  sample: GET /
node:
  description: The node whose answer failed. Null when the answer named none.
  returned: when a check failed
  type: str
  sample: green1
expected:
  description: What was expected of the answer.
  returned: when a check failed
  type: str
  sample: status 200
got:
  description: What it was instead, with the first 300 characters of the body.
  returned: when a check failed
  type: str
  sample: "status 500: Internal Server Error"
"""

from ansible_collections.halfswap.bluegreen.plugins.module_utils._secrets import Module
from ansible_collections.halfswap.bluegreen.plugins.module_utils.sanity._sanity import GUARDED, SPEC, Failure, carry_out


def main():
    module = Module(guarded=GUARDED, argument_spec=SPEC)
    try:
        module.exit_json(**carry_out(module.params))
    except Failure as exc:
        module.fail_json(msg=str(exc), **exc.result)


if __name__ == "__main__":
    main()
