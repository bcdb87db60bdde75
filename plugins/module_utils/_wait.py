# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the heartbeat modules share: monotonic time and the wait for a predicate."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os
import time

# The controller is not involved, so asking often costs nothing: loopback, 2 ms a question.
POLL_S = 0.05


def monotonic():
    """Seconds that never jump; Python 2.7 has no time.monotonic, but the kernel's clock ticks serve it."""
    try:
        return time.monotonic()
    except AttributeError:
        return os.times()[4]


def wait_until(missing, timeout_s, poll_s=POLL_S):
    """Call missing() until it returns nothing or the time is up; probes before it looks at the deadline.

    Returns what was missing at the end (empty: all there) and the seconds waited.
    """
    start = monotonic()
    while True:
        left = missing()
        waited = monotonic() - start
        if not left or waited >= timeout_s:
            return left, round(waited, 3)
        time.sleep(min(poll_s, max(0.0, timeout_s - waited)))
