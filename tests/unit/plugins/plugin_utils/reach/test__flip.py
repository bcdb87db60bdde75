# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a flip rests on, and the switch from here. The whole of it, with real nodes, is in action/test_heartbeat.py and action/test_out.py."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleActionFail

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._evidence import read_node
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._permit import permit
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.reach._flip import Ground, switched_from_here, validated

GROUPS = {"blue": ["blue1"], "green": ["green1"]}
SHOP = {"name": "shop", "url": "http://127.0.0.1:9101"}


@pytest.fixture
def ground(said, clock):
    def made(blue1=None, green1=None, host="blue1", **changes):
        seen = {"blue1": blue1 or said(batch_id="r2/1"), "green1": green1 or said(batch_id="r2/1")}
        args = {"state": "standby", "batch_id": "r2/1", "run_id": "r2", "components": [SHOP], "evidence": "seen", **changes}
        task_vars = {
            "inventory_hostname": host,
            "groups": GROUPS,
            "hostvars": {name: {"seen": each} for name, each in seen.items()},
            "allowed": permit([read_node(name, name[:-1], each) for name, each in seen.items()], ["blue1"], "r2/1"),
        }
        return Ground(args, task_vars)

    return made


def test_a_wrong_limit_is_named():
    spec = {"min_live": {"type": "int", "default": 0}}
    assert validated(spec, {"min_live": "2", "other": 1}) == {"min_live": 2} and validated(spec, {"min_live": None}) == {"min_live": 0}
    with pytest.raises(AnsibleActionFail, match="min_live"):
        validated(spec, {"min_live": "some"})


@pytest.mark.parametrize("changes", [{}, {"permit": "allowed"}])
def test_what_it_rests_on_permits_it(ground, changes):
    assert ground(**changes).refuse() == []


def test_it_is_judged_here_or_was_judged_before_and_never_neither(ground, said):
    ill = said(batch_id="r2/1", healthy=False)
    assert ground(green1=ill).refuse() != []
    # Who has a permit is not judged once more; who names a variable that is none has nothing.
    assert ground(green1=ill, permit="allowed").refuse() == []
    assert ground(permit="nowhere").refuse() == ["blue1: the interlock has not permitted it"]
    assert ground(green1=ill, permit="").refuse() != []


@pytest.mark.parametrize("changes", [{}, {"permit": "allowed"}])
def test_the_revision_that_the_decision_was_made_on(ground, said, changes):
    seen = said(batch_id="r2/1")
    seen["components"][0]["heartbeat"]["revision"] = 12
    assert ground(seen, **changes).as_seen(SHOP) == {**SHOP, "revision": 12}


@pytest.mark.parametrize("changes", [{}, {"permit": "allowed"}])
def test_what_it_served_until_now(ground, said, changes):
    assert ground(**changes).release() == {"shop": "shop-1.0.0-1.noarch"}
    for doubtful in ({"healthy": False}, {"state": "standby"}, {"started_at": 1.0}, {"release": "9"}):
        assert ground(said(batch_id="r2/1", **doubtful), **changes).release() is None


def test_what_it_serves_from_now_on(ground):
    proof = {"shop": "shop-2.0.0-1.noarch"}
    assert ground(state="live", proof=proof).release() == ground(state="live", proof=proof, permit="allowed").release() == proof


def test_a_host_in_neither_stack(ground):
    with pytest.raises(AnsibleActionFail, match="db is in neither of the inventory groups blue and green"):
        ground(host="db")


# ---- The switch from here -----------------------------------------------------------------------------------------------------------


class Beat:
    """A heartbeat that the controller reaches."""

    name = "shop"

    def __init__(self):
        self.relayed = {"status": {"revision": 7}}
        self.written = []
        self.last = None

    def write(self, before, params):
        self.written.append((before["state"], params["state"]))
        self.relayed = {"status": {"revision": 7}, "after": {"revision": 8}}

    def recorded(self, status):
        self.last = status

    def status(self, fresh=False):
        return self.last


BEFORE = {"state": "live", "revision": 7, "run_id": "r1", "requests": None, "probers": None}
AFTER = {**BEFORE, "state": "standby", "revision": 8, "run_id": "r2"}
ARGS = {"state": "standby", "components": [SHOP], "run_id": "r2", "batch_id": "r2/1", "by": "me@here"}


def switched(*answers, args=ARGS):
    beat, asked = Beat(), []

    def ask(**instead):
        asked.append(instead)
        return dict(answers[len(asked) - 1])

    return switched_from_here(ask, [beat], args), beat, asked


JUDGED = {"changed": True, "statuses": {"shop": BEFORE}, "work": ["shop"]}


def test_the_node_judges_it_is_written_from_here_the_node_records(clock):
    result, beat, asked = switched(JUDGED, {"statuses": {"shop": AFTER}})
    assert [each["step"] for each in asked] == ["judge", "record"] and beat.written == [("live", "standby")]
    # Each time the node is told what was seen from here.
    assert [each["components"][0]["heartbeat"]["relayed"].get("after") for each in asked] == [None, {"revision": 8}]
    assert result["components"] == [{"name": "shop", "before": "live", "after": "standby", "revision": 8}]
    assert "statuses" not in result and "work" not in result


@pytest.mark.parametrize("answer", [{"failed": True, "msg": "the lock is held"}, {"failed": True, "statuses": {}, "msg": "x"}, {"changed": True}])
def test_what_the_node_refuses_or_only_predicts_is_not_written(clock, answer):
    result, beat, asked = switched(answer)
    assert result == answer and beat.written == [] and len(asked) == 1


def test_where_nothing_is_to_be_done_nothing_is_written(clock):
    result, beat, asked = switched({**JUDGED, "changed": False, "work": [], "statuses": {"shop": AFTER}}, {"statuses": {"shop": AFTER}})
    assert beat.written == [] and [each["step"] for each in asked] == ["judge", "record"] and result["changed"] is False


def test_what_was_written_and_not_recorded_is_told(clock):
    result, beat, _asked = switched(JUDGED, {"failed": True, "msg": "the disk is full"})
    assert beat.written and result["failed"] is True
    assert result["msg"] == "The heartbeat was written, but the node has not recorded it: the disk is full"
