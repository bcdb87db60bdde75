# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Open-loop load on the shop, or on any application, which hides nothing.

Requests start on a fixed schedule, however the ones before them fare, and their latency counts from the time they were due, so
that a stall shows in every request it delayed. Nothing is sent twice. A request fails when it gets no answer within 10 s of being sent
(where the machine has too much to do, this program itself is late: `latest_start_s`), another status than expected, or an answer that is
wrong; its record names who caused that. What the shop itself refuses, because it has too much to do, is counted apart: on a slow machine it
does so without a deployment, too. In the end every order written is read back.

    tests/demo/load.py --url http://127.0.0.1:18080 --duration 30

writes one line for each request to OUT/requests.jsonl, its progress to stderr, and the figures to stdout and OUT/summary.json.
Ctrl-C or SIGTERM ends the load early, not the reading back. Exits 0 only when nothing failed and every order acknowledged is there
exactly once, as it was sent.

    tests/demo/load.py --url http://127.0.0.1:18081 --requests FILE

loads another application, through a load balancer that this collection has configured. FILE is a JSON list of requests: kind, share, method, path
and statuses (those that are right), and if need be headers, body, and alone (a connection each). In path and body, {id} is a name that no other
request has. Nothing is read back: nobody knows how that application is asked.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import itertools
import json
import math
import random
import secrets
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import NamedTuple

import aiohttp

TIMEOUT_S = 10.0
PROGRESS_S = 5.0
# Shorter than the load balancers' timeout for idle connections (5 s), as with any client that is set up well.
IDLE_S = 3.0
SLOW_S = 2
SHARES = {"home": 0.28, "read": 0.50, "write": 0.20, "slow": 0.02}
# Of all requests; these open a connection of their own and close it.
SHORT_LIVED = 0.3
READ_BACK_TRIES = 3
# Who can be the cause of a failure that a deployment brings about, and of what is refused without one.
CAUSES = ("load balancer", "connection", "application")
SHOP = "the shop's own limit"


class Request(NamedTuple):
    kind: str
    method: str = "GET"
    path: str = "/"
    statuses: Sequence[int] = (200,)
    headers: Mapping[str, str] | None = None
    body: str | None = None
    # A connection of its own, whatever others have.
    alone: bool = False
    # Of the shop: what a write sends and a reading has to show.
    order: dict | None = None


class Load:
    # The shop puts the name of its node on every answer.
    node_header = "X-Node"

    def __init__(self, url: str, rate: float, out: Path) -> None:
        self.url = url.rstrip("/")
        self.rate = rate
        self.out = out
        self.run_id = secrets.token_hex(4)
        self.stopped = False
        self.records: list[dict] = []
        self.acknowledged: dict[str, dict] = {}
        self.in_flight = 0
        self.failed = 0
        self._random = random.Random(self.run_id)
        self._recent: collections.deque[dict] = collections.deque(maxlen=1000)

    def stop(self) -> None:
        self.stopped = True

    async def run(self, duration_s: float | None) -> dict:
        self.out.mkdir(parents=True, exist_ok=True)
        began = datetime.now(timezone.utc)
        self._start = time.monotonic()
        with open(self.out / "requests.jsonl", "w", encoding="utf-8", buffering=1) as self._file:
            async with self._session(keepalive_timeout=IDLE_S) as kept, self._session(force_close=True) as short:
                progress = asyncio.create_task(self._progress())
                requests = set()
                for number in itertools.count():
                    due = self._start + number / self.rate
                    await asyncio.sleep(due - time.monotonic())
                    if self.stopped or (duration_s is not None and number / self.rate >= duration_s):
                        break
                    wanted = self._wanted(number)
                    session = short if wanted.alone or self._random.random() < SHORT_LIVED else kept
                    request = asyncio.create_task(self._request(session, wanted, due, "short" if session is short else "kept"))
                    requests.add(request)
                    request.add_done_callback(requests.discard)
                lasted_s = time.monotonic() - self._start
                if requests:
                    await asyncio.wait(requests)
                progress.cancel()
        summary = summarise(self.records, self.acknowledged, await self._read_back())
        summary = {"began": began.isoformat(), "url": self.url, "rate": self.rate, "lasted_s": round(lasted_s, 1), **summary}
        (self.out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
        return summary

    def _session(self, **connector) -> aiohttp.ClientSession:
        # aiohttp asks again, unasked, when a connection breaks under a GET. Its connections are counted, so that this shows.
        async def connection(_session, context, _parameters) -> None:
            context.trace_request_ctx["connections"] += 1

        trace = aiohttp.TraceConfig()
        trace.on_connection_create_end.append(connection)
        trace.on_connection_reuseconn.append(connection)
        return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, **connector), trace_configs=[trace])

    def _wanted(self, number: int) -> Request:
        kind = self._random.choices(list(SHARES), SHARES.values())[0]
        if kind == "slow":
            return Request(kind, path=f"/slow?seconds={SLOW_S}")
        if kind == "read" and self._recent:
            order = self._random.choice(self._recent)
            return Request(kind, path=f"/orders/{order['ref']}", order=order)
        if kind == "write":
            amount = f"{self._random.randrange(100, 100000) / 100:.2f}"
            order = {"ref": f"{self.run_id}-{number}", "customer": f"customer-{number % 50}", "amount": amount}
            return Request(kind, "POST", "/orders", (201,), {"Content-Type": "application/json"}, json.dumps(order), order=order)
        return Request("home")

    def _complaint(self, wanted: Request, status: int, body: bytes) -> str | None:
        """What is wrong with an answer."""
        return complaint(status, wanted.statuses, body) or misread(body, wanted.order)

    async def _request(self, session: aiohttp.ClientSession, wanted: Request, due: float, client: str) -> None:
        seen = {"connections": 0}
        record = {"t": round(due - self._start, 4), "kind": wanted.kind, "client": client, "method": wanted.method, "path": wanted.path}
        if wanted.kind == "write":
            record["ref"] = wanted.order["ref"]
        record.update(status=None, node=None, release=None, error=None, cause=None, failed=False)
        answered, refused = False, None
        self.in_flight += 1
        started = time.monotonic()
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S, ceil_threshold=TIMEOUT_S)
        try:
            async with session.request(
                wanted.method,
                self.url + wanted.path,
                headers=wanted.headers,
                data=None if wanted.body is None else wanted.body.encode(),
                timeout=timeout,
                allow_redirects=False,
                trace_request_ctx=seen,
            ) as answer:
                record.update(status=answer.status, node=answer.headers.get(self.node_header), release=answer.headers.get("X-Release"))
                refused = answer.headers.get("X-Refused")
                record["error"] = self._complaint(wanted, answer.status, await answer.read())
                answered = True
        except asyncio.TimeoutError:
            record["error"] = f"no answer within {TIMEOUT_S:g} s"
        except aiohttp.ClientError as error:
            record["error"] = f"{type(error).__name__}: {error}"
        finally:
            self.in_flight -= 1
        if seen["connections"] > 1 and not record["error"]:
            record["error"] = "the connection broke before the answer; this one is to a second request"
            answered = False
        record.update(lag_s=round(started - due, 4), latency_s=round(time.monotonic() - due, 4))
        if wanted.kind == "write" and not record["error"]:
            self.acknowledged[wanted.order["ref"]] = wanted.order
            self._recent.append(wanted.order)
        if record["error"]:
            record["cause"] = cause(record["status"], record["node"], refused) if answered else "connection"
            record["failed"] = record["cause"] != SHOP
        self.failed += record["failed"]
        self.records.append(record)
        self._file.write(json.dumps(record) + "\n")

    async def _progress(self) -> None:
        seen = 0
        for turn in itertools.count(1):
            await asyncio.sleep(self._start + turn * PROGRESS_S - time.monotonic())
            recent, seen = self.records[seen:], len(self.records)
            releases = collections.Counter(record["release"] or "none" for record in recent)
            slowest_s = max((record["latency_s"] for record in recent), default=0)
            print(
                f"load {turn * PROGRESS_S:4.0f} s  {len(recent) / PROGRESS_S:6.1f} answers/s  in flight {self.in_flight:3d}"
                f"  failed {self.failed}  slowest {slowest_s:.3f} s  " + "  ".join(f"{release}: {count}" for release, count in sorted(releases.items())),
                file=sys.stderr,
                flush=True,
            )

    async def _read_back(self) -> collections.Counter | None:
        """How often each order is stored; None when the shop does not tell."""
        stored: dict[str, list[dict]] = collections.defaultdict(list)
        after, tries = 0, READ_BACK_TRIES
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S)) as session:
            while True:
                try:
                    async with session.get(f"{self.url}/orders", params={"prefix": self.run_id + "-", "after": after}) as answer:
                        answer.raise_for_status()
                        page = (await answer.json())["orders"]
                except (aiohttp.ClientError, asyncio.TimeoutError, ValueError) as error:
                    tries -= 1
                    print(f"reading back failed: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
                    if not tries:
                        return None
                    await asyncio.sleep(1)
                    continue
                if not page:
                    return stored
                for order in page:
                    stored[order["ref"]].append(order)
                after = page[-1]["id"]


class Described(Load):
    """A load of requests that a file describes, on any application."""

    # The load balancers of this collection put it on what a node has answered. What has none is their own answer.
    node_header = "X-Served-By"

    def __init__(self, url: str, rate: float, out: Path, requests: Sequence[Mapping]) -> None:
        super().__init__(url, rate, out)
        self._shares = [each["share"] for each in requests]
        self._requests = [Request(**{key: value for key, value in each.items() if key != "share"}) for each in requests]

    def _wanted(self, number: int) -> Request:
        request = self._random.choices(self._requests, self._shares)[0]
        path, body = (text and text.replace("{id}", f"{self.run_id}-{number}") for text in (request.path, request.body))
        return request._replace(path=path, body=body)

    def _complaint(self, wanted: Request, status: int, body: bytes) -> str | None:
        return complaint(status, wanted.statuses, body)

    async def _read_back(self) -> dict:
        return {}


def complaint(status: int, expected: Sequence[int], body: bytes) -> str | None:
    return None if status in expected else f"status {status}: {body[:200].decode(errors='replace').strip()}"


def misread(body: bytes, order: dict | None) -> str | None:
    """What is wrong with what the shop says, which is JSON, and the order where it was asked for one."""
    try:
        answer = json.loads(body)
    except ValueError:
        return f"no JSON: {body[:200]!r}"
    return None if order is None or same(answer, order) else f"another order: {body[:200].decode(errors='replace').strip()}"


def cause(status: int, node: str | None, refused: str | None) -> str:
    """Who gave an answer that is not the right one."""
    if refused and status == 503:
        return SHOP
    return "application" if node else "load balancer"


def same(answer: dict, order: dict) -> bool:
    return all(answer.get(key) == value for key, value in order.items())


def percentile(values: list[float], percent: float) -> float:
    return sorted(values)[math.ceil(len(values) * percent / 100) - 1] if values else 0.0


def summarise(records: list[dict], acknowledged: dict[str, dict], stored: dict[str, list[dict]] | None) -> dict:
    """``stored`` is what the shop says it has; what it does not tell counts as lost."""
    wrong: dict[str, list[str]] = {"lost": [], "doubled": [], "altered": []}
    for ref, order in acknowledged.items():
        rows = (stored or {}).get(ref, [])
        if not rows:
            wrong["lost"].append(ref)
        elif not all(same(row, order) for row in rows):
            wrong["altered"].append(ref)
    wrong["doubled"] = [ref for ref, rows in (stored or {}).items() if len(rows) > 1]
    unanswered = {record["ref"] for record in records if record["kind"] == "write"} - set(acknowledged)
    return {
        "requests": len(records),
        "failed": sum(record["failed"] for record in records),
        "refused_by_app": sum(record["cause"] == SHOP for record in records),
        "failed_by": {each: sum(record["cause"] == each for record in records) for each in CAUSES},
        "lost_writes": len(set().union(*wrong.values())),
        "slowest_s": round(max((record["latency_s"] for record in records), default=0.0), 3),
        # Those that ask to take 2 s would be the only thing it tells.
        "p99_ms": round(1000 * percentile([record["latency_s"] for record in records if record["kind"] != "slow"], 99), 1),
        "mixed_s": round(mixed_s(records), 3),
        "latest_start_s": max((record["lag_s"] for record in records), default=0.0),
        "writes": {
            "acknowledged": len(acknowledged),
            "unacknowledged": len(unanswered),
            "unacknowledged_but_stored": len(unanswered & set(stored or {})),
            "read_back": stored is not None,
            **wrong,
        },
        **{group: _by(group, records) for group in ("kind", "client", "release", "node")},
        "errors": dict(collections.Counter(record["error"] for record in records if record["error"]).most_common(20)),
    }


def mixed_s(records: list[dict]) -> float:
    """For how long more than one release answered, from the first answer of each to its last.

    Those that ask to take 2 s are left out: a node that has left still finishes them.
    """
    periods: dict[str, tuple[float, float]] = {}
    for record in records:
        if record["release"] and record["kind"] != "slow":
            answered = record["t"] + record["latency_s"]
            first, last = periods.get(record["release"], (answered, answered))
            periods[record["release"]] = min(first, answered), max(last, answered)
    mixed, until = 0.0, -math.inf
    for first, last in sorted(periods.values()):
        mixed += max(0.0, min(last, until) - first)
        until = max(until, last)
    return mixed


def _by(key: str, records: list[dict]) -> dict:
    groups = collections.defaultdict(list)
    for record in records:
        groups[record[key] or "none"].append(record)
    return {
        name: {
            "requests": len(group),
            "failed": sum(record["failed"] for record in group),
            "first_s": min(record["t"] for record in group),
            "last_s": max(record["t"] for record in group),
            "p50_ms": round(1000 * percentile([record["latency_s"] for record in group], 50), 1),
            "p99_ms": round(1000 * percentile([record["latency_s"] for record in group], 99), 1),
        }
        for name, group in sorted(groups.items())
    }


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True, help="of the live load balancer, or of a node")
    parser.add_argument("--rate", type=float, default=120.0, help="requests a second (default: %(default)g)")
    parser.add_argument("--duration", type=float, help="seconds (default: until Ctrl-C or SIGTERM)")
    parser.add_argument("--out", type=Path, default=Path(".cache/load"), help="directory for the records (default: %(default)s)")
    parser.add_argument("--requests", type=Path, metavar="FILE", help="JSON with the requests of another application (default: those of the shop)")
    options = parser.parse_args()
    if options.requests:
        load = Described(options.url, options.rate, options.out, json.loads(options.requests.read_text(encoding="utf-8")))
    else:
        load = Load(options.url, options.rate, options.out)
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, load.stop)
    summary = await load.run(options.duration)
    print(json.dumps(summary, indent=2), flush=True)
    return 0 if summary["requests"] and not summary["failed"] and not summary["lost_writes"] else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
