# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The application as the inventory describes it: two stacks, and every node in exactly one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.halfswap.bluegreen.plugins.module_utils._addresses import problems
from ansible_collections.halfswap.bluegreen.plugins.module_utils.heartbeat._settle import LOAD_BALANCER_SPEC

from ._refusals import Override, Refusal
from .judge._interlock import Limits

STACKS = ("blue", "green")

# What else describes a load balancer: how the controller reaches it, and for those that Ansible may configure what they are.
ON_THE_CONTROLLER = {
    **{key: {"type": "str"} for key in ("url", "kind", "address", "mirror_to", "service")},
    "hosts": {"type": "list", "elements": "str"},
}

# What the actions that judge take, each as its own option.
LIMITS_SPEC = {
    "min_live": {"type": "int", "default": 0},
    "max_unavailable": {"type": "str", "default": "0"},
    "capacity": {"type": "list", "elements": "dict", "default": []},
    "without": {"type": "list", "elements": "str", "default": []},
    "load_balancers": {"type": "list", "elements": "dict", "required": True},
    "override": {"type": "dict", "default": {}},
}


class ApplicationError(AnsibleError):
    """The inventory does not describe an application; the text says what is wrong and what mends it."""

    def __init__(self, text: str) -> None:
        super().__init__(Refusal("HS-SITE", text).told)


def stacks(groups: Mapping[str, Sequence[str]], application: str = "") -> dict[str, list[str]]:
    """The nodes of each stack, in the order of the inventory. Raises ApplicationError with everything that is wrong."""
    names = group_names(groups, application)
    problems = []
    for name in names.values():
        if name not in groups:
            problems.append(f"the inventory has no group {name}")
        elif not groups[name]:
            problems.append(f"the inventory group {name} is empty")
    both = sorted(set(groups.get(names["blue"], ())) & set(groups.get(names["green"], ())))
    if both:
        problems.append(f"{', '.join(both)} in both stacks, blue and green")
    if problems:
        raise ApplicationError(
            f"{'; '.join(problems)}. Each node of the application belongs to one of the inventory groups {' and '.join(names.values())}, "
            "and each group has at least one node."
        )
    whole = f"{names['blue'].removesuffix('blue')}nodes"
    strays = sorted(set(groups.get(whole, ())) - set(groups[names["blue"]]) - set(groups[names["green"]]))
    if strays:
        raise ApplicationError(
            f"{', '.join(strays)} of the inventory group {whole} in neither stack. Put each into the group {names['blue']} or {names['green']}, "
            f"or take it out of {whole}."
        )
    return {stack: list(groups[name]) for stack, name in names.items()}


def group_names(groups: Mapping[str, Sequence[str]], application: str) -> dict[str, str]:
    """The inventory group of each stack: blue and green, or shop_blue and shop_green where an inventory holds several applications."""
    if application:
        return {stack: f"{application.replace('-', '_')}_{stack}" for stack in STACKS}
    paired = sorted(name.removesuffix("_blue") for name in groups if name.endswith("_blue") and f"{name.removesuffix('_blue')}_green" in groups)
    if not paired or any(stack in groups for stack in STACKS):
        return {stack: stack for stack in STACKS}
    if len(paired) > 1:
        raise ApplicationError(f"The inventory has several applications, {', '.join(paired)}: choose one with -e bluegreen_application={paired[0]}.")
    return {stack: f"{paired[0]}_{stack}" for stack in STACKS}


def stacks_of(task_vars: Mapping[str, Any]) -> dict[str, list[str]]:
    """The stacks of the application that this run is about."""
    return stacks(task_vars["groups"], str(task_vars.get("bluegreen_application") or ""))


def login_of(variables: Mapping[str, Any], name: str) -> str:
    """Where the controller reaches a host, by its variables."""
    return str(variables.get("ansible_host") or variables.get("ansible_ssh_host") or name)


def address_of(variables: Mapping[str, Any], name: str) -> str:
    """Where the load balancers reach a node."""
    return str(variables.get("bluegreen_address") or login_of(variables, name))


def speaker(task_vars: Mapping[str, Any]) -> bool:
    """Whether this host shows what all hosts of the play have found out alike."""
    hosts = task_vars.get("ansible_play_hosts") or [task_vars.get("inventory_hostname")]
    return bool(hosts[0] == task_vars.get("inventory_hostname"))


def load_balancers(described: Any) -> list[dict[str, Any]]:
    """What the nodes have to know of the load balancers, with the defaults filled in; how to reach them stays on the controller."""
    result = ArgumentSpecValidator(
        {"load_balancers": {"type": "list", "elements": "dict", "required": True, "options": {**LOAD_BALANCER_SPEC, **ON_THE_CONTROLLER}}}
    ).validate({"load_balancers": described})
    if result.error_messages:
        raise ApplicationError(f"bluegreen_load_balancers: {'; '.join(result.error_messages)}. See bluegreen_load_balancers in the README.")
    balancers = result.validated_parameters["load_balancers"]
    wrong = [f"{balancer['name']}: {text}" for balancer in balancers for text in problems(balancer["addresses"])]
    if wrong:
        raise ApplicationError(f"bluegreen_load_balancers: addresses of {'; '.join(wrong)}.")
    missing = sorted({"live", "standby"} - {balancer["follows"] for balancer in balancers})
    if missing:
        raise ApplicationError(f"bluegreen_load_balancers: none follows {' and none follows '.join(missing)}; there must be one for each state.")
    paths = [balancer["path"] for balancer in balancers]
    if len(set(paths)) < len(paths):
        raise ApplicationError("bluegreen_load_balancers: two check the same path. Give each a URL of its own, so that they can be told apart.")
    return [{key: balancer[key] for key in LOAD_BALANCER_SPEC} for balancer in balancers]


def count_of(variable: str, value: Any, total: int) -> int:
    """A number of nodes, given as such or as a percentage of all; a percentage is rounded down, but never to none."""
    text = str(value).strip()
    percent = text.endswith("%")
    if not text.removesuffix("%").isdigit():
        raise ApplicationError(f"{variable} is {value!r}: give a number of nodes, such as 2, or a share of them, such as 25%.")
    number = int(text.removesuffix("%"))
    return max(1, total * number // 100) if percent and number else number


def limits(args: Mapping[str, Any], application: Mapping[str, Sequence[str]]) -> Limits:
    """What must hold at every moment, as the options in LIMITS_SPEC say it."""
    names = [name for stack in application.values() for name in stack]
    strangers = sorted(set(args["without"]) - set(names))
    if strangers:
        raise ApplicationError(f"bluegreen_without names {', '.join(strangers)}, which no inventory group blue or green has.")
    return Limits(
        min_live=args["min_live"],
        max_unavailable=count_of("bluegreen_max_unavailable", args["max_unavailable"], len(names)),
        capacity={component["name"]: float(component["per_s"]) for component in args["capacity"]},
        without=tuple(args["without"]),
        load_balancers=() if args["load_balancers"] is None else load_balancers(args["load_balancers"]),
        override=Override(str(args["override"].get("reason") or ""), tuple(args["override"].get("refusals") or ())),
    )
