# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From packages as people name them (a name and a version) to exactly one package each: what modules rpm_stage and rpm_release share."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import platform
from collections import namedtuple

from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm._rpm import RpmError, check_name, check_version, installed
from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm._rpm_files import MAY_DIFFER, patterns_of

# An error names no more of them.
MOST_VERSIONS_NAMED = 20

# The option that says which packages are wanted.
PACKAGES = dict(
    type="list",
    elements="dict",
    required=True,
    options=dict(
        name=dict(type="str", required=True),
        version=dict(type="str", required=True),
        release=dict(type="str"),
        epoch=dict(type="int"),
        arch=dict(type="str"),
        service=dict(type="str"),
        replaces=dict(type="str"),
        health_url=dict(type="str"),
        may_differ=MAY_DIFFER,
    ),
)
# Which repositories are asked.
REPOSITORIES = dict(
    enablerepo=dict(type="list", elements="str", default=[]),
    disablerepo=dict(type="list", elements="str", default=[]),
    lock_timeout_s=dict(type="int", default=120),
)


class Found(namedtuple("Found", ["wanted", "before", "installed_at", "after", "differing"])):
    """What is wanted, the package that is installed and since when (seconds since 1970; both may be None), the one to install, and its files that differ."""

    __slots__ = ()

    @property
    def changes(self):
        return self.before != self.after or bool(self.differing)

    def as_dict(self):
        return dict(
            name=self.after.name,
            before=str(self.before) if self.before else None,
            after=str(self.after),
            exact=dict(self.after._asdict()),
            differing=self.differing,
        )


def find(module, manager, wanted, staged, compare):
    """For each of the packages wanted what was found, in the same order; `staged` are at hand without a repository.

    compare: how the files of what is to stay are compared with its package. Those of another one are all exchanged.
    """
    there = installed(module, [package["name"] for package in wanted])
    current = [installed_one(package, there[package["name"]]) for package in wanted]
    after = resolve(manager, wanted, [package for package, _when in current], staged)
    staying = [new.name for (old, _when), new in zip(current, after) if old == new]
    files = compare(module, staying, patterns_of(wanted, "name"))
    return [Found(package, old, when, new, files.get(new.name, [])) for package, (old, when), new in zip(wanted, current, after)]


def check(wanted):
    names = [package["name"] for package in wanted]
    for package in wanted:
        check_name("packages[].name", package["name"])
        check_version("version of %s" % package["name"], package["version"])
        if package["release"] is not None:
            check_version("release of %s" % package["name"], package["release"])
        if names.count(package["name"]) > 1:
            raise RpmError("package %s is listed more than once" % package["name"])


def fits(wanted, package):
    for part in ("name", "version", "release", "epoch", "arch"):
        if wanted[part] is not None and wanted[part] != getattr(package, part):
            return False
    return True


def for_this_node(wanted, packages):
    """Without those of a foreign architecture, as long as there is another one."""
    packages = [package for package in packages if package.arch not in ("src", "nosrc")]
    native = [package for package in packages if package.arch in ("noarch", platform.machine())]
    return packages if wanted["arch"] else native or packages


def installed_one(wanted, pairs):
    """The one that is installed under this name, and when it was."""
    if len(pairs) > 1:
        left = for_this_node(wanted, [package for package, _when in pairs if wanted["arch"] in (None, package.arch)])
        pairs = [(package, when) for package, when in pairs if package in left]
    if len(pairs) > 1:
        raise RpmError("more than one %s is installed (%s): remove all but one, or say which arch" % (wanted["name"], ", ".join(str(p) for p, _when in pairs)))
    return pairs[0] if pairs else (None, None)


def resolve(manager, wanted, before, staged):
    """For each wanted package exactly one, in the same order."""
    settled = [at_hand(package, current, staged) for package, current in zip(wanted, before)]
    names = [package["name"] for package, found in zip(wanted, settled) if not found]
    available = []

    def candidates(package, current):
        found = [offered for offered, _repository in available] + ([current] if current else [])
        return for_this_node(package, [offered for offered in found if fits(package, offered)])

    def missing():
        return [(package, current) for package, current, found in zip(wanted, before, settled) if not found and not candidates(package, current)]

    if names:
        refresh = any(package["release"] is None for package in wanted)
        available = manager.available(names, refresh)
        if missing() and not refresh:
            available = manager.available(names, True)
    if missing():
        complaints = manager.complaints
        hidden, filters = manager.hidden([package["name"] for package, _current in missing()], available)
        reasons = [is_hidden(package, hidden, filters) or not_there(package, available, current) for package, current in missing()]
        reasons.append("repositories asked: %s" % (", ".join(manager.repositories()) or "none is enabled"))
        if complaints:
            reasons.append("%s said: %s" % (manager.name, " ".join(complaints)))
        raise RpmError("; ".join(reasons))
    return [found or max(candidates(package, current), key=lambda offered: offered.age) for package, current, found in zip(wanted, before, settled)]


def at_hand(wanted, current, staged):
    """The package for which no repository has to be asked, if there is one: only a given release leaves nothing to ask."""
    if wanted["release"] is None:
        return None
    if current and fits(wanted, current):
        return current
    fitting = for_this_node(wanted, [package for package in staged if fits(wanted, package)])
    return max(fitting, key=lambda package: package.age) if fitting else None


def is_hidden(wanted, hidden, filters):
    """What to do about a filter of this node, where the repositories have the package after all."""
    fitting = ["%s (%s)" % pair for pair in hidden if fits(wanted, pair[0])]
    if not fitting:
        return None
    return "the repositories have %s, and a filter hides it on this node (%s): take it out of the filter" % (
        ", ".join(fitting[:MOST_VERSIONS_NAMED]),
        "; ".join(filters) or "which none of its configuration files has: see the plugins of its package manager",
    )


def not_there(wanted, available, current):
    asked = wanted["version"] if wanted["release"] is None else "%s-%s" % (wanted["version"], wanted["release"])
    for part in ("epoch", "arch"):
        if wanted[part] is not None:
            asked += " (%s %s)" % (part, wanted[part])
    ours = sorted([pair for pair in available if pair[0].name == wanted["name"]], key=lambda pair: pair[0].age, reverse=True)
    held = ", ".join("%s (%s)" % pair for pair in ours[:MOST_VERSIONS_NAMED]) or "no %s at all" % wanted["name"]
    return "the repositories have no %s %s for this node; they have %s; %s is installed" % (wanted["name"], asked, held, current or "nothing")
