# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: nodes
short_description: The hosts pattern of the application, refused when a run would not be whole
version_added: 0.1.0
author:
  - halfswap.bluegreen contributors (@halfswap)
description:
  - Gives the nodes of both stacks as the hosts of a play, after it has checked that the inventory describes two stacks.
  - Used as the C(hosts) of a play it is judged before the play exists. A command line that would run only a part of it, on a part of the nodes,
    is an error and not a play that ends well without having done anything.
options:
  whole:
    description: Refuse C(--limit), C(--tags), C(--skip-tags) and C(--start-at-task). Playbooks that only read set it to V(false).
    type: bool
    default: true
  without:
    description:
      - Nodes known to be dead, which are left out of the play. The plan and the interlock have to be told of them, too.
      - C(hosts) knows no variables of groups or hosts, so the list comes from the command line.
    type: list
    elements: str
    default: []
  application:
    description: >-
      Which application, where the inventory has several: its stacks are the groups C(shop_blue) and C(shop_green). It comes from the command line,
      as O(without) does.
    type: str
    default: ""
notes:
  - The stacks are the inventory groups C(blue) and C(green), or C(shop_blue) and C(shop_green) for an application C(shop); a group C(nodes) or
    C(shop_nodes), where there is one, names all nodes of the application, and each of them must be in a stack.
"""

EXAMPLES = r"""
- name: Deploy
  hosts: "{{ lookup('halfswap.bluegreen.nodes') }}"
  tasks: []
"""

RETURN = r"""
_raw:
  description: The hosts pattern.
  type: list
  elements: str
"""

from typing import Any

from ansible import context
from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

# This plugin is the only one that the first process loads: it fills in `hosts`. Each task runs in a fork of it. What is imported here, no fork imports
# again, which for these two was an eighth of a second for each value of each task on each host.
from ansible_collections.halfswap.bluegreen.plugins.filter import components as _components  # noqa: F401
from ansible_collections.halfswap.bluegreen.plugins.lookup import setting as _setting  # noqa: F401
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._application import STACKS, ApplicationError, group_names, stacks

# No task of the collection bears a tag, so only these names leave any out. Molecule, for one, always skips tags of its own.
SPECIAL_TAGS = frozenset(("all", "always", "tagged", "untagged"))


def partial(cli: Any) -> list[str]:
    """The options of this command line that leave out nodes or steps."""
    tags = list(cli.get("tags") or ())
    skip_tags = [tag for tag in cli.get("skip_tags") or () if tag in SPECIAL_TAGS]
    return [
        option
        for option, given in (
            (f"--limit {cli.get('subset')}", cli.get("subset")),
            (f"--tags {','.join(tags)}", tags not in ([], ["all"])),
            (f"--skip-tags {','.join(skip_tags)}", skip_tags),
            (f"--start-at-task '{cli.get('start_at_task')}'", cli.get("start_at_task")),
        )
        if given
    ]


class LookupModule(LookupBase):
    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[str]:
        self.set_options(var_options=variables, direct=kwargs)
        if context.CLIARGS.get("syntax"):
            return [":".join(STACKS)]  # nothing will run, and there may be no inventory
        given = partial(context.CLIARGS) if self.get_option("whole") else []
        if given:
            raise AnsibleLookupError(
                f"{' and '.join(given)} is refused: whether a half may leave is judged from every node and every step. "
                "Run the same command without it; only what is missing will be done."
            )
        groups, application = (variables or {}).get("groups", {}), self.get_option("application")
        try:
            names = {name for stack in stacks(groups, application).values() for name in stack}
        except ApplicationError as exc:
            raise AnsibleLookupError(str(exc)) from exc
        without = self.get_option("without")
        strangers = sorted(set(without) - names)
        if strangers:
            raise AnsibleLookupError(f"bluegreen_without names {', '.join(strangers)}, which is no node: there are {', '.join(sorted(names))}.")
        return [":".join([*group_names(groups, application).values(), *(f"!{name}" for name in without)])]
