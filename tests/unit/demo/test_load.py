# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The load must not hide a failure: every way in which a request can go wrong shows in its figures."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

SPEC = importlib.util.spec_from_file_location("load", Path(__file__).parents[2] / "demo/load.py")
load = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(load)

RATE = 500.0
DURATION_S = 0.2
REQUESTS = 100
HEAD = b"HTTP/1.1 %d Any\r\n%sContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"


class Shop:
    """Enough of the shop for the load, on a real socket; a subclass of it is a shop with a fault."""

    headers = b"X-Node: blue1\r\nX-Release: 1.0.0\r\n"

    def __init__(self) -> None:
        self.orders: list[dict[str, Any]] = []

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, Any] | None:
        """A status and what becomes JSON; None closes the connection without an answer."""
        url = urlsplit(path)
        if method == "POST":
            self.store(json.loads(body))
            return 201, self.orders[-1] if self.orders else {}
        if url.path == "/orders":
            after = int(parse_qs(url.query)["after"][0])
            return 200, {"orders": [order for order in self.orders if order["id"] > after][:7]}
        if url.path.startswith("/orders/"):
            return 200, next(order for order in self.orders if order["ref"] == url.path.removeprefix("/orders/"))
        return 200, {}

    def store(self, order: dict[str, Any]) -> None:
        self.orders.append({"id": len(self.orders) + 1, **order})

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readline():
            method, path, _version = head.decode().split()
            length = 0
            while (header := (await reader.readline()).decode().strip().lower()) != "":
                if header.startswith("content-length:"):
                    length = int(header.split(":")[1])
            answer = self.answer(method, path, await reader.readexactly(length))
            if answer is None:
                break
            body = json.dumps(answer[1]).encode()
            writer.write(HEAD % (answer[0], self.headers, len(body)) + body)
            await writer.drain()
        writer.close()


REQUESTED = [
    {"kind": "look", "share": 0.5, "method": "PROPFIND", "path": "/calendar/", "headers": {"Depth": "0"}, "statuses": [207]},
    {"kind": "put", "share": 0.5, "method": "PUT", "path": "/calendar/{id}.ics", "body": "UID:{id}", "statuses": [200, 201], "alone": True},
]


class Calendar(Shop):
    """Another application, behind a load balancer that says which node has answered."""

    headers = b"X-Served-By: blue1\r\n"

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, Any] | None:
        if method == "PUT":
            self.orders.append({"path": path, "body": body.decode()})
        return {"PUT": 200 + len(self.orders) % 2, "PROPFIND": 207}[method], {}


def described(shop: Shop, tmp_path: Path, requests: list[dict]) -> dict:
    return loaded(shop, lambda url: load.Described(url, RATE, tmp_path, requests))


def loaded(shop: Shop, loading: Callable[[str], Any]) -> dict:
    async def both() -> dict:
        server = await asyncio.start_server(shop.serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        summary = await loading(f"http://127.0.0.1:{port}").run(DURATION_S)
        server.close()
        return summary

    return asyncio.run(both())


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Shop], dict]:
    # A failure to read back is not waited for.
    monkeypatch.setattr(load, "READ_BACK_TRIES", 1)

    return lambda shop: loaded(shop, lambda url: load.Load(url, RATE, tmp_path))


def test_a_shop_without_fault(run: Callable[[Shop], dict], tmp_path: Path) -> None:
    shop = Shop()
    summary = run(shop)
    records = [json.loads(line) for line in (tmp_path / "requests.jsonl").read_text().splitlines()]
    assert (summary["requests"], summary["failed"], summary["lost_writes"]) == (REQUESTS, 0, 0)
    assert len(records) == REQUESTS
    assert sorted(record["t"] for record in records) == [round(number / RATE, 4) for number in range(REQUESTS)]
    assert summary["writes"]["acknowledged"] == len(shop.orders) > 0
    assert {record["status"] for record in records} == {200, 201}
    assert {(record["node"], record["release"], record["error"]) for record in records} == {("blue1", "1.0.0", None)}
    assert set(summary["client"]) == {"kept", "short"}
    assert json.loads((tmp_path / "summary.json").read_text()) == summary


def test_a_connection_closed_without_an_answer_fails_though_the_client_asks_again(run: Callable[[Shop], dict]) -> None:
    class Closing(Shop):
        closed = False

        def answer(self, method: str, path: str, body: bytes) -> tuple[int, Any] | None:
            answer = super().answer(method, path, body)
            if method == "GET" and len(self.orders) >= 5 and not self.closed:
                self.closed = True
                return None
            return answer

    summary = run(Closing())
    assert summary["failed"] == 1
    assert list(summary["errors"]) == ["the connection broke before the answer; this one is to a second request"]


@pytest.mark.parametrize("fault", [(503, {}), (200, {"ref": "another"}), (404, {})])
def test_a_wrong_answer_fails(run: Callable[[Shop], dict], fault: tuple[int, Any]) -> None:
    class Wrong(Shop):
        def answer(self, method: str, path: str, body: bytes) -> tuple[int, Any] | None:
            answer = super().answer(method, path, body)
            return fault if path.startswith("/orders/") else answer

    summary = run(Wrong())
    assert 0 < summary["failed"] == summary["kind"]["read"]["requests"]
    assert summary["lost_writes"] == 0


@pytest.mark.parametrize(
    ("what", "stored"),
    [
        ("lost", lambda order: []),
        ("doubled", lambda order: [order, order]),
        ("altered", lambda order: [{**order, "amount": "0.00"}]),
    ],
)
def test_orders_are_counted_as_the_shop_has_them(run: Callable[[Shop], dict], what: str, stored: Callable[[dict], list[dict]]) -> None:
    """The last order is stored otherwise than its answer says."""

    class Careless(Shop):
        def answer(self, method: str, path: str, body: bytes) -> tuple[int, Any] | None:
            if path.startswith("/orders?") and "after=0" in path:
                order = self.orders.pop()
                for each in stored(order):
                    self.store({key: value for key, value in each.items() if key != "id"})
            return super().answer(method, path, body)

    summary = run(Careless())
    assert len(summary["writes"][what]) == summary["lost_writes"] == 1


def test_orders_that_cannot_be_read_back_count_as_lost(run: Callable[[Shop], dict]) -> None:
    class Silent(Shop):
        def answer(self, method: str, path: str, body: bytes) -> tuple[int, Any] | None:
            return None if path.startswith("/orders?") else super().answer(method, path, body)

    summary = run(Silent())
    assert summary["writes"]["read_back"] is False
    assert summary["lost_writes"] == summary["writes"]["acknowledged"] > 0


def test_a_write_without_an_answer_fails_and_may_be_stored(run: Callable[[Shop], dict]) -> None:
    class Forgetful(Shop):
        def answer(self, method: str, path: str, body: bytes) -> tuple[int, Any] | None:
            answer = super().answer(method, path, body)
            return None if method == "POST" and len(self.orders) == 2 else answer

    summary = run(Forgetful())
    assert (summary["failed"], summary["lost_writes"]) == (1, 0)
    assert (summary["writes"]["unacknowledged"], summary["writes"]["unacknowledged_but_stored"]) == (1, 1)


def test_an_answer_that_does_not_come_fails(run: Callable[[Shop], dict], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "TIMEOUT_S", 0.3)

    class Stuck(Shop):
        async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await asyncio.Event().wait()

    summary = run(Stuck())
    assert summary["failed"] == summary["requests"] == REQUESTS
    assert set(summary["errors"]) == {"no answer within 0.3 s"}


def test_a_load_that_is_late_itself_accuses_nobody(run: Callable[[Shop], dict], monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine that has no time for it: each request is due long before it is sent."""
    monkeypatch.setattr(load, "TIMEOUT_S", 5.0)

    class Late(load.Load):
        async def run(self, duration_s: float | None) -> dict:
            asyncio.get_running_loop().call_soon(time.sleep, 6)
            return await super().run(duration_s)

    monkeypatch.setattr(load, "Load", Late)
    summary = run(Shop())
    assert (summary["requests"], summary["failed"]) == (REQUESTS, 0)
    # It hides nothing: they are counted from the time they were due.
    assert summary["latest_start_s"] > 5 and summary["slowest_s"] > 5


class Refusing(Shop):
    """Answers 503 to every reading, as whoever has these headers."""

    def __init__(self, headers: bytes) -> None:
        super().__init__()
        self.headers = headers

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, Any] | None:
        answer = super().answer(method, path, body)
        return (503, {}) if method == "GET" and not path.startswith("/orders?") else answer


@pytest.mark.parametrize(
    ("headers", "cause"), [(b"", "load balancer"), (Shop.headers, "application"), (Shop.headers + b"X-Refused: busy\r\n", "the shop's own limit")]
)
def test_a_refusal_is_put_down_to_who_refused(run: Callable[[Shop], dict], tmp_path: Path, headers: bytes, cause: str) -> None:
    summary = run(Refusing(headers))
    refused = [record for record in map(json.loads, (tmp_path / "requests.jsonl").read_text().splitlines()) if record["status"] == 503]
    assert refused
    assert {record["cause"] for record in refused} == {cause}
    own = cause == load.SHOP
    assert (summary["failed"], summary["refused_by_app"]) == ((0, len(refused)) if own else (len(refused), 0))
    assert summary["failed_by"] == {**dict.fromkeys(load.CAUSES, 0), **({} if own else {cause: len(refused)})}
    assert sum(kind["failed"] for kind in summary["kind"].values()) == summary["failed"]


def test_a_wrong_answer_is_no_limit_of_the_shop_whatever_its_headers_say(run: Callable[[Shop], dict]) -> None:
    class Lying(Shop):
        headers = Shop.headers + b"X-Refused: busy\r\n"

        def answer(self, method: str, path: str, body: bytes) -> tuple[int, Any] | None:
            answer = super().answer(method, path, body)
            return (404, {}) if path == "/" else answer

    summary = run(Lying())
    assert summary["failed"] == summary["failed_by"]["application"] == summary["kind"]["home"]["requests"] > 0


def test_an_answer_cut_off_is_put_down_to_the_connection(run: Callable[[Shop], dict]) -> None:
    class Cut(Shop):
        async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readline()
            writer.write(HEAD % (200, self.headers, 1000))
            await writer.drain()
            writer.close()

    summary = run(Cut())
    assert summary["failed"] == summary["failed_by"]["connection"] == summary["requests"]


def test_latency_counts_from_the_time_due_and_p99_leaves_the_slow_ones_out() -> None:
    def record(kind: str, latency_s: float) -> dict:
        answered = {"node": "blue1", "release": "1.0.0", "error": None, "cause": None, "failed": False}
        return {"t": 0, "kind": kind, "client": "kept", "latency_s": latency_s, "lag_s": 0, **answered}

    records = [record("home", number / 1000) for number in range(1, 101)] + [record("slow", 2.5)]
    summary = load.summarise(records, {}, {})
    assert summary["p99_ms"] == 99.0
    assert summary["slowest_s"] == 2.5


def test_releases_are_mixed_from_the_first_answer_of_the_one_to_the_last_of_the_other() -> None:
    def answers(release: str | None, *times: float, kind: str = "home", latency_s: float = 0.5) -> list[dict]:
        return [{"t": t - latency_s, "latency_s": latency_s, "kind": kind, "release": release} for t in times]

    old, new = answers("1.0.0", 1, 2, 3), answers("2.0.0", 3.25, 4)
    # What was due before the switch, waited and was answered by the new release is no mixture, nor is an error or what asked to be slow.
    assert load.mixed_s(old + new + answers("2.0.0", 3.5, latency_s=3) + answers(None, 9) + answers("1.0.0", 5, kind="slow", latency_s=2)) == 0
    assert load.mixed_s(old + new + answers("1.0.0", 3.75)) == 0.5
    assert load.mixed_s(answers("1", 0, 10) + answers("2", 4, 6) + answers("3", 8, 12)) == 4
    assert load.mixed_s([]) == 0


def test_another_application_is_asked_as_the_file_says(tmp_path: Path) -> None:
    calendar = Calendar()
    summary = described(calendar, tmp_path, REQUESTED)
    records = [json.loads(line) for line in (tmp_path / "requests.jsonl").read_text().splitlines()]
    assert (summary["requests"], summary["failed"], summary["lost_writes"]) == (REQUESTS, 0, 0)
    assert set(summary["kind"]) == {"look", "put"} and set(summary["node"]) == {"blue1"}
    written = [record for record in records if record["kind"] == "put"]
    assert {record["client"] for record in written} == {"short"}
    assert {record["status"] for record in written} == {200, 201}
    # Each has a name of its own, in its path and in its body.
    assert sorted(record["path"] for record in written) == sorted({order["path"] for order in calendar.orders})
    assert all(order["path"] == f"/calendar/{order['body'].removeprefix('UID:')}.ics" for order in calendar.orders)


@pytest.mark.parametrize(("headers", "cause"), [(b"", "load balancer"), (Calendar.headers, "application")])
@pytest.mark.parametrize("status", [503, 302, 200])
def test_another_application_that_answers_otherwise_fails_by_who_answered(tmp_path: Path, headers: bytes, cause: str, status: int) -> None:
    class Wrong(Calendar):
        def answer(self, method: str, path: str, body: bytes) -> tuple[int, Any] | None:
            return (status, {}) if method == "PROPFIND" else super().answer(method, path, body)

    Wrong.headers = headers
    summary = described(Wrong(), tmp_path, REQUESTED)
    assert 0 < summary["failed"] == summary["failed_by"][cause] == summary["kind"]["look"]["requests"] == summary["kind"]["look"]["failed"]
