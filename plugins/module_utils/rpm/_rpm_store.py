# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""RPM files kept on the node, <store>/<NEVRA>/*.rpm: each package with those that it pulls in, so that no repository is needed for it.

A folder that holds the RPM of its own NEVRA is complete. It gets there by a rename, so it is there as a whole or not at all.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import contextlib
import errno
import fcntl
import glob
import os
import shutil
import tempfile

from ansible_collections.halfswap.bluegreen.plugins.module_utils._shown import shown
from ansible_collections.halfswap.bluegreen.plugins.module_utils._wait import wait_until
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._records import directory
from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm._rpm import RpmError, database, installed, query
from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm._rpm_lock import LOCK_POLL_S, undisturbed

# Below the directory of the application's records.
STORE = "packages"
# Where the heartbeat agent keeps its state, which it cannot change when the disk is full.
HEARTBEAT_STATE = "/var/lib/halfswap-heartbeat"
# What a swap itself may need besides the packages, which rpm counts: the copy of RPM's database for the rehearsal and the growth of the
# original (150 MB on a RHEL node with many packages), and what services log meanwhile.
MIN_FREE_BYTES = 256 * 1024 * 1024
# /tmp may be in memory, and the directory that Ansible has for a module on the file system of somebody's home.
LARGE_TEMPORARY_FILES = "/var/tmp"
# What a file requires; and, after a separator, what it provides.
CAPABILITIES = "[%{REQUIRENAME}\n]\x1e[%{PROVIDENAME}\n][%{FILENAMES}\n]"
NO_CAPABILITY = "(none)"
# Exactly what is wanted, be it newer or older than what is there, or the same whose files have to be put there again.
UPGRADE = ["-U", "--oldpackage", "--replacepkgs"]
# What rpm keeps about its running processes is of no use in a copy, and would make it wait for them.
NOT_COPIED = ("__db.*", ".rpm.lock", ".dbenv.lock", "*-shm")


def place(store):
    """Where it is on this node: a path that is not absolute is one below the directory of the application's records."""
    return os.path.join(directory(), store)


class Store(object):
    """What is in the store. In check mode, what would be."""

    def __init__(self, module, path):
        self.module = module
        self.path = path
        # For each folder, named by the package it serves, the files of the packages in it.
        self.folders = {}
        # The names of the folders that were made or got another file, and of those that were removed.
        self.added = []
        self.removed = []
        for package, file in headers(module, glob.glob(os.path.join(path, "*", "*.rpm"))):
            self.folders.setdefault(os.path.basename(os.path.dirname(file)), {})[package] = file

    def packages(self):
        """Those that can be installed from here."""
        return [package for folder, files in self.folders.items() for package in files if str(package) == folder]

    def holds(self, package):
        return package in self.folder(package)

    def folder(self, package):
        return self.folders.get(str(package), {})

    def add(self, package, file, others, work):
        """Keep its file and those of others for the package; `work` is a directory on the file system of the store."""
        files = {other: path for other, path in [(package, file)] + list(others.items()) if other not in self.folder(package)}
        if not files:
            return
        folder = os.path.join(self.path, str(package))
        self.added.append(str(package))
        if not self.module.check_mode:
            files = _move_in(folder, files, tempfile.mkdtemp(dir=work))
        self.folders.setdefault(str(package), {}).update(files)

    def remove_all_but(self, kept, names, work):
        """Remove what belongs to packages of these names and is not to be kept (NEVRAs)."""
        for folder in _subfolders(self.path):
            if folder.rsplit("-", 2)[0] in names and folder not in kept:
                self.removed.append(folder)
                if not self.module.check_mode:
                    # What is on its way out is never taken for a package that is there.
                    os.rename(os.path.join(self.path, folder), os.path.join(work, folder))

    def transaction(self, manager, moves, dbpath=None):
        """What one transaction needs for these moves, all of packages that are here: the moves with those that come along, and the files.

        Raises RpmError with rpm's reason when its test finds that they cannot be installed, over what the database in `dbpath` says
        is installed.
        """
        along = self._along([after for _before, after in moves], dbpath)
        files = {}
        for _before, after in moves:
            files.update((other, file) for other, file in self.folder(after).items() if other == after or other in [new for _old, new in along])
        missing = [(old, new) for old, new in along if old is None or old.age < new.age]
        first_reason = None
        # As little as possible is changed: a newer one that is installed already is exchanged only where it does not go without.
        for chosen in [missing] + [along] * (along != missing):
            chosen = list(moves) + chosen
            reason = rpm_test(manager, [files[after] for _before, after in chosen], dbpath)
            if not reason:
                return chosen, {after: files[after] for _before, after in chosen}
            first_reason = first_reason or reason
        raise RpmError(first_reason)

    def _along(self, packages, dbpath):
        """Of those that were pulled in with these packages, the ones that are not installed in this very version: pairs as moves are."""
        pulled = {}
        for package in packages:
            for other in self.folder(package):
                key = (other.name, other.arch)
                if other.name not in [each.name for each in packages] and (key not in pulled or pulled[key].age < other.age):
                    pulled[key] = other
        there = installed(self.module, sorted({other.name for other in pulled.values()}), dbpath) if pulled else {}
        pairs = []
        for other in sorted(pulled.values()):
            alike = [old for old, _when in there[other.name] if old.arch == other.arch or "noarch" in (old.arch, other.arch)]
            if other not in alike:
                pairs.append((max(alike, key=lambda old: old.age) if alike else None, other))
        return pairs

    def contents(self, packages):
        """For people: what is kept for each of these packages."""
        return [
            dict(
                package=str(package),
                files=sorted(shown(os.path.basename(file)) for file in self.folder(package).values()),
                size_bytes=sum(os.path.getsize(file) for file in self.folder(package).values()),
            )
            for package in packages
            if self.holds(package)
        ]


def headers(module, paths):
    """Which package is in each of these files: pairs; without those that rpm cannot read."""
    paths = sorted(paths)
    if not paths:
        return []
    rows = query(module, ["-p"] + paths)[0]
    if len(rows) == len(paths):
        return [(package, path) for (package, _tags), path in zip(rows, paths)]
    return [(package, path) for path in paths for package, _tags in query(module, ["-p", path])[0]]


def by_owner(module, owners, others):
    """Of files that were downloaded together, which of the others belong to which owner: {owner: {package: path}}, of {package: path} each.

    Otherwise one owner could not be installed without what only the next one needs.
    """
    if len(owners) == 1 or not others:
        return {owner: dict(others) for owner in owners}
    needs, gives = {}, {}
    for package, path in list(owners.items()) + list(others.items()):
        out = module.run_command(["rpm", "-q", "-p", "--qf", CAPABILITIES, path], environ_update=dict(LC_ALL="C"))[1]
        requires, _separator, provides = out.partition("\x1e")
        needs[package] = set(requires.splitlines()) - {NO_CAPABILITY}
        gives[package] = set(provides.splitlines()) - {NO_CAPABILITY}
    shares = {}
    for owner in owners:
        chain = [owner]
        for link in chain:
            chain += [other for other in sorted(others) if other not in chain and needs[link] & gives[other]]
        shares[owner] = chain[1:]
    # What is only recommended, or has to change because something installed goes with it, may belong to any of them.
    unclaimed = [other for other in others if not any(other in share for share in shares.values())]
    return {owner: {other: others[other] for other in share + unclaimed} for owner, share in shares.items()}


def rpm_test(manager, paths, dbpath=None):
    """Why rpm could not install these files: dependencies, conflicts of files, a full disk, a damaged file. None when it could."""
    options = ["--dbpath", dbpath] if dbpath else []
    status, out, err = manager.rpm(options + ["--test"] + UPGRADE + paths)
    return _reason(out, err) if status else None


def rpm_install(manager, paths):
    """Install these files, by the command that rpm_test has tried; what rpm said. Half as long as dnf takes for it, while the service is down."""
    status, out, err = manager.rpm(UPGRADE + paths)
    if status:
        raise RpmError("rpm could not install %s: %s" % (", ".join(os.path.basename(path) for path in paths), _reason(out, err)))
    return out + err


def rehearse_way_back(manager, store, moves, files, work):
    """Go there and back in a copy of RPM's database. Raises RpmError with rpm's reason when there is no way back."""
    copy = os.path.join(tempfile.mkdtemp(dir=work), "rpmdb")
    try:
        # Of one that is being changed a copy would be torn.
        with undisturbed(manager.module):
            shutil.copytree(database(manager.module), copy, ignore=shutil.ignore_patterns(*NOT_COPIED))
    except EnvironmentError as error:
        raise RpmError("RPM's database could not be copied to %s: %s" % (copy, error))
    # A plugin of rpm would report to the audit log, or to fapolicyd, what is not going to be on the disk.
    options = ["--dbpath", copy, "--define", "__plugindir %s" % os.path.join(work, "no-plugins")]
    options += ["--justdb", "--noscripts", "--notriggers"] + UPGRADE
    status, out, err = manager.rpm(options + [files[after] for _before, after in moves])
    if status:
        raise RpmError("a copy of RPM's database could not be changed: %s" % _reason(out, err))
    back = [(after, before) for before, after in moves if before and before != after and store.holds(before)]
    if back:
        store.transaction(manager, back, copy)


def free_bytes(path):
    """What is free on the file system that this directory has, or would have."""
    while not os.path.exists(path):
        path = os.path.dirname(path)
    stat = os.statvfs(path)
    return stat.f_bavail * stat.f_frsize


def check_free(paths):
    """Raises RpmError for the first of these directories whose file system is about to be full."""
    for path in paths:
        free = free_bytes(path)
        if free < MIN_FREE_BYTES:
            raise RpmError(
                "the file system of %s has %d MiB free, and a deployment wants %d MiB there: make room (dnf clean packages, journalctl --vacuum-size=100M) "
                "or make it larger" % (path, free // 1024**2, MIN_FREE_BYTES // 1024**2)
            )


@contextlib.contextmanager
def workplace(module, path, timeout_s):
    """A temporary directory, on the file system of the store and with nobody else at work there; in check mode it is elsewhere."""
    if module.check_mode:
        work = tempfile.mkdtemp(dir=LARGE_TEMPORARY_FILES)
        try:
            yield work
        finally:
            shutil.rmtree(work, ignore_errors=True)
        return
    mask = os.umask(0o022)
    try:
        os.makedirs(path)
    except OSError as error:
        if error.errno != errno.EEXIST:
            raise RpmError("cannot make the store %s: %s" % (path, os.strerror(error.errno)))
    finally:
        os.umask(mask)
    lock = os.open(path, os.O_RDONLY)
    try:
        held, waited_s = wait_until(lambda: _is_held(lock), timeout_s, LOCK_POLL_S)
        if held:
            raise RpmError("another process has been staging packages in %s for %d s (lock_timeout_s)" % (path, waited_s))
        # What a process left that was killed; nobody else is here.
        for left in glob.glob(os.path.join(path, ".work-*")):
            shutil.rmtree(left, ignore_errors=True)
        work = tempfile.mkdtemp(prefix=".work-", dir=path)
        try:
            yield work
        finally:
            shutil.rmtree(work, ignore_errors=True)
    finally:
        os.close(lock)


def _is_held(lock):
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (IOError, OSError) as error:
        if error.errno not in (errno.EAGAIN, errno.EACCES):
            raise
        return True
    return False


def _move_in(folder, files, new):
    """Give the folder these files by one rename each, or one for the folder itself where there is none yet; returns where they are then."""
    moved = {}
    for package, file in files.items():
        name = str(package) + ".rpm"
        # One file may serve several packages, and takes its space once.
        os.link(file, os.path.join(new, name))
        _sync(os.path.join(new, name))
        moved[package] = os.path.join(folder, name)
    os.chmod(new, 0o755)
    if os.path.isdir(folder):
        for path in moved.values():
            os.rename(os.path.join(new, os.path.basename(path)), path)
    else:
        _sync(new)
        os.rename(new, folder)
    _sync(folder)
    _sync(os.path.dirname(folder))
    return moved


def _sync(path):
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _subfolders(path):
    if not os.path.isdir(path):
        return []
    return sorted(name for name in os.listdir(path) if not name.startswith(".") and os.path.isdir(os.path.join(path, name)))


def _reason(out, err):
    # rpm of Debian prefers dpkg, and says so each time.
    lines = [line.strip() for line in (out + err).splitlines() if not line.startswith("rpm: ")]
    return " ".join(lines)[-2000:]
