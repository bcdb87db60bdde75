# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._watch import LENGTH, anomalies, verdict

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


@pytest.mark.parametrize(
    "undo, on_failure, rest",
    [
        (None, "rollback", "There is nothing known to go back to, so it was left as it is."),
        ({"nodes": ["green1"], "retire": ["blue1"]}, "hold", "green1 serve again, on what they had."),
        ({"nodes": ["blue1"], "retire": []}, "hold", "blue1 stand by on the new release (bluegreen_on_failure is hold)."),
        ({"nodes": ["blue1"], "retire": []}, "rollback", "blue1 serve what they served before."),
    ],
)
def test_says_where_things_stand(undo, on_failure, rest):
    batch = {"number": 2, "nodes": ["blue1"], "undo": undo}
    assert verdict(["a: b.", "c: d."], batch, on_failure) == f"Batch 2 was in, and then a: b.; c: d. {rest}"
