# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A command of the application, with a time and a size for the whole of it, whatever it starts and whoever holds its output open."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os
import select
import signal
import subprocess
import time

from ansible.module_utils.common.text.converters import to_native

from ansible_collections.halfswap.bluegreen.plugins.module_utils._http import PIECE, SHORT_ANSWER, Deadline, Late
from ansible_collections.halfswap.bluegreen.plugins.module_utils._wait import monotonic

LOOK_S = 0.05
# What is left of it then has this long to end by itself.
GRACE_S = 1.0


class Unfinished(Exception):
    """It could not be started, or did not end as it should; the text continues a sentence about it."""


def run(argv, seconds):
    """Exit status, output and complaints."""
    deadline = Deadline(seconds)
    try:
        with open(os.devnull) as nothing:
            process = subprocess.Popen(
                argv,
                stdin=nothing,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                close_fds=True,
                env=dict(os.environ, LC_ALL="C"),
                # What it starts ends with it.
                preexec_fn=os.setsid,
            )
    except EnvironmentError as exc:
        raise Unfinished("cannot be run: %s" % to_native(exc.strerror))
    said = {process.stdout: b"", process.stderr: b""}
    try:
        _read(process, said, deadline)
    except Late:
        _end(process)
        raise Unfinished("did not end within %g s" % seconds)
    except Unfinished:
        _end(process)
        raise
    finally:
        for pipe in said:
            pipe.close()
    return tuple([process.returncode] + [to_native(said[pipe], errors="surrogate_or_replace") for pipe in (process.stdout, process.stderr)])


def _read(process, said, deadline):
    """All that it says, until it has ended. A service that it has started may hold its output for longer."""
    pipes, ended_at = list(said), None
    while pipes or process.poll() is None:
        ready = select.select(pipes, [], [], min(LOOK_S, deadline.left()))[0]
        for pipe in ready:
            piece = os.read(pipe.fileno(), PIECE)
            said[pipe] += piece
            if not piece:
                pipes.remove(pipe)
        if sum(map(len, said.values())) > SHORT_ANSWER:
            raise Unfinished("writes more than %d MB" % (SHORT_ANSWER >> 20))
        if process.poll() is not None:
            ended_at = ended_at or monotonic()
            if not ready or monotonic() - ended_at > LOOK_S:
                return


def _end(process):
    began = monotonic()
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except OSError:
            pass  # nothing of it is left
        while number == signal.SIGTERM and process.poll() is None and monotonic() - began < GRACE_S:
            time.sleep(LOOK_S)
    process.wait()
