# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible import context
from ansible.errors import AnsibleLookupError
from ansible.utils.context_objects import CLIArgs

from ansible_collections.halfswap.bluegreen.plugins.lookup.nodes import LookupModule, partial

GROUPS = {"groups": {"all": ["b", "g"], "blue": ["b"], "green": ["g"]}}


@pytest.fixture
def nodes(monkeypatch):
    def run(variables=None, cli=None, **options):
        monkeypatch.setattr(context, "CLIARGS", CLIArgs(cli or {"tags": ["all"]}))
        lookup = LookupModule()
        monkeypatch.setattr(lookup, "set_options", lambda var_options, direct: None)
        monkeypatch.setattr(lookup, "get_option", lambda name: options.get(name, {"whole": True, "without": [], "application": ""}[name]))
        return lookup.run([], variables or GROUPS)

    return run


def test_gives_the_pattern(nodes):
    assert nodes() == ["blue:green"]


def test_a_dead_node_is_left_out_by_name(nodes):
    assert nodes(without=["g"]) == ["blue:green:!g"]
    with pytest.raises(AnsibleLookupError) as error:
        nodes(without=["g", "x"])
    assert "bluegreen_without names x" in str(error.value)


def test_one_of_several_applications(nodes):
    groups = {f"{name}_{stack}": [f"{name}-{stack[0]}"] for name in ("shop", "crm") for stack in ("blue", "green")}
    assert nodes({"groups": groups}, application="crm", without=["crm-g"]) == ["crm_blue:crm_green:!crm-g"]
    with pytest.raises(AnsibleLookupError, match="several applications, crm, shop: choose one with -e bluegreen_application=crm"):
        nodes({"groups": groups})
    with pytest.raises(AnsibleLookupError, match="has no group cash_blue"):
        nodes({"groups": groups}, application="cash")
    del groups["crm_green"]
    assert nodes({"groups": groups}) == ["shop_blue:shop_green"]


@pytest.mark.parametrize(
    "cli, text",
    [
        ({"subset": "blue"}, "--limit blue is refused"),
        ({"tags": ["x", "y"]}, "--tags x,y is refused"),
        ({"skip_tags": ["always"]}, "--skip-tags always is refused"),
        ({"start_at_task": "Plan"}, "--start-at-task 'Plan' is refused"),
        ({"subset": "b", "start_at_task": "Plan"}, "--limit b and --start-at-task 'Plan' is refused"),
    ],
)
def test_a_run_that_is_not_whole_is_refused(nodes, cli, text):
    with pytest.raises(AnsibleLookupError) as error:
        nodes(cli=cli)
    assert text in str(error.value)
    assert nodes(cli=cli, whole=False) == ["blue:green"]


def test_a_whole_run_has_nothing_partial():
    assert partial({"tags": ["all"], "skip_tags": [], "subset": None, "start_at_task": None}) == []
    assert partial({}) == []
    assert partial({"skip_tags": ["notest"]}) == []


def test_no_stacks(nodes):
    with pytest.raises(AnsibleLookupError) as error:
        nodes(variables={"groups": {"blue": ["b"]}})
    assert "the inventory has no group green" in str(error.value)


def test_a_syntax_check_needs_no_inventory(nodes):
    assert nodes(variables={"groups": {"all": []}}, cli={"syntax": True}) == ["blue:green"]
