# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm import _rpm_proxy
from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm._rpm import Package, RpmError
from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm._rpm_release import Dnf, Yum, find_manager


class Node:
    """Stands in for an AnsibleModule on a node whose package manager answers this."""

    def __init__(self, status=0, out="", err="", commands=("dnf",)):
        self.params = dict(enablerepo=[], disablerepo=[], lock_timeout_s=0)
        self.answer = (status, out, err)
        self.commands = commands
        self.data = None

    def get_bin_path(self, name):
        return "/usr/bin/" + name if name in self.commands else None

    def run_command(self, command, data=None, environ_update=None):
        self.data, self.environment = data, environ_update
        return (0, "/nowhere\n", "") if command[0] == "rpm" else self.answer


@pytest.mark.parametrize(
    "commands, name, path",
    [(("dnf", "yum"), "dnf", "/usr/bin/dnf"), (("dnf5",), "dnf", "/usr/bin/dnf5"), (("yum",), "yum", "/usr/bin/yum")],
)
def test_which_manager(commands, name, path):
    found = find_manager(Node(commands=commands))
    assert (found.name, found.command[0]) == (name, path)


@pytest.mark.parametrize("manager", [Dnf, Yum])
def test_a_manager_reaches_this_node_without_a_proxy(manager, monkeypatch, tmp_path):
    monkeypatch.setattr(_rpm_proxy, "REPOSITORIES", str(tmp_path / "*.repo"))
    monkeypatch.setattr(os, "environ", dict(http_proxy="http://proxy:3128"))
    asked = Node(out="Available Packages\n")
    manager(asked, "m").available(["shop"], False)
    assert asked.environment["no_proxy"] == "localhost,127.0.0.1,::1"


def test_dnf_says_what_there_is():
    out = (
        "Updating Subscription Management repositories.\n"
        "Last metadata expiration check: 0:00:01 ago on Fri Nov 20 09:28:49 2026.\n"
        "shop 0 1.0.0 1 noarch halfswap\n\n"
        "shop 2 2.0.0 1.el8 x86_64 base\n\n"
        "other 0 1.0 1 noarch halfswap\n"
    )
    assert Dnf(Node(out=out), "dnf").available(["shop"], False) == [
        (Package("shop", 0, "1.0.0", "1", "noarch"), "halfswap"),
        (Package("shop", 2, "2.0.0", "1.el8", "x86_64"), "base"),
    ]


def test_yum_says_what_there_is_in_rows_that_it_breaks():
    out = (
        "Loaded plugins: fastestmirror\n"
        "Available Packages\n"
        "shop.noarch                      1.0.0-1                      halfswap\n"
        "shop.noarch                      2:2.0.0-1                    halfswap\n"
        "a-shop-with-quite-a-long-name-for-a-column.x86_64\n"
        "                                 20261120.1045.feature-1.el7  a-repository-with-a-long-name\n"
    )
    names = ["shop", "a-shop-with-quite-a-long-name-for-a-column"]
    assert Yum(Node(out=out), "yum").available(names, False) == [
        (Package("shop", 0, "1.0.0", "1", "noarch"), "halfswap"),
        (Package("shop", 2, "2.0.0", "1", "noarch"), "halfswap"),
        (Package(names[1], 0, "20261120.1045.feature", "1.el7", "x86_64"), "a-repository-with-a-long-name"),
    ]


def test_nothing_there_is_no_error_for_yum_but_silence_is():
    assert Yum(Node(1, err="Error: No matching Packages to list\n"), "yum").available(["shop"], False) == []
    with pytest.raises(RpmError, match="yum could not ask the repositories for shop: failure: repodata/repomd.xml"):
        Yum(Node(1, err="failure: repodata/repomd.xml from halfswap: [Errno 256] No more mirrors to try.\n"), "yum").available(["shop"], False)


def test_the_names_of_repositories():
    assert Dnf(Node(out="repo id    repo name\nbase       Base\nhalfswap   Halfswap\n"), "dnf").repositories() == ["base", "halfswap"]
    out = "repo id            repo name       status\nbase/7/x86_64      CentOS-7        10,072\n!halfswap          Halfswap        2\nrepolist: 10,074\n"
    assert Yum(Node(out=out), "yum").repositories() == ["base", "halfswap"]


def test_yum_goes_up_and_down_at_once():
    node = Node(out="Transaction test succeeded\n")
    old, new = Package("shop", 0, "1.0", "1", "noarch"), Package("shop", 1, "0.5", "1", "noarch")
    Yum(node, "yum").transact([(old, new), (None, old), (new, old)], test=False)
    assert node.data == "install shop-1:0.5-1.noarch\ninstall shop-1.0-1.noarch\ndowngrade shop-1.0-1.noarch\nrun\n"


def test_yum_that_never_got_to_the_test():
    out = "Error: Package: shop-1.0-1.noarch (halfswap)\n           Requires: nosuchthing\n"
    with pytest.raises(RpmError, match="yum could not install shop-1.0-1.noarch: Package: shop-1.0-1.noarch .halfswap.\n.*Requires: nosuchthing"):
        Yum(Node(out=out), "yum").transact([(None, Package("shop", 0, "1.0", "1", "noarch"))], test=False)


@pytest.mark.parametrize(
    "status, said",
    [
        (200, "metadata already locked by 4711"),
        (1, "Another app is currently holding the yum lock; exiting as configured by exit_on_lock"),
        (1, "Failed to obtain rpm transaction lock. Another transaction is in progress."),
    ],
)
def test_what_a_lock_looks_like(status, said):
    with pytest.raises(RpmError, match="another package manager was still at work after 0 s .lock_timeout_s.: " + said[:20]):
        Dnf(Node(status, err=said), "dnf").available(["shop"], False)
