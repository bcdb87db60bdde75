# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The management port of an application as Spring Boot's actuator has it, with an endpoint that switches its readiness. A start is a standby.

It listens to the network, too, for a controller that asks it from there.
"""

import json
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

APPLICATION = {"/actuator/health/liveness": "http://127.0.0.1:8080/health", "/actuator/info": "http://127.0.0.1:8080/status"}


class Handler(BaseHTTPRequestHandler):
    live = False

    def do_GET(self):
        if self.path in APPLICATION:
            self.answer(*asked(APPLICATION[self.path]))
        elif self.path != "/actuator/health/readiness":
            self.answer(404, {})
        elif self.live:
            self.answer(200, {"status": "UP"})
        else:
            self.answer(503, {"status": "OUT_OF_SERVICE"})

    def do_POST(self):
        told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path != "/actuator/traffic" or self.headers["Content-Type"] != "application/json":
            self.answer(415, {})
            return
        Handler.live = told["live"]
        self.send_response(204)
        self.end_headers()

    def answer(self, status, values):
        body = json.dumps(values).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def asked(url):
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            body = answer.read()
            return answer.status, json.loads(body) if body.startswith(b"{") else {}
    except urllib.error.URLError:
        return 503, {}


if __name__ == "__main__":
    ThreadingHTTPServer(("", 8081), Handler).serve_forever()
