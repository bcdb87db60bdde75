# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os
import time

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm import _rpm_build
from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm._rpm import RpmError

EPOCH = 1700000000


class Tools:
    """Stands in for an AnsibleModule whose builder only records how it was called."""

    def __init__(self):
        self.command = None
        self.environment = None
        self.files = {}

    def get_bin_path(self, name, required=False):
        return "/usr/bin/" + name

    def run_command(self, command, cwd=None, environ_update=None):
        self.command = command
        self.environment = environ_update
        for name in os.listdir(cwd):
            if os.path.isfile(os.path.join(cwd, name)):
                with open(os.path.join(cwd, name)) as found:
                    self.files[name] = found.read()
        for folder, subfolders, files in os.walk(os.path.join(cwd, "stage")):
            for name in subfolders + files:
                status = os.stat(os.path.join(folder, name))
                self.files[os.path.join(folder, name)[len(cwd) :]] = (oct(status.st_mode & 0o7777), int(status.st_mtime))
        with open(os.path.join(cwd, "result.rpm"), "w"):
            pass
        return 0, "", ""


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "shop.conf"
    path.write_bytes(b"a=1\n")
    os.utime(str(path), (EPOCH, EPOCH))
    return path


@pytest.fixture
def recipe(source):
    def make(**changes):
        params = dict(
            name="shop",
            version="2.0.0",
            release="1",
            arch="noarch",
            summary="The shop",
            description=None,
            license="Proprietary",
            url="about:blank",
            vendor="Unknown",
            contents=[dict(src=str(source), dest="/etc/shop/", mode="0640", owner="shop", group="shop", config=True)],
            directories=[dict(path="/etc/shop", mode="0750", owner="root", group="shop"), dict(path="/opt/shop", mode="0755", owner="shop", group="shop")],
            requires=[],
            provides=[],
            conflicts=[],
            scripts=None,
            source_date_epoch=None,
        )
        params.update(changes)
        return _rpm_build.Recipe(params)

    return make


def test_the_digest_is_of_the_content_and_not_of_its_time(recipe, source):
    first = recipe()
    os.utime(str(source), (EPOCH + 5, EPOCH + 5))
    assert recipe().digest == first.digest
    assert (first.epoch, recipe().epoch) == (EPOCH, EPOCH + 5)
    source.write_bytes(b"a=2\n")
    assert recipe().digest != first.digest


def test_an_explicit_time_is_an_input(recipe):
    assert recipe(source_date_epoch=EPOCH).epoch == EPOCH
    assert recipe(source_date_epoch=EPOCH).digest != recipe().digest


def test_the_order_of_dependencies_is_no_input(recipe):
    assert recipe(requires=["b", "a", "a"]).digest == recipe(requires=["a", "b"]).digest


def test_without_sources_the_time_is_one_that_rpm_can_hold(recipe):
    assert time.gmtime(recipe(contents=[]).epoch).tm_year == 1990


def test_the_changelog_is_in_english_and_utc(recipe, monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        made = recipe()
        assert made.changelog == "* Tue Nov 14 2023 halfswap.bluegreen - 2.0.0-1\n- built from inputs sha256:%s\n" % made.digest
    finally:
        monkeypatch.undo()
        time.tzset()


def test_the_sources_are_staged_with_their_modes_and_one_time(recipe, tmp_path):
    tools = Tools()
    _rpm_build.build(tools, recipe(scripts=dict(after_install="date +%s")), "rpmbuild", str(tmp_path))
    assert {path: seen for path, seen in tools.files.items() if path.startswith("/stage")} == {
        "/stage/etc": (oct(0o755), EPOCH),
        "/stage/etc/shop": (oct(0o750), EPOCH),
        "/stage/etc/shop/shop.conf": (oct(0o640), EPOCH),
        "/stage/opt": (oct(0o755), EPOCH),
        "/stage/opt/shop": (oct(0o755), EPOCH),
    }
    assert tools.files["after_install"] == "date +%%s\n"
    assert tools.environment["SOURCE_DATE_EPOCH"] == str(EPOCH)
    assert tools.environment["HOME"] == str(tmp_path)


def test_the_spec(recipe, tmp_path):
    tools = Tools()
    _rpm_build.build(tools, recipe(requires=["bash"], scripts=dict(after_install="date +%s")), "rpmbuild", str(tmp_path))
    assert tools.command[:4] == ["/usr/bin/rpmbuild", "-bb", "--target", "noarch"]
    files = tools.files["package.spec"].partition("%files\n")[2].partition("%changelog")[0]
    assert files.splitlines() == [
        "%dir %attr(750, root, shop) /etc/shop",
        "%config(noreplace) %attr(640, shop, shop) /etc/shop/shop.conf",
        "%dir %attr(755, shop, shop) /opt/shop",
    ]
    assert "\nRequires: bash\n" in tools.files["package.spec"]
    assert "\n%post\ndate +%%s\n" in tools.files["package.spec"]


def test_fpm_is_told_of_the_owners_that_are_not_the_usual_one(recipe, tmp_path):
    tools = Tools()
    _rpm_build.build(tools, recipe(), "fpm", str(tmp_path))
    told = tools.command[tools.command.index("--rpm-use-file-permissions") :]
    assert told == [
        "--rpm-use-file-permissions",
        "--rpm-user",
        "shop",
        "--rpm-group",
        "shop",
        "--rpm-attr",
        "750,root,shop:/etc/shop",
        "--directories",
        "/etc/shop",
        "--config-files",
        "/etc/shop/shop.conf",
        "--directories",
        "/opt/shop",
        "-s",
        "dir",
        "-C",
        str(tmp_path / "stage"),
        ".",
    ]
    # Neither the environment of the user nor a file in the home or working directory may add an option.
    assert tools.environment["FPMOPTS"] == ""


def test_a_source_that_changes_meanwhile(recipe, source, tmp_path):
    made = recipe()
    source.write_bytes(b"half a fi")
    with pytest.raises(RpmError, match="shop.conf changed while it was read"):
        _rpm_build.build(Tools(), made, "rpmbuild", str(tmp_path))


def test_removing_directories_that_cannot_be_written(tmp_path):
    inner = tmp_path / "work" / "closed" / "inner"
    inner.mkdir(parents=True)
    (inner / "file").write_bytes(b"")
    inner.chmod(0o000)
    inner.parent.chmod(0o500)
    _rpm_build.remove(str(tmp_path / "work"))
    assert not (tmp_path / "work").exists()
