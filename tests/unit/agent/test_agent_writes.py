# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PUT /heartbeat: who may write, what a write changes, and that it is on disk before it is believed."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import errno
import glob
import json
import os
import threading

import heartbeat
import pytest
from running_agent import BOOT, Answer, ask, exchange, put_request, wanted


def test_first_boot(node, component):
    assert node.status() == {
        "component": "shop",
        "state": "standby",
        "answer": "standby",
        "revision": int(BOOT),
        "since": "2023-11-14T22:13:20.000Z",
        "since_s": 0.0,
        "by": "agent",
        "reason": "first boot",
        "run_id": None,
        "phase": "STANDING_BY",
        "state_error": None,
        "healthy": True,
        "why": component.url + "/health: answered 200",
        "release": "1.0.0",
        "status_error": None,
        "requests": {"total": 0, "since_flip": 0, "rate_per_s": None},
        "agent": {"version": "0.1.0", "code": heartbeat.CODE, "started_s": 0.0, "config": "cafe", "takeover_ms": None},
        "test": None,
        "probers": [],
        "refused": [],
    }


def test_flip(node, clock):
    node.check_health(passed_s=12.3456)
    answer = node.put(wanted("live", by="anna"))
    assert (answer.code, answer.headers["Content-Type"]) == (200, "application/json")
    after = answer.json
    assert after.pop("changed") is True
    assert after == node.status()
    picked = ("state", "answer", "revision", "since", "since_s", "by", "reason", "run_id", "phase")
    assert {key: after[key] for key in picked} == {
        "state": "live",
        "answer": "live",
        "revision": int(BOOT) + 1,
        "since": "2023-11-14T22:13:32.346Z",
        "since_s": 0.0,
        "by": "anna",
        "reason": "release 2.0.0",
        "run_id": "run-1",
        "phase": "SERVING",
    }
    assert after["agent"]["started_s"] == 12.346
    clock.now += 1.5
    assert node.status()["since_s"] == 1.5


@pytest.mark.parametrize(
    "values, changed, phase, run_id, reason",
    [
        (wanted("live", reason="other", by="other"), False, "SERVING", "run-1", "release 2.0.0"),
        (wanted("live", run_id="run-2", reason="other"), True, "SERVING", "run-2", "other"),
        (wanted("live", phase="CLEANING_UP", reason="other"), True, "CLEANING_UP", "run-1", "other"),
        (wanted("live", phase="SERVING"), False, "SERVING", "run-1", "release 2.0.0"),
    ],
)
def test_without_a_flip(node, clock, values, changed, phase, run_id, reason):
    first = node.put(wanted("live")).json
    node.ask("/heartbeat/live")
    clock.now += 5
    after = node.put(values).json
    assert (after["changed"], after["revision"]) == (changed, first["revision"] + changed)
    assert (after["phase"], after["run_id"], after["reason"]) == (phase, run_id, reason)
    assert (after["since"], after["since_s"]) == (first["since"], 5.0)
    assert node.prober()["answers"]["live"] == 1


def test_a_flip_without_phase_ends_the_old_one(node):
    assert node.put(wanted("standby", phase="INITIALISING")).json["phase"] == "INITIALISING"
    assert node.put(wanted("standby", run_id="run-2")).json["phase"] == "INITIALISING"
    assert node.put(wanted("live")).json["phase"] == "SERVING"
    assert node.put(wanted("standby")).json["phase"] == "STANDING_BY"


def test_who_wrote_is_an_address_unless_said(node):
    assert node.put(wanted("live")).json["by"] == "127.0.0.1"


def test_if_match(node):
    revision = node.status()["revision"]
    after = node.put(wanted("live"), If_Match='"%d"' % revision)
    assert (after.code, after.json["revision"]) == (200, revision + 1)

    stale = node.put(wanted("standby"), If_Match='"%d"' % revision)
    assert stale.code == 409
    refused = stale.json
    assert refused.pop("error") == "the heartbeat is at revision %d, not %d: somebody else wrote it" % (revision + 1, revision)
    assert refused == node.status()
    assert (refused["state"], refused["revision"]) == ("live", revision + 1)
    # Also when it would change nothing: the writer has to look first.
    assert node.put(wanted("live"), If_Match='"%d"' % revision).code == 409


def test_concurrent_writers_exactly_one_wins(node):
    revision = node.status()["revision"]
    together = threading.Event()
    answers = []

    def write(index):
        request = put_request(wanted("live", run_id="run-%d" % index), If_Match='"%d"' % revision)
        together.wait()
        answers.append(Answer(exchange(node.control, request)))

    threads = [threading.Thread(target=write, args=(index,)) for index in range(12)]
    for thread in threads:
        thread.start()
    together.set()
    for thread in threads:
        thread.join()
    assert sorted(answer.code for answer in answers) == [200] + [409] * 11
    winner = [answer.json["run_id"] for answer in answers if answer.code == 200]
    assert ([node.status()["run_id"]], node.status()["revision"]) == (winner, revision + 1)


@pytest.mark.parametrize(
    "values, error",
    [
        (b"", "the body is not JSON"),
        (b"{", "the body is not JSON"),
        (b"\xff{}", "the body is not JSON"),
        (b"[" * 16000, "the body is not JSON"),
        ([], "the body must be a JSON object"),
        ({"reason": "", "run_id": ""}, "key state is missing"),
        ({"state": "live", "run_id": ""}, "key reason is missing"),
        ({"state": "live", "reason": ""}, "key run_id is missing"),
        (wanted("down"), "key state must be live or standby"),
        (wanted(None), "key state must be a string"),
        (wanted(["live"]), "key state must be a string"),
        (wanted("live", run_id=7), "key run_id must be a string"),
        (wanted("live", reason=None), "key reason must be a string"),
        (wanted("live", phase="STARTING"), "key phase must be one of SCHEDULED, "),
        (wanted("live", phse="SERVING"), 'key "phse" is not known'),
    ],
)
def test_bad_body(node, values, error):
    before = node.status()
    answer = node.put(values)
    assert answer.code == 400
    assert error in answer.json["error"]
    assert node.status() == before


@pytest.mark.parametrize("value", ["1700000000", 'W/"1700000000"', '"x"', '"1", "2"', "*", ""])
def test_bad_if_match(node, value):
    answer = node.put(wanted("live"), If_Match=value)
    assert (answer.code, answer.json) == (400, {"error": 'If-Match must be "<revision>", with the quotes'})
    assert node.ask() == "standby"


@pytest.mark.parametrize(
    "authorization", [None, "", "secret", "Bearer", "Bearer ", "Bearer secre", "Bearer secret2", "Basic secret", b"Bearer s\xe9cret".decode("latin-1")]
)
def test_wrong_token(node, authorization):
    answer = node.put(wanted("live"), Authorization=authorization)
    assert (answer.code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert "Authorization: Bearer" in answer.json["error"]
    assert node.ask() == "standby"


def test_who_reads_with_a_token_learns_whether_it_would_do_for_writing(node):
    def read(token, where):
        head = "GET /heartbeat/status HTTP/1.1\r\nAuthorization: Bearer %s\r\n\r\n" % token
        return Answer(exchange(where, head.encode("ascii")))

    assert read("secret", node.control).json == node.status()
    assert read("wrong", node.control).code == 401
    # The probe side has no token to compare with.
    assert read("wrong", node.probe).code == 200


def test_the_scheme_may_be_written_in_any_case(node):
    assert node.put(wanted("live"), Authorization="bearer secret").code == 200


def test_a_new_token_counts_at_once(node, tmp_path):
    (tmp_path / "token").write_bytes(b"newer\n")
    assert node.put(wanted("live")).code == 401
    assert node.put(wanted("live"), token="newer").code == 200


def test_two_tokens_while_one_is_replaced(node, tmp_path):
    (tmp_path / "token").write_bytes(b"newer\nsecret\n")
    for token in ("newer", "secret"):
        assert node.put(wanted("live"), token=token).code == 200
    for token in ("newer\nsecret", "newer secret", "newe", ""):
        assert node.put(wanted("live"), token=token).code in (400, 401)
    (tmp_path / "token").write_bytes(b"newer\n")
    assert node.put(wanted("live"), token="secret").code == 401
    assert node.put(wanted("live"), token="newer").code == 200


@pytest.mark.parametrize("content, error", [(None, "No such file or directory"), (b"", "is empty"), (b" \n\n ", "is empty")])
def test_without_a_token_nobody_writes(node, tmp_path, content, error):
    (tmp_path / "token").unlink()
    if content is not None:
        (tmp_path / "token").write_bytes(content)
    for token in ("secret", ""):
        answer = node.put(wanted("live"), token=token)
        assert (answer.code, answer.json) == (500, {"error": "nothing was changed, the agent's token cannot be read: " + error})
    assert node.ask() == "standby"


def test_a_body_that_is_too_large_is_refused_unread(node):
    for sent in (b"", b"x" * 300000):
        answer = node.put(sent, Content_Length="16385" if not sent else str(len(sent)))
        assert (answer.code, answer.json) == (413, {"error": "the body is larger than 16384 bytes"})
    # Who may not write learns nothing else.
    assert node.put(b"", Content_Length="16385", token="wrong").code == 401
    largest = wanted("live", reason="x" * (16384 - len(json.dumps(wanted("live", reason="")))))
    assert node.put(largest).code == 200


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/x-www-form-urlencoded"])
def test_wrong_content_type(node, content_type):
    answer = node.put(wanted("live"), Content_Type=content_type)
    assert (answer.code, answer.json) == (415, {"error": "Content-Type must be application/json"})
    assert node.ask() == "standby"


def test_content_type_with_charset(node):
    assert node.put(wanted("live"), Content_Type="Application/JSON; charset=utf-8").code == 200


def test_text_in_any_language(node, capfd):
    reason = b"Gr\xfc\xdfe\nstandby -> live".decode("latin-1")
    assert node.put(wanted("live", reason=reason)).json["reason"] == reason
    node.restart()
    assert node.status()["reason"] == reason
    # In the log it is one line, so that nobody can forge another.
    assert 'run "run-1": "Gr\\u00fc\\u00dfe\\nstandby -> live"\n' in capfd.readouterr().err


def test_state_survives_a_restart(node, clock):
    node.check_health(passed_s=10)
    before = node.put(wanted("live", phase="CLEANING_UP", by="anna")).json
    clock.now += 90
    node.restart()
    node.agent.health.poll()
    node.agent.status.poll()
    after = node.status()
    assert (after.pop("since_s"), after["agent"].pop("started_s")) == (90.0, 0.0)
    for key in ("changed", "since_s", "requests"):
        del before[key]
    del before["agent"]["started_s"], after["requests"]
    assert after == before


def test_a_clock_set_back_gives_no_negative_age(node, clock):
    node.put(wanted("live"))
    clock.now -= 3600
    node.restart()
    assert node.status()["since_s"] == 0.0


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 200,
        b'{"state": "live"',
        b"[]",
        b"{}",
        dict(state="LIVE"),
        dict(revision="1"),
        dict(revision=1.5),
        dict(revision=True),
        dict(since=None),
        dict(since=float("nan")),
        dict(since=float("inf")),
        dict(since=1e300),
        dict(since=-1),
        dict(revision=-1),
        dict(revision=10**18),
        dict(state=[]),
        dict(state={}),
        b"[" * 100000,
        b"{}" * 1000000,
        dict(phase=None),
        dict(run_id=1),
        dict(extra=1),
    ],
)
def test_a_damaged_state_is_kept_aside_and_standby_with_a_revision_that_never_was(node, clock, config, capfd, content):
    node.put(wanted("live"))
    node.stop()
    content = damage(config, content)
    clock.now += 60
    node.start()
    status = node.status()
    assert (status["state"], status["revision"], status["by"]) == ("standby", int(BOOT) + 60, "agent")
    assert status["state_error"].startswith(config.state_file + " is damaged (")
    assert "says" not in status["state_error"]
    assert status["reason"] == status["state_error"]
    assert status["state_error"] in capfd.readouterr().err
    assert kept_aside(config) == [content]
    # The guess is on disk from now on.
    node.restart()
    assert (node.status()["revision"], node.status()["reason"]) == (int(BOOT) + 60, status["reason"])


def damage(config, content=b"\0" * 200):
    """What is on the disk instead of the state."""
    if isinstance(content, dict):
        with open(config.state_file) as state_file:
            content = json.dumps(dict(json.load(state_file), **content)).encode("ascii")
    with open(config.state_file, "wb") as state_file:
        state_file.write(content)
    return content


def kept_aside(config):
    contents = []
    for aside in sorted(glob.glob(config.state_file + ".damaged-*")):
        with open(aside, "rb") as opened:
            contents.append(opened.read())
    return contents


def note(config, content):
    """What the runs have noted beside the state."""
    with open(config.record_file, "wb") as record_file:
        record_file.write(content if isinstance(content, bytes) else json.dumps(content).encode("ascii"))


def test_a_damaged_state_does_not_take_a_node_out_that_serves(node, config, clock, capfd):
    node.put(wanted("live"))
    note(config, {"phase": "SERVING", "current": {}})
    node.stop()
    damage(config)
    clock.now += 60
    node.start()
    node.agent.health.poll()
    status = node.status()
    assert (node.ask("/heartbeat/live"), status["state"], status["phase"]) == ("live", "live", "SERVING")
    assert (status["revision"], status["by"], status["run_id"]) == (int(BOOT) + 60, "agent", None)
    end = "The record of what this node serves (%s) says SERVING, so the heartbeat is live until somebody writes it" % config.record_file
    assert status["state_error"].endswith(end)
    assert end in capfd.readouterr().err
    # It is said until somebody who may write confirms it or changes it.
    node.put(wanted("live"), token="wrong")
    assert node.status()["state_error"] == status["state_error"]
    assert node.put(wanted("live")).json["state_error"] is None


@pytest.mark.parametrize(
    "noted, why",
    [
        ({"phase": "STANDING_BY"}, "says STANDING_BY, so the heartbeat is standby"),
        ({"phase": "INITIALISING"}, "says INITIALISING, so the heartbeat is standby"),
        ({"phase": "serving"}, "it names no phase), so the heartbeat is standby"),
        ({"phase": ["SERVING"]}, "it names no phase), so the heartbeat is standby"),
        (["SERVING"], "it names no phase), so the heartbeat is standby"),
        (b"[" * 100000, "is nested too deeply), so the heartbeat is standby"),
        (b"\xff", "so the heartbeat is standby"),
    ],
)
def test_only_a_record_that_says_serving_makes_it_live(node, config, noted, why):
    node.put(wanted("live"))
    note(config, noted)
    node.stop()
    damage(config)
    node.start()
    assert why in node.status()["state_error"]
    assert node.status()["state"] == "standby"


def test_a_record_is_asked_for_a_damaged_state_only(node, config):
    note(config, {"phase": "SERVING"})
    node.restart()
    assert (node.status()["state"], node.status()["state_error"]) == ("standby", None)
    node.stop()
    os.remove(config.state_file)
    node.start()
    assert (node.status()["state"], node.status()["reason"]) == ("standby", "first boot")


def test_each_damaged_state_is_kept(node, config):
    for content in (b"first", b"second", b"third"):
        node.stop()
        damage(config, content)
        node.start()
    assert sorted(kept_aside(config)) == [b"first", b"second", b"third"]


@pytest.mark.parametrize("number, strerror", [(errno.EACCES, "Permission denied"), (errno.EIO, "Input/output error")])
def test_a_state_that_cannot_be_read_stays_and_nothing_is_written(node, config, monkeypatch, number, strerror):
    node.put(wanted("live"))
    with open(config.state_file, "rb") as state_file:
        on_disk = state_file.read()
    note(config, {"phase": "SERVING"})
    node.stop()
    read = heartbeat.read_file

    def failing_read(path):
        if path == config.state_file:
            raise EnvironmentError(number, strerror)
        return read(path)

    monkeypatch.setattr(heartbeat, "read_file", failing_read)
    node.start()
    node.agent.health.poll()
    said = node.status()["state_error"]
    assert said.startswith("%s cannot be read (%s). It stays as it is, and every write is refused until " % (config.state_file, strerror))
    assert node.ask() == "live"
    for state in ("standby", "standby"):
        answer = node.put(wanted(state))
        assert answer.code == 500
        assert answer.json["error"].startswith("nothing was changed, the state cannot be written: %s was not usable when" % config.state_file)
        assert answer.json["error"].endswith("until it can be read and the agent is restarted, or until it is moved away")
    assert (node.ask(), node.status()["state_error"]) == ("live", said)
    with open(config.state_file, "rb") as state_file:
        assert state_file.read() == on_disk
    # Made readable, it counts again.
    monkeypatch.undo()
    node.restart()
    assert (node.status()["state"], node.status()["run_id"], node.status()["state_error"]) == ("live", "run-1", None)


def test_a_state_that_cannot_be_read_may_be_moved_away(node, config, tmp_path):
    node.stop()
    os.remove(config.state_file)
    os.mkdir(config.state_file)
    node.start()
    assert "cannot be read (Is a directory)" in node.status()["state_error"]
    assert node.put(wanted("live")).code == 500
    os.rename(config.state_file, str(tmp_path / "away"))
    assert node.put(wanted("live")).json["state_error"] is None
    node.restart()
    assert node.status()["state"] == "live"


def test_a_damaged_state_that_cannot_be_kept_aside_is_not_overwritten(node, config, monkeypatch):
    node.stop()
    damage(config)

    def rename(_old, _new):
        raise EnvironmentError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(os, "rename", rename)
    node.start()
    assert "It cannot be kept aside (Read-only file system), so it stays as it is" in node.status()["state_error"]
    assert node.put(wanted("live")).code == 500
    with open(config.state_file, "rb") as state_file:
        assert state_file.read() == b"\0" * 200


def failing_fsync(monkeypatch, fails):
    real, calls = os.fsync, []

    def fsync(descriptor):
        calls.append(descriptor)
        if len(calls) in fails:
            raise OSError(28, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)


@pytest.mark.parametrize("failing", ["the record", "its directory"])
@pytest.mark.parametrize("first", [True, False])
def test_a_write_that_cannot_be_made_durable_changes_nothing(node, monkeypatch, config, failing, first):
    if not first:
        node.put(wanted("live"))
    before = node.status()
    with open(config.state_file, "rb") as state_file:
        on_disk = state_file.read()
    failing_fsync(monkeypatch, {"the record": [1], "its directory": [2]}[failing])
    answer = node.put(wanted("standby" if before["state"] == "live" else "live"))
    monkeypatch.undo()
    assert (answer.code, answer.json) == (500, {"error": "nothing was changed, the state cannot be written: No space left on device"})
    assert node.status() == before
    with open(config.state_file, "rb") as state_file:
        assert state_file.read() == on_disk
    assert node.put(wanted("standby" if before["state"] == "live" else "live")).json["revision"] == before["revision"] + 1


def test_a_state_that_cannot_even_be_opened(node, tmp_path):
    (tmp_path / "shop.json.tmp").mkdir()
    answer = node.put(wanted("live"))
    assert (answer.code, answer.json) == (500, {"error": "nothing was changed, the state cannot be written: Is a directory"})
    assert ask(node.probe, "/heartbeat").text == "standby"


def test_a_disk_that_is_full_at_first_boot_still_gives_an_answer(config, clock, monkeypatch, starting_node, capfd):
    starting_node.stop()
    os.remove(config.state_file)
    failing_fsync(monkeypatch, [1])
    starting_node.start()
    monkeypatch.undo()
    assert starting_node.status()["state"] == "standby"
    assert config.state_file + ": cannot be written: No space left on device" in capfd.readouterr().err
