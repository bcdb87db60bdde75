# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.halfswap.bluegreen.plugins.filter.components import FilterModule


def test_gives_the_view():
    component = {"name": "shop", "package": "shop", "service": "shop", "port": 80, "heartbeat": {"url": "http://127.0.0.1", "port": 80}}
    assert FilterModule().filters()["components"]([component], "heartbeat") == [{"name": "shop", "url": "http://127.0.0.1"}]


def test_a_wrong_description_is_an_error_of_the_filter():
    with pytest.raises(AnsibleFilterError) as error:
        FilterModule().filters()["components"]([{"name": "shop"}], "node")
    assert "bluegreen_components[shop] has no port" in str(error.value)
