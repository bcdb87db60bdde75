# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.site.reading import description


class Vaulted:
    """What a vault has, as core before 2.19 hands it over."""

    __ENCRYPTED__ = True

    def __str__(self):
        return "secret"


@pytest.mark.parametrize(
    "value, read",
    [(Vaulted(), "secret"), ({"headers": {"Authorization": Vaulted()}}, {"headers": {"Authorization": "secret"}}), ([Vaulted(), 1, None], ["secret", 1, None])],
)
def test_what_lies_in_a_vault_is_read_wherever_it_is(monkeypatch, value, read):
    module = description.__globals__
    monkeypatch.setitem(module, "Templar", lambda **keywords: type("Templar", (), {"template": staticmethod(lambda given: given)}))
    seen = []
    monkeypatch.setitem(module, "Description", lambda variables, template, extra: seen.append(template(value)))
    description({"groups": {}}, None, ())
    assert seen == [read]
