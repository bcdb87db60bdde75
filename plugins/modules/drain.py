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

import time

from ansible_collections.halfswap.bluegreen.plugins.module_utils import _lock, _records
from ansible_collections.halfswap.bluegreen.plugins.module_utils._drain import DrainError, Reader, Sockets, Unread, Watch, told
from ansible_collections.halfswap.bluegreen.plugins.module_utils._secrets import Module
from ansible_collections.halfswap.bluegreen.plugins.module_utils._wait import monotonic, wait_until

NEEDED = {"counter": "in_flight_url", "kernel": "ports", "connections": "ports"}
# The shortest lock is twenty times as long.
RENEW_S = 30.0
NOTE_S = 60.0
# A message is read by people, and a result goes over the line and into logs.
TOLD = 10
LISTED = 100


def check(params):
    """Refuse what could never prove anything, and what would be of no effect."""
    if not params["components"]:
        raise DrainError("components is empty: name every component that is about to be stopped.")
    if params["samples"] < 1 or params["interval_s"] < 0:
        raise DrainError("samples must be at least 1, and interval_s at least 0.")
    if params["method"] == "seconds":
        if params["seconds"] < 0:
            raise DrainError("seconds must be at least 0.")
        return
    needed = NEEDED[params["method"]]
    for component in params["components"]:
        if not component[needed]:
            raise DrainError("component %s has no %s, which method %s needs." % (component["name"], needed, params["method"]))
    if params["method"] == "kernel":
        for option in ("longest_request_s", "quiet_s"):
            if not 0 <= params[option] < params["timeout_s"]:
                raise DrainError("%s (%g) must be at least 0 and below timeout_s (%g)." % (option, params[option], params["timeout_s"]))
    if params["on_timeout"] == "wait" and params["max_wait_s"] <= params["timeout_s"]:
        raise DrainError("max_wait_s (%g) must be above timeout_s (%g), as on_timeout is wait." % (params["max_wait_s"], params["timeout_s"]))
    if params["long_lived_wait_s"] is not None:
        if not 0 <= params["long_lived_wait_s"] < params["timeout_s"]:
            raise DrainError("long_lived_wait_s (%g) must be at least 0 and below timeout_s (%g)." % (params["long_lived_wait_s"], params["timeout_s"]))
        if params["method"] != "kernel" and not any(component["long_lived_ports"] for component in params["components"]):
            raise DrainError(
                "long_lived_wait_s is given, but method %s does not know which connections are long-lived: give long_lived_ports of a component, "
                "or use method kernel." % params["method"]
            )


def guess(module):
    params = module.params
    if not module.check_mode:
        time.sleep(params["seconds"])
    module.warn(
        "Drained by waiting %g s: a guess, which loses every request that takes longer. Method counter, kernel or connections would look." % params["seconds"]
    )
    return dict(drained=True, proceeded=False, guess=True, waited_s=0.0 if module.check_mode else params["seconds"], open=[])


class Drain(object):
    """The wait, by all methods that look."""

    def __init__(self, module, watches):
        self.module, self.params, self.watches = module, module.params, watches
        ss = module.get_bin_path("ss")
        run_ss = (lambda arguments: module.run_command([ss] + arguments)) if ss else None
        sockets = Sockets(run_ss, self.params["longest_request_s"], self.params["quiet_s"])
        self.reader = Reader(self.params["method"], sockets, self.params["long_lived_wait_s"])
        self.samples = 1 if module.check_mode else self.params["samples"]
        self.renewed_at = monotonic()
        self.noted_at = None

    def prove(self):
        """Wait. The result has a msg where it is a failure."""
        if self.params["method"] != "kernel":
            # Those that are still open in the end are known since now.
            self.open()
        left, waited_s = wait_until(self.missing, 0 if self.module.check_mode else self.params["timeout_s"], self.params["interval_s"])
        if left and self.params["on_timeout"] == "wait" and not self.module.check_mode:
            left, more_s = wait_until(self.noted, self.params["max_wait_s"] - waited_s, self.params["interval_s"])
            waited_s = round(waited_s + more_s, 3)
        left_out = sum(self.reader.left_out.values())
        result = dict(drained=not left and not left_out, proceeded=False, guess=False, waited_s=waited_s, open=[])
        if left or left_out:
            connections, why_none = self.open()
            result["open"] = connections[:LISTED]
            listed = "; ".join([told(each) for each in connections[:TOLD]]) or why_none
            if len(connections) > TOLD:
                listed += "; and %d more" % (len(connections) - TOLD)
            self.conclude(result, left, left_out, listed)
        return result

    def conclude(self, result, left, left_out, listed):
        """What becomes of what is still open."""
        params = self.params
        if self.module.check_mode:
            return
        if left and params["on_timeout"] != "proceed":
            result["msg"] = (
                "Not drained after %.1f s: %s. Open: %s. Nothing was stopped. Where requests may take that long, raise %s; otherwise find "
                "out what holds them." % (result["waited_s"], "; ".join(left), listed, "max_wait_s" if params["on_timeout"] == "wait" else "timeout_s")
            )
            return
        result["proceeded"] = True
        if left:
            said = "Not drained after %.1f s: %s. This is going to be cut, as on_timeout is proceed." % (result["waited_s"], "; ".join(left))
        else:
            said = "Nothing else is in flight, but long-lived connections (%d) are going to be cut, as long_lived_wait_s is %g." % (
                left_out,
                params["long_lived_wait_s"],
            )
        self.module.warn("%s Open: %s." % (said, listed))
        self.note("goes on without a whole drain", said)

    def missing(self):
        for watch, component in zip(self.watches, self.params["components"]):
            try:
                watch.sample(*self.reader.sample(component))
            except Unread as exc:
                watch.unread(str(exc))
        if self.params["run_id"] and monotonic() - self.renewed_at >= RENEW_S:
            _lock.renew(self.params["run_id"])
            self.renewed_at = monotonic()
        return [text for text in (watch.missing(self.samples) for watch in self.watches) if text]

    def noted(self):
        """The same, beyond the time: the journal tells whoever wonders what is waited for."""
        left = self.missing()
        if left and (self.noted_at is None or monotonic() - self.noted_at >= NOTE_S):
            self.note("drain goes on", "; ".join(left))
            self.noted_at = monotonic()
        return left

    def note(self, what, result):
        if self.params["run_id"]:
            holder = _lock.holder()
            _records.append(self.params["run_id"], _lock.who(holder) if holder else "", what, result=result)

    def open(self):
        """The connections that are open, and why none is known."""
        found = []
        for watch, component in zip(self.watches, self.params["components"]):
            if watch.missing(self.samples) or self.reader.left_out.get(watch.name):
                try:
                    found += [dict(each.result(), component=watch.name) for each in self.reader.open(component)]
                except DrainError as exc:
                    return found, "not known, %s" % exc
        return found, "no connection to its ports" if all(component["ports"] for component in self.params["components"]) else "not known without ports"


def run(module):
    params = module.params
    check(params)
    watches = [Watch(component["name"]) for component in params["components"]]
    result = guess(module) if params["method"] == "seconds" else Drain(module, watches).prove()
    for watch in watches:
        if watch.arrived:
            module.warn(
                "component %s: %d requests still came, although the load balancers had had as many answers as they are declared to need. If nobody else "
                "asks this node, their fall is declared too low (bluegreen_load_balancers); the playbook halfswap.bluegreen.verify_lb measures it."
                % (watch.name, watch.arrived)
            )
    result.update(changed=False, method=params["method"], components=[watch.result() for watch in watches])
    if "msg" in result:
        module.fail_json(**result)
    return result


def main():
    module = Module(
        guarded=["components"],
        argument_spec=dict(
            components=dict(
                type="list",
                elements="dict",
                required=True,
                options=dict(
                    name=dict(type="str", required=True),
                    in_flight_url=dict(type="str"),
                    in_flight_key=dict(type="str", default="in_flight", no_log=False),
                    requests_key=dict(type="str", no_log=False),
                    ports=dict(type="list", elements="int"),
                    long_lived_ports=dict(type="list", elements="int"),
                ),
            ),
            method=dict(type="str", choices=["counter", "kernel", "connections", "seconds"], default="counter"),
            samples=dict(type="int", default=3),
            interval_s=dict(type="float", default=0.1),
            seconds=dict(type="float"),
            timeout_s=dict(type="float", default=60.0),
            longest_request_s=dict(type="float", default=30.0),
            quiet_s=dict(type="float", default=1.0),
            long_lived_wait_s=dict(type="float"),
            on_timeout=dict(type="str", choices=["fail", "wait", "proceed"], default="fail"),
            max_wait_s=dict(type="float", default=900.0),
            run_id=dict(type="str", default=""),
        ),
        required_if=[("method", "seconds", ["seconds"])],
        supports_check_mode=True,
    )
    module.run_command_environ_update = dict(LC_ALL="C")
    try:
        module.exit_json(**run(module))
    except (DrainError, _lock.Held, _records.RecordsError) as exc:
        module.fail_json(msg="Not drained, and nothing was stopped: %s" % exc)


if __name__ == "__main__":
    main()
