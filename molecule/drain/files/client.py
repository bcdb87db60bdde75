# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A user of the application, through a load balancer: client.py request|keep|websocket PORT [PATH]

request  sends one request, and prints its status and when the answer was there
keep     asks twice a second over one connection, and leaves when it is closed
websocket  says something four times a second, and ends when the answer is another
"""

import http.client
import os
import sys
import time


def request(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    print(answer.status, time.time(), flush=True)


def keep(port):
    connection = http.client.HTTPConnection("127.0.0.1", port)
    while True:
        connection.request("GET", "/")
        answer = connection.getresponse()
        answer.read()
        if answer.will_close:
            return
        time.sleep(0.5)


def websocket(port):
    connection = http.client.HTTPConnection("127.0.0.1", port)
    headers = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
    connection.request("GET", "/websocket", headers=headers)
    channel = connection.sock
    answer = channel.makefile("rb")
    head = iter(answer.readline, b"\r\n")
    lines = [line.decode().strip().lower() for line in head]
    # The answer that RFC 6455 gives for this key.
    assert "101" in lines[0] and "sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=" in lines, lines
    text = b"are you there?"
    while True:
        mask = os.urandom(4)
        channel.sendall(bytes([0x81, 0x80 | len(text)]) + mask + bytes(byte ^ mask[position % 4] for position, byte in enumerate(text)))
        assert answer.read(2 + len(text)) == bytes([0x81, len(text)]) + text
        time.sleep(0.25)


if __name__ == "__main__":
    {"request": request, "keep": keep, "websocket": websocket}[sys.argv[1]](int(sys.argv[2]), *sys.argv[3:])
