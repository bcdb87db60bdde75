# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small sample of the fuzzing, and that it finds what is broken."""

from __future__ import annotations

import re

import fuzz
import heartbeat
import pytest


@pytest.mark.parametrize("name", ["parser", "state", "component"])
def test_no_promise_is_broken(name):
    assert fuzz.fuzz(name, 100) >= 100


@pytest.mark.parametrize(
    "name, holder, attribute, broken",
    [
        ("parser", heartbeat, "REQUEST_LINE", re.compile(r"([A-Z]{1,16}) (/\S*) HTTP/1\.[01]\Z")),
        ("parser", heartbeat.Parser, "_end_head", lambda parser: setattr(parser, "_length", 1)),
        ("state", heartbeat, "LAST_SECOND", 10.0**300),
        ("component", heartbeat.StatusPoller, "_release_in", lambda _poller, values: heartbeat.find(values, "release")),
    ],
)
def test_a_broken_promise_is_found(monkeypatch, name, holder, attribute, broken):
    monkeypatch.setattr(holder, attribute, broken)
    with pytest.raises(Exception):  # noqa: B017 (whatever the broken code makes of it)
        fuzz.fuzz(name, 3000, (fuzz.Phase.generate,))


def test_the_last_line(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["fuzz.py", "--inputs", "50"])
    assert fuzz.main() == 0
    assert capsys.readouterr().out == "RESULT inputs=50 parser=30 state=10 component=10 failures=0\n"
