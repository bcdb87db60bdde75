# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils._addresses import is_within, plain, problems


@pytest.mark.parametrize(
    "text, expected",
    [
        ("10.0.0.5", "10.0.0.5"),
        ("10.0.0.5", "10.0.0.5"),
        ("::ffff:10.0.0.5", "10.0.0.5"),
        ("::FFFF:a00:5", "10.0.0.5"),
        ("FD00:0::5", "fd00::5"),
        ("fe80::1%eth0", "fe80::1"),
        ("[fd00::5]", "fd00::5"),
        ("[::ffff:10.0.0.5]", "10.0.0.5"),
        ("[10.0.0.5]", None),
        ("[[fd00::5]]", None),
        ("[", None),
        # What says who asks is data.
        ("10.0.0.5%eth0", None),
        ("10.0.0.05", None),
        ("10.0.5", None),
        ("10.0.0.5\n", None),
        ("10.0.0.5\0", None),
        ("10.0.0.\u0665", None),
        ("lb.example", None),
        ("", None),
        (b"10.0.0.5" * 100000, None),
        (None, None),
        (5, None),
        (["10.0.0.5"], None),
    ],
)
def test_one_way_to_write_an_address(text, expected):
    assert plain(text) == expected


@pytest.mark.parametrize(
    "address, networks, expected",
    [
        ("10.0.0.5", ["10.0.0.5"], True),
        ("10.0.0.5", ["10.0.0.4", "10.0.0.6"], False),
        ("10.0.0.5", ["10.0.0.4/31"], True),
        ("10.0.0.6", ["10.0.0.4/31"], False),
        ("10.0.0.5", [], False),
        ("::ffff:10.0.0.5", ["10.0.0.5"], True),
        ("::ffff:10.0.0.5", ["10.0.0.0/28"], True),
        ("::ffff:a00:5", ["10.0.0.0/28"], True),
        ("[::ffff:10.0.0.5]", ["10.0.0.0/28"], True),
        ("::ffff:10.0.1.5", ["10.0.0.0/28"], False),
        ("10.0.0.5", ["::ffff:10.0.0.5"], True),
        ("10.0.0.5", ["::ffff:10.0.0.0/124"], True),
        ("10.0.0.16", ["::ffff:10.0.0.0/124"], False),
        ("fd00::5", ["fd00::/64"], True),
        ("fd00:0:0:1::5", ["fd00::/64"], False),
        ("fe80::1%eth0", ["fe80::1"], True),
        # Families do not mix: the first bits of this one are those of 10.0.0.0/8.
        ("a00::5", ["10.0.0.0/8"], False),
        ("10.0.0.5\x1b[2J", ["10.0.0.0/8"], False),
        (None, ["10.0.0.0/8"], False),
    ],
)
def test_addresses_and_networks(address, networks, expected):
    assert is_within(address, networks) is expected


@pytest.mark.parametrize(
    "text, problem",
    [
        ("10.0.0.5", None),
        ("10.0.0.0/28", None),
        ("fd00::/64", None),
        ("::ffff:10.0.0.0/120", None),
        ("10.0.0.300", "'10.0.0.300' is no address, such as 10.0.0.5"),
        ("lb-live", "'lb-live' is no address"),
        ("10.0.0.0/", "'10.0.0.0/' is no address"),
        ("10.0.0.0/255.255.255.0", "no network, such as 10.0.0.0/28"),
        ("fe80::1%eth0", "is no address"),
        ("10.0.0.0/33", "'10.0.0.0/33' is no network: its length is from 1 to 32"),
        ("fd00::/129", "from 1 to 128"),
        # Everybody is no load balancer.
        ("0.0.0.0/0", "from 1 to 32"),
        ("::/0", "from 1 to 128"),
        ("::ffff:0.0.0.0/96", "from 1 to 32"),
        # Somebody meant one address, or the network; nobody guesses which.
        ("10.0.0.5/24", "the network is 10.0.0.0/24, and the address alone is 10.0.0.5"),
        ("fd00::5/64", "the network is fd00::/64, and the address alone is fd00::5"),
    ],
)
def test_what_is_no_address_and_no_network(text, problem):
    found = problems([text])
    assert (found == []) if problem is None else problem in found[0]
