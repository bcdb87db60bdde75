# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._watch import LENGTH, anomalies, taken_back, verdict

GOOD = {"anomalies": [], "first": {}}
BAD = {"anomalies": ["it is ill"], "msg": "After 1.0 s: it is ill."}
JOB = {"started": 1, "finished": 0, "ansible_job_id": "j1"}


@pytest.mark.parametrize("watched", [None, {}, GOOD, {"skipped": True}])
def test_what_was_not_watched_or_is_well_is_no_anomaly(watched):
    assert anomalies({"blue1": watched}, [watched], 60) == []


@pytest.mark.parametrize(
    "watched, told",
    [
        (BAD, "After 1.0 s: it is ill."),
        ({"failed": True, "msg": "no python"}, "no python"),
        ({"unreachable": True}, "it could not be watched"),
    ],
)
def test_an_anomaly_and_whoever_could_not_look_are_told(watched, told):
    assert anomalies({"blue1": GOOD, "green1": watched}, [watched], 60) == [f"green1: {told}", f"traffic: {told}"]


@pytest.mark.parametrize(
    "job, found",
    [
        (JOB, []),
        ({**JOB, "finished": False, "attempts": 59}, []),
        ({**JOB, "attempts": 60}, ["traffic: it could not be watched"]),
        ({**JOB, **GOOD, "finished": 1}, []),
        ({**JOB, **BAD, "finished": True}, ["traffic: After 1.0 s: it is ill."]),
        ({"failed": True, "msg": "could not find job", "finished": 1}, ["traffic: could not find job"]),
    ],
)
def test_a_job_tells_when_it_has_ended_or_when_nobody_waits_any_longer(job, found):
    assert anomalies({}, [JOB, job], 60) == found


def test_what_others_say_is_fit_to_be_shown(canary):
    (told,) = anomalies({"blue1": {"failed": True, "msg": canary.text}}, [], 60)
    canary.shown_in(told, LENGTH + len("blue1: "))


BACK = {"nodes": ["blue1"], "retire": []}
FLIP = {"nodes": ["green1"], "retire": ["blue1"]}


@pytest.mark.parametrize(
    "undo, on_failure, rest",
    [
        (None, "rollback", "There is nothing known to go back to, so it was left as it is."),
        (FLIP, "hold", "green1 serve again, on what they had."),
        (FLIP, "rollback", "green1 serve again, on what they had."),
        (BACK, "hold", "blue1 stand by on the new release (bluegreen_on_failure is hold)."),
        (None, "hold", "blue1 stand by on the new release (bluegreen_on_failure is hold)."),
        (BACK, "rollback", "blue1 serve what they served before."),
        (BACK, "rollback_batch", "blue1 serve what they served before."),
    ],
)
def test_says_where_things_stand(undo, on_failure, rest):
    batch = {"number": 2, "nodes": ["blue1"], "retire": [], "undo": undo}
    undone = taken_back(batch, [batch], on_failure)
    assert verdict(["a: b.", "c: d."], batch, undone, on_failure) == f"Batch 2 was in, and then a: b.; c: d. {rest}"


def test_a_batch_that_is_only_watched_has_nothing_to_go_back_to():
    batch = {"number": 2, "nodes": [], "retire": [], "undo": None}
    for on_failure in ("hold", "rollback", "rollback_batch"):
        assert verdict(["a."], batch, taken_back(batch, [batch], on_failure), on_failure).endswith("nothing known to go back to, so it was left as it is.")


def of_run(*undos):
    return [{"number": number, "nodes": [f"n{number}"], "undo": undo} for number, undo in enumerate(undos, 1)]


def back(name):
    return {"nodes": [name], "retire": []}


def test_every_batch_that_this_run_brought_in_goes_back_the_last_one_first():
    batches = of_run(back("n1"), back("n2"), back("n3"))
    assert taken_back(batches[1], batches, "rollback") == [back("n2"), back("n1")]
    assert taken_back(batches[2], batches, "rollback") == [back("n3"), back("n2"), back("n1")]
    told = verdict(["a."], batches[1], taken_back(batches[1], batches, "rollback"), "rollback")
    assert told.endswith("n2, n1 serve what they served before.")


def test_one_alone_where_that_is_wanted():
    batches = of_run(back("n1"), back("n2"))
    assert taken_back(batches[1], batches, "rollback_batch") == [back("n2")]
    assert taken_back(batches[1], batches, "hold") == []


def test_what_has_nothing_to_go_back_to_stays():
    batches = of_run(None, back("n2"), None)
    assert taken_back(batches[1], batches, "rollback") == [back("n2")]
    # The release of the batch in which it has shown cannot be left, so no other batch leaves it either.
    assert taken_back(batches[2], batches, "rollback") == []


def test_the_half_that_stands_by_serves_again_whatever_was_wanted():
    (batch,) = of_run(FLIP)
    for on_failure in ("rollback", "rollback_batch", "hold"):
        assert taken_back(batch, [batch], on_failure) == [FLIP]
