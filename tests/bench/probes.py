# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures how long honest probes wait while somebody attacks the agent, and how much memory that costs. It needs no lab.

    python tests/bench/probes.py
    python tests/bench/probes.py --python /path/to/python2.7 --seconds 5 --attacks queries,idle

Two agents run at the same time: nobody attacks the first one, and for each attack there is a new second one. Both are asked the same
honest questions in turn, from a declared address, so that a busy machine shows in both. The attacker asks from an address of its own, 3,000 packets a
second. The last line is ``RESULT attacks=N more_ms=X memory_mb=X accepted=N failed_probes=N displaced=N``:

- more_ms: the most that 99 of 100 honest probes waited longer than those of the idle agent, of all attacks (at most 40)
- memory_mb: the largest resident memory of an agent (below 64)
- accepted: connections that were open at once (1,000)
- failed_probes: honest probes without the right answer (0)
- displaced: attacks after which the agent no longer knew all that it had told the honest prober (0)

Exits 0 only when all of that was so.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import multiprocessing
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

AGENT = Path(__file__).resolve().parents[2] / "roles" / "heartbeat_agent" / "files" / "heartbeat.py"
HONEST, ATTACKER = "127.0.0.1", "127.0.0.9"
Address = tuple[str, int]

PACKETS_PER_S = 3000
PACKETS_OF_A_CONNECTION = 5
# What a load balancer asks that is seen three times and then not for the whole attack.
SELDOM = "/heartbeat/live?seldom"
READERS = 150
IDLE = 1000
LONG_PATHS = 256
PROBE_EVERY_S = 0.02
ANSWER_IN_S = 10.0

MORE_MS = 40.0
MEMORY_MB = 64.0


class Component(BaseHTTPRequestHandler):
    """An application that is healthy."""

    def do_GET(self) -> None:
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        pass


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind((HONEST, 0))
        return int(sock.getsockname()[1])


class Agent:
    """An agent as a process of its own."""

    def __init__(self, python: str, directory: Path, health: str) -> None:
        self.probe, self.control = ("127.0.0.1", free_port()), ("127.0.0.1", free_port())
        directory.mkdir()
        (directory / "token").write_text("the-token-of-the-bench\n")
        values = {
            "component": "shop",
            "probe": f"{self.probe[0]}:{self.probe[1]}",
            "control": f"{self.control[0]}:{self.control[1]}",
            "token_file": str(directory / "token"),
            "state_file": str(directory / "state.json"),
            "probers": [HONEST],
            "health": {"url": health},
        }
        (directory / "config").write_text(json.dumps(values))
        with (directory / "log").open("wb") as log:
            self._process = subprocess.Popen([python, str(AGENT), str(directory / "config")], stderr=log)
        end = time.monotonic() + ANSWER_IN_S
        while time.monotonic() < end:
            try:
                if ask(self.probe, "/heartbeat/standby")[1].startswith(b"HTTP/1.1 200"):
                    return
            except OSError:
                pass
            time.sleep(0.1)
        raise SystemExit(f"The agent did not start: {(directory / 'log').read_text()}")

    def memory_mb(self) -> float:
        """The most that was resident."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024

    def told(self, target: str) -> int:
        """How often it says that the honest prober has asked this."""
        status = json.loads(ask(self.control, "/heartbeat/status")[1].partition(b"\r\n\r\n")[2])
        return sum(p["seen"] for p in status["probers"] if (p["address"], p["path"], p.get("declared")) == (HONEST, target, True))

    def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait()


def ask(address: Address, target: str) -> tuple[float, bytes]:
    """Seconds and answer."""
    begin = time.monotonic()
    with socket.create_connection(address, ANSWER_IN_S, (HONEST, 0)) as sock:
        sock.sendall(f"GET {target} HTTP/1.0\r\n\r\n".encode("ascii"))
        answer = b"".join(iter(lambda: sock.recv(65536), b""))
    return time.monotonic() - begin, answer


# ---- The attacks: each runs until its process is ended. ---------------------------------------------------------------------------


def connection(address: Address, source: str = ATTACKER, receive_buffer: int = 0) -> socket.socket:
    sock = socket.socket()
    if receive_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.settimeout(ANSWER_IN_S)
    sock.bind((source, 0))
    sock.connect(address)
    return sock


def paced(per_s: float = PACKETS_PER_S) -> Iterator[int]:
    """Numbers, so many a second; what was missed is made up for."""
    begin = time.monotonic()
    for number in itertools.count():
        ahead_s = number / per_s - (time.monotonic() - begin)
        if ahead_s > 0.002:
            time.sleep(ahead_s)
        yield number


def drip(address: Address, clients: int, pieces: Callable[[int], bytes]) -> None:
    """Each packet is the next piece of one of the clients."""
    sockets: list[socket.socket | None] = [None] * clients
    sent = [0] * clients
    for number in paced():
        client = number % clients
        try:
            sock = sockets[client]
            if sock is None:
                sock = sockets[client] = connection(address)
                sent[client] = 0
            sock.sendall(pieces(sent[client]))
            sent[client] += 1
        except OSError:
            sockets[client] = None


SHORT_LINES = b"a:\n" * 2600


def headers(address: Address, _control: Address) -> None:
    """As many short header lines as go into a head, byte by byte."""
    head = b"GET /heartbeat/live HTTP/1.1\r\n" + SHORT_LINES
    drip(address, 20, lambda sent: head[sent % len(head) :][:1])


def bodies(address: Address, _control: Address) -> None:
    """The same head at once, and then the body byte by byte."""
    head = b"PUT /heartbeat HTTP/1.1\r\nContent-Length: 16000\r\n" + SHORT_LINES + b"\r\n"
    drip(address, 20, lambda sent: b"x" if sent else head)


def blank_lines(address: Address, _control: Address) -> None:
    drip(address, 20, lambda _sent: b"\r\n" * 700)


def fill_books(address: Address) -> None:
    for number in range(LONG_PATHS):
        query(address, f"/heartbeat/live?{number:x>230}", f"127.0.1.{number // 16}")


def readers(address: Address, _control: Address) -> None:
    """Long paths in the books, and many who ask for all of them and read nothing."""
    fill_books(address)
    kept: list[socket.socket] = []
    for number in paced(PACKETS_PER_S / PACKETS_OF_A_CONNECTION):
        if number < LONG_PATHS or number % 4 == 0:
            query(address, f"/heartbeat/live?{number % LONG_PATHS:x>7900}")
            continue
        try:
            sock = connection(address, receive_buffer=4096)
            sock.sendall(b"GET /heartbeat/status HTTP/1.1\r\n\r\n")
            kept.append(sock)
        except OSError:
            pass
        if len(kept) > READERS:
            kept.pop(0).close()


def query(address: Address, target: str, source: str = ATTACKER) -> None:
    try:
        with connection(address, source) as sock:
            sock.sendall(f"GET {target} HTTP/1.0\r\n\r\n".encode("ascii"))
            while sock.recv(4096):
                pass
    except OSError:
        pass


def queries(address: Address, _control: Address) -> None:
    """Another query string with each question, and each 20th to the very path of the honest prober."""
    for number in paced(PACKETS_PER_S / PACKETS_OF_A_CONNECTION):
        query(address, "/heartbeat/standby" + (f"?{number}" if number % 20 else ""))


def idle(address: Address, _control: Address) -> None:
    """As many connections as there may be, always."""
    kept: list[socket.socket] = []
    for _number in paced(PACKETS_PER_S / PACKETS_OF_A_CONNECTION):
        with contextlib.suppress(OSError):
            kept.append(connection(address))
        if len(kept) > IDLE:
            kept.pop(0).close()


def packets(address: Address, _control: Address) -> None:
    """Questions that are none: garbage of every length."""
    drip(address, 50, lambda sent: bytes((sent * 37 + index) % 256 for index in range(1 + sent % 1400)))


def local(address: Address, control: Address) -> None:
    """A program on the node that asks the control side for a status with full books, again and again."""
    fill_books(address)
    for _number in paced(PACKETS_PER_S / PACKETS_OF_A_CONNECTION):
        query(control, "/heartbeat/status")


ATTACKS: dict[str, Callable[[Address, Address], None]] = {
    "headers": headers,
    "bodies": bodies,
    "blank_lines": blank_lines,
    "readers": readers,
    "queries": queries,
    "idle": idle,
    "packets": packets,
    "local": local,
}


# ---- What is measured --------------------------------------------------------------------------------------------------------------


def accepted(address: Address) -> int:
    """How many connections are open at once, of those that are opened at once."""
    sockets = []
    for _index in range(IDLE):
        with contextlib.suppress(OSError):
            sockets.append(connection(address))
    poll = select.poll()
    for sock in sockets:
        poll.register(sock, select.POLLIN)
    # Who is asked after them is answered, and none of them is closed for it.
    ask(address, "/heartbeat/standby")
    closed = len(poll.poll(200))
    for sock in sockets:
        sock.close()
    return len(sockets) - closed


@dataclass(frozen=True)
class Measured:
    attack: str
    idle_ms: float
    attacked_ms: float
    memory_mb: float
    failed: int
    displaced: bool

    @property
    def more_ms(self) -> float:
        return self.attacked_ms - self.idle_ms


def percentile_ms(seconds: list[float]) -> float:
    return 1000 * sorted(seconds)[max(0, -(-99 * len(seconds) // 100) - 1)]


def measure(attack: str, quiet: Agent, attacked: Agent, seconds: float) -> Measured:
    for _check in range(3):
        ask(attacked.probe, SELDOM)
    attacker = multiprocessing.Process(target=ATTACKS[attack], args=(attacked.probe, attacked.control), daemon=True)
    attacker.start()
    took: dict[Agent, list[float]] = {quiet: [], attacked: []}
    order = [quiet, attacked]
    failed = 0
    # The agent's start has asked once.
    asked = 1
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        # In turn, for the first one finds a machine that has slept.
        order.reverse()
        for agent in order:
            times = took[agent]
            try:
                elapsed, answer = ask(agent.probe, "/heartbeat/standby")
                times.append(elapsed)
                good = answer.endswith(b"\r\n\r\nstandby")
                asked += agent is attacked and good
            except OSError:
                times.append(ANSWER_IN_S)
                good = False
            failed += not good
        time.sleep(PROBE_EVERY_S)
    # While the attack goes on, as a playbook would ask; what the status shows may be a tenth of a second old.
    time.sleep(0.2)
    displaced = attacked.told(SELDOM) != 3 or attacked.told("/heartbeat/standby") < asked
    attacker.terminate()
    attacker.join()
    return Measured(attack, percentile_ms(took[quiet]), percentile_ms(took[attacked]), attacked.memory_mb(), failed, displaced)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default=sys.executable, help="what runs the agents")
    parser.add_argument("--seconds", type=float, default=10.0, help="for each attack")
    parser.add_argument("--attacks", default=",".join(ATTACKS), help="which ones, with commas between them")
    options = parser.parse_args()
    attacks = options.attacks.split(",")
    if set(attacks) - set(ATTACKS):
        parser.error(f"attacks are {', '.join(ATTACKS)}")

    server = ThreadingHTTPServer((HONEST, 0), Component)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    health = f"http://{HONEST}:{server.server_address[1]}/health"
    rows = []
    with tempfile.TemporaryDirectory() as directory:
        quiet = Agent(options.python, Path(directory) / "quiet", health)
        try:
            open_at_once = accepted(quiet.probe)
            print(f"{'attack':12} {'idle p99 ms':>12} {'attacked p99 ms':>16} {'memory MB':>10} {'failed':>7}")
            for attack in attacks:
                agent = Agent(options.python, Path(directory) / attack, health)
                try:
                    row = measure(attack, quiet, agent, options.seconds)
                finally:
                    agent.stop()
                rows.append(row)
                note = "  the honest prober was displaced" if row.displaced else ""
                print(f"{row.attack:12} {row.idle_ms:12.1f} {row.attacked_ms:16.1f} {row.memory_mb:10.1f} {row.failed:7}{note}", flush=True)
        finally:
            quiet.stop()
    more_ms, memory_mb = max(row.more_ms for row in rows), max(row.memory_mb for row in rows)
    failed, displaced = sum(row.failed for row in rows), sum(row.displaced for row in rows)
    print(f"RESULT attacks={len(rows)} more_ms={more_ms:.1f} memory_mb={memory_mb:.1f} accepted={open_at_once} failed_probes={failed} displaced={displaced}")
    return 0 if more_ms <= MORE_MS and memory_mb < MEMORY_MB and open_at_once == IDLE and not failed and not displaced else 1


if __name__ == "__main__":
    sys.exit(main())
