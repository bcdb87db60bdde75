# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a package is called, and which of two versions is the newer one, the way RPM has it."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re
from collections import namedtuple

from ansible_collections.halfswap.bluegreen.plugins.module_utils._shown import Told

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]*\Z")
VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+~^]*\Z")

# What a database or a repository may call a package. RPM itself lets other characters pass, braces for instance.
LABEL = re.compile(r"[A-Za-z0-9()._+~^-]{1,200}\Z")

# How the pieces of a version rank where two versions first differ: "1.0~rc1" < "1.0" < "1.0^fix1" < "1.0.a" < "1.0.1".
_TILDE, _END, _CARET, _LETTERS, _DIGITS = range(5)


class RpmError(Told):
    """Something that the user can mend; the text says what and how."""


class Package(namedtuple("Package", ["name", "epoch", "version", "release", "arch"])):
    """One package, as it is installed or in a repository."""

    __slots__ = ()

    @classmethod
    def read(cls, name, epoch, version, release, arch):
        """As a database, a file or a repository says it."""
        package = cls(name, int(epoch), version, release, arch)
        if not all(LABEL.match(text) for text in (name, version, release, arch)):
            raise RpmError("%s is no name of a package, which has letters, digits and . _ + ~ ^ - in it: see who built and published it" % (package,))
        return package

    def labels(self):
        """What rpm, dnf and yum take for this package as well, and is more than its name."""
        versions = [self.version, "%s-%s" % (self.version, self.release)]
        named = ["%s-%s%s" % (self.name, epoch, version) for version in versions for epoch in ("", "%d:" % self.epoch)]
        return ["%s.%s" % (self.name, self.arch)] + named + ["%s.%s" % (label, self.arch) for label in named]

    def __str__(self):
        epoch = "%d:" % self.epoch if self.epoch else ""
        return "%s-%s%s-%s.%s" % (self.name, epoch, self.version, self.release, self.arch)

    @property
    def age(self):
        """Sorts older packages before newer ones."""
        return (self.epoch, version_key(self.version), version_key(self.release))


def version_key(text):
    """A sort key for a version or a release by itself, equal to RPM's own comparison."""
    key = []
    for piece in re.findall(r"~|\^|[0-9]+|[A-Za-z]+", text):
        if piece == "~":
            key.append((_TILDE, 0))
        elif piece == "^":
            key.append((_CARET, 0))
        elif piece.isdigit():
            key.append((_DIGITS, int(piece)))
        else:
            key.append((_LETTERS, piece))
    return key + [(_END, 0)]


def check_name(what, value):
    if not NAME.match(value):
        raise RpmError("%s %r is no RPM name: it starts with a letter, a digit or _, and has only letters, digits and . _ + - in it" % (what, value))


def check_version(what, value):
    if not VERSION.match(value):
        raise RpmError(
            "%s %r cannot be used in an RPM: it starts with a letter or a digit, and has only letters, digits and . _ + ~ ^ in it "
            "(no '-', which separates version and release; write 1.0~rc1 for a version before 1.0)" % (what, value)
        )


def check_named_alone(names, packages):
    """Refuse a name with a version or an architecture in it, by the packages that were found for these names."""
    there = [package.name for package in packages]
    for package in packages:
        for name in names:
            if name not in there and name in package.labels():
                raise RpmError(
                    "%s is no name of a package: it is %s with a version or an architecture. Write package: %s (bluegreen_components); "
                    "the version comes with bluegreen_release" % (name, package.name, package.name)
                )


def database(module):
    """The directory of RPM's database on this node."""
    return module.run_command(["rpm", "--eval", "%_dbpath"])[1].strip()


def query(module, what, tags=()):
    """Let rpm print these packages, an installed one or a file each: a list of pairs, the package and the texts of the tags; and what it said."""
    form = "\x1f".join("%%{%s}" % tag for tag in ("NAME", "EPOCHNUM", "VERSION", "RELEASE", "ARCH") + tuple(tags)) + "\n"
    # The status only says that there is no such package for one of them.
    _status, out, err = module.run_command(["rpm", "-q", "--qf", form] + list(what), environ_update=dict(LC_ALL="C"))
    rows = [line.split("\x1f") for line in out.split("\n") if "\x1f" in line]
    return [(Package.read(*row[:5]), row[5:]) for row in rows], out + err


def installed(module, names, dbpath=None):
    """What is installed under each of these names: a list of pairs, the package and when it was installed (seconds since 1970)."""
    options = ["--dbpath", dbpath] if dbpath else []
    rows, said = query(module, options + list(names), ["INSTALLTIME"])
    if names and not rows and "not installed" not in said:
        raise RpmError("rpm cannot say what is installed: %s" % said.strip())
    check_named_alone(names, [package for package, _tags in rows])
    found = {name: [] for name in names}
    for package, (when,) in rows:
        found[package.name].append((package, int(when)))
    return found


def installed_packages(module, names):
    """For each name that is installed: its NEVRA, its version, and when it was installed, in seconds since 1970."""
    found = {}
    for name, packages in installed(module, names).items():
        if packages:
            package, when = packages[-1]
            found[name] = dict(nevra=str(package), version=package.version, installed_at=when)
    return found
