# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import argparse
import os
import platform
import re

import pytest
from ansible.module_utils.common.text.converters import to_text

from ansible_collections.halfswap.bluegreen.plugins.module_utils.node import _records, _systemd
from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm import _rpm_files, _rpm_lock, _rpm_release
from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm._rpm import Package
from ansible_collections.halfswap.bluegreen.plugins.modules import rpm_release

NODE = platform.node()


def package(name, version, release="1", arch="noarch", epoch=0):
    return Package(name, epoch, version, release, arch)


@pytest.fixture
def node(rpm_node):
    return rpm_node


@pytest.fixture(params=["dnf", "yum"])
def any_node(request, node):
    node.manager = request.param
    return node


def args(*packages, **changes):
    return dict(packages=[dict(zip(("name", "version", "release"), each)) if isinstance(each, tuple) else each for each in packages], **changes)


def entry(before, after, **more):
    return dict(name=after.name, before=str(before) if before else None, after=str(after), exact=dict(after._asdict()), **dict(dict(differing=[]), **more))


def test_first_installation_of_two_in_one_transaction(run_module, any_node):
    result = run_module(rpm_release, args(("shop", "1.0.0"), ("cart", "2.0.0")), diff=True)
    shop, cart = package("shop", "1.0.0"), package("cart", "2.0.0")
    assert result == {
        "changed": True,
        "packages": [entry(None, shop), entry(None, cart)],
        "diff": {"before": "", "after": "shop-1.0.0-1.noarch\ncart-2.0.0-1.noarch\n"},
    }
    assert any_node.installed == {"shop": shop, "cart": cart}
    assert len(any_node.transactions) == 1


def test_up_and_down_in_one_transaction(run_module, any_node):
    old = {"shop": package("shop", "2.0.0", "2"), "cart": package("cart", "1.0.0")}
    any_node.installed.update(old)
    result = run_module(rpm_release, args(("shop", "1.0.0"), ("cart", "2.0.0")), diff=True)
    new = {"shop": package("shop", "1.0.0"), "cart": package("cart", "2.0.0")}
    assert result["changed"]
    assert result["packages"] == [entry(old[name], new[name]) for name in ("shop", "cart")]
    assert result["diff"]["before"] == "shop-2.0.0-2.noarch\ncart-1.0.0-1.noarch\n"
    assert any_node.installed == new
    assert len(any_node.transactions) == 1


def test_nothing_to_do(run_module, any_node):
    shop = any_node.installed["shop"] = package("shop", "2.0.0", "2")
    assert run_module(rpm_release, args(("shop", "2.0.0"), rehearse=True)) == {"changed": False, "packages": [entry(shop, shop)]}
    assert any_node.transactions == []


def test_an_exact_package_that_is_installed_asks_nobody(run_module, node):
    shop = node.installed["shop"] = package("shop", "2.0.0")
    node.repository = []
    assert run_module(rpm_release, args(("shop", "2.0.0", "1"))) == {"changed": False, "packages": [entry(shop, shop)]}
    assert node.managed == []


def test_a_version_alone_is_its_newest_release(run_module, any_node):
    any_node.installed["shop"] = package("shop", "2.0.0")
    any_node.published = [package("shop", "2.0.0", "10")]
    assert run_module(rpm_release, args(("shop", "2.0.0")))["packages"][0]["after"] == "shop-2.0.0-10.noarch"


def test_a_version_alone_never_goes_back_to_an_older_release(run_module, any_node):
    shop = any_node.installed["shop"] = package("shop", "2.0.0", "3")
    assert run_module(rpm_release, args(("shop", "2.0.0"))) == {"changed": False, "packages": [entry(shop, shop)]}


def test_a_version_alone_that_only_the_node_still_has(run_module, any_node):
    shop = any_node.installed["shop"] = package("shop", "0.9")
    assert run_module(rpm_release, args(("shop", "0.9"))) == {"changed": False, "packages": [entry(shop, shop)]}


def test_metadata_are_renewed_only_where_the_answer_needs_it(run_module, node):
    run_module(rpm_release, args(("shop", "2.0.0", "1")))
    assert ["--refresh" in call for call in node.managed] == [False, False]
    del node.calls[:]
    run_module(rpm_release, args(("shop", "2.0.0")))
    assert ["--refresh" in call for call in node.managed] == [True, False]
    del node.calls[:]
    node.published = [package("shop", "3.0.0")]
    run_module(rpm_release, args(("shop", "3.0.0", "1")))
    assert ["--refresh" in call for call in node.managed] == [False, True, False]
    assert node.installed["shop"] == package("shop", "3.0.0")


def test_yum_forgets_its_metadata_where_the_answer_needs_it(run_module, node):
    node.manager = "yum"
    node.published = [package("shop", "3.0.0")]
    run_module(rpm_release, args(("shop", "3.0.0", "1")))
    assert [call[1] for call in node.managed] == ["--showduplicates", "clean", "--showduplicates", "/dev/stdin"]


def test_epoch_release_and_architecture(run_module, any_node):
    any_node.repository = [
        package("shop", "1.0", arch="i686"),
        package("shop", "1.0", arch="x86_64"),
        package("shop", "1.0", arch="src"),
        package("shop", "1.0", arch="x86_64", epoch=2),
        package("only32", "1.0", arch="i686"),
    ]
    wanted = [
        (dict(name="shop", version="1.0"), "shop-2:1.0-1.x86_64"),
        (dict(name="shop", version="1.0", epoch=0), "shop-1.0-1.x86_64"),
        (dict(name="shop", version="1.0", arch="i686"), "shop-1.0-1.i686"),
        (dict(name="only32", version="1.0"), "only32-1.0-1.i686"),
    ]
    for each, after in wanted:
        result = run_module(rpm_release, args(each), check_mode=True)
        assert [found["after"] for found in result["packages"]] == [after]


def test_check_mode_changes_nothing(run_module, any_node):
    any_node.installed["shop"] = package("shop", "1.0.0")
    result = run_module(rpm_release, args(("shop", "2.0.0")), check_mode=True)
    assert result == {"changed": True, "packages": [entry(package("shop", "1.0.0"), package("shop", "2.0.0", "2"))]}
    assert any_node.transactions == []


def test_check_mode_rehearses(run_module, any_node):
    assert run_module(rpm_release, args(("shop", "2.0.0"), rehearse=True), check_mode=True)["changed"]
    assert ["--setopt=tsflags=test" in call for call in any_node.transactions] == [True]
    assert any_node.installed == {}


def test_a_rehearsal_comes_first(run_module, any_node):
    run_module(rpm_release, args(("shop", "2.0.0"), rehearse=True))
    assert ["--setopt=tsflags=test" in call for call in any_node.transactions] == [True, False]


def test_a_rehearsal_that_fails(run_module, any_node):
    any_node.failure = "Transaction test error:\n  installing package shop needs 21MB more space on the /opt filesystem"
    if any_node.manager == "yum":
        any_node.failure = any_node.failure.replace("test", "check")
    result = run_module(rpm_release, args(("shop", "2.0.0"), rehearse=True))
    assert result.failed
    assert result["msg"] == "%s: %s could not rehearse the installation of shop-2.0.0-2.noarch: %s" % (NODE, any_node.manager, any_node.failure)
    assert any_node.installed == {}
    assert len(any_node.transactions) == 1


def test_a_manager_that_left_one_out(run_module, any_node):
    any_node.refuses = ("cart",)
    result = run_module(rpm_release, args(("shop", "2.0.0"), ("cart", "2.0.0")))
    assert result.failed
    assert result["msg"].startswith("%s: cart-2.0.0-1.noarch is not installed after the transaction, but nothing; %s said:" % (NODE, any_node.manager))


def test_a_failed_scriptlet_is_told(run_module, node):
    node.noise = "warning: %post(shop-2.0.0-2.noarch) scriptlet failed, exit status 1"
    assert run_module(rpm_release, args(("shop", "2.0.0")))["warnings"] == [node.noise]


def test_a_version_that_is_not_there(run_module, any_node):
    any_node.installed["shop"] = package("shop", "2.0.0")
    result = run_module(rpm_release, args(("shop", "3.0.0"), ("nosuch", "1"), dict(name="cart", version="1.0.0", release="7", arch="x86_64")))
    assert result.failed
    held = "shop-2.0.0-2.noarch (halfswap), shop-2.0.0-1.noarch (halfswap), shop-1.0.0-1.noarch (halfswap)"
    if any_node.manager == "yum":
        # It lists nothing that is installed.
        held = held.replace("shop-2.0.0-1.noarch (halfswap), ", "")
    assert result["msg"] == (
        "{0}: the repositories have no shop 3.0.0 for this node; they have {1}; shop-2.0.0-1.noarch is installed; "
        "the repositories have no nosuch 1 for this node; they have no nosuch at all; nothing is installed; "
        "the repositories have no cart 1.0.0-7 (arch x86_64) for this node; they have cart-2.0.0-1.noarch (halfswap), "
        "cart-1.0.0-1.noarch (halfswap); nothing is installed; repositories asked: halfswap".format(NODE, held)
    )
    assert any_node.transactions == []


def test_a_repository_that_was_left_out_is_told(run_module, node):
    node.repository = []
    node.noise = "Unable to detect release version\nError: Failed to download metadata for repo 'halfswap'\nIgnoring repositories: halfswap\n"
    said = run_module(rpm_release, args(("shop", "3.0.0")))["msg"]
    assert said.endswith("dnf said: Error: Failed to download metadata for repo 'halfswap' Ignoring repositories: halfswap")


def test_only_these_repositories(run_module, any_node):
    run_module(rpm_release, args(("shop", "2.0.0"), disablerepo=["*"], enablerepo=["halfswap"]))
    calls = any_node.managed
    assert len(calls) > 1
    assert all(call[:2] == ["--disablerepo=*", "--enablerepo=halfswap"] for call in calls)


@pytest.fixture
def processes(tmp_path, monkeypatch):
    """Where the kernel tells of processes."""
    (tmp_path / "proc" / "4711").mkdir(parents=True)
    monkeypatch.setattr(_rpm_lock, "PROC", str(tmp_path / "proc"))
    return tmp_path / "proc"


def test_a_lock_is_waited_for(run_module, any_node, clock, processes):
    (processes / "4711" / "cmdline").write_bytes(b"/usr/bin/python3\0/usr/bin/dnf\0-y\0upgrade\0")
    any_node.locked_for = 3
    result = run_module(rpm_release, args(("shop", "2.0.0")))
    assert result["changed"] and clock.sleeps == [1, 1, 1]
    (said,) = result["warnings"]
    assert said.startswith("Another package manager was waited for, 3.0 s: ")
    assert any_node.manager == "yum" or said.endswith("metadata already locked by 4711 (/usr/bin/python3 /usr/bin/dnf -y upgrade).")


def test_a_lock_that_stays(run_module, any_node, clock, processes):
    any_node.locked_for = 1000
    result = run_module(rpm_release, args(("shop", "2.0.0"), lock_timeout_s=5))
    assert result.failed
    holder = "metadata already locked by 4711"
    if any_node.manager == "yum":
        holder = "Another app is currently holding the yum lock; exiting as configured by exit_on_lock"
    assert result["msg"] == "%s: another package manager was still at work after 5 s (lock_timeout_s): %s" % (NODE, holder)
    assert clock.elapsed == 5
    assert any_node.installed == {}


def test_an_rpm_transaction_is_waited_for_and_who_makes_it_is_said(run_module, node, clock, other_manager):
    other = other_manager(node.dbpath / ".rpm.lock")
    clock.at(2, other.end)
    result = run_module(rpm_release, args(("shop", "2.0.0")))
    assert result["changed"] and clock.sleeps == [1, 1]
    (said,) = result["warnings"]
    assert said.startswith("Another package manager was waited for, 2.0 s: the lock of RPM's database is held by pid %d (" % other.pid)


def test_an_rpm_transaction_that_stays(run_module, node, clock, other_manager):
    other = other_manager(node.dbpath / ".rpm.lock")
    result = run_module(rpm_release, args(("shop", "2.0.0"), lock_timeout_s=3))
    assert result.failed and clock.elapsed == 3 and node.installed == {}
    assert "another package manager was still at work after 3 s (lock_timeout_s): the lock of RPM's database is held by pid %d" % other.pid in result["msg"]


@pytest.mark.parametrize(
    "shown, started_up_s, expected",
    [
        ("MainPID=77\n", 100.0, True),
        ("MainPID=77\n", 101.0, False),
        ("MainPID=0\n", 100.0, False),
    ],
)
def test_a_process_older_than_its_package(run_module, node, clock, monkeypatch, shown, started_up_s, expected):
    shop = node.installed["shop"] = package("shop", "2.0.0")
    node.service = shown
    # Now is 1000, booted at 899; the package is of 1000.
    monkeypatch.setattr(_systemd, "up_s", lambda: 101.0)
    monkeypatch.setattr(_systemd, "started_up_s", {77: started_up_s}.get)
    result = run_module(rpm_release, args(dict(name="shop", version="2.0.0", release="1", service="shop")))
    assert result == {"changed": False, "packages": [entry(shop, shop, stale=expected)]}
    assert node.calls[-1][-2:] == ["--", "shop"]


def test_a_service_whose_package_is_not_installed(run_module, node):
    assert run_module(rpm_release, args(dict(name="shop", version="2.0.0", service="shop")), check_mode=True)["packages"][0]["stale"] is False


@pytest.mark.parametrize(
    "packages, text",
    [
        ([("shop", "2.0-1")], "version of shop '2.0-1' cannot be used in an RPM"),
        ([("shop", "2.0", "1-1")], "release of shop '1-1' cannot be used in an RPM"),
        ([("my shop", "2.0")], "packages[].name 'my shop' is no RPM name"),
        ([("shop", "2.0"), ("shop", "1.0")], "package shop is listed more than once"),
    ],
)
def test_bad_input_asks_nobody(run_module, node, packages, text):
    result = run_module(rpm_release, args(*packages))
    assert result.failed
    assert text in result["msg"]
    assert node.calls == []


def test_two_of_one_name_are_installed(run_module, node):
    node.installed["shop"] = [package("shop", "1.0.0"), package("shop", "2.0.0")]
    assert "more than one shop is installed (shop-1.0.0-1.noarch, shop-2.0.0-1.noarch)" in run_module(rpm_release, args(("shop", "2.0.0")))["msg"]
    node.installed["shop"] = [package("shop", "1.0.0", arch="i686"), package("shop", "1.0.0", arch="x86_64")]
    node.repository = [package("shop", "2.0.0", arch="x86_64")]
    result = run_module(rpm_release, args(("shop", "2.0.0")), check_mode=True)
    assert result["packages"][0]["before"] == "shop-1.0.0-1.x86_64"


def test_not_root(run_module, node, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert run_module(rpm_release, args(("shop", "2.0.0")))["msg"] == "%s: this needs root: set become" % NODE
    assert node.calls == []


def test_no_manager(run_module, node):
    node.manager = "microdnf"
    assert run_module(rpm_release, args(("shop", "2.0.0")))["msg"] == "%s: neither dnf nor yum is on PATH of this node" % NODE


def test_a_repository_that_must_answer(run_module, node, monkeypatch):
    monkeypatch.setattr(node, "repoquery", lambda *_: (1, "", "Error: Failed to download metadata for repo 'halfswap': Cannot download repomd.xml\n"))
    said = run_module(rpm_release, args(("shop", "2.0.0")))["msg"]
    assert re.match(r".*: dnf could not ask the repositories for shop: Failed to download metadata for repo 'halfswap'", said)


def put(node, store, package, *others):
    """As module rpm_stage leaves it."""
    folder = store / str(package)
    folder.mkdir(parents=True)
    for each in (package,) + others:
        node.write_rpm(folder / ("%s.rpm" % (each,)), each)
    return str(folder / ("%s.rpm" % (package,)))


def test_from_the_store_no_repository_is_asked(run_module, any_node, tmp_path):
    old, new = package("shop", "2.0.0"), package("shop", "1.0.0")
    any_node.installed["shop"] = old
    file = put(any_node, tmp_path / "store", new)
    any_node.repository = []
    result = run_module(rpm_release, args(("shop", "1.0.0", "1"), store=str(tmp_path / "store"), rehearse=True))
    assert result == {"changed": True, "packages": [entry(old, new)]}
    assert any_node.installed["shop"] == new
    assert any_node.managed == []
    assert any_node.upgrades == [["--test", "-U", "--oldpackage", "--replacepkgs", file], ["-U", "--oldpackage", "--replacepkgs", file]]


@pytest.mark.parametrize("said", ["[main]\nlocalpkg_gpgcheck=1\n", "gpgcheck=0\n localpkg_gpgcheck = True \n", "[main]\nlocalpkg_gpgcheck=yes"])
def test_a_site_that_checks_files_has_its_manager_do_it(run_module, any_node, tmp_path, monkeypatch, said):
    (tmp_path / "dnf.conf").write_text(to_text(said))
    monkeypatch.setattr(_rpm_release, "CONFIGURATION", (str(tmp_path / "*.conf"), "/none"))
    any_node.installed["shop"] = package("shop", "2.0.0")
    file = put(any_node, tmp_path / "store", package("shop", "1.0.0"))
    run_module(rpm_release, args(("shop", "1.0.0", "1"), store=str(tmp_path / "store"), rehearse=True))
    assert any_node.installed["shop"] == package("shop", "1.0.0")
    if any_node.manager == "dnf":
        assert any_node.managed == [["--disablerepo=*", "--setopt=tsflags=test", "install", file], ["--disablerepo=*", "install", file]]
    else:
        assert [call[0] for call in any_node.managed] == ["--disablerepo=*", "--disablerepo=*"]
    assert [call[0] for call in any_node.upgrades] == ["--test"]


@pytest.mark.parametrize("said", ["", "localpkg_gpgcheck=0\n", "# localpkg_gpgcheck=1\n", "localpkg_gpgcheck=maybe\n"])
def test_a_site_that_does_not_check_files(said, tmp_path, monkeypatch):
    (tmp_path / "dnf.conf").write_text(to_text(said))
    monkeypatch.setattr(_rpm_release, "CONFIGURATION", (str(tmp_path / "*.conf"),))
    assert not _rpm_release.Dnf(argparse.Namespace(params=dict(disablerepo=[], enablerepo=[])), "dnf").checks_files


def test_what_rpm_says_of_a_file_that_it_cannot_install(run_module, node, tmp_path):
    put(node, tmp_path / "store", package("shop", "1.0.0"))
    node.failure = "unpacking of archive failed on file /opt/shop/app.py: cpio: rename failed - Device or resource busy"
    result = run_module(rpm_release, args(("shop", "1.0.0", "1"), store=str(tmp_path / "store")))
    assert result["msg"] == "%s: rpm could not install shop-1.0.0-1.noarch.rpm: error: %s" % (NODE, node.failure)


def test_of_what_was_pulled_in_only_what_is_needed_is_installed(run_module, node, tmp_path):
    shop, absent, newer, same = package("shop", "2.0.0"), package("liba", "2"), package("libb", "1"), package("libc", "1")
    node.installed.update(libb=package("libb", "2"), libc=same, libd=package("libd", "1"))
    put(node, tmp_path / "store", shop, absent, newer, same, package("libd", "3"))
    node.repository = []
    wanted = args(("shop", "2.0.0", "1"), store=str(tmp_path / "store"))
    assert run_module(rpm_release, wanted)["packages"] == [entry(None, shop)]
    assert node.installed == dict(shop=shop, liba=absent, libb=package("libb", "2"), libc=same, libd=package("libd", "3"))


def test_what_is_older_comes_along_where_nothing_else_will_do(run_module, any_node, tmp_path):
    shop, lib, same = package("shop", "1.0.0"), package("lib", "1"), package("same", "1")
    any_node.installed.update(shop=package("shop", "2.0.0"), lib=package("lib", "2"), same=same)
    any_node.objection = lambda before, after: None if after["lib"] == lib else "lib = 1 is needed by shop-1.0.0-1.noarch"
    put(any_node, tmp_path / "store", shop, lib, same)
    run_module(rpm_release, args(("shop", "1.0.0", "1"), store=str(tmp_path / "store")))
    assert any_node.installed == dict(shop=shop, lib=lib, same=same)


def test_a_store_from_which_it_cannot_be_installed(run_module, node, tmp_path):
    put(node, tmp_path / "store", package("shop", "1.0.0"))
    node.objection = lambda before, after: "lib = 1 is needed by shop-1.0.0-1.noarch"
    result = run_module(rpm_release, args(("shop", "1.0.0", "1"), store=str(tmp_path / "store")))
    assert result["msg"] == "%s: shop-1.0.0-1.noarch cannot be installed from %s: error: Failed dependencies: lib = 1 is needed by shop-1.0.0-1.noarch" % (
        NODE,
        tmp_path / "store",
    )
    assert node.managed == []


def test_what_is_not_in_the_store_comes_from_the_repositories(run_module, any_node, tmp_path):
    put(any_node, tmp_path / "store", package("shop", "1.0.0"))
    result = run_module(rpm_release, args(("shop", "1.0.0", "1"), ("cart", "2.0.0", "1"), store=str(tmp_path / "store")))
    assert result["changed"]
    assert any_node.installed == dict(shop=package("shop", "1.0.0"), cart=package("cart", "2.0.0"))
    assert len(any_node.transactions) == 1
    assert not any("--disablerepo=*" in call for call in any_node.managed)


def test_a_file_that_rpm_cannot_read_is_as_good_as_none(run_module, node, tmp_path):
    file = put(node, tmp_path / "store", package("shop", "1.0.0"))
    with open(file, "w") as rpm:
        rpm.write("half of it")
    assert run_module(rpm_release, args(("shop", "1.0.0", "1"), store=str(tmp_path / "store")))["changed"]
    assert not any("--disablerepo=*" in call for call in node.managed)


def test_one_that_did_not_have_to_change_is_looked_at_too(run_module, node):
    node.installed["cart"] = package("cart", "1.0.0")
    node.pulls = {"shop-1.0.0-1.noarch": [package("cart", "2.0.0")]}
    said = run_module(rpm_release, args(("shop", "1.0.0"), ("cart", "1.0.0")))["msg"]
    assert "cart-1.0.0-1.noarch is not installed after the transaction, but cart-2.0.0-1.noarch" in said


@pytest.fixture
def records(monkeypatch, tmp_path):
    monkeypatch.setattr(_records, "DIRECTORY", str(tmp_path / "records"))
    return _records


def test_the_journal_says_what_was_done_and_what_was_not(run_module, node, records):
    node.installed["shop"] = package("shop", "1.0.0")
    wanted = args(("shop", "2.0.0", "1"), ("cart", "1.0.0", "1"), run_id="r1", by="ops@laptop")
    node.failure = "no space left"
    assert run_module(rpm_release, wanted).failed
    node.failure = None
    run_module(rpm_release, wanted)
    lines = records.journal(9)
    packages = dict(before=["shop-1.0.0-1.noarch"], after=["shop-2.0.0-1.noarch", "cart-1.0.0-1.noarch"], what="packages", run_id="r1", by="ops@laptop")
    for line in lines:
        line.pop("at")
    assert lines[0] == dict(packages, result="failed", why="dnf could not install shop-2.0.0-1.noarch, cart-1.0.0-1.noarch: no space left")
    assert lines[1:] == [dict(packages, result="ok")]


def test_the_journal_is_for_what_is_done_only(run_module, node, records):
    run_module(rpm_release, args(("shop", "2.0.0"), run_id="r1"), check_mode=True)
    run_module(rpm_release, args(("shop", "2.0.0")))
    run_module(rpm_release, args(("shop", "2.0.0"), run_id="r1"))
    assert records.journal(9) == []


def test_nothing_is_done_that_cannot_be_written_down(run_module, node, monkeypatch, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setattr(_records, "DIRECTORY", str(tmp_path / "file" / "records"))
    said = run_module(rpm_release, args(("shop", "2.0.0"), run_id="r1"))["msg"]
    assert "Cannot write to %s" % (tmp_path / "file" / "records") in said
    assert node.installed == {}


# ---- Files on the disk that are not those of the package ----------------------------------------------------------------------------------------

EDITED = "S.5....T.    /opt/shop/app.py"


@pytest.fixture
def stored(any_node, tmp_path):
    """The shop 1.0.0 is installed, and it and 2.0.0 are in the store."""
    any_node.installed["shop"] = package("shop", "1.0.0")
    for version in ("1.0.0", "2.0.0"):
        put(any_node, tmp_path / "store", package("shop", version))
    return any_node


def test_a_mixture_is_installed_again_from_the_store(run_module, stored, tmp_path):
    stored.altered = {"shop": [EDITED, "S.5......  c /etc/shop.conf"]}
    result = run_module(rpm_release, args(("shop", "1.0.0", "1"), store=str(tmp_path / "store"), rehearse=True))
    shop = package("shop", "1.0.0")
    assert result["packages"] == [entry(shop, shop, differing=["/opt/shop/app.py (size, content)"])]
    assert result["changed"] and stored.altered == {} and stored.managed == []


@pytest.mark.parametrize(
    "version, altered, done",
    [
        # What is exchanged is read once, after it; what stays once, for that is its proof; and what is installed again before and after it.
        ("2.0.0", [], ["install", "read"]),
        ("1.0.0", [], ["read"]),
        ("1.0.0", [EDITED], ["read", "install", "read"]),
    ],
)
def test_files_are_read_no_more_often_than_the_proof_needs(run_module, stored, tmp_path, version, altered, done):
    stored.altered = {"shop": altered}
    run_module(rpm_release, args(("shop", version, "1"), store=str(tmp_path / "store")))
    kinds = [
        "read" if "-V" in call and "--nofiledigest" not in call else "install" if "-U" in call and "--test" not in call else ""
        for call in stored.calls
        if call[0] == "rpm"
    ]
    assert [kind for kind in kinds if kind] == done


def test_what_is_no_part_of_a_release_may_be_changed(run_module, stored, tmp_path):
    stored.altered = {"shop": ["S.5......  c /etc/shop.conf", ".M...U...    /opt/shop/app.py", ".......T.    /opt/shop/x"]}
    assert not run_module(rpm_release, args(("shop", "1.0.0", "1"), store=str(tmp_path / "store")))["changed"]
    assert stored.upgrades == []


def test_without_a_store_a_mixture_is_installed_again_by_the_manager(run_module, any_node):
    any_node.installed.update(shop=package("shop", "1.0.0"), cart=package("cart", "1.0.0"))
    any_node.altered = {"shop": ["missing     /opt/shop/app.py"]}
    assert run_module(rpm_release, args(("shop", "1.0.0", "1"), ("cart", "2.0.0", "1"), rehearse=True))["changed"]
    assert any_node.altered == {} and any_node.installed["cart"].version == "2.0.0"


def test_check_mode_says_that_it_would_be_installed_again(run_module, stored, tmp_path):
    stored.altered = {"shop": [EDITED]}
    assert run_module(rpm_release, args(("shop", "1.0.0", "1"), store=str(tmp_path / "store")), check_mode=True)["changed"]
    assert stored.altered and stored.upgrades == []


@pytest.mark.parametrize("reason", ["Device or resource busy", "Operation not permitted", "No space left on device"])
def test_a_transaction_that_fails_half_way_says_so_and_the_next_one_mends_it(run_module, stored, tmp_path, reason):
    stored.failure = "unpacking of archive failed on file /opt/shop/x;6b0dd0b7: cpio: rename failed - %s" % reason
    stored.altered = {"shop": ["..5......    /opt/shop/version"]}
    result = run_module(rpm_release, args(("shop", "2.0.0", "1"), store=str(tmp_path / "store"), run_id="r1"))
    assert result["msg"] == (
        "%s: rpm could not install shop-2.0.0-1.noarch.rpm: error: %s. It has left a mixture: RPM's database names shop-1.0.0-1.noarch, and 1 file on "
        "the disk differs from it (/opt/shop/version (content)). Mend the reason; the way back, or deploy again, installs all files anew."
        % (NODE, stored.failure)
    )
    # Whoever looks at it now reads the files, although neither size nor time tells.
    assert _rpm_files.differing_at_a_glance(stored, ["shop"]) == {"shop": ["/opt/shop/version (content)"]}
    stored.failure = None
    back = run_module(rpm_release, args(("shop", "1.0.0", "1"), store=str(tmp_path / "store"), run_id="r1"))
    assert back["changed"] and stored.altered == {}
    assert _rpm_files.differing_at_a_glance(stored, ["shop"]) == {"shop": []}
    stored.altered = {"shop": ["..5......    /opt/shop/version"]}
    assert _rpm_files.differing_at_a_glance(stored, ["shop"]) == {"shop": []}


def test_a_file_that_is_not_exchanged_although_rpm_says_so(run_module, stored, tmp_path, monkeypatch):
    stored.altered = {"shop": [EDITED]}
    monkeypatch.setattr(stored, "_has_own_files", lambda packages: None)
    said = run_module(rpm_release, args(("shop", "2.0.0", "1"), store=str(tmp_path / "store")))["msg"]
    assert "shop-2.0.0-1.noarch is installed, but 1 file on the disk differs from it (/opt/shop/app.py (size, content))" in said
    assert "in may_differ" in said
    mine = [dict(name="shop", version="2.0.0", release="1", may_differ=["/opt/shop/*.py"])]
    assert not run_module(rpm_release, dict(packages=mine, store=str(tmp_path / "store"))).failed


@pytest.mark.parametrize("name", ["dnf.rpm.log", "dnf5.log"])
def test_what_rpm_told_only_the_log(run_module, node, tmp_path, monkeypatch, name):
    """dnf itself says no more than that the transaction failed."""
    log = tmp_path / name
    log.write_bytes(b"2026-11-01T10:00:00+0000 INFO error: of another day\n")
    monkeypatch.setattr(_rpm_release, "RPM_LOGS", (str(log), str(tmp_path / "none")))
    node.failure = "Transaction failed"
    transaction = node.transaction

    def logs(labels, options):
        with open(str(log), "ab") as file:
            file.write(b"2026-11-30T10:00:00+0000 SUBDEBUG Upgrade: shop\n2026-11-30T10:00:01+0000 ERROR error: unpacking failed on file /opt/caf\xe9: busy\n")
        return transaction(labels, options)

    monkeypatch.setattr(node, "transaction", logs)
    said = run_module(rpm_release, args(("shop", "2.0.0")))["msg"]
    assert "of another day" not in said and "SUBDEBUG" not in said and "; rpm said: error: unpacking failed on file /opt/caf" in said


def test_why_a_manager_sums_up_an_error(run_module, node, monkeypatch):
    out = "Downloading Packages:\nError unpacking rpm package shop-2.0.0-1.noarch\nFailed:\n  shop\n"
    monkeypatch.setattr(node, "transaction", lambda labels, options: (1, out, "Error: Transaction failed\n"))
    said = run_module(rpm_release, args(("shop", "2.0.0")))["msg"]
    assert "Error unpacking rpm package shop-2.0.0-1.noarch Failed: Transaction failed" in said
