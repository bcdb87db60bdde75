# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils.heartbeat._heartbeat_api import HeartbeatError
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._ready import not_ready_text, readiness

SHOP = [dict(name="shop", release="2.0.0")]


class Starting(object):
    """A component that nobody answers for at first, and that is healthy after two seconds."""

    name = "shop"

    def __init__(self, clock):
        self.clock = clock

    def status(self, fresh):
        assert fresh
        if self.clock.elapsed < 1:
            raise HeartbeatError("component shop: nobody answers.")
        return dict(healthy=self.clock.elapsed >= 2, why="HTTP 503", release="2.0.0")


def test_who_does_not_answer_yet_is_waited_for(clock):
    result, missing = readiness(SHOP, [Starting(clock)], 60)
    assert missing == [] and result["waited_s"] == pytest.approx(2.0)
    assert result["components"][0]["heartbeat"]["healthy"] is True


def test_who_does_not_answer_is_an_error_where_nothing_is_waited_for(clock):
    with pytest.raises(HeartbeatError):
        readiness(SHOP, [Starting(clock)], 0)


def test_what_was_missing_in_the_end(clock):
    result, missing = readiness(SHOP, [Starting(clock)], 0.5)
    assert not_ready_text(result, missing) == "Not ready after 0.5 s: component shop: nobody answers."
    assert result["components"] == [dict(name="shop", heartbeat=None)]
