# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Do the declared fall and rise fit what the requests of a node do after a flip? Seen beside the wait, so that it costs no time.

Requests to the node by others than the live load balancers look the same. So what comes of it is a warning; the playbook verify_lb measures.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from ansible_collections.halfswap.bluegreen.plugins.module_utils._wait import monotonic
from ansible_collections.halfswap.bluegreen.plugins.module_utils.heartbeat._settle import known_probers

# A node that should have had this many requests by chance and had none is not in the load balancer's pool (chance: e^-10).
CERTAIN_REQUESTS = 10


class FallRise(object):
    """One component after a flip. Every status that it is shown was read afresh: what it counts is older than whom it has answered."""

    def __init__(self, state, rate_per_s, load_balancers):
        """rate_per_s: requests that the component got before a flip to standby, or that it will get after one to live."""
        self.state = state
        self.rate_per_s = rate_per_s
        self.balancers = [balancer for balancer in load_balancers if balancer["follows"] == "live"]
        self.requests = 0
        # How many answers each load balancer had had when a request was last seen to have come, and when that was.
        self.answers = {}
        self.at = monotonic()
        self.difference = None

    def answered(self, status):
        """How many answers of the new state each declared live load balancer has had, by name: the most of its probers."""
        said = "live" if self.state == "live" else "not_live"
        answers = {}
        for balancer, prober in known_probers(status, self.balancers):
            answers[balancer["name"]] = max(answers.get(balancer["name"], 0), prober["consecutive"][said])
        return answers

    def see(self, status):
        requests, answers = (status.get("requests") or {}).get("since_flip"), self.answered(status)
        if requests is None or not answers or self.difference:
            return
        if self.state == "live":
            self._begins(requests, answers)
        elif requests > self.requests:
            self.requests, self.answers, self.at = requests, answers, monotonic()
        elif self._certain() and self._all(self.answers, lambda balancer, got: got < balancer["fall"] - 1):
            self._differs("its last request came", self.answers, "fall")

    def _begins(self, requests, answers):
        if requests:
            if not self.requests and self._all(answers, lambda balancer, got: got < balancer["rise"]):
                self._differs("requests came", answers, "rise")
            self.requests = requests
        elif not self._all(answers, lambda balancer, got: got >= balancer["rise"]):
            self.at = monotonic()
        elif self._certain() and self._all(answers, lambda balancer, got: got > balancer["rise"] + 1):
            self._differs("no request had come", answers, "rise")

    def _certain(self):
        """Whether it is no chance that there was no request for so long."""
        return (monotonic() - self.at) * self.rate_per_s >= CERTAIN_REQUESTS

    def _all(self, answers, test):
        return all(test(balancer, answers.get(balancer["name"], 0)) for balancer in self.balancers)

    def _differs(self, what, answers, key):
        said = "live" if self.state == "live" else "not live"
        found = [
            "load balancer %s had had %d answers that say %s, and %s says %d" % (each["name"], answers.get(each["name"], 0), said, key, each[key])
            for each in sorted(self.balancers, key=lambda each: each["name"])
        ]
        self.difference = "%s when %s (bluegreen_load_balancers); the playbook halfswap.bluegreen.verify_lb measures it" % (what, "; ".join(found))
