# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The change of all heartbeats of one node. The module heartbeat makes it on the node, its action plugin where only the controller gets there."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import time

from ansible_collections.halfswap.bluegreen.plugins.module_utils._wait import POLL_S, wait_until
from ansible_collections.halfswap.bluegreen.plugins.module_utils.drain import _proof
from ansible_collections.halfswap.bluegreen.plugins.module_utils.heartbeat._fall_rise import CERTAIN_REQUESTS, FallRise
from ansible_collections.halfswap.bluegreen.plugins.module_utils.heartbeat._heartbeat_api import PHASES, HeartbeatError
from ansible_collections.halfswap.bluegreen.plugins.module_utils.heartbeat._heartbeats import PHASE_OF
from ansible_collections.halfswap.bluegreen.plugins.module_utils.heartbeat._settle import (
    LOAD_BALANCER_SPEC,
    differences,
    guess_s,
    is_guess,
    missing_addresses,
    missing_intervals,
    silent_probers,
    unsettled,
)
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node import _lock, _records, _release_record

# The last live request was measured up to 13 ms after the answer that takes the node out; 100 ms leaves room for a network.
GRACE_S = 0.1
# A fresh status has the component checked, which is not for every 50 ms.
FRESH_POLL_S = 0.25


# The options of whoever switches, wherever to.
OPTIONS = dict(
    token=dict(type="str", required=True, no_log=True),
    reason=dict(type="str", default=""),
    run_id=dict(type="str", required=True),
    by=dict(type="str"),
    phase=dict(type="str", choices=list(PHASES)),
    load_balancers=dict(type="list", elements="dict", default=[], options=LOAD_BALANCER_SPEC),
    settle_timeout_s=dict(type="float", default=60.0),
    release=dict(type="dict"),
)


# The options of whoever switches that are judged on the controller, before a module is sent. On the node they mean nothing.
JUDGED = dict(
    batch=dict(type="list", elements="str"),
    evidence=dict(type="str", default="bluegreen_evidence"),
    evidence_max_age_s=dict(type="float", default=60.0),
    permit=dict(type="str"),
    min_live=dict(type="int", default=0),
    max_unavailable=dict(type="str", default="0"),
    capacity=dict(
        type="list",
        elements="dict",
        default=[],
        options=dict(name=dict(type="str", required=True), per_s=dict(type="float", required=True)),
    ),
    without=dict(type="list", elements="str", default=[]),
    override=dict(type="dict", default={}),
)


class Failure(Exception):
    """The heartbeats say what they should, but something that has to follow did not. Has the text and the result so far."""

    def __init__(self, text, result):
        super(Failure, self).__init__(text)
        self.result = result


class Switch(object):
    """Read, compute, write, record, wait. params: the options of the module heartbeat."""

    def __init__(self, params, heartbeats, poll_s=POLL_S):
        self.params = params
        self.heartbeats = heartbeats
        self.poll_s = poll_s
        self.decided_on = {c["name"]: c.get("revision") for c in params["components"]}
        self.expected_per_s = {c["name"]: c.get("expected_per_s") or 0.0 for c in params["components"]}
        self.before = {}
        self.after = {}
        self.fall_rise = {}

    def read(self):
        for heartbeat in self.heartbeats:
            status = heartbeat.status()
            decided_on = self.decided_on[heartbeat.name]
            if decided_on is not None and status["revision"] != decided_on:
                raise HeartbeatError(
                    "component %s: its heartbeat is at revision %d (%s by %s, run %s), but the decision was made on revision %d. Somebody "
                    "else changed it meanwhile; nothing was changed here. Look with halfswap.bluegreen.status, then run again."
                    % (heartbeat.name, status["revision"], status["state"], status["by"], status["run_id"], decided_on)
                )
            self.before[heartbeat.name] = self.after[heartbeat.name] = status
        self._require_an_end()

    def _require_an_end(self):
        """What can never be seen, and a guess that cannot be made or would take longer than anybody waits, is known before anything is written."""
        balancers = self.params["load_balancers"]
        guesses = [is_guess(status) for status in self.before.values()]
        missing = (missing_intervals(balancers) if any(guesses) else []) + ([] if all(guesses) else missing_addresses(balancers))
        needed_s = guess_s(balancers, self.params["state"])
        if not missing and any(guesses) and needed_s >= self.params["settle_timeout_s"]:
            missing = [
                "by its interval_s a load balancer takes up to %.1f s, which is longer than settle_timeout_s (bluegreen_settle_timeout_s) allows" % needed_s
            ]
        if missing:
            raise HeartbeatError("Nothing was changed: %s." % "; ".join(missing))

    def work(self):
        """The heartbeats that are to be written."""
        wanted = [("state", self.params["state"]), ("run_id", self.params["run_id"])]
        if self.params["phase"]:
            wanted.append(("phase", self.params["phase"]))
        return [h for h in self.heartbeats if any(self.before[h.name][key] != value for key, value in wanted)]

    def lead(self):
        """Let those go first that leave in the same task."""
        if self.params["state"] == "live":
            time.sleep(self.params["lead_s"])

    def write(self, heartbeats):
        if heartbeats and self.params.get("tested"):
            _records.append(self.params["run_id"], self.params["by"], "sanity test", after=self.params["tested"], result="passed")
        if heartbeats and self.params.get("adopt"):
            # The operator's word, and all that there is for a release without a package.
            _records.append(self.params["run_id"], self.params["by"], "adopted", after=self.params["release"], reason=self.params["reason"])
        for heartbeat in heartbeats:
            before = self.before[heartbeat.name]
            after = heartbeat.put(
                before["revision"],
                state=self.params["state"],
                reason=self.params["reason"],
                run_id=self.params["run_id"],
                by=self.params["by"],
                phase=self.params["phase"],
            )
            self.after[heartbeat.name] = after
            self.written(heartbeat, before, after)

    def written(self, heartbeat, before, after):
        """Note it in the journal of the node."""
        _records.append(
            self.params["run_id"],
            self.params["by"],
            "heartbeat %s" % heartbeat.name,
            before["state"],
            after["state"],
            "revision %d" % after["revision"],
            reason=self.params["reason"],
        )

    def record(self):
        """Note in the release record what the node serves now, or that it does not."""
        run_id = self.params["run_id"]
        if self.params["state"] == "live":
            # From now on it is in use.
            _proof.remove()
        if self.params["state"] == "live" and self.params["release"]:
            _release_record.served(self.params["release"], run_id, self._out_s(), self.params.get("deployment") or "")
        else:
            if self.params["release"]:
                _release_record.found(self.params["release"], run_id)
            _release_record.phase(self.params["phase"] or PHASE_OF[self.params["state"]], run_id)

    def _out_s(self):
        """Seconds that this run has had the node out of service for a swap, or None where it had not."""
        if self.params.get("rehearsal"):
            return None
        before = self.before.values()
        if any(status["state"] != "standby" or status["run_id"] != self.params["run_id"] for status in before):
            return None
        return max(status["since_s"] for status in before)

    def differences(self):
        """How the load balancers were seen to ask before the change, where it is not as declared."""
        return self._of_each(self.before, lambda status: differences(status, self.params["load_balancers"]))

    def watch_requests(self):
        """From now on, see whether fall and rise fit what the requests do."""
        for heartbeat in self.heartbeats:
            name, state = heartbeat.name, self.params["state"]
            rate = self.expected_per_s[name] if state == "live" else (self.before[name].get("requests") or {}).get("rate_per_s")
            self.fall_rise[name] = FallRise(state, rate or 0.0, self.params["load_balancers"])

    def misdeclared(self):
        """How the requests ended or began, where that is not as declared."""
        return ["component %s: %s" % (name, seen.difference) for name, seen in sorted(self.fall_rise.items()) if seen.difference]

    def settle(self):
        """Wait until the load balancers have noticed; what the result has of it. Raises Failure."""
        silent, guess = [], any(is_guess(status) for status in self.after.values())

        def missing():
            silent[:] = self._silent()
            return [] if silent else self._unsettled()

        left, waited_s = wait_until(missing, self.params["settle_timeout_s"], self.poll_s)
        found = dict(settled=not (left or silent), settled_s=waited_s, guess=guess)
        if silent:
            raise Failure(
                "Not settled after %.1f s, and it will not be: %s. The heartbeat says %s; nothing was stopped. Does that load balancer still run and "
                "reach this node? If it checks more slowly than that, give its interval_s; if it has left that address for good, take the address out of "
                "its addresses (bluegreen_load_balancers), or name in place of a network the addresses that are left."
                % (waited_s, "; ".join(silent), self.params["state"]),
                found,
            )
        if left:
            raise Failure(
                "Not settled after %.1f s: %s. The heartbeat says %s; nothing was stopped. If a load balancer checks more slowly, raise "
                "bluegreen_settle_timeout_s; if it checks from another address, declare that one (addresses in bluegreen_load_balancers)."
                % (waited_s, "; ".join(left), self.params["state"]),
                found,
            )
        time.sleep(GRACE_S)
        return found

    def expects_traffic(self):
        """Whether every component will get requests within the time that they are waited for, as sure as can be."""
        seconds = self.params["traffic_timeout_s"]
        return self.params["state"] == "live" and all(per_s * seconds >= CERTAIN_REQUESTS for per_s in self.expected_per_s.values())

    def await_traffic(self):
        """Wait for the first live request; the components that got none in time."""
        return wait_until(self._unserved, self.params["traffic_timeout_s"], FRESH_POLL_S)

    def _refresh(self, fresh=False):
        for heartbeat in self.heartbeats:
            status = heartbeat.status(fresh=fresh)
            seen = self.fall_rise.get(heartbeat.name)
            if seen and not fresh and seen.answered(status) != seen.answered(self.after[heartbeat.name]):
                # How many requests there are may be a second old. With each answer that counts, it is worth asking for.
                status = heartbeat.status(fresh=True)
                seen.see(status)
            elif seen and fresh:
                seen.see(status)
            if status["state"] != self.params["state"]:
                raise HeartbeatError(
                    "component %s: its heartbeat went to %s while the load balancers were waited for (by %s, run %s)."
                    % (heartbeat.name, status["state"], status["by"], status["run_id"])
                )
            self.after[heartbeat.name] = status

    def _of_each(self, statuses, texts_of):
        return ["component %s: %s" % (name, text) for name, status in sorted(statuses.items()) for text in texts_of(status)]

    def _silent(self):
        self._refresh()
        params = self.params
        return self._of_each(self.after, lambda status: silent_probers(status, params["load_balancers"], params["state"]))

    def _unsettled(self):
        """By the statuses just read."""
        params = self.params
        return self._of_each(self.after, lambda status: unsettled(status, params["load_balancers"], params["state"]))

    def _unserved(self):
        self._refresh(fresh=True)
        return [name for name, status in self.after.items() if status["requests"]["since_flip"] == 0]

    def result(self, changed, state=None):
        return dict(
            changed=changed,
            components=[
                dict(
                    name=h.name,
                    before=self.before[h.name]["state"],
                    after=state or self.after[h.name]["state"],
                    revision=self.after[h.name]["revision"],
                )
                for h in self.heartbeats
            ],
        )


def diff(result):
    def text(key):
        return "".join("%s: %s\n" % (c["name"], c[key]) for c in result["components"])

    return dict(before=text("before"), after=text("after"))


def on_the_node(switch, step, check_mode, warn, first=lambda work: None):
    """The switch as the node makes it, or the part of it that the option `step` names. What has to be done or seen before anything is written is `first`."""
    params = switch.params
    held = _lock.foreign(params["run_id"])
    if held:
        raise HeartbeatError("Refused, nothing was changed: %s." % held)
    switch.read()
    work = switch.work()
    result = switch.result(bool(work), params["state"])
    result["diff"] = diff(result)
    if check_mode:
        return result
    if work:
        _records.prepare()
    if step != "record":
        first(work)
    if step == "judge":
        return dict(result, work=[heartbeat.name for heartbeat in work], statuses=switch.before)
    if work and step == "all":
        switch.lead()
    switch.write(work)
    switch.record()
    if step == "record":
        return dict(result, statuses=switch.after)
    result.update(wait(switch, bool(work), warn))
    return result


def wait(switch, changed, warn):
    """All that is waited for once the heartbeats say what they should: the load balancers, and where there is traffic, the first request."""
    params = switch.params
    result = switch.result(changed)
    if params["load_balancers"]:
        for text in switch.differences():
            warn(text)
        if changed:
            switch.watch_requests()
        try:
            settled = switch.settle()
        except Failure as exc:
            raise Failure(str(exc), dict(switch.result(changed), **exc.result))
        result = dict(switch.result(changed), **settled)
        if settled["guess"]:
            warn(
                "That the load balancers have noticed is a guess: %.1f s, by their interval_s, as this heartbeat does not tell who asks for it."
                % guess_s(params["load_balancers"], params["state"])
            )
    if switch.expects_traffic():
        unserved, waited_s = switch.await_traffic()
        for component in result["components"]:
            since = switch.after[component["name"]]["requests"]["since_flip"]
            component["served"] = None if since is None else since > 0
        if unserved:
            # No failure: the traffic may have ended meanwhile. Before the other half moves, the interlock judges it by the traffic of then.
            warn(
                "The load balancers were told live, but no request has reached %s within %.1f s, although the other live nodes had traffic."
                % (", ".join(sorted(unserved)), waited_s)
            )
    for text in switch.misdeclared():
        warn(text)
    return result
