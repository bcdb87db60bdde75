# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function, unicode_literals

__metaclass__ = type

import hashlib
import os
import signal
import sys

import pytest
from ansible.module_utils.common.process import get_bin_path

from ansible_collections.halfswap.bluegreen.plugins.modules import rpm_build


def found(command):
    try:
        return get_bin_path(command)
    except ValueError:
        return None


def builder(name):
    missing = [command for command in (name, "rpmbuild", "rpm") if not found(command)]
    return pytest.param(name, marks=pytest.mark.skipif(bool(missing), reason="not on PATH: %s" % ", ".join(missing)))


BUILDERS = [builder("fpm"), builder("rpmbuild")]
RPMBUILD = BUILDERS[1:]
EPOCH = 1700000000

MANIFEST = """\
name shop
version 2.0.0~rc1
release 3
arch noarch
summary The shop, 100% good
license Proprietary
url about:blank
vendor ACME "Ltd"
description:
    First line

    50% of the %{name} \xe9
requires bash
requires python3 >= 3.6
provides web-shop = 2
conflicts oldshop < 1:2.0
directory 0755 root root /etc/shop
file 0640 root shop /etc/shop/shop.conf {conf} config
directory 0755 root root /opt/shop
link - root root /opt/shop/current lib/deep
directory 0755 root root /opt/shop/empty
directory 0755 root root /opt/shop/lib
directory 0755 root root /opt/shop/lib/deep
file 0644 root root /opt/shop/lib/deep/\xe9.txt {text}
file 0755 root root /opt/shop/run.sh {run}
file 0644 root root /usr/lib/systemd/system/shop.service {unit}
directory 0750 shop shop /var/lib/shop
directory 0755 root root /var/lib/shop/data
directory 2770 shop shop /var/lib/shop/data/in
script after_install:
    if [ "$1" -eq 1 ]; then
      :
    fi
script after_remove:
    echo gone
script before_install:
    x="a b"; echo "${{x%% *}} $(date +%s)" # \xe9
"""
FILES = {
    "conf": ("shop.conf", b"a=1\n"),
    "text": ("app/lib/deep/\xe9.txt", b"x\n"),
    "run": ("app/run.sh", b"#!/bin/sh\n"),
    "unit": ("shop.service", b"[Service]\nExecStart=/opt/shop/run.sh\n"),
}


@pytest.fixture(scope="session", autouse=True)
def filesystem_in_utf8():
    if sys.version_info[0] > 2 and sys.getfilesystemencoding().lower() != "utf-8":
        pytest.skip("file names are not in UTF-8 here")


@pytest.fixture
def sources(tmp_path):
    root = tmp_path / "src"
    (root / "app" / "lib" / "deep").mkdir(parents=True)
    (root / "app" / "empty").mkdir()
    for name, content in FILES.values():
        (root / name).write_bytes(content)
        os.utime(str(root / name), (EPOCH, EPOCH))
    (root / "app" / "run.sh").chmod(0o700)
    (root / "app" / "lib" / "deep").chmod(0o777)
    (root / "app" / "current").symlink_to("lib/deep")
    return root


@pytest.fixture
def args(sources, tmp_path):
    def make(**changes):
        made = dict(
            name="shop",
            version="2.0.0~rc1",
            release="3",
            summary="The shop, 100% good",
            description="First line\n\n50% of the %{name} \xe9",
            vendor='ACME "Ltd"',
            contents=[
                dict(src=str(sources / "app"), dest="/opt/shop"),
                dict(src=str(sources / "shop.service"), dest="/usr/lib/systemd/system/"),
                dict(src=str(sources / "shop.conf"), dest="/etc/shop/shop.conf", mode="0640", group="shop", config=True),
            ],
            directories=[
                dict(path="/etc/shop"),
                dict(path="/var/lib/shop", mode="0750", owner="shop", group="shop"),
                dict(path="/var/lib/shop/data/in", mode="2770", owner="shop", group="shop"),
            ],
            requires=["python3 >= 3.6", "bash"],
            provides=["web-shop = 2"],
            conflicts=["oldshop < 1:2.0"],
            scripts=dict(
                before_install='x="a b"; echo "${x%% *} $(date +%s)" # \xe9\n',
                after_install='if [ "$1" -eq 1 ]; then\n  :\nfi\n',
                before_remove=" \n",
                after_remove="echo gone",
            ),
            dest=str(tmp_path / "dist"),
        )
        made.update(changes)
        return made

    return make


def manifest():
    text = MANIFEST.replace("%{name}", "%{{name}}").replace("\n\n    50%", "\n     .\n    50%")
    return text.format(**{key: hashlib.sha256(content).hexdigest() for key, (_name, content) in FILES.items()})


def sha256(path):
    with open(path, "rb") as package:
        return hashlib.sha256(package.read()).hexdigest()


def leftovers(tmp_path):
    return [name for name in os.listdir(str(tmp_path)) if name.startswith("rpm_build-")]


def fake(tmp_path, monkeypatch, **scripts):
    """A PATH with nothing but these commands on it."""
    path = tmp_path / "bin"
    path.mkdir()
    for name, text in scripts.items():
        (path / name).write_text("#!/bin/sh\n%s\n" % text)
        (path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(path))
    # The system's directories, which get_bin_path adds.
    monkeypatch.setattr(rpm_build.AnsibleModule, "get_bin_path", lambda self, name, **_kw: str(path / name) if name in scripts else None)


@pytest.mark.parametrize("name", BUILDERS)
def test_builds_what_was_asked_for(run_module, args, tmp_path, name):
    rpm = str(tmp_path / "dist" / "shop-2.0.0~rc1-3.noarch.rpm")
    expected = {"rpm": rpm, "nevra": "shop-2.0.0~rc1-3.noarch", "builder": name}
    assert run_module(rpm_build, args(builder=name)) == dict(expected, changed=True)
    # The package says of itself what was asked for.
    again = run_module(rpm_build, args(builder=name), diff=True)
    diff = again.pop("diff")
    assert again == dict(expected, changed=False)
    assert diff["before"] == manifest()
    assert diff["after"] == manifest()
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("name", BUILDERS)
def test_what_only_looks_like_a_directive_stays_in_the_script(run_module, args, name):
    text = "cat <<EOF\n  %{name} %(id) %%include\n  %define a b\n  %post\n  %%if 1\n  # %include /etc/passwd\nEOF"
    made = run_module(rpm_build, args(builder=name, scripts=dict(after_install=text)), diff=True)
    after = run_module(rpm_build, args(builder=name, scripts=dict(after_install=text)), diff=True)
    assert (made["changed"], after["changed"]) == (True, False)
    assert after["diff"]["before"] == after["diff"]["after"] and "%include /etc/passwd" in after["diff"]["before"] and "root:" not in after["diff"]["before"]


@pytest.mark.parametrize("name", BUILDERS)
def test_it_is_reproducible(run_module, args, sources, tmp_path, monkeypatch, name):
    first = run_module(rpm_build, args(builder=name))
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".rpmmacros").write_text("%vendor Somebody\n%packager me@here\n")
    moved = tmp_path / "elsewhere"
    sources.rename(moved)
    contents = [dict(part, src=part["src"].replace(str(sources), str(moved))) for part in args()["contents"]]
    umask = os.umask(0o077)
    try:
        second = run_module(rpm_build, args(builder=name, contents=contents, dest=str(tmp_path / "other")))
    finally:
        os.umask(umask)
    assert second["changed"]
    assert sha256(first["rpm"]) == sha256(second["rpm"])


@pytest.mark.skipif(not (found("fpm") and found("rpmbuild")), reason="fpm and rpmbuild are not both on PATH")
@pytest.mark.parametrize("changes", [{}, {"arch": "x86_64"}, {"contents": [], "directories": []}, {"contents": []}])
def test_both_builders_make_the_same_package(run_module, args, tmp_path, changes):
    made = [run_module(rpm_build, args(builder=name, dest=str(tmp_path / name), source_date_epoch=EPOCH, **changes)) for name in ("fpm", "rpmbuild")]
    assert [result["changed"] for result in made] == [True, True]
    assert sha256(made[0]["rpm"]) == sha256(made[1]["rpm"])


@pytest.mark.parametrize("name", RPMBUILD)
def test_only_a_changed_input_builds_again(run_module, args, sources, name):
    first = run_module(rpm_build, args(builder=name))
    # The time of a source is no input.
    os.utime(str(sources / "shop.conf"), None)
    assert not run_module(rpm_build, args(builder=name))["changed"]
    (sources / "shop.conf").write_bytes(b"a=2\n")
    predicted = run_module(rpm_build, args(builder=name), check_mode=True, diff=True)
    assert predicted["changed"]
    assert predicted["diff"]["before"] == manifest()
    assert set(predicted["diff"]["after"].splitlines()) ^ set(manifest().splitlines()) == {
        "file 0640 root shop /etc/shop/shop.conf %s config" % hashlib.sha256(content).hexdigest() for content in (b"a=1\n", b"a=2\n")
    }
    before = sha256(first["rpm"])
    second = run_module(rpm_build, args(builder=name))
    assert second["changed"]
    assert second["warnings"] == [
        "shop-2.0.0~rc1-3.noarch was built from other inputs before. Nodes that have it will not take the new one: count up the release."
    ]
    assert sha256(second["rpm"]) != before
    assert not run_module(rpm_build, args(builder=name))["changed"]


@pytest.mark.parametrize("name", RPMBUILD)
@pytest.mark.parametrize(
    "changes",
    [
        dict(requires=["bash"]),
        dict(scripts=dict(after_install="true")),
        dict(summary="The other shop"),
        dict(source_date_epoch=EPOCH + 1),
        dict(directories=[]),
    ],
)
def test_each_input_counts(run_module, args, name, changes):
    run_module(rpm_build, args(builder=name))
    assert run_module(rpm_build, args(builder=name, **changes), check_mode=True)["changed"]


@pytest.mark.parametrize("name", RPMBUILD)
def test_a_damaged_package_is_built_again(run_module, args, name):
    rpm = run_module(rpm_build, args(builder=name))["rpm"]
    good = sha256(rpm)
    with open(rpm, "r+b") as package:
        package.seek(-20, os.SEEK_END)
        package.write(b"damage")
    assert run_module(rpm_build, args(builder=name))["changed"]
    assert sha256(rpm) == good


@pytest.mark.parametrize("name", RPMBUILD)
def test_check_mode_builds_nothing(run_module, args, tmp_path, name):
    result = run_module(rpm_build, args(builder=name), check_mode=True, diff=True)
    assert result["changed"]
    assert result["diff"]["before"] == ""
    assert result["diff"]["after"] == manifest()
    assert not (tmp_path / "dist").exists()


@pytest.mark.parametrize("name", RPMBUILD)
def test_a_tree_never_owns_directories_of_the_system(run_module, args, sources, tmp_path, name):
    root = tmp_path / "root"
    (root / "usr" / "lib" / "systemd" / "system").mkdir(parents=True)
    (root / "usr" / "lib" / "systemd" / "system" / "shop.service").write_bytes(b"")
    (root / "opt" / "shop").mkdir(parents=True)
    wanted = args(builder=name, contents=[dict(src=str(root), dest="/")], directories=[])
    run_module(rpm_build, wanted)
    lines = run_module(rpm_build, wanted, diff=True)["diff"]["before"].splitlines()
    assert [line for line in lines if line.startswith(("directory", "file"))] == [
        "directory 0755 root root /opt/shop",
        "file 0644 root root /usr/lib/systemd/system/shop.service %s" % hashlib.sha256(b"").hexdigest(),
    ]


def test_auto_takes_fpm_where_it_is(run_module, args, tmp_path, monkeypatch):
    fake(tmp_path, monkeypatch, fpm="exit 9", rpmbuild="exit 8", rpm="")
    assert run_module(rpm_build, args(), check_mode=True)["builder"] == "fpm"
    assert run_module(rpm_build, args(builder="rpmbuild"), check_mode=True)["builder"] == "rpmbuild"


def test_auto_takes_rpmbuild_otherwise(run_module, args, tmp_path, monkeypatch):
    fake(tmp_path, monkeypatch, rpmbuild="exit 8", rpm="")
    assert run_module(rpm_build, args(), check_mode=True)["builder"] == "rpmbuild"


@pytest.mark.parametrize("name", ["fpm", "rpmbuild"])
def test_a_failed_build_leaves_nothing(run_module, args, tmp_path, monkeypatch, name):
    # A directory that a normal user cannot empty as it is.
    directories = [dict(path="/var/lib/shop", mode="0500"), dict(path="/var/lib/shop/in")]
    fake(tmp_path, monkeypatch, fpm="echo it broke >&2; exit 9", rpmbuild="echo it broke >&2; exit 9", rpm="")
    result = run_module(rpm_build, args(builder=name, directories=directories))
    assert result.failed
    assert result["msg"] == "%s could not build shop-2.0.0~rc1-3.noarch (exit status 9): it broke" % name
    assert leftovers(tmp_path) == []
    assert not (tmp_path / "dist").exists()


def test_a_killed_build_leaves_nothing(run_module, args, tmp_path, monkeypatch):
    # The builder kills the module that waits for it. Not at once: Python drops what a handler raises while it is still about the fork.
    count = "i=0; while [ $i -lt %d ]; do i=$((i+1)); done"
    fake(tmp_path, monkeypatch, rpmbuild="%s; kill -TERM $PPID; %s" % (count % 30000, count % 300000), rpm="")
    before = signal.getsignal(signal.SIGTERM)
    try:
        result = run_module(rpm_build, args(builder="rpmbuild"))
    finally:
        signal.signal(signal.SIGTERM, before)
    assert result["msg"] == "Stopped by a signal while shop-2.0.0~rc1-3.noarch was built."
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize(
    "there, text",
    [
        (dict(rpm=""), "The command rpmbuild is not on PATH of this host: install it, or set builder to rpmbuild."),
        (dict(fpm="", rpm=""), "The command rpmbuild is not on PATH of this host: install the package rpm-build (on Debian: rpm); fpm calls it too."),
    ],
)
def test_missing_tools(run_module, args, tmp_path, monkeypatch, there, text):
    fake(tmp_path, monkeypatch, **there)
    assert run_module(rpm_build, args())["msg"] == text
    checked = run_module(rpm_build, args(), check_mode=True)
    assert checked["changed"]
    assert checked["warnings"] == [text]


@pytest.mark.parametrize("first", [b"#!/bin/sh\r\n", b"#!/usr/bin/env python3\r\n", b"#! /bin/bash -e\r"])
def test_a_program_that_the_kernel_could_not_start(run_module, args, sources, first):
    program = sources / "app" / "start"
    program.write_bytes(first + b"exit 0\r\n")
    program.chmod(0o755)
    told = run_module(rpm_build, args(), check_mode=True)
    assert told.failed and "the first line of %s ends as on Windows (CR LF)" % program in told["msg"]
    # Without the right of execution, or with its line ends mended, it is a file as any other.
    program.chmod(0o644)
    assert not run_module(rpm_build, args(), check_mode=True).failed
    program.chmod(0o755)
    program.write_bytes(first.replace(b"\r", b"") + b"\nexit 0\r\n")
    assert not run_module(rpm_build, args(), check_mode=True).failed


@pytest.mark.parametrize(
    "changes, text",
    [
        (dict(version="2.0-1"), "version '2.0-1' cannot be used in an RPM"),
        (dict(release="1-2"), "release '1-2' cannot be used in an RPM"),
        (dict(name="my shop"), "name 'my shop' is no RPM name"),
        (dict(summary="a\nb"), "summary must be one line of text"),
        (dict(vendor=""), "vendor must be one line of text"),
        (dict(requires=["a, b"]), "requires: 'a, b' is not understood"),
        (dict(requires=["a => 1"]), "requires: 'a => 1' is not understood"),
        (dict(provides=["%{evil}"]), "provides: '%{evil}' is not understood"),
        (dict(scripts=dict(after_install="true\n%files\n/etc/shadow")), "scripts.after_install: the line '%files' starts with %"),
        (dict(scripts=dict(after_install="true\n  %include /etc/passwd")), "scripts.after_install: the line '  %include /etc/passwd' would be a directive"),
        (dict(scripts=dict(before_remove="if true; then\n\t%if 0\n  echo bye\n\t%endif\nfi")), "scripts.before_remove: the line '\\t%if 0' would be"),
        (dict(description="a\n %elifarch x86_64"), "description: the line ' %elifarch x86_64' would be a directive"),
        (dict(description="a\n \x0b%else"), "would be a directive"),
        (dict(scripts=dict(after_install="echo a\0b")), "scripts.after_install has a NUL in it"),
        (dict(scripts=dict(after_install="echo a\r\necho b\r\n")), "scripts.after_install has line ends of Windows (CR LF)"),
        (dict(scripts=dict(before_remove="#!/bin/sh\r\nexit 0")), "scripts.before_remove has line ends of Windows (CR LF)"),
        (dict(scripts=dict(after_remove="printf 'a\rb'")), "scripts.after_remove has line ends of Windows (CR LF), or another carriage return"),
        (dict(name="shop\n"), "name 'shop\\n' is no RPM name"),
        (dict(version="2.0\n"), "version '2.0\\n' cannot be used in an RPM"),
        (dict(release="1\n"), "release '1\\n' cannot be used in an RPM"),
        (dict(requires=["bash\n"]), "requires: 'bash\\n' is not understood"),
        (dict(directories=[dict(path="/opt/a", mode="0755\n")]), "directories[0]: '0755\\n' is no mode"),
        (dict(directories=[dict(path="/opt/a", owner="shop\n")]), "directories[0]: 'shop\\n' is no name of a user or group"),
        (dict(directories=[dict(path="/opt/a\n")]), "directories[0].path '/opt/a\\n'"),
        (dict(description="%post"), "description: the line '%post' starts with %"),
        (dict(source_date_epoch=0), "source_date_epoch 0 is before 1990"),
        (dict(directories=[dict(path="/usr/bin")]), "directories[0]: /usr/bin belongs to the operating system"),
        (dict(directories=[dict(path="opt/shop")]), "directories[0].path 'opt/shop': give an absolute path"),
        (dict(directories=[dict(path="/opt/../etc")]), "directories[0].path '/opt/../etc': give an absolute path without '..'"),
        (dict(directories=[dict(path="/opt/a b")]), "directories[0].path '/opt/a b': the path has a blank"),
        (dict(directories=[dict(path="/opt/a"), dict(path="/opt/a/")]), "directories[1]: /opt/a is listed twice"),
        (dict(directories=[dict(path="/opt/a", mode=493)]), "directories[0]: write the mode 493 in quotes"),
        (dict(directories=[dict(path="/opt/a", mode="rwx")]), "directories[0]: 'rwx' is no mode"),
        (dict(directories=[dict(path="/opt/a", owner="a b")]), "directories[0]: 'a b' is no name of a user or group"),
        (dict(contents=[dict(src="app", dest="/opt/shop")]), "contents[0].src 'app': give an absolute path of the host that builds"),
        (dict(contents=[dict(src="/nowhere/at/all", dest="/opt/shop")]), "contents[0].src /nowhere/at/all: there is no such file or directory"),
        (dict(contents=[dict(src="/dev/null", dest="/opt/null")]), "contents[0].src /dev/null: there is no such file or directory"),
    ],
)
def test_bad_input_builds_nothing(run_module, args, tmp_path, changes, text):
    result = run_module(rpm_build, args(**changes))
    assert result.failed
    assert text in result["msg"]
    assert not (tmp_path / "dist").exists()


def test_two_contents_at_one_path(run_module, args, sources):
    twice = [dict(src=str(sources / name), dest="/etc/shop.conf") for name in ("shop.conf", "shop.service")]
    assert run_module(rpm_build, args(contents=twice))["msg"] == "contents[1] puts a second thing at /etc/shop.conf"


def test_a_file_where_a_directory_must_be(run_module, args, sources):
    contents = [dict(src=str(sources / "shop.conf"), dest="/opt/shop"), dict(src=str(sources / "shop.service"), dest="/opt/shop/unit")]
    assert run_module(rpm_build, args(contents=contents))["msg"] == "/opt/shop is both a file and a directory of the package"


def test_a_name_below_a_directory_that_rpm_does_not_take(run_module, args, sources):
    (sources / "app" / "[id].js").write_bytes(b"")
    assert "contents[0] '/opt/shop/[id].js': the path has a blank or one of" in run_module(rpm_build, args())["msg"]


def test_a_name_that_is_not_utf_8(run_module, args, sources):
    os.close(os.open(os.path.join(str(sources / "app").encode(), b"caf\xe9.js"), os.O_CREAT))
    said = run_module(rpm_build, args())["msg"]
    assert "contents[0] " in said and "the path is not UTF-8, which RPM has refused since 4.15; rename it" in said


def test_what_is_neither_file_nor_directory(run_module, args, sources):
    os.mkfifo(str(sources / "app" / "pipe"))
    assert "pipe is neither a file, a directory nor a symbolic link" in run_module(rpm_build, args())["msg"]


def test_dest_is_a_file(run_module, args, sources):
    assert run_module(rpm_build, args(dest=str(sources / "shop.conf")))["msg"].endswith("shop.conf is not a directory")
