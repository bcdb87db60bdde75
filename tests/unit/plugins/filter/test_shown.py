# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.halfswap.bluegreen.plugins.filter.shown import FilterModule


def test_cuts_and_escapes():
    shown = FilterModule().filters()["shown"]
    assert shown("{{ a }}\n\x1b[2J") == "\\x7b{ a }}\n\\x1b[2J"
    assert len(shown("a" * 5000)) == 4000
    assert len(shown("a" * 5000, 200)) == 200
