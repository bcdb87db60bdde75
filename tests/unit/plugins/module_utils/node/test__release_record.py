# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils.node import _records, _release_record


def release(version):
    return {"shop": "shop-%s.0.0-1.noarch" % version}


ONE, TWO, THREE, FOUR, FIVE = [release(version) for version in (1, 2, 3, 4, 5)]


@pytest.fixture(autouse=True)
def now(clock):
    return clock


def serve(*releases):
    """Each release by its packages alone, or with the deployment that brings it."""
    for release in releases:
        components, deployment = release if isinstance(release, tuple) else (release, "")
        _release_record.served(components, "r1", deployment=deployment)
    record = _release_record.read()
    return record["current"], [former["packages"] for former in record["previous"]]


def test_no_record_yet(records):
    assert _release_record.read() is None
    assert _release_record.phase("STANDING_BY", "r1") is None
    assert _release_record.cut_off("migration") is None
    assert _release_record.clear_cut_off() is None
    assert not records.exists()


def test_the_first_release():
    assert _release_record.served(ONE, "r1") == {
        "current": ONE,
        "deployment": "",
        "previous": [],
        "phase": "SERVING",
        "run_id": "r1",
        "since": "1970-01-01T00:16:40Z",
        "out_s": None,
        "cut_off": None,
    }


def test_how_long_the_first_one_stood_by_is_no_measure():
    assert _release_record.served(ONE, "r1", 4711.0)["out_s"] is None
    _release_record.phase("STANDING_BY", "r1")
    assert _release_record.served(TWO, "r1", 7.5)["out_s"] == 7.5


def test_what_is_served_before_any_record_can_be_gone_back_to():
    _release_record.found(ONE, "r1")
    assert serve(TWO) == (TWO, [ONE])
    _release_record.found(THREE, "r2")
    assert _release_record.read()["current"] == TWO


def test_a_new_release_is_pushed():
    assert serve(ONE, TWO, THREE) == (THREE, [TWO, ONE])


def test_three_former_releases_are_kept():
    assert serve(ONE, TWO, THREE, FOUR, FIVE) == (FIVE, [FOUR, THREE, TWO])


def test_the_same_release_again_changes_no_order():
    assert serve(ONE, TWO, TWO) == (TWO, [ONE])


def test_going_back_takes_off_what_lies_above():
    assert serve(ONE, TWO, THREE, TWO) == (TWO, [ONE])
    assert serve(ONE) == (ONE, [])


def test_going_back_two_at_once():
    assert serve(ONE, TWO, THREE, ONE) == (ONE, [])


def history():
    record = _release_record.read()
    return [record["deployment"]] + [former["deployment"] for former in record["previous"]]


def test_a_former_release_deployed_again_is_a_new_deployment():
    assert serve((ONE, "d1"), (TWO, "d2"), (ONE, "d3"), (TWO, "d4")) == (TWO, [ONE, TWO, ONE])
    assert history() == ["d4", "d3", "d2", "d1"]


def test_a_former_deployment_is_gone_back_to():
    serve((ONE, "d1"), (TWO, "d2"), (ONE, "d3"), (TWO, "d4"))
    assert serve((ONE, "d3")) == (ONE, [TWO, ONE])
    assert serve((ONE, "d1")) == (ONE, [TWO, ONE])  # it is what the node serves
    assert serve((TWO, "d2")) == (TWO, [ONE])
    assert serve((ONE, "d1")) == (ONE, [])


def test_what_is_undone_leaves_no_trace():
    serve((ONE, "d1"), (TWO, "d2"), (ONE, "d3"))
    before = history()
    serve((TWO, "d4"), ONE)
    assert history() == before
    serve((THREE, "d5"), ONE)
    assert history() == before


def test_what_no_run_has_brought_has_no_deployment():
    _release_record.found(ONE, "r1")
    serve((TWO, "d2"))
    assert history() == ["d2", ""]


def test_a_deployment_that_goes_on_is_the_same_on_a_node_that_had_gone_back():
    serve((ONE, "d1"), (TWO, "d2"), ONE)
    serve((THREE, "d3"), (TWO, "d2"))
    assert history() == ["d2", "d3", "d1"]


def test_all_components_make_the_release():
    both = dict(ONE, basket="basket-1.0.0-1.noarch")
    newer = dict(ONE, basket="basket-2.0.0-1.noarch")
    assert serve(both, newer) == (newer, [both])


def test_phases_and_since(clock):
    serve(ONE)
    clock.advance(60)
    record = _release_record.phase("STANDING_BY", "r2")
    assert (record["phase"], record["run_id"], record["since"], record["current"]) == ("STANDING_BY", "r2", "1970-01-01T00:17:40Z", ONE)
    clock.advance(60)
    assert _release_record.phase("STANDING_BY", "r2")["since"] == "1970-01-01T00:17:40Z"
    assert _release_record.served(TWO, "r2")["since"] == "1970-01-01T00:18:40Z"
    clock.advance(60)
    assert _release_record.served(TWO, "r3")["since"] == "1970-01-01T00:18:40Z"


def test_how_long_the_last_swap_took():
    serve(ONE)
    _release_record.phase("STANDING_BY", "r2")
    assert _release_record.served(TWO, "r2", 12.5)["out_s"] == 12.5
    # Told live once more, it was not out.
    assert _release_record.served(TWO, "r2")["out_s"] == 12.5


def test_a_way_back_is_no_measure_of_a_swap():
    """It has waited for whatever failed: a time-out would be the ETA of every deployment after it."""
    serve(ONE)
    _release_record.phase("STANDING_BY", "r2")
    _release_record.served(TWO, "r2", 12.5)
    _release_record.phase("STANDING_BY", "r3")
    assert _release_record.served(TWO, "r3", 75.0)["out_s"] == 12.5
    _release_record.phase("STANDING_BY", "r4")
    assert _release_record.served(ONE, "r4", 9.0)["out_s"] == 9.0


def test_what_a_batch_costs_beside_being_out():
    assert _release_record.took("r1", 20.0) is None
    serve(ONE)
    _release_record.phase("STANDING_BY", "r2")
    _release_record.served(TWO, "r2", 12.5)
    assert _release_record.took("r2", 18.75)["beside_s"] == 6.25
    assert _release_record.read()["beside_s"] == 6.25
    # It was brought live by another run, or is not live; and what was out for longer than a batch took was alone.
    assert _release_record.took("r3", 100.0)["beside_s"] == 6.25
    _release_record.phase("STANDING_BY", "r2")
    assert _release_record.took("r2", 100.0)["beside_s"] == 6.25
    _release_record.served(THREE, "r2", 30.0)
    assert _release_record.took("r2", 20.0)["beside_s"] == 0.0


def test_a_record_of_before_that_was_measured_is_read():
    serve(ONE)
    assert "beside_s" not in _release_record.read()


def test_a_run_that_found_the_node_out_does_not_tell_how_long_a_swap_takes():
    serve(ONE)
    _release_record.phase("STANDING_BY", "r2")
    _release_record.served(TWO, "r2", 12.5)
    _release_record.phase("STANDING_BY", "r3")
    _release_record.phase("STANDING_BY", "r4")
    record = _release_record.served(THREE, "r4", 7200.0)
    assert (record["out_s"], record["run_id"], record["phase"]) == (12.5, "r4", "SERVING")


def gone(record):
    return [former["packages"] for former in record["cut_off"]["previous"]], record["cut_off"]["why"]


def test_a_migration_cuts_off_what_was_before():
    serve(ONE, TWO, THREE)
    record = _release_record.cut_off("migration orders")
    assert (record["current"], record["previous"]) == (THREE, [])
    assert gone(record) == ([TWO, ONE], "migration orders")
    assert _release_record.read() == record


def test_a_migration_does_not_cut_off_what_the_node_serves():
    """1.0.0, 2.0.0, 1.0.0, 2.0.0: the release of the migration was served before, too."""
    serve((ONE, "d1"), (TWO, "d2"), (ONE, "d3"), (TWO, "d4"))
    assert gone(_release_record.cut_off("migration orders")) == ([ONE], "migration orders")
    assert serve((THREE, "d5")) == (THREE, [TWO])


def test_what_is_cut_off_stays_cut_off():
    serve(ONE, TWO)
    _release_record.cut_off("migration orders")
    assert serve(THREE) == (THREE, [TWO])
    # Deployed again all the same, it is still nothing to go back to.
    assert serve(ONE, FOUR) == (FOUR, [THREE, TWO])
    assert gone(_release_record.read()) == ([ONE], "migration orders")


def test_the_same_migration_again_changes_nothing():
    serve(ONE, TWO)
    first = _release_record.cut_off("migration orders (no column; no points)")
    assert _release_record.cut_off("migration orders (no column; no points)") == first


def test_a_second_migration_cuts_off_more():
    serve(ONE, TWO)
    _release_record.cut_off("migration orders")
    serve(THREE)
    assert gone(_release_record.cut_off("migration baskets")) == ([TWO, ONE], "migration orders; migration baskets")


def test_cleared_they_can_be_used_again():
    serve(ONE, TWO)
    _release_record.cut_off("migration orders")
    serve(THREE)
    assert _release_record.clear_cut_off()["cut_off"] is None
    assert serve() == (THREE, [TWO, ONE])


@pytest.mark.parametrize(
    "changes, wrong",
    [
        ({"out_s": "12"}, 'out_s is "12", and a number'),
        ({"current": ["shop"]}, 'current is ["shop"], and a dictionary'),
        ({"current": {"shop": 2}}, "current.shop is 2, and a text"),
        ({"phase": "LIVE"}, 'phase is "LIVE", and "SCHEDULED" or'),
        ({"cut_off": {"previous": []}}, "cut_off.why is missing"),
        ({"previous": None}, "previous is null, and a list"),
        ({"previous": [ONE]}, "previous[0].deployment is missing"),
        ({"deployment": None}, "deployment is null, and a text"),
        ({"version": 2}, "was written by a newer version of this collection"),
    ],
)
def test_another_dialect_is_refused(records, changes, wrong):
    _release_record.served(ONE, "r1")
    file = records / "release.json"
    file.write_bytes(json.dumps(dict(json.loads(file.read_text()), **changes)).encode("utf-8"))
    with pytest.raises(_records.RecordsError) as error:
        _release_record.read()
    assert wrong in str(error.value) and str(file) in str(error.value)


def test_what_was_adopted_is_noted_as_unknown_and_stays_known(records):
    assert serve({"shop": None}) == ({"shop": None}, [])
    assert serve((TWO, "d2")) == (TWO, [{"shop": None}])
    assert serve({"shop": None}) == ({"shop": None}, [])
