# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._action import Keeping


class ActionModule(Keeping):
    """The drain, which tells the journal of the application where it goes on by force."""

    MODULE = "drain"
