# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import socket

import pytest
from ansible.module_utils.basic import AnsibleModule

from ansible_collections.halfswap.bluegreen.plugins.module_utils.drain import _drain
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node import _lock, _records
from ansible_collections.halfswap.bluegreen.plugins.modules import drain


class Kernel(object):
    """The sockets of a node, as ss and /proc/net/tcp tell of them."""

    def __init__(self, clock, table):
        self.clock, self.table = clock, table
        self.listening = []
        self.connections = {}
        self.looks = 0
        self.failure = None
        self.write()

    def listen(self, *ports):
        self.listening += ports
        self.write()

    def open(self, peer, port=8080, received=0, sent=0, received_ago_s=0.0, sent_ago_s=0.0):
        now = self.clock.monotonic()
        self.connections[peer] = dict(port=port, received=received, sent=sent, received_at=now - received_ago_s, sent_at=now - sent_ago_s, unread=0)
        self.write()

    def send(self, peer, count=100):
        self.connections[peer].update(sent=self.connections[peer]["sent"] + count, sent_at=self.clock.monotonic())

    def receive(self, peer, count=100):
        self.connections[peer].update(received=self.connections[peer]["received"] + count, received_at=self.clock.monotonic())

    def close(self, *peers):
        for peer in peers:
            del self.connections[peer]
        self.write()

    def write(self):
        rows = [(port, "00000000:0000", "0A") for port in self.listening]
        rows += [(each["port"], "0100007F:D431", "01") for each in self.connections.values()]
        lines = ["  sl  local_address rem_address   st"] + ["   0: 0100007F:%04X %s %s" % row for row in rows]
        self.table.write_bytes("\n".join(lines).encode("ascii"))

    def ss(self, command):
        self.looks += 1
        if self.failure:
            return self.failure
        assert command[:4] == ["/usr/sbin/ss", "-t", "-i", "-n"]
        asked = [int(word[1:]) for word in command[-1].split() if word.startswith(":")]
        lines = ["State Recv-Q Send-Q Local Address:Port Peer Address:Port"]
        lines += ["LISTEN 0 50 0.0.0.0:%d 0.0.0.0:*\n\t cubic cwnd:10" % port for port in self.listening if port in asked]
        for peer, each in self.connections.items():
            if each["port"] in asked:
                lines.append("ESTAB %d 0 192.0.2.1:%d %s" % (each["unread"], each["port"], peer))
                numbers = [("bytes_sent", each["sent"]), ("bytes_received", each["received"]), ("segs_in", 3)]
                numbers += [("lastsnd", self.ms(each["sent_at"])), ("lastrcv", self.ms(each["received_at"])), ("lastack", 4)]
                lines.append("\t cubic %s" % " ".join("%s:%d" % pair for pair in numbers if pair[1]))
        return 0, "\n".join(lines) + "\n", ""

    def ms(self, at):
        return int(round((self.clock.monotonic() - at) * 250)) * 4


@pytest.fixture
def kernel(monkeypatch, tmp_path, clock):
    made = Kernel(clock, tmp_path / "tcp")
    monkeypatch.setattr(AnsibleModule, "run_command", lambda self, command, **kwargs: made.ss(command))
    monkeypatch.setattr(AnsibleModule, "get_bin_path", lambda self, name, **kwargs: "/usr/sbin/ss")
    monkeypatch.setattr(_drain, "SOCKET_TABLES", (str(made.table), str(tmp_path / "none")))
    made.listen(8080)
    return made


SHOP = dict(name="shop", ports=[8080])


def by_kernel(**changes):
    return dict(dict(components=[SHOP], method="kernel", interval_s=1), **changes)


@pytest.fixture
def application(heartbeat_server):
    """Any server of one JSON document serves: its status is that of the application here."""
    heartbeat_server.status = {"requests": {"active": 0, "total": 100}}
    return heartbeat_server


def counter(server, **changes):
    component = dict(name="shop", in_flight_url=server.url + "/status", in_flight_key="requests.active", requests_key="requests.total")
    component.update(changes)
    return component


def test_idle(run_module, application, clock):
    result = run_module(drain, dict(components=[counter(application)]))
    assert result == {
        "changed": False,
        "drained": True,
        "proceeded": False,
        "method": "counter",
        "guess": False,
        "waited_s": 0.2,
        "open": [],
        "components": [{"name": "shop", "in_flight": 0, "requests": 100, "samples": 3}],
    }
    assert clock.sleeps == [0.1, 0.1]
    assert [path for _method, path, _body, _match, _token in application.asked] == ["/status"] * 3


def test_waits_for_the_last_request(run_module, application, clock):
    application.status["requests"]["active"] = 2
    clock.at(5, lambda: application.status["requests"].update(active=1))
    clock.at(7, lambda: application.status["requests"].update(active=0))
    result = run_module(drain, dict(components=[counter(application)], interval_s=1, samples=4))
    assert result["drained"]
    assert result["waited_s"] == 10.0


def test_a_request_between_two_samples_begins_the_row_anew(run_module, application, clock):
    clock.at(2, lambda: application.status["requests"].update(total=101))
    result = run_module(drain, dict(components=[counter(application)], interval_s=1))
    assert result["waited_s"] == 4.0
    assert result["components"] == [{"name": "shop", "in_flight": 0, "requests": 101, "samples": 3}]
    assert "component shop: 1 requests still came" in result["warnings"][0] and "fall is declared too low" in result["warnings"][0]


def test_an_answer_that_is_counted_when_it_is_given_is_no_late_request(run_module, application, clock):
    application.status["requests"]["active"] = 1
    clock.at(2, lambda: application.status["requests"].update(active=0, total=101))
    assert "warnings" not in run_module(drain, dict(components=[counter(application)], interval_s=1))


def test_without_a_counter_of_requests(run_module, application, clock):
    clock.at(2, lambda: application.status["requests"].update(total=101))
    result = run_module(drain, dict(components=[counter(application, requests_key=None)], interval_s=1))
    assert result["waited_s"] == 2.0
    assert result["components"] == [{"name": "shop", "in_flight": 0, "requests": None, "samples": 3}]


def test_all_components_at_once(run_module, application, second_heartbeat_server, clock):
    second_heartbeat_server.status = {"busy": 1}
    clock.at(3, lambda: second_heartbeat_server.status.update(busy=0))
    # The one that was idle first is used again before the other is idle.
    clock.at(4, lambda: application.status["requests"].update(active=1, total=101))
    clock.at(6, lambda: application.status["requests"].update(active=0))
    other = dict(name="api", in_flight_url=second_heartbeat_server.url, in_flight_key="busy")
    result = run_module(drain, dict(components=[counter(application), other], interval_s=1))
    assert result["waited_s"] == 8.0
    assert result["components"] == [
        {"name": "shop", "in_flight": 0, "requests": 101, "samples": 3},
        {"name": "api", "in_flight": 0, "requests": None, "samples": 6},
    ]


def test_says_at_the_deadline_what_is_in_flight(run_module, application, second_heartbeat_server, clock):
    second_heartbeat_server.status = {"in_flight": 0}
    application.status["requests"]["active"] = 2
    other = dict(name="api", in_flight_url=second_heartbeat_server.url)
    result = run_module(drain, dict(components=[counter(application), other], interval_s=2, timeout_s=3))
    assert result == {
        "failed": True,
        "msg": "Not drained after 3.0 s: shop: 2 in flight. Open: not known without ports. Nothing was stopped. Where requests may take that "
        "long, raise timeout_s; otherwise find out what holds them.",
        "changed": False,
        "drained": False,
        "proceeded": False,
        "open": [],
        "method": "counter",
        "guess": False,
        "waited_s": 3.0,
        "components": [
            {"name": "shop", "in_flight": 2, "requests": 100, "samples": 0},
            {"name": "api", "in_flight": 0, "requests": None, "samples": 3},
        ],
    }
    assert clock.sleeps == [2, 1]


def test_requests_that_keep_arriving(run_module, application, clock):
    def one_more(server):
        server.status["requests"]["total"] += 1

    application.after_each = one_more
    result = run_module(drain, dict(components=[counter(application)], timeout_s=1))
    assert result.failed
    assert "shop: none in flight, but requests keep arriving (1" in result["msg"]


def test_a_counter_that_does_not_answer_for_a_while(run_module, application, clock):
    application.next_answers = [(200, '{"requests": {"active": 0, "total": 100}}'), (500, "")]
    result = run_module(drain, dict(components=[counter(application)], interval_s=1))
    assert result["waited_s"] == 4.0


def test_a_counter_that_never_answers(run_module, clock):
    component = dict(name="shop", in_flight_url="http://127.0.0.1:1/status")
    result = run_module(drain, dict(components=[component], timeout_s=2))
    assert result.failed
    assert "Not drained after 2.0 s: shop: http://127.0.0.1:1/status does not answer (" in result["msg"]
    assert result["components"] == [{"name": "shop", "in_flight": None, "requests": None, "samples": 0}]


@pytest.mark.parametrize(
    "answer, changes, message",
    [
        ("hello", {}, "does not answer with JSON: is in_flight_url right?"),
        ('{"requests": {}}', {}, "no active at key requests.active (there: nothing): is in_flight_key right?"),
        ('{"requests": {"active": 0}}', {}, "no total at key requests.total (there: active): is requests_key right?"),
        ('{"requests": {"active": "many"}}', {}, 'at key requests.active "many", and a whole number from 0 on belongs there: is in_flight_key right?'),
        ('{"requests": {"active": null}}', {}, "at key requests.active null, and a whole number from 0 on"),
        # Less than one request is none to whoever cuts it off.
        ('{"requests": {"active": 0.5}}', {}, "at key requests.active 0.5, and a whole number from 0 on"),
        ('{"requests": {"active": false}}', {}, "at key requests.active false, and a whole number from 0 on"),
        ('{"requests": {"active": 0, "total": -1}}', {}, "at key requests.total -1, and a whole number from 0 on"),
        ('{"requests": {"active": 0}, "requests.active": 1}', {}, "several values at key requests.active"),
    ],
)
def test_a_question_that_cannot_be_answered_fails_at_once(run_module, application, clock, answer, changes, message):
    application.next_answers = [(200, answer)]
    result = run_module(drain, dict(components=[counter(application, **changes)]))
    assert result.failed
    assert result["msg"].startswith("Not drained, and nothing was stopped: component shop: ")
    assert message in result["msg"]
    assert clock.elapsed == 0


@pytest.mark.parametrize(
    "args, message",
    [
        (dict(components=[]), "components is empty: name every component that is about to be stopped."),
        (dict(components=[dict(name="shop")]), "component shop has no in_flight_url, which method counter needs."),
        (dict(components=[dict(name="shop")], method="connections"), "component shop has no ports, which method connections needs."),
        (dict(components=[dict(name="shop")], samples=0), "samples must be at least 1, and interval_s at least 0."),
        (dict(components=[dict(name="shop")], method="seconds", seconds=-1), "seconds must be at least 0."),
    ],
)
def test_refuses_what_proves_nothing(run_module, args, message):
    result = run_module(drain, args)
    assert result.failed
    assert result["msg"] == "Not drained, and nothing was stopped: " + message


def test_seconds_are_a_guess(run_module, clock):
    result = run_module(drain, dict(components=[dict(name="shop")], method="seconds", seconds=20))
    assert clock.sleeps == [20]
    assert result.pop("warnings") == [
        "Drained by waiting 20 s: a guess, which loses every request that takes longer. Method counter, kernel or connections would look."
    ]
    assert result == {
        "changed": False,
        "drained": True,
        "proceeded": False,
        "open": [],
        "method": "seconds",
        "guess": True,
        "waited_s": 20.0,
        "components": [{"name": "shop", "in_flight": None, "requests": None, "samples": 0}],
    }
    assert run_module(drain, dict(components=[dict(name="shop")], method="seconds")).failed


def test_real_connections(run_module, clock):
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(1)
    port = listening.getsockname()[1]
    client = socket.create_connection(("127.0.0.1", port))
    accepted, _address = listening.accept()

    def leave():
        client.close()
        accepted.close()

    args = dict(components=[dict(name="shop", ports=[port])], method="connections", interval_s=1)
    try:
        clock.at(2, leave)
        result = run_module(drain, args)
        assert result["waited_s"] == 4.0
        assert result["components"] == [{"name": "shop", "in_flight": 0, "requests": None, "samples": 3}]
    finally:
        listening.close()
    result = run_module(drain, args)
    assert result["msg"].startswith("Not drained, and nothing was stopped: component shop: nothing listens on port %d" % port)


def test_check_mode_reads_once(run_module, application, clock):
    application.status["requests"]["active"] = 1
    args = dict(components=[counter(application)])
    result = run_module(drain, args, check_mode=True)
    assert (result.failed, result["drained"], result["components"][0]["in_flight"]) == (False, False, 1)
    application.status["requests"]["active"] = 0
    assert run_module(drain, args, check_mode=True)["drained"]
    assert not run_module(drain, dict(components=[dict(name="shop")], method="seconds", seconds=20), check_mode=True).failed
    assert clock.elapsed == 0
    assert len(application.asked) == 2


def test_kernel_waits_for_the_answer_and_not_for_idle_connections(run_module, kernel, clock):
    kernel.open("192.0.2.5:1", received=500, sent=900, received_ago_s=8.004, sent_ago_s=8)
    kernel.open("[2001:db8::5]:2", received=300, sent=0, received_ago_s=2, sent_ago_s=2)
    clock.at(18, lambda: kernel.send("[2001:db8::5]:2"))
    result = run_module(drain, by_kernel())
    # Quiet for a second, and that three times.
    assert result == {
        "changed": False,
        "drained": True,
        "proceeded": False,
        "method": "kernel",
        "guess": False,
        "waited_s": 21.0,
        "components": [{"name": "shop", "in_flight": 0, "requests": None, "samples": 3}],
        "open": [],
    }


def test_kernel_counts_what_is_ambiguous_until_the_longest_request_is_over(run_module, kernel, clock):
    kernel.open("192.0.2.5:1", received=500, sent=900, received_ago_s=2, sent_ago_s=2)
    assert run_module(drain, by_kernel())["waited_s"] == 30.0
    kernel.open("192.0.2.5:1", received=500, sent=900, received_ago_s=2, sent_ago_s=2)
    assert run_module(drain, by_kernel(longest_request_s=10))["waited_s"] == 10.0


def test_kernel_waits_as_long_as_an_answer_may_pause(run_module, kernel, clock):
    def stream(seconds):
        kernel.open("192.0.2.5:1", received=500, sent=900, received_ago_s=2, sent_ago_s=0)
        for second in range(int(clock.elapsed), int(clock.elapsed) + 24, 4):
            clock.at(second, lambda: kernel.send("192.0.2.5:1"))
        return run_module(drain, by_kernel(quiet_s=seconds))["waited_s"]

    # It is seen as idle in a pause: the blind spot.
    assert stream(1) == 3.0
    clock.advance(100)
    assert stream(5) == 27.0


def test_kernel_says_what_is_open_when_the_time_is_up(run_module, kernel, clock):
    kernel.open("192.0.2.5:1", received=500, sent=900, received_ago_s=8.004, sent_ago_s=8)
    kernel.open("192.0.2.5:2", received=300, received_ago_s=20, sent_ago_s=20)
    clock.at(55, lambda: kernel.open("192.0.2.6:3", received=17, sent=4))
    clock.at(55, lambda: kernel.receive("192.0.2.6:3", 1))
    result = run_module(drain, by_kernel())
    assert result.pop("failed")
    assert result == {
        "msg": "Not drained after 60.0 s: shop: 2 in flight. Open: 192.0.2.5:2 -> port 8080, open for at least 80.0 s, idle for 80.0 s, "
        "300 bytes received, 0 sent (a request without an answer); 192.0.2.6:3 -> port 8080, open for at least 5.0 s, idle for 5.0 s, "
        "18 bytes received, 4 sent (data came in and went out at the same moment). Nothing was stopped. Where requests may take that long, "
        "raise timeout_s; otherwise find out what holds them.",
        "changed": False,
        "drained": False,
        "proceeded": False,
        "method": "kernel",
        "guess": False,
        "waited_s": 60.0,
        "components": [{"name": "shop", "in_flight": 2, "requests": None, "samples": 0}],
        "open": [
            {
                "component": "shop",
                "peer": "192.0.2.5:2",
                "port": 8080,
                "open_s": 80.0,
                "idle_s": 80.0,
                "received_bytes": 300,
                "sent_bytes": 0,
                "in_use": True,
                "why": "a request without an answer",
            },
            {
                "component": "shop",
                "peer": "192.0.2.6:3",
                "port": 8080,
                "open_s": 5.0,
                "idle_s": 5.0,
                "received_bytes": 18,
                "sent_bytes": 4,
                "in_use": True,
                "why": "data came in and went out at the same moment",
            },
        ],
    }


def test_a_long_list_is_cut(run_module, kernel, clock):
    for number in range(120):
        kernel.open("192.0.2.5:%d" % number, received=1)
    result = run_module(drain, by_kernel())
    assert "shop: 120 in flight" in result["msg"]
    assert result["msg"].count(" -> port 8080") == 10
    assert "; and 110 more. Nothing" in result["msg"]
    assert len(result["open"]) == 100


def test_kernel_looks_at_all_ports(run_module, kernel, clock):
    kernel.listen(8081)
    kernel.open("192.0.2.5:1", port=8081, received=300)
    clock.at(5, lambda: kernel.close("192.0.2.5:1"))
    result = run_module(drain, by_kernel(components=[dict(name="shop", ports=[8080, 8081])]))
    assert result["waited_s"] == 7.0


def test_kernel_reads_once_in_check_mode(run_module, kernel, clock):
    kernel.open("192.0.2.5:1", received=300)
    result = run_module(drain, by_kernel(on_timeout="wait", max_wait_s=100), check_mode=True)
    assert (result.failed, result["drained"], result["components"][0]["in_flight"], len(result["open"])) == (False, False, 1, 1)
    assert clock.elapsed == 0
    assert kernel.looks == 2


@pytest.mark.parametrize(
    "failure, message",
    [
        ((1, "", "Cannot open netlink socket\n"), "ss failed with status 1 on this node: Cannot open netlink socket"),
        ((0, "LISTEN 0 50 0.0.0.0:8080 0.0.0.0:*\nESTAB what\n", ""), "ss printed a line that is not understood: ESTAB what. Use method"),
        ((0, "", ""), "component shop: nothing listens on port 8080 on this node"),
    ],
)
def test_an_ss_that_cannot_answer_fails_at_once(run_module, kernel, clock, failure, message):
    kernel.failure = failure
    result = run_module(drain, by_kernel())
    assert result.failed
    assert message in result["msg"]
    assert clock.elapsed == 0


def test_a_node_without_ss(run_module, kernel, clock, monkeypatch):
    monkeypatch.setattr(AnsibleModule, "get_bin_path", lambda self, name, **kwargs: None)
    kernel.open("192.0.2.5:1")
    missing = "this node has no ss, which shows the connections: install the package iproute (iproute2 on Debian)"
    result = run_module(drain, by_kernel())
    assert result["msg"] == "Not drained, and nothing was stopped: " + missing
    # The other methods need it for the list only.
    result = run_module(drain, by_kernel(method="connections", timeout_s=3))
    assert result["msg"].startswith("Not drained after 3.0 s: shop: 1 in flight. Open: not known, %s. Nothing was stopped." % missing)
    assert result["open"] == []


def test_other_methods_list_all_that_is_open_and_since_when_at_least(run_module, kernel, application, clock):
    kernel.open("192.0.2.5:1", received=500, sent=900, received_ago_s=100.004, sent_ago_s=100)
    kernel.open("192.0.2.5:2", received=300)
    clock.at(1, lambda: kernel.open("192.0.2.5:3", received=500, sent=900, received_ago_s=0.004))
    result = run_module(drain, by_kernel(method="connections", timeout_s=10))
    assert "shop: 3 in flight" in result["msg"]
    assert [(each["peer"], each["open_s"], each["in_use"]) for each in result["open"]] == [
        ("192.0.2.5:2", 10.0, True),
        ("192.0.2.5:1", 110.0, False),
        ("192.0.2.5:3", 9.0, False),
    ]
    application.status["requests"]["active"] = 1
    result = run_module(drain, dict(components=[counter(application, ports=[8080])], timeout_s=10, interval_s=5))
    assert [each["peer"] for each in result["open"]] == ["192.0.2.5:2", "192.0.2.5:1", "192.0.2.5:3"]


@pytest.fixture
def locked(clock):
    """A run that holds the lock of the node."""
    _lock.acquire("r1", "ops", "laptop", "release 2.0.0", 600.0)
    return lambda: [(line["at"], line["by"], line["what"], line["result"]) for line in _records.journal(100) if line["what"] != "lock acquired"]


def test_waits_on_past_the_time(run_module, kernel, clock, locked):
    kernel.open("192.0.2.5:1", received=300, received_ago_s=20, sent_ago_s=20)
    clock.at(130, lambda: kernel.close("192.0.2.5:1"))
    result = run_module(drain, by_kernel(on_timeout="wait", max_wait_s=200, run_id="r1"))
    assert result["drained"]
    assert not result["proceeded"]
    assert result["waited_s"] == 132.0
    said = ("ops@laptop", "drain goes on", "shop: 1 in flight")
    assert locked() == [("1970-01-01T00:17:40Z",) + said, ("1970-01-01T00:18:40Z",) + said]
    # Renewed twice a minute.
    assert _lock.holder()["expires_at"] == 1000 + 120 + 600


def test_does_not_wait_for_ever(run_module, kernel, clock, locked):
    kernel.open("192.0.2.5:1", received=300)
    result = run_module(drain, by_kernel(on_timeout="wait", max_wait_s=100))
    assert result.failed
    assert clock.elapsed == 100
    assert result["msg"].startswith("Not drained after 100.0 s: shop: 1 in flight. Open: 192.0.2.5:1 -> port 8080, open for at least 100.0 s")
    assert "raise max_wait_s" in result["msg"]
    # Nobody knows which run it is.
    assert locked() == []


def test_ends_when_another_run_takes_over(run_module, kernel, clock, locked):
    kernel.open("192.0.2.5:1", received=300)
    clock.at(40, lambda: _lock.acquire("r2", "ops", "laptop", "", 600.0, take_over="r1"))
    result = run_module(drain, by_kernel(on_timeout="wait", run_id="r1"))
    assert result["msg"].startswith("Not drained, and nothing was stopped: the lock is held by ops@laptop (run r2)")
    assert clock.elapsed == 60


def test_proceeds_where_the_operator_says_so_and_tells(run_module, kernel, clock, locked):
    kernel.open("192.0.2.5:1", received=300, received_ago_s=20, sent_ago_s=20)
    result = run_module(drain, by_kernel(on_timeout="proceed", run_id="r1"))
    assert (result.failed, result["drained"], result["proceeded"], result["waited_s"]) == (False, False, True, 60.0)
    said = "Not drained after 60.0 s: shop: 1 in flight. This is going to be cut, as on_timeout is proceed."
    assert result["warnings"] == [
        said + " Open: 192.0.2.5:1 -> port 8080, open for at least 80.0 s, idle for 80.0 s, 300 bytes received, 0 sent (a request without an answer)."
    ]
    assert [line[2:] for line in locked()] == [("goes on without a whole drain", said)]
    assert [each["peer"] for each in result["open"]] == ["192.0.2.5:1"]


SOCKETS = dict(name="shop", ports=[8080], long_lived_ports=[8090])


def test_declared_long_lived_connections_count_whatever_they_do(run_module, kernel, application, clock):
    kernel.listen(8090)
    kernel.open("192.0.2.5:1", port=8090, received=500, sent=900, received_ago_s=100.004, sent_ago_s=100)
    for component, method in ((SOCKETS, "kernel"), (SOCKETS, "connections"), (counter(application, ports=[8080], long_lived_ports=[8090]), "counter")):
        result = run_module(drain, by_kernel(components=[component], method=method, interval_s=20))
        assert result["msg"].startswith("Not drained after 60.0 s: shop: 1 in flight. Open: 192.0.2.5:1 -> port 8090, ")


@pytest.mark.parametrize("wait_s, waited_s", [(0, 12.0), (20, 22.0)])
def test_declared_long_lived_connections_are_waited_for_as_long_as_is_said(run_module, kernel, clock, wait_s, waited_s):
    kernel.listen(8090)
    kernel.open("192.0.2.5:1", port=8090, received=500, sent=900, received_ago_s=100.004, sent_ago_s=100)
    kernel.open("192.0.2.5:2", received=300)
    clock.at(10, lambda: kernel.close("192.0.2.5:2"))
    result = run_module(drain, by_kernel(components=[SOCKETS], long_lived_wait_s=wait_s))
    assert (result.failed, result["drained"], result["proceeded"], result["waited_s"]) == (False, False, True, waited_s)
    assert result["warnings"] == [
        "Nothing else is in flight, but long-lived connections (1) are going to be cut, as long_lived_wait_s is %g. Open: 192.0.2.5:1 -> port 8090, "
        "open for at least %.1f s, idle for %.1f s, 500 bytes received, 900 sent." % (wait_s, 100 + waited_s, 100 + waited_s)
    ]
    assert [(each["peer"], each["in_use"]) for each in result["open"]] == [("192.0.2.5:1", False)]


def test_long_lived_connections_that_close_in_time(run_module, kernel, clock):
    kernel.listen(8090)
    kernel.open("192.0.2.5:1", port=8090)
    clock.at(10, lambda: kernel.close("192.0.2.5:1"))
    result = run_module(drain, by_kernel(components=[SOCKETS], long_lived_wait_s=20))
    assert (result["drained"], result["proceeded"], result["waited_s"]) == (True, False, 12.0)


def test_kernel_knows_long_lived_ones_by_their_use(run_module, kernel, clock):
    kernel.open("192.0.2.5:1", received=500, sent=900, received_ago_s=2)
    kernel.open("192.0.2.5:2", received=300)
    for second in range(60):
        clock.at(second, lambda: kernel.send("192.0.2.5:1"))
    clock.at(10, lambda: kernel.send("192.0.2.5:2"))
    result = run_module(drain, by_kernel(long_lived_wait_s=0))
    # It looks like a stream until it has taken longer than any request.
    assert (result["drained"], result["proceeded"], result["waited_s"]) == (False, True, 33.0)
    assert [each["peer"] for each in result["open"]] == ["192.0.2.5:1"]
    assert "192.0.2.5:1 -> port 8080, open for at least 33.0 s" in result["warnings"][0]


def test_a_request_takes_longer_than_expected(run_module, kernel, clock):
    kernel.open("192.0.2.5:1", received=300, received_ago_s=20, sent_ago_s=20)
    clock.at(40, lambda: kernel.send("192.0.2.5:1"))
    # Nobody said that long-lived connections may be cut.
    assert run_module(drain, by_kernel())["waited_s"] == 43.0


@pytest.mark.parametrize(
    "args, message",
    [
        (by_kernel(components=[dict(name="shop")]), "component shop has no ports, which method kernel needs."),
        (
            by_kernel(longest_request_s=60),
            "longest_request_s (60) must be at least 0 and below timeout_s (60).",
        ),
        (
            by_kernel(quiet_s=60),
            "quiet_s (60) must be at least 0 and below timeout_s (60).",
        ),
        (
            by_kernel(quiet_s=-1),
            "quiet_s (-1) must be at least 0 and below timeout_s (60).",
        ),
        (by_kernel(on_timeout="wait", max_wait_s=60), "max_wait_s (60) must be above timeout_s (60), as on_timeout is wait."),
        (by_kernel(long_lived_wait_s=60), "long_lived_wait_s (60) must be at least 0 and below timeout_s (60)."),
        (by_kernel(long_lived_wait_s=-1), "long_lived_wait_s (-1) must be at least 0 and below timeout_s (60)."),
        (
            by_kernel(method="connections", long_lived_wait_s=0),
            "long_lived_wait_s is given, but method connections does not know which connections are long-lived: give long_lived_ports of a "
            "component, or use method kernel.",
        ),
    ],
)
def test_refuses_options_that_do_not_go_together(run_module, kernel, clock, args, message):
    result = run_module(drain, args)
    assert result["msg"] == "Not drained, and nothing was stopped: " + message
    assert clock.elapsed == 0
    assert kernel.looks == 0
