# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Does a load balancer do what is declared of it? Judged from two records, and from nothing that the load balancer says of itself.

The node tells when each prober asked and what it got. A client tells which node answered each of its requests. A load balancer takes a node
out between the last request that it sent there and the first one that it would have sent there: as many checks as had been answered by then
are its `fall`. The way in is the same, the other way round.

Users send requests, too, and machines are late. So nobody knows whose turn the next of our requests is: that a node is out is believed when it
got none of so many that chance does not explain it, and that it is still in when it got one that was sent after it had to be out. What is
neither has not been verified. A time is as uncertain as things were late around it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from ansible_collections.halfswap.bluegreen.plugins.module_utils.heartbeat._settle import INTERVAL_TOLERANCE, INTERVAL_TOLERANCE_S, is_prober

# From the answer that decides until the load balancer acts: 16 ms at most where it was measured.
REACTION_S = 0.03
# How far two clocks may be apart that nobody could compare.
UNKNOWN_CLOCK_S = 0.1
# When something began, the watch on the node may have seen it one look late.
LOOK_S = 0.1
# A node that has answered less often was in the pool by chance, or is not in it.
FEW_ANSWERS = 3
# So rarely may chance alone make a node that is in look as if it were out.
CHANCE = 1e-4
# What was late so shortly before or after a change may have been late at the change.
NEAR_S = 1.0
# A request that waited for so long, beyond the end of a phase, found no node in it.
HELD_S = 1.0
# Connections that were not taken reached no node. A busy machine loses one now and then; a load balancer that reloads loses them in a row.
FEW_CONNECTIONS = 3
# So many requests fail at a quiet time, each by itself, before that is a habit.
FEW_LOST = 2
RATE = "bluegreen_verify_rate_per_s"

CHECKS = ("states", "fall", "rise", "interval", "dead", "anchored", "restart", "requests")
OK, FAULT, OPEN = "ok", "FAULT", "open"


@dataclass(frozen=True)
class Verdict:
    what: str
    text: str = ""


@dataclass(frozen=True)
class Count:
    """A number of checks: exact where both are the same, and `most` is None where there was no end."""

    least: int
    most: int | None

    def __str__(self) -> str:
        if self.most is None:
            return f"{self.least} or more"
        return str(self.least) if self.least == self.most else f"{self.least} to {self.most}"

    def __contains__(self, number: int) -> bool:
        return self.least <= number and (self.most is None or number <= self.most)


@dataclass
class Figures:
    """What was found out about one load balancer."""

    interval_s: float | None = None
    # What is late only lengthens an interval: as short as a quarter of them are.
    shortest_s: float | None = None
    interval_out_s: float | None = None
    fall: Count | None = None
    rise: Count | None = None
    last_s: float | None = None
    first_s: float | None = None
    verdicts: dict[str, Verdict] = field(default_factory=dict)


@dataclass(frozen=True)
class Request:
    start: float
    end: float
    node: str | None
    status: int

    @property
    def failed(self) -> bool:
        return self.status < 100 or self.status >= 500


@dataclass(frozen=True)
class Phase:
    """A time in which the heartbeat of the node did not change: it said `state`, was under test, or was gone."""

    begin: float
    end: float
    state: str
    kind: str  # steady, test or gone

    def wants(self, follows: str) -> bool:
        return self.kind == "steady" and self.state == follows


@dataclass(frozen=True)
class Clock:
    """What is to be added to a time of the client to have the time of the node, and how wrong that may be."""

    offset_s: float
    error_s: float
    known: bool


def compare_clocks(answers: Iterable[Sequence[Any]]) -> Clock:
    """From the headers Date of a node's answers: each was written between the request and its end, in the second that it names."""
    least, most = float("-inf"), float("inf")
    for start, end, _node, _status, date in answers:
        if date is not None:
            least, most = max(least, date - end), min(most, date + 1 - start)
    if least == float("-inf") or most < least - UNKNOWN_CLOCK_S:
        return Clock(0.0, UNKNOWN_CLOCK_S, False)
    return Clock((least + most) / 2, abs(most - least) / 2, True)


def phases(watched: Mapping[str, Any], end: float) -> list[Phase]:
    """The times in which the heartbeat did not change, in order."""
    marks = [(at, "state", state) for at, state in watched["states"]]
    for kind in ("tests", "gone"):
        for begin, until in watched[kind]:
            marks += [(begin, kind, True), (end if until is None else until, kind, False)]
    marks.sort(key=lambda mark: mark[0])
    now: dict[str, Any] = {"state": None, "tests": False, "gone": False}
    found = []
    for (begin, what, value), until in zip(marks, [mark[0] for mark in marks[1:]] + [end]):
        now[what] = value
        kind = "gone" if now["gone"] else "test" if now["tests"] else "steady"
        if until > begin and now["state"]:
            found.append(Phase(begin, until, now["state"], kind))
    return found


class Stream:
    """The requests through one load balancer while one node was tested."""

    def __init__(self, node: str, balancer: Mapping[str, Any], requests: Sequence[Request], probers: Sequence[Mapping[str, Any]], error_s: float) -> None:
        self.node = node
        self.balancer = balancer
        self.follows = balancer["follows"]
        self.requests = requests
        self.mine = [number for number, request in enumerate(requests) if request.node == node]
        self.probers = [prober for prober in probers if is_prober(prober, balancer)]
        self.error_s = error_s + REACTION_S
        # After as many requests that others have answered, the node is out. Set by rotation().
        self.turns = 1
        # Between two checks, in use or not, whichever is longer. Set by paces(), as is what was ever added to it.
        self.usual_s = 0.0
        self.ever_late_s = 0.0
        self.took_s = median([request.end - request.start for request in requests if request.node is not None] or [0.0])

    def rotation(self, times: Sequence[Phase]) -> None:
        """How many requests others can get between two of this node while it is in.

        Alone, our requests take turns, and the longest gap that was seen is the longest that there is. With others in between each has a chance of
        its own. So the longest gap is followed by as many requests as make it too rare to have been missed.
        """
        gaps = [
            number - before
            for phase in times
            if phase.wants(self.follows)
            for before, number in _pairs([n for n in self.mine if self.requests[n].start >= phase.begin and self.requests[n].end <= phase.end])
        ]
        # As if one more had been seen: a few gaps do not tell a share.
        share = len(gaps) / (sum(gaps) + 1)
        rare = CHANCE * (len(gaps) + 1)
        self.turns = max(gaps, default=1) + (math.ceil(math.log(rare) / math.log(1 - share)) if share > 0 and rare < 1 else 0)

    def paces(self, times: Sequence[Phase]) -> None:
        """How fast it checks, in and out of use, and by how much a check was late when nothing had changed."""
        for wanted in (True, False):
            gaps = self.gaps_s(times, wanted)
            if gaps:
                self.usual_s = max(self.usual_s, median(gaps))
                self.ever_late_s = max(self.ever_late_s, gaps[-1] - median(gaps))
        self.usual_s = self.usual_s or self.balancer.get("interval_s") or 0.0

    def late_s(self, phase: Phase, begin: float, end: float) -> float:
        """By how much a check was later than usual at all, or a check or an answer around this time."""
        begin, end = max(phase.begin, begin - NEAR_S), min(phase.end, end + NEAR_S)
        # What was on its way when the phase ended may have been held until a node was in.
        answered = [request for request in self.requests if request.node is not None and phase.begin <= request.start and request.end < phase.end]
        answers = [request.end - request.start - self.took_s for request in answered if request.start <= end and begin <= request.end]
        checks = [
            after - before - self.usual_s
            for prober in self.probers
            for before, after in _pairs([phase.begin, *(at for at, _word in prober["answers"] if phase.begin <= at < phase.end)])
            if self.usual_s and before <= end and begin <= after
        ]
        return float(max([self.ever_late_s, *answers, *checks]))

    def out_by(self, phase: Phase) -> float | None:
        """When the node had to be out, if it had to in this phase: one check later than declared, so that whatever is late has come."""
        wanted = self.balancer["fall"] + 1
        if phase.kind == "gone":
            # A dead heartbeat keeps no book, and each of the checks may be late.
            by = phase.begin + wanted * (self.usual_s + self.late_s(phase, phase.begin, phase.end)) if self.usual_s else None
        else:
            told = [sorted(at for at, word in p["answers"] if word != self.follows and phase.begin - LOOK_S <= at < phase.end) for p in self.probers]
            # Of a pair it is not known which one sends the requests.
            by = max((times[wanted - 1] if len(times) >= wanted else phase.end for times in told), default=None)
        return None if by is None else by + self.error_s + self.late_s(phase, phase.begin, by)

    def within(self, phase: Phase) -> list[int]:
        """Its requests in this phase. One that the load balancer held until the next one is none."""
        return [n for n in self.mine if phase.begin - self.error_s <= self.requests[n].start and self.requests[n].end < phase.end]

    def surely_within(self, phase: Phase) -> list[int]:
        """Those sent when nothing of the time before can have been on its way."""
        return [n for n in self.within(phase) if self.requests[n].start >= phase.begin + self.error_s]

    def leaving(self, before: Phase, phase: Phase) -> tuple[float, float | None] | None:
        """Between which times the node was taken out; no end where it was not. None where it was not in before."""
        if len(self.within(before)) < FEW_ANSWERS:
            return None
        last = [n for n in self.mine if self.requests[n].end < phase.end][-1]
        proof = min(last + self.turns, len(self.requests) - 1)
        if not self.out_since(last, phase):
            return max(phase.begin, self.requests[last].start), None
        return max(phase.begin, self.requests[last].start), min(phase.end, self.requests[proof].end)

    def out_since(self, last: int, phase: Phase) -> bool:
        """Whether others, or nobody, got so many requests after this one that the next one of the node was due, or one was held for want of a node."""
        later = [request for request in self.requests[last + 1 : last + self.turns + 1] if request.start < phase.end - self.error_s]
        return len(later) == self.turns or any(request.end >= phase.end and request.end - request.start > self.took_s + HELD_S for request in later)

    def entering(self, phase: Phase) -> tuple[float, float] | None:
        """Between which times the node was taken in."""
        mine = [n for n in self.mine if phase.begin - self.error_s <= self.requests[n].end < phase.end]
        if not mine:
            return None
        earlier = max(0, mine[0] - self.turns)
        return max(phase.begin, self.requests[earlier].start), self.requests[mine[0]].end

    def checks(self, phase: Phase, change: tuple[float, float | None], positive: bool) -> Count | None:
        """How many checks had been answered when the load balancer changed its mind."""
        counts = []
        error_s = self.error_s + self.late_s(phase, change[0], phase.end if change[1] is None else change[1])
        for prober in self.probers:
            times = [at for at, word in prober["answers"] if phase.begin - LOOK_S <= at < phase.end and (word == self.follows) == positive]
            if times:
                least = sum(at < change[0] - error_s for at in times) + 1
                most = None if change[1] is None else max(least, sum(at <= change[1] + error_s for at in times))
                counts.append((least, most))
        if not counts:
            return None
        # Of a pair it is not known which one sends the requests.
        least = min(count[0] for count in counts)
        ends = [count[1] for count in counts if count[1] is not None]
        return Count(least, max(least, *ends) if len(ends) == len(counts) else None)

    def told(self, phase: Phase) -> int:
        """How many answers it got that were not what it follows; of a pair, the one that asked more often."""
        return max((sum(word != self.follows and phase.begin - LOOK_S <= at < phase.end for at, word in p["answers"]) for p in self.probers), default=0)

    def gaps_s(self, times: Sequence[Phase], wanted: bool) -> list[float]:
        """Between two checks, in the second half of each phase: by then it has stopped checking faster."""
        return sorted(
            after - before
            for phase in times
            if phase.kind == "steady" and phase.wants(self.follows) == wanted
            for prober in self.probers
            for before, after in _pairs([at for at, _word in prober["answers"] if (phase.begin + phase.end) / 2 <= at < phase.end])
        )


def _pairs(values: Sequence[Any]) -> Iterable[tuple[Any, Any]]:
    return zip(values, values[1:])


def _common(counts: Sequence[Count]) -> Count | None:
    """What all measurements allow; all that was measured where they contradict each other."""
    if not counts:
        return None
    least, ends = max(count.least for count in counts), [count.most for count in counts if count.most is not None]
    if not ends:
        return Count(least, None)
    if least <= min(ends):
        return Count(least, min(ends))
    return Count(min(count.least for count in counts), None if len(ends) < len(counts) else max(ends))


def judge(
    node: str, balancer: Mapping[str, Any], component: str, watched: Mapping[str, Any], traffic: Mapping[str, Any], states: Mapping[str, str]
) -> tuple[Figures, Clock]:
    """One load balancer, as it was seen to treat one node.

    watched, traffic: the records of lb_watch (of the component) and lb_traffic. states: what the heartbeats of all nodes said.
    """
    answers = [answer for stream in traffic["streams"] for answer in stream["requests"]]
    clock = compare_clocks(answer for answer in answers if answer[2] == node)
    requests = [
        Request(start + clock.offset_s, end + clock.offset_s, name, status)
        for stream in traffic["streams"]
        if (stream["load_balancer"], stream["component"]) == (balancer["name"], component)
        for start, end, name, status, _date in stream["requests"]
    ]
    stream = Stream(node, balancer, requests, watched["probers"], clock.error_s)
    if not requests:
        return Figures(verdicts={"states": Verdict(OPEN, "no request was sent through it")}), clock
    times = [phase for phase in phases(watched, requests[-1].end) if phase.end > requests[0].start]
    stream.rotation(times)
    gaps = stream.gaps_s(times, True)
    figures = Figures(interval_s=_median(gaps), shortest_s=gaps[len(gaps) // 4] if gaps else None, interval_out_s=_median(stream.gaps_s(times, False)))
    stream.paces(times)
    _measure(stream, times, figures)
    figures.verdicts = {
        "states": _states(stream, times, states),
        "dead": _dead(stream, times),
        "anchored": _anchored(stream, times),
        "requests": _requests(stream, times),
    }
    return figures, clock


def _measure(stream: Stream, times: Sequence[Phase], figures: Figures) -> None:
    falls, rises, lasts, firsts = [], [], [], []
    for before, phase in zip(times, times[1:]):
        if "gone" in (before.kind, phase.kind) or before.wants(stream.follows) == phase.wants(stream.follows):
            continue
        if phase.wants(stream.follows):
            entered = None if stay(stream, before) is not False else stream.entering(phase)
            if entered and len(stream.within(phase)) >= FEW_ANSWERS:
                rises.append(stream.checks(phase, entered, True))
                firsts.append(entered[1] - phase.begin)
            continue
        left = stream.leaving(before, phase)
        if left and phase.kind == "test" and left[1] is None:
            continue  # the match is not anchored, which says nothing about its fall
        if left and left[1] is None and not stay(stream, phase):
            continue  # too few requests to tell whether it was out
        if left:
            falls.append(stream.checks(phase, left, False))
            lasts.append(left[0] - phase.begin)
    figures.fall = _common([count for count in falls if count])
    figures.rise = _common([count for count in rises if count])
    figures.last_s = round(max(lasts), 3) if lasts else None
    figures.first_s = round(max(firsts), 3) if firsts else None


def _states(stream: Stream, times: Sequence[Phase], states: Mapping[str, str]) -> Verdict:
    """Does it send requests only to nodes in the state that it follows, and to this one when it is?"""
    named = list(dict.fromkeys(request.node for request in stream.requests if request.node is not None))
    if not named and any(not request.failed for request in stream.requests):
        return Verdict(FAULT, "its answers do not name the node: add the header X-Served-By with the name of the node, as in the inventory, to every answer")
    strangers = sorted(set(named) - set(states))
    if strangers:
        return Verdict(FAULT, f"its answers name {', '.join(strangers)}, which no inventory group blue or green has: it must send the names of the inventory")
    wrong = {node: states[node] for node in named if node != stream.node and states[node] != stream.follows}
    unsure = False
    for phase in times:
        # One that does not ask there at all has had no reason to use the node.
        long_enough = stream.told(phase) > stream.balancer["fall"] or not stream.probers
        if phase.kind == "steady" and not phase.wants(stream.follows) and long_enough:
            stayed = stay(stream, phase)
            unsure = unsure or stayed is None
            if stayed:
                wrong[stream.node] = phase.state
    if wrong:
        which = ", ".join(f"{name} ({state})" for name, state in sorted(wrong.items()))
        return Verdict(
            FAULT,
            f"it follows {stream.follows}, but sends requests to {which}: let it check {stream.balancer['path']} on every node, and use a node only when "
            f"the status is 200, or the whole body {stream.follows}",
        )
    if not stream.probers:
        return Verdict(
            FAULT,
            f"nobody asked {stream.node} for {stream.balancer['path']} from {', '.join(stream.balancer['addresses']) or 'any address of its own'}: that is "
            "what it has to check, on the port of the heartbeat",
        )
    steady = [phase for phase in times if phase.wants(stream.follows)]
    if steady and not any(stream.within(phase) for phase in steady):
        sent = sum(any(phase.begin <= request.start and request.end < phase.end for phase in steady) for request in stream.requests)
        others = sum(state == stream.follows for node, state in states.items() if node != stream.node)
        if others and (others / (others + 1)) ** sent > CHANCE:
            return Verdict(OPEN, f"none of {sent} requests came to {stream.node} while that was {stream.follows}, which may be chance: raise {RATE}")
        return Verdict(
            FAULT, f"it sends no request to {stream.node} while that is {stream.follows}: does it know the node, and distribute the requests of one client?"
        )
    return Verdict(OPEN, _too_few(stream)) if unsure else Verdict(OK)


def _too_few(stream: Stream) -> str:
    return (
        f"{stream.node} got requests shortly before the end of a step, and too few followed to tell whether it was out ({stream.turns} are needed, as often "
        f"as it has its turn): raise {RATE}, or run it at a quieter time"
    )


def stay(stream: Stream, phase: Phase) -> bool | None:
    """Whether the node still gets requests when the phase ends; None where nothing shows that it does, or does not."""
    mine = [n for n in stream.within(phase) if stream.requests[n].start >= phase.begin]
    if not mine or stream.out_since(mine[-1], phase):
        return False
    by = stream.out_by(phase)
    return True if by is None or stream.requests[mine[-1]].start > by else None


def _dead(stream: Stream, times: Sequence[Phase]) -> Verdict:
    tried = False
    for before, phase in zip(times, times[1:]):
        if phase.kind != "gone" or before.kind == "gone":
            continue
        if before.wants(stream.follows):
            tried = True
            left = stream.leaving(before, phase)
            if left is None:
                return Verdict(OPEN, f"{stream.node} was not in before its heartbeat was stopped")
            stayed = stay(stream, phase)
            if stayed is None:
                return Verdict(OPEN, _too_few(stream))
            if stayed:
                return Verdict(
                    FAULT,
                    f"it still sends requests to {stream.node} {phase.end - phase.begin:.1f} s after the heartbeat died: a check that is not answered is a bad "
                    "one, and a node without good checks is out, even when no other is in",
                )
        elif stream.surely_within(phase):
            return Verdict(FAULT, f"it sends requests to {stream.node}, whose heartbeat is dead: no answer is no reason to use a node")
    return Verdict(OK) if tried else Verdict(OPEN, "the heartbeat was never stopped while the node was in")


def _anchored(stream: Stream, times: Sequence[Phase]) -> Verdict:
    tests = [(number, phase) for number, phase in enumerate(times) if phase.kind == "test"]
    if not tests:
        return Verdict(OPEN, "the heartbeat cannot test it: send an error page that has the word in it, and see that the node stays out")
    fault = Verdict(
        FAULT,
        f"it takes a body for {stream.follows} that only has the word in it: match the whole body (^{stream.follows}$), or check "
        f"/heartbeat/{stream.follows} for the status 200",
    )
    for number, phase in tests:
        if stream.told(phase) < max(stream.balancer["fall"], stream.balancer["rise"]):
            return Verdict(OPEN, f"it asked only {stream.told(phase)} times during the test")
        if phase.state != stream.follows:
            # Once taken in, it stays for a while after the test.
            after = [later for later in times[number:] if later.state == phase.state][:2]
            if any(stream.surely_within(later) for later in after):
                return fault
            continue
        stayed = stay(stream, phase)
        if stayed:
            return fault
        if stayed is None:
            return Verdict(OPEN, _too_few(stream))
    return Verdict(OK)


def _requests(stream: Stream, times: Sequence[Phase]) -> Verdict:
    if stream.follows != "live":
        return Verdict(OK)  # it has nobody to send them to for most of the time
    total, failed = len(stream.requests), [request for request in stream.requests if request.failed]
    refused = [request for request in failed if request.status == 0]
    # The node has answered: what it says is the application's affair.
    own = [request for request in failed if request.status >= 500 and request.node is not None]
    lost = [request for request in failed if request.status != 0 and request.node is None]
    late_s = (max(stream.balancer["fall"], stream.balancer["rise"]) + 1) * stream.usual_s + stream.error_s
    at_change = [
        request for request in lost if any(request.end >= phase.begin - stream.error_s and request.start <= phase.begin + late_s for phase in times[1:])
    ]
    kinds = {-1: "not answered"}
    said = ", ".join(sorted({kinds.get(request.status, f"answered {request.status}") for request in lost}))
    if at_change:
        return Verdict(
            FAULT,
            f"{len(lost)} of {total} requests failed ({said}) while {stream.node} went out and in: leave requests in flight alone, "
            "send those that reached no node to another one, and do not close connections when a node goes out",
        )
    if len(lost) >= FEW_LOST:
        return Verdict(FAULT, f"{len(lost)} of {total} requests failed ({said}), and not only when {stream.node} changed: its log says why")
    if len(refused) >= FEW_CONNECTIONS:
        return Verdict(
            FAULT,
            f"{len(refused)} of {total} connections were not accepted: it must not reload or restart when a node goes out or in, and needs a queue and a limit "
            "of connections for all that come",
        )
    if lost:
        return Verdict(OPEN, f"one of {total} requests failed ({said}) while nothing changed at {stream.node}: its log says why; run it again")
    if own:
        which = ", ".join(sorted({f"{request.node} answered {request.status}" for request in own}))
        return Verdict(OPEN, f"{len(own)} of {total} requests failed in the application ({which}), which is no matter of the load balancer: see its log")
    if refused:
        return Verdict(
            OK, f"{len(refused)} of {total} connections {'was' if len(refused) == 1 else 'were'} not accepted, and reached no node: a machine was busy"
        )
    return Verdict(OK)


def judge_restart(balancer: Mapping[str, Any], restarted: Mapping[str, Any], states: Mapping[str, str]) -> Verdict:
    """What it did after it had been restarted. restarted: the record of lb_traffic and `by` (ansible, or hand: it may not have happened)."""
    answers = [answer for stream in restarted["traffic"]["streams"] for answer in stream["requests"] if stream["load_balancer"] == balancer["name"]]
    wrong: dict[str, int] = {}
    for _start, _end, node, _status, _date in answers:
        if states.get(node, balancer["follows"]) != balancer["follows"]:
            wrong[node] = wrong.get(node, 0) + 1
    if wrong:
        which = ", ".join(f"{name} ({states[name]}, {number} requests)" for name, number in sorted(wrong.items()))
        return Verdict(
            FAULT,
            f"after its start it sent requests to {which} before it had checked them: let it begin with every node down (HAProxy 3.1: init-state "
            "fully-down), or hold what comes until all are checked, as the configuration does that setup writes",
        )
    noticed = any(answer[3] < 100 for answer in answers)
    if restarted["by"] == "hand" and not noticed:
        return Verdict(OPEN, "no restart was noticed while it was waited for")
    # Without a node that it may use, its own 503 shows that it is back. One connection alone may be lost to a busy machine.
    if all(answer[3] < 100 for answer in answers[-FEW_CONNECTIONS:]):
        return Verdict(FAULT, "it does not answer after its restart")
    return Verdict(OK)


def merge(balancer: Mapping[str, Any], found: Sequence[Figures], restarts: Sequence[Verdict]) -> Figures:
    """All that was seen of one load balancer, on all nodes, with what is declared of it."""
    merged = Figures(
        interval_s=_median([figures.interval_s for figures in found]),
        shortest_s=min((figures.shortest_s for figures in found if figures.shortest_s is not None), default=None),
        interval_out_s=_median([figures.interval_out_s for figures in found]),
        fall=_common([figures.fall for figures in found if figures.fall]),
        rise=_common([figures.rise for figures in found if figures.rise]),
        last_s=max((figures.last_s for figures in found if figures.last_s is not None), default=None),
        first_s=max((figures.first_s for figures in found if figures.first_s is not None), default=None),
    )
    for check in CHECKS:
        merged.verdicts[check] = worst([figures.verdicts[check] for figures in found if check in figures.verdicts])
    merged.verdicts["restart"] = (
        worst(restarts) if restarts else Verdict(OPEN, "it was not restarted: bluegreen_verify_restart, or bluegreen_verify_restart_watch_s")
    )
    merged.verdicts["interval"] = _interval(balancer, merged)
    merged.verdicts["fall"] = _counted(balancer, "fall", merged.fall, "takes a node out")
    merged.verdicts["rise"] = _counted(balancer, "rise", merged.rise, "takes a node in")
    if merged.verdicts["states"].what == FAULT:
        # Whatever else it seemed to do, it did not do it because of the heartbeat.
        return Figures(verdicts={**{check: Verdict(OPEN) for check in CHECKS}, "states": merged.verdicts["states"]})
    return merged


def worst(verdicts: Sequence[Verdict]) -> Verdict:
    for what in (FAULT, OPEN, OK):
        texts = list(dict.fromkeys(verdict.text for verdict in verdicts if verdict.what == what))
        if texts:
            return Verdict(what, "; ".join(text for text in texts if text))
    return Verdict(OPEN, "it was not seen")


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(median(known), 3) if known else None


def _counted(balancer: Mapping[str, Any], key: str, count: Count | None, does: str) -> Verdict:
    if count is None:
        return Verdict(OPEN, f"{key} was not measured: the node was never seen to change through it, or nobody logs its checks")
    if balancer[key] in count:
        return Verdict(OK)
    text = f"it {does} after {count} checks, and {key} is declared as {balancer[key]}: change it there, or paste the {key} below, which is then waited for"
    return Verdict(FAULT, text)


def _interval(balancer: Mapping[str, Any], figures: Figures) -> Verdict:
    declared, interval_s, shortest_s = balancer.get("interval_s"), figures.interval_s, figures.shortest_s
    if interval_s is None or shortest_s is None:
        return Verdict(OPEN, "its interval was not measured")
    if not declared:
        return Verdict(OK)
    allowed_s = max(INTERVAL_TOLERANCE_S, INTERVAL_TOLERANCE * declared)
    if declared - interval_s > allowed_s or shortest_s - declared > allowed_s:
        return Verdict(FAULT, f"it checks every {interval_s:g} s, and interval_s is declared as {declared:g}: change it there, or paste the one below")
    return Verdict(OK)


def measured(balancer: Mapping[str, Any], figures: Figures) -> dict[str, Any]:
    """The entry as it should be: what is declared, with what was measured in its place."""
    entry = dict(balancer)
    if figures.interval_s is not None:
        entry["interval_s"] = round(figures.interval_s, 2)
    for key in ("fall", "rise"):
        count: Count | None = getattr(figures, key)
        if count and count.most is not None and balancer[key] not in count:
            # Of two figures the one that is waited for longer.
            entry[key] = count.most
    return entry
