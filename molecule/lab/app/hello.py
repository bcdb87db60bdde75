# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The application of the scenarios: each answer says which node gave it, and on which release."""

import json
import os
import socket
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from socketserver import ThreadingMixIn

from release import HEALTHY, RELEASE

NODE = socket.gethostname()
# What a scenario has it do wrong: the status of its page, and the seconds that it takes.
FAULT = Path("/run/hello-fault")


class Traffic:
    def __init__(self):
        self._lock = threading.Lock()
        self.in_flight = 0
        self.requests = 0
        self.copies = 0
        self.errors = 0

    @contextmanager
    def request(self, copy):
        # A copy has no user who waits for it, and must not keep a node in standby from being drained.
        with self._lock:
            self.in_flight += not copy
            self.requests += not copy
            self.copies += copy
        try:
            yield
        finally:
            with self._lock:
                self.in_flight -= not copy

    def count(self, status):
        with self._lock:
            self.errors += status >= 500


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    traffic = Traffic()

    def do_GET(self):
        if self.path == "/health":
            self.answer(200 if HEALTHY else 503, "healthy" if HEALTHY else "not healthy")
        elif self.path == "/status":
            counts = {name: getattr(self.traffic, name) for name in ("in_flight", "requests", "copies")}
            status = {"node": NODE, "release": RELEASE, **counts}
            self.answer(200, json.dumps(status), "application/json")
        elif self.path == "/metrics":
            self.answer(200, "".join(f"hello_{name}_total {getattr(self.traffic, name)}\n" for name in ("requests", "errors")))
        else:
            with self.traffic.request(copy="X-Halfswap-Mirror" in self.headers):
                status, seconds = FAULT.read_text().split() if FAULT.exists() else (200, 0)
                time.sleep(float(seconds))
                self.traffic.count(int(status))
                self.answer(int(status) if self.path == "/" else 404, f"{NODE} {RELEASE}")

    do_POST = do_GET

    def answer(self, status, text, content_type="text/plain"):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Release", RELEASE)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args):
        """Nobody reads it, and a load writes thousands."""


class Server(ThreadingMixIn, HTTPServer):
    daemon_threads = True
    request_queue_size = 128


if __name__ == "__main__":
    Server(("", int(os.environ.get("PORT", "8080"))), Handler).serve_forever()
