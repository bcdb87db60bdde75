# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import csv

import pytest

from ansible_collections.halfswap.bluegreen.plugins.action import doctor

CHECKED = {"errors": {}, "host": {"python": "3.6.8", "user": 0, "name": "n"}, "free": [{"path": "/var", "free_bytes": 1 << 33}]}
BALANCERS = [
    {"name": state, "follows": state, "path": f"/heartbeat/{state}", "addresses": ["10.0.0.5"], "url": f"http://{state}"} for state in ("live", "standby")
]
SITE = {
    "load_balancers": BALANCERS,
    "repository": {"name": "halfswap", "url": "http://repo:8008/", "gpgcheck": False},
    "clock_skew_s": 5.0,
    "way_back": True,
    "without": [],
    "sanity_from": "localhost",
}
NAMES = {"127.0.0.1": ["127.0.0.1"], "10.0.0.1": ["10.0.0.1"], "live": ["10.0.1.1"], "standby": ["10.0.1.2"], "repo": ["10.0.2.1"], "blue1.app": ["10.0.3.1"]}


@pytest.fixture(autouse=True)
def network(monkeypatch):
    """Nobody is asked for a name."""
    monkeypatch.setattr(doctor, "_addresses", lambda name: NAMES.get(name, []))
    monkeypatch.setattr(doctor, "_own_address", lambda target: "10.0.9.9")


@pytest.fixture
def examine(run_action, said, tmp_path):
    def run(checked=CHECKED, answers=None, hosts=None, **args):
        of_node = {"blue1": {"ansible_host": "10.0.0.1", "ansible_port": 2222, "bluegreen_address": "blue1.app"}, "green1": {"ansible_host": "127.0.0.1"}}
        hostvars = {name: {**variables, "seen": {**said(), "checked": checked}} for name, variables in of_node.items()}
        hostvars["blue1"]["answers"] = answers or {"answers": {"live": 200, "standby": 503}}
        for name, changes in (hosts or {}).items():
            hostvars[name].update(changes)
        groups = {"blue": ["blue1"], "green": ["green1"]}
        task_vars = {"groups": groups, "hostvars": hostvars, "inventory_hostname": "blue1", "ansible_play_hosts_all": ["blue1", "green1"]}
        given = {"site": SITE, "observed": "seen", "answers": "answers", "dest": str(tmp_path / "dist" / "firewall-request.csv")}
        components = [{"name": "shop", "port": 8080, "heartbeat": {"port": 9100}}]
        return run_action("doctor", {**given, "components": components, **args}, task_vars)

    return run


def test_a_sound_site(examine):
    ran = examine()
    assert "failed" not in ran.result and ran.shown == ran.result["table"]
    assert ran.shown[-1].startswith("DOCTOR: no faults, no notes in ") and ran.result["msg"] == ran.shown[-1]
    assert ran.result["findings"] == []
    assert ["load", "balancer", "controller", "standby", "answers", "503", "-"] in [line.split() for line in ran.shown]


def test_a_fault_is_shown_and_ends_with_a_failure(examine):
    ran = examine(hosts={"green1": {"seen": {"unreadable": "sudo: a password is required"}}})
    assert ran.result["failed"] and ran.result["msg"] == ran.shown[-1]
    assert ran.shown[-1].startswith("DOCTOR: 1 fault, no notes in ")
    assert ran.shown[2].split()[:2] == ["login", "green1"] and "a password is required" in ran.result["findings"][0]["found"]


@pytest.mark.parametrize(
    "answers", [{"failed": True, "msg": "load balancer live does not answer"}, {"unreachable": True, "msg": "load balancer live does not answer"}]
)
def test_a_balancer_that_does_not_answer(examine, answers):
    ran = examine(answers=answers)
    ((check, node, found),) = [(finding["check"], finding["node"], finding["found"]) for finding in ran.result["findings"]]
    assert ran.result["failed"] and (check, node, found) == ("load balancer", "controller", "load balancer live does not answer")
    # Programs have what is wrong; a table would hide the verdict of a failure.
    assert "table" not in ran.result


def test_faults_of_the_description_are_in_the_table(examine, tmp_path):
    ran = examine(site={"failed": True, "faults": ["bluegreen_min_live is -1, but it must be at least 0.", "bluegreen_token is not given."]}, components=[])
    assert ran.result["failed"] and ran.shown[-1].startswith("DOCTOR: 2 faults") and "bluegreen_token is not given." in "\n".join(ran.shown)
    assert not (tmp_path / "dist").exists()


def test_names_that_the_controller_does_not_know(examine):
    # Only the configuration of ssh may know it: whoever is reached needs no other name.
    assert "failed" not in examine(hosts={"blue1": {"ansible_host": "alias"}}).result
    ran = examine(hosts={"blue1": {"ansible_host": "alias", "seen": {"unreachable": True}}})
    faults = [(finding["check"], finding["found"]) for finding in ran.result["findings"] if finding["weight"] == "fault"]
    assert faults == [("name", "the controller does not know the name alias"), ("login", "it is unreachable")]


def test_the_ways_through_the_firewall(examine, tmp_path):
    file = tmp_path / "dist" / "firewall-request.csv"
    assert examine().result["changed"] is True
    rows = list(csv.reader(file.read_text().splitlines()))
    assert rows[0] == ["from", "to", "port", "why"]
    found = {tuple(row[:3]) for row in rows[1:]}
    assert {("10.0.9.9", "10.0.0.1", "2222"), ("10.0.0.5", "10.0.3.1", "9100"), ("10.0.3.1", "10.0.2.1", "8008"), ("10.0.9.9", "10.0.1.2", "80")} <= found
    assert examine().result["changed"] is False


def test_what_cannot_be_written_is_refused(examine, tmp_path):
    (tmp_path / "dist").write_text("a file")
    ran = examine()
    assert ran.result["failed"] and "bluegreen_dist" in ran.result["msg"]
    # What was found is told all the same.
    assert ran.shown[-1].startswith("DOCTOR: no faults")


def test_own_address(monkeypatch):
    monkeypatch.undo()
    assert doctor._addresses("127.0.0.1") == ["127.0.0.1"] and doctor._addresses("no such name") == []
    assert doctor._own_address("127.0.0.1") == "127.0.0.1" and doctor._own_address("") == "controller"


@pytest.mark.parametrize("where", ["unreadable", "checked", "answers", "heartbeat"])
def test_whatever_others_say_is_fit_to_be_shown(examine, said, canary, where):
    seen = {**said(), "checked": {**CHECKED, "errors": {"offered": canary.text}} if where == "checked" else CHECKED}
    if where == "unreadable":
        seen = {"unreadable": canary.text}
    elif where == "heartbeat":
        seen["components"][0]["heartbeat"].update(healthy=False, why=canary.text)
    ran = examine(hosts={"blue1": {"seen": seen}}, answers={"failed": True, "msg": canary.text} if where == "answers" else None)
    assert ran.result["failed"]
    canary.shown_in("\n".join([*ran.shown, *(finding["found"] for finding in ran.result["findings"])]), 60000)
