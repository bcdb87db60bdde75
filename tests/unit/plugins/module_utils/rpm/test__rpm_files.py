# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done about files that differ is tested with the modules; here is how it is found out. The lines are those of rpm 4.18."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from ansible.module_utils.common.text.converters import to_bytes, to_native

from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm import _rpm_files
from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm._rpm import RpmError


class Node(object):
    """Stands in for an AnsibleModule: what rpm says of the files of one package, at a glance and after it has read them."""

    def __init__(self, glance=(), full=(), status=1, err=""):
        self.said = {True: list(glance), False: list(full)}
        self.status, self.err = status, err
        self.asked = []

    def run_command(self, command, **_kwargs):
        assert command[:4] == ["rpm", "-V", "--nodeps", "--noscripts"]
        glance = "--nofiledigest" in command
        self.asked.append((command[-1], "glance" if glance else "read"))
        lines = self.said[glance]
        return (self.status if lines or self.err else 0), "".join(line + "\n" for line in lines), self.err


@pytest.mark.parametrize(
    "line, found",
    [
        ("S.5....T.    /opt/shop/app.py", ["/opt/shop/app.py (size, content)"]),
        ("..5......    /opt/shop/version", ["/opt/shop/version (content)"]),
        ("....L....    /opt/shop/current", ["/opt/shop/current (target)"]),
        ("..?......    /opt/shop/app.py", ["/opt/shop/app.py (not readable)"]),
        ("missing     /opt/shop/app.py", ["/opt/shop/app.py (missing)"]),
        ("missing     /opt/shop/app.py (Permission denied)", ["/opt/shop/app.py (Permission denied) (missing)"]),
        # rpm of RHEL 6 makes eight tests.
        ("S.5....T    /opt/shop/app.py", ["/opt/shop/app.py (size, content)"]),
        # Configuration, documentation, ghosts, and what need not be there.
        ("S.5....T.  c /etc/shop.conf", []),
        ("missing   d /usr/share/doc/shop/README", []),
        ("missing   g /run/shop.pid", []),
        ("S.5......  a /usr/lib/.build-id/7f/1", []),
        # Sites set owners and modes, and whoever writes the same again changes a time.
        (".M...UG..    /opt/shop/app.py", []),
        (".......T.    /opt/shop/app.pyc", []),
        # Names that others would cut or not read.
        ("S.5....T.    /opt/shop/a b  c (x)", ["/opt/shop/a b  c (x) (size, content)"]),
        ("missing     /opt/shop/a\u2028b", ["/opt/shop/a\\u2028b (missing)"]),
    ],
)
def test_what_rpm_says_of_a_file(line, found):
    assert _rpm_files.differing(Node(full=[to_native(line)]), ["shop"]) == {"shop": found}


def test_a_name_that_is_not_utf_8():
    raw = b"missing     /opt/shop/caf\xe9"
    (text,) = _rpm_files.differing(Node(full=[to_native(raw, errors="surrogate_or_strict")]), ["shop"])["shop"]
    assert text.startswith("/opt/shop/caf") and text.endswith(" (missing)")
    # It can be told.
    to_bytes(text, errors="strict").decode("utf-8")


def test_what_the_application_changes_itself_is_left_out():
    node = Node(full=["S.5......    /opt/shop/cache/a/b", "missing     /opt/shop/app.py", "..5......    /opt/shop/stamp"])
    patterns = _rpm_files.patterns_of([dict(package="shop", may_differ=["/opt/shop/cache/*"]), dict(package="shop", may_differ=["/opt/shop/stamp"])], "package")
    assert _rpm_files.differing(node, ["shop"], patterns) == {"shop": ["/opt/shop/app.py (missing)"]}


@pytest.mark.parametrize(
    "glance, reads",
    [
        ([], False),
        ([".M...UG..    /opt/shop/app.py", "S........  c /etc/shop.conf"], False),
        ([".......T.    /opt/shop/app.py"], True),
        (["S........    /opt/shop/app.py"], True),
        (["missing     /opt/shop/app.py"], True),
    ],
)
def test_files_are_read_only_where_something_is_to_be_seen(records, glance, reads):
    node = Node(glance=glance)
    assert _rpm_files.differing_at_a_glance(node, ["shop"]) == {"shop": []}
    assert node.asked == [("shop", "glance")] + [("shop", "read")] * reads


def test_what_was_not_seen_to_end_is_read(records):
    """Files of two releases may agree in size and time."""
    node = Node(full=["..5......    /opt/shop/version"])
    _rpm_files.begin(["shop", "cart"])
    assert _rpm_files.differing_at_a_glance(node, ["shop", "api"]) == {"shop": ["/opt/shop/version (content)"], "api": []}
    assert node.asked == [("api", "glance"), ("shop", "read")]
    _rpm_files.end(["shop"])
    assert _rpm_files.differing_at_a_glance(node, ["shop"]) == {"shop": []}
    assert _rpm_files.differing_at_a_glance(node, ["cart"]) == {"cart": ["/opt/shop/version (content)"]}
    _rpm_files.end(["shop", "cart"])
    assert not (records / _rpm_files.UNFINISHED).exists()
    _rpm_files.end(["shop"])


def test_a_database_that_cannot_be_asked_is_no_package_without_differences():
    with pytest.raises(RpmError, match="rpm cannot compare the files of shop with the package: error: cannot open Packages index"):
        _rpm_files.differing(Node(err="error: cannot open Packages index\n"), ["shop"])
    killed = Node(full=[""], status=-9)
    with pytest.raises(RpmError, match="exit status -9"):
        _rpm_files.differing(killed, ["shop"])


def test_what_is_not_installed_has_no_files():
    assert _rpm_files.differing(Node(full=["package shop is not installed"]), ["shop"]) == {"shop": []}


def test_a_message_names_a_few():
    assert _rpm_files.differ(["/a (size)"], "shop-1") == "1 file on the disk differs from shop-1 (/a (size))"
    assert _rpm_files.differ(tuple("/%d" % n for n in range(7)), "it") == "7 files on the disk differ from it (/0, /1, /2, /3, /4, and 2 more)"
