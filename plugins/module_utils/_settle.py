# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settle: have the load balancers noticed? Judged from what the node answered to each prober.

Where nobody logs the probers (an application with a heartbeat of another kind) there is only a guess, and whoever waits for it says so.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

# Two requests can be a person with curl; a third one at the same URL is a health checker.
KNOWN_AFTER = 3

# What an undeclared prober of a live URL is waited for: the defaults of HAProxy, the slowest common ones.
DEFAULT_FALL = 3
DEFAULT_RISE = 2

# A prober that has left out so many of its own requests is gone. Between two states load balancers check at another pace, which nobody
# can know who was not told it: then it is given longer.
SILENT_INTERVALS = 5
SILENT_DECLARED_S = 3.0
SILENT_UNDECLARED_S = 10.0

# The agent's interval is the median of nine gaps. After more answers of the state that the load balancer follows, none of them is from the
# change before, when it checked faster.
STEADY_ANSWERS = 12
# A wrong figure differs by much more; timers, latency and spread checks by less.
INTERVAL_TOLERANCE = 0.25
INTERVAL_TOLERANCE_S = 0.1

# On top of interval and count: the time that the last check takes.
GUESS_MARGIN_S = 0.5

LOAD_BALANCER_SPEC = dict(
    name=dict(type="str", required=True),
    follows=dict(type="str", required=True, choices=["live", "standby"]),
    path=dict(type="str", required=True),
    fall=dict(type="int", default=DEFAULT_FALL),
    rise=dict(type="int", default=DEFAULT_RISE),
    interval_s=dict(type="float"),
    probers=dict(type="int", default=1),
    hold_s=dict(type="float", default=0.0),
)


def known_probers(status, ignore=()):
    """Those that are health checkers; none where nobody logs who asks."""
    return [p for p in status["probers"] or () if p["seen"] >= KNOWN_AFTER and p["address"] not in ignore]


def is_guess(status):
    """Whether nobody can see what the probers of this heartbeat were told."""
    return status["probers"] is None


def guess_s(load_balancers, state):
    """How long the live load balancers take to notice this state, by what is declared of them."""
    count = dict(live="rise", standby="fall")[state]
    waits = [b["interval_s"] * b[count] for b in load_balancers if b["follows"] == "live" and b.get("interval_s")]
    return max(waits) + GUESS_MARGIN_S if waits else 0.0


def missing_intervals(load_balancers):
    """One sentence for each load balancer of which not even a guess can be made."""
    return [
        "load balancer %s: the heartbeat does not tell who asks for it, so that its interval_s is needed (bluegreen_load_balancers)" % balancer["name"]
        for balancer in load_balancers
        if balancer["follows"] == "live" and not balancer.get("interval_s")
    ]


def missing_probers(status, load_balancers, ignore=()):
    """One sentence for each load balancer that has fewer probers than declared; none: all are there."""
    if is_guess(status):
        return missing_intervals(load_balancers)
    known = known_probers(status, ignore)
    texts = []
    for balancer in load_balancers:
        seen = len([p for p in known if p["path"] == balancer["path"]])
        if seen < balancer["probers"]:
            texts.append("load balancer %s: %d of %d probers seen on %s" % (balancer["name"], seen, balancer["probers"], balancer["path"]))
    return texts


def _declared(prober, load_balancers):
    return next((b for b in load_balancers if b["path"] == prober["path"]), None)


def _waited_for(prober, load_balancers, state):
    """Whether this prober has to notice. The standby load balancers have not: the sanity test goes through them and is the better proof."""
    declared = _declared(prober, load_balancers)
    if declared:
        return declared["follows"] == "live"
    # Of those that nobody declared only the ones that may send traffic are: on the way in there is nothing to wait for.
    return state == "standby" and not prober["path"].startswith("/heartbeat/standby")


def _silent(prober, load_balancers):
    expected = (_declared(prober, load_balancers) or {}).get("interval_s")
    pace = SILENT_INTERVALS * max(prober["interval_s"] or 0.0, expected or 0.0)
    return prober["last_seen_s"] > max(pace, SILENT_DECLARED_S if expected else SILENT_UNDECLARED_S)


def silent_probers(status, load_balancers, ignore=(), state=None):
    """One sentence for each prober that has stopped asking: of those waited for on the way to this state, or of all that are needed."""
    known = known_probers(status, ignore)
    silent = [p for p in known if _silent(p, load_balancers)]
    needed = [p for p in silent if _waited_for(p, load_balancers, state or "standby")]
    if state is None:
        # Nobody waits for a standby load balancer, so that one prober more or less (a person with curl) is no matter.
        for balancer in load_balancers:
            mine = [p for p in silent if p["path"] == balancer["path"]]
            if balancer["follows"] == "standby" and len([p for p in known if p["path"] == balancer["path"]]) - len(mine) < balancer["probers"]:
                needed += mine
    return [
        "prober %s %s has fallen silent: it asked every %.2f s, and for the last time %.1f s ago"
        % (prober["address"], prober["path"], prober["interval_s"] or 0.0, prober["last_seen_s"])
        for prober in needed
    ]


def differences(status, load_balancers, ignore=()):
    """One sentence for each prober that asks at another interval than declared, in the steady state that its load balancer follows."""
    texts = []
    for prober in known_probers(status, ignore):
        declared = _declared(prober, load_balancers)
        expected = (declared or {}).get("interval_s")
        if not expected or prober["interval_s"] is None or prober["consecutive"].get(declared["follows"], 0) < STEADY_ANSWERS:
            continue
        if abs(prober["interval_s"] - expected) > max(INTERVAL_TOLERANCE_S, INTERVAL_TOLERANCE * expected):
            texts.append(
                "load balancer %s: prober %s asks every %.2f s, and interval_s says %g; fall and rise may be declared wrongly, too"
                % (declared["name"], prober["address"], prober["interval_s"], expected)
            )
    return texts


def unsettled(status, load_balancers, state, ignore=()):
    """What is still missing until every live load balancer has noticed that the node is in this state.

    Returns one sentence for each missing thing. An empty list is the proof; where the probers are unknown it is a guess (is_guess).
    """
    live_balancers = [b for b in load_balancers if b["follows"] == "live"]
    texts = missing_probers(status, live_balancers, ignore)
    if is_guess(status):
        return texts or _too_early(status, guess_s(load_balancers, state), state)
    for prober in known_probers(status, ignore):
        if not _waited_for(prober, load_balancers, state):
            continue
        declared = _declared(prober, load_balancers)
        if state == "live":
            wanted, got = declared["rise"], prober["consecutive"]["live"]
        else:
            wanted, got = (declared["fall"] if declared else DEFAULT_FALL), prober["consecutive"]["not_live"]
        if got < wanted:
            texts.append(
                "prober %s %s got %d of %d answers that say %s, the last request %.1f s ago%s"
                % (
                    prober["address"],
                    prober["path"],
                    got,
                    wanted,
                    "live" if state == "live" else "not live",
                    prober["last_seen_s"],
                    "" if prober["interval_s"] is None else " (it asks every %.2f s)" % prober["interval_s"],
                )
            )
    return texts


def _too_early(status, wanted_s, state):
    if not wanted_s:
        return []
    if status["since_s"] is None:
        return ["it is not known since when it says %s, and %.1f s are needed (a guess by interval_s)" % (state, wanted_s)]
    if status["since_s"] < wanted_s:
        return ["it has said %s for %.1f of %.1f s (a guess by interval_s)" % (state, status["since_s"], wanted_s)]
    return []
