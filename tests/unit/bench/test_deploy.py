# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is made of the journals of the nodes, and of the times of a run."""

from __future__ import annotations

import json

import deploy
import pytest
from application import Record
from deploy import Event, Half, Pairs, Run
from lab import Failure

STOPPING, STOPPED, STARTING, STARTED = deploy.UNIT_MESSAGES


def line(at: float, message: str | list[int], writer: str = "sshd", **more: str) -> str:
    return json.dumps({"__REALTIME_TIMESTAMP": str(round(at * 1e6)), "MESSAGE": message, "SYSLOG_IDENTIFIER": writer, **more}) + "\n"


def told(*lines: str) -> list[str]:
    return [event.what for event in deploy.events("".join(lines), 100.0, 200.0)]


def passed(standby: float, live: float) -> list[Event]:
    """Of a node that takes a quarter of a second for each step between."""
    between = [Event(standby + 0.25 * number, mark) for number, mark in enumerate(deploy.MARKS[1:-1], 1)]
    return [Event(standby, "standby"), *between, Event(live, "live")]


def run(began: float, ended: float, *halves: Half, **figures) -> Run:
    return Run(began, ended, halves, figures.pop("sessions", {"blue1": 2}), **figures)


def test_each_command_that_sshd_starts_is_a_round_trip() -> None:
    assert told(
        line(110, "Accepted publickey for ops from 10.0.0.1 port 4 ssh2: ED25519 SHA256:x"),
        line(111, "Starting session: command for ops from 10.0.0.1 port 4 id 0"),
        line(112, "Starting session: subsystem 'sftp' for ops from 10.0.0.1 port 4 id 0"),
        line(113, "Starting session: command for ops from 10.0.0.1 port 4 id 0", "sshd-session"),
        line(114, "Starting session: said by somebody else", "gunicorn"),
        line(115, "Close session: user ops from 10.0.0.1 port 4 id 0"),
    ) == ["session", "session", "session"]


def test_what_was_before_the_run_or_after_it_is_not_counted() -> None:
    session = "Starting session: command for ops from 10.0.0.1 port 4 id 0"
    assert told(line(99.999999, session), line(100, session), line(200, session), line(200.000001, session)) == ["session", "session"]


def test_a_flip_is_a_change_of_the_word() -> None:
    rest = ', revision 8, by "ops", run "1": "release 2.0.0"'
    assert told(
        line(110, "live -> standby, SERVING -> STANDING_BY" + rest, "halfswap-heartbeat"),
        line(111, "standby -> standby, STANDING_BY -> INITIALISING" + rest, "halfswap-heartbeat"),
        line(112, "healthy: answered 200", "halfswap-heartbeat"),
        line(113, "standby -> live, INITIALISING -> SERVING" + rest, "halfswap-heartbeat"),
        line(114, "live -> standby, SERVING -> STANDING_BY" + rest, "somebody"),
    ) == ["standby", "live"]


def test_only_the_shop_is_the_service() -> None:
    assert told(
        line(110, "Stopping", "systemd", UNIT="shop.service", MESSAGE_ID=STOPPING),
        line(111, "Stopped", "systemd", UNIT="shop.service", MESSAGE_ID=STOPPED),
        line(112, "Starting", "systemd", UNIT="shop.service", MESSAGE_ID=STARTING),
        line(113, "Started", "systemd", UNIT="shop.service", MESSAGE_ID=STARTED),
        line(114, "Started", "systemd", UNIT="other.service", MESSAGE_ID=STARTED),
        line(115, [200, 201], "gunicorn"),
    ) == ["stopping", "stopped", "starting", "started"]


def test_a_half_is_out_from_its_first_node_to_its_last() -> None:
    half = Half.of({"blue1": passed(10.0, 20.0), "blue2": passed(11.0, 19.0)})
    assert half.out_s == 10.0
    assert half.steps() == {"standby, settle, drain": 1.25, "stop": 0.25, "rpm": 0.25, "start": 0.25, "healthy, sanity test": 8.0}
    assert sum(half.steps().values()) == half.out_s


def test_a_half_that_did_not_do_all_of_it_cannot_be_measured() -> None:
    with pytest.raises(Failure, match='blue2: .* "live"'):
        Half.of({"blue1": passed(10.0, 20.0), "blue2": passed(10.0, 20.0)[:-1]})


def test_the_steps_of_a_run_add_up_to_the_run() -> None:
    green, blue = Half.of({"green1": passed(30.0, 38.0)}), Half.of({"blue1": passed(12.0, 20.0)})
    steps = run(10.0, 41.0, green, blue).steps()
    assert (steps[deploy.BEFORE], steps["stop"], steps[deploy.AFTER], steps[deploy.END]) == (2.0, 0.5, 10.0, 3.0)
    assert sum(steps.values()) == 31.0


def test_round_trips_are_those_of_one_node() -> None:
    half = Half.of({"blue1": passed(1.0, 3.0)})
    assert run(0.0, 4.0, half, sessions={"blue1": 20, "blue2": 21, "green1": 20, "green2": 19}).round_trips == 20.0


def test_the_seconds_of_a_task_that_runs_more_than_once() -> None:
    record = Record(["One", "Two", "One", None], [], at=[100.0, 102.0, 102.5, 103.5])
    assert deploy.by_task(record) == {"One": 3.0, "Two": 0.5}


def test_the_last_line() -> None:
    def half(out_s: float) -> Half:
        return Half.of({"blue1": passed(0.0, out_s)})

    pairs = Pairs()
    figures = {"sessions": {"blue1": 19, "blue2": 20}, "told": [{"Plan": 1.0}], "tasks": 85, "lines": 450, "cpu_s": 13.04}
    # The machine becomes ten times as slow after the first pair. The ratio of the medians would be half of what two of the three pairs say.
    for bare_s, deploy_s in ((1.0, 4.0), (10.0, 40.0), (10.0, 20.0)):
        pairs.bare.append(run(0.0, 2 * bare_s, half(bare_s), told=[{"stop": 1.0}]))
        pairs.deploy.append(run(0.0, 3 * deploy_s, half(deploy_s), **figures))
    assert pairs.result() == "RESULT wall_ratio=6.00 out_ratio=4.00 round_trips_per_node=19.5 tasks=85 lines=450 controller_cpu_s=13.0"
    assert any(text.endswith("whole run") for text in pairs.report())
