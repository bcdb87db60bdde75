# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm._rpm import (
    Package,
    RpmError,
    check_name,
    check_version,
    installed,
    installed_packages,
    version_key,
)


class Rpm:
    """Stands in for an AnsibleModule whose rpm answers this."""

    def __init__(self, status, out, err=""):
        self.answer = (status, out, err)
        self.asked = []

    def run_command(self, command, **_kwargs):
        self.asked.append(command)
        return self.answer


@pytest.mark.parametrize(
    "older, newer",
    [
        ("1.0", "1.0.1"),
        ("1.9", "1.10"),
        ("1.0~rc1", "1.0"),
        ("1.0~rc1", "1.0~rc2"),
        ("1.0", "1.0^git1"),
        ("1.0^git1", "1.0.1"),
        ("1.0^git1~pre", "1.0^git1"),
        ("1.0", "1.0a"),
        ("1.0a", "1.0.1"),
        ("1.a", "1.1"),
        ("A", "a"),
        ("9", "10"),
    ],
)
def test_versions_compare_as_in_rpm(older, newer):
    assert version_key(older) < version_key(newer)


@pytest.mark.parametrize("one, other", [("1.0", "1_0"), ("1.0", "1.00"), ("1.0", "1.0."), ("001", "1")])
def test_equal_versions(one, other):
    assert version_key(one) == version_key(other)


def test_a_package_is_named_with_its_epoch_only_when_it_has_one():
    assert str(Package("shop", 0, "2.0.0", "1", "noarch")) == "shop-2.0.0-1.noarch"
    assert str(Package("shop", 3, "2.0.0", "1", "noarch")) == "shop-3:2.0.0-1.noarch"


def test_the_epoch_counts_more_than_the_version_and_that_more_than_the_release():
    packages = [Package("shop", 1, "1.0", "1", "noarch"), Package("shop", 0, "9.0", "1", "noarch"), Package("shop", 0, "9.0", "10", "noarch")]
    assert sorted(packages, key=lambda package: package.age) == [packages[1], packages[2], packages[0]]


@pytest.mark.parametrize("bad", ["", "-shop", "shop cart", "shop;ls", "caf\xe9"])
def test_bad_names(bad):
    with pytest.raises(RpmError, match="is no RPM name"):
        check_name("name", bad)


@pytest.mark.parametrize("bad", ["", "1.0-1", "1.0 beta", "-1", "~1", "1.0/2", "1:1.0"])
def test_bad_versions(bad):
    with pytest.raises(RpmError, match="cannot be used in an RPM"):
        check_version("version", bad)


def test_good_names_and_versions():
    for name in ("shop", "libstdc++", "python3.11", "0ad", "_x"):
        check_name("name", name)
    for version in ("1", "1.0~rc1", "1.0^git1", "2.0.0_3+b1"):
        check_version("version", version)


def test_installed():
    rpm = Rpm(1, "shop\x1f0\x1f2.0.0\x1f1\x1fnoarch\x1f1790000000\npackage cart is not installed\n")
    package = Package("shop", 0, "2.0.0", "1", "noarch")
    assert installed(rpm, ["shop", "cart"]) == {"shop": [(package, 1790000000)], "cart": []}
    assert rpm.asked[0][:2] == ["rpm", "-q"]
    assert rpm.asked[0][-2:] == ["shop", "cart"]


def test_installed_packages():
    rpm = Rpm(1, "shop\x1f1\x1f2.0.0\x1f1\x1fnoarch\x1f1790000000\npackage cart is not installed\n")
    assert installed_packages(rpm, ["shop", "cart"]) == {
        "shop": {"nevra": "shop-1:2.0.0-1.noarch", "version": "2.0.0", "installed_at": 1790000000},
    }


def test_a_broken_database_is_not_taken_for_an_empty_one():
    with pytest.raises(RpmError, match="cannot open Packages database"):
        installed(Rpm(1, "", "error: cannot open Packages database in /var/lib/rpm\n"), ["shop"])


@pytest.mark.parametrize("field", [0, 2, 3, 4])
@pytest.mark.parametrize("text", ["{{7*7}}", "1\x1b[2J", "1 2", "", "1" * 201, "1\n", b"1\xc2\x9b".decode("utf-8")])
def test_a_package_with_a_name_that_is_none_is_refused(field, text):
    fields = ["shop", "0", "1.0.0~rc1^2", "1.el8_4", "noarch"]
    assert str(Package.read(*fields)) == "shop-1.0.0~rc1^2-1.el8_4.noarch"
    fields[field] = text
    with pytest.raises(RpmError, match="is no name of a package"):
        Package.read(*fields)
