# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The wait for all components of a node to be out of use, by the options of module drain."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import time

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.text.converters import to_native

from ansible_collections.halfswap.bluegreen.plugins.module_utils._shown import shown
from ansible_collections.halfswap.bluegreen.plugins.module_utils._wait import monotonic, wait_until
from ansible_collections.halfswap.bluegreen.plugins.module_utils.drain._drain import DrainError, Reader, Sockets, Unread, Watch, told
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node import _lock, _records

# What may go wrong with the question itself.
UNDRAINABLE = (DrainError, _lock.Held, _records.RecordsError)
NOT_DRAINED = "Not drained, and nothing was stopped: %s"
NEEDED = {"counter": "in_flight_url", "kernel": "ports", "connections": "ports"}
# The shortest lock is twenty times as long.
RENEW_S = 30.0
NOTE_S = 60.0
# A message is read by people, and a result goes over the line and into logs.
TOLD = 10
LISTED = 100
# A health check that is in flight at the moment of a look is not in flight for longer.
AGAIN_S = 2.0


COMPONENT = dict(
    name=dict(type="str", required=True),
    service=dict(type="str"),
    replaces=dict(type="str"),
    in_flight_url=dict(type="str"),
    in_flight_key=dict(type="str", default="in_flight", no_log=False),
    requests_key=dict(type="str", no_log=False),
    ports=dict(type="list", elements="int"),
    long_lived_ports=dict(type="list", elements="int"),
)
OPTIONS = dict(
    argument_spec=dict(
        components=dict(type="list", elements="dict", required=True, options=COMPONENT),
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
)


def options(given, service=True):
    """The option `drain` of a step: the options of module drain, and of each component its service. DrainError names everything that is wrong with them."""
    spec = dict(OPTIONS["argument_spec"])
    more = dict(service=dict(type="str", required=service))
    spec["components"] = dict(spec["components"], options=dict(COMPONENT, **more))
    result = ArgumentSpecValidator(spec, required_if=OPTIONS["required_if"]).validate(given)
    if result.error_messages:
        raise DrainError("drain: %s." % "; ".join(to_native(text) for text in result.error_messages))
    params = result.validated_parameters
    check(params)
    return params


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


def guess(module, params, once):
    if not once:
        time.sleep(params["seconds"])
    module.warn(
        "Drained by waiting %g s: a guess, which loses every request that takes longer. Method counter, kernel or connections would look." % params["seconds"]
    )
    return dict(drained=True, proceeded=False, guess=True, waited_s=0.0 if once else params["seconds"], open=[])


def reader(module, params):
    ss = module.get_bin_path("ss")
    run_ss = (lambda arguments: module.run_command([ss] + arguments)) if ss else None
    return Reader(params["method"], Sockets(run_ss, params["longest_request_s"], params["quiet_s"]), params["long_lived_wait_s"])


class Drain(object):
    """The wait, by all methods that look."""

    def __init__(self, module, params, watches, once=False):
        self.module, self.params, self.watches, self.once = module, params, watches, once
        self.reader = reader(module, params)
        self.samples = 1 if once else params["samples"]
        self.renewed_at = monotonic()
        self.noted_at = None

    def prove(self):
        """Wait. The result has a msg where it is a failure."""
        if self.params["method"] != "kernel":
            # Those that are still open in the end are known since now.
            self.open()
        left, waited_s = wait_until(self.missing, 0 if self.once else self.params["timeout_s"], self.params["interval_s"])
        if left and self.params["on_timeout"] == "wait" and not self.once:
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
        if self.once:
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

    def exceptions(self):
        """For each component, why it was not drained as a whole though this went on; empty where it was."""
        found = {}
        for watch in self.watches:
            left_out = self.reader.left_out.get(watch.name)
            missing = watch.missing(self.samples)
            texts = ["on_timeout is proceed, and there was still this: %s" % missing] if missing else []
            texts += ["long_lived_wait_s is %g, and %d long-lived connections were open" % (self.params["long_lived_wait_s"], left_out)] if left_out else []
            found[watch.name] = shown("; ".join(texts))
        return found


def drain(module, params, once=False, exceptions=None):
    """Wait by these options, or look once. The result is that of module drain, with a msg where it is a failure.

    exceptions: takes in, for each component, why it was not drained as a whole.
    """
    check(params)
    watches = [Watch(component["name"]) for component in params["components"]]
    if params["method"] == "seconds":
        result = guess(module, params, once)
        found = {watch.name: "method seconds: %g s were waited, and nobody looked" % params["seconds"] for watch in watches}
    else:
        waiting = Drain(module, params, watches, once)
        result = waiting.prove()
        found = waiting.exceptions()
    if exceptions is not None:
        exceptions.update(found)
    for watch in watches:
        if watch.arrived:
            module.warn(
                "component %s: %d requests still came, although the load balancers had had as many answers as they are declared to need. If nobody else "
                "asks this node, their fall is declared too low (bluegreen_load_balancers); the playbook halfswap.bluegreen.verify_lb measures it."
                % (watch.name, watch.arrived)
            )
    return dict(result, method=params["method"], components=[watch.result() for watch in watches])


def could_be_told(module, params):
    """Look once, whether the drain will be able to tell. Raises DrainError where it will not."""
    if params["method"] != "seconds" and params["components"]:
        Drain(module, params, [Watch(component["name"]) for component in params["components"]], once=True).prove()


def in_use(module, params, requests):
    """Look again at what was drained: for each component of which it is not so any more, why. requests: for each, how many there had been (or None)."""
    # What is long-lived was either gone, or is an exception that the proof has.
    asked = reader(module, dict(params, long_lived_wait_s=None))

    def look():
        found = {}
        for component in params["components"]:
            why = _used(asked, component, requests[component["name"]])
            if why:
                found[component["name"]] = why
        return found

    return wait_until(look, AGAIN_S, params["interval_s"])[0]


def _used(asked, component, requests):
    try:
        in_flight, now = asked.sample(component)
    except (DrainError, Unread) as exc:
        return str(exc)
    if in_flight:
        return "%d in flight" % in_flight
    if None not in (requests, now) and requests != now:
        return "requests have come since it was drained (%d then, %d now)" % (requests, now)
    return None
