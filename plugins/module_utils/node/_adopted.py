# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What serves without a package of its own: unpacked, from another package, in a container. The playbook adopt records it as an unknown release.

Nobody can prove which release that is. All that is known of it is the unit in which it runs: that is what the operator has adopted. So a restart of that unit
leaves it adopted. It goes when the first deployment stops and disables it, and comes back as the way back of that one.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os

from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm._rpm import RpmError

# The option of a component that names the unit.
REPLACES = dict(type="str")
MOST_FILES_NAMED = 5


def unit_of(component):
    """The unit in which it runs as long as its package is not installed."""
    return component.get("replaces") or component["service"]


def units_of(component):
    """All units in which it may run."""
    return [component["service"]] + ([component["replaces"]] if component.get("replaces") else [])


def covered(module, files):
    """The paths of these RPM files that are on the disk, and that no package owns: an installation replaces them, and the way back removes them."""
    found = []
    for file in files:
        status, out, err = module.run_command(["rpm", "-q", "-p", "--qf", "[%{FILEMODES:perms}\x1f%{FILENAMES}\n]", file], environ_update=dict(LC_ALL="C"))
        if status:
            raise RpmError("rpm cannot read %s: %s" % (file, (err or out).strip()[-2000:]))
        rows = [line.split("\x1f", 1) for line in out.split("\n") if "\x1f" in line]
        found += [path for mode, path in rows if not mode.startswith("d") and _is_there(path) and not _is_owned(module, path)]
    return sorted(set(found))


def _is_there(path):
    return os.path.lexists(path)


def _is_owned(module, path):
    return module.run_command(["rpm", "-q", "-f", "--", path])[0] == 0


def named(paths):
    """A few of them."""
    return ", ".join(list(paths[:MOST_FILES_NAMED]) + (["and %d more" % (len(paths) - MOST_FILES_NAMED)] if len(paths) > MOST_FILES_NAMED else []))
