# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which machine this is, so that two names of it in an inventory are told from two nodes."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os

BOOT_ID = "/proc/sys/kernel/random/boot_id"
ROOT = "/"


def boot_id():
    """Another one after each boot; None where the kernel does not tell."""
    try:
        with open(BOOT_ID) as boot:
            return boot.read().strip()
    except EnvironmentError:
        return None


def machine():
    """The same text for all names of one machine, and for no other machine; None where it is not known.

    The kernel makes up a boot id at each boot, so that clones which boot have their own, whatever their machine id says. Containers on one kernel
    share it, but each of them has a root directory of its own. Nothing is written for it, so that check mode can ask, too.
    """
    booted = boot_id()
    root = os.stat(ROOT)
    return booted and "%s/%d/%d" % (booted, root.st_dev, root.st_ino)
