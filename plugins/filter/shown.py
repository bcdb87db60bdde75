# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.halfswap.bluegreen.plugins.module_utils._shown import LONG, shown


class FilterModule:
    """The filter halfswap.bluegreen.shown."""

    def filters(self) -> dict[str, Any]:
        return {"shown": lambda value, length=LONG: shown(value, length, lines=True)}
