# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy

import pytest

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge import _doctor
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._doctor import (
    FAULT,
    FINE,
    NOTE,
    Finding,
    Seen,
    before_a_swap,
    examine,
    lines,
    place_of,
    verdict,
)
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._evidence import read_node

AGENT = "halfswap-heartbeat@shop.service"
BALANCERS = [
    {
        "name": state,
        "follows": state,
        "path": f"/heartbeat/{state}",
        "addresses": ["10.0.0.5"],
        "fall": 3,
        "rise": 2,
        "interval_s": None,
        "probers": 1,
        "hold_s": 0,
    }
    for state in ("live", "standby")
]
REPOSITORY = {"name": "halfswap", "url": "http://repo:8008/", "gpgcheck": False}
MIB = 1024**2


def unit(role="service", **changes):
    name = "shop" if role == "service" else AGENT
    return {
        "component": "shop",
        "package": "shop",
        "role": role,
        "unit": name,
        "id": f"{name.removesuffix('.service')}.service",
        "load": "loaded",
        "active": "active",
        "file": "enabled",
        **changes,
    }


def port(number=8080, what="application", by="shop.service", **changes):
    wanted = "shop" if what == "application" else AGENT
    told = {"component": "shop", "port": number, "what": what, "unit": wanted, "outside": True, "heard": True, "loopback": False}
    return {**told, "pid": 100, "program": "gunicorn", "by": by, **changes}


def option(name, value, section="main", file="/etc/dnf/dnf.conf"):
    return {"file": file, "section": section, "option": name, "value": value}


def value(meaning="in_flight", kind="whole", said="3", error=None):
    return {"meaning": meaning, "key": meaning, "kind": kind, "value": said, "error": error}


def answer(what="status", status=200, error=None, values=()):
    url = {"repository": "http://repo:8008/"}.get(what, f"http://127.0.0.1:8080/{what}")
    component = "" if what == "repository" else "shop"
    return {"component": component, "what": what, "url": url, "status": status, "error": error, "took_s": 0.01, "values": list(values)}


def sound():
    """What a node says of its place where all is well."""
    nevra = "shop-1.0.0-1.noarch"
    return {
        "errors": {},
        "units": [unit(), unit("agent")],
        "ports": [port(), port(9100, "heartbeat", AGENT)],
        "free": [{"path": "/var/lib/halfswap-bluegreen/packages", "free_bytes": 5000 * MIB}],
        "host": {"python": "3.6.8", "user": 0, "name": "blue1"},
        "mounts": [{"path": "/tmp", "noexec": False, "read_only": False}],
        "proxies": [],
        "manager": [option("gpgcheck", "1"), option("baseurl", "http://repo:8008/", "halfswap"), option("gpgcheck", "0", "halfswap")],
        "keys": 0,
        "installed": {"shop": nevra},
        "offered": {"packages": [{"name": "shop", "nevra": nevra, "repository": "halfswap"}], "complaints": []},
        "stored": [nevra],
        "record": {"current": {"shop": nevra}, "previous": []},
        "changed_files": [{"package": "shop", "nevra": nevra, "files": [], "count": 0}],
        "answers": [answer("health"), answer("status", values=[value("release", "text", '"1.0.0"'), value(), value("requests")]), answer("repository")],
    }


@pytest.fixture
def seen(said):
    """seen(change) is a site of two nodes of which blue1 was changed; `node` and other settings go to what the node says, and to Seen."""

    def made(change=None, node=None, **settings):
        places = {"blue1": sound(), "green1": sound()}
        if change:
            change(places["blue1"])
        told = {name: said() for name in places}
        for each in told.values():
            each["record"] = {"current": {"shop": "shop-1.0.0-1.noarch"}, "previous": []}
        if node:
            node(told["blue1"])
        nodes = [read_node(name, name[:-1], told[name]) for name in places]
        checked = {name: place_of({"checked": place}) for name, place in places.items()}
        return Seen(**{"nodes": nodes, "load_balancers": BALANCERS, "places": checked, "repository": REPOSITORY, "answers": {"live": 200}, **settings})

    return made


def wrong(seen, weights=(FAULT, NOTE)):
    return [(finding.check, finding.node, finding.found) for finding in examine(seen) if finding.weight in weights]


def test_a_sound_site_has_nothing_to_be_mended(seen):
    assert wrong(seen()) == []
    findings = examine(seen())
    assert {finding.weight for finding in findings} == {FINE}
    told = [f"{finding.check}: {finding.found}" for finding in findings if finding.node == "blue1"]
    # The values that were read are there to be compared with what somebody knows.
    assert "JSON key: shop: in_flight_key in_flight is 3" in told and 'JSON key: shop: release_key release is "1.0.0"' in told
    assert verdict(findings) == f"DOCTOR: no faults, no notes in {len(findings)} checks."


def put(part, value):
    return lambda place: place.update({part: value})


BAD = {
    "masked": (put("units", [unit(load="masked", active="inactive", file="masked")]), "unit", "shop is masked, so that nothing can start it"),
    "masked until the next boot": (put("units", [unit(load="loaded", file="masked-runtime")]), "unit", "shop is masked"),
    "masked agent": (put("units", [unit("agent", load="masked", file="masked")]), "unit", f"{AGENT} is masked"),
    "no such unit": (
        put("units", [unit(load="not-found", active="inactive", file="")]),
        "unit",
        "shop is not there, although shop-1.0.0-1.noarch is installed",
    ),
    "no agent": (put("units", [unit("agent", load="not-found", active="inactive", file="")]), "unit", f"{AGENT} is not there"),
    "a unit that is nonsense": (put("units", [unit(load="bad-setting")]), "unit", "shop has a line that systemd does not understand"),
    "failed": (put("units", [unit(active="failed")]), "unit", "shop has failed"),
    "loopback": (put("ports", [port(loopback=True)]), "port", "port 8080 (shop, application) listens at 127.0.0.1 alone"),
    "silent heartbeat": (put("ports", [port(9100, "heartbeat", None, heard=False, pid=None)]), "port", "nobody listens at port 9100 (shop, heartbeat)"),
    "full disk": (put("free", [{"path": "/var", "free_bytes": 255 * MIB}]), "disk", "the file system of /var has 255 MiB free, and a deployment wants 256 MiB"),
    "read-only": (put("mounts", [{"path": "/usr", "noexec": False, "read_only": True}]), "mount", "/usr is on a file system that is mounted read-only (ro)"),
    "no root": (put("host", {"python": "3.6.8", "user": 1000, "name": "b"}), "login", "it is user 1000 there, not root"),
    "hidden": (lambda place: place["manager"].append(option("excludepkgs", "kernel*, sho*")), "filter", "shop is hidden by excludepkgs in /etc/dnf/dnf.conf"),
    "hidden in its repository": (lambda place: place["manager"].append(option("exclude", "shop-2*", "halfswap")), "filter", "shop is hidden by exclude in"),
    "not included": (lambda place: place["manager"].append(option("includepkgs", "cart", "halfswap")), "filter", "shop is hidden by includepkgs"),
    "locked": (lambda place: place["manager"].append(option("versionlock", "shop-0:1.0.0-1.*")), "filter", "shop is hidden by versionlock"),
    "locked, of yum": (lambda place: place["manager"].append(option("versionlock", "!0:shop-1.0.0-1.*")), "filter", "shop is hidden by versionlock"),
    "unsigned": (lambda place: place["manager"].append(option("localpkg_gpgcheck", "True")), "key", "localpkg_gpgcheck is on in /etc/dnf/dnf.conf"),
    "disabled": (lambda place: place["manager"].append(option("enabled", "0", "halfswap")), "repository", "the repository halfswap is there, but not enabled"),
    "no repository": (put("manager", [option("baseurl", "http://other/", "other")]), "repository", "the repository halfswap is not there"),
    "not published": (put("offered", {"packages": [], "complaints": []}), "repository", "no repository has a package shop"),
    "complaint": (put("offered", {"packages": [], "complaints": ["Curl error (6)"]}), "repository", "the package manager says: Curl error (6)"),
    "no repository there": (put("answers", [answer("repository", 404)]), "repository", "answers 404, so there is no repository at bluegreen_repository.url"),
    "a repository that fails": (put("answers", [answer("repository", 503)]), "repository", "answers 503, so there is no repository"),
    "repository out of reach": (
        put("answers", [answer("repository", None, "timed out")]),
        "repository",
        "the node does not reach http://repo:8008/ (timed out)",
    ),
    "ill": (put("answers", [answer("health", 503)]), "answer", "shop: http://127.0.0.1:8080/health answers 503"),
    "redirected": (put("answers", [answer("health", 302)]), "answer", "shop: http://127.0.0.1:8080/health answers 302"),
    "no status": (put("answers", [answer("status", None, "Connection refused")]), "answer", "shop: http://127.0.0.1:8080/status: Connection refused"),
    "no JSON": (put("answers", [answer("status", 200, "it is no JSON: <html>")]), "answer", "it is no JSON: <html>"),
    "no such key": (put("answers", [answer(values=[value(error="no in_flight at key in_flight (there: active)")])]), "JSON key", "(there: active)"),
    "counter as text": (
        put("answers", [answer(values=[value("requests", "text", '"52341"')])]),
        "JSON key",
        'requests is "52341", and a whole number from 0 on',
    ),
    "counter with a point": (put("answers", [answer(values=[value("requests", "number", "52341.0")])]), "JSON key", "requests_key requests is 52341.0"),
    "counter below 0": (put("answers", [answer(values=[value("in_flight", "whole", "-1")])]), "JSON key", "in_flight_key in_flight is -1"),
    "release is a list": (
        put("answers", [answer(values=[value("release", "structure", "[]")])]),
        "JSON key",
        "release_key release is [], and a text belongs there",
    ),
    "mixture": (
        put("changed_files", [{"package": "shop", "nevra": "shop-1.0.0-1.noarch", "files": ["/a", "/b", "/c", "/d"], "count": 9}]),
        "drift",
        "files of shop-1.0.0-1.noarch are not those of the package: /a, /b, /c and 6 more",
    ),
    "no way back": (
        lambda place: place.update(stored=[], offered={"packages": [], "complaints": ["x"]}),
        "way back",
        "is neither in the node's store nor in a",
    ),
    "unread part": (
        lambda place: place["errors"].update(offered="dnf could not ask the repositories"),
        "repository",
        "it could not be read: dnf could not ask",
    ),
    "another dialect": (put("ports", "none"), "answer", "it answers in another dialect than halfswap.bluegreen.node_check"),
}


@pytest.mark.parametrize("case", BAD)
def test_each_fault_is_named_on_its_node_and_nothing_else_is(seen, case):
    change, check, text = BAD[case]
    found = [finding for finding in examine(seen(change)) if not finding.ok]
    assert {finding.node for finding in found} == {"blue1"}
    (named,) = [finding for finding in found if finding.check == check and text in finding.found]
    assert named.mend
    # What follows from the same cause may be named beside it, and no more than that.
    assert len(found) <= 2


def test_a_port_that_somebody_else_has(seen):
    def change(place):
        place["units"] = [unit(), unit("agent", active="failed")]
        place["ports"] = [port(), port(9100, "heartbeat", "node_exporter.service", program="node_exporter", pid=77)]

    found = wrong(seen(change), (FAULT,))
    assert ("port", "blue1", "port 9100 (shop, heartbeat) is taken by node_exporter of node_exporter.service, process 77") in found


@pytest.mark.parametrize(
    "told",
    [
        port(by="shop.service"),
        port(by="docker.service"),
        # A socket unit, which process 1 holds.
        port(by="init.scope", pid=1, program="systemd"),
        # A process that nobody sees.
        port(by=None, pid=None, program=None),
        # A container whose port the kernel forwards.
        port(heard=False, by=None, pid=None, program=None),
    ],
)
def test_ports_that_are_no_fault(seen, told):
    assert wrong(seen(put("ports", [told])), (FAULT,)) == []


def test_the_clock(seen):
    assert wrong(seen(node=lambda told: told.update(clock_skew_s=60.0)), (FAULT,)) == [
        ("clock", "blue1", "its clock differs by 60 s from the controller's, and bluegreen_clock_skew_s is 5")
    ]
    assert wrong(seen(node=lambda told: told.update(clock_skew_s=60.0), clock_skew_s=90.0)) == []


def test_the_drain(seen):
    found = wrong(seen(node=lambda told: told.update(undrainable="this node has no ss")), (FAULT,))
    assert found == [("drain", "blue1", "nobody could tell when its requests are done: this node has no ss")]


@pytest.mark.parametrize(
    "why, mend",
    [
        ({"unreachable": True}, "try ssh to it by hand"),
        ({"unreadable": "Missing sudo password"}, "--ask-become-pass"),
        ({"failed": True, "msg": "/usr/bin/python3: not found"}, "ansible_python_interpreter"),
        ({}, "mend that first"),
    ],
)
def test_a_node_that_is_not_reached(seen, why, mend):
    one = seen()
    unread = read_node("blue1", "blue", why)
    site = Seen([unread, one.nodes[1]], BALANCERS, {"green1": one.places["green1"]}, repository=REPOSITORY)
    (found,) = [finding for finding in examine(site) if not finding.ok]
    assert (found.check, found.node, found.found) == ("login", "blue1", unread.unread) and mend in found.mend


def test_a_node_that_is_not_set_up_yet(seen):
    """Before the first set-up it says what is missing, and nothing of what comes with the first deployment."""

    def change(place):
        place.update(
            units=[unit(load="not-found", active="inactive", file=""), unit("agent", load="not-found", active="inactive", file="")],
            ports=[port(heard=False, by=None, pid=None), port(9100, "heartbeat", None, heard=False, pid=None)],
            installed={"shop": None},
            manager=[],
            offered={"packages": [], "complaints": []},
            stored=[],
            record=None,
            changed_files=[],
            answers=[answer("health", None, "Connection refused"), answer("repository", None, "Connection refused")],
        )

    told = "component shop: no heartbeat answers at http://127.0.0.1:9101. The playbook halfswap.bluegreen.setup installs and starts it."
    found = wrong(seen(change, lambda said: said["components"][0].update(heartbeat=None, error=told, nevra=None)))
    assert sorted(text for _check, node, text in found if node == "blue1") == sorted(
        [
            "the repository halfswap is not there",
            "no repository has a package shop",
            f"{AGENT} is not there",
            "the node does not reach http://repo:8008/ (Connection refused)",
            told,
        ]
    )


def test_a_process_that_is_not_the_package(seen):
    found = wrong(seen(node=lambda said: said["components"][0].update(started_at=1.0)), (FAULT,))
    assert found == [("heartbeat", "blue1", "shop: its process was started before shop-1.0.0-1.noarch was installed")]
    (ill,) = wrong(seen(node=lambda said: said["components"][0]["heartbeat"].update(healthy=False, why="HTTP 503")), (FAULT,))
    assert ill == ("heartbeat", "blue1", "shop: it is not healthy: HTTP 503")


def test_a_package_that_was_installed_past_the_collection(seen):
    def node(said):
        said["record"]["current"] = {"shop": "shop-0.9.0-1.noarch"}

    assert wrong(seen(node=node), (FAULT,)) == [("drift", "blue1", "it serves shop-1.0.0-1.noarch, and has noted shop-0.9.0-1.noarch")]


def balancer_asks(seen, **changes):
    balancers = copy.deepcopy(BALANCERS)
    balancers[0].update(changes)
    return [(node, text) for check, node, text in wrong(seen(load_balancers=balancers), (FAULT,)) if check == "balancer asks"]


def test_the_questions_of_each_balancer(seen):
    # From another address than declared, under another path, and fewer than there should be.
    assert balancer_asks(seen, addresses=["192.0.2.1"]) == [
        (node, "shop: load balancer live: 0 of 1 probers seen on /heartbeat/live, where 10.0.0.5 asked; declared are 192.0.2.1") for node in ("blue1", "green1")
    ]
    assert len(balancer_asks(seen, path="/heartbeat/live?lb=2")) == 2
    assert balancer_asks(seen, probers=2)[0] == ("blue1", "shop: load balancer live: 1 of 2 probers seen on /heartbeat/live")
    assert "its addresses are not declared" in balancer_asks(seen, addresses=[])[0][1]
    assert balancer_asks(seen) == []


def test_a_balancer_that_has_fallen_silent_on_one_node(seen):
    def node(said):
        said["components"][0]["heartbeat"]["probers"][0]["last_seen_s"] = 900.0

    ((check, name, text),) = wrong(seen(node=node), (FAULT,))
    assert (check, name) == ("balancer asks", "blue1") and "has fallen silent" in text


def test_an_interval_that_differs_is_a_note(seen):
    balancers = copy.deepcopy(BALANCERS)
    balancers[0]["interval_s"] = 5.0
    found = wrong(seen(load_balancers=balancers))
    assert {(check, name) for check, name, _text in found} == {("balancer asks", "blue1"), ("balancer asks", "green1")}
    assert wrong(seen(load_balancers=balancers), (FAULT,)) == []


def test_questions_that_are_refused_are_told_where_the_balancer_is_missed(seen):
    def node(said):
        heartbeat = said["components"][0]["heartbeat"]
        heartbeat["probers"].pop(0)
        heartbeat["refused"] = [{"address": "10.0.0.5", "code": 405, "declared": True, "error": "method OPTIONS", "seen": 40, "last_seen_s": 0.1}]

    (found,) = [text for check, name, text in wrong(seen(node=node), (FAULT,)) if check == "balancer asks"]
    assert found.startswith("shop: load balancer live: 0 of 1 probers seen on /heartbeat/live; the node refused its questions:") and "method OPTIONS" in found


def test_a_balancer_that_does_not_answer(seen):
    text = "load balancer standby does not answer at http://lb (Connection refused)"
    assert wrong(seen(unanswered=text), (FAULT,)) == [("load balancer", "controller", text)]


def test_a_name_that_nobody_knows(seen):
    site = seen(names={"blue1": ["10.0.0.1"], "10.0.0.2": ["10.0.0.2"], "blue9": []})
    assert wrong(site) == [("name", "controller", "the controller does not know the name blue9")]
    assert "blue1 is 10.0.0.1" in [finding.found for finding in examine(site)]


PROXY = {"where": "/etc/environment", "name": "http_proxy", "value": "http://proxy:3128"}
SPARED = {"where": "/etc/environment", "name": "no_proxy", "value": "localhost, .example.org,repo"}


@pytest.mark.parametrize(
    "told, options, broken, weight",
    [
        ([PROXY], [], False, NOTE),
        ([PROXY], [], True, FAULT),
        ([PROXY, SPARED], [], True, NOTE),
        ([PROXY, SPARED], [option("proxy", "http://proxy:3128")], True, FAULT),
        ([SPARED], [option("proxy", "_none_")], True, FINE),
    ],
)
def test_a_proxy_is_a_fault_where_the_repository_is_not_reached(seen, told, options, broken, weight):
    def change(place):
        place["proxies"] = told
        place["manager"] += options
        place["offered"]["complaints"] = ["Curl error (7)"] if broken else []

    (found,) = [finding for finding in examine(seen(change)) if finding.check == "proxy" and finding.node == "blue1"]
    assert found.weight == weight


def test_notes_of_a_node(seen):
    def change(place):
        place["mounts"] = [{"path": "/tmp", "noexec": True, "read_only": False}]
        place["record"]["previous"] = [{"shop": "shop-0.9.0-1.noarch"}]

    site = seen(change, lambda said: said.update(lock={"run_id": "r1", "owner": "alice"}))
    assert sorted(wrong(site)) == [
        ("lock", "blue1", "run r1 of alice holds the lock"),
        ("mount", "blue1", "/tmp on a file system with noexec"),
        ("way back", "blue1", "rollback could not go to shop-0.9.0-1.noarch: its RPM is nowhere"),
    ]
    assert wrong(site, (FAULT,)) == []


def test_no_way_back_is_a_note_where_nobody_asks_for_one(seen):
    change = BAD["no way back"][0]
    assert [found for found in wrong(seen(change, way_back=False), (FAULT,)) if found[0] == "way back"] == []


@pytest.mark.parametrize(
    "keys, files, gpgcheck, gpgkey, faults",
    [
        (0, True, True, False, 1),
        (1, True, True, False, 0),
        (0, False, True, True, 0),
        (0, False, True, False, 1),
    ],
)
def test_signatures_and_keys(seen, keys, files, gpgcheck, gpgkey, faults):
    def change(place):
        place["keys"] = keys
        place["manager"] = [option("baseurl", "http://repo/", "halfswap"), option("gpgcheck", "1", "halfswap")]
        place["manager"] += [option("localpkg_gpgcheck", "1")] if files else []
        place["manager"] += [option("gpgkey", "http://repo/key", "halfswap")] if gpgkey else []

    found = wrong(seen(change, repository={**REPOSITORY, "gpgcheck": gpgcheck}), (FAULT,))
    assert len([text for check, node, text in found if check == "key" and node == "blue1"]) == faults


def test_packages_of_others_hide_nothing(seen):
    def change(place):
        place["manager"] += [option("excludepkgs", "shopping shop-tools kernel*"), option("versionlock", "shop-tools-0:1-1.*"), option("includepkgs", "s*")]

    assert wrong(seen(change)) == []


# What a deployment refuses for -----------------------------------------------------------------------


def test_a_deployment_is_refused_by_the_same_judgement(said):
    late, undrainable = read_node("blue1", "blue", dict(said(), clock_skew_s=60.0)), read_node("blue2", "blue", dict(said(), undrainable="nothing counts them"))
    told = [(reason.code, str(reason)) for reason in before_a_swap([late, undrainable], True, 5.0)]
    assert told == [
        ("HS-CLOCK", "blue1: its clock differs by 60 s from the controller's, and bluegreen_clock_skew_s is 5: is its time service running?"),
        ("HS-DRAIN", "blue2: nobody could tell when its requests are done: nothing counts them"),
    ]
    # With nothing to do, nothing is drained.
    assert [reason.code for reason in before_a_swap([late, undrainable], False, 5.0)] == ["HS-CLOCK"]
    assert before_a_swap([read_node("blue1", "blue", said())], True, 5.0) == []


@pytest.mark.parametrize("front", ["nginx", "docker-proxy"])
def test_a_proxy_in_front_of_what_does_not_run_is_a_note(seen, front):
    changes = {"units": [unit(active="inactive")], "ports": [port(by=f"{front}.service", program=front)]}
    assert wrong(seen(lambda place: place.update(changes)), (FAULT,)) == []
    assert wrong(seen(lambda place: place.update(changes)), (NOTE,)) == [
        ("port", "blue1", f"port 8080 (shop, application) is held by {front} of {front}.service, process 100, not by shop")
    ]
    # No proxy stands in front of a heartbeat that does not answer.
    changes["ports"] = [port(9100, "heartbeat", f"{front}.service", program=front)]
    assert ["is taken by" in text for _check, _node, text in wrong(seen(lambda place: place.update(changes)), (FAULT,))] == [True]


def test_a_unit_may_have_another_name(seen):
    assert wrong(seen(lambda place: place.update(units=[unit(id="shop-main.service")], ports=[port(by="shop-main.service")]))) == []


# What is shown ---------------------------------------------------------------------------------------


def fault(node="blue1", found="it is wrong", mend="mend it", weight=FAULT):
    return Finding("unit", node, found, mend, weight)


@pytest.mark.parametrize("asked, width", [(1, 80), (80, 80), (120, 120), (500, 160)])
def test_the_table_fits(asked, width):
    findings = [fault(found="word " * 60, mend="and " * 60), fault(found="x" * 400), fault("a-node-with-a-long-name.of-a-long-domain.example.org")]
    told = lines(findings, asked)
    assert max(map(len, told)) <= width
    assert told[0].split() == ["check", "node", "found", "what", "to", "mend"] and set(told[1]) == {"-", " "}
    assert told[-1] == "DOCTOR: 3 faults, no notes in 3 checks. Mend them, then run it again."


def test_faults_come_first_and_what_is_alike_is_told_once():
    findings = [fault(weight=FINE, found="well", mend=""), fault("blue1", weight=NOTE, found="so"), *(fault(f"n{number}") for number in range(6))]
    told = lines(findings, 120)
    assert [line.split("  ")[0] for line in told[2:-1] if line[:4] == "unit"] == ["unit", "unit, note", "unit"]
    assert "n0, n1, n2 and 3" in told[2] and told[3].split() == ["more"]
    assert told[-1] == "DOCTOR: 6 faults, 1 note in 8 checks. Mend them, then run it again."


def test_what_is_well_does_not_hide_the_rest():
    told = lines([fault(weight=FINE, found=f"value {number}") for number in range(30)], 120)
    assert len(told) == 2 + _doctor.ALIKE + 1 + 1 and "22 more that are well" in told[-2]


def test_what_others_say_is_fit_to_be_shown(canary):
    told = lines([fault(found=canary.text, node=canary.text[:300], mend=canary.text)], 120)
    canary.shown_in("\n".join(told))


def test_a_place_of_any_kind():
    assert place_of(None) == place_of({}) == place_of({"checked": None}) == {}
    for said in ("x", [], 3, {"errors": 3}, {"errors": {}, "units": [{}]}, {"errors": {}, "free": [{"path": "/", "free_bytes": "1"}]}):
        assert "another dialect" in place_of({"checked": said})["errors"]["answer"]


def serves_without_a_package(replaces="old"):
    """What makes a sound node one that serves so, in the place and in what it says."""
    old = unit("replaced", unit="old", id="old.service")

    def place(place):
        place.update(units=[unit(active="inactive", load="not-found"), unit("agent"), old], ports=[port(by="old.service"), port(9100, "heartbeat", AGENT)])
        place.update(installed={"shop": None}, stored=[], record={"current": {"shop": None}, "previous": []}, changed_files=[])

    def node(said):
        (component,) = said["components"]
        component.update(nevra=None, version=None, installed_at=None, active=not replaces, started_at=None, replaces=replaces, replaced_active=bool(replaces))
        component["heartbeat"]["release"] = None
        said["record"] = {"current": {"shop": None}, "previous": []}

    return place, node


def test_what_serves_without_a_package_is_sound_where_it_can_come_back(seen):
    place, node = serves_without_a_package()
    assert wrong(seen(place, node)) == []
    told = [finding.found for finding in examine(seen(place, node)) if finding.node == "blue1"]
    assert "shop: live, healthy, unknown (adopted)" in told and "old, which shop replaces, is active" in told


def test_what_serves_without_a_package_and_a_unit_has_no_way_back(seen):
    place, node = serves_without_a_package(replaces=None)
    for way_back, weight in ((True, FAULT), (False, NOTE)):
        found = [finding for finding in examine(seen(place, node, way_back=way_back)) if finding.check == "way back" and finding.weight != FINE]
        assert [(each.node, each.weight) for each in found] == [("blue1", weight)] and "serves without a package" in found[0].found


def test_a_unit_that_was_replaced_may_have_failed_or_be_gone(seen):
    for changes in ({"active": "failed"}, {"load": "not-found", "active": "inactive"}):
        assert wrong(seen(lambda place, changes=changes: place["units"].append(unit("replaced", unit="old", id="old.service", **changes)))) == []
