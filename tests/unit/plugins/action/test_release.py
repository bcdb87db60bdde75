# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

MODULE, READING = "halfswap.bluegreen.release", "halfswap.bluegreen.node_info"
SHOP = {"name": "shop", "package": "shop", "version": "2.0.0", "service": "shop", "url": "http://127.0.0.1:9101"}
VARS = {"inventory_hostname": "blue1", "hostvars": {}, "awx_user_name": "alice"}
ARGS = {"components": [SHOP], "token": "t", "run_id": "r2", "batch_id": "r2/1", "drain": {"method": "kernel"}, "health_timeout_s": 4, "restart": False}


def test_on_the_node_it_is_one_step(run_action, said, clock):
    ran = run_action("release", ARGS, VARS, answer={**said("2.0.0", state="standby"), "started": ["shop"], "changed": True})
    ((module, sent),) = ran.sent
    assert module == MODULE and {key: sent[key] for key in ARGS} == ARGS and sent["by"].startswith("alice@")
    # It reads the node in the end: that is evidence, so it is stamped.
    assert ran.result["at"] == 1000.0 and ran.result["started"] == ["shop"] and ran.result["components"][0]["nevra"] == "shop-2.0.0-1.noarch"


def test_who_is_given_as_its_author_stays_it(run_action, said):
    assert run_action("release", {**ARGS, "by": "release team"}, VARS, answer=said()).sent[0][1]["by"] == "release team"


def test_a_failure_stays_a_failure(run_action):
    ran = run_action("release", ARGS, VARS, answer={"failed": True, "msg": "Not stopped: component shop: no proof lies on this node", "stopped": []})
    assert ran.result["failed"] is True and "no proof" in ran.result["msg"] and len(ran.sent) == 1


@pytest.mark.parametrize("component", [{key: value for key, value in SHOP.items() if key != "url"}, {**SHOP, "url": None, "heartbeat": None}])
def test_a_component_without_a_heartbeat_is_the_nodes_affair(run_action, said, component):
    """Role release used alone, of something that no load balancer sees."""
    ran = run_action("release", {**ARGS, "components": [component]}, VARS, answer=said())
    assert [name for name, _sent in ran.sent] == [MODULE] and ran.sent[0][1]["components"] == [component]


def test_check_mode_says_what_would_be_installed(run_action):
    packages = [{"name": "shop", "before": "shop-1.0.0-1.noarch", "after": "shop-2.0.0-1.noarch"}, {"name": "cart", "before": None, "after": "cart-1-1.noarch"}]
    packages.append({"name": "same", "before": "same-1-1.noarch", "after": "same-1-1.noarch"})
    answer = {"changed": True, "packages": packages}
    assert run_action("release", ARGS, VARS, answer=answer, check_mode=True).shown == [
        "blue1: shop-1.0.0-1.noarch -> shop-2.0.0-1.noarch",
        "blue1: nothing -> cart-1-1.noarch",
    ]
    assert run_action("release", ARGS, VARS, answer=answer).shown == []


# ---- Where only the controller reaches the heartbeat --------------------------------------------------------------------------------


def far(server, **changes):
    return {**ARGS, "components": [{**SHOP, "url": server.url, "heartbeat": {"via": "controller"}, **changes}]}


DONE = {"changed": True, "stopped": ["shop"], "started": ["shop"], "packages": [{"name": "shop", "after": "shop-2.0.0-1.noarch"}]}


def test_the_proof_is_asked_for_with_what_the_controller_sees(run_action, said, heartbeat_server, clock):
    """The node stops nothing whose heartbeat does not say standby at the revision of the proof; so it has to be told what it says."""
    heartbeat_server.status.update(state="standby", revision=8, release="2.0.0")
    ran = run_action("release", far(heartbeat_server), VARS, answer=[DONE, said("2.0.0", state="standby")])
    module, sent = ran.sent[0]
    assert module == MODULE
    (component,) = sent["components"]
    assert component["heartbeat"]["relayed"]["status"]["revision"] == 8 and component["heartbeat"]["relayed"]["status"]["state"] == "standby"


def test_a_heartbeat_that_does_not_answer_is_no_proof(run_action, heartbeat_server, clock):
    """Nor does it become a component that has none."""
    ran = run_action("release", {**far(heartbeat_server, url="http://127.0.0.1:1"), "health_timeout_s": 1}, VARS, answer=DONE)
    if ran.sent:
        (component,) = ran.sent[0][1]["components"]
        assert "no heartbeat answers" in component["heartbeat"]["relayed"]["error"]
    assert ran.result["failed"] is True


def test_the_health_is_waited_for_from_here_and_then_the_node_is_read(run_action, said, heartbeat_server, clock):
    heartbeat_server.status.update(state="standby", revision=8, healthy=False, why="HTTP 503", release="1.0.0")
    clock.at(1, lambda: heartbeat_server.status.update(healthy=True))
    clock.at(2, lambda: heartbeat_server.status.update(release="2.0.0"))
    ran = run_action("release", far(heartbeat_server), VARS, answer=[DONE, said("2.0.0", state="standby", batch_id="r2/1")])
    assert not ran.result.get("failed"), ran.result["msg"]
    assert [name for name, _sent in ran.sent] == [MODULE, READING] and clock.elapsed == pytest.approx(2, abs=0.5)
    _name, reads = ran.sent[1]
    (component,) = reads["components"]
    assert component["heartbeat"]["relayed"]["status"]["release"] == "2.0.0" and (reads["batch_id"], reads["token"]) == ("r2/1", "t")
    # A reading takes no version and no package of another one.
    assert set(component) == {"name", "package", "service", "url", "heartbeat"}
    assert ran.result["started"] == ["shop"] and ran.result["components"][0]["nevra"] == "shop-2.0.0-1.noarch"
    assert ran.result["at"] >= 1002.0 and ran.result["changed"] is True


def test_the_release_that_is_waited_for_may_be_named(run_action, said, heartbeat_server, clock):
    """Where the application calls it by another name than its package."""
    heartbeat_server.status.update(state="standby", release="2.0")
    ran = run_action("release", far(heartbeat_server, wait_release="2.0"), VARS, answer=[DONE, said("2.0.0", state="standby")])
    assert not ran.result.get("failed"), ran.result["msg"]
    ran = run_action("release", far(heartbeat_server), VARS, answer=DONE)
    assert ran.result["failed"] is True and "component shop reports release 2.0, not 2.0.0" in ran.result["msg"]


def test_a_reading_that_fails_fails(run_action, heartbeat_server, clock):
    heartbeat_server.status.update(state="standby", release="2.0.0")
    ran = run_action("release", far(heartbeat_server), VARS, answer=[DONE, {"failed": True, "msg": "no rpm"}])
    assert (ran.result["failed"], ran.result["msg"]) == (True, "no rpm")


def test_not_healthy_in_time(run_action, heartbeat_server, clock):
    heartbeat_server.status.update(state="standby", healthy=False, why="HTTP 503")
    ran = run_action("release", far(heartbeat_server), VARS, answer=DONE)
    assert ran.result["failed"] is True and ran.result["changed"] is True and ran.result["started"] == ["shop"]
    assert "component shop is not healthy: HTTP 503" in ran.result["msg"] and "Not ready after 4" in ran.result["msg"]
    assert ran.result["msg"].endswith("raise it where the application needs longer to start. See journalctl -u shop on the node.")
    assert [name for name, _sent in ran.sent] == [MODULE, READING]


ENDED = "shop is failed (failed, result exit-code, exit status 3). Its journal ends with: no database. See journalctl -u shop"


@pytest.mark.parametrize(
    "second, text",
    [
        ({"ended": ENDED}, f"It was not waited for any longer: {ENDED}."),
        ({"ended": None, "restarts": 3}, "the service of component shop has ended, and systemd has started it again."),
        ({"ended": "\x1b[2J{{ 7 }}"}, "any longer: \\x1b[2J\\x7b{ 7 }}."),
    ],
)
def test_a_service_that_has_ended_there_is_not_waited_for_here(run_action, heartbeat_server, clock, second, text):
    heartbeat_server.status.update(state="standby", healthy=False, why="Connection refused")
    looks = [{"components": [{"name": "shop", "ended": None, "restarts": 2}]}, {"components": [{"name": "shop", **second}]}]
    ran = run_action("release", {**far(heartbeat_server), "health_timeout_s": 60}, VARS, answer=[DONE, *looks])
    assert ran.result["failed"] is True and ran.result["msg"].startswith("Not ready after 6.") and ran.result["msg"].endswith(text), ran.result["msg"]
    assert "Connection refused" in ran.result["msg"] and [name for name, _sent in ran.sent] == [MODULE, READING, READING]


def test_a_node_that_cannot_be_read_meanwhile_ends_no_wait(run_action, heartbeat_server, clock):
    heartbeat_server.status.update(state="standby", healthy=False, why="HTTP 503")
    ran = run_action("release", {**far(heartbeat_server), "health_timeout_s": 8}, VARS, answer=[DONE, {"failed": True, "msg": "no rpm"}, {"unreachable": True}])
    assert "Not ready after 8" in ran.result["msg"] and len(ran.sent) == 3


def test_what_the_node_refuses_is_not_waited_for(run_action, heartbeat_server, clock):
    heartbeat_server.status.update(healthy=False)
    ran = run_action("release", far(heartbeat_server), VARS, answer={"failed": True, "msg": "Not stopped"})
    assert (ran.result["msg"], clock.elapsed, len(ran.sent)) == ("Not stopped", 0, 1)


def test_a_prediction_waits_for_nothing(run_action, heartbeat_server, clock):
    heartbeat_server.status.update(healthy=False)
    ran = run_action("release", far(heartbeat_server), VARS, answer=DONE, check_mode=True)
    assert not ran.result.get("failed") and len(ran.sent) == 1 and clock.elapsed == 0


def test_no_way_to_the_heartbeat_stops_nothing(run_action, heartbeat_server):
    """Nobody could tell whether what was started is healthy."""
    task = far(heartbeat_server, heartbeat={"via": "tunnel"})
    ran = run_action("release", task, VARS, answer={"failed": True, "msg": "Not stopped: component shop: a tunnel takes a connection through ssh"})
    assert ran.result["failed"] is True and "a tunnel takes a connection through ssh" in ran.result["msg"]
    for _name, sent in ran.sent:
        assert "a tunnel takes" in sent["components"][0]["heartbeat"]["relayed"]["error"]
