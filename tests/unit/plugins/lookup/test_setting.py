# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.errors import AnsibleLookupError

from ansible_collections.halfswap.bluegreen.plugins.lookup import setting

SHOP = {"name": "shop", "port": 8080, "health_url": "http://127.0.0.1:8080/health", "heartbeat": {"port": 9180}}


@pytest.fixture
def value(monkeypatch):
    monkeypatch.setattr(setting, "load_extra_vars", lambda loader: {})

    def run(*names, playbook="deploy", **variables):
        lookup = setting.LookupModule()
        monkeypatch.setattr(lookup, "get_option", {"playbook": playbook}.get)
        monkeypatch.setattr(lookup, "set_options", lambda var_options, direct: None)
        return lookup.run(list(names), {"groups": {"blue": ["b"], "green": ["g"]}, "inventory_hostname": "b", **variables})

    return run


def test_a_value_or_its_default(value):
    assert value("token", "observe", "min_live", bluegreen_token="secret") == ["secret", None, 0]
    assert value("components", bluegreen_components=[SHOP])[0][0]["package"] == "shop"
    shop = {**SHOP, "build": {"summary": "The shop"}}
    assert "build" not in value("components", bluegreen_components=[shop])[0][0]
    assert value("components", playbook="package", bluegreen_components=[shop])[0][0]["build"] == {"summary": "The shop"}


def test_that_of_the_application(value):
    assert value("token", bluegreen_applications={"shop": {"token": "its-own"}}, bluegreen_token="for-all") == ["its-own"]


def test_what_is_wrong_or_unknown(value):
    with pytest.raises(AnsibleLookupError, match="bluegreen_components.shop. has no port"):
        value("components", bluegreen_components=[{key: SHOP[key] for key in SHOP if key != "port"}])
    with pytest.raises(AnsibleLookupError, match="tokn is no variable of this collection: did you mean token"):
        value("tokn")
