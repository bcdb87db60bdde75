# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
import yaml
from ansible.errors import AnsibleActionFail, AnsibleError

LIVE = {"name": "live", "follows": "live", "path": "/heartbeat/live", "addresses": ["10.0.0.5"], "fall": 3, "rise": 2, "url": "http://192.0.2.5"}
STANDBY = {"name": "standby", "follows": "standby", "path": "/heartbeat/standby", "addresses": ["10.0.0.6"], "url": "http://192.0.2.6", "hosts": ["lb"]}


def record(fall: int = 3, dates: bool = True, **changes):
    """green1 stands by from 100 on and is live again from 110 on; the load balancers check every second, ask in turn, and act at once."""
    probers = [
        {"address": "10.0.0.5", "path": "/heartbeat/live", "answers": [[t + 0.5, "standby" if 100 <= t < 110 else "live"] for t in range(90, 120)]},
        {"address": "10.0.0.6", "path": "/heartbeat/standby", "answers": [[t + 0.5, "standby" if 100 <= t < 110 else "live"] for t in range(90, 120)]},
    ]

    def stream(name: str, begin: float, end: float, other: str | None):
        requests = []
        for number in range(90 * 20, 120 * 20):
            at = number / 20
            inside = begin <= at < end if name == "standby" else not begin <= at < end
            node = "green1" if inside and (number % 2 or other is None) else other
            requests.append([at, at + 0.01, node, 200 if node else 503, int(at + 0.005) if dates else None])
        return {"load_balancer": name, "component": "shop", "requests": requests, "errors": {}}

    found = {
        "watched": {
            "components": [{"name": "shop", "states": [[50.0, "live"], [100.0, "standby"], [110.0, "live"]], "tests": [], "gone": [], "probers": probers}]
        },
        "traffic": {"streams": [stream("live", 99.5 + fall, 111.5, "blue1"), stream("standby", 101.5, 112.5, None)]},
        "restarts": [],
    }
    return {**found, **changes}


def verify(run_action, records, host="blue1", load_balancers=(LIVE, STANDBY), said=None, **args):
    hosts = ["blue1", "green1"]
    live = {"components": [{"heartbeat": {"state": "live"}}]}
    task_vars = {
        "inventory_hostname": host,
        "ansible_play_hosts": hosts,
        "ansible_play_hosts_all": hosts,
        "hostvars": {name: {"read": live, "seen": records.get(name), **(said or {}).get(name, {})} for name in hosts},
    }
    return run_action("verify_lb", {"recorded": "seen", "evidence": "read", "nodes": list(records), "load_balancers": list(load_balancers), **args}, task_vars)


def test_shows_what_was_measured_and_writes_it_down(run_action, tmp_path):
    dest = tmp_path / "dist" / "load-balancers.yml"
    ran = verify(run_action, {"green1": record()}, dest=str(dest))
    assert ran.result["changed"] is True
    assert not ran.result.get("failed")
    assert ran.shown[0].split() == (
        "load balancer interval fall rise last request after first request after states fall rise interval dead anchored restart requests".split()
    )
    name, interval, _s, fall, rise, last, _s, first, _s, *verdicts = ran.shown[2].split()
    assert (name, interval, fall, rise, verdicts) == ("live", "1.00", "3", "2", "ok ok ok ok - - - ok".split())
    assert (float(last), float(first)) == (pytest.approx(2.45, abs=0.05), pytest.approx(1.56, abs=0.05))
    assert ran.shown[3].split()[:5] == "standby 1.00 s 3 2".split()
    written = yaml.safe_load(dest.read_text())
    assert written == {"bluegreen_load_balancers": [{**LIVE, "interval_s": 1.0}, {**STANDBY, "fall": 3, "rise": 2, "interval_s": 1.0}]}
    assert ran.result["load_balancers"] == written["bluegreen_load_balancers"]
    assert any("live: it was not restarted" in text for text in ran.result["open"])
    assert any(line.startswith("Not verified: load balancer live: the heartbeat was never stopped") for line in ran.shown)
    # Once more it is the same.
    assert verify(run_action, {"green1": record()}, dest=str(dest)).result["changed"] is False


def test_fails_where_something_must_be_changed(run_action):
    ran = verify(run_action, {"green1": record(fall=5)})
    assert ran.result["failed"] is True
    assert len(ran.result["faults"]) == 1
    assert "load balancer live: it takes a node out after 5 checks, and fall is declared as 3" in ran.result["msg"]
    assert any(line.startswith("FAULT: load balancer live: it takes a node out") for line in ran.shown)
    assert ran.result["load_balancers"][0]["fall"] == 5
    assert "fall: 5" in "\n".join(ran.shown)


def test_every_host_fails_and_one_says_why(run_action, tmp_path):
    ran = verify(run_action, {"green1": record(fall=5)}, host="green1", dest=str(tmp_path / "there.yml"))
    assert (ran.result["failed"], ran.result["msg"], ran.shown) == (True, "1 faults, see the table.", [])
    assert not (tmp_path / "there.yml").exists()


def test_restarts_are_judged_with_the_node_in_standby(run_action):
    wrong = {
        "load_balancer": "live",
        "by": "ansible",
        "traffic": {"streams": [{"load_balancer": "live", "component": "shop", "requests": [[1, 2, "green1", 200, None]]}]},
    }
    ran = verify(run_action, {"green1": record(restarts=[wrong])})
    assert "live: after its start it sent requests to green1 (standby, 1 requests)" in ran.result["msg"]
    right = {**wrong, "traffic": {"streams": [{"load_balancer": "live", "component": "shop", "requests": [[1, 2, "blue1", 200, None]]}]}}
    assert not verify(run_action, {"green1": record(restarts=[right])}).result.get("failed")


def test_a_connection_that_a_busy_machine_did_not_take_is_shown_and_no_fault(run_action):
    busy = record()
    busy["traffic"]["streams"][0]["requests"][100][2:] = [None, 0, None]
    ran = verify(run_action, {"green1": busy})
    assert not ran.result.get("failed")
    (line,) = [line for line in ran.shown if line.startswith("No fault, but seen: ")]
    assert "load balancer live: 1 of 600 connections was not accepted" in line


def test_a_clock_that_cannot_be_compared_is_named(run_action):
    assert any(line.startswith("The clock of green1 could not be compared") for line in verify(run_action, {"green1": record(dates=False)}).shown)
    assert not any("clock" in line for line in verify(run_action, {"green1": record()}).shown)


def test_what_was_not_recorded_is_not_judged(run_action):
    with pytest.raises(AnsibleActionFail, match="nothing was recorded for green1"):
        verify(run_action, {"green1": None})


@pytest.mark.parametrize("read", [None, {}, {"unreachable": True}, {"components": [{"heartbeat": None}]}])
def test_a_node_that_was_not_read_is_named(run_action, read):
    with pytest.raises(AnsibleActionFail, match="blue1 was not read"):
        verify(run_action, {"green1": record()}, said={"blue1": {"read": read}})


def test_what_the_other_nodes_said_is_their_state(run_action):
    ran = verify(run_action, {"green1": record()}, said={"blue1": {"read": {"components": [{"heartbeat": {"state": "standby"}}]}}})
    assert "load balancer live: it follows live, but sends requests to blue1 (standby)" in ran.result["msg"]


def test_load_balancers_that_are_none(run_action):
    with pytest.raises(AnsibleError, match="none follows standby"):
        verify(run_action, {"green1": record()}, load_balancers=[LIVE])
