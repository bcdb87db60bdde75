# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The description as Ansible holds it. The variables are those of a node of the application, whichever host asks: localhost has no group of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleError
from ansible.template import Templar

from .._application import ApplicationError, stacks_of
from .description import KNOWN, PREFIX, REASON_CHARACTERS, Description, Untemplated


def description(task_vars: Mapping[str, Any], loader: Any, extra: Iterable[str]) -> Description:
    """The description of the application that this run is about."""
    variables = _variables(task_vars)
    templar = Templar(loader=loader, variables=variables)

    def template(value: Any) -> Any:
        try:
            return _opened(templar.template(value))
        except AnsibleError as exc:
            raise Untemplated(f"its template cannot be filled in ({str(exc).strip()[:REASON_CHARACTERS]}).") from exc

    return Description(variables, template, extra)


def whose(task_vars: Mapping[str, Any], loader: Any, extra: Iterable[str]) -> tuple[dict[str, Any], list[str]]:
    """Whose records a node keeps, as options of the module; and why that cannot be told. The rest of the description may be wrong."""
    found = description(task_vars, loader, extra)
    return {"application": found.application, "application_components": found.component_names()}, found.faults


def _opened(value: Any) -> Any:
    """Until core 2.19, what lies in a vault is an object of its own, and no text before it is asked for. Containers are plain ones there."""
    kind = type(value)
    if kind is dict:
        return {key: _opened(item) for key, item in value.items()}
    if kind is list:
        return [_opened(item) for item in value]
    return str(value) if hasattr(value, "__ENCRYPTED__") else value


def _variables(task_vars: Mapping[str, Any]) -> dict[str, Any]:
    """Those of this host where it is a node; elsewhere those of the first node, and what the play gives besides."""
    try:
        application = stacks_of(task_vars)
    except ApplicationError:
        return dict(task_vars)
    nodes = [name for stack in application.values() for name in stack]
    if task_vars.get("inventory_hostname") in nodes:
        return dict(task_vars)
    of_node = task_vars["hostvars"].raw_get(nodes[0])
    of_play = {name: value for name, value in task_vars.items() if name.startswith(PREFIX)}
    return {**of_play, **of_node, "hostvars": task_vars["hostvars"], "groups": task_vars["groups"]}


def differing(application: Mapping[str, Sequence[str]], hostvars: Any) -> list[str]:
    """What is said of one node and otherwise of another, although it holds for all of them; and what is misspelt for one node alone."""
    nodes = [name for stack in application.values() for name in stack]
    of_first = _of_site(hostvars.raw_get(nodes[0]))
    found = []
    for node in nodes[1:]:
        mine = _of_site(hostvars.raw_get(node))
        for name in sorted(set(mine) | set(of_first)):
            key = KNOWN.get(name[len(PREFIX) :])
            if key is None:
                if name not in of_first:
                    found.append(f"{node} has the variable {name}, which is no variable of this collection.")
            elif not key.per_node and not key.secret and mine.get(name) != of_first.get(name):
                found.append(f"{name} is another one for {node} than for {nodes[0]}: it holds for the whole application, so give it once, for all nodes.")
    return found


def _of_site(variables: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in variables.items() if name.startswith(PREFIX)}
