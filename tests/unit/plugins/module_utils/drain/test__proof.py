# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json
import os

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils.drain import _proof
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node import _machine, _records
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._systemd import Unit

SHOP = dict(revision=8, ran=True, requests=100, exception="")


@pytest.fixture(autouse=True)
def up_50_s(monkeypatch):
    monkeypatch.setattr(_proof, "up_s", lambda: 50.0)


@pytest.fixture
def kept(clock):
    _records.prepare()
    return _proof.keep("r1", "r1/1", dict(shop=SHOP))


def test_kept_and_read(kept, records):
    assert _proof.read() == kept
    assert kept == dict(run_id="r1", batch_id="r1/1", at="1970-01-01T00:16:40Z", up_s=50.0, boot=_machine.boot_id(), components=dict(shop=SHOP))
    assert os.stat(str(records / "proof.json")).st_mode & 0o777 == 0o644


def test_a_new_one_replaces_it(kept):
    _proof.keep("r2", "r2/1", dict(cart=dict(SHOP, requests=None)))
    assert (_proof.read()["run_id"], list(_proof.read()["components"])) == ("r2", ["cart"])


def test_removed(kept):
    _proof.remove()
    assert _proof.read() is None
    _proof.remove()


def test_removing_none_writes_nothing(records):
    _proof.remove()
    assert not records.exists()


def test_removed_by_somebody_else_meanwhile(kept, monkeypatch):
    remove = _records.remove

    def faster(name):
        remove(name)
        remove(name)

    monkeypatch.setattr(_records, "remove", faster)
    _proof.remove()
    assert _proof.read() is None


def test_one_that_cannot_be_removed_is_told(kept, monkeypatch):
    def refused(name):
        raise _records.RecordsError("Cannot remove it")

    monkeypatch.setattr(_records, "remove", refused)
    with pytest.raises(_records.RecordsError):
        _proof.remove()


@pytest.mark.parametrize(
    "changes, wrong",
    [
        (dict(run_id=None), "run_id is null"),
        (dict(up_s="now"), 'up_s is "now"'),
        (dict(components=[]), "components is []"),
        (dict(components=dict(shop=dict(SHOP, revision="8"))), 'components.shop.revision is "8"'),
        (dict(components=dict(shop=dict(SHOP, exception=None))), "components.shop.exception is null"),
        (dict(components=dict(shop=dict(SHOP, ran=1))), "components.shop.ran is 1"),
    ],
)
def test_another_dialect_is_damaged(kept, records, changes, wrong):
    (records / "proof.json").write_bytes(json.dumps(dict(kept, **changes)).encode("utf-8"))
    with pytest.raises(_records.RecordsError) as error:
        _proof.read()
    assert wrong in str(error.value) and "proof.json is damaged" in str(error.value)


def test_the_proof_of_this_run_batch_and_boot(kept, monkeypatch):
    assert _proof.why_not(kept, "r1", "r1/1") is None
    assert "no proof lies on this node" in _proof.why_not(None, "r1", "r1/1")
    assert "of run r1, and this is run r2" in _proof.why_not(kept, "r2", "r1/1")
    assert "of batch r1/1, and this is batch r1/2" in _proof.why_not(kept, "r1", "r1/2")
    monkeypatch.setattr(_proof, "boot_id", lambda: "another")
    assert "the node was started again" in _proof.why_not(kept, "r1", "r1/1")


@pytest.mark.parametrize(
    "proven, changes, text",
    [
        (None, {}, "does not name it"),
        (SHOP, dict(state="live"), "its heartbeat says live (by bob, run r9)"),
        (SHOP, dict(revision=9), "its heartbeat is at revision 9 (by bob, run r9), and the proof was made at 8"),
        (SHOP, dict(revision=None), "its heartbeat is at revision None"),
    ],
)
def test_a_heartbeat_that_says_something_else(proven, changes, text):
    status = dict(dict(state="standby", revision=8, by="bob", run_id="r9"), **changes)
    assert text in _proof.why_not_of(proven, status)
    assert _proof.why_not_of(SHOP, dict(state="standby", revision=8)) is None


@pytest.mark.parametrize("up_s, younger", [(49.0, False), (50.0, False), (50.05, False), (50.2, True)])
def test_a_process_that_was_started_after_it(kept, up_s, younger):
    unit = Unit("shop", dict(MainPID="7"), up_s)
    assert _proof.is_younger(kept, unit) is younger


def test_without_a_process_nothing_is_younger(kept):
    assert not _proof.is_younger(kept, Unit("shop", dict(MainPID="0")))
