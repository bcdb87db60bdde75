# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils.node import _adopted
from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm._rpm import RpmError


class Node(object):
    """Stands in for an AnsibleModule: an RPM file with these files in it, of which packages own some."""

    def __init__(self, files, owned=(), status=0):
        self.files, self.owned, self.status = files, owned, status

    def run_command(self, command, **_kwargs):
        if "-f" in command:
            return (0 if command[-1] in self.owned else 1), "", ""
        return self.status, "".join("%s\x1f%s\n" % each for each in self.files), "error: not an rpm package"


def test_the_unit_in_which_it_runs():
    alone, replacing = dict(service="shop"), dict(service="shop", replaces="old")
    assert (_adopted.unit_of(alone), _adopted.units_of(alone)) == ("shop", ["shop"])
    assert (_adopted.unit_of(replacing), _adopted.units_of(replacing)) == ("old", ["shop", "old"])


def test_what_an_installation_would_replace(tmp_path):
    """Files, links to nowhere and configuration; no directory, nothing of another package, and nothing that is not there."""
    for name in ("app.py", "lib.py", "shop.conf"):
        (tmp_path / name).write_bytes(b"old")
    os.symlink("nowhere", str(tmp_path / "link"))
    (tmp_path / "folder").mkdir()
    files = [("drwxr-xr-x", "folder"), ("lrwxrwxrwx", "link")] + [("-rw-r--r--", name) for name in ("shop.conf", "app.py", "lib.py", "new.py")]
    node = Node([(mode, str(tmp_path / name)) for mode, name in files], owned=[str(tmp_path / "lib.py")])
    assert _adopted.covered(node, ["a.rpm", "b.rpm"]) == [str(tmp_path / name) for name in ("app.py", "link", "shop.conf")]
    assert _adopted.covered(node, []) == []


def test_a_file_that_cannot_be_read_is_no_reason_to_go_on():
    with pytest.raises(RpmError):
        _adopted.covered(Node([], status=1), ["a.rpm"])


def test_a_few_of_many():
    assert _adopted.named(["/a", "/b"]) == "/a, /b"
    assert _adopted.named(["/%d" % number for number in range(8)]) == "/0, /1, /2, /3, /4, and 3 more"
