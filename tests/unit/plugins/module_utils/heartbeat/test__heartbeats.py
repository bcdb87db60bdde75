# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json
import os
import stat

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils._http import Answer, NotReached
from ansible_collections.halfswap.bluegreen.plugins.module_utils.heartbeat import _heartbeats
from ansible_collections.halfswap.bluegreen.plugins.module_utils.heartbeat._heartbeat_api import Conflict, Heartbeat, HeartbeatError
from ansible_collections.halfswap.bluegreen.plugins.module_utils.heartbeat._heartbeats import FlagFile, Untold, described, heartbeat_of, seen_of
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node import _records


class Application(object):
    """An application with an actuator, as a way to send requests to it."""

    def __init__(self):
        self.up = True
        self.ready = True
        self.healthy = True
        self.obeys = True
        self.requests = 100
        self.release = "1.0.0"
        self.asked = []

    def __call__(self, url, method="GET", headers=None, body=None, timeout_s=5.0, *_tls):
        self.asked.append((method, url.rsplit(":8080", 1)[-1], headers, body))
        if not self.up:
            raise NotReached("Connection refused")
        path = self.asked[-1][1]
        if path == "/health":
            return Answer(200 if self.healthy else 503, {}, "")
        if path == "/status":
            return Answer(200, {}, json.dumps({"build": {"release": self.release}, "requests": self.requests}))
        if method == "POST":
            if self.obeys:
                self.ready = json.loads(body.decode("utf-8"))["ready"]
            return Answer(204, {}, "")
        return Answer(200 if self.ready else 503, {}, json.dumps({"status": "UP" if self.ready else "OUT_OF_SERVICE"}))


@pytest.fixture
def application():
    return Application()


def shop(**changes):
    post = dict(url="http://127.0.0.1:8080/ready", method="post", headers={"X-Auth-Token": "hush"})
    heartbeat = dict(
        profile="http",
        read=dict(
            url="http://127.0.0.1:8080/ready",
            live=dict(status=[200], json={"status": "UP"}),
            standby=dict(status=[503], json={"status": "OUT_OF_SERVICE"}),
        ),
        live=dict(post, body={"ready": True}),
        standby=dict(post, body={"ready": False}),
        health=dict(url="http://127.0.0.1:8080/health"),
        status=dict(url="http://127.0.0.1:8080/status", release_key="build.release"),
    )
    heartbeat.update(changes)
    return dict(name="shop", heartbeat=heartbeat)


def write(heartbeat, state, run_id="r1", **more):
    return heartbeat.put(heartbeat.status()["revision"], state=state, reason="release", run_id=run_id, by="me@here", **more)


def test_the_heartbeat_api_needs_no_profile():
    found = heartbeat_of(dict(name="shop", url="http://127.0.0.1:9101/", heartbeat=dict(via="tunnel")))
    assert isinstance(found, Heartbeat) and found.url == "http://127.0.0.1:9101"
    with pytest.raises(HeartbeatError) as error:
        heartbeat_of(dict(name="shop", heartbeat=dict(via="tunnel")))
    assert "neither a url nor" in str(error.value)


def test_an_application_that_nobody_has_switched_yet(application, clock):
    status = heartbeat_of(shop(), send=application).status(fresh=True)
    assert status == dict(
        component="shop",
        profile="http",
        state="live",
        revision=1,
        since=None,
        since_s=None,
        by=None,
        reason=None,
        run_id=None,
        phase=None,
        healthy=True,
        why="http://127.0.0.1:8080/health: answered 200",
        release="1.0.0",
        status_error=None,
        requests=dict(total=100, since_flip=None, rate_per_s=None),
        probers=None,
    )
    assert not os.path.exists(_records.DIRECTORY)


def test_it_is_told_and_remembers(application, clock):
    heartbeat = heartbeat_of(shop(), send=application)
    answer = write(heartbeat, "standby")
    assert application.ready is False and answer["changed"] is True
    method, _path, headers, body = [asked for asked in application.asked if asked[0] == "POST"][0]
    assert headers == {"X-Auth-Token": "hush", "Content-Type": "application/json"} and json.loads(body.decode("utf-8")) == {"ready": False}
    clock.advance(12.5)
    application.requests = 103
    # Another process of the node.
    status = heartbeat_of(shop(), send=application).status()
    assert (status["state"], status["phase"], status["run_id"], status["by"], status["reason"]) == ("standby", "STANDING_BY", "r1", "me@here", "release")
    assert status["since_s"] == 12.5 and status["since"] == "1970-01-01T00:16:40Z"
    assert status["requests"] == dict(total=103, since_flip=3, rate_per_s=None)


def test_the_revision_grows_and_the_time_of_the_flip_stays(application, clock):
    heartbeat = heartbeat_of(shop(), send=application)
    first = write(heartbeat, "standby")["revision"]
    assert first >= 1000  # no earlier record, which may be lost, ever had it
    clock.advance(5)
    again = write(heartbeat, "standby")
    assert again["changed"] is False and again["revision"] == first
    other = write(heartbeat, "standby", run_id="r2", phase="CLEANING_UP")
    assert (other["revision"], other["phase"], other["run_id"], other["since_s"]) == (first + 1, "CLEANING_UP", "r2", 5.0)
    assert len([asked for asked in application.asked if asked[0] == "POST"]) == 1
    assert write(heartbeat, "live", run_id="r2")["since_s"] == 0.0


def test_compare_and_set(application, clock):
    heartbeat = heartbeat_of(shop(), send=application)
    revision = write(heartbeat, "standby")["revision"]
    with pytest.raises(Conflict) as error:
        heartbeat.put(revision - 1, state="live", run_id="r9")
    assert "is at revision %d, not %d" % (revision, revision - 1) in str(error.value)
    assert application.ready is False
    # Somebody who goes past the collection is noticed, too.
    application.ready = True
    with pytest.raises(Conflict):
        heartbeat.put(revision, state="standby", run_id="r1")
    status = heartbeat.status()
    assert (status["state"], status["revision"], status["by"], status["since_s"]) == ("live", revision + 1, None, None)
    taken_over = heartbeat.put(revision + 1, state="live", run_id="r1")
    assert (taken_over["changed"], taken_over["revision"], taken_over["run_id"], taken_over["since_s"]) == (True, revision + 2, "r1", 0.0)


def test_a_lost_record_is_no_licence(application, clock):
    heartbeat = heartbeat_of(shop(), send=application)
    revision = write(heartbeat, "standby")["revision"]
    _records.remove("heartbeat-shop.json")
    with pytest.raises(Conflict):
        heartbeat.put(revision, state="live", run_id="r1")


def test_what_is_found_is_dated_when_it_is_asked_for(application, clock):
    heartbeat = heartbeat_of(shop(), send=application)
    first = heartbeat.status(note=True)
    clock.advance(30)
    status = heartbeat.status(note=True)
    assert (status["since_s"], status["reason"], status["run_id"], status["revision"]) == (30.0, "found", None, first["revision"])
    application.ready = False
    assert heartbeat.status()["since_s"] is None
    assert heartbeat.status(note=True)["since_s"] == 0.0
    clock.advance(1)
    assert (heartbeat.status()["since_s"], heartbeat.status()["revision"]) == (1.0, first["revision"] + 1)


def test_a_clock_that_is_set_does_not_end_a_wait(application, clock, monkeypatch):
    heartbeat = heartbeat_of(shop(), send=application)
    write(heartbeat, "standby")
    monkeypatch.setattr(_heartbeats.time, "time", lambda: 90000.0)
    assert heartbeat.status()["since_s"] == 0.0
    # After a boot the clock is all there is.
    monkeypatch.setattr(_heartbeats, "boot_id", lambda: "another")
    assert heartbeat.status()["since_s"] == 89000.0


def test_an_application_that_is_down_is_what_it_was_told_last(application, clock):
    heartbeat = heartbeat_of(shop(), send=application)
    application.up = False
    with pytest.raises(Untold) as error:
        heartbeat.status()
    assert "nobody answers at http://127.0.0.1:8080/ready (Connection refused)" in str(error.value)
    application.up = True
    write(heartbeat, "standby")
    application.up = False
    status = heartbeat.status(note=True)
    assert (status["state"], status["healthy"], status["run_id"]) == ("standby", False, "r1")
    assert "nobody answers" in status["why"]
    with pytest.raises(HeartbeatError) as error:
        write(heartbeat, "live")
    assert "nobody answers" in str(error.value) and heartbeat.status()["state"] == "standby"


def test_an_answer_that_says_neither(application):
    neither = shop()
    neither["heartbeat"]["read"]["live"] = dict(regex="^yes$")
    neither["heartbeat"]["read"]["standby"] = dict(json={"status.word": "no"})
    with pytest.raises(Untold) as error:
        heartbeat_of(neither, send=application).status()
    assert "neither live nor standby: not live, as the answer does not match ^yes$; not standby, as the answer has no JSON key status.word" in str(error.value)
    neither["heartbeat"]["read"]["standby"] = dict(status=[200])
    neither["heartbeat"]["read"]["live"] = dict(status=[200, 204])
    with pytest.raises(Untold) as error:
        heartbeat_of(neither, send=application).status()
    assert "both tests are met" in str(error.value)


def test_an_application_that_does_not_obey(application, clock):
    application.obeys = False
    heartbeat = heartbeat_of(shop(), send=application)
    with pytest.raises(HeartbeatError) as error:
        write(heartbeat, "standby")
    assert "it was told standby, but 5.0 s later it says something else" in str(error.value)
    assert heartbeat.status()["run_id"] is None


def test_a_write_that_is_refused(application, clock):
    refused = shop()
    refused["heartbeat"]["standby"]["status"] = [200]
    with pytest.raises(HeartbeatError) as error:
        write(heartbeat_of(refused, send=application), "standby")
    assert "post http://127.0.0.1:8080/ready was to make it standby, but the answer has status 204" in str(error.value)


def test_health_and_release_are_looked_at_from_outside(application, clock):
    heartbeat = heartbeat_of(shop(), send=application)
    application.healthy = False
    status = heartbeat.status()
    assert (status["healthy"], status["why"]) == (False, "http://127.0.0.1:8080/health: answered 503")
    assert heartbeat_of(shop(health=None), send=application).status()["healthy"] is True
    status = heartbeat_of(shop(status=dict(url="http://127.0.0.1:8080/status")), send=application).status()
    assert status["release"] is None and "no release at key release" in status["status_error"]
    counted = dict(url="http://127.0.0.1:8080/status", release_key="build.version", requests_key="served")
    status = heartbeat_of(shop(status=counted), send=application).status()
    assert status["requests"]["total"] is None and "no served at key served" in status["status_error"]
    status = heartbeat_of(shop(status=None), send=application).status()
    assert (status["release"], status["status_error"], status["requests"]["total"]) == (None, None, None)


def test_a_count_that_began_anew_is_not_known(application, clock):
    heartbeat = heartbeat_of(shop(), send=application)
    write(heartbeat, "standby")
    application.requests = 4
    assert heartbeat.status()["requests"]["since_flip"] is None


@pytest.mark.parametrize(
    "heartbeat, text",
    [
        (dict(profile="smoke"), "heartbeat.profile is smoke; there are api, command, file, http"),
        (dict(profile="http"), "missing required arguments: live, read, standby"),
        (shop(colour="red")["heartbeat"], "unknown key colour"),
        (dict(shop()["heartbeat"], live=dict(url="http://x", status=["ok"])), "status"),
        (dict(shop()["heartbeat"], live=dict(url="http://x", regex="(")), "live.regex is not a regular expression"),
        (dict(shop()["heartbeat"], read=dict(url="http://x", live=dict(), standby=dict(status=[503]))), "read.live says nothing by which that state is known"),
        (dict(shop()["heartbeat"], read=dict(url="http://x", live=dict(status=[200]), standby=dict(status=[200]))), "are the same"),
        (dict(shop()["heartbeat"], live=dict(url="http://x", verb="PUT")), "unknown key live.verb"),
        (dict(profile="file", path="run/live"), "path must be absolute, but is run/live"),
        (dict(profile="file", path="/run/live", content=dict(live="yes")), "missing required arguments: standby"),
        (dict(profile="command", read=dict(argv=["a"], live=dict(rc=[0]), standby=dict(rc=[1]))), "missing required arguments: live, standby"),
    ],
)
def test_a_wrong_description_is_named(heartbeat, text):
    with pytest.raises(HeartbeatError) as error:
        described("shop", heartbeat)
    assert text in str(error.value) and "component shop" in str(error.value)


# ---- The flag file and the command take a module ------------------------------------------------------------------------------------


class Module(object):
    """What these take of an AnsibleModule."""

    def __init__(self):
        self.moved = []
        self.modes = []
        self.no_log_values = set()

    def atomic_move(self, source, target):
        self.moved.append(target)
        mode = stat.S_IMODE(os.stat(target).st_mode) if os.path.exists(target) else 0o600
        os.rename(source, target)
        os.chmod(target, mode)

    def set_owner_if_different(self, path, owner, changed):
        return changed

    def set_group_if_different(self, path, group, changed):
        return changed

    def set_mode_if_different(self, path, mode, changed):
        self.modes.append(mode)
        os.chmod(path, int(mode, 8))
        return True


@pytest.fixture
def module():
    return Module()


def flag(path, **keys):
    return dict(name="shop", heartbeat=dict(keys, profile="file", path=str(path)))


def test_a_file_that_is_there_means_live(module, tmp_path, clock):
    path = tmp_path / "live"
    heartbeat = heartbeat_of(flag(path), module=module)
    assert heartbeat.status()["state"] == "standby"
    write(heartbeat, "live")
    assert path.read_bytes() == b"live\n" and heartbeat.status()["state"] == "live"
    assert module.moved == [str(path)] and stat.S_IMODE(os.stat(str(path)).st_mode) == 0o644
    write(heartbeat, "standby")
    assert not path.exists() and heartbeat.status()["state"] == "standby"
    assert os.listdir(str(tmp_path / "records")) and [name for name in os.listdir(str(tmp_path)) if name.startswith(".halfswap")] == []


def test_a_file_whose_content_counts(module, tmp_path, clock):
    path = tmp_path / "heartbeat"
    path.write_bytes(b"standby")
    os.chmod(str(path), 0o640)
    heartbeat = heartbeat_of(flag(path, content=dict(live="live\n", standby="standby\n"), mode="0600"), module=module)
    assert heartbeat.status()["state"] == "standby"
    write(heartbeat, "live")
    # What was there keeps its mode.
    assert path.read_bytes() == b"live\n" and stat.S_IMODE(os.stat(str(path)).st_mode) == 0o640 and module.modes == []
    path.write_bytes(b"maintenance")
    assert "has neither the content for live nor that for standby, but maintenance" in heartbeat.status()["why"]


def test_a_directory_that_is_missing_is_no_standby(module, tmp_path):
    with pytest.raises(Untold) as error:
        heartbeat_of(flag(tmp_path / "nowhere" / "live"), module=module).status()
    assert "cannot be read: No such file or directory" in str(error.value)
    with pytest.raises(HeartbeatError):
        FlagFile("shop", dict(path=str(tmp_path / "nowhere" / "live"), content=None), module).write("live")


@pytest.fixture
def tool(tmp_path):
    """An appliance with a command line, and what it was told."""
    state, shopctl = tmp_path / "state", tmp_path / "shopctl"
    state.write_bytes(b"up")
    script = """#!/bin/sh
case $1 in
state) if grep -q up %(state)s; then echo in service; else echo out of service >&2; exit 3; fi ;;
*) echo $1 >> %(state)s.told; [ -e %(state)s.broken ] && { echo no licence >&2; exit 1; }; echo $1 > %(state)s ;;
esac
"""
    shopctl.write_bytes((script % dict(state=state)).encode("ascii"))
    shopctl.chmod(0o755)
    run = str(shopctl)
    return dict(
        name="shop",
        heartbeat=dict(
            profile="command",
            read=dict(argv=[run, "state"], live=dict(regex="^in service"), standby=dict(rc=[3])),
            live=dict(argv=[run, "up"]),
            standby=dict(argv=[run, "down"], rc=[0, 3], timeout_s=2),
        ),
    )


def test_commands_set_and_tell_the_state(tool, module, tmp_path):
    heartbeat = heartbeat_of(tool, module=module)
    assert heartbeat.status()["state"] == "live"
    write(heartbeat, "standby")
    assert heartbeat.status()["state"] == "standby"
    assert (tmp_path / "state.told").read_text() == "down\n"


def test_a_command_that_fails_or_hangs(tool, module, tmp_path):
    (tmp_path / "state.broken").write_bytes(b"")
    with pytest.raises(HeartbeatError) as error:
        write(heartbeat_of(tool, module=module), "standby")
    assert "shopctl down was to make it standby, but its end has exit status 1: no licence" in str(error.value)
    for argv, text in ((["sleep", "30"], "sleep 30 did not end within 0.3 s."), (["yes"], "yes writes more than 1 MB."), (["/no"], "/no cannot be run: No")):
        tool["heartbeat"]["read"].update(argv=argv, timeout_s=0.3 if argv[0] == "sleep" else 10)
        with pytest.raises(Untold) as error:
            heartbeat_of(tool, module=module).status()
        assert text in str(error.value)


@pytest.mark.parametrize("echo", ["Bearer t0psecret", "pa55word t0psecret", json.dumps({"Authorization": "Bearer t0psecret"})])
def test_a_secret_that_the_application_echoes_is_not_quoted(echo):
    ask = dict(url="http://me:pa55word@127.0.0.1:8080/", headers={"Authorization": "Bearer t0psecret"})
    described = shop(read=dict(ask, live=dict(json={"Authorization": 1}), standby=dict(regex="no")))
    with pytest.raises(Untold) as error:
        heartbeat_of(described, send=lambda *_asked: Answer(200, {}, echo)).status()
    assert "********" in str(error.value) and "t0psecret" not in str(error.value) and "pa55word" not in str(error.value)


# ---- What the controller has seen and told ------------------------------------------------------------------------------------------


def relayed(seen):
    found = shop()
    found["heartbeat"]["relayed"] = seen
    return found


def test_the_node_keeps_the_books_of_what_the_controller_reaches(application, clock):
    seen = seen_of(shop(), application)
    why = "http://127.0.0.1:8080/health: answered 200"
    assert seen == dict(state="live", untold=None, healthy=True, why=why, release="1.0.0", total=100, status_error=None)
    before = heartbeat_of(relayed(dict(seen=seen))).status(note=True)
    assert before["state"] == "live" and before["revision"] >= 1000
    after = heartbeat_of(relayed(dict(seen=dict(seen, written="standby"))))
    assert write(after, "standby")["state"] == "standby"
    assert heartbeat_of(relayed(dict(seen=dict(seen, state="standby")))).status()["run_id"] == "r1"
    with pytest.raises(HeartbeatError) as error:
        write(heartbeat_of(relayed(dict(seen=dict(seen, state="standby")))), "live")
    assert "nothing says that it was told live" in str(error.value)


def test_what_the_controller_could_not_read(application, clock):
    application.up = False
    seen = seen_of(shop(), application)
    assert seen["state"] is None and "nobody answers" in seen["untold"] and seen["healthy"] is False
    with pytest.raises(Untold):
        heartbeat_of(relayed(dict(seen=seen))).status()
    with pytest.raises(HeartbeatError) as error:
        heartbeat_of(relayed(dict(error="no way"))).status()
    assert str(error.value) == "no way"


def test_an_api_that_the_controller_has_written():
    told = heartbeat_of(dict(name="shop", url="http://x", heartbeat=dict(relayed=dict(status=dict(revision=7), after=dict(revision=8)))))
    assert told.status() == dict(revision=7)
    with pytest.raises(HeartbeatError):
        told.put(6, state="live")
    assert told.put(7, state="live") == told.status() == dict(revision=8)
    with pytest.raises(HeartbeatError):
        heartbeat_of(dict(name="shop", url="http://x", heartbeat=dict(relayed=dict(status=dict(revision=7))))).put(7, state="live")
