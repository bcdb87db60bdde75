# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm import _rpm_proxy

ITSELF = "localhost,127.0.0.1,::1"


@pytest.fixture(autouse=True)
def files(monkeypatch, tmp_path):
    monkeypatch.setattr(_rpm_proxy, "REPOSITORIES", str(tmp_path / "*.repo"))

    def write(name, text):
        (tmp_path / name).write_bytes(text.encode("utf-8"))

    return write


@pytest.mark.parametrize("given", [{}, {"no_proxy": "intern"}, {"http_proxy": ""}, {"http_proxy": "http://p", "no_proxy": "*"}])
def test_without_a_proxy_nothing_is_spared(given):
    assert _rpm_proxy.environment(given) == {}


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])
def test_the_node_itself_is_reached_without_it(name):
    assert _rpm_proxy.environment({name: "http://p:3128"}) == {"no_proxy": ITSELF, "NO_PROXY": ITSELF}


@pytest.mark.parametrize(
    "given, spared",
    [
        ({"no_proxy": "intern, .example.com"}, "intern,.example.com," + ITSELF),
        ({"NO_PROXY": "intern"}, "intern," + ITSELF),
        ({"no_proxy": "intern", "NO_PROXY": "other"}, "intern," + ITSELF),
        ({"no_proxy": "127.0.0.1"}, "127.0.0.1,localhost,::1"),
    ],
)
def test_what_was_spared_before_is_spared_still(given, spared):
    assert _rpm_proxy.environment(dict(given, http_proxy="http://p"))["no_proxy"] == spared


def test_so_is_a_repository_whose_file_says_that_no_proxy_leads_there(files):
    files("a.repo", "[halfswap]\nbaseurl = http://repo.intern:8008/\nproxy = _none_\n[two]\nbaseurl=http://a.intern/x,\n  http://b.intern/x\nproxy=\n")
    files("b.repo", "[os]\nbaseurl=http://mirror.example.com/\n[named]\nbaseurl=http://named.example.com/\nproxy=http://p:3128\n")
    assert _rpm_proxy.without_proxy() == ["repo.intern", "a.intern", "b.intern"]
    assert _rpm_proxy.environment({"https_proxy": "http://p"})["no_proxy"] == ITSELF + ",repo.intern,a.intern,b.intern"


@pytest.mark.parametrize(
    "text",
    [
        "no file of a manager",
        "[a]\nproxy=_none_\n",
        "[a]\nproxy=_none_\nbaseurl\n",
        "[a]\nproxy=_none_\nbaseurl=http://$mirror/\n",
        "[a]\nproxy=_none_\nbaseurl=http://[::1/\n",
        "[a]\nproxy=_none_\nbaseurl=file:///srv/x\n",
        "[a]\nproxy=_none_\nmirrorlist=http://repo.intern/\n",
    ],
)
def test_what_names_no_host_spares_none(files, text):
    files("a.repo", text)
    files("z.repo", "[z]\nproxy=_NONE_\nbaseurl=http://z.intern/\n")
    assert _rpm_proxy.without_proxy() == ["z.intern"]
