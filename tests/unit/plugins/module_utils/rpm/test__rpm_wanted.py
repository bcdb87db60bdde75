# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which repositories are asked, and what they answer, is tested with rpm_release."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm._rpm import Package
from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm._rpm_wanted import Found, at_hand

SHOP = Package("shop", 0, "1.0", "1", "noarch")
EPOCH = SHOP._replace(epoch=2)


def wanted(**parts):
    return dict(dict(name="shop", version="1.0", release="1", epoch=None, arch=None), **parts)


@pytest.mark.parametrize(
    "parts, current, staged, found",
    [
        ({}, None, [SHOP], SHOP),
        ({}, None, [], None),
        ({}, None, [SHOP, EPOCH], EPOCH),
        # What is installed and fits is not exchanged for another one that fits as well.
        ({}, SHOP, [EPOCH], SHOP),
        (dict(epoch=2), SHOP, [EPOCH], EPOCH),
        (dict(epoch=1), SHOP, [EPOCH], None),
        (dict(arch="x86_64"), SHOP, [SHOP], None),
        # There may be a newer release of this version in the repositories.
        (dict(release=None), SHOP, [SHOP], None),
    ],
)
def test_what_is_at_hand(parts, current, staged, found):
    assert at_hand(wanted(**parts), current, staged) == found


def test_what_was_found_as_a_module_shows_it():
    found = Found(wanted(), None, None, EPOCH, [])
    assert found.changes
    assert not Found(wanted(), SHOP, 7, SHOP, []).changes
    assert Found(wanted(), SHOP, 7, SHOP, ["/opt/shop/x (size)"]).changes
    assert found.as_dict() == {
        "name": "shop",
        "before": None,
        "after": "shop-2:1.0-1.noarch",
        "exact": {"name": "shop", "epoch": 2, "version": "1.0", "release": "1", "arch": "noarch"},
        "differing": [],
    }
