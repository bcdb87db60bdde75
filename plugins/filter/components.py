# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._components import ComponentError, view


def components(value: Any, kind: str, release: Any = None) -> list[dict[str, Any]]:
    try:
        return view(value, kind, release)
    except ComponentError as exc:
        raise AnsibleFilterError(str(exc)) from exc


class FilterModule:
    """The filter halfswap.bluegreen.components."""

    def filters(self) -> dict[str, Any]:
        return {"components": components}
