# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: setting
short_description: One variable of the site, checked, with its default
version_added: 0.1.0
author:
  - halfswap.bluegreen contributors (@halfswap)
description:
  - Gives the value of a variable C(bluegreen_*), wherever the inventory has it, for one application or for several (C(bluegreen_applications)).
  - It is for what the action M(halfswap.bluegreen.site) does not register, because it may hold secrets. The other variables are in its result.
options:
  _terms:
    description: The name of the variable, without C(bluegreen_).
    type: list
    elements: str
    required: true
  playbook:
    description: >-
      The playbook that asks, where it matters: of the components only C(package) reads how they are built, and templates that.
    type: str
    default: deploy
"""

EXAMPLES = r"""
- name: Name the components
  ansible.builtin.debug:
    msg: "{{ lookup('halfswap.bluegreen.setting', 'components') | map(attribute='name') }}"
"""

RETURN = r"""
_raw:
  description: Its value, or its default.
  type: raw
"""

from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible.utils.vars import load_extra_vars

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.site.check import nearest
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.site.description import KNOWN, filled
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.site.reading import description


class LookupModule(LookupBase):
    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[Any]:
        self.set_options(var_options=variables, direct=kwargs)
        faults: list[str] = []
        found = description(variables or {}, self._loader, load_extra_vars(self._loader))
        values = []
        for name in terms:
            if name not in KNOWN:
                raise AnsibleLookupError(f"{name} is no variable of this collection: {nearest(name, KNOWN)}")
            # Whoever asks reads it.
            playbook = next(iter(KNOWN[name].reads), self.get_option("playbook"))
            value = found.value(name, playbook, faults)
            values.append(filled(value) if name == "components" and value and all(value) else value)
        if faults or found.faults:
            raise AnsibleLookupError("; ".join(found.faults + faults))
        return values
