# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stranger that asks for a heartbeat.

stranger.py quiet HOST PORT                asks three times, and three times for what drives a terminal, and then no more
stranger.py flood HOST PORT PER_S FILE     asks so often, for something else each time, and each 20th time for what the live load balancer
                                           asks; when it is stopped, it writes into the file how often, and how often it was answered
"""

import contextlib
import json
import signal
import socket
import sys
import time

LIKE_A_LOAD_BALANCER = 20


def ask(address, path):
    """Whether there was an answer."""
    with socket.create_connection(address, timeout=2) as asked:
        asked.sendall(b"GET " + path + b" HTTP/1.0\r\n\r\n")
        answered = False
        # Whoever closes first keeps the port in use for a minute; let that be the other one.
        while asked.recv(4096):
            answered = True
        return answered


def quiet(address):
    for path in (b"/heartbeat/live?quiet", b"/heartbeat/live?\x1b]0;owned\x07"):
        for _time in range(3):
            ask(address, path)


def flood(address, per_s, file):
    signal.signal(signal.SIGTERM, lambda *_signal: sys.exit())
    begun, counts = time.monotonic(), {"asked": 0, "answered": 0}
    try:
        while True:
            counts["asked"] += 1
            path = b"/heartbeat/live" if counts["asked"] % LIKE_A_LOAD_BALANCER == 0 else b"/heartbeat/live?%d" % counts["asked"]
            # What is not answered is told by the counts.
            with contextlib.suppress(OSError):
                counts["answered"] += ask(address, path)
            time.sleep(max(0.0, begun + counts["asked"] / per_s - time.monotonic()))
    finally:
        with open(file, "w", encoding="utf-8") as told:
            json.dump(dict(counts, seconds=time.monotonic() - begun), told)


if __name__ == "__main__":
    act, host, port, *rest = sys.argv[1:]
    # The name once, and not each time.
    target = (socket.gethostbyname(host), int(port))
    if act == "quiet":
        quiet(target)
    else:
        flood(target, float(rest[0]), rest[1])
