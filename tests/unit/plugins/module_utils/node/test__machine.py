# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils.node import _machine


@pytest.fixture
def system(monkeypatch, tmp_path):
    """A machine with a boot id and a root directory of its own."""

    def build(boot, root):
        boot_id = tmp_path / ("boot_id-%s" % boot)
        boot_id.write_bytes(boot.encode("ascii") + b"\n")
        if not tmp_path.joinpath(root).exists():
            tmp_path.joinpath(root).mkdir()
        monkeypatch.setattr(_machine, "BOOT_ID", str(boot_id))
        monkeypatch.setattr(_machine, "ROOT", str(tmp_path / root))
        return _machine.machine()

    return build


def test_two_names_of_one_machine(system):
    assert system("a", "host") == system("a", "host")


def test_clones_boot_on_their_own(system):
    # Their disks, and with them the machine id and the root directory, are the same to the last bit.
    assert system("a", "host") != system("b", "host")


def test_containers_on_one_kernel_have_roots_of_their_own(system):
    assert len({system("a", root) for root in ("host", "one", "two")}) == 3


def test_a_kernel_that_does_not_tell(monkeypatch, tmp_path):
    monkeypatch.setattr(_machine, "BOOT_ID", str(tmp_path / "none"))
    assert _machine.boot_id() is None and _machine.machine() is None


def test_this_machine():
    boot, device, inode = _machine.machine().split("/")
    assert boot == _machine.boot_id() and int(device) >= 0 and int(inode) > 0
