# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gives the heartbeat agent what nobody should: as requests, as its state, and as what its component says. It needs no lab.

    python tests/faults/fuzz.py
    python tests/faults/fuzz.py --inputs 1000

Hypothesis makes the inputs: noise, and what is right in all but a few bytes. The last line is
``RESULT inputs=N parser=N state=N component=N failures=N``: how many inputs each of the three got, and how many of the three broke a
promise. Exits 0 only when none did. An input that breaks one is shown in the smallest form that still does.
"""

from __future__ import annotations

import argparse
import json
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "roles" / "heartbeat_agent" / "files"))

import heartbeat

CODES = (400, 414, 431)


# ---- Inputs -------------------------------------------------------------------------------------------------------------------------


@st.composite
def damaged(draw: st.DrawFn, whole: st.SearchStrategy[bytes]) -> bytes:
    """What is right but for some bytes that were lost, doubled or replaced."""
    content = bytearray(draw(whole))
    for _damage in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(content)))
        content[at : at + draw(st.integers(0, 3))] = draw(
            st.binary(max_size=3) | st.sampled_from((b"\0", b"\n", b"\r", b"\x1b[2J", b"\xff", b'"', b"[" * 2000))
        )
    return bytes(content)


TARGETS = st.builds(
    bytes.__add__,
    st.sampled_from((b"/heartbeat", b"/heartbeat/live", b"/heartbeat/status", b"/", b"", b"*", b"http://x/")),
    st.just(b"") | st.binary(max_size=8).map(lambda query: b"?" + query) | st.integers(200, 300).map(lambda length: b"?" + b"x" * length),
)
HEADERS = st.builds(
    lambda name, value: name + b":" + value,
    st.sampled_from((b"Host", b"content-length", b"Content-Length", b"Transfer-Encoding", b"If-Match", b"Authorization", b"a", b"", b"a b")),
    st.binary(max_size=12) | st.integers(-1, 20000).map(lambda number: b" %d" % number),
)
REQUESTS = st.builds(
    lambda blank, method, target, version, end, headers, body: end * blank + method + b" " + target + version + end + end.join([*headers, b""]) + end + body,
    st.integers(0, 4),
    st.sampled_from((b"GET", b"HEAD", b"PUT", b"get", b"POST", b"X" * 17)),
    TARGETS,
    st.sampled_from((b" HTTP/1.1", b" HTTP/1.0", b" HTTP/2.0", b"")),
    st.sampled_from((b"\r\n", b"\n")),
    st.lists(HEADERS, max_size=4) | st.integers(50, 3000).map(lambda count: [b"a:"] * count),
    st.binary(max_size=20),
)
EDGES = st.sampled_from((10**17, 10**18, -1, 1e300, float("nan"), "live", "SERVING", "x" * 300, [], {}, None, True, "\x1b[2J\n"))
VALUES = EDGES | st.integers() | st.floats() | st.text(max_size=10) | st.lists(st.text(max_size=3), max_size=2)
RECORD = {"state": "live", "revision": 1700000000, "since": 1700000000.5, "by": "ops", "reason": "2.0.0", "run_id": "run-1", "phase": "SERVING"}
STATUS = {"release": "2.0.0", "requests": 17}


def like(values: dict[str, Any]) -> st.SearchStrategy[bytes]:
    """JSON with these keys, one of whose values is another."""

    def changed(key: str, value: object) -> bytes:
        return json.dumps({**values, key: value}).encode("utf-8")

    whole = st.builds(changed, st.sampled_from([*values, "more"]), VALUES)
    return whole | damaged(whole)


# ---- Promises ----------------------------------------------------------------------------------------------------------------------


def parse(content: bytes, size: int) -> object:
    parser = heartbeat.Parser("192.0.2.9", heartbeat.MAX_BODY)
    try:
        for at in range(0, len(content), size):
            request = parser.feed(content[at : at + size])
            if request is not None:
                return request
    except heartbeat.Refusal as refusal:
        return refusal.code, str(refusal)
    return None


def parser(content: bytes, size: int) -> None:
    """It is a request, it is refused in words, or it goes on and is small. It does not matter in which pieces it came."""
    outcome = parse(content, size)
    assert outcome == parse(content, max(1, len(content)))
    if outcome is None:
        assert len(content) < heartbeat.MAX_HEAD + heartbeat.MAX_BODY
    elif isinstance(outcome, heartbeat.Request):
        target = outcome.path + outcome.query
        assert all("!" <= character <= "~" for character in target)
        assert len(target) <= heartbeat.MAX_TARGET
        assert len(outcome.method) <= 16
        assert set(outcome.headers) <= set(heartbeat.HEADERS)
        assert outcome.body == b"" or outcome.method not in ("GET", "HEAD")
        assert outcome.body is None or len(outcome.body) <= heartbeat.MAX_BODY
    else:
        assert isinstance(outcome, tuple)
        assert outcome[0] in CODES
        assert outcome[1].isprintable()


def state(content: bytes) -> None:
    """It is a record that can be shown, kept and read again, or a ValueError says why not."""
    try:
        record = heartbeat.Record.parse(content)
    except ValueError:
        return
    assert heartbeat.Record.parse(record.encode()) == record
    assert record.state in ("live", "standby")
    assert heartbeat.iso8601(record.since).endswith("Z")
    assert len(str(record.revision)) <= heartbeat.MAX_DIGITS


def component(content: bytes) -> None:
    """Whatever it says, what is kept of it is short and can be shown."""
    config = heartbeat.Status("http://127.0.0.1:1/", "release", "requests")
    poller = heartbeat.StatusPoller(config, heartbeat.Clock, lambda _url, _timeout_s: (200, content))
    total = poller.poll()
    release, error = poller.release()
    assert total is None or 0 <= total < 10**heartbeat.MAX_DIGITS
    assert release is None or len(release) <= heartbeat.MAX_RELEASE
    assert error is None or (len(error) <= 2 * heartbeat.MAX_WHY and error.isprintable())
    json.dumps([release, error, poller.requests()])


PROMISES: dict[str, tuple[Callable[..., None], tuple[st.SearchStrategy[Any], ...]]] = {
    "parser": (parser, (REQUESTS | damaged(REQUESTS) | st.binary(max_size=200), st.sampled_from((1, 2, 7, 1000)))),
    "state": (state, (like(RECORD) | st.binary(max_size=200),)),
    "component": (component, (like(STATUS) | st.binary(max_size=200),)),
}


def fuzz(name: str, inputs: int, phases: tuple[Phase, ...] = (Phase.generate, Phase.shrink)) -> int:
    """How many inputs were tried. Raises for the first that breaks a promise."""
    promise, strategies = PROMISES[name]
    tried = 0

    def count(arguments: tuple[Any, ...]) -> None:
        nonlocal tried
        tried += 1
        promise(*arguments)

    unhurried = settings(max_examples=inputs, phases=phases, deadline=None, database=None, report_multiple_bugs=False, suppress_health_check=list(HealthCheck))
    unhurried(given(st.tuples(*strategies))(count))()
    return tried


def main() -> int:
    parser_of_options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser_of_options.add_argument("--inputs", type=int, default=100000, help="in all: three fifths as requests, the rest in halves")
    inputs = parser_of_options.parse_args().inputs
    shares = {"parser": inputs - 2 * (inputs // 5), "state": inputs // 5, "component": inputs // 5}
    tried, failures = {}, 0
    for name, share in shares.items():
        tried[name] = 0
        try:
            tried[name] = fuzz(name, share)
        except Exception:
            traceback.print_exc()
            failures += 1
    print(f"RESULT inputs={sum(tried.values())} {' '.join(f'{name}={count}' for name, count in tried.items())} failures={failures}")
    return 1 if failures or sum(tried.values()) < inputs else 0


if __name__ == "__main__":
    sys.exit(main())
