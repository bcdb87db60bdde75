# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._evidence import read_node
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._way_back import outcome, verdict, way_back

OLD = {"shop": "shop-1.0.0-1.noarch"}
GOES = {"packages": OLD, "stays": ""}
DONE = {"changed": True}


@pytest.fixture
def node(said):
    return lambda *args, **changes: read_node("blue1", "blue", said(*args, **{"state": "standby", **changes}))


@pytest.mark.parametrize("on_failure", ["rollback", "rollback_batch"])
def test_a_node_in_standby_goes_back_to_what_it_served(node, on_failure):
    found = way_back(node("2.0.0"), OLD, on_failure)
    assert (found.packages, found.stays) == (OLD, "")


@pytest.mark.parametrize("on_failure", ["rollback", "hold"])
def test_a_node_that_is_live_is_left_alone(node, on_failure):
    found = way_back(node("2.0.0", state="live"), OLD, on_failure)
    assert (found.packages, found.stays) == ({}, "blue1 was left as it is: it is live, or does not tell.")


def test_one_component_that_is_live_is_enough(said):
    both = said(state="standby")
    both["components"].append({**said(state="live")["components"][0], "name": "cart"})
    assert way_back(read_node("blue1", "blue", both), OLD, "rollback").packages == {}


@pytest.mark.parametrize("found", [None, {"unreachable": True}, {"failed": True, "msg": "no rpm"}, {"skipped": True}])
def test_a_node_that_does_not_tell_is_left_alone(found):
    assert way_back(read_node("blue1", "blue", found), OLD, "rollback").stays == "blue1 was left as it is: it is live, or does not tell."


def test_hold_leaves_it_to_be_looked_at(node):
    found = way_back(node("2.0.0"), OLD, "hold")
    assert (found.packages, found.stays) == ({}, "blue1 stays in standby as it is (bluegreen_on_failure is hold).")


def test_there_may_be_nothing_to_go_back_to(node):
    found = way_back(node("2.0.0"), {}, "rollback")
    assert (found.packages, found.stays) == ({}, "blue1 has nothing known to go back to and stays in standby.")


def test_one_that_is_ill_goes_back_too(node):
    """That is what the way back is for."""
    assert way_back(node("2.0.0", healthy=False, started_at=1.0), OLD, "rollback").packages == OLD


# ---- Where it ended -----------------------------------------------------------------------------------------------------------------


def test_it_serves_again():
    assert outcome("blue1", GOES, DONE, DONE) == "blue1 is back on shop-1.0.0-1.noarch and live."


@pytest.mark.parametrize(
    "back, live",
    [
        ({"failed": True, "msg": "dnf: no space"}, {"skipped": True}),
        (DONE, {"failed": True, "msg": "dnf: no space"}),
        ({"unreachable": True, "msg": "dnf: no space"}, None),
    ],
)
def test_it_does_not(back, live):
    assert outcome("blue1", GOES, back, live) == "blue1 was not brought back (dnf: no space) and stays in standby."


def test_what_was_written_live_does_not_stay_in_standby():
    """It was not seen to settle, so it is no success; but traffic goes there."""
    live = {"failed": True, "msg": "Not settled after 60.0 s", "changed": True, "components": [{"name": "shop", "before": "standby", "after": "live"}]}
    told = outcome("blue1", GOES, DONE, live)
    assert "Not settled after 60.0 s" in told and "stays in standby" not in told


@pytest.mark.parametrize("back, live", [(None, None), ({"skipped": True}, None), (DONE, None), (DONE, {"skipped": True}), ("text", DONE)])
def test_a_step_that_was_not_made_is_no_success(back, live):
    assert outcome("blue1", GOES, back, live) == "blue1 was not brought back (see the output above) and stays in standby."


def test_why_it_stays_is_told():
    assert outcome("blue1", {"packages": {}, "stays": "blue1 stays."}, DONE, DONE) == "blue1 stays."
    assert outcome("blue1", {}, None, None) == "Nothing is known of blue1."


def test_the_reason_of_a_node_is_harmless():
    told = outcome("blue1", GOES, {"failed": True, "msg": "\x1b[2J{{ 7 * 7 }}" + "A" * 100000}, None)
    assert "\x1b" not in told and "{{" not in told and len(told) < 5000


def test_the_verdict():
    assert verdict({"number": 2, "nodes": ["blue1", "blue2"]}, "Release", "no space.", "blue1 stays.", ["shop", "cart"]) == (
        'Batch 2 (blue1, blue2) stopped at "Release": no space.\n\nblue1 stays. No node outside the batch was touched by it. '
        'See "journalctl -u shop -u cart" on the node.'
    )


def test_what_was_adopted_is_told_as_that():
    assert outcome("blue1", {"packages": {"shop": None}}, DONE, DONE) == "blue1 is back on unknown (adopted) and live."


def test_a_node_without_a_way_back_comes_back_where_nothing_was_installed(said):
    foreign = {"release": None, "active": True, "installed_at": None, "state": "standby"}
    record = {"current": {"shop": None}, "deployment": "", "previous": []}

    def found(version, **changes):
        return way_back(read_node("blue1", "blue", {**said(version, **changes), "record": record}), {"shop": None}, "rollback", "no key replaces")

    assert found(None, **foreign).packages == {"shop": None}
    for stays in (found("2.0.0", state="standby"), found(None, **foreign, owed=True), found(None, **{**foreign, "active": False})):
        assert (stays.packages, stays.stays) == ({}, "blue1 has no way back (no key replaces) and stays in standby.")
