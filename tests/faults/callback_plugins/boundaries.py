# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts the task boundaries of a run, and ends the run with kill -9 at one of them.

A boundary is the moment before a task starts, and the one after the last task. With strategy linear no host has begun the task then, and
every host has finished the one before. Each is a line of JSON in the file BOUNDARIES_RECORD with its time, the latter without a task; at number
BOUNDARIES_KILL_AT the kill comes right after the line. So is each failure that is not ignored, with the task it is in, and at the end of a
run the hosts that it changed.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: boundaries
type: aggregate
short_description: Counts task boundaries, and kills the run at one of them
description:
  - For tests/faults and tests/bench only.
requirements:
  - enabled by name
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "boundaries"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._record = os.environ["BOUNDARIES_RECORD"]
        self._kill_at = int(os.environ.get("BOUNDARIES_KILL_AT", 0))
        self._number = 0

    def v2_playbook_on_task_start(self, task, is_conditional) -> None:
        self._boundary(task.get_name())

    def v2_playbook_on_handler_task_start(self, task) -> None:
        self._boundary(task.get_name())

    def v2_playbook_on_stats(self, stats) -> None:
        self._boundary(None)
        self._write({"changed": sorted(stats.changed)})

    def v2_runner_on_failed(self, result, ignore_errors=False) -> None:
        if not ignore_errors:
            self._write({"failed": self._task})

    def v2_runner_on_unreachable(self, result) -> None:
        self._write({"failed": self._task})

    def _boundary(self, task: str | None) -> None:
        self._number += 1
        self._task = task
        self._write({"number": self._number, "task": task, "at": time.monotonic()})
        if self._number == self._kill_at:
            # What was printed up to here is wanted in the log; nothing else of an orderly end is.
            sys.stdout.flush()
            os.kill(os.getpid(), signal.SIGKILL)

    def _write(self, line: dict) -> None:
        with open(self._record, "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
