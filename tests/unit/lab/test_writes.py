# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A write that is lost, doubled or slow shows in what the scenario applications says of them."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

SPEC = importlib.util.spec_from_file_location("writes", Path(__file__).parents[3] / "molecule/applications/files/writes.py")
writes = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(writes)

# As HAProxy 2.6 writes them: a good one, one that was connected at the second attempt and to another node, and one that no node took.
LOG = [
    '10.0.0.1:5 [30/Nov/2026:10:00:00.1] radicale radicale-nodes/blue1 0/0/1/45/46 201 180 - - ---- 3/2/1/0/0 0/0 "PUT /lab/calendar/a-1.ics HTTP/1.1"',
    '10.0.0.1:6 [30/Nov/2026:10:00:01.1] radicale radicale-nodes/green1 2/5/1003/210/1220 201 180 - - ---- 3/2/1/0/+1 0/0 "PUT /lab/calendar/a-2.ics HTTP/1.1"',
    '10.0.0.1:7 [30/Nov/2026:10:00:02.1] radicale radicale-nodes/<NOSRV> 0/8000/-1/-1/8000 503 217 - - SQ-- 3/2/0/0/3 0/0 "PUT /lab/calendar/a-3.ics HTTP/1.1"',
    '10.0.0.1:8 [30/Nov/2026:10:00:03.1] radicale radicale-nodes/blue1 0/0/0/3/3 207 180 - - ---- 3/2/1/0/0 0/0 "PROPFIND /lab/calendar/ HTTP/1.1"',
    "Loading success.",
]


def record(number: int, node: str | None = "blue1", latency_s: float = 0.05, **more: Any) -> dict[str, Any]:
    return {"kind": "put", "path": f"/lab/calendar/a-{number}.ics", "node": node, "error": None, "latency_s": latency_s, "lag_s": 0.01, **more}


RECORDS = [record(1), record(2, "green1", 1.25), record(3, None, 8.01, error="status 503"), {**record(4), "kind": "look", "path": "/lab/calendar/"}]
KEPT = {"blue1": ["a-1.ics"], "green1": ["a-2.ics"]}


def told(**more: Any) -> dict[str, Any]:
    kernel = {"TcpExtListenOverflows": 3, "TcpRetransSegs": 10}
    counters = {node: {"kernel": kernel} for node in KEPT}
    later = {**counters, "green1": {"kernel": {"TcpExtListenOverflows": 5, "TcpRetransSegs": 14}}}
    return {"log": LOG, "kept": KEPT, "before": counters, "after": later, **more}


def test_the_time_of_a_write_is_taken_apart() -> None:
    log = writes.noted(LOG)
    assert list(log) == [f"/lab/calendar/a-{number}.ics" for number in (1, 2, 3)]
    assert log["/lab/calendar/a-2.ics"] == {
        "node": "green1",
        "status": 201,
        "ms": {"TR": 2, "Tw": 5, "Tc": 1003, "Tr": 210, "Ta": 1220},
        "retries": 1,
        "redispatched": True,
    }
    found = writes.figures(told(), RECORDS)
    assert (found["writes"], found["acknowledged"], found["retried"], found["redispatched"]) == (3, 2, 2, 1)
    assert found["slowest"][0]["sent_to_answered_ms"] == 8000
    assert found["ms"]["Tc"] == {"p50": 1, "p99": 1003, "most": 1003}
    assert found["kernel"] == {
        "blue1": {"TcpExtListenOverflows": 0, "TcpRetransSegs": 0},
        "green1": {"TcpExtListenOverflows": 2, "TcpRetransSegs": 4},
    }
    assert "TR 0, Tw 8000, Tc -1, Tr -1, Ta 8000; on all nodes TcpExtListenOverflows +2, TcpRetransSegs +4" in writes.short(found)


@pytest.mark.parametrize(
    ("kept", "lost", "doubled"),
    [
        (KEPT, [], []),
        ({"blue1": [], "green1": ["a-2.ics"]}, ["/lab/calendar/a-1.ics"], []),
        # On another node than the one that said so.
        ({"blue1": [], "green1": ["a-1.ics", "a-2.ics"]}, ["/lab/calendar/a-1.ics"], []),
        ({"blue1": ["a-1.ics", "a-2.ics"], "green1": ["a-2.ics"]}, [], ["a-2.ics"]),
        # Nobody acknowledged it, and it is in two places all the same.
        ({"blue1": ["a-1.ics", "a-3.ics"], "green1": ["a-2.ics", "a-3.ics"]}, [], ["a-3.ics"]),
    ],
)
def test_a_write_is_once_where_it_was_acknowledged(tmp_path: Path, kept: dict, lost: list[str], doubled: list[str]) -> None:
    found = writes.figures(told(kept=kept), RECORDS)
    assert (found["lost"], found["doubled"]) == (lost, doubled)
    assert status(tmp_path, told(kept=kept), RECORDS) == (1 if lost or doubled else 0)


@pytest.mark.parametrize(("log", "records"), [([], RECORDS), (LOG, []), (LOG[3:], RECORDS)])
def test_a_report_of_nothing_fails(tmp_path: Path, log: list[str], records: list[dict]) -> None:
    kept = KEPT if records else {"blue1": []}
    assert status(tmp_path, told(log=log, kept=kept), records) == 1


def status(folder: Path, noted: dict, records: list[dict]) -> int:
    (folder / "noted.json").write_text(json.dumps(noted))
    (folder / "requests.jsonl").write_text("".join(json.dumps(each) + "\n" for each in records))
    code = writes.main(folder / "noted.json", folder / "requests.jsonl", folder / "writes.json")
    assert json.loads((folder / "writes.json").read_text())["writes"] == len([each for each in records if each["kind"] == "put"])
    return code
