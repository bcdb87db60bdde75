# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What module release makes of it is tested there."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils.node import _owed, _records


def test_what_is_owed_until_it_is_settled(records):
    assert _owed.services() == []
    _owed.keep(["shop"])
    _owed.keep(["cart", "shop"])
    assert _owed.services() == ["cart", "shop"]
    _owed.settle(["shop", "other"])
    assert _owed.services() == ["cart"]
    _owed.settle(["cart"])
    assert _owed.services() == [] and not (records / "owed.json").exists()


def test_where_nothing_is_owed_nothing_is_written(records):
    _owed.settle(["shop"])
    assert not records.exists()


@pytest.mark.parametrize("boot, left", [("another", []), (None, ["shop"])])
def test_a_boot_restarts_everything(records, monkeypatch, boot, left):
    """Where the boot is not known, the debt stays."""
    monkeypatch.setattr(_owed, "boot_id", lambda: boot)
    _owed.keep(["shop"])
    monkeypatch.setattr(_owed, "boot_id", lambda: "this")
    assert _owed.services() == left


def test_a_damaged_record_is_a_refusal(records):
    records.mkdir()
    (records / "owed.json").write_bytes(b'{"services": "shop", "boot": null}')
    with pytest.raises(_records.RecordsError, match="owed.json is damaged"):
        _owed.services()
