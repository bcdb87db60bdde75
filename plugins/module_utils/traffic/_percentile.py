# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The percentile by which latencies are told and judged."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import math


def percentile(values, percent):
    """The smallest of the values that this share of them does not exceed (nearest rank). None without values."""
    return sorted(values)[int(math.ceil(percent * len(values) / 100)) - 1] if values else None
