# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What packages, stores and managers there are is tested with module rpm_release; here is the order of what is done."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils.node import _records, _systemd
from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm import _rpm_install
from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm._rpm import Package, RpmError

OLD, NEW = Package("shop", 0, "1.0", "1", "noarch"), Package("shop", 0, "2.0", "1", "noarch")
LIB, CART = NEW._replace(name="lib"), NEW._replace(name="cart")


class Node(object):
    """Stands in for an AnsibleModule, on a node with rpm, dnf and systemd."""

    check_mode = _diff = False

    def __init__(self, *installed):
        self.installed = list(installed)
        # What a transaction leaves, where it is not what was wanted.
        self.leaves = None
        self.failure = None
        self.said = ""
        self.files = {}
        self.params = dict(enablerepo=[], disablerepo=[], lock_timeout_s=0, store=None, run_id=None, by="ops@laptop")
        self.done = []
        self.warnings = []
        self.warn = self.warnings.append

    def get_bin_path(self, name):
        return "/usr/bin/dnf" if name == "dnf" else None

    def run_command(self, command, **_kwargs):
        if command[0] == "systemctl":
            self.done.append("look")
            return 0, "ActiveState=active\nMainPID=7\n", ""
        if command[0] == "rpm":
            return self.rpm(command[1:])
        words = command[3:]
        if "repoquery" in words:
            return 0, "".join("%s %d %s %s %s halfswap\n" % package for package in (OLD, NEW, CART) if package.name in words), ""
        self.done.append(" ".join(os.path.basename(word) for word in words))
        if self.failure:
            return 1, "", "Error: " + self.failure
        if "--setopt=tsflags=test" not in words:
            self.installed = self.leaves if self.leaves is not None else [NEW]
        return 0, self.said, ""

    def rpm(self, words):
        if words[0] == "--eval":
            return 0, "/none\n", ""
        if "-U" in words:
            self.done.append(" ".join(os.path.basename(word) for word in words))
            if not self.failure and "--test" not in words:
                self.installed = [NEW]
            return (1, "", self.failure) if self.failure else (0, "", "")
        if "-p" in words:
            return 0, "".join("%s\x1f%d\x1f%s\x1f%s\x1f%s\n" % self.files[path] for path in words if path in self.files), ""
        rows = ["%s\x1f%d\x1f%s\x1f%s\x1f%s\x1f960\n" % package for package in self.installed if package.name in words]
        return 0, "".join(rows) + "package lib is not installed\n", ""


@pytest.fixture
def node(monkeypatch, clock):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(_systemd, "up_s", lambda: clock.now)
    monkeypatch.setattr(_systemd, "started_up_s", {7: 950.0}.get)
    return Node(OLD)


def wanted(version="2.0", name="shop", **changes):
    return dict(dict(name=name, version=version, release="1", epoch=None, arch=None, service=None), **changes)


def installation(node, *packages):
    return _rpm_install.Installation(node, list(packages) or [wanted()])


# ---- from_store ---------------------------------------------------------------------------------------------------------------------


class Store(object):
    path = "/store"

    def __init__(self, *held):
        self.held = held

    def holds(self, package):
        return package in self.held

    def folder(self, package):
        return {package: "/store/%s.rpm" % (package,), LIB: "/store/lib.rpm"}

    def transaction(self, manager, moves):
        if manager == "refuses":
            raise RpmError("lib is needed")
        return moves + [(None, LIB)], {after: "file" for _before, after in moves}


MOVES = [(OLD, NEW), (None, CART)]


def test_without_a_store_all_comes_from_the_repositories():
    assert _rpm_install.from_store("dnf", None, MOVES) == (MOVES, {})


def test_what_a_store_lacks_comes_from_the_repositories():
    assert _rpm_install.from_store("dnf", Store(), MOVES) == (MOVES, {})
    assert _rpm_install.from_store("dnf", Store(CART), MOVES) == (MOVES, {CART: "/store/cart-2.0-1.noarch.rpm"})


def test_a_store_that_has_all_says_what_comes_along():
    assert _rpm_install.from_store("dnf", Store(NEW, CART), MOVES) == (MOVES + [(None, LIB)], {NEW: "file", CART: "file"})
    with pytest.raises(RpmError, match="^shop-2.0-1.noarch, cart-2.0-1.noarch cannot be installed from /store: lib is needed$"):
        _rpm_install.from_store("refuses", Store(NEW, CART), MOVES)


# ---- Installation -------------------------------------------------------------------------------------------------------------------


def test_nothing_to_do(node):
    node.params["run_id"] = "r1"
    nothing = installation(node, wanted("1.0"))
    nothing.rehearse()
    nothing.install()
    assert (nothing.moves, nothing.units, nothing.result()["changed"]) == ([], {}, False)
    assert node.done == [] and _records.journal(5) == []


def test_before_it_is_told_to_nothing_is_done(node):
    made = installation(node, wanted(), wanted("2.0", "cart"))
    assert made.moves == [(OLD, NEW), (None, CART)]
    node._diff = True
    assert made.result()["diff"] == dict(before="shop-1.0-1.noarch\n", after="shop-2.0-1.noarch\ncart-2.0-1.noarch\n")
    assert made.result()["changed"] and node.done == []


def test_only_what_changes_is_moved(node):
    node.leaves = [OLD, CART]
    made = installation(node, wanted("1.0"), wanted("2.0", "cart"))
    made.install()
    assert (made.moves, node.done) == ([(None, CART)], ["install cart-2.0-1.noarch"])
    assert [entry["name"] for entry in made.packages] == ["shop", "cart"]


def test_a_rehearsal_leaves_everything_as_it_was(node):
    node.params["run_id"] = "r1"
    made = installation(node)
    made.rehearse()
    assert node.done == ["--setopt=tsflags=test install shop-2.0-1.noarch"]
    assert node.installed == [OLD] and _records.journal(5) == []
    node.failure = "no space left"
    with pytest.raises(RpmError, match="^dnf could not rehearse the installation of shop-2.0-1.noarch: no space left$"):
        made.rehearse()


def test_with_files_of_the_store_rpm_is_asked_once(node, tmp_path):
    folder = tmp_path / str(NEW)
    folder.mkdir()
    (folder / "shop.rpm").write_bytes(b"")
    node.files[str(folder / "shop.rpm")] = NEW
    node.params["store"] = str(tmp_path)
    made = installation(node)
    made.choose()
    made.rehearse()
    made.install()
    assert node.done == ["--test -U --oldpackage --replacepkgs shop.rpm", "-U --oldpackage --replacepkgs shop.rpm"]


@pytest.mark.parametrize(
    "leaves, but",
    [
        ([], "nothing"),
        ([OLD], "shop-1.0-1.noarch"),
        ([NEW._replace(release="2")], "shop-2.0-2.noarch"),
        ([OLD, NEW._replace(arch="i686")], "shop-1.0-1.noarch and shop-2.0-1.i686"),
    ],
)
def test_a_package_that_is_another_one_after_the_transaction(node, leaves, but):
    node.params["run_id"], node.leaves, node.said = "r1", leaves, "Complete!\n"
    with pytest.raises(RpmError) as found:
        installation(node).install()
    assert str(found.value) == "shop-2.0-1.noarch is not installed after the transaction, but %s; dnf said: Complete!" % but
    (line,) = _records.journal(5)
    assert (line["result"], line["why"], line["before"], line["after"]) == ("failed", str(found.value), [str(OLD)], [str(NEW)])


def test_another_one_beside_it_will_do(node):
    node.leaves = [OLD, NEW]
    installation(node).install()


def test_what_a_scriptlet_says_is_told_and_shown(node):
    node.said = "  ok\n  warning: %post(shop) scriptlet failed, {{ 7 * 7 }}\nComplete!\n"
    installation(node).install()
    assert node.warnings == ["warning: %post(shop) scriptlet failed, \\x7b{ 7 * 7 }}"]


@pytest.mark.parametrize("service, stale, looks", [("shop", True, ["look"]), (None, None, [])])
def test_services_are_looked_at_before_anything_is_done(node, service, stale, looks):
    """The process is of 950, and the package of 960."""
    made = installation(node, wanted(service=service))
    assert (made.packages[0].get("stale"), node.done, sorted(made.units)) == (stale, looks, ["shop"] * len(looks))


def test_only_root_and_only_what_can_be_a_package(node, monkeypatch):
    with pytest.raises(RpmError, match="is listed more than once"):
        installation(node, wanted(), wanted("1.0"))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(RpmError, match="^this needs root: set become$"):
        installation(node)
