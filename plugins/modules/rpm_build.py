#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: rpm_build
short_description: Build an RPM from files and directories
version_added: 0.1.0
description:
  - Builds one RPM with C(fpm) when that is on C(PATH), with C(rpmbuild) otherwise. Both make an equal package of the same inputs.
  - The changelog of the package holds a digest of everything that went into it. A package that is there already and was built from the
    same inputs is left alone, whichever builder made it; the times of the sources are no input.
  - The package is reproducible. Every file in it has the same time (see O(source_date_epoch)), and neither the user nor the host that
    built it shows. On RPM older than 4.14 (RHEL 7) the time of the build and the name of the host remain in the header.
  - Requirements and provides are those listed here; RPM does not search the files for more.
  - It needs no root, and removes its temporary directory whatever happens.
author:
  - halfswap.bluegreen contributors (@halfswap)
requirements:
  - rpm and rpmbuild (package C(rpm-build), on Debian C(rpm)) on the host that builds; C(fpm) calls them too
attributes:
  check_mode:
    description: Says whether the package would be built, and builds nothing. A missing builder is a warning then.
    support: full
  diff_mode:
    description: Shows what the package has in it, before and after, file by file.
    support: full
  idempotent:
    description: The same inputs build nothing a second time.
    support: full
options:
  name:
    description: Name of the package.
    type: str
    required: true
  version:
    description: Version of the package. It has no V(-) in it; a version before 1.0 is V(1.0~rc1), which needs RPM 4.10 or later.
    type: str
    required: true
  release:
    description: Release of the package, counted up when the same version is packaged again.
    type: str
    default: "1"
  arch:
    description: Architecture that the package is for.
    type: str
    choices: [noarch, x86_64, aarch64, ppc64le, s390x, i686]
    default: noarch
  summary:
    description: One line that says what it is. The name of the package where not given.
    type: str
  description:
    description: Text of any number of lines. The summary where not given.
    type: str
  license:
    description: Licence of what is in the package.
    type: str
    default: Proprietary
  url:
    description: Where to read about it.
    type: str
    default: about:blank
  vendor:
    description: Who makes it.
    type: str
    default: Unknown
  contents:
    description: Files to package. No two of them may end at the same path.
    type: list
    elements: dict
    default: []
    suboptions:
      src:
        description:
          - Absolute path of a file or a directory on the host that builds.
          - A directory stands for all that is in it, symbolic links kept as they are.
        type: path
        required: true
      dest:
        description:
          - Absolute path that it has where the package is installed. For a file, a V(/) at the end means a directory to put it in.
          - It has no blank and none of V(* ? % $ [ ] { }), quotes or backslashes in it, and neither have the names below a directory.
        type: str
        required: true
      mode:
        description:
          - Mode of each file, in octal and in quotes, such as V('0640').
          - Where not given, V('0755') for a file that its owner may execute and V('0644') for any other.
        type: raw
      owner:
        description: User that each file belongs to.
        type: str
        default: root
      group:
        description: Group that each file belongs to.
        type: str
        default: root
      config:
        description: Whether these are configuration files, which an update leaves alone where they were edited (C(%config(noreplace\))).
        type: bool
        default: false
  directories:
    description:
      - Directories that belong to the package, whether or not it puts anything in them.
      - So do the directories below them that the package fills, and the directories of a directory in O(contents), with mode V(0755) and
        owned by root where they are not listed. Directories of the operating system, such as V(/etc) or V(/usr/bin), never do.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Absolute path.
        type: str
        required: true
      mode:
        description: Mode in octal and in quotes.
        type: raw
        default: "0755"
      owner:
        description: User that it belongs to.
        type: str
        default: root
      group:
        description: Group that it belongs to.
        type: str
        default: root
  requires:
    description: What must be installed with it, each a name or a name, an operator and a version, such as V(python3 >= 3.6).
    type: list
    elements: str
    default: []
  provides:
    description: What it stands in for, besides its own name.
    type: list
    elements: str
    default: []
  conflicts:
    description: What must not be installed with it.
    type: list
    elements: str
    default: []
  scripts:
    description:
      - Shell text run where the package is installed, upgraded or removed. RPM hands the number of installed instances to it as C($1).
      - No line may start with V(%), and none may end as on Windows (CR LF). The same goes for the first line of a file that is executable and names
        its interpreter there.
    type: dict
    suboptions:
      before_install:
        description: Runs before the files are put there.
        type: str
      after_install:
        description: Runs after the files are put there.
        type: str
      before_remove:
        description: Runs before the files are removed.
        type: str
      after_remove:
        description: Runs after the files are removed.
        type: str
  source_date_epoch:
    description:
      - Time of every file in the package and of its build, in seconds since 1970. Where not given, that of the newest source.
    type: int
  dest:
    description: Directory to put the package in, made where it is missing.
    type: path
    required: true
  builder:
    description: What to build with. V(auto) takes C(fpm) when it is on C(PATH), and C(rpmbuild) otherwise.
    type: str
    choices: [auto, fpm, rpmbuild]
    default: auto
seealso:
  - module: halfswap.bluegreen.rpm_release
"""

EXAMPLES = r"""
- name: Package the shop
  halfswap.bluegreen.rpm_build:
    name: shop
    version: 2.0.0
    summary: The shop
    contents:
      - {src: /src/shop/app, dest: /opt/shop}
      - {src: /src/shop/shop.service, dest: /usr/lib/systemd/system/}
      - {src: /src/shop/shop.conf, dest: /etc/shop/shop.conf, mode: '0640', group: shop, config: true}
    directories:
      - {path: /etc/shop}
      - {path: /var/lib/shop, mode: '0750', owner: shop, group: shop}
    requires: ["python3 >= 3.6"]
    scripts:
      before_install: getent passwd shop >/dev/null || useradd --system --shell /sbin/nologin shop
      after_install: systemctl daemon-reload || true
    dest: /srv/packages
"""

RETURN = r"""
rpm:
  description: Path of the package.
  returned: success
  type: str
  sample: /srv/packages/shop-2.0.0-1.noarch.rpm
nevra:
  description: Name, version, release and architecture of the package.
  returned: success
  type: str
  sample: shop-2.0.0-1.noarch
builder:
  description: What it is built with.
  returned: success
  type: str
  sample: fpm
"""

import os
import signal
import tempfile

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm import _rpm_build
from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm._rpm import RpmError


def find_builder(module):
    builder = module.params["builder"]
    if builder == "auto":
        builder = "fpm" if module.get_bin_path("fpm") else "rpmbuild"
    for command, mend in (
        (builder, "install it, or set builder to rpmbuild"),
        ("rpmbuild", "install the package rpm-build (on Debian: rpm); fpm calls it too"),
        ("rpm", "install the package rpm"),
    ):
        if not module.get_bin_path(command):
            text = "The command %s is not on PATH of this host: %s." % (command, mend)
            if not module.check_mode:
                raise RpmError(text)
            module.warn(text)
            break
    return builder


def run(module):
    recipe = _rpm_build.Recipe(module.params)
    nevra = str(recipe.package)
    dest = module.params["dest"]
    target = os.path.join(dest, nevra + ".rpm")
    if os.path.exists(dest) and not os.path.isdir(dest):
        raise RpmError("dest %s is not a directory" % dest)
    builder = find_builder(module)
    built_from = _rpm_build.inputs_digest(module, target)
    result = dict(changed=built_from != recipe.digest, rpm=target, nevra=nevra, builder=builder)
    if module._diff:
        before = _rpm_build.manifest_of(module, target) if built_from else ""
        result["diff"] = dict(before_header=target, after_header=target, before=before, after=recipe.manifest if result["changed"] else before)
    if result["changed"] and built_from:
        module.warn("%s was built from other inputs before. Nodes that have it will not take the new one: count up the release." % nevra)
    if result["changed"] and not module.check_mode:
        # A kill must not leave the temporary directory behind; Python removes it only on the way out of an exception.
        signal.signal(signal.SIGTERM, lambda _number, _frame: module.fail_json(msg="Stopped by a signal while %s was built." % nevra))
        workdir = tempfile.mkdtemp(prefix="rpm_build-", dir=module.tmpdir)
        try:
            built = _rpm_build.build(module, recipe, builder, workdir)
            if not os.path.isdir(dest):
                os.makedirs(dest)
            module.atomic_move(built, target)
        finally:
            _rpm_build.remove(workdir)
    return result


def main():
    module = AnsibleModule(
        argument_spec=_rpm_build.OPTIONS,
        supports_check_mode=True,
    )
    try:
        module.exit_json(**run(module))
    except (RpmError, EnvironmentError) as exc:
        module.fail_json(msg=str(exc))


if __name__ == "__main__":
    main()
