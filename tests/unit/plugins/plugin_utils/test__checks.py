# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._checks import problems

HOME = {"path": "/"}


@pytest.mark.parametrize(
    "component",
    [
        {},
        {"sanity": [], "sanity_commands": [], "compare": {}},
        {"sanity": [HOME, {"path": "/orders", "status": "200", "through": "both", "json": {"a.0": 1}, "count": "2"}]},
        {"sanity_commands": [{"name": "suite", "argv": ["pytest", "-q"], "env": {"A": "1"}, "chdir": "/srv/tests", "timeout_s": 60}]},
        {"compare": {"paths": ["/"]}},
        {"compare": {"log": "/var/log/haproxy.log", "log_host": "lb-live", "log_become": True, "live_url": "http://lb", "max_differences": "1%"}},
    ],
)
def test_nothing_is_wrong(component):
    assert problems(component) == []


@pytest.mark.parametrize(
    "component, text",
    [
        ({"sanity": {"path": "/"}}, "sanity must be a list of checks"),
        ({"sanity": ["/"]}, "sanity, check 1 is not a dictionary"),
        ({"sanity": [HOME, {"path": "/", "stauts": 200}]}, "sanity, check 2: stauts. Supported parameters include: "),
        ({"sanity": [{"name": "home"}]}, "sanity, check 1: missing required arguments: path"),
        ({"sanity": [{"path": "/", "through": "nodes"}]}, "sanity, check 1: value of through must be one of: balancer, node, both, got: nodes"),
        ({"sanity": [{"path": "/", "regex": "("}]}, "sanity, check GET /: regex is not a regular expression ("),
        ({"sanity": [HOME, HOME]}, 'sanity, two checks have the name "GET /": give them different ones'),
        ({"sanity": [{"path": "/", "through": "node"}]}, "sanity has no check that goes through the load balancer"),
        ({"sanity_commands": "pytest"}, "sanity_commands must be a list of commands"),
        ({"sanity_commands": [{"name": "suite"}]}, "sanity_commands, command 1: missing required arguments: argv"),
        ({"sanity_commands": [{"name": "suite", "argv": []}]}, "sanity_commands, command suite has an empty argv"),
        ({"sanity_commands": [{"name": "suite", "argv": ["x"], "cwd": "/"}]}, "sanity_commands, command 1: cwd. Supported parameters include: "),
        ({"compare": ["/"]}, "compare is not a dictionary"),
        ({"compare": {"paths": ["/"], "log": "/log"}}, "compare needs exactly one of paths, file, log, from which it takes its requests"),
        ({"compare": {"sample": 3}}, "compare needs exactly one of"),
        ({"compare": {"file": "/paths", "sampel": 3}}, "compare: sampel. Supported parameters include: "),
        ({"compare": {"file": "/paths", "method": "POST"}}, "compare: value of method must be one of: GET, HEAD, got: POST"),
        ({"compare": {"file": "/paths", "mask": ["("]}}, "compare, mask: ( is not a regular expression ("),
    ],
)
def test_says_what_is_wrong(component, text):
    (problem,) = problems(component)
    assert problem.startswith(text)
