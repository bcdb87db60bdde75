# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._evidence import read_node
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._target import target

NAMES = ["blue1", "green1"]


def nevra(version):
    return {"shop": f"shop-{version}-1.noarch"}


@pytest.fixture
def nodes(said):
    """blue1 and green1, each by (what it runs, what its record says it served, the last first, and anything else).

    Served is a version, or version:deployment.
    """

    def build(blue, green):
        def one(name, version, served, cut_off=None, **changes):
            entries = [(v.partition(":")[2], nevra(v.partition(":")[0])) for v in served or ()]
            previous = [{"deployment": deployment, "packages": packages} for deployment, packages in entries[1:]]
            record = {"current": entries[0][1], "deployment": entries[0][0], "previous": previous, "cut_off": cut_off} if served else None
            return read_node(name, name[:-1], dict(said(version, **changes), record=record))

        return [one("blue1", *blue[:2], **(blue[2] if len(blue) > 2 else {})), one("green1", *green[:2], **(green[2] if len(green) > 2 else {}))]

    return build


def back(found):
    assert found.refusals == ()
    assert set(found.wanted) == set(NAMES) and len({str(packages) for packages in found.wanted.values()}) == 1
    return found.wanted["blue1"]["shop"].split("-")[1], found.strategy


def rollback(nodes, strategy="halves"):
    return target("rollback", nodes, None, strategy)


OUT = {"state": "standby"}


def test_the_release_asked_for(nodes):
    found = target("release", nodes(("1", ["1"]), ("1", ["1"])), {"shop": "2"}, "rolling")
    assert (found.wanted, found.strategy) == (dict.fromkeys(NAMES, {"shop": "2"}), "rolling")


def test_an_unread_node_leads_nowhere():
    for kind in ("release", "rollback", "confirm", "all_live", "adopt"):
        assert target(kind, [read_node("blue1", "blue", None)], "2", "halves").refusals == ("blue1: it was not read",)


def adopt(nodes):
    return target("adopt", nodes, None, "halves")


def test_what_serves_already_is_adopted(nodes):
    first = adopt(nodes(("1", [], OUT), ("1", [], OUT)))
    assert (first.refusals, first.wanted) == ((), dict.fromkeys(NAMES, nevra("1")))
    # Cut off in the middle, and run again.
    assert adopt(nodes(("1", ["1"]), ("1", [], OUT))).wanted == {"blue1": None, "green1": nevra("1")}
    done = adopt(nodes(("1", ["1"]), ("1", ["1"])))
    assert (done.refusals, done.wanted) == ((), dict.fromkeys(NAMES))


def test_what_is_not_healthy_or_not_known_is_not_adopted(nodes):
    for changes in ({"healthy": False}, {"release": "9"}, {"active": False}):
        found = adopt(nodes(("1", [], OUT), ("2", [], {**OUT, **changes})))
        assert (found.refusals, found.wanted) == ((), {"blue1": nevra("1"), "green1": None})
        assert adopt(nodes(("1", [], {**OUT, **changes}), ("1", [], {**OUT, **changes}))).refusals[0].startswith("blue1: shop: ")


def test_what_was_changed_in_place_is_not_adopted(nodes):
    changed = {**OUT, "differing": ["/opt/shop/x (size)"]}
    found = adopt(nodes(("1", [], OUT), ("1", [], changed)))
    assert (found.refusals, found.wanted) == ((), {"blue1": nevra("1"), "green1": None})
    assert "blue1: shop: 1 file on the disk differs from shop-1-1.noarch (/opt/shop/x (size))" in adopt(nodes(("1", [], changed), ("1", [], changed))).refusals


@pytest.mark.parametrize("blue, green", [(("1", [], OUT), ("2", [], OUT)), (("1", [], OUT), ("2", ["2"])), (("1", [], OUT), ("2", ["2"], {"healthy": False}))])
def test_two_releases_are_not_adopted(nodes, blue, green):
    assert "blue1: green1 runs shop-2-1.noarch, not shop-1-1.noarch: two releases are not adopted together" in adopt(nodes(blue, green)).refusals


def test_what_was_live_before_is_not_adopted(nodes):
    (refusal,) = adopt(nodes(("1", ["1"], OUT), ("1", ["1"]))).refusals
    assert refusal.startswith("blue1: it has been live before") and "all_live" in refusal


@pytest.mark.parametrize(
    "blue, green, to",
    [
        # All on 2: back to 1, which is below it.
        (("2", ["2", "1"]), ("2", ["2", "1"]), "1"),
        (("3", ["3", "2", "1"]), ("3", ["3", "1"]), "1"),
        # A deployment that was cut off, one half in: back to what the other half serves.
        (("2", ["2", "1"]), ("1", ["1", "0"]), "1"),
        # One that was cut off when 2 was installed, but had not served yet: 1 is what both served last.
        (("2", ["1", "0"], OUT), ("1", ["1", "0"]), "1"),
        # A rollback that was cut off, one half back: the other half follows.
        (("1", ["1", "0"]), ("2", ["2", "1"]), "1"),
        # A node that has broken down is no reason to go back to what it runs.
        (("2", ["2", "1"], {"state": "standby", "healthy": False}), ("2", ["2", "1"]), "1"),
        # It serves what it has not noted yet.
        (("2", ["1", "0"]), ("2", ["2", "1"]), "1"),
        # It was taken into use with no record of its own.
        (("2", ["2", "1"]), ("1", None), "1"),
    ],
)
def test_back_to_the_last_release_that_all_have_served(nodes, blue, green, to):
    assert back(rollback(nodes(blue, green))) == (to, "halves")


def test_back_is_one_flip_where_a_half_stands_by(nodes):
    assert back(rollback(nodes(("2", ["2", "1"]), ("1", ["1"], OUT)))) == ("1", "cutover")
    # What does not run, or is ill, is not one flip away.
    ill = {"state": "standby", "healthy": False}
    assert back(rollback(nodes(("2", ["2", "1"]), ("1", ["1"], ill)), "rolling")) == ("1", "rolling")


def test_nothing_to_go_back_to(nodes):
    found = rollback(nodes(("2", ["2"]), ("2", ["2", "1"])))
    assert found.refusals[:2] == (
        "there is no earlier release that all nodes have served: deploy the one that you want by its version",
        "blue1 has served shop-2-1.noarch",
    )
    assert rollback(nodes(("2", None, OUT), ("2", None, OUT))).refusals[1] == "blue1 has served nothing that is known"


def test_a_migration_leaves_no_way_back(nodes):
    cut = {"cut_off": {"previous": [{"deployment": "", "packages": nevra("1")}], "why": "migration shop ran a -> b on blue1"}}
    found = rollback(nodes(("2", ["2"], cut), ("2", ["2"], cut)))
    assert "blue1 cannot go back to shop-1-1.noarch: migration shop ran a -> b on blue1" in found.refusals


def test_confirm_is_what_serves(nodes):
    assert back(target("confirm", nodes(("2", ["2", "1"]), ("1", ["1"], OUT)), None, "cutover")) == ("2", "halves")
    assert (
        "there is not one release that serves (blue1 shop-2-1.noarch, green1 shop-1-1.noarch)"
        in (target("confirm", nodes(("2", ["2"]), ("1", ["1"])), None, "halves").refusals[0])
    )
    assert "no node serves" in target("confirm", nodes(("2", ["2"], OUT), ("1", ["1"], OUT)), None, "halves").refusals[0]


def test_all_live_is_what_each_has(nodes):
    found = target("all_live", nodes(("2", ["2"], OUT), (None, None, OUT)), None, "halves")
    assert (found.wanted, found.strategy) == ({"blue1": nevra("2"), "green1": None}, "all_live")


def deployed(versions, *deployments):
    """The history of a node, the last first: 1 2 1 with d1 d2 d3."""
    return [f"{version}:{deployment}" for version, deployment in zip(versions, deployments)][::-1]


AGAIN = deployed("1212", "d1", "d2", "d3", "d4")


def test_a_release_that_was_served_twice_is_gone_back_to_once_at_a_time(nodes):
    found = rollback(nodes(("2", AGAIN), ("2", AGAIN)))
    assert (back(found), found.deployment) == (("1", "halves"), "d3")
    found = rollback(nodes(("1", AGAIN[1:]), ("1", AGAIN[1:])))
    assert (back(found), found.deployment) == (("2", "halves"), "d2")


def test_a_cutover_to_a_former_release_goes_back_to_the_half_that_stands_by(nodes):
    found = rollback(nodes(("2", AGAIN), ("1", AGAIN[1:], OUT)))
    assert (back(found), found.deployment) == (("1", "cutover"), "d3")


@pytest.mark.parametrize("half", [0, 1])
def test_a_half_done_deployment_of_a_former_release_goes_back(nodes, half):
    sides = [("2", AGAIN), ("1", AGAIN[1:])]
    found = rollback(nodes(sides[half], sides[1 - half]))
    assert (back(found), found.deployment) == (("1", "halves"), "d3")


def test_a_half_done_way_back_goes_on(nodes):
    """d4 was left on blue1; what is left behind on green1 is no reason to go there again."""
    found = rollback(nodes(("1", AGAIN[1:]), ("2", AGAIN)))
    assert found.deployment == "d3"


def test_most_nodes_do_not_outvote_the_way_back(said):
    """Three of four nodes have a former release again: the last deployment that all have served is still the one before."""
    entries = [{"deployment": e.partition(":")[2], "packages": nevra(e[0])} for e in AGAIN]
    new = {"current": entries[0]["packages"], "deployment": "d4", "previous": entries[1:], "cut_off": None}
    old = {"current": entries[1]["packages"], "deployment": "d3", "previous": entries[2:], "cut_off": None}
    some = [read_node(name, name[:-1], dict(said("2"), record=new)) for name in ("blue1", "blue2", "green1")]
    assert rollback([*some, read_node("green2", "green", dict(said("1"), record=old))]).deployment == "d3"


def test_a_node_that_does_not_know_its_deployments_means_any_with_the_same_packages(nodes):
    found = rollback(nodes(("2", AGAIN), ("2", ["2", "1"])))
    assert (back(found), found.deployment) == (("1", "halves"), "d3")


def test_a_deployment_that_two_runs_made_is_one(nodes):
    """The second run went on with the name of the first one; see going_on of the planner."""
    three = deployed("123", "d1", "d2", "d3")
    assert rollback(nodes(("3", three), ("3", three))).deployment == "d2"
    assert rollback(nodes(("3", three), ("3", deployed("13", "d1", "d3")))).deployment == "d1"


FOREIGN = {"release": None, "active": False, "installed_at": None, "started_at": None, "replaces": "old", "replaced_active": True}
UNKNOWN = {"shop": None}


@pytest.fixture
def adopted(said):
    """A node by (its package or None, what it has noted, the last first, and anything else)."""

    def build(name, version, *noted, **changes):
        previous = [{"deployment": "", "packages": each} for each in noted[1:]]
        record = {"current": noted[0], "deployment": "", "previous": previous, "cut_off": None} if noted else None
        return read_node(name, name[:-1], {**said(version, **{**({} if version else FOREIGN), **changes}), "record": record})

    return build


def test_what_serves_without_a_package_is_adopted_as_unknown(adopted):
    found = adopt([adopted("blue1", None, **OUT), adopted("green1", None, **OUT)])
    assert (found.refusals, found.wanted) == ((), dict.fromkeys(NAMES, UNKNOWN))
    # It says live already, and nothing is noted.
    assert adopt([adopted("blue1", None), adopted("green1", None, UNKNOWN)]).wanted == {"blue1": UNKNOWN, "green1": None}
    # Beside one that has its package.
    assert adopt([adopted("blue1", None, **OUT), adopted("green1", "1", **OUT)]).wanted == {"blue1": UNKNOWN, "green1": nevra("1")}


def test_what_does_not_run_in_its_unit_is_not_adopted(adopted):
    found = adopt([adopted("blue1", None, **OUT, replaced_active=False), adopted("green1", None, **OUT, healthy=False)])
    assert "blue1: shop: old in which it was adopted is not active" in found.refusals and "green1: shop: HTTP 503" in found.refusals


def test_there_is_no_rollback_to_what_was_adopted(adopted):
    on_two = [adopted(name, "2", nevra("2"), UNKNOWN) for name in NAMES]
    (refusal,) = rollback(on_two).refusals
    assert refusal.code == "HS-NOWHERE" and "what served before is unknown (adopted): there is no package of it to install" in refusal
    # Half of the first deployment.
    assert rollback([on_two[0], adopted("green1", None, UNKNOWN)]).refusals[0].code == "HS-NOWHERE"
    # And one later there is one.
    on_three = [adopted(name, "3", nevra("3"), nevra("2"), UNKNOWN) for name in NAMES]
    assert back(rollback(on_three)) == ("2", "halves")


def test_what_was_adopted_and_stands_by_is_one_flip_away(adopted):
    stands_by = [adopted("blue1", "2", nevra("2"), UNKNOWN), adopted("green1", None, UNKNOWN, **OUT)]
    found = rollback(stands_by)
    assert (found.refusals, found.strategy, found.wanted) == ((), "cutover", dict.fromkeys(NAMES, UNKNOWN))
    assert rollback([stands_by[0], adopted("green1", None, UNKNOWN, **OUT, replaced_active=False)]).refusals


def test_confirm_brings_what_was_adopted_to_no_other_node(adopted):
    serves = adopted("green1", None, UNKNOWN)
    (refusal,) = target("confirm", [adopted("blue1", "2", UNKNOWN, **OUT), serves], None, "halves").refusals
    assert refusal.code == "HS-MIXED" and "what serves is unknown (adopted)" in refusal
    assert target("confirm", [adopted("blue1", None, UNKNOWN), serves], None, "halves").wanted == dict.fromkeys(NAMES, UNKNOWN)


def test_all_live_is_for_what_was_adopted_as_well(adopted):
    wanted = target("all_live", [adopted("blue1", None, UNKNOWN, **OUT), adopted("green1", None, **OUT)], None, "halves").wanted
    assert wanted == {"blue1": UNKNOWN, "green1": None}
