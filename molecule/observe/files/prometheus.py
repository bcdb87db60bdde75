# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers instant queries as Prometheus does, for whoever has the token: one series with the value in a file, or none where it is empty."""

import json
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

VALUE = Path("/run/prometheus-value")


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        url = urlsplit(self.path)
        if self.headers["Authorization"] != "Bearer the-token-of-prometheus":
            self.answer(401, {"status": "error", "errorType": "unauthorized", "error": "no token"})
        elif url.path != "/api/v1/query":
            self.answer(404, {})
        elif parse_qs(url.query).get("query") != ["sum(rate(payments_failed_total[1m]))"]:
            self.answer(400, {"status": "error", "errorType": "bad_data", "error": 'invalid parameter "query": 1:5: parse error'})
        else:
            series = [{"metric": {"job": "shop"}, "value": [round(time.time(), 3), value]} for value in VALUE.read_text().split()]
            self.answer(200, {"status": "success", "data": {"resultType": "vector", "result": series}})

    def answer(self, status, document):
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    HTTPServer(("127.0.0.1", 9090), Handler).serve_forever()
