# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils._heartbeat_api import Conflict, Heartbeat, HeartbeatError


def test_a_proxy_of_the_environment_is_not_asked(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:2")
    with pytest.raises(HeartbeatError) as error:
        Heartbeat("shop", "http://127.0.0.1:1").status()
    assert "http://127.0.0.1:1" in str(error.value) and ":2" not in str(error.value).replace("127.0.0.1:1", "")


def test_a_conflict_is_told_apart():
    assert issubclass(Conflict, HeartbeatError)
