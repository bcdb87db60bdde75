# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils.traffic._percentile import percentile


@pytest.mark.parametrize("values, percent, value", [([], 50, None), ([3], 50, 3), ([1, 9, 3], 50, 3), ([4, 1, 3, 2], 50, 2), (range(1, 101), 95, 95)])
def test_percentile(values, percent, value):
    assert percentile(list(values), percent) == value
