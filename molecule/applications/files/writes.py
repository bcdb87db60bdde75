# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What became of the writes to Radicale, and where their time went.

    writes.py NOTED REQUESTS FIGURES

NOTED is JSON: log (lines of HAProxy, option httplog), kept (the files on each node), before and after (what nstat --json says of each node).
REQUESTS is what tests/demo/load.py has recorded. FIGURES is written; the last line on stdout is the short of it.

Exits 0 only when each write that was acknowledged is on the node that acknowledged it, none is on two nodes (as one that was sent again would be),
and HAProxy has noted any: what it noted of none tells nothing.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

# What HAProxy tells of a request, in ms, as its manual calls them: until it had come and was let go on (a hold is in this), in a queue and in attempts to
# connect that failed, in the last attempt, until the application answered, and all of it.
TIMERS = ("TR", "Tw", "Tc", "Tr", "Ta")
LINE = re.compile(
    r" \S+/(?P<node>\S+) (?P<timers>-?\d+/-?\d+/-?\d+/-?\d+/\+?\d+) (?P<status>-?\d+) "
    r'.* \d+/\d+/\d+/\d+/(?P<redispatched>\+?)(?P<retries>\d+) \d+/\d+ .*"PUT (?P<path>\S+) '
)
SLOWEST = 10


def noted(lines: Iterable[str]) -> dict[str, dict]:
    """What HAProxy has noted of each write, by its path."""
    found = {}
    for match in filter(None, map(LINE.search, lines)):
        timers = dict(zip(TIMERS, (int(each) for each in match["timers"].split("/")), strict=True))
        found[match["path"]] = {
            "node": match["node"],
            "status": int(match["status"]),
            "ms": timers,
            "retries": int(match["retries"]),
            "redispatched": bool(match["redispatched"]),
        }
    return found


def misplaced(acknowledged: Mapping[str, str], kept: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Writes that are not where they were acknowledged, and those that are in two places; of each the path, and of acknowledged the node."""
    places: dict[str, list[str]] = {}
    for node, names in kept.items():
        for name in names:
            places.setdefault(name, []).append(node)
    return {
        "lost": sorted(path for path, node in acknowledged.items() if node not in places.get(Path(path).name, [])),
        "doubled": sorted(name for name, nodes in places.items() if len(nodes) > 1),
    }


def spread(values: Iterable[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {name: ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] for name, percent in (("p50", 50), ("p99", 99), ("most", 100))}


def grown(before: Mapping[str, Mapping], after: Mapping[str, Mapping]) -> dict[str, dict[str, int]]:
    """By how much each counter of each kernel has grown."""
    return {node: {name: value - before[node]["kernel"][name] for name, value in counters["kernel"].items()} for node, counters in after.items()}


def figures(told: Mapping, records: Iterable[Mapping]) -> dict:
    writes = [record for record in records if record["kind"] == "put"]
    log = noted(told["log"])
    acknowledged = {record["path"]: record["node"] for record in writes if not record["error"]}
    seen = [{"path": each["path"], "sent_to_answered_ms": round(1000 * (each["latency_s"] - each["lag_s"])), **log.get(each["path"], {})} for each in writes]
    both = [each for each in seen if "ms" in each]
    return {
        "writes": len(writes),
        "acknowledged": len(acknowledged),
        **misplaced(acknowledged, told["kept"]),
        "not_logged": sorted(set(acknowledged) - set(log)),
        "ms": {"client": spread(each["sent_to_answered_ms"] for each in seen), **{name: spread(each["ms"][name] for each in both) for name in TIMERS}}
        if both
        else {},
        "retried": sum(each["retries"] > 0 for each in both),
        "redispatched": sum(each["redispatched"] for each in both),
        "slowest": sorted(seen, key=lambda each: -each["sent_to_answered_ms"])[:SLOWEST],
        "kernel": grown(told["before"], told["after"]),
    }


def short(found: Mapping) -> str:
    kernel: dict[str, int] = {}
    for counters in found["kernel"].values():
        for name, value in counters.items():
            kernel[name] = kernel.get(name, 0) + value
    slowest = found["slowest"][0]
    parts = ", ".join(f"{name} {slowest['ms'][name]}" for name in TIMERS) if "ms" in slowest else "nothing"
    return (
        f"WRITES acknowledged={found['acknowledged']} of {found['writes']} lost={len(found['lost'])} doubled={len(found['doubled'])}"
        f" not_logged={len(found['not_logged'])} retried={found['retried']} redispatched={found['redispatched']}; the slowest took"
        f" {slowest['sent_to_answered_ms']} ms, of which HAProxy noted (ms): {parts}; on all nodes "
        + ", ".join(f"{name} +{value}" for name, value in sorted(kernel.items()))
    )


def main(told: Path, requests: Path, out: Path) -> int:
    records = [json.loads(line) for line in requests.read_text(encoding="utf-8").splitlines()]
    found = figures(json.loads(told.read_text(encoding="utf-8")), records)
    out.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    for name, each in found["ms"].items():
        print(f"{name:7}" + "".join(f"{what} {value:7.0f} ms  " for what, value in each.items()))
    print(short(found) if found["writes"] else "WRITES none")
    return 0 if found["ms"] and not (found["lost"] or found["doubled"]) else 1


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:])))
