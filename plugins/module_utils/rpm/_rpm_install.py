# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Install exactly the packages wanted, in one transaction: from what is there to what came of it."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os
import re

from ansible_collections.halfswap.bluegreen.plugins.module_utils._shown import shown
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node import _records
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._proven import is_older
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._systemd import look
from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm import _rpm_files
from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm._rpm import RpmError, installed
from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm._rpm_release import find_manager
from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm._rpm_store import Store, place, rpm_install
from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm._rpm_wanted import REPOSITORIES, check, find

OPTIONS = dict(
    REPOSITORIES,
    rehearse=dict(type="bool", default=False),
    store=dict(type="path"),
    run_id=dict(type="str"),
    by=dict(type="str", default=""),
)
ENVIRONMENT = dict(LANG="C", LC_ALL="C", LC_MESSAGES="C", LC_CTYPE="C")


def from_store(manager, store, moves):
    """The moves with those that come along, and the files of those for which no repository is needed."""
    if store is None or not all(store.holds(after) for _before, after in moves):
        return moves, {after: store.folder(after)[after] for _before, after in moves if store and store.holds(after)}
    try:
        return store.transaction(manager, moves)
    except RpmError as error:
        raise RpmError("%s cannot be installed from %s: %s" % (", ".join(str(after) for _before, after in moves), store.path, error))


def by_rpm(manager, moves, files):
    """The files with which rpm does it by itself: it has just tried them, and nobody wants more to be checked. None where the manager is needed."""
    if manager.checks_files or not all(after in files for _before, after in moves):
        return None
    return [files[after] for _before, after in moves]


def install(module, manager, moves, files, wanted, may_differ):
    """The transaction, and the proof that the disk is as the packages have it."""
    paths = by_rpm(manager, moves, files)
    try:
        said, who = (rpm_install(manager, paths), "rpm") if paths else (manager.transact(moves, test=False, files=files), manager.name)
    except RpmError as error:
        left = mixture(module, [old.name for old, _new in moves if old], may_differ)
        raise RpmError("%s. %s" % (str(error).rstrip("."), left)) if left else error
    now = installed(module, [new.name for new in wanted])
    # Of those that did not have to change as well: another one may have pulled them along.
    for new in wanted:
        if new not in [package for package, _when in now[new.name]]:
            raise RpmError(
                "%s is not installed after the transaction, but %s; %s said: %s"
                % (new, " and ".join(str(package) for package, _when in now[new.name]) or "nothing", who, said.strip()[-2000:])
            )
    left = _rpm_files.differing(module, [new.name for new in wanted], may_differ)
    for new in wanted:
        if left[new.name]:
            raise RpmError(
                "%s is installed, but %s: see what else writes there (a mount, an immutable file, a script of the package), "
                "or name what the application itself changes in may_differ; %s said: %s"
                % (new, _rpm_files.differ(left[new.name], "it"), who, said.strip()[-2000:])
            )
    for line in re.findall(r"^.*scriptlet failed.*$", said, re.M):
        module.warn(shown(line.strip()))


def mixture(module, names, may_differ):
    """What a transaction that failed has left of these packages, as further sentences."""
    try:
        now = installed(module, names)
        left = _rpm_files.differing(module, [name for name in names if now[name]], may_differ)
    except RpmError as error:
        return "What it has left on the disk is not known: %s" % error
    return " ".join(
        "It has left a mixture: RPM's database names %s, and %s. Mend the reason; the way back, or deploy again, installs all "
        "files anew." % (" and ".join(str(package) for package, _when in now[name]), _rpm_files.differ(files, "it"))
        for name, files in sorted(left.items())
        if files
    )


class Installation(object):
    """What is wanted, found and about to be done; by the options of module rpm_release. Nothing is changed before install()."""

    def __init__(self, module, wanted):
        check(wanted)
        if os.geteuid() != 0:
            raise RpmError("this needs root: set become")
        self.module = module
        self.manager = find_manager(module)
        self.store = Store(module, place(module.params["store"])) if module.params["store"] else None
        self.may_differ = _rpm_files.patterns_of(wanted, "name")
        # What is to stay is not believed to be what the database names: a transaction that failed may have exchanged files before it did. Reading its files
        # takes as long as the disk needs, while the node is out; so nothing else is read before the transaction, and what is exchanged is read after it
        # alone. Staging cannot do it instead: between that and the start of a service anybody may write there, in a long rolling run for hours, and where
        # nothing is exchanged this is the only proof that there is.
        self.found = find(module, self.manager, wanted, self.store.packages() if self.store else (), _rpm_files.differing)
        self.moves = [(each.before, each.after) for each in self.found if each.changes]
        self._with_those_along = None
        self.packages = [each.as_dict() for each in self.found]
        serving = [(each, entry) for each, entry in zip(self.found, self.packages) if each.wanted["service"]]
        # What systemd says of the services before anything is done.
        self.units = look(module, [each.wanted["service"] for each, _entry in serving]) if serving else {}
        for each, entry in serving:
            entry["stale"] = is_older(self.units[each.wanted["service"]].started_at, each.installed_at)

    def result(self):
        result = dict(changed=bool(self.moves), packages=self.packages)
        if self.module._diff:
            result["diff"] = dict(
                before="".join("%s\n" % entry["before"] for entry in self.packages if entry["before"]),
                after="".join("%s\n" % entry["after"] for entry in self.packages),
            )
        return result

    def choose(self):
        """Settle what is going to be installed, so that a store from which it cannot be is found before anything is stopped."""
        if self.moves:
            self._chosen()

    def rehearse(self):
        """Try the very transaction. What rpm is to do by itself, it has tried when it was chosen."""
        if self.moves:
            moves, files = self._chosen()
            if not by_rpm(self.manager, moves, files):
                self.manager.transact(moves, test=True, files=files)

    def install(self):
        """Do it, and write down that it was done, or why it was not."""
        if not self.moves:
            _rpm_files.end(self.may_differ)
            return
        moves, files = self._chosen()
        run_id, by = self.module.params["run_id"], self.module.params["by"]
        wanted = [each.after for each in self.found]
        if not run_id:
            install(self.module, self.manager, moves, files, wanted, self.may_differ)
            _rpm_files.end(self.may_differ)
            return
        # Nothing is done that could not be written down.
        _records.prepare()
        before, after = [str(old) for old, _new in moves if old], [str(new) for _old, new in moves]
        _rpm_files.begin([new.name for _old, new in moves])
        try:
            install(self.module, self.manager, moves, files, wanted, self.may_differ)
        except RpmError as error:
            _records.append(run_id, by, "packages", before, after, "failed", why=str(error))
            raise
        _rpm_files.end([new.name for _old, new in moves])
        _records.append(run_id, by, "packages", before, after, "ok")

    def _chosen(self):
        """The moves with those that come along, and their files. It is asked once: with files of the store it is a test of rpm."""
        if self._with_those_along is None:
            self._with_those_along = from_store(self.manager, self.store, self.moves)
        return self._with_those_along
