# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An application that counts nothing: slow answers, kept connections and websockets, on each of the ports given.

GET /?s=20 answers after 20 s; GET /websocket is a websocket that sends back what it gets. After PUT / it answers with Connection: close, as an
application in standby should.
"""

import base64
import hashlib
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from socketserver import ThreadingMixIn
from urllib.parse import parse_qs, urlsplit

WEBSOCKET = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        url = urlsplit(self.path)
        if url.path == "/websocket":
            self.websocket()
        else:
            time.sleep(float(parse_qs(url.query).get("s", ["0"])[0]))
            self.answer(b"ok\n")

    def do_PUT(self):
        self.server.standby = True
        self.answer(b"standby\n")

    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        if self.server.standby:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def websocket(self):
        accept = base64.b64encode(hashlib.sha1(self.headers["Sec-WebSocket-Key"].encode() + WEBSOCKET).digest()).decode()
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", accept)
        self.end_headers()
        self.close_connection = True
        # The frames of the client are short, so that the second byte says how long the rest is: a mask of four, and the text.
        while head := self.rfile.read(2):
            length = head[1] & 0x7F
            masked = self.rfile.read(4 + length)
            text = bytes(byte ^ masked[position % 4] for position, byte in enumerate(masked[4:]))
            self.wfile.write(bytes([head[0], length]) + text)

    def log_message(self, *_args):
        """Nobody reads it."""


class Server(ThreadingMixIn, HTTPServer):
    daemon_threads = True
    standby = False


if __name__ == "__main__":
    servers = [Server(("", int(port)), Handler) for port in sys.argv[1:]]
    for server in servers[1:]:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    servers[0].serve_forever()
