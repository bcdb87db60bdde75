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
  - Where the configuration of dnf or yum asks for signatures of files (C(localpkg_gpgcheck)), it is dnf or yum that will install them, so it tries the
    same, both ways.
  - Where the package wanted is installed, but files on the disk are not its own, it is kept, to be installed again.
  - Refuses what could not be started afterwards, as far as that is known - see O(packages[].service) and O(packages[].health_url).
  - Needs root.
author:
  - halfswap.bluegreen contributors (@halfswap)
extends_documentation_fragment:
  - halfswap.bluegreen.repositories
  - halfswap.bluegreen.packages
  - halfswap.bluegreen.records
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
      into the folder of its name by other means serves as well. A path without a C(/) in front is below the directory of the application's records.
    type: path
    default: packages
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
    differing:
      description: >-
        Where the package wanted is installed, its files that are not as in the package, as RV(halfswap.bluegreen.node_info#module:components[].differing).
        It is installed again then.
      type: list
      elements: str
      returned: success
      sample: []
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

from ansible_collections.halfswap.bluegreen.plugins.module_utils.steps.rpm_stage import main

if __name__ == "__main__":
    main()
