# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks the repositories through the command line of dnf or yum, and lets it run one transaction.

The command line serves any node: the Python bindings of dnf exist for one interpreter of the system only, which on older nodes is not
the one that Ansible uses.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import glob
import io
import os
import re

from ansible_collections.halfswap.bluegreen.plugins.module_utils._shown import shown
from ansible_collections.halfswap.bluegreen.plugins.module_utils._wait import wait_until
from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm import _rpm_proxy
from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm._rpm import Package, RpmError, check_named_alone
from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm._rpm_lock import LOCK_POLL_S, Waiting, holder, with_command

# Exit status of dnf 4 for a lock that another process holds; yum 3 and dnf 5 only say so.
_LOCKED_STATUS = 200
# Where dnf 4, dnf 5 and yum 3 are told to check the signatures of files that are given by path, too; rpm by itself would install those.
CONFIGURATION = ("/etc/dnf/dnf.conf", "/etc/dnf/libdnf5.conf.d/*.conf", "/usr/share/dnf5/libdnf.conf.d/*.conf", "/etc/yum.conf")
# Where a site says which packages its managers do not see.
FILTERED = CONFIGURATION + ("/etc/yum.repos.d/*.repo", "/etc/dnf/repos.override.d/*.repo")
LOCKED_VERSIONS = ("/etc/dnf/plugins/versionlock.list", "/etc/dnf/versionlock.toml", "/etc/yum/pluginconf.d/versionlock.list")
_FILTER = re.compile(r"^[ \t]*((?:excludepkgs|exclude|includepkgs)[ \t]*=.*)$", re.M)
# Where dnf 4 and dnf 5 write what rpm says within a transaction, most of which they do not show; yum 3 shows it.
RPM_LOGS = ("/var/log/dnf.rpm.log", "/var/log/dnf5.log")
_STAMP = re.compile(r"^\S*\d\S*( \[\d+\])?( [A-Z]+)? ")
_TELLS = re.compile(r"\berror\b|\bfail|\bcannot\b|not signed|filtered out", re.I)
_CHECKS_FILES = re.compile(r"^\s*localpkg_gpgcheck\s*=\s*(1|yes|true|on)\s*$", re.M | re.I)
_LOCKED = re.compile(
    r"holding the yum lock|Failed to obtain rpm transaction lock|Another transaction is in progress|can't create transaction lock on .*temporarily unavailable"
)
_RPM_WAITED = re.compile(r"^.*waiting for \w+ lock on .*$", re.M)


class Dnf:
    """dnf 4 and dnf 5."""

    name = "dnf"
    # What dnf 4, and what dnf 5 calls all of them; a plugin may hide packages, too.
    unfiltered = ["--setopt=disable_excludes=all,*", "--setopt=plugins=0"]
    # Puts what is downloaded into a directory, which has to be there.
    into = "--setopt=destdir=%s"

    def __init__(self, module, path):
        self.module = module
        self.command = [path, "-y", "--setopt=exit_on_lock=1"]
        for option in ("disablerepo", "enablerepo"):
            self.command += ["--%s=%s" % (option, repository) for repository in module.params[option]]
        # What the manager said of repositories that it had to do without.
        self.complaints = []

    def available(self, names, refresh, unfiltered=False):
        """What the repositories hold under these names: pairs of a package and the repository."""
        form = "%{name} %{epoch} %{version} %{release} %{arch} %{repoid}\n"
        options = (["--refresh"] if refresh else []) + (self.unfiltered if unfiltered else [])
        # Not with -q, which would hide that a repository was left out for not answering.
        out = self._must(options + ["repoquery", "--qf", form] + names, "ask the repositories for %s" % " ".join(names))
        found = []
        for row in out.splitlines():
            parts = row.split()
            if len(parts) == 6:
                found.append((Package.read(*parts[:5]), parts[5]))
        return _named_so(names, found)

    def hidden(self, names, seen):
        """What is under these names beside that which was seen, because the site filters it out: pairs as above; and the filters of this node."""
        try:
            found = [pair for pair in self.available(names, False, unfiltered=True) if pair not in seen]
        except RpmError:
            return [], []
        return found, filters() if found else []

    def transact(self, moves, test, files=None, into=None):
        """Take every package from what is installed to what is wanted, in one transaction; returns the output.

        `files` are the paths of packages that no repository is needed for; `into` is the directory for what is downloaded.
        """
        said = ""
        # Its command line takes one verb for all: first what is there already, and whose files are put there again.
        for verb, again in (("reinstall", True), ("install", False)):
            part = [(before, after) for before, after in moves if (before == after) is again]
            labels = [(files or {}).get(after, str(after)) for _before, after in part]
            if part:
                said += self._must(self._options(part, test, files, into) + [verb] + labels, _task(part, test), locks_rpm=True)
        return said

    def fetch_installed(self, packages, into):
        """Download what is installed as far as the repositories still hold it; returns the output, of a failure as well."""
        options = self._options([], True, None, into)
        return _gist(*self._run(options + ["reinstall"] + [str(package) for package in packages], locks_rpm=True)[1:])

    def _options(self, moves, test, files, into):
        options = ["--disablerepo=*"] if files and all(after in files for _before, after in moves) else []
        # Not --downloadonly, with which yum leaves before it has checked a signature.
        options += ["--setopt=tsflags=test"] if test else []
        return options + ([self.into % into] if into else [])

    def repositories(self):
        """The names of the repositories that are asked."""
        rows = self._run(["-q", "repolist"])[1].splitlines()
        # yum adds the architecture to a name, and a mark in front of it.
        return [row.split()[0].lstrip("!*").split("/")[0] for row in rows if row.strip() and not row.startswith(("repo id", "repolist:"))]

    def _must(self, arguments, task, data=None, locks_rpm=False):
        logged = _log_sizes()
        status, out, err = self._run(arguments, data, locks_rpm)
        if status:
            raise RpmError("%s could not %s: %s%s" % (self.name, task, _gist(out, err), _logged_since(logged)))
        return out + err

    @property
    def checks_files(self):
        """Whether the site wants no file to be installed whose signature the manager has not checked."""
        return any(_CHECKS_FILES.search(_text(path)) for path in _files(CONFIGURATION))

    def rpm(self, arguments):
        """Run rpm by itself when no other transaction is under way; returns its status, output and errors."""
        return self._run(arguments, locks_rpm=True, command=["rpm"])

    def _run(self, arguments, data=None, locks_rpm=False, command=None):
        answer, waiting = [], Waiting(self.module)

        def locked():
            held = waiting.on(holder(self.module)) if locks_rpm else None
            if held:
                return held
            before = waiting.now()
            answer[:] = self.module.run_command((command or self.command) + arguments, data=data, environ_update=_rpm_proxy.environment(os.environ))
            self.complaints = [line.strip() for line in answer[2].splitlines() if re.search(r"\brepo|mirror|[Cc]url", line)]
            if answer[0] == _LOCKED_STATUS or (answer[0] and _LOCKED.search(answer[1] + answer[2])):
                return waiting.on(with_command(_gist(answer[1], answer[2])))
            waiting.over(before)
            # Where another one was quicker than rpm, rpm itself waits.
            for line in _RPM_WAITED.findall(answer[2]):
                self.module.warn(shown(line.strip()))
            return None

        held, waited_s = wait_until(locked, self.module.params["lock_timeout_s"], LOCK_POLL_S)
        if held:
            raise waiting.given_up(waited_s, held)
        return answer


class Yum(Dnf):
    """yum 3, of RHEL 7."""

    name = "yum"
    into = "--downloaddir=%s"
    unfiltered = ["--disableexcludes=all", "--noplugins"]

    def available(self, names, refresh, unfiltered=False):
        if refresh:
            self._must(["-q", "clean", "expire-cache"], "forget its copy of the repositories")
        status, out, err = self._run((self.unfiltered if unfiltered else []) + ["-q", "--showduplicates", "list", "available"] + names)
        if status and "No matching Packages" not in out + err:
            raise RpmError("yum could not ask the repositories for %s: %s" % (" ".join(names), _gist(out, err)))
        # yum breaks a long row in two, but never within one of its three columns.
        words = out.partition("Available Packages")[2].split()
        found = []
        for label, evr, repository in zip(words[::3], words[1::3], words[2::3]):
            name, _dot, arch = label.rpartition(".")
            epoch, _colon, version_release = evr.rpartition(":")
            version, _dash, release = version_release.rpartition("-")
            found.append((Package.read(name, epoch or 0, version, release, arch), repository))
        return _named_so(names, found)

    def transact(self, moves, test, files=None, into=None):
        # yum's install does not go back to an older version, and its downgrade to nothing else; its shell takes both at once.
        lines = []
        for before, after in moves:
            verb = "reinstall" if before == after else "downgrade" if before and before.age > after.age else "install"
            lines.append("%s %s\n" % (verb, (files or {}).get(after, after)))
        task = _task(moves, test)
        out = self._must(self._options(moves, test, files, into) + ["shell", "/dev/stdin"], task, data="".join(lines) + "run\n", locks_rpm=True)
        # The shell's own exit status is 0, whatever happened in it.
        if "Transaction test succeeded" not in out:
            raise RpmError("yum could not %s: %s" % (task, _gist(out, "")))
        return out


def find_manager(module):
    for command, manager in (("dnf", Dnf), ("dnf5", Dnf), ("yum", Yum)):
        path = module.get_bin_path(command)
        if path:
            return manager(module, path)
    raise RpmError("neither dnf nor yum is on PATH of this node")


def _task(moves, test):
    return "%s %s" % ("rehearse the installation of" if test else "install", ", ".join(str(after) for _before, after in moves))


def filters():
    """What this node's configuration says of packages that are not to be seen, as texts that name the file."""
    found = ["%s in %s" % (" ".join(line.split()), path) for path in _files(FILTERED) for line in _FILTER.findall(_text(path))]
    return found + ["the list %s" % path for path in _files(LOCKED_VERSIONS)]


def _named_so(names, found):
    """Those that have just these names; for a version in a name, a manager finds others as well."""
    check_named_alone(names, [package for package, _repository in found])
    return [(package, repository) for package, repository in found if package.name in names]


def _files(forms):
    """The files of these patterns, each once: one may be a link to another."""
    found = []
    for path in [path for form in forms for path in sorted(glob.glob(form))]:
        if os.path.realpath(path) not in found:
            found.append(os.path.realpath(path))
    return found


def _log_sizes():
    return {path: os.path.getsize(path) if os.path.exists(path) else 0 for path in RPM_LOGS}


def _logged_since(sizes):
    """What rpm said to the log of a manager that keeps it to itself."""
    lines = []
    for path, size in sorted(sizes.items()):
        if os.path.exists(path):
            with io.open(path, "rb") as log:
                # One that is shorter now was begun anew.
                log.seek(size if os.path.getsize(path) >= size else 0)
                said = log.read().decode("utf-8", "replace").split("\n")
            lines += [_STAMP.sub("", line.strip()) for line in said if _TELLS.search(line)]
    return "; rpm said: %s" % " ".join(lines)[-2000:] if lines else ""


def _text(path):
    with io.open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def _gist(out, err):
    """What the manager gives as the error, or else the end of all it said."""
    said = "%s\n%s" % (out.strip(), err.strip())
    before, error, reason = said.partition("Error:")
    # The sum of it is last, and why it is so may stand long before.
    telling = [line.strip() for line in before.split("\n") if _TELLS.search(line)]
    return (" ".join(telling + [reason.strip()]) if error else said).strip()[-2000:]
