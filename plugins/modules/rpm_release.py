#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: rpm_release
short_description: Install exactly these versions of packages, in one transaction
version_added: 0.1.0
description:
  - Takes every package listed to exactly the version wanted, be it a first installation, an upgrade or a downgrade, all in one transaction
    of dnf or yum. What they require is installed, upgraded or downgraded with them; nothing else is removed for them.
  - Works through the command line of dnf 4, dnf 5 or yum 3, so it needs no Python bindings, and serves RHEL 7 and later.
  - After the transaction it asks RPM whether every package is the one wanted, and fails if one is not.
  - Needs root.
author:
  - halfswap.bluegreen contributors (@halfswap)
extends_documentation_fragment:
  - halfswap.bluegreen.packages
attributes:
  check_mode:
    description: >-
      Looks the versions up in the repositories, rehearses with O(rehearse=true), and says what would be installed. It renews the local
      copy of the repositories where it has to, and a rehearsal downloads the packages.
    support: full
  diff_mode:
    description: Shows the packages before and after.
    support: full
  idempotent:
    description: Nothing is done when every package is the one wanted.
    support: full
options:
  rehearse:
    description:
      - Before the transaction, or instead of it in check mode, run it as a test (C(tsflags=test)). That downloads the packages, checks
        their signatures, and finds conflicts of files and a full disk while everything still runs. What was downloaded is kept for the
        transaction itself.
    type: bool
    default: false
  store:
    description:
      - Directory in which M(halfswap.bluegreen.rpm_stage) has put packages.
      - When every package that changes lies there, they and what they need of the files in their folders are installed from there, and no
        repository is asked. Otherwise those that lie there are taken from there, and everything else from the repositories.
      - Where not given, everything comes from the repositories.
    type: path
  run_id:
    description: The run to which the transaction is ascribed in the journal of the node. Where not given, nothing is written there.
    type: str
  by:
    description: Who makes this run, for the journal.
    type: str
    default: ""
seealso:
  - module: halfswap.bluegreen.rpm_build
  - module: halfswap.bluegreen.rpm_stage
"""

EXAMPLES = r"""
- name: Take the shop and the cart to 2.0.0 together, or back to it
  halfswap.bluegreen.rpm_release:
    packages:
      - {name: shop, version: 2.0.0}
      - {name: cart, version: 2.0.0, release: "3"}
    rehearse: true
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
      description: The package installed before, null when there was none.
      type: str
      returned: success
      sample: shop-1.0.0-1.noarch
    after:
      description: The package wanted, which is installed now, or would be in check mode.
      type: str
      returned: success
      sample: shop-2.0.0-1.noarch
    exact:
      description: The package wanted, as an item of O(packages) that names just this one.
      type: dict
      returned: success
      sample: {name: shop, epoch: 0, version: 2.0.0, release: "1", arch: noarch}
    stale:
      description: Whether the service runs, but in a process started before the package that was installed before this task.
      type: bool
      returned: when O(packages[].service) is given
      sample: false
"""

import os
import platform
import re

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.halfswap.bluegreen.plugins.module_utils import _records
from ansible_collections.halfswap.bluegreen.plugins.module_utils._rpm import RpmError, installed
from ansible_collections.halfswap.bluegreen.plugins.module_utils._rpm_release import find_manager
from ansible_collections.halfswap.bluegreen.plugins.module_utils._rpm_store import Store
from ansible_collections.halfswap.bluegreen.plugins.module_utils._rpm_wanted import ARGUMENTS, check, find
from ansible_collections.halfswap.bluegreen.plugins.module_utils._shown import shown
from ansible_collections.halfswap.bluegreen.plugins.module_utils._systemd import services

# The kernel and systemd count boot and start in other steps than the clock's.
CLOCKS_DIFFER_S = 0.1


def stale(module, unit, installed_at):
    """Whether the unit runs in a process older than the package."""
    started_at = services(module, [unit])[unit]["started_at"]
    return installed_at is not None and started_at is not None and started_at < installed_at - CLOCKS_DIFFER_S


def from_store(manager, store, moves):
    """The moves with those that come along, and the files of those for which no repository is needed."""
    if store is None or not all(store.holds(after) for _before, after in moves):
        return moves, {after: store.folder(after)[after] for _before, after in moves if store and store.holds(after)}
    try:
        return store.transaction(manager, moves)
    except RpmError as error:
        raise RpmError("%s cannot be installed from %s: %s" % (", ".join(str(after) for _before, after in moves), store.path, error))


def install(module, manager, moves, files, wanted):
    said = manager.transact(moves, test=False, files=files)
    now = installed(module, [new.name for new in wanted])
    # Of those that did not have to change as well: another one may have pulled them along.
    for new in wanted:
        if new not in [package for package, _when in now[new.name]]:
            raise RpmError(
                "%s is not installed after the transaction, but %s; %s said: %s"
                % (new, " and ".join(str(package) for package, _when in now[new.name]) or "nothing", manager.name, said.strip()[-2000:])
            )
    for line in re.findall(r"^.*scriptlet failed.*$", said, re.M):
        module.warn(shown(line.strip()))


def in_the_journal(module, moves, act):
    """Do it, and write down that it was done, or why it was not."""
    if not module.params["run_id"]:
        act()
        return
    # Nothing is done that could not be written down.
    _records.prepare()
    before, after = [str(old) for old, _new in moves if old], [str(new) for _old, new in moves]
    try:
        act()
    except RpmError as error:
        _records.append(module.params["run_id"], module.params["by"], "packages", before, after, "failed", why=str(error))
        raise
    _records.append(module.params["run_id"], module.params["by"], "packages", before, after, "ok")


def run(module):
    check(module.params["packages"])
    if os.geteuid() != 0:
        raise RpmError("this needs root: set become")
    manager = find_manager(module)
    store = Store(module, module.params["store"]) if module.params["store"] else None
    found = find(module, manager, store.packages() if store else ())
    moves = [(each.before, each.after) for each in found if each.changes]

    packages = []
    for each in found:
        entry = each.as_dict()
        if each.wanted["service"]:
            entry["stale"] = stale(module, each.wanted["service"], each.installed_at)
        packages.append(entry)
    result = dict(changed=bool(moves), packages=packages)
    if module._diff:
        result["diff"] = dict(
            before="".join("%s\n" % entry["before"] for entry in packages if entry["before"]),
            after="".join("%s\n" % entry["after"] for entry in packages),
        )
    if moves and (module.params["rehearse"] or not module.check_mode):
        moves, files = from_store(manager, store, moves)
        if module.params["rehearse"]:
            manager.transact(moves, test=True, files=files)
        if not module.check_mode:
            in_the_journal(module, moves, lambda: install(module, manager, moves, files, [each.after for each in found]))
    return result


def main():
    module = AnsibleModule(
        argument_spec=dict(
            ARGUMENTS,
            rehearse=dict(type="bool", default=False),
            store=dict(type="path"),
            run_id=dict(type="str"),
            by=dict(type="str", default=""),
        ),
        supports_check_mode=True,
    )
    module.run_command_environ_update = dict(LANG="C", LC_ALL="C", LC_MESSAGES="C", LC_CTYPE="C")
    try:
        module.exit_json(**run(module))
    except (RpmError, _records.RecordsError) as exc:
        module.fail_json(msg="%s: %s" % (platform.node(), exc))


if __name__ == "__main__":
    main()
