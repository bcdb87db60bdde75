# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the unit tests share. It runs on Python 2.7 and 3.6 too, with pytest 4.6.

``run_module`` runs the real ``main()`` of a module with the real parsing of its arguments::

    from ansible_collections.halfswap.bluegreen.plugins.modules import heartbeat

    def test_live_already(run_module):
        result = run_module(heartbeat, {"state": "live"}, check_mode=True, diff=True)
        assert result == {"changed": False, "state": "live"}

    def test_refused(run_module):
        result = run_module(heartbeat, {"state": "dead"})
        assert result.failed
        assert result["msg"] == "..."

The result is exactly what the module printed for Ansible, without ``invocation``, which is ``result.invocation``; secrets must be
absent from ``result.output``. A module that raises, or that ends without ``exit_json`` or ``fail_json``, fails the test.

``clock`` is a time that passes only in ``time.sleep``, so that a test of something that waits takes no time::

    def test_times_out(run_module, clock):
        clock.at(3, server.stop)                   # called when 3 s have passed
        run_module(drain, {"timeout_s": 10})
        assert clock.elapsed == 10
        assert clock.sleeps == [1, 2, 4, 3]

It stands in for ``time.sleep``, ``time.time`` and ``time.monotonic`` (on Python 2.7 too, where a module finds it by
``getattr(time, "monotonic", time.time)``). Code under test has to reach them as ``time.sleep``, when it calls them.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import importlib
import io
import json
import os
import sys
import time
import types

import pytest
from ansible.module_utils import basic
from ansible.module_utils.common import warnings

COLLECTION = "ansible_collections.halfswap.bluegreen"
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def _make_importable():
    """Let a plain pytest in a checkout anywhere import the collection by its full name, as ansible-test does."""
    try:
        importlib.import_module(COLLECTION + ".plugins")
        return
    except ImportError:
        pass
    packages = {"ansible_collections": [], "ansible_collections.halfswap": [], COLLECTION: [ROOT]}
    for folder, _subfolders, _files in os.walk(os.path.join(ROOT, "plugins")):
        packages[".".join([COLLECTION] + os.path.relpath(folder, ROOT).split(os.sep))] = [folder]
    for name, path in packages.items():
        sys.modules[name] = types.ModuleType(str(name))
        sys.modules[name].__path__ = path


_make_importable()


class Result(dict):
    """What a module answered, as a dict without ``invocation``."""

    def __init__(self, output):
        super(Result, self).__init__(json.loads(output))
        self.output = output
        self.invocation = self.pop("invocation", None)
        if "warnings" in self:
            # ansible-core 2.19 and later print each as a structure around its text.
            self["warnings"] = [text if not isinstance(text, dict) else text["event"]["msg"] for text in self["warnings"]]

    @property
    def failed(self):
        return self.get("failed", False)


@pytest.fixture
def run_module(monkeypatch, tmp_path):
    def run(module, args=None, check_mode=False, diff=False):
        if not isinstance(module, types.ModuleType):
            module = importlib.import_module("%s.plugins.modules.%s" % (COLLECTION, module))
        internal = {
            "_ansible_check_mode": check_mode,
            "_ansible_diff": diff,
            "_ansible_module_name": module.__name__.rsplit(".", 1)[-1],
            "_ansible_remote_tmp": str(tmp_path),
            "_ansible_tmpdir": str(tmp_path),
        }
        parameters = json.dumps({"ANSIBLE_MODULE_ARGS": dict(args or {}, **internal)})
        stdout = io.StringIO() if sys.version_info[0] > 2 else io.BytesIO()
        with monkeypatch.context() as patch:
            patch.setattr(basic, "_ANSIBLE_ARGS", parameters.encode("utf-8"))
            # ansible-core 2.19 and later ask for the format of the arguments, too.
            patch.setattr(basic, "_ANSIBLE_PROFILE", "legacy", raising=False)
            # A run inherits no warning from the one before.
            patch.setattr(warnings, "_global_warnings", type(warnings._global_warnings)())
            patch.setattr(warnings, "_global_deprecations", type(warnings._global_deprecations)())
            patch.setattr(basic.AnsibleModule, "log", lambda self, message, log_args=None: run.logged.append(message))
            patch.setattr(sys, "stdout", stdout)
            with pytest.raises(SystemExit) as ended:
                module.main()
        result = Result(stdout.getvalue())
        assert bool(ended.value.code) == result.failed
        return result

    # What the node's log would have.
    run.logged = []
    return run


class FakeClock:
    """A time that passes only in ``sleep`` and ``advance``."""

    def __init__(self, start=1000.0):
        self.start = start
        self.now = start
        self.sleeps = []
        self._due = []

    @property
    def elapsed(self):
        # Sums of sleeps such as 0.1 + 0.2 would not compare equal to what a test says.
        return round(self.now - self.start, 6)

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        if seconds < 0:
            raise ValueError("sleep length must be non-negative")
        self.sleeps.append(round(seconds, 6))
        self.advance(seconds)

    def advance(self, seconds):
        """Let time pass without recording a sleep, for instance for a request that takes its time."""
        until = self.now + seconds
        while self._due and self._due[0][0] <= until:
            when, action = self._due.pop(0)
            self.now = max(self.now, when)
            action()
        self.now = max(self.now, until)

    def at(self, seconds, action):
        """Call ``action`` when this many seconds have passed since the start."""
        self._due.append((self.start + seconds, action))
        self._due.sort(key=lambda due: due[0])


@pytest.fixture
def clock(monkeypatch):
    fake = FakeClock()
    monkeypatch.setattr(time, "sleep", fake.sleep)
    monkeypatch.setattr(time, "monotonic", fake.monotonic, raising=False)
    monkeypatch.setattr(time, "time", fake.monotonic)
    return fake
