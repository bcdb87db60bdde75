# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os
import time

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils import _command, _wait


def shell(script, seconds=5):
    return _command.run(["sh", "-c", script], seconds)


def test_what_it_says_and_how_it_ends():
    assert shell("echo out; echo err >&2; read line || echo nothing; exit 3") == (3, "out\nnothing\n", "err\n")
    assert shell("echo $LC_ALL; printf '\\377'")[:2] in [(0, "C\n\udcff"), (0, "C\n\xff"), (0, b"C\n\xff")]
    assert len(shell("head -c 1000000 /dev/zero")[1]) == 1000000


@pytest.mark.parametrize(
    "script",
    [
        "sleep 30",
        "trap '' TERM; while :; do sleep 0.1; done",
        "while :; do echo x; sleep 0.1; done",
        "exec >&- 2>&-; sleep 30",
        "(while :; do echo x; sleep 0.05; done) & sleep 30",
    ],
    ids=["silent", "deaf", "dripping", "closed", "child"],
)
def test_it_has_its_time_for_the_whole(script, tmp_path):
    began = time.time()
    with pytest.raises(_command.Unfinished) as error:
        shell("echo $$ > %s/pid; %s" % (tmp_path, script), 1.5)
    assert str(error.value) == "did not end within 1.5 s" and time.time() - began < 20
    # Nothing of it is left, nor of what it has started.
    group = int((tmp_path / "pid").read_text())
    assert _wait.wait_until(lambda: living(group), 10)[0] == []


@pytest.mark.parametrize("script", ["yes", "yes >&2", "head -c 197000000 /dev/zero"])
def test_it_has_its_size_for_the_whole(script):
    with pytest.raises(_command.Unfinished) as error:
        shell(script, 20)
    assert str(error.value) == "writes more than 1 MB"


def living(group):
    """The processes of a group that still do something."""
    found = []
    for name in os.listdir("/proc"):
        try:
            with open("/proc/%s/stat" % name) as stat:
                state, _parent, of_group = stat.read().rpartition(")")[2].split()[:3]
        except EnvironmentError:
            continue
        if int(of_group) == group and state not in "ZX":
            found.append(name)
    return found


@pytest.mark.parametrize("pause", ["2", "0.01"])
def test_it_has_ended_whoever_still_writes(pause):
    began = time.time()
    status, out, _err = shell("(for n in 1 2 3 4 5 6 7 8 9; do echo x; sleep %s; done) & exit 4" % pause)
    assert status == 4 and set(out) <= set("x\n") and time.time() - began < 10


def test_a_service_that_it_starts_lives_on(tmp_path):
    assert shell("setsid sleep 1.5 & echo started; exit 0", 5) == (0, "started\n", "")


def test_what_is_not_there():
    with pytest.raises(_command.Unfinished) as error:
        _command.run(["/nowhere/shopctl", "state"], 1)
    assert "cannot be run: No such file" in str(error.value)
