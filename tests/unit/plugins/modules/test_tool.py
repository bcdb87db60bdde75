# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest

from ansible_collections.halfswap.bluegreen.plugins.modules import tool


def shell(script):
    return ["sh", "-c", script]


def test_tells_what_the_command_printed(run_module, tmp_path):
    argv = shell("pwd; echo two; echo careful >&2")
    assert run_module(tool, dict(argv=argv, chdir=str(tmp_path))) == dict(changed=True, cmd=argv, rc=0, stdout="%s\ntwo" % tmp_path.resolve(), stderr="careful")


def test_fails_with_the_command(run_module):
    result = run_module(tool, dict(argv=shell("echo why; exit 3")))
    assert result.failed
    assert (result["rc"], result["stdout"]) == (3, "why")


def test_nothing_is_run_in_check_mode(run_module, tmp_path):
    result = run_module(tool, dict(argv=["touch", str(tmp_path / "ran")]), check_mode=True)
    assert result["skipped"] and not (tmp_path / "ran").exists()


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
@pytest.mark.parametrize("rc", [0, 1])
def test_what_it_prints_is_fit_to_be_shown(run_module, canary, tmp_path, stream, rc):
    (tmp_path / "said").write_bytes(canary.said + b"\nbecause\n")
    result = run_module(tool, dict(argv=shell("cat %s/said%s; exit %d" % (tmp_path, " >&2" if stream == "stderr" else "", rc))))
    assert result["rc"] == rc
    assert result[stream].endswith("\nbecause") and "{{" not in result[stream]
    canary.shown_in(result[stream], 4000)
