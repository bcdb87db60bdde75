#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: drain
short_description: Wait until nobody uses the components of a node any more
version_added: 0.1.0
description:
  - Waits on the node until none of the components has a request in flight. It stops nothing and changes nothing.
  - It proves something only after the load balancers have noticed that the node is standby; see M(halfswap.bluegreen.heartbeat).
  - Where O(components[].requests_key) is given, there is a warning when requests still come. Load balancers that have noticed send none, so
    their C(fall) may be declared too low.
  - At the deadline it says what is still open, connection by connection, and does what O(on_timeout) says. By default it fails.
  - Which method is for which site, and what none of them sees, is in C(docs/drain.md).
author:
  - halfswap.bluegreen contributors (@halfswap)
extends_documentation_fragment:
  - halfswap.bluegreen.attributes
  - halfswap.bluegreen.records
attributes:
  check_mode:
    description: Reads once and does not wait. RV(drained) then says what that one sample showed.
options:
  components:
    description: Every component of the node that is about to be stopped.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the component.
        type: str
        required: true
      service:
        description: Its systemd unit. Only M(halfswap.bluegreen.out) and M(halfswap.bluegreen.release) need it; what does not run has nothing in flight.
        type: str
      replaces:
        description: >-
          The systemd unit in which it serves as long as its package is not installed, for M(halfswap.bluegreen.out). Where that runs, it is drained.
        type: str
      in_flight_url:
        description:
          - URL of a JSON document, as the node reaches it, in which the application counts its requests in flight. For O(method=counter).
          - The request for this document must not be counted.
        type: str
      in_flight_key:
        description: Key of the number of requests in flight; dots lead into inner objects.
        type: str
        default: in_flight
      requests_key:
        description:
          - Key of the number of all requests so far. When given, a request that came and went between two samples is noticed too.
          - Health checks and requests for this document must not be counted.
        type: str
      ports:
        description:
          - TCP ports of the application. For O(method=kernel) and O(method=connections). With any method the connections to them are listed
            when the time is up.
        type: list
        elements: int
      long_lived_ports:
        description:
          - Further TCP ports of the application on which every connection is long-lived, for instance those of websockets. The connections
            to them count as in flight, used or not, until O(long_lived_wait_s) is over.
        type: list
        elements: int
  method:
    description:
      - V(counter) waits until the application's own counter shows nothing in flight.
      - V(kernel) waits until no connection to the component's ports is in use, as the kernel tells by what is not read or not sent yet and
        by which side sent last (C(ss) of the package iproute, 4.11 or later). Idle connections that a load balancer keeps are not waited
        for. Whatever is ambiguous counts as in use.
      - V(connections) waits until there is no established TCP connection to the component's ports in the network namespace of the node.
        Load balancers that keep idle connections hold this up, often for a minute, unless the application answers
        C(Connection) with C(close) in standby.
      - V(seconds) waits O(seconds) and proves nothing. The result says so.
    type: str
    choices: [counter, kernel, connections, seconds]
    default: counter
  samples:
    description: Number of samples in a row, of all components, that must show nothing in flight.
    type: int
    default: 3
  interval_s:
    description: Seconds between two samples.
    type: float
    default: 0.1
  seconds:
    description: Seconds to wait, for O(method=seconds).
    type: float
  timeout_s:
    description: Seconds after which the time is up, for the other methods. It must be above the longest request.
    type: float
    default: 60.0
  longest_request_s:
    description:
      - For O(method=kernel). Seconds that the longest request is expected to take.
      - A connection on which data came in and went out within the same tick of the kernel's clock (4 ms) may be in use. It counts as in use
        until it has been quiet for this long. So the default is generous; a smaller value lets idle connections be trusted sooner.
      - A connection that has been in use for longer carries no request. It is taken for a long-lived one, see O(long_lived_wait_s).
    type: float
    default: 30.0
  quiet_s:
    description:
      - For O(method=kernel). Seconds without data after which a connection on which the application sent last counts as idle.
      - It has to be above the longest pause that the application makes within an answer.
    type: float
    default: 1.0
  long_lived_wait_s:
    description:
      - Seconds, from the beginning, for which long-lived connections are waited for. After that they do not count any more, are going to be
        cut, and are listed in a warning. V(0) does not wait for them at all.
      - Long-lived are the connections to O(components[].long_lived_ports), and with O(method=kernel) those that have been in use for longer
        than O(longest_request_s).
      - Without it they count like any other connection, so that a websocket which stays open ends in O(on_timeout).
    type: float
  on_timeout:
    description:
      - What to do about what is still in flight after O(timeout_s). Each way it is listed in RV(open) and in the message.
      - V(fail) fails, so that nothing is stopped.
      - V(wait) goes on waiting until O(max_wait_s), and fails then.
      - V(proceed) succeeds with a warning. What is open is going to be cut; RV(drained) is then false and RV(proceeded) true.
    type: str
    choices: [fail, wait, proceed]
    default: fail
  max_wait_s:
    description:
      - For O(on_timeout=wait). Seconds after which to give up all the same, from the beginning; it must be above O(timeout_s).
      - Once a minute the journal of the node notes what is still in flight, where there is a O(run_id).
    type: float
    default: 900.0
  run_id:
    description: Identifies the run whose lock is renewed while this waits.
    type: str
    default: ""
seealso:
  - module: halfswap.bluegreen.heartbeat
"""

EXAMPLES = r"""
- name: Wait until the shop has answered its last request
  halfswap.bluegreen.drain:
    components:
      - name: shop
        in_flight_url: http://127.0.0.1:8080/status
        in_flight_key: requests.active
        requests_key: requests.total

- name: Wait until nobody is connected
  halfswap.bluegreen.drain:
    method: connections
    components:
      - name: shop
        ports: [8080]
    timeout_s: 120

- name: Wait for an application that counts nothing, and give its websockets half a minute to close
  halfswap.bluegreen.drain:
    method: kernel
    components:
      - name: shop
        ports: [8080]
        long_lived_ports: [8090]
    longest_request_s: 20
    long_lived_wait_s: 30
"""

RETURN = r"""
drained:
  description: Whether nothing was in flight, long-lived connections included. Always true with O(method=seconds), where nobody looked.
  returned: always
  type: bool
  sample: true
proceeded:
  description: Whether this succeeded though something is still open, because O(on_timeout=proceed) or O(long_lived_wait_s) says so.
  returned: always
  type: bool
  sample: false
method:
  description: The method used.
  returned: always
  type: str
  sample: counter
guess:
  description: Whether this is only a guess, which O(method=seconds) is.
  returned: always
  type: bool
  sample: false
waited_s:
  description: Seconds waited.
  returned: always
  type: float
  sample: 1.304
components:
  description: What the last sample of each component showed.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: Name of the component.
      type: str
      returned: always
      sample: shop
    in_flight:
      description:
        - Requests in flight, connections in use with O(method=kernel), or connections with O(method=connections); and the long-lived
          connections that are still waited for. Null when nobody could say.
      type: int
      returned: always
      sample: 0
    requests:
      description: All requests so far. Null without O(components[].requests_key).
      type: int
      returned: always
      sample: 18044
    samples:
      description: Samples in a row that showed nothing in flight.
      type: int
      returned: always
      sample: 3
open:
  description:
    - The connections that were open in the end, at most 100, those in use first; with O(method=kernel) only those in use or long-lived.
      Empty where the component is drained, where O(components[].ports) is not given, or where there is no C(ss).
  returned: always
  type: list
  elements: dict
  contains:
    component:
      description: Name of the component.
      type: str
      returned: always
      sample: shop
    peer:
      description: Address and port of the other side.
      type: str
      returned: always
      sample: 192.0.2.5:51234
    port:
      description: Port of the application.
      type: int
      returned: always
      sample: 8080
    open_s:
      description: Seconds for which it has been open at least. The kernel does not tell since when; this is for how long it was watched or idle.
      type: float
      returned: always
      sample: 61.3
    idle_s:
      description: Seconds without data. Null where C(ss) does not tell.
      type: float
      returned: always
      sample: 20.4
    received_bytes:
      description: Bytes received since it was opened. Null where the kernel does not count.
      type: int
      returned: always
      sample: 517
    sent_bytes:
      description: Bytes sent since it was opened. Null where the kernel does not count.
      type: int
      returned: always
      sample: 129
    in_use:
      description: Whether it may be in use, as O(method=kernel) judges.
      type: bool
      returned: always
      sample: true
    why:
      description: Why it may be in use; empty when it is not.
      type: str
      returned: always
      sample: data came in last
"""

from ansible_collections.halfswap.bluegreen.plugins.module_utils.drain._draining import NOT_DRAINED, OPTIONS, UNDRAINABLE, drain
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._whose import Keeping


def run(module):
    result = dict(drain(module, module.params, once=module.check_mode), changed=False)
    if "msg" in result:
        module.fail_json(**result)
    return result


def main():
    module = Keeping(guarded=["components"], supports_check_mode=True, **OPTIONS)
    module.run_command_environ_update = dict(LC_ALL="C")
    try:
        module.exit_json(**run(module))
    except UNDRAINABLE as exc:
        module.fail_json(msg=NOT_DRAINED % exc)


if __name__ == "__main__":
    main()
