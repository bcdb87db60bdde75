# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who listens on the ports of a node: the sockets by the tables of the kernel, and the process that holds each of them."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import io
import os
import re
from collections import namedtuple

from ansible_collections.halfswap.bluegreen.plugins.module_utils._shown import shown
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node import _systemd

LISTEN = "0A"
# As the kernel writes addresses, in the byte order of the machine: each of these is one that only the node itself reaches.
LOOPBACK = ("0100007F", "00000000000000000000000001000000", "0000000000000000FFFF00000100007F")
UNIT = re.compile(r"/([^/]+\.(?:service|scope|socket))(?=/|$)")

# address: as the kernel writes it; inode: the number of the socket.
Listener = namedtuple("Listener", "address inode")
# What comes from the node is fit to be shown. unit: empty for a process that is of none.
Holder = namedtuple("Holder", "pid program unit")


def listeners():
    """For each port that somebody listens on, the sockets of both families. Without a list of them, an EnvironmentError."""
    found = {}
    for table in ("tcp", "tcp6"):
        path = os.path.join(_systemd.PROC, "net", table)
        # Without IPv6 there is no second table.
        if table == "tcp" or os.path.exists(path):
            for row in _text(path).splitlines()[1:]:
                fields = row.split()
                address, _colon, port = fields[1].rpartition(":")
                if fields[3] == LISTEN:
                    found.setdefault(int(port, 16), []).append(Listener(address, fields[9]))
    return found


def holders(inodes):
    """The process that holds each of these sockets, of several the oldest; those that nobody is seen to hold are not there."""
    wanted, found = {"socket:[%s]" % inode: inode for inode in inodes}, {}
    for pid in sorted((int(name) for name in os.listdir(_systemd.PROC) if name.isdigit()) if wanted else ()):
        directory = os.path.join(_systemd.PROC, str(pid))
        try:
            links = [os.readlink(os.path.join(directory, "fd", name)) for name in os.listdir(os.path.join(directory, "fd"))]
            held = [wanted[link] for link in links if link in wanted and wanted[link] not in found]
            if held:
                holder = Holder(pid, shown(_text(os.path.join(directory, "comm")).strip()), _unit(pid))
                found.update((inode, holder) for inode in held)
        except EnvironmentError:
            continue  # it has ended meanwhile
        if len(found) == len(wanted):
            break
    return found


def _unit(pid):
    """The innermost unit of a process, by its control group."""
    names = [name for group in _systemd.groups_of(pid) for name in UNIT.findall(group)]
    return shown(names[-1]) if names else ""


def _text(path):
    with io.open(path, encoding="utf-8", errors="replace") as file:
        return file.read()
