# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The services whose package was changed and that were not restarted since: written down before a transaction, and struck off after the restart.

rpm dates a package by the second at which its transaction began. A process that somebody started while it went on looks younger than the package and may
run the files of the former one. A run that was cut off in between would leave it so for ever.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os

from ansible_collections.halfswap.bluegreen.plugins.module_utils._dialect import keys, listing, or_null, text
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node import _records
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._machine import boot_id

FILE = "owed.json"
TABLE = keys(dict(boot=or_null(text()), services=listing(text(), 1000)))


def services():
    """Those that have to be restarted. A boot has restarted all of them."""
    record = _records.read_json(FILE, TABLE)
    return record["services"] if record and (record["boot"] is None or record["boot"] == boot_id()) else []


def keep(names):
    _records.prepare()
    with _records.exclusive(FILE):
        _write(sorted(set(services()) | set(names)))


def settle(names):
    """They were restarted."""
    if not os.path.exists(_records.path(FILE)):
        return
    with _records.exclusive(FILE):
        left = [name for name in services() if name not in names]
        if left:
            _write(left)
        else:
            _records.remove(FILE)


def _write(names):
    _records.write_json(FILE, dict(boot=boot_id(), services=names))
