# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._waits import COMMAND_S, COMPARE_S, MARGIN_S, lock_s

SETTINGS = {
    "settle_timeout_s": 60,
    "drain_method": "counter",
    "drain_on_timeout": "fail",
    "drain_timeout_s": 60,
    "drain_max_wait_s": 900,
    "drain_seconds": 10,
    "health_timeout_s": 120,
    "sanity_timeout_s": 30,
    "components": [{"name": "shop"}],
}
PLAIN = MARGIN_S + 3 * 60 + 60 + 2 * 120 + 2 * 30


def test_each_way_once_more_than_planned():
    assert lock_s(SETTINGS) == PLAIN == 1140.0
    assert isinstance(lock_s(SETTINGS), float)


@pytest.mark.parametrize(
    "changes, more",
    [
        # Out, in, and in again on the way back.
        ({"settle_timeout_s": 61}, 3),
        ({"drain_timeout_s": 61}, 1),
        # The release, and the one before.
        ({"health_timeout_s": 121}, 2),
        ({"sanity_timeout_s": 31}, 2),
        # A drain that waits on may wait so long, and no longer.
        ({"drain_on_timeout": "wait"}, 900 - 60),
        ({"drain_on_timeout": "wait", "drain_max_wait_s": 3600}, 3600 - 60),
        ({"drain_max_wait_s": 3600}, 0),
        ({"drain_on_timeout": "proceed"}, 0),
        # Seconds that are only waited for.
        ({"drain_method": "seconds"}, 10),
        ({"drain_seconds": 99}, 0),
    ],
)
def test_every_limit_of_the_site_counts(changes, more):
    assert lock_s({**SETTINGS, **changes}) == PLAIN + more


@pytest.mark.parametrize(
    "component, more",
    [
        ({"sanity_commands": [{"name": "suite", "timeout_s": 40}, {"name": "newman", "timeout_s": 2}]}, 42),
        ({"sanity_commands": [{"name": "suite"}]}, COMMAND_S),
        ({"compare": {"log": "/var/log/haproxy.log", "timeout_s": 7}}, 7),
        ({"compare": {"log": "/var/log/haproxy.log"}}, COMPARE_S),
        ({"compare": {}, "sanity_commands": None}, 0),
    ],
)
def test_what_comes_on_top_of_the_checks(component, more):
    assert lock_s({**SETTINGS, "components": [{"name": "shop", **component}, {"name": "cart"}]}) == PLAIN + 2 * more


def test_the_tests_of_all_components_come_one_after_the_other():
    component = {"name": "shop", "sanity_commands": [{"name": "suite", "timeout_s": 5}]}
    assert lock_s({**SETTINGS, "components": [component, {**component, "name": "cart"}]}) == PLAIN + 20
