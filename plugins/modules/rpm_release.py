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
  - A package that is installed, but some of whose files on the disk are not its own, is installed again. Configuration, documentation and ghosts are left
    as they are. For that every file of a package that is to stay is read.
  - After the transaction it asks RPM whether every package is the one wanted, compares its files with it, and fails if one is not.
  - Needs root.
author:
  - halfswap.bluegreen contributors (@halfswap)
extends_documentation_fragment:
  - halfswap.bluegreen.installation
  - halfswap.bluegreen.repositories
  - halfswap.bluegreen.packages
  - halfswap.bluegreen.records
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
    description: Nothing is done when every package is the one wanted, with its own files.
    support: full
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
    differing:
      description: >-
        Where the package wanted is installed, its files that are not as in the package, as RV(halfswap.bluegreen.node_info#module:components[].differing).
        It is installed again then.
      type: list
      elements: str
      returned: success
      sample: []
    stale:
      description: Whether the service runs, but in a process started before the package that was installed before this task.
      type: bool
      returned: when O(packages[].service) is given
      sample: false
"""

import platform

from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._records import RecordsError
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._systemd import SystemdError
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._whose import Keeping
from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm._rpm import RpmError
from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm._rpm_install import ENVIRONMENT, OPTIONS, Installation
from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm._rpm_wanted import PACKAGES


def run(module):
    installation = Installation(module, module.params["packages"])
    result = installation.result()
    if module.params["rehearse"]:
        installation.rehearse()
    if not module.check_mode:
        installation.install()
    return result


def main():
    module = Keeping(guarded=[], argument_spec=dict(OPTIONS, packages=PACKAGES), supports_check_mode=True)
    module.run_command_environ_update = ENVIRONMENT
    try:
        module.exit_json(**run(module))
    except (RpmError, RecordsError, SystemdError) as exc:
        module.fail_json(msg="%s: %s" % (platform.node(), exc))


if __name__ == "__main__":
    main()
