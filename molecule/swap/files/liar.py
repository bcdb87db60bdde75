# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A health port that answers for the application, until it begins to lie: liar.py PORT BEGIN CONTROL TEXT

It says what the application says. Once there is the file BEGIN, it says TEXT instead, which is no HTTP, until the agent whose status is at
CONTROL says that the node is no longer live; then it removes the file, so that the node can be brought back.
"""

import contextlib
import json
import os
import socket
import sys
import urllib.request

HEALTH = "http://127.0.0.1:8080/health"


def status_line():
    """As the application's health is."""
    with contextlib.suppress(OSError), urllib.request.urlopen(HEALTH, timeout=2) as answer:
        return f"HTTP/1.0 {answer.status} healthy\r\n\r\n"
    return "HTTP/1.0 503 ill\r\n\r\n"


def is_live(control):
    try:
        with urllib.request.urlopen(control, timeout=2) as answer:
            return json.load(answer)["state"] == "live"
    except (OSError, ValueError):
        # Nobody knows, and so nothing changes.
        return True


def answer(begin, control, text):
    if os.path.exists(begin):
        if is_live(control):
            return text
        os.unlink(begin)
    return status_line()


def serve(port, begin, control, text):
    with socket.create_server(("127.0.0.1", port)) as server:
        while True:
            asked, _address = server.accept()
            # Whoever goes away before the answer has lost it.
            with asked, contextlib.suppress(OSError):
                asked.settimeout(2)
                asked.recv(4096)
                asked.sendall(answer(begin, control, text).encode())


if __name__ == "__main__":
    serve(int(sys.argv[1]), *sys.argv[2:])
