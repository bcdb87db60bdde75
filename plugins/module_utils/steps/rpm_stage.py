# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bring the packages of a release into the store, and rehearse the way there and back."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os
import platform
import tempfile

from ansible_collections.halfswap.bluegreen.plugins.module_utils._shown import shown
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._adopted import covered, named, unit_of
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._records import RecordsError
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._startable import obstacles
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._systemd import SystemdError, look
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._whose import Keeping
from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm._rpm import RpmError
from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm._rpm_files import differing_at_a_glance
from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm._rpm_release import find_manager
from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm._rpm_store import (
    HEARTBEAT_STATE,
    STORE,
    Store,
    by_owner,
    check_free,
    headers,
    place,
    rehearse_way_back,
    workplace,
)
from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm._rpm_wanted import PACKAGES, REPOSITORIES, check, find


def names_of(packages):
    return ", ".join(str(package) for package in packages)


def downloads(module, directory):
    return dict(headers(module, [os.path.join(directory, name) for name in os.listdir(directory)]))


NO_WAY_BACK = ("there is no way back", "go without a way back (way_back: false, bluegreen_way_back: false)")
NOT_AGAIN = ("files on the disk differ from those of the package, and it cannot be installed again", "deploy another release, whose files replace them")


def stage(manager, store, moves, work):
    """Bring what is wanted into the store, all of it resolved together as the transaction will be."""
    lacking = [after for _before, after in moves if not store.holds(after)]
    if not lacking:
        return
    into = tempfile.mkdtemp(dir=work)
    ours = {after: store.folder(after)[after] for _before, after in moves if after not in lacking}
    said = manager.transact(moves, test=True, files=ours, into=into)
    found = downloads(manager.module, into)
    for package in lacking:
        if package not in found:
            raise RpmError("%s did not download %s; it said: %s" % (manager.name, package, said.strip()[-2000:]))
    wanted = [after for _before, after in moves]
    owners = {package: found[package] for package in lacking}
    shares = by_owner(manager.module, owners, {other: file for other, file in found.items() if other not in wanted})
    for package, file in owners.items():
        store.add(package, file, shares[package], work)


def stage_installed(manager, store, old, along, work, lacking):
    """Bring what is installed now into the store, with those that an upgrade exchanges along with it, as far as they can be had.

    lacking: what to say where one of them cannot be had.
    """
    into = tempfile.mkdtemp(dir=work)
    said = manager.fetch_installed([package for package in old if not store.holds(package)] + along, into)
    found = downloads(manager.module, into)
    for package in old:
        if not store.holds(package) and package not in found:
            raise RpmError(
                "%s: the RPM of %s, which is installed, is neither in the store nor in the repositories asked (%s); "
                "put it into %s/%s/ on this node, or publish it again, or %s; %s said: %s"
                % (lacking[0], package, ", ".join(manager.repositories()) or "none is enabled", store.path, package, lacking[1], manager.name, said)
            )
    owners = {package: found.get(package) or store.folder(package)[package] for package in old}
    shares = by_owner(manager.module, owners, {other: file for other, file in found.items() if other in along})
    for package, file in owners.items():
        store.add(package, file, shares[package], work)


def rehearse(manager, store, moves, work):
    wanted = names_of(after for _before, after in moves)
    try:
        chosen, files = store.transaction(manager, moves)
        if manager.checks_files:
            manager.transact(chosen, test=True, files=files)
    except RpmError as error:
        raise RpmError("the way there fails: %s cannot be installed from %s: %s" % (wanted, store.path, error))
    old = [before for before, after in moves if before and before != after]
    if not (old and manager.module.params["way_back"]):
        return
    along = [before for before, after in chosen if before and (before, after) not in moves]
    along = [package for package in along if not any(package in store.folder(each) for each in old)]
    complete = all(store.holds(package) for package in old)
    if not complete:
        stage_installed(manager, store, old, along, work, NO_WAY_BACK)
    try:
        try:
            rehearse_way_back(manager, store, chosen, files, work)
        except RpmError:
            # Mostly the former release goes with what came along as well, so that nobody is asked for the former one of that each time.
            if not (complete and along):
                raise
            stage_installed(manager, store, old, along, work, NO_WAY_BACK)
            rehearse_way_back(manager, store, chosen, files, work)
        if manager.checks_files:
            # It will be the manager that goes back, and it refuses files that rpm takes. The nearest to that which can be tried before is that it
            # installs again what is installed now.
            again = {package: store.folder(package)[package] for package in old}
            manager.transact([(package, package) for package in old], test=True, files=again)
    except RpmError as error:
        raise RpmError(
            "the way back fails: once %s is installed, %s cannot be installed again: %s; mend the packages, or go without a way back "
            "(way_back: false, bluegreen_way_back: false)" % (wanted, names_of(old), error)
        )


def refuse_what_could_not_start(module, store, found):
    """A deployment would find it out with the service stopped."""
    reasons = obstacles(
        module,
        [
            dict(
                service=each.wanted["service"],
                url=each.wanted["health_url"],
                changes=each.changes,
                label=each.after,
                files=sorted(store.folder(each.after).values()),
                former=each.before and each.before.name,
                replaces=each.wanted["replaces"],
            )
            for each in found
            if each.wanted["service"]
        ],
    )
    if reasons:
        raise RpmError("the release could not be started: %s" % "; ".join(reasons))


def refuse_what_could_not_come_back(module, store, found):
    """What runs without a package: nothing can be installed for it, so it has to be left as it is, beside the package."""
    first = [each for each in found if each.wanted["service"] and each.before is None]
    units = look(module, [unit_of(each.wanted) for each in first]) if first else {}
    reasons = []
    for each in first:
        unit = units[unit_of(each.wanted)]
        if not each.wanted["replaces"]:
            if unit.runs:
                reasons.append(
                    "%s runs without a package, and the unit of %s has the same name: let it run in a unit of another name, and name that in replaces of the "
                    "component" % (unit.name, each.after)
                )
        elif unit.said.get("LoadState") == "loaded":
            paths = covered(module, sorted(store.folder(each.after).values()))
            if paths:
                reasons.append("%s would replace files that %s may need (%s): build the package for other paths" % (each.after, unit.name, shown(named(paths))))
    if reasons:
        raise RpmError(
            "there is no way back to what serves without a package: %s; or go without a way back (way_back: false, bluegreen_way_back: false)"
            % "; ".join(reasons)
        )


def run(module):
    check(module.params["packages"])
    if os.geteuid() != 0:
        raise RpmError("this needs root: set become")
    manager = find_manager(module)
    path = place(module.params["store"])
    check_free([path, HEARTBEAT_STATE])
    with workplace(module, path, module.params["lock_timeout_s"]) as work:
        store = Store(module, path)
        held = sorted(store.folders)
        found = find(module, manager, module.params["packages"], store.packages(), differing_at_a_glance)
        moves = [(each.before, each.after) for each in found if each.changes]
        if moves:
            stage(manager, store, [(before, after) for before, after in moves if before != after], work)
            again = [after for before, after in moves if before == after]
            if not all(store.holds(package) for package in again):
                stage_installed(manager, store, again, [], work, NOT_AGAIN)
            rehearse(manager, store, moves, work)
        refuse_what_could_not_start(module, store, found)
        if module.params["way_back"]:
            refuse_what_could_not_come_back(module, store, found)
        check_free([path])
        ours = [each.after for each in found] + [each.before for each in found if each.before and each.before != each.after]
        if module.params["keep"] is not None:
            store.remove_all_but([str(package) for package in ours] + module.params["keep"], [each.after.name for each in found], work)
        result = dict(
            changed=bool(store.added or store.removed),
            packages=[each.as_dict() for each in found],
            staged=store.contents(ours),
            removed=store.removed,
        )
        if module._diff:
            after = [folder for folder in sorted(store.folders) if folder not in store.removed]
            result["diff"] = dict(before="".join("%s\n" % folder for folder in held), after="".join("%s\n" % folder for folder in after))
        return result


def main():
    module = Keeping(
        guarded=[],
        argument_spec=dict(
            REPOSITORIES,
            packages=PACKAGES,
            store=dict(type="path", default=STORE),
            way_back=dict(type="bool", default=True),
            keep=dict(type="list", elements="str"),
        ),
        supports_check_mode=True,
    )
    module.run_command_environ_update = dict(LANG="C", LC_ALL="C", LC_MESSAGES="C", LC_CTYPE="C")
    try:
        module.exit_json(**run(module))
    except (RpmError, RecordsError, SystemdError) as exc:
        module.fail_json(msg="%s: %s" % (platform.node(), exc))
