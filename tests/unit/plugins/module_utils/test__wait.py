# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os
import time

from ansible_collections.halfswap.bluegreen.plugins.module_utils._wait import monotonic, wait_until


def test_nothing_missing_takes_no_time(clock):
    assert wait_until(list, 10) == ([], 0.0)
    assert clock.sleeps == []


def test_probes_before_the_deadline_is_looked_at(clock):
    assert wait_until(lambda: ["x"], 0) == (["x"], 0.0)
    assert clock.sleeps == []


def test_ends_as_soon_as_nothing_is_missing(clock):
    missing = ["x"]
    clock.at(1, missing.pop)
    assert wait_until(lambda: missing, 10, poll_s=0.25) == ([], 1.0)
    assert clock.elapsed == 1


def test_the_last_sleep_is_clipped_to_the_time_left(clock):
    assert wait_until(lambda: ["x"], 1, poll_s=0.4) == (["x"], 1.0)
    assert clock.sleeps == [0.4, 0.4, 0.2]


def test_a_python_without_a_monotonic_clock_has_the_kernels(monkeypatch):
    monkeypatch.delattr(time, "monotonic", raising=False)
    assert abs(monotonic() - os.times()[4]) < 1
