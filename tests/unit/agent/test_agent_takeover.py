# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A successor takes over from a running agent, with real processes, while probers ask and writers write."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json
import os
import signal
import socket
import threading
import time

import heartbeat
import pytest
from running_agent import AGENT, PATIENCE_S, Process, ask, connect, exchange, free_port, put_request, receive, wanted

# What the issue allows above what it was before.
SLOWER_S = 0.2


class Probers:
    """A hundred questions a second, from four threads. Whatever goes wrong is kept."""

    THREADS, PAUSE_S = 4, 0.04

    def __init__(self, address):
        self._address = address
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=("127.0.0.%d" % number,)) for number in range(1, self.THREADS + 1)]
        self.took_s, self.failed, self.words = [], [], []

    def _ask(self, source):
        while not self._over.is_set():
            began = time.time()
            try:
                self.words.append(ask(self._address, "/heartbeat/live", source=source).text)
            except Exception as error:  # refused, reset, cut off, silent
                self.failed.append(repr(error))
            self.took_s.append(time.time() - began)
            time.sleep(self.PAUSE_S)

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def wait(self, asked, meanwhile=lambda: None):
        """The slowest answer so far, once so many more were asked for."""
        until = len(self.took_s) + asked
        meanwhile()
        while len(self.took_s) < until and not self.failed:
            time.sleep(0.01)
        return max(self.took_s)

    def __exit__(self, *_exception):
        self._over.set()
        for thread in self._threads:
            thread.join(PATIENCE_S)


@pytest.fixture
def code(tmp_path):
    """The agent's file, a copy that a test may change, as an upgrade of the package does."""
    copy = tmp_path / "heartbeat.py"
    with open(AGENT, "rb") as source:
        copy.write_bytes(source.read())
    return copy


def change(code, old, new):
    content = code.read_bytes()
    assert content.count(old) == 1
    code.write_bytes(content.replace(old, new))


@pytest.fixture
def process(tmp_path, config_values, code):
    config_values["probers"] = ["127.0.0.1", "127.0.0.2"]
    agent = Process(tmp_path / "shop.config", config_values, code)
    agent.start()
    agent.status(fresh=True)
    yield agent
    agent.kill_all()


def probers(status):
    return {prober["address"]: prober for prober in status["probers"]}


def test_an_upgrade_leaves_no_probe_unanswered(process, code):
    process.put(wanted("live"))
    with Probers(process.probe) as asking:
        slowest_before = asking.wait(100, process.check)
        change(code, b'VERSION = "0.1.0"', b'VERSION = "0.1.1"')
        before = process.status()
        told, status = process.reload()
        assert (told["ok"], status) == (True, 0), told
        asking.wait(100)
        after = process.status()
    assert asking.failed == []
    assert set(asking.words) == {"live"}
    assert max(asking.took_s) < slowest_before + SLOWER_S
    assert (before["agent"]["version"], after["agent"]["version"]) == ("0.1.0", "0.1.1")
    assert after["agent"]["code"] == heartbeat.digest_of(str(code)) != before["agent"]["code"]
    assert 0 <= after["agent"]["takeover_ms"] < SLOWER_S * 1000
    # Every answer that anybody got is in the books, whoever gave it.
    final = process.status()
    assert sum(prober["seen"] for prober in final["probers"]) == len(asking.words)
    assert probers(final)["127.0.0.1"]["consecutive"]["live"] == probers(final)["127.0.0.1"]["seen"]


def test_all_that_is_known_is_handed_over(process, component):
    component.status = {"release": "1.0.0", "requests": 10}
    process.status(fresh=True)
    process.put(wanted("live", phase="INITIALISING"))
    component.status = {"release": "1.0.0", "requests": 17}
    ask(process.probe, "/heartbeat/live")
    ask(process.probe, "/heartbeat/live?a=b", source="127.0.0.2")
    ask(process.probe, "/heartbeat/live", source="127.0.0.3")
    ask(process.probe, "/heartbeat", method="POST")
    before = process.status(fresh=True)
    assert before["requests"]["since_flip"] == 7
    assert process.reload()[0]["ok"]
    after = process.status()
    for key in ("state", "revision", "since", "by", "reason", "run_id", "phase", "state_error", "healthy", "release", "status_error"):
        assert after[key] == before[key]
    assert (after["requests"]["total"], after["requests"]["since_flip"]) == (17, 7)
    for one, other in list(zip(before["probers"], after["probers"])) + list(zip(before["refused"], after["refused"])):
        for key in ("first_seen_s", "last_seen_s"):
            assert 0 <= other.pop(key, 0) - one.pop(key, 0) < PATIENCE_S
        assert one == other
    assert len(after["probers"]) == 3 and len(after["refused"]) == 1
    assert before["since_s"] < after["since_s"] < before["since_s"] + PATIENCE_S
    assert before["agent"]["started_s"] < after["agent"]["started_s"] < before["agent"]["started_s"] + PATIENCE_S


def test_a_match_test_goes_on(process):
    exchange(process.control, put_request({"words": {"/heartbeat/live": "live"}, "seconds": 60, "reason": "r", "run_id": "t"}, path="/heartbeat/test"))
    assert process.reload()[0]["ok"]
    assert 40 < process.status()["test"]["left_s"] <= 60
    assert ask(process.probe, "/heartbeat/live").text.startswith("live? No")


def test_one_take_over_after_the_other(process):
    for count in range(1, 4):
        assert process.reload()[0]["ok"]
        ask(process.probe, "/heartbeat")
        assert probers(process.status())["127.0.0.1"]["seen"] == count
    assert len(set(process.successors)) == 3


def test_the_old_one_ends_and_systemd_is_told_first(process):
    told, _status = process.reload()
    assert process.notifications.recv(100) == ("MAINPID=%d" % told["pid"]).encode("ascii")
    assert process.process.wait() == 0
    assert ask(process.probe, "/heartbeat").text == "standby"


def test_the_state_on_disk_is_that_of_the_successor(process):
    process.reload()
    answer = process.put(wanted("live")).json
    assert answer["changed"]
    process.kill_all()
    process.start()
    assert (process.status()["state"], process.status()["revision"]) == ("live", answer["revision"])


def test_writes_during_take_overs_are_neither_lost_nor_done_twice(process):
    """Each write is answered once; the revision grows by one with each, whichever agent did it."""
    revisions, failed, over = [], [], threading.Event()

    def write():
        while not over.is_set():
            for state in ("live", "standby"):
                try:
                    revisions.append(process.put(wanted(state)).json["revision"])
                except Exception as error:
                    failed.append(repr(error))

    first = process.status()["revision"]
    writer = threading.Thread(target=write)
    writer.start()
    for _time in range(3):
        assert process.reload()[0]["ok"]
    over.set()
    writer.join()
    assert failed == []
    assert revisions == list(range(first + 1, first + 1 + len(revisions)))
    assert process.status()["revision"] == revisions[-1]
    with open(str(process.config_file.dirpath() if hasattr(process.config_file, "dirpath") else process.config_file.parent) + "/state.json") as saved:
        assert json.load(saved)["revision"] == revisions[-1]


def test_who_had_asked_in_part_is_answered_by_the_successor(process):
    """By whoever is the agent then: with its word, in its books, and a write in its state."""
    probe, write = connect(process.probe), connect(process.control)
    request = put_request(wanted("live"))
    probe.sendall(b"GET /heartbeat/live HT")
    write.sendall(request[:-5])
    silent = connect(process.probe, "127.0.0.2")
    assert process.reload()[0]["ok"]
    write.sendall(request[-5:])
    assert b'"changed": true' in receive(write)
    probe.sendall(b"TP/1.1\r\n\r\n")
    assert receive(probe).endswith(b"\r\n\r\nlive")
    silent.close()
    status = process.status()
    assert status["state"] == "live"
    assert probers(status)["127.0.0.1"]["answers"] == {"live": 1, "standby": 0, "down": 0}
    while not process.status()["refused"]:
        time.sleep(0.01)
    assert process.status()["refused"][0]["asked"] == "nothing"


def test_an_address_changes_and_the_other_one_stays(process, config_values):
    old = process.probe
    process.configure(dict(config_values, probe="127.0.0.1:%d" % free_port()))
    with Probers(old) as asking:
        asking.wait(20)
        assert process.reload()[0]["ok"]
    # Those who were here, or in the queue, got their answer; who came later is told plainly that nobody is there.
    assert all("refused" in failed or "reset" in failed for failed in asking.failed)
    assert ask(process.probe, "/heartbeat").text == "standby"
    with pytest.raises(EnvironmentError):
        connect(old)
    assert sum(prober["seen"] for prober in process.status()["probers"]) == len(asking.words) + 1


def test_both_addresses_may_change_places(process, config_values):
    process.configure(dict(config_values, probe=config_values["control"], control=config_values["probe"]))
    assert process.reload()[0]["ok"]
    assert process.put(wanted("live")).code == 200
    assert ask(process.probe, "/heartbeat").text == "live"


def test_declared_probers_that_change_keep_their_books(process, config_values):
    ask(process.probe, "/heartbeat/live")
    ask(process.probe, "/heartbeat/live", source="127.0.0.3")
    process.configure(dict(config_values, probers=["127.0.0.3"]))
    assert process.reload()[0]["ok"]
    assert {address: prober["declared"] for address, prober in probers(process.status()).items()} == {"127.0.0.1": False, "127.0.0.3": True}


def test_another_state_file(process, config_values, tmp_path):
    process.put(wanted("live"))
    revision = process.status()["revision"]
    process.configure(dict(config_values, state_file=str(tmp_path / "other.json")))
    # The command finds the running agent beside the state that the configuration names, and says so where there is none.
    told, status = process.reload()
    assert (told["ok"], told["reloads"], status) == (False, False, 1)
    assert "other.json.reload" in told["told"]
    assert (process.status()["state"], process.status()["revision"]) == ("live", revision)


BAD_CODE = {
    "that is no Python": (b"import argparse\n", b"import argparse (\n", "ended before it had said ready"),
    "of another protocol": (b"PROTOCOL = 1 ", b"PROTOCOL = 2 ", "does not speak the protocol"),
    "that crashes at once": (b"        offer = self._hear()\n", b"        os._exit(3)\n", "ended before it had said ready"),
    "that crashes once it is ready": (b"        books = self._hear()\n", b"        os._exit(3)\n", "ended before it had said taken"),
    "that raises with the books": (b"        agent.take_up(books)\n", b"        raise AssertionError\n", "ended before it had said taken"),
    "that crashes with the books": (
        b'        self._channel.send({"taken": True})\n',
        b"        os.kill(os.getpid(), 9)\n",
        "ended before it had said taken",
    ),
    "that cannot use the books": (b"        agent.take_up(books)\n", b'        agent.take_up({"record": ""})\n', "did not take over"),
    "that says something else": (b'{"ready": os.getpid(), ', b'{"set": os.getpid(), ', "ready"),
}


@pytest.mark.parametrize("bad", sorted(BAD_CODE))
def test_a_successor_that_fails_leaves_everything_as_it_was(process, code, bad):
    old, new, words = BAD_CODE[bad]
    process.put(wanted("live"))
    with Probers(process.probe) as asking:
        slowest_before = asking.wait(30, process.check)
        good = code.read_bytes()
        change(code, old, new)
        broken = Process.__new__(Process)
        broken.__dict__ = dict(process.__dict__, agent=AGENT)  # the command that asks is not what is broken
        told, status = broken.reload()
        asking.wait(30)
    assert (told["ok"], status) == (False, 1)
    assert "the running agent goes on" in told["told"] and words in told["told"]
    assert asking.failed == []
    assert max(asking.took_s) < slowest_before + SLOWER_S
    assert process.process.poll() is None
    assert sum(prober["seen"] for prober in process.status()["probers"]) == len(asking.words)
    answer = process.put(wanted("standby"))
    assert (answer.code, answer.json["changed"]) == (200, True)
    # And the next one may do better.
    code.write_bytes(good)
    assert process.reload()[0]["ok"]
    assert process.status()["state"] == "standby"


def bad_config(values, name, component):
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    taken.listen(1)
    changes = {
        "key": {"tokn": "x"},
        "port": {"probe": "127.0.0.1:%d" % taken.getsockname()[1]},
        "token": {"token_file": values["token_file"] + ".away"},
        "health": {"health": {"url": component.url + "/nothing", "interval_s": 0.05}},
    }
    return taken, dict(values, **changes[name])


@pytest.mark.parametrize(
    "name, words",
    [
        ("key", "key tokn is not known"),
        ("port", "cannot listen on 127.0.0.1:"),
        ("token", "token.away: No such file"),
        ("health", "it would say down (http://"),
    ],
)
def test_a_configuration_that_does_not_do_leaves_everything_as_it_was(process, config_values, component, name, words):
    component.status = None  # so that everything but the health check answers 500
    component.health = 200
    taken, values = bad_config(config_values, name, component)
    probe, control = process.probe, process.control
    with Probers(probe) as asking:
        asking.wait(20)
        process.configure(values)
        process.probe, process.control = probe, control
        # The command itself refuses a configuration that no agent could read.
        if name == "key":
            with pytest.raises(ValueError):
                process.reload()
        else:
            told, status = process.reload()
            assert (told["ok"], status) == (False, 1)
            assert words in told["told"]
        asking.wait(20)
    assert asking.failed == []
    assert process.process.poll() is None
    assert process.put(wanted("live")).code == 200
    taken.close()


def test_a_component_that_is_down_already_keeps_nobody_from_a_reload(process, component):
    component.health = 500
    while process.status()["healthy"]:
        time.sleep(0.01)
    assert process.reload()[0]["ok"]
    assert ask(process.probe, "/heartbeat").code == 503


def test_a_stop_during_a_take_over(process, code):
    """The agent is stopped while it waits for its successor: it ends at once, and well."""
    change(code, b"        offer = self._hear()\n", b"        time.sleep(30)\n")
    broken = Process.__new__(Process)
    broken.__dict__ = dict(process.__dict__, agent=AGENT)
    asking = threading.Thread(target=broken.reload)
    asking.start()
    time.sleep(0.5)
    began = time.time()
    process.process.send_signal(signal.SIGTERM)
    assert process.process.wait() == 0
    assert time.time() - began < 10
    asking.join()


def test_where_there_can_be_no_reload_there_is_an_agent(tmp_path, config_values):
    """A directory whose path is longer than that of a socket can be."""
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    agent = Process(tmp_path / "shop.config", dict(config_values, state_file=str(deep / "state.json")))
    agent.start()
    try:
        assert ask(agent.probe, "/heartbeat").code in (200, 503)
        assert agent.reload()[0] == dict(agent.reload()[0], ok=False, reloads=False)
    finally:
        assert "cannot be reloaded, only restarted" in agent.kill_all()


def test_no_client_of_the_old_one_is_kept_open_by_the_successor(process):
    """Its end is seen at once by who waits for it, although the successor has been forked meanwhile."""
    assert process.reload()[0]["ok"]
    links = [os.readlink("/proc/%d/fd/%s" % (process.successors[0], name)) for name in os.listdir("/proc/%d/fd" % process.successors[0])]
    # Two listeners, the socket of reloads, and the channel to the predecessor as long as that is there.
    assert len([link for link in links if link.startswith("socket:")]) <= 4 + 2  # and one of a check of health or status each
