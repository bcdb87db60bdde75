#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: rpm_stage
short_description: Keep the packages of a release on the node, and rehearse the way to it and the way back
version_added: 0.1.0
description:
  - Downloads every package listed, with those that it pulls in, into a folder of its own on the node, so that
    M(halfswap.bluegreen.rpm_release) can install it later, or go back to it, without any repository.
  - Keeps the package that is installed now as well, because it is the way back.
  - Rehearses both ways with rpm's own test, which checks dependencies, conflicts of files, free space and the files themselves; the way
    back against a copy of RPM's database in which the way there has been gone. Nothing is installed.
  - Needs root.
author:
  - halfswap.bluegreen contributors (@halfswap)
extends_documentation_fragment:
  - halfswap.bluegreen.repositories
  - halfswap.bluegreen.packages
attributes:
  check_mode:
    description: >-
      Downloads into a temporary directory, which is removed, and makes the same checks. The store stays as it is. The local copy of the
      repositories is renewed where it has to be.
    support: full
  diff_mode:
    description: Shows the folders of the store before and after.
    support: full
  idempotent:
    description: Nothing is downloaded that is in the store, and no repository is asked for an exact package that is.
    support: full
options:
  store:
    description: >-
      Directory for the packages, one folder for each, which is named after it (C(name-[epoch:]version-release.arch)). An RPM that is put
      into the folder of its name by other means serves as well.
    type: path
    default: /var/lib/halfswap-bluegreen/packages
  way_back:
    description:
      - Require that the packages installed now can be installed again after those wanted. They come from the store or else from the
        repositories.
      - With V(false) they are neither kept nor is the way back rehearsed.
    type: bool
    default: true
  keep:
    description:
      - After success remove from the store what belongs to the names in O(packages) and is neither wanted nor installed now nor listed
        here, for instance V(shop-1.0.0-1.noarch).
      - Where not given, nothing is removed.
    type: list
    elements: str
  lock_timeout_s:
    description: >-
      Longest wait, in seconds, for another dnf, yum or rpm on the node to finish, or for another run of this module. Counts for each
      question and transaction.
seealso:
  - module: halfswap.bluegreen.rpm_release
"""

EXAMPLES = r"""
- name: Have the shop 2.0.0 on the node before anything is stopped, and the way back from it
  halfswap.bluegreen.rpm_stage:
    packages:
      - {name: shop, version: 2.0.0}
    keep: [shop-0.9.0-1.noarch]
  become: true
"""

RETURN = r"""
packages:
  description: The packages, in the order wanted.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the package.
      type: str
      returned: success
      sample: shop
    before:
      description: The package that is installed, null when there is none.
      type: str
      returned: success
      sample: shop-1.0.0-1.noarch
    after:
      description: The package wanted.
      type: str
      returned: success
      sample: shop-2.0.0-1.noarch
    exact:
      description: The package wanted, as an item of O(packages) that names just this one.
      type: dict
      returned: success
      sample: {name: shop, epoch: 0, version: 2.0.0, release: "1", arch: noarch}
staged:
  description: What the store holds, or in check mode would hold, of the packages that are wanted or installed now.
  returned: success
  type: list
  elements: dict
  contains:
    package:
      description: The package, which is the name of its folder.
      type: str
      returned: success
      sample: shop-2.0.0-1.noarch
    files:
      description: The files in it, its own one and those of the packages that it pulled in.
      type: list
      elements: str
      returned: success
      sample: [shop-2.0.0-1.noarch.rpm]
    size_bytes:
      description: Their size in bytes.
      type: int
      returned: success
      sample: 7880
removed:
  description: The packages that were removed from the store.
  returned: success
  type: list
  elements: str
  sample: [shop-0.8.0-1.noarch]
"""

import os
import platform

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.halfswap.bluegreen.plugins.module_utils._rpm import RpmError
from ansible_collections.halfswap.bluegreen.plugins.module_utils._rpm_release import find_manager
from ansible_collections.halfswap.bluegreen.plugins.module_utils._rpm_store import (
    HEARTBEAT_STATE,
    STORE,
    Store,
    by_owner,
    check_free,
    headers,
    rehearse_way_back,
    workplace,
)
from ansible_collections.halfswap.bluegreen.plugins.module_utils._rpm_wanted import PACKAGES, REPOSITORIES, check, find


def names_of(packages):
    return ", ".join(str(package) for package in packages)


def downloads(module, directory):
    return dict(headers(module, [os.path.join(directory, name) for name in os.listdir(directory)]))


def folder_in(work, name):
    path = os.path.join(work, name)
    os.mkdir(path)
    return path


def stage(manager, store, moves, work):
    """Bring what is wanted into the store, all of it resolved together as the transaction will be."""
    lacking = [after for _before, after in moves if not store.holds(after)]
    if not lacking:
        return
    into = folder_in(work, "wanted")
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


def stage_installed(manager, store, old, along, work):
    """Bring what is installed now into the store, with those that an upgrade exchanges along with it, as far as they can be had."""
    into = folder_in(work, "installed")
    said = manager.fetch_installed([package for package in old if not store.holds(package)] + along, into)
    found = downloads(manager.module, into)
    for package in old:
        if not store.holds(package) and package not in found:
            raise RpmError(
                "there is no way back: the RPM of %s, which is installed, is neither in the store nor in the repositories asked (%s); "
                "put it into %s/%s/ on this node, or publish it again, or go without a way back (way_back: false, bluegreen_way_back: false); %s said: %s"
                % (package, ", ".join(manager.repositories()) or "none is enabled", store.path, package, manager.name, said)
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
    old = [before for before, _after in moves if before]
    if not (old and manager.module.params["way_back"]):
        return
    along = [before for before, after in chosen if before and (before, after) not in moves]
    along = [package for package in along if not any(package in store.folder(each) for each in old)]
    complete = all(store.holds(package) for package in old)
    if not complete:
        stage_installed(manager, store, old, along, work)
    try:
        try:
            rehearse_way_back(manager, store, chosen, files, work)
        except RpmError:
            # Mostly the former release goes with what came along as well, so that nobody is asked for the former one of that each time.
            if not (complete and along):
                raise
            stage_installed(manager, store, old, along, work)
            rehearse_way_back(manager, store, chosen, files, work)
    except RpmError as error:
        raise RpmError(
            "the way back fails: once %s is installed, %s cannot be installed again: %s; mend the packages, or go without a way back "
            "(way_back: false, bluegreen_way_back: false)" % (wanted, names_of(old), error)
        )


def run(module):
    check(module.params["packages"])
    if os.geteuid() != 0:
        raise RpmError("this needs root: set become")
    manager = find_manager(module)
    check_free([module.params["store"], HEARTBEAT_STATE])
    with workplace(module, module.params["store"], module.params["lock_timeout_s"]) as work:
        store = Store(module, module.params["store"])
        held = sorted(store.folders)
        found = find(module, manager, module.params["packages"], store.packages())
        moves = [(each.before, each.after) for each in found if each.changes]
        if moves:
            stage(manager, store, moves, work)
            rehearse(manager, store, moves, work)
        check_free([module.params["store"]])
        ours = [each.after for each in found] + [each.before for each in found if each.before and each.changes]
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
    module = AnsibleModule(
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
    except RpmError as exc:
        module.fail_json(msg="%s: %s" % (platform.node(), exc))


if __name__ == "__main__":
    main()
