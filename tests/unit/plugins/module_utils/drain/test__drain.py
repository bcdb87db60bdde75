# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils.drain import _drain

TABLE = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 21310 1 0000000000000000 100 0 0 10 0
   1: 0100007F:1F90 0100007F:D431 01 00000000:00000000 00:00000000 00000000     0        0 21311 1 0000000000000000 20 4 30 10 -1
   2: 0100007F:D431 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     0        0 21312 1 0000000000000000 20 4 30 10 -1
   3: 0100007F:1F90 0100007F:D432 06 00000000:00000000 03:00000F6E 00000000     0        0 0 3 0000000000000000
"""
TABLE6 = """\
  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000000000000000000000000000:1F91 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 21320 1
   1: 0000000000000000FFFF00000100007F:1F91 0000000000000000FFFF00000200007F:D431 01 00000000:00000000 00:00000000 00000000     0        0 21321 1
   2: 0000000000000000FFFF00000100007F:1F91 0000000000000000FFFF00000200007F:D433 01 00000000:00000000 00:00000000 00000000     0        0 21322 1
"""


@pytest.fixture
def tables(tmp_path):
    (tmp_path / "tcp").write_bytes(TABLE.encode("ascii"))
    (tmp_path / "tcp6").write_bytes(TABLE6.encode("ascii"))
    return str(tmp_path / "tcp"), str(tmp_path / "tcp6")


def test_counts_established_connections_to_the_ports_only(tables):
    assert _drain.count_connections({"name": "shop", "ports": [8080]}, tables) == (1, None)
    assert _drain.count_connections({"name": "shop", "ports": [8081]}, tables) == (2, None)
    assert _drain.count_connections({"name": "shop", "ports": [8080, 8081]}, tables) == (3, None)


def test_a_node_without_ipv6(tables, tmp_path):
    assert _drain.count_connections({"name": "shop", "ports": [8080]}, (tables[0], str(tmp_path / "none"))) == (1, None)


def test_a_node_without_tables(tmp_path):
    with pytest.raises(_drain.DrainError) as error:
        _drain.count_connections({"name": "shop", "ports": [8080]}, (str(tmp_path / "none"),))
    assert "use method counter" in str(error.value)


def test_a_port_that_nobody_listens_on_proves_nothing(tables):
    with pytest.raises(_drain.DrainError) as error:
        _drain.count_connections({"name": "shop", "ports": [8080, 54321]}, tables)
    assert str(error.value) == "component shop: nothing listens on port 54321 on this node: is ports right, and is the service running?"


def watch(*samples):
    found = _drain.Watch("shop")
    for sample in samples:
        if isinstance(sample, str):
            found.unread(sample)
        else:
            found.sample(*sample)
    return found


@pytest.mark.parametrize(
    "samples, row",
    [
        ([(0, None)] * 3, 3),
        ([(0, 7)] * 3, 3),
        ([(0, 7), (0, 7), (1, 8)], 0),
        ([(1, 7), (0, 7), (0, 7)], 2),
        ([(0, 7), (0, 7), (0, 8)], 1),
        ([(0, 7), (0, 7), (0, 0)], 1),
        ([(0, 7), "gone", (0, 7)], 1),
        ([(-1, 7)], 0),
    ],
)
def test_a_row_of_samples(samples, row):
    assert watch(*samples).samples == row


@pytest.mark.parametrize(
    "samples, text",
    [
        ([(0, 7)] * 3, None),
        ([(2, 7)], "shop: 2 in flight"),
        ([(0, 7), (0, 8)], "shop: none in flight, but requests keep arriving (8 so far)"),
        ([(0, 7), (0, 7)], "shop: none in flight in only 2 of 3 samples"),
        ([(0, 7), (0, 7), "gone"], "shop: gone"),
    ],
)
def test_says_what_is_missing(samples, text):
    assert watch(*samples).missing(3) == text


@pytest.mark.parametrize("status, body", [(503, "{}"), (200, "no JSON"), (200, '{"other": 1}'), (200, '{"active": "many"}')])
def test_no_password_is_told_of_a_counter(heartbeat_server, status, body):
    """The text goes into the journal of the node, which anybody there may read."""
    heartbeat_server.next_answers = [(status, body)]
    url = heartbeat_server.url.replace("http://", "http://me:pa55word@")
    component = dict(name="shop", in_flight_url=url, in_flight_key="active", requests_key=None)
    with pytest.raises((_drain.DrainError, _drain.Unread)) as raised:
        _drain.read_counter(component)
    assert "pa55word" not in str(raised.value) and "http://127.0.0.1" in str(raised.value)
