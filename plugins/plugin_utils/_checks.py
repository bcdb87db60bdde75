# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong with the tests of a component, found before a node leaves rather than when it waits to come back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.halfswap.bluegreen.plugins.module_utils import _compare, _sanity

COMMAND = {
    "name": {"type": "str", "required": True},
    "argv": {"type": "list", "elements": "str", "required": True},
    "env": {"type": "dict"},
    "chdir": {"type": "path"},
    "timeout_s": {"type": "int"},
}
# What the module leaves to the play: through which load balancer, and where the log lies.
COMPARE = {**_compare.OPTIONS, "live_url": {"type": "str"}, "log_host": {"type": "str"}, "log_become": {"type": "bool"}}


def problems(component: Mapping[str, Any]) -> list[str]:
    """Everything that is wrong with its keys sanity, sanity_commands and compare."""
    return [*_sanity_problems(component), *_command_problems(component), *_compare_problems(component)]


def _sanity_problems(component: Mapping[str, Any]) -> list[str]:
    checks = component.get("sanity") or []
    if not isinstance(checks, list):
        return ["sanity must be a list of checks"]
    found = [text for number, check in enumerate(checks, start=1) for text in _wrong(_sanity.CHECK, check, f"sanity, check {number}")]
    if found:
        return found
    prepared = [_validated(_sanity.CHECK, check) for check in checks]
    try:
        _sanity.prepare_all(prepared)
    except ValueError as exc:
        return [f"sanity, {exc}".removesuffix(".")]
    if prepared and all(check["through"] == _sanity.NODE for check in prepared):
        return ["sanity has no check that goes through the load balancer, so nothing would prove that a node answers there"]
    return []


def _command_problems(component: Mapping[str, Any]) -> list[str]:
    commands = component.get("sanity_commands") or []
    if not isinstance(commands, list):
        return ["sanity_commands must be a list of commands"]
    found = [text for number, command in enumerate(commands, start=1) for text in _wrong(COMMAND, command, f"sanity_commands, command {number}")]
    return found or [f"sanity_commands, command {command['name']} has an empty argv" for command in commands if not command["argv"]]


def _compare_problems(component: Mapping[str, Any]) -> list[str]:
    compare = component.get("compare")
    if not compare:
        return []
    found = _wrong(COMPARE, compare, "compare")
    if found:
        return found
    if sum(bool(compare.get(source)) for source in _compare.SOURCES) != 1:
        return [f"compare needs exactly one of {', '.join(_compare.SOURCES)}, from which it takes its requests"]
    try:
        _compare.prepare(_validated(COMPARE, compare))
    except ValueError as exc:
        return [f"compare, {exc}".removesuffix(".")]
    return []


def _wrong(spec: Mapping[str, Any], given: Any, what: str) -> list[str]:
    if not isinstance(given, Mapping):
        return [f"{what} is not a dictionary"]
    return [f"{what}: {text}".removesuffix(".") for text in ArgumentSpecValidator(spec).validate(dict(given)).error_messages]


def _validated(spec: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    return ArgumentSpecValidator(spec).validate(dict(given)).validated_parameters
