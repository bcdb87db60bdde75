# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils.traffic._lb_files import Wanted, clashes, differences_of_once, owner_of, places_of

MARK = '# Managed by halfswap.bluegreen.load_balancer: application "%s", load balancer "%s". Setup writes it.\n'
NODES = [dict(name="blue1", address="192.0.2.11"), dict(name="green1", address="192.0.2.21")]
FORMER = """# Load balancer "live": sends traffic to the nodes whose heartbeat answers live.
# Rendered once by the role halfswap.bluegreen.load_balancer, for HAProxy 2.4 and later. No deployment changes this file.

frontend web
    bind *:80
backend web-nodes
    server blue1 192.0.2.11:8080 check port 8790
"""
FORMER_OF_APACHE = """# Apache httpd, load balancer "standby": sends traffic to the nodes whose heartbeat answers standby.
# Rendered once by the role halfswap.bluegreen.load_balancer, for Apache httpd 2.4.34 and later. No deployment changes it.
# frontend web at *:80
"""
FORMER_OF_VARNISH = "vcl 4.1;\n\n" + FORMER_OF_APACHE.replace("Apache httpd", "Varnish")


@pytest.mark.parametrize(
    "text, owner",
    [
        (MARK % ("shop", "live"), ("shop", "live", False)),
        (MARK % ("", "live"), ("", "live", False)),
        ("vcl 4.1;\n\n" + MARK % ("shop", "live"), ("shop", "live", False)),
        (FORMER, ("", "live", True)),
        (FORMER_OF_APACHE, ("", "standby", True)),
        (FORMER_OF_VARNISH, ("", "standby", True)),
        ("global\n    daemon\n", None),
        ("", None),
        # It is quoted, far from the top.
        ("#\n" * 2000 + MARK % ("shop", "live"), None),
        # The common beginning is nobody's, whatever follows.
        ("# Managed by halfswap.bluegreen.load_balancer for all applications of this HAProxy\n" + MARK % ("shop", "live"), None),
    ],
)
def test_whose_a_file_is(text, owner):
    assert owner_of(text) == owner


def file_of(application="shop", name="live", frontend="web", node="blue1", address="192.0.2.11"):
    return MARK % (application, name) + "frontend %s.%s.%s\n    server %s %s:8080 check\n" % (application, name, frontend, node, address)


@pytest.mark.parametrize(
    "there, says",
    [
        (file_of(), ""),
        (FORMER, ""),
        # It has got its name since.
        (file_of(application=""), ""),
        (file_of(application="stock"), "FILE serves application stock (load balancer live)"),
        (file_of(frontend="api"), "FILE serves application shop (load balancer live), with other nodes or other frontends: shop.live.api"),
        (file_of(node="blue9", address="192.0.2.99"), "with other nodes or other frontends: shop.live.web"),
        # Another site calls its nodes the same.
        (file_of(address="198.51.100.11"), "with other nodes or other frontends"),
        # A part of an address, and of a name.
        (file_of(address="192.0.2.111"), "with other nodes"),
        (file_of(node="blue10"), "with other nodes"),
        (FORMER.replace("192.0.2.11", "198.51.100.11"), "FILE serves an application without a name (load balancer live)"),
        (file_of(name="standby"), "FILE is the configuration of load balancer standby of the same application"),
    ],
)
def test_only_the_file_of_the_same_application_is_replaced(there, says):
    objection = Wanted("shop", "live", ["web"], NODES).objection("FILE", there, owner_of(there))
    assert says in objection and bool(objection) == bool(says)


def test_two_applications_without_names_are_told_apart():
    wanted = Wanted("", "live", ["web"], NODES)
    for there in (file_of(application="", frontend="api"), file_of(application="", address="198.51.100.11")):
        assert "an application without a name" in wanted.objection("FILE", there, owner_of(there))
    assert not wanted.objection("FILE", FORMER, owner_of(FORMER))


def bound(*lines):
    return "frontend x\n" + "".join("    bind %s\n" % line for line in lines)


@pytest.mark.parametrize(
    "one, two, clash",
    [
        ("*:80", "*:80", True),
        ("*:80", ":80 maxconn 10", True),
        ("*:80", "0.0.0.0:80", True),
        # HAProxy takes both, and the first application loses its requests at this address.
        ("*:80", "192.0.2.5:80", True),
        ("ipv4@192.0.2.5:80", "192.0.2.5:80", True),
        ("*:443,*:80", "*:80", True),
        ("*:8000-8010", "*:8005", True),
        ("[::]:80", "[fd00::5]:80", True),
        ("*:80", "[::]:80 v4v6", True),
        ("/run/x.sock", "/run/x.sock", True),
        ("*:80", "*:81", False),
        ("192.0.2.5:80", "192.0.2.6:80", False),
        ("*:80", "[::]:80", False),
        ("*:80 interface eth0", "*:80 interface eth1", False),
        ("/run/x.sock", "/run/y.sock", False),
        ("*:8000-8010", "*:8011", False),
    ],
)
def test_two_applications_at_one_place(one, two, clash):
    found = clashes([("shop", bound(one)), ("stock", bound(two).replace("frontend x", "frontend y"))])
    assert bool(found) == clash
    assert all("shop" in each and "stock" in each and "listens at" in each for each in found)
    assert bool(clashes([("stock", bound(two)), ("shop", bound(one).replace("frontend x", "frontend y"))])) == clash


@pytest.mark.parametrize("kind", ["frontend", "backend", "listen"])
def test_two_sections_of_one_name(kind):
    found = clashes([("shop", "%s web\n" % kind), ("cart", "backend other\n"), ("stock", "listen web\n")])
    assert found == ["web is the name of a section of shop and of stock"]


def test_what_one_haproxy_has_once():
    before = "global\n    log stdout format raw local0\n    user haproxy\n    stats socket /run/a.sock\n"
    assert differences_of_once(before, before + "    # another version of the role\n") == []
    assert differences_of_once(before, before.replace("    user haproxy\n", "").replace("stdout", "/dev/log")) == [
        "load_balancer_log is stdout format raw local0 there and /dev/log format raw local0 here",
        "load_balancer_user is haproxy there and empty here",
    ]


def test_places_are_addresses_with_one_port():
    assert places_of(bound("*:80,192.0.2.5:81 ssl crt x.pem", "[fd00::5]:443", "/run/x.sock", "*:1-2")) == [
        ("*", 80, "*:80"),
        ("192.0.2.5", 81, "192.0.2.5:81"),
        ("fd00::5", 443, "[fd00::5]:443"),
    ]
