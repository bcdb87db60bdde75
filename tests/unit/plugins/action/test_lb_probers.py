# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy

import pytest
from ansible.errors import AnsibleError

LIVE = {"name": "live", "follows": "live", "path": "/heartbeat/live", "url": "http://lb"}
STANDBY = {"name": "standby", "follows": "standby", "path": "/heartbeat/standby", "addresses": ["10.0.0.6"]}


def show(run_action, hostvars, balancers=(LIVE, STANDBY), host="blue1", **args):
    task_vars = {
        "inventory_hostname": host,
        "ansible_play_hosts": ["blue1", "green1"],
        "groups": {"blue": ["blue1"], "green": ["green1"]},
        "hostvars": {name: {"seen": seen} for name, seen in hostvars.items()},
    }
    return run_action("lb_probers", {"observed": "seen", "load_balancers": copy.deepcopy(list(balancers)), **args}, task_vars)


def test_shows_who_asks_and_what_to_paste(run_action, said):
    ran = show(run_action, {"blue1": said(), "green1": said()})
    assert (
        ran.shown
        == ran.result["table"]
        == [
            "load balancer  path                asked by  on             its own",
            "-------------  ------------------  --------  -------------  --------------",
            "live           /heartbeat/live     10.0.0.5  blue1, green1  not declared",
            "standby        /heartbeat/standby  10.0.0.5  blue1, green1  no, a stranger",
            "If load balancer live checks from there, add to its entry in bluegreen_load_balancers: addresses: [10.0.0.5]",
        ]
    )
    assert ran.result["load_balancers"] == [{**LIVE, "addresses": ["10.0.0.5"]}, STANDBY]
    assert (ran.result["changed"], ran.result["interval_s"]) == (False, 0.5)


def test_what_is_declared_is_confirmed(run_action, said):
    ran = show(run_action, {"blue1": said(), "green1": said()}, [{**LIVE, "addresses": ["10.0.0.0/29"]}, {**STANDBY, "addresses": ["10.0.0.5"]}])
    assert [line.split()[-1] for line in ran.shown[2:]] == ["yes", "yes"]
    assert ran.result["load_balancers"][0]["addresses"] == ["10.0.0.0/29"]


def test_a_node_that_was_not_read_is_named(run_action, said):
    failed = {"failed": False, "msg": "component shop: no heartbeat answers"}
    ran = show(run_action, {"blue1": said(), "green1": failed})
    assert ran.shown[-1] == "No heartbeat was read on green1."
    # What the others have seen is shown all the same.
    assert "10.0.0.5" in ran.shown[2]
    ran = show(run_action, {"blue1": failed, "green1": None})
    assert "nobody yet" in ran.shown[2] and ran.shown[-1] == "No heartbeat was read on blue1, green1."
    assert ran.result["load_balancers"] == [LIVE, STANDBY] and ran.result["interval_s"] is None


def test_nobody_asks_everywhere(run_action, said):
    alone = said()
    alone["components"][0]["heartbeat"]["probers"] = []
    ran = show(run_action, {"blue1": said(), "green1": alone})
    assert (
        ran.shown[-1]
        == "Load balancer live has no addresses, and there is none that asks for /heartbeat/live on every node: let it check them, and look again."
    )
    assert "10.0.0.5" not in "".join(show(run_action, {"green1": alone}, without=["blue1"]).shown)


def test_a_health_check_that_is_refused_is_shown(run_action, said):
    deaf = said()
    refused = {"address": "10.0.0.6", "asked": "TLS", "code": 400, "error": "this is TLS", "seen": 9, "last_seen_s": 0.2}
    deaf["components"][0]["heartbeat"].update(probers=[], refused=[refused, {**refused, "address": "10.0.0.9"}])
    shown = show(run_action, {"blue1": deaf, "green1": deaf}, [LIVE, STANDBY]).shown
    # Of one that is declared, what came from there.
    standby = [line for line in shown if line.startswith("Load balancer standby: ")]
    assert standby == ["Load balancer standby: refused on blue1, green1: TLS from 10.0.0.6 (answered 400, 9 times, the last 0.2 s ago: this is TLS)."]
    # Of one that is not, what came from anywhere.
    assert sum(line.startswith("Load balancer live: refused on") for line in shown) == 2


def test_what_asks_is_data(run_action, said):
    loud = said()
    loud["components"][0]["heartbeat"]["probers"][0].update(address="\x1b[2J{{ 1 }}")
    shown = "\n".join(show(run_action, {"blue1": loud, "green1": loud}).shown)
    assert "\x1b" not in shown and "{{" not in shown


def test_one_host_shows_it(run_action, said):
    ran = show(run_action, {"blue1": said(), "green1": said()}, host="green1")
    assert ran.shown == [] and ran.result["table"]


def test_what_describes_no_load_balancers(run_action, said):
    with pytest.raises(AnsibleError, match="addresses of live: 'lb' is no address"):
        show(run_action, {"blue1": said(), "green1": said()}, [{**LIVE, "addresses": ["lb"]}, STANDBY])
