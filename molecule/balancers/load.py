# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A load on several load balancers at once, and how fast each of them follows the heartbeats of the nodes.

    load.py run RECORDS haproxy=http://lb:8001 apache=http://lb:8002 ...     until SIGTERM
    load.py report RECORDS FLIPS
    load.py restart RECORDS NODE

Each load balancer has one client that keeps its connection and one that opens a new one for each request; every fifth request is a
write. Nothing is sent twice. A request fails without an answer, with another status than 200, or when the header that names the node
and the node itself disagree.

FLIPS is a list of {"node", "state", "since", "since_s"}: what the status of a heartbeat says when the load balancers have noticed.
``report`` prints a table, and exits 0 only when nothing failed or took a second, and nobody was sent to a node that had left.
``restart`` is for load balancers that were restarted meanwhile: it prints for how long they answered nobody, and exits 0 only when
everything else was sent to NODE, but for those kinds that promise nothing.
"""

import collections
import http.client
import itertools
import json
import signal
import sys
import threading
import time
from datetime import datetime
from urllib.parse import urlsplit

PAUSE_S = 0.08
TIMEOUT_S = 10.0
SLOW_S = 1.0
# A request that was on its way when the last load balancer noticed; the drain waits for it.
GRACE_S = 0.1

# It takes every node for healthy until its first check, and has no setting against that. Seen once, on a machine with far too much to do.
PROMISES_NOTHING = ("caddy",)

Record = collections.namedtuple("Record", "kind started took node error")


def judge(answer, body):
    node = body.decode(errors="replace").split(" ")[0]
    served_by = answer.getheader("X-Served-By")
    if answer.status != 200:
        return None, f"status {answer.status}"
    if served_by != node:
        return node, f"X-Served-By is {served_by}"
    return node, None


def client(kind, url, keep, stop, write):
    address = urlsplit(url).netloc
    connection = http.client.HTTPConnection(address, timeout=TIMEOUT_S)
    for number in itertools.count():
        if stop.wait(PAUSE_S):
            return
        started = time.time()
        try:
            connection.request("GET" if number % 5 else "POST", "/")
            answer = connection.getresponse()
            node, error = judge(answer, answer.read())
        except (OSError, http.client.HTTPException) as broken:
            node, error = None, f"{type(broken).__name__}: {broken}"
        if error or not keep:
            connection.close()
        write(Record(kind, started, time.time() - started, node, error))


def run(path, targets):
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    lock = threading.Lock()
    with open(path, "w", buffering=1) as file:

        def write(record):
            with lock:
                file.write(json.dumps(record) + "\n")

        clients = [threading.Thread(target=client, args=(kind, url, keep, stop, write)) for kind, url in targets for keep in (True, False)]
        for thread in clients:
            thread.start()
        for thread in clients:
            thread.join()


def times(records, flips):
    """For each flip, how long until the last request that a leaving node was sent, or the first that a new one was; and who came too late."""
    took = {"standby": [], "live": []}
    late = []
    for flip in flips:
        flip["at"] = datetime.fromisoformat(flip["since"].replace("Z", "+00:00")).timestamp()
    for flip in flips:
        ends = min([other["at"] for other in flips if other["node"] == flip["node"] and other["at"] > flip["at"]], default=float("inf"))
        mine = [record.started for record in records if record.node == flip["node"] and flip["at"] <= record.started < ends]
        if flip["state"] == "standby":
            took["standby"].append(max(mine, default=flip["at"]) - flip["at"])
            late += [started for started in mine if started > flip["at"] + flip["since_s"] + GRACE_S]
        else:
            took["live"].append(min(mine, default=float("inf")) - flip["at"])
    return took, late


def read(path):
    """The records of each kind."""
    kinds = collections.defaultdict(list)
    with open(path) as file:
        for line in file:
            record = Record(*json.loads(line))
            kinds[record.kind].append(record)
    return sorted(kinds.items())


def report(path, flips):
    good = bool(read(path))
    print(f"{'kind':8} {'requests':>8} {'failed':>6} {'slowest':>7}  {'down min/mean/max':18}  up, in s")
    for kind, records in read(path):
        took, late = times(records, flips)
        down, up = ("/".join(f"{t:.2f}" for t in (min(ts), sum(ts) / len(ts), max(ts))) if ts else "" for ts in (took["standby"], took["live"]))
        failed = [record for record in records if record.error]
        slowest = max(record.took for record in records)
        print(f"{kind:8} {len(records):8} {len(failed):6} {slowest:7.2f}  {down:18}  {up}")
        for record in failed[:5]:
            print(f"  failed at {record.started:.2f}: {record.error}")
        for started in late[:5]:
            print(f"  sent to a node that had left, at {started:.2f}")
        good = good and not failed and not late and slowest < SLOW_S and float("inf") not in took["live"]
    return 0 if good else 1


def restart(path, node):
    good = bool(read(path))
    print(f"{'kind':8} {'requests':>8} {'failed':>6} {'for s':>6}  in the end")
    for kind, records in read(path):
        failed = [record.started for record in records if record.error]
        lasted = max(failed, default=0) - min(failed, default=0)
        after = not any(record.error for record in records[-10:])
        elsewhere = sorted({record.node for record in records if record.node} - {node})
        print(f"{kind:8} {len(records):8} {len(failed):6} {lasted:6.2f}  {'good' if after else 'failing'}")
        if elsewhere:
            print(f"  sent to {', '.join(elsewhere)}")
        good = good and after and (not elsewhere or kind in PROMISES_NOTHING)
    return 0 if good else 1


if __name__ == "__main__":
    if sys.argv[1] == "run":
        run(sys.argv[2], [target.split("=", 1) for target in sys.argv[3:]])
    elif sys.argv[1] == "report":
        sys.exit(report(sys.argv[2], json.loads(sys.argv[3])))
    else:
        sys.exit(restart(sys.argv[2], sys.argv[3]))
