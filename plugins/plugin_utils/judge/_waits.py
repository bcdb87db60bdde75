# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long things can take, by what the site allows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# For everything that has no limit of its own, such as an installation.
MARGIN_S = 600.0
# Of a command of the sanity test, and of a comparison, where the site does not say.
COMMAND_S = 300.0
COMPARE_S = 60.0


def lock_s(settings: Mapping[str, Any]) -> float:
    """How long one batch can keep its locks: each way once more than planned, for the way back. A drain renews the lock of its own node only."""
    drain_s = settings["drain_max_wait_s"] if settings["drain_on_timeout"] == "wait" else settings["drain_timeout_s"]
    pause_s = settings["drain_seconds"] if settings["drain_method"] == "seconds" else 0
    return float(
        MARGIN_S
        + 3 * settings["settle_timeout_s"]
        + drain_s
        + pause_s
        + 2 * settings["health_timeout_s"]
        + 2 * (settings["sanity_timeout_s"] + _tests_s(settings["components"]))
    )


def _tests_s(components: Any) -> float:
    """What may come on top of the checks: the commands, and the comparison."""
    commands = [command.get("timeout_s") or COMMAND_S for component in components for command in component.get("sanity_commands") or ()]
    compares = [component["compare"].get("timeout_s") or COMPARE_S for component in components if component.get("compare")]
    return float(sum(map(float, commands + compares)))
