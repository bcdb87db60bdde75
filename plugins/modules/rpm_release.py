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
  packages:
    description: The packages. Each name only once.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the package.
        type: str
        required: true
      version:
        description: Version wanted.
        type: str
        required: true
      release:
        description:
          - Release wanted.
          - Where not given, the newest release of the version. That is what is installed, unless the repositories hold a newer release
            of this version. They are asked each time, for their newest state, so that every node comes to the same answer.
          - Where given, and the package is the one installed, no repository is asked.
        type: str
      epoch:
        description: Epoch wanted. Where not given, the highest one counts.
        type: int
      arch:
        description: Architecture wanted. Where not given, V(noarch) or that of the node, and any other only where there is neither.
        type: str
      service:
        description: >-
          The systemd unit that runs what is in the package. When given, the answer says in RV(packages[].stale) whether its process is older
          than the package.
        type: str
  rehearse:
    description:
      - Before the transaction, or instead of it in check mode, run it as a test (C(tsflags=test)). That downloads the packages, checks
        their signatures, and finds conflicts of files and a full disk while everything still runs. What was downloaded is kept for the
        transaction itself.
    type: bool
    default: false
  enablerepo:
    description: Repositories to enable for this task only.
    type: list
    elements: str
    default: []
  disablerepo:
    description: Repositories to disable for this task only; V(*) with O(enablerepo) asks only the repositories named there, which is faster.
    type: list
    elements: str
    default: []
  lock_timeout_s:
    description: Longest wait, in seconds, for another dnf, yum or rpm on the node to finish. Counts for each question and transaction.
    type: int
    default: 120
seealso:
  - module: halfswap.bluegreen.rpm_build
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

from ansible_collections.halfswap.bluegreen.plugins.module_utils._rpm import RpmError, check_name, check_version, installed
from ansible_collections.halfswap.bluegreen.plugins.module_utils._rpm_release import find_manager
from ansible_collections.halfswap.bluegreen.plugins.module_utils._systemd import services

# The kernel and systemd count boot and start in other steps than the clock's.
CLOCKS_DIFFER_S = 0.1
# An error names no more of them.
MOST_VERSIONS_NAMED = 20


def check(wanted):
    names = [package["name"] for package in wanted]
    for package in wanted:
        check_name("packages[].name", package["name"])
        check_version("version of %s" % package["name"], package["version"])
        if package["release"] is not None:
            check_version("release of %s" % package["name"], package["release"])
        if names.count(package["name"]) > 1:
            raise RpmError("package %s is listed more than once" % package["name"])
    return names


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
        raise RpmError(
            "more than one %s is installed (%s): remove all but one, or say which arch" % (wanted["name"], ", ".join(str(p) for p, _when in pairs))
        )
    return pairs[0] if pairs else (None, None)


def resolve(manager, wanted, before):
    """For each wanted package exactly one, in the same order."""
    settled = [package["release"] is not None and current is not None and fits(package, current) for package, current in zip(wanted, before)]
    names = [package["name"] for package, done in zip(wanted, settled) if not done]
    available = []

    def candidates(package, current):
        found = [offered for offered, _repository in available] + ([current] if current else [])
        return for_this_node(package, [offered for offered in found if fits(package, offered)])

    def missing():
        return [package for package, current in zip(wanted, before) if not candidates(package, current)]

    if names:
        refresh = any(package["release"] is None for package in wanted)
        available = manager.available(names, refresh)
        if missing() and not refresh:
            available = manager.available(names, True)
    if missing():
        complaints = manager.complaints
        reasons = [not_there(package, available, current) for package, current in zip(wanted, before) if package in missing()]
        reasons.append("repositories asked: %s" % (", ".join(manager.repositories()) or "none is enabled"))
        if complaints:
            reasons.append("%s said: %s" % (manager.name, " ".join(complaints)))
        raise RpmError("; ".join(reasons))
    return [
        current if done else max(candidates(package, current), key=lambda offered: offered.age)
        for package, current, done in zip(wanted, before, settled)
    ]


def not_there(wanted, available, current):
    asked = wanted["version"] if wanted["release"] is None else "%s-%s" % (wanted["version"], wanted["release"])
    for part in ("epoch", "arch"):
        if wanted[part] is not None:
            asked += " (%s %s)" % (part, wanted[part])
    ours = sorted([pair for pair in available if pair[0].name == wanted["name"]], key=lambda pair: pair[0].age, reverse=True)
    held = ", ".join("%s (%s)" % pair for pair in ours[:MOST_VERSIONS_NAMED]) or "no %s at all" % wanted["name"]
    return "the repositories have no %s %s for this node; they have %s; %s is installed" % (wanted["name"], asked, held, current or "nothing")


def stale(module, unit, installed_at):
    """Whether the unit runs in a process older than the package."""
    started_at = services(module, [unit])[unit]["started_at"]
    return installed_at is not None and started_at is not None and started_at < installed_at - CLOCKS_DIFFER_S


def run(module):
    wanted = module.params["packages"]
    names = check(wanted)
    if os.geteuid() != 0:
        raise RpmError("this needs root: set become")
    manager = find_manager(module)
    there = installed(module, names)
    current = [installed_one(package, there[package["name"]]) for package in wanted]
    before = [package for package, _when in current]
    after = resolve(manager, wanted, before)
    moves = [pair for pair in zip(before, after) if pair[0] != pair[1]]

    packages = []
    for package, (old, when), new in zip(wanted, current, after):
        entry = dict(name=package["name"], before=str(old) if old else None, after=str(new), exact=dict(new._asdict()))
        if package["service"]:
            entry["stale"] = stale(module, package["service"], when)
        packages.append(entry)
    result = dict(changed=bool(moves), packages=packages)
    if module._diff:
        result["diff"] = dict(
            before="".join("%s\n" % entry["before"] for entry in packages if entry["before"]),
            after="".join("%s\n" % entry["after"] for entry in packages),
        )
    if moves and module.params["rehearse"]:
        manager.transact(moves, test=True)
    if moves and not module.check_mode:
        said = manager.transact(moves, test=False)
        now = installed(module, names)
        for new in after:
            if new not in [package for package, _when in now[new.name]]:
                raise RpmError(
                    "%s is not installed after the transaction, but %s; %s said: %s"
                    % (new, " and ".join(str(package) for package, _when in now[new.name]) or "nothing", manager.name, said.strip()[-2000:])
                )
        for line in re.findall(r"^.*scriptlet failed.*$", said, re.M):
            module.warn(line.strip())
    return result


def main():
    module = AnsibleModule(
        argument_spec=dict(
            packages=dict(
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
                ),
            ),
            rehearse=dict(type="bool", default=False),
            enablerepo=dict(type="list", elements="str", default=[]),
            disablerepo=dict(type="list", elements="str", default=[]),
            lock_timeout_s=dict(type="int", default=120),
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
