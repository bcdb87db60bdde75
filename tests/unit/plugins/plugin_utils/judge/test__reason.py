# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._reason import reason

COMMAND = {"failed": True, "msg": "non-zero return code", "stderr": "no such table\n"}


@pytest.mark.parametrize(
    "result, text",
    [
        (None, ""),
        ("text", ""),
        ({"failed": True}, ""),
        ({"failed": True, "msg": "no space"}, "no space"),
        ({"failed": True, "msg": ["a", "b"]}, "['a', 'b']"),
        (COMMAND, "non-zero return code: no such table"),
        ({**COMMAND, "stderr": ""}, "non-zero return code"),
        ({"msg": "One or more items failed", "results": "text"}, "One or more items failed"),
        ({"msg": "One or more items failed", "results": [{"item": "a"}, {"item": "b", "failed": True, "msg": "x"}]}, "b: x"),
        ({"msg": "", "results": [{"_ansible_item_label": "a", "unreachable": True, "msg": "no route"}, {"item": "b", **COMMAND}]}, "a: no route; b: non-zero"),
        ({"msg": "", "results": [{"ansible_loop_var": "each", "each": {"name": "smoke"}, "failed": True}]}, "smoke: no reason given"),
        ({"msg": "{{ 7 * 7 }}\x1b[2J"}, "\\x7b{ 7 * 7 }}\\x1b[2J"),
    ],
)
def test_why_a_task_failed(result, text):
    assert reason(result).startswith(text) and bool(reason(result)) == bool(text)
