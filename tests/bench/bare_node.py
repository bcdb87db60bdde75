# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of the bare procedure that runs on a node. It is sent over ssh to Python's standard input, so it needs nothing but Python.

Its argument is JSON: the part ("out" or "in"), the token, the package to install and the release that is in it. It prints the seconds of each step.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request

HEARTBEAT = "http://127.0.0.1:8791/heartbeat"
SHOP = "http://127.0.0.1:8080/status"
LIVE_PATH = "/heartbeat/live"
# How many answers the demo's live load balancer needs before it changes its mind; see tests/demo/group_vars.
FALL, RISE = 3, 2
QUIET_SAMPLES = 3
SETTLE_POLL_S = 0.02
POLL_S = 0.05


def call(url: str, body: dict | None = None) -> dict:
    request = urllib.request.Request(url, method="PUT" if body else "GET", data=json.dumps(body).encode() if body else None)
    request.add_header("Authorization", f"Bearer {given['token']}")
    request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def noticed(status: dict, state: str) -> bool:
    """Whether every live load balancer has had as many answers in a row as it needs."""
    counts = [prober["consecutive"] for prober in status["probers"] if prober["path"] == LIVE_PATH]
    needed = {"standby": ("not_live", FALL), "live": ("live", RISE)}
    key, answers = needed[state]
    return bool(counts) and all(count[key] >= answers for count in counts)


def switch(state: str) -> None:
    call(HEARTBEAT, {"state": state, "reason": "bench", "run_id": "bare"})
    while not noticed(call(f"{HEARTBEAT}/status"), state):
        time.sleep(SETTLE_POLL_S)


def drain() -> None:
    quiet = 0
    while quiet < QUIET_SAMPLES:
        quiet = 0 if call(SHOP)["in_flight"] else quiet + 1
        time.sleep(POLL_S)


def install() -> None:
    subprocess.run(["rpm", "-U", "--oldpackage", "--replacepkgs", given["package"]], check=True, stdout=subprocess.DEVNULL)


def until_healthy() -> None:
    while True:
        status = call(f"{HEARTBEAT}/status?fresh=1")
        if status["healthy"] and status["release"] == given["release"]:
            return
        time.sleep(POLL_S)


def systemctl(verb: str) -> None:
    subprocess.run(["systemctl", verb, "shop"], check=True)


PARTS = {
    "out": [
        ("standby, settle", lambda: switch("standby")),
        ("drain", drain),
        ("stop", lambda: systemctl("stop")),
        ("rpm", install),
        ("start", lambda: systemctl("start")),
        ("healthy", until_healthy),
    ],
    "in": [("live, settle", lambda: switch("live"))],
}

if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    seconds = {}
    for name, step in PARTS[given["part"]]:
        began = time.monotonic()
        step()
        seconds[name] = time.monotonic() - began
    print(json.dumps(seconds))
