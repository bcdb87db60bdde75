# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settle: have the load balancers noticed? Judged from what the node answered to each prober, never from a guess."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

# Two requests can be a person with curl; a third one at the same URL is a health checker.
KNOWN_AFTER = 3

# What an undeclared prober of a live URL is waited for: the defaults of HAProxy, the slowest common ones.
DEFAULT_FALL = 3
DEFAULT_RISE = 2

LOAD_BALANCER_SPEC = dict(
    name=dict(type="str", required=True),
    follows=dict(type="str", required=True, choices=["live", "standby"]),
    path=dict(type="str", required=True),
    fall=dict(type="int", default=DEFAULT_FALL),
    rise=dict(type="int", default=DEFAULT_RISE),
    probers=dict(type="int", default=1),
    hold_s=dict(type="float", default=0.0),
)


def known_probers(status, ignore=()):
    return [p for p in status["probers"] if p["seen"] >= KNOWN_AFTER and p["address"] not in ignore]


def missing_probers(status, load_balancers, ignore=()):
    """One sentence for each load balancer that has fewer probers than declared; none: all are there."""
    known = known_probers(status, ignore)
    texts = []
    for balancer in load_balancers:
        seen = len([p for p in known if p["path"] == balancer["path"]])
        if seen < balancer["probers"]:
            texts.append("load balancer %s: %d of %d probers seen on %s" % (balancer["name"], seen, balancer["probers"], balancer["path"]))
    return texts


def unsettled(status, load_balancers, state, ignore=()):
    """What is still missing until every live load balancer has noticed that the node is in this state.

    Returns one sentence for each missing thing; an empty list is the proof. The standby load balancers are not waited for:
    the sanity test goes through them and is the better proof.
    """
    live_balancers = [b for b in load_balancers if b["follows"] == "live"]
    texts = missing_probers(status, live_balancers, ignore)
    for prober in known_probers(status, ignore):
        declared = [b for b in load_balancers if b["path"] == prober["path"]]
        if any(b["follows"] == "standby" for b in declared) or prober["path"].startswith("/heartbeat/standby"):
            continue
        if state == "live":
            # Only declared load balancers count here: traffic that nobody declared is nothing to wait for.
            if not declared:
                continue
            wanted, got = declared[0]["rise"], prober["consecutive"]["live"]
        else:
            wanted, got = (declared[0]["fall"] if declared else DEFAULT_FALL), prober["consecutive"]["not_live"]
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
