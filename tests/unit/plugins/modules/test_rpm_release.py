# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import errno
import fcntl
import io
import os
import platform
import re

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils import _rpm_release, _systemd
from ansible_collections.halfswap.bluegreen.plugins.module_utils._rpm import Package
from ansible_collections.halfswap.bluegreen.plugins.modules import rpm_release

NODE = platform.node()
# What "dnf" is called with, and what "yum" is.
DNF = ["/usr/bin/dnf", "-y", "--setopt=exit_on_lock=1"]
YUM = ["/usr/bin/yum", "-y", "--setopt=exit_on_lock=1"]


def package(name, version, release="1", arch="noarch", epoch=0):
    return Package(name, epoch, version, release, arch)


class Node:
    """A node with rpm and one package manager, which answer as the real ones do."""

    def __init__(self, tmp_path):
        self.manager = "dnf"
        self.installed = {}
        self.installed_at = 1000
        self.repository = [
            package("shop", "1.0.0"),
            package("shop", "2.0.0"),
            package("shop", "2.0.0", "2"),
            package("cart", "1.0.0"),
            package("cart", "2.0.0"),
        ]
        # What --refresh brings.
        self.published = []
        self.calls = []
        self.locked_for = 0
        self.failure = None
        self.noise = ""
        self.refuses = ()
        self.service = "MainPID=0\nExecMainStartTimestampMonotonic=0\n"
        self.dbpath = tmp_path

    @property
    def managed(self):
        """What the package manager was asked, without what it is always asked with."""
        return [call[3:] for call in self.calls if call[0] in (DNF[0], YUM[0])]

    @property
    def transactions(self):
        return [call for call in self.managed if "install" in call or "shell" in call]

    def run_command(self, command, data=None, **_kwargs):
        self.calls.append(list(command))
        if command[0] == "rpm":
            return self.rpm(command[1:])
        if command[0] == "systemctl":
            return 0, self.service, ""
        assert command[:3] in (DNF, YUM)
        if self.locked_for > 0:
            self.locked_for -= 1
            if self.manager == "dnf":
                return 200, "", "metadata already locked by 4711\n"
            return 1, "", "Another app is currently holding the yum lock; exiting as configured by exit_on_lock\n"
        options = [word for word in command[3:] if word.startswith("-")]
        words = [word for word in command[3:] if not word.startswith("-")]
        if "--refresh" in options or words[:2] == ["clean", "expire-cache"]:
            self.repository += self.published
        return getattr(self, words[0])(words, options, data)

    def rpm(self, words):
        if words == ["--eval", "%_dbpath"]:
            return 0, "%s\n" % self.dbpath, ""
        lines = []
        for name in words[3:]:
            rows = self.installed.get(name, [])
            rows = rows if isinstance(rows, list) else [rows]
            lines += ["%s\x1f%d\x1f%s\x1f%s\x1f%s\x1f%d" % (tuple(row) + (self.installed_at,)) for row in rows]
            if not rows:
                lines.append("package %s is not installed" % name)
        return 0, "\n".join(lines) + "\n", ""

    def clean(self, words, options, data):
        return 0, "", ""

    def repolist(self, words, options, data):
        return 0, "repo id     repo name\nhalfswap    Halfswap\n", ""

    def repoquery(self, words, options, data):
        assert words[1] == "%{name} %{epoch} %{version} %{release} %{arch} %{repoid}\n"
        rows = ["Last metadata expiration check: 0:00:01 ago on Fri Nov 20 2026."]
        rows += ["%s %d %s %s %s halfswap\n" % tuple(each) for each in self.repository if each.name in words[2:]]
        return 0, "\n".join(rows), self.noise

    def list(self, words, options, data):
        assert words[1] == "available"
        rows = []
        for each in self.repository:
            if each.name in words[2:] and self.installed.get(each.name) != each:
                evr = "%s%s-%s" % ("%d:" % each.epoch if each.epoch else "", each.version, each.release)
                rows.append("%s.%s\n                     %s            halfswap" % (each.name, each.arch, evr))
        if not rows:
            return 1, "", "Error: No matching Packages to list\n"
        return 0, "Available Packages\n" + "\n".join(rows) + "\n", ""

    def install(self, words, options, data):
        return self.transaction(words[1:], options)

    def shell(self, words, options, data):
        assert words == ["shell", "/dev/stdin"]
        lines = data.splitlines()
        assert lines.pop() == "run"
        for verb, label in [line.split() for line in lines]:
            wanted = [each for each in self.repository if str(each) == label][0]
            current = self.installed.get(wanted.name)
            assert verb == ("downgrade" if current and current.age > wanted.age else "install")
        _status, out, err = self.transaction([line.split()[1] for line in lines], options)
        # Whatever happened.
        return 0, out + err, ""

    def transaction(self, labels, options):
        wanted = [each for each in self.repository if str(each) in labels]
        assert sorted(str(each) for each in wanted) == sorted(labels)
        if self.failure:
            return 1, "Downloading Packages:\n", "Error: %s\n" % self.failure
        if "--setopt=tsflags=test" not in options:
            self.installed.update((each.name, each) for each in wanted if each.name not in self.refuses)
        return 0, "Transaction test succeeded\n%s\nComplete!\n" % self.noise, ""


@pytest.fixture(params=["dnf", "yum"])
def any_node(request, node):
    node.manager = request.param
    return node


@pytest.fixture
def node(monkeypatch, tmp_path):
    made = Node(tmp_path)
    monkeypatch.setattr(rpm_release.AnsibleModule, "run_command", lambda self, command, **kwargs: made.run_command(command, **kwargs))
    monkeypatch.setattr(rpm_release.AnsibleModule, "get_bin_path", lambda self, name, **kwargs: "/usr/bin/" + name if name == made.manager else None)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(rpm_release.platform, "machine", lambda: "x86_64")
    return made


def args(*packages, **changes):
    return dict(packages=[dict(zip(("name", "version", "release"), each)) if isinstance(each, tuple) else each for each in packages], **changes)


def entry(before, after, **more):
    return dict(name=after.name, before=str(before) if before else None, after=str(after), exact=dict(after._asdict()), **more)


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


def test_a_lock_is_waited_for(run_module, any_node, clock):
    any_node.locked_for = 3
    assert run_module(rpm_release, args(("shop", "2.0.0")))["changed"]
    assert clock.sleeps == [1, 1, 1]


def test_a_lock_that_stays(run_module, any_node, clock):
    any_node.locked_for = 1000
    result = run_module(rpm_release, args(("shop", "2.0.0"), lock_timeout_s=5))
    assert result.failed
    holder = "metadata already locked by 4711"
    if any_node.manager == "yum":
        holder = "Another app is currently holding the yum lock; exiting as configured by exit_on_lock"
    assert result["msg"] == "%s: another package manager was still at work after 5 s (lock_timeout_s): %s" % (NODE, holder)
    assert clock.elapsed == 5
    assert any_node.installed == {}


def test_an_rpm_transaction_is_waited_for(run_module, node, clock, monkeypatch):
    (node.dbpath / ".rpm.lock").write_text(u"")

    def held(lock, operation):
        assert operation == fcntl.LOCK_EX | fcntl.LOCK_NB
        if clock.elapsed < 2:
            raise IOError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(_rpm_release.fcntl, "lockf", held)
    assert run_module(rpm_release, args(("shop", "2.0.0")))["changed"]
    assert clock.sleeps == [1, 1]


@pytest.mark.parametrize(
    "shown, expected",
    [
        ("MainPID=77\nExecMainStartTimestampMonotonic=100000000\n", True),
        ("MainPID=77\nExecMainStartTimestampMonotonic=101000000\n", False),
        ("MainPID=0\nExecMainStartTimestampMonotonic=100000000\n", False),
    ],
)
def test_a_process_older_than_its_package(run_module, node, clock, monkeypatch, shown, expected):
    shop = node.installed["shop"] = package("shop", "2.0.0")
    node.service = shown
    # Now is 1000, booted at 899; the package is of 1000.
    monkeypatch.setattr(_systemd, "open", {"/proc/uptime": io.StringIO(u"101.00 7.00\n")}.__getitem__, raising=False)
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
