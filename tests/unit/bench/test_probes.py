# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the flood says of an agent: of one that keeps its promises, and of figures that break one."""

from __future__ import annotations

import probes
import pytest


def test_percentile():
    assert probes.percentile_ms([0.001]) == 1.0
    assert probes.percentile_ms([index / 1000 for index in range(1, 101)]) == 99.0
    assert probes.percentile_ms([0.001] * 98 + [0.5] * 2) == 500.0


@pytest.mark.parametrize(
    "changed, said, status",
    [
        ({}, "more_ms=2.0 memory_mb=20.0 accepted=1000 failed_probes=0 displaced=0", 0),
        ({"attacked_ms": 41.1}, "more_ms=40.1", 1),
        ({"memory_mb": 64.0}, "memory_mb=64.0", 1),
        ({"failed": 1}, "failed_probes=1", 1),
        ({"displaced": True}, "displaced=1", 1),
    ],
)
def test_the_last_line(monkeypatch, capsys, changed, said, status):
    figures = {"idle_ms": 1.0, "attacked_ms": 3.0, "memory_mb": 20.0, "failed": 0, "displaced": False, **changed}
    monkeypatch.setattr("sys.argv", ["probes.py", "--attacks", "idle"])
    monkeypatch.setattr(probes, "Agent", lambda *_arguments: type("Quiet", (), {"probe": None, "stop": lambda _self: None})())
    monkeypatch.setattr(probes, "accepted", lambda _address: 1000)
    monkeypatch.setattr(probes, "measure", lambda attack, *_more: probes.Measured(attack, **figures))
    assert probes.main() == status
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("RESULT attacks=1 ")
    assert said in last
