# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settle: have the load balancers noticed? Judged from what the node answered to each prober.

A prober is who the site says: whoever asks at the path of a load balancer, and from one of its addresses. Anybody else who asks is a stranger,
who proves nothing and delays nothing. Where nobody logs the probers (an application with a heartbeat of another kind) there is only a guess, and
whoever waits for it says so.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from ansible_collections.halfswap.bluegreen.plugins.module_utils._addresses import is_within, plain
from ansible_collections.halfswap.bluegreen.plugins.module_utils._shown import shown

# Two requests can be a person with curl; a third one at the same URL is a health checker.
KNOWN_AFTER = 3

# What is waited for where the site does not say: the defaults of HAProxy, the slowest common ones.
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

# Of many strangers these are enough to find out who they are; and so much of what one asked for.
STRANGERS_SHOWN = 3
PATH_CHARACTERS = 60
ERROR_CHARACTERS = 150

LOAD_BALANCER_SPEC = dict(
    name=dict(type="str", required=True),
    follows=dict(type="str", required=True, choices=["live", "standby"]),
    path=dict(type="str", required=True),
    addresses=dict(type="list", elements="str", default=[]),
    fall=dict(type="int", default=DEFAULT_FALL),
    rise=dict(type="int", default=DEFAULT_RISE),
    interval_s=dict(type="float"),
    probers=dict(type="int", default=1),
    hold_s=dict(type="float", default=0.0),
)


def _checkers(status):
    """Whoever asks again and again, whether a load balancer or not; none where nobody logs who asks."""
    return [p for p in status["probers"] or () if p["seen"] >= KNOWN_AFTER]


def is_prober(prober, balancer):
    """Whether this one checks for that load balancer."""
    return prober["path"] == balancer["path"] and is_within(prober["address"], balancer["addresses"])


def known_probers(status, load_balancers):
    """Each load balancer of the site with each of its probers."""
    return [
        (balancer, prober)
        for balancer in load_balancers
        for prober in _checkers(status)
        if is_prober(prober, balancer) and not _moved(status, prober, balancer, load_balancers)
    ]


def _moved(status, prober, balancer, load_balancers):
    """Whether this one checks for another load balancer since it asked here for the last time: somebody has mended which path it asks for.

    One that has only fallen silent may still send requests. And two that check from one address, of which one has stopped, have both asked before.
    """
    others = [other for other in load_balancers if other["name"] != balancer["name"]]
    return any(
        plain(later["address"]) == plain(prober["address"])
        and later.get("first_seen_s") is not None
        and later["first_seen_s"] < prober["last_seen_s"]
        and any(is_prober(later, other) and not _silent(later, other) for other in others)
        for later in _checkers(status)
    )


def strangers(status, load_balancers):
    """One sentence, or none, about whoever asks again and again and is no load balancer. What one asks for may be another thing each time."""
    asked = {}
    for prober in status["probers"] or ():
        if not any(is_prober(prober, balancer) for balancer in load_balancers):
            asked.setdefault(plain(prober["address"]) or shown(prober["address"], PATH_CHARACTERS), []).append(prober)
    times = {address: sum(each["seen"] for each in entries) for address, entries in asked.items()}
    found = sorted((address for address in asked if times[address] >= KNOWN_AFTER), key=lambda address: (-times[address], address))
    texts = []
    for address in found[:STRANGERS_SHOWN]:
        most = max(asked[address], key=lambda each: each["seen"])
        more = " and %d more" % (len(asked[address]) - 1) if len(asked[address]) > 1 else ""
        texts.append("%s for %s%s" % (address, shown(most["path"], PATH_CHARACTERS), more))
    if len(found) > len(texts):
        texts.append("%d more" % (len(found) - len(texts)))
    return ["no load balancer of this site, but it is asked by %s; that proves nothing and is not waited for" % ", ".join(texts)] if texts else []


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


def missing_addresses(load_balancers):
    """One sentence for each load balancer that anybody could pass for."""
    return [
        "load balancer %s: its addresses are not declared (bluegreen_load_balancers), so that nobody is known to be it" % balancer["name"]
        for balancer in load_balancers
        if balancer["follows"] == "live" and not balancer["addresses"]
    ]


def missing_probers(status, load_balancers, follows=("live", "standby")):
    """One sentence for each load balancer that has fewer probers than declared; none: all are there. follows: of which ones."""
    if is_guess(status):
        return missing_intervals(load_balancers)
    texts = missing_addresses(load_balancers)
    known = known_probers(status, load_balancers)
    for balancer in [b for b in load_balancers if b["follows"] in follows]:
        seen = {plain(prober["address"]) for of, prober in known if of is balancer}
        if balancer["addresses"] and len(seen) < balancer["probers"]:
            texts.append(
                "load balancer %s: %d of %d probers seen on %s%s%s"
                % (balancer["name"], len(seen), balancer["probers"], balancer["path"], _asked_by_others(status, balancer), _in_place(status, balancer))
            )
    return texts


def _asked_by_others(status, balancer):
    """Who asks in its place: a load balancer behind another address than declared looks like that."""
    others = sorted({plain(p["address"]) or "?" for p in _checkers(status) if p["path"] == balancer["path"] and not is_prober(p, balancer)})
    if not others:
        return ""
    more = ["%d more" % (len(others) - STRANGERS_SHOWN)] if len(others) > STRANGERS_SHOWN else []
    return ", where %s asked; declared are %s" % (", ".join(others[:STRANGERS_SHOWN] + more), ", ".join(balancer["addresses"]))


def refused(status):
    """Who asked what again and again and got no word, most first. What an application keeps by itself may lack any of it."""
    found = [r for r in status.get("refused") or () if (r.get("seen") or 0) >= KNOWN_AFTER and r.get("address")]
    return sorted(found, key=lambda r: (r.get("code") is None, -r["seen"], r["address"]))


def refused_text(entry):
    """One of them, as a part of a sentence."""
    return "%s from %s (%s%d times%s%s)" % (
        shown(dict(nothing="a connection without a question").get(entry.get("asked"), entry.get("asked") or "something"), PATH_CHARACTERS),
        plain(entry["address"]) or shown(entry["address"], PATH_CHARACTERS),
        "" if entry.get("code") is None else "answered %d, " % entry["code"],
        entry["seen"],
        "" if entry.get("last_seen_s") is None else ", the last %.1f s ago" % entry["last_seen_s"],
        ": %s" % shown(entry["error"], ERROR_CHARACTERS) if entry.get("error") else "",
    )


def _listed(entries):
    more = ["%d more" % (len(entries) - STRANGERS_SHOWN)] if len(entries) > STRANGERS_SHOWN else []
    return ", ".join([refused_text(entry) for entry in entries[:STRANGERS_SHOWN]] + more)


def _in_place(status, balancer):
    """What comes in place of the questions that are missing: health checks that are refused, or nothing at all."""
    if status.get("refused") is None:
        return ""
    entries = refused(status)
    own = [entry for entry in entries if is_within(entry["address"], balancer["addresses"])]
    if own:
        return "; the node refused its questions: %s" % _listed(own)
    if _asked_by_others(status, balancer):
        return ""
    if entries:
        return "; nothing came from %s, and the node refused these questions: %s" % (", ".join(balancer["addresses"]), _listed(entries))
    if any(is_within(prober["address"], balancer["addresses"]) for prober in status["probers"]):
        return ""
    return "; nothing came from %s: does it check this node, and does every firewall let it through to the port of the heartbeat?" % (
        ", ".join(balancer["addresses"])
    )


def misasked(status, load_balancers):
    """One sentence for each load balancer that asks something which is refused; a check of the connection alone, beside others, is no fault."""
    texts = []
    for balancer in load_balancers:
        own = [r for r in refused(status) if r.get("code") is not None and is_within(r["address"], balancer["addresses"])]
        if own:
            texts.append("load balancer %s: the node refused questions of it: %s" % (balancer["name"], _listed(own)))
    return texts


def _silent(prober, balancer):
    expected = balancer.get("interval_s")
    pace = SILENT_INTERVALS * max(prober["interval_s"] or 0.0, expected or 0.0)
    return prober["last_seen_s"] > max(pace, SILENT_DECLARED_S if expected else SILENT_UNDECLARED_S)


def silent_probers(status, load_balancers, state=None):
    """One sentence for each prober that has stopped asking: of those waited for on the way to this state, or of all that are needed."""
    texts = []
    known = known_probers(status, load_balancers)
    for balancer in load_balancers:
        mine = [prober for of, prober in known if of is balancer]
        silent = [prober for prober in mine if _silent(prober, balancer)]
        # Nobody waits for a standby load balancer, because the sanity test goes through it and is the better proof. One prober more or less is no
        # matter.
        if balancer["follows"] == "standby" and (state or len(mine) - len(silent) >= balancer["probers"]):
            continue
        texts += [
            "prober %s %s has fallen silent: it asked every %.2f s, and for the last time %.1f s ago"
            % (plain(prober["address"]), balancer["path"], prober["interval_s"] or 0.0, prober["last_seen_s"])
            for prober in silent
        ]
    return texts


def differences(status, load_balancers):
    """One sentence for each prober that asks at another interval than declared, in the steady state that its load balancer follows."""
    texts = []
    for balancer, prober in known_probers(status, load_balancers):
        expected = balancer.get("interval_s")
        if not expected or prober["interval_s"] is None or prober["consecutive"].get(balancer["follows"], 0) < STEADY_ANSWERS:
            continue
        if abs(prober["interval_s"] - expected) > max(INTERVAL_TOLERANCE_S, INTERVAL_TOLERANCE * expected):
            texts.append(
                "load balancer %s: prober %s asks every %.2f s, and interval_s says %g; fall and rise may be declared wrongly, too"
                % (balancer["name"], plain(prober["address"]), prober["interval_s"], expected)
            )
    return texts


def unsettled(status, load_balancers, state):
    """What is still missing until every live load balancer has noticed that the node is in this state.

    Returns one sentence for each missing thing. An empty list is the proof; where the probers are unknown it is a guess (is_guess).
    """
    texts = missing_probers(status, load_balancers, ("live",))
    if is_guess(status):
        return texts or _too_early(status, guess_s(load_balancers, state), state)
    count, answers, words = dict(live=("rise", "live", "live"), standby=("fall", "not_live", "not live"))[state]
    for balancer, prober in [each for each in known_probers(status, load_balancers) if each[0]["follows"] == "live"]:
        wanted, got = balancer[count], prober["consecutive"][answers]
        if got < wanted:
            texts.append(
                "prober %s %s got %d of %d answers that say %s, the last request %.1f s ago%s"
                % (
                    plain(prober["address"]),
                    balancer["path"],
                    got,
                    wanted,
                    words,
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
