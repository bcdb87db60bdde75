# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the deployment reads of the traffic: which node and release answered, and how many requests are in flight."""

from __future__ import annotations

import threading

from werkzeug.wsgi import ClosingIterator

# The deployment's own questions are no traffic.
UNCOUNTED = frozenset(["/health", "/status"])


class Traffic:
    """WSGI middleware. A request is in flight until the last byte of its answer was handed to the kernel."""

    def __init__(self, application, node: str, release: str) -> None:
        self._application = application
        self._headers = [("X-Node", node), ("X-Release", release)]
        self._lock = threading.Lock()
        self.in_flight = 0
        self.requests = 0

    def __call__(self, environ, start_response):
        def start(status, headers, exc_info=None):
            return start_response(status, headers + self._headers, exc_info)

        if environ["PATH_INFO"] in UNCOUNTED:
            return self._application(environ, start)
        with self._lock:
            self.in_flight += 1
            self.requests += 1
        try:
            return ClosingIterator(self._application(environ, start), self._finished)
        except BaseException:
            self._finished()
            raise

    def _finished(self) -> None:
        with self._lock:
            self.in_flight -= 1
