# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._evidence import read_node
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._planner import Policy, plan
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._report import plan_lines, status_lines, table

NAMES = ["blue1", "blue2", "green1", "green2"]
POLICY = Policy(load_balancers=({"name": "live", "follows": "live", "path": "/heartbeat/live", "fall": 3, "rise": 2, "probers": 1},))
WANTED = dict.fromkeys(NAMES, {"shop": "shop-2.0.0-1.noarch"})


@pytest.fixture
def nodes(said):
    def build(default=None, **changes):
        return [read_node(name, name[:-1], changes.get(name, default or said())) for name in NAMES]

    return build


def test_nothing_to_do(nodes, said):
    new = nodes(said("2.0.0"))
    assert plan_lines(plan(new, WANTED, POLICY), new, POLICY) == ["PLAN nothing to do: all 4 nodes are live, healthy and on shop-2.0.0-1.noarch"]


def test_a_refusal_names_every_reason(nodes):
    found = plan(nodes(green2={"unreachable": True}), WANTED, POLICY)
    assert plan_lines(found, nodes(), POLICY) == ["PLAN refused:", "  green2: it is unreachable"]


def test_the_plan_as_a_change_board_reads_it(nodes):
    found = plan(nodes(), WANTED, POLICY)
    assert plan_lines(found, nodes(), POLICY) == [
        f"PLAN {found.digest}: 2 batches",
        "batch  node    from                 to                   nodes serving meanwhile",
        "-----  ------  -------------------  -------------------  -----------------------",
        "1      blue1   shop-1.0.0-1.noarch  shop-2.0.0-1.noarch  2 of 4",
        "1      blue2   shop-1.0.0-1.noarch  shop-2.0.0-1.noarch  2 of 4",
        "2      green1  shop-1.0.0-1.noarch  shop-2.0.0-1.noarch  2 of 4",
        "2      green2  shop-1.0.0-1.noarch  shop-2.0.0-1.noarch  2 of 4",
        "Expected waits for the load balancers: batch 1 about 2.5 s, batch 2 about 2.5 s; beside them drain, installation, start and sanity test.",
    ]


def test_the_status_names_what_is_wrong(nodes, said):
    shown = "\n".join(status_lines(nodes(blue1=said(healthy=False), blue2={"unreachable": True}, green1=said(release="9", since_s=7200.0))))
    assert "blue1   blue   shop       live, down" in shown
    assert "blue2   blue   -          unread" in shown and "it is unreachable" in shown
    assert "2.0 h" in shown and "it reports release 9" in shown
    assert shown.endswith("2 of 4 nodes serve.")


def test_columns_are_as_wide_as_needed():
    assert table(("a", "b"), [("1", "long"), ("22", "x")]) == ["a   b", "--  ----", "1   long", "22  x"]
