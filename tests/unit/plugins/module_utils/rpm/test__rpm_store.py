# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts that no module shows by itself; the store as a whole is tested with rpm_stage and rpm_release."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm import _rpm_store
from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm._rpm import Package, RpmError

SHOP = Package("shop", 0, "1.0", "1", "x86_64")


class Node:
    """Stands in for an AnsibleModule and for a manager; rpm finds in a file what its path says, and refuses what it is told to."""

    check_mode = False

    def __init__(self, contents=(), installed=(), objection=None):
        self.contents = dict(contents)
        self.installed = installed
        self.objection = objection
        self.module = self
        self.tested = []

    def run_command(self, command, **_kwargs):
        if "-p" in command:
            found = [self.contents[path] for path in command[command.index("-p") + 1 :] if path in self.contents]
            return 0, "".join("%s\x1f%d\x1f%s\x1f%s\x1f%s\n" % package for package in found), ""
        rows = ["%s\x1f%d\x1f%s\x1f%s\x1f%s\x1f7" % package for package in self.installed if package.name in command]
        return 0, "\n".join(rows) + "\nis not installed\n", ""

    def rpm(self, arguments):
        self.tested.append([os.path.basename(word) for word in arguments if word.endswith(".rpm")])
        return (1, "", self.objection) if self.objection else (0, "", "")


def make(tmp_path, node, package, *others):
    folder = tmp_path / str(package)
    folder.mkdir()
    for each in (package,) + others:
        path = folder / ("%s.rpm" % (each,))
        path.write_bytes(b"")
        node.contents[str(path)] = each


def test_files_are_told_apart_although_one_of_them_cannot_be_read():
    other = SHOP._replace(name="cart")
    assert _rpm_store.headers(Node({"/b": SHOP, "/c": other}), ["/c", "/a", "/b"]) == [(SHOP, "/b"), (other, "/c")]
    assert _rpm_store.headers(Node({"/b": SHOP, "/c": other}), ["/c", "/b"]) == [(SHOP, "/b"), (other, "/c")]


def test_a_folder_serves_the_package_that_it_is_named_after(tmp_path):
    node = Node()
    make(tmp_path, node, SHOP, SHOP._replace(name="lib"))
    (tmp_path / "cart-1.0-1.x86_64").mkdir()
    store = _rpm_store.Store(node, str(tmp_path))
    assert store.packages() == [SHOP]
    assert store.holds(SHOP)
    assert not store.holds(SHOP._replace(name="lib"))


@pytest.mark.parametrize(
    "arch, installed, comes_along",
    [
        ("x86_64", [("1", "x86_64")], True),
        ("x86_64", [("2", "x86_64")], False),
        ("x86_64", [("3", "x86_64")], False),
        # Both can be installed beside each other.
        ("i686", [("2", "x86_64")], True),
        ("i686", [("2", "x86_64"), ("2", "i686")], False),
        # One takes the place of the other.
        ("noarch", [("2", "x86_64")], False),
        ("x86_64", [("2", "noarch")], False),
        ("noarch", [("1", "x86_64")], True),
    ],
)
def test_which_of_those_pulled_in_come_along(tmp_path, arch, installed, comes_along):
    node = Node(installed=[Package("lib", 0, version, "1", has) for version, has in installed])
    make(tmp_path, node, SHOP, Package("lib", 0, "2", "1", arch))
    moves, files = _rpm_store.Store(node, str(tmp_path)).transaction(node, [(None, SHOP)])
    assert [str(new) for _old, new in moves] == ["shop-1.0-1.x86_64"] + ["lib-2-1.%s" % arch] * comes_along
    assert sorted(files.values()) == sorted(str(tmp_path / "shop-1.0-1.x86_64" / ("%s.rpm" % (new,))) for _old, new in moves)


def test_of_one_that_several_pulled_in_the_newest_comes_along(tmp_path):
    node, cart = Node(), SHOP._replace(name="cart")
    make(tmp_path, node, SHOP, Package("lib", 0, "10", "1", "noarch"))
    make(tmp_path, node, cart, Package("lib", 0, "9", "1", "noarch"), SHOP._replace(version="0.9"))
    moves = _rpm_store.Store(node, str(tmp_path)).transaction(node, [(None, SHOP), (None, cart)])[0]
    assert [str(new) for _old, new in moves] == ["shop-1.0-1.x86_64", "cart-1.0-1.x86_64", "lib-10-1.noarch"]


def test_the_reason_is_that_of_the_least_change(tmp_path):
    node = Node(installed=[Package("lib", 0, "3", "1", "noarch")], objection="rpm: use Alien instead!\nerror: Failed dependencies:\n\tx is needed\n")
    make(tmp_path, node, SHOP, Package("lib", 0, "2", "1", "noarch"))
    with pytest.raises(RpmError, match="^error: Failed dependencies: x is needed$"):
        _rpm_store.Store(node, str(tmp_path)).transaction(node, [(None, SHOP)])
    assert node.tested == [["shop-1.0-1.x86_64.rpm"], ["shop-1.0-1.x86_64.rpm", "lib-2-1.noarch.rpm"]]


def test_each_gets_what_it_needs_of_what_was_downloaded_together():
    said = {
        "/shop": "liba\n/usr/bin/tool\n\x1eshop\n/usr/bin/shop\n",
        "/cart": "(none)\n\x1ecart\n(none)\n",
        "/liba": "libb\n\x1eliba\nlibrary\n",
        "/libb": "liba\n\x1elibb\n",
        "/tools": "(none)\n\x1etools\n/usr/bin/tool\n",
        "/liked": "(none)\n\x1eliked\n",
    }
    node = Node()
    node.run_command = lambda command, **_kwargs: (0, said[command[-1]], "")
    owners, others = {"shop": "/shop", "cart": "/cart"}, {name: "/" + name for name in ("liba", "libb", "tools", "liked")}
    assert _rpm_store.by_owner(node, owners, others) == {"shop": others, "cart": {"liked": "/liked"}}
    assert _rpm_store.by_owner(node, {"cart": "/cart"}, others) == {"cart": others}


def test_a_store_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(RpmError, match="cannot make the store .*: Not a directory"), _rpm_store.workplace(Node(), str(tmp_path / "file" / "store"), 1):
        pass


def test_a_database_that_cannot_be_copied(tmp_path):
    node = Node()
    node.params = dict(lock_timeout_s=0)
    node.run_command = lambda command, **_kwargs: (0, "%s\n" % (tmp_path / "none"), "")
    with pytest.raises(RpmError, match="RPM's database could not be copied"):
        _rpm_store.rehearse_way_back(node, None, [], {}, str(tmp_path))
