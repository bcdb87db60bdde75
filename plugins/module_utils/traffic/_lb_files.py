# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whose a load balancer's file is, and whether two applications on one load balancer are in each other's way.

A load balancer serves other applications than the one that is set up. So nothing is replaced that this application's own set-up did not write.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import collections
import re

from ansible_collections.halfswap.bluegreen.plugins.module_utils._shown import shown

# By the role's templates; the second one is what earlier versions wrote, who knew one application only.
MARK = re.compile(r'Managed by halfswap\.bluegreen\.load_balancer: application "([^"\n]*)", load balancer "([^"\n]*)"')
FORMER_MARK = re.compile(r'[Ll]oad balancer "([^"\n]*)"[^\n]*\n(?:[^\n]*\n)?[^\n]*Rendered once by the role halfswap\.bluegreen\.load_balancer')
# What is put together of the parts of several applications, and their common beginning.
COMMON = re.compile(r"Managed by halfswap\.bluegreen\.load_balancer for all applications")
# A mark stands at the top; what is quoted further down is not one.
HEAD = 2000

FRONTEND = re.compile(r"(?m)^(?:# )?frontend ([A-Za-z0-9_.:-]+)")
SECTION = re.compile(r"(?m)^(frontend|backend|listen)[ \t]+(\S+)")
BIND = re.compile(r"(?m)^[ \t]*bind[ \t]+(.+)$")
PLACE = re.compile(r"(?:ipv[46]@)?\[?([^\[\]]*?)\]?:([0-9]+)(?:-([0-9]+))?\Z")
# What one HAProxy has once, however many applications it serves, and the variable that says so.
ONCE = (("log", "load_balancer_log"), ("user", "load_balancer_user"), ("group", "load_balancer_group"), ("stats socket", "load_balancer_socket"))

Owner = collections.namedtuple("Owner", "application load_balancer former")


def owner_of(text):
    """The application and the load balancer that a file was written for; None where we did not write it for one."""
    head = text[:HEAD]
    if COMMON.search(head):
        return None
    found = MARK.search(head)
    if found:
        return Owner(found.group(1), found.group(2), False)
    found = FORMER_MARK.search(head)
    return Owner("", found.group(1), True) if found else None


def in_words(application, load_balancer):
    of = "application %s" % shown(application) if application else "an application without a name"
    return "%s (load balancer %s)" % (of, shown(load_balancer))


class Wanted(object):
    """What is to be set up: an application's load balancer, the names of its frontends, and the names and addresses of its nodes."""

    def __init__(self, application, name, frontends, nodes):
        self.application = application
        self.name = name
        self.frontends = frontends
        self.nodes = nodes

    @property
    def told(self):
        return in_words(self.application, self.name)

    def is_served_by(self, text, owner):
        """Whether a file of ours is that of this application: the same name, and a node and a frontend in common.

        Two inventories may call their applications alike, or give them no name at all; and nodes of both may be called blue1, at other addresses.
        """
        if owner.application != self.application and owner.application and self.application:
            return False
        there = FRONTEND.findall(text)
        # A name of a section ends with that of the frontend.
        frontend = any(name == one or one.endswith("." + name) for name in self.frontends for one in there)
        return frontend and any(_has_word(text, node["name"]) and _has_word(text, node["address"]) for node in self.nodes)

    def objection(self, path, text, owner):
        """Why a file of ours is not to be replaced; empty where it is that of this very load balancer."""
        if not self.is_served_by(text, owner):
            whose = in_words(owner.application, owner.load_balancer)
            if owner.application == self.application:
                whose += ", with other nodes or other frontends: %s" % (shown(", ".join(sorted(set(FRONTEND.findall(text))))) or "none")
            return "%s serves %s" % (path, whose)
        if owner.load_balancer != self.name:
            return "%s is the configuration of load balancer %s of the same application" % (path, shown(owner.load_balancer))
        return ""


def _has_word(text, word):
    return re.search(r"(?<![\w.:-])%s(?![\w.-])" % re.escape(word), text) is not None


def clashes(parts):
    """Sentences about what two of the parts have both: names of sections, and places to listen at. Parts are (whose, text)."""
    said = []
    for number, (whose, text) in enumerate(parts):
        for other, other_text in parts[:number]:
            said += ["%s is the name of a section of %s and of %s" % (shown(name), other, whose) for name in sorted(sections(text) & sections(other_text))]
            for one in _places(text):
                said += ["%s listens at %s, %s at %s" % (other, shown(two.told), whose, shown(one.told)) for two in _places(other_text) if one.meets(two)]
    return said


def differences_of_once(before, after):
    """The variables whose lines in the common beginning differ, with what was there and what is wanted."""
    said = []
    for word, variable in ONCE:
        was, wanted = [re.findall(r"(?m)^[ \t]*%s[ \t]+(.+?)[ \t]*$" % word, text) for text in (before, after)]
        if was != wanted:
            said.append("%s is %s there and %s here" % (variable, shown("; ".join(was)) or "empty", shown("; ".join(wanted)) or "empty"))
    return said


def sections(text):
    # A frontend and a backend may have one name between them; HAProxy says so itself.
    return {name for _kind, name in SECTION.findall(text)}


class Place(object):
    """Where a bind line listens."""

    def __init__(self, text, options):
        self.told = text
        found = PLACE.match(text)
        self.host, first, last = found.groups() if found else (text, None, None)
        self.ports = (int(first), int(last or first)) if first else None
        self.interface = options[options.index("interface") + 1] if "interface" in options[:-1] else ""
        self.both_families = "v4v6" in options

    @property
    def _is_for_all(self):
        return self.host in ("", "*", "0.0.0.0", "::")

    def meets(self, other):
        if not self.ports or not other.ports:
            return self.host == other.host
        if self.ports[0] > other.ports[1] or other.ports[0] > self.ports[1]:
            return False
        if self.interface and other.interface and self.interface != other.interface:
            return False
        if self.host == other.host:
            return True
        families = self.both_families or other.both_families or (":" in self.host) == (":" in other.host)
        # Whoever has all addresses would lose one of them to the other.
        return families and (self._is_for_all or other._is_for_all)


def _places(text):
    found = []
    for line in BIND.findall(text):
        words = line.split("#")[0].split()
        found += [Place(one, words[1:]) for one in (words[0] if words else "").split(",") if one]
    return found


def places_of(text):
    """(host, port) of each place in bind lines that is an address and one port."""
    return [(place.host, place.ports[0], place.told) for place in _places(text) if place.ports and place.ports[0] == place.ports[1]]
