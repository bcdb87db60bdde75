# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os
import platform

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils.drain import _drain, _proof
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node import _lock, _machine, _owed, _records, _systemd
from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm._rpm import Package
from ansible_collections.halfswap.bluegreen.plugins.module_utils.steps import release as release_step
from ansible_collections.halfswap.bluegreen.plugins.modules import release

NODE = platform.node()


def shop(version, name="shop"):
    return Package(name, 0, version, "1", "noarch")


@pytest.fixture
def application(second_heartbeat_server):
    """Counts its requests."""
    second_heartbeat_server.status = {"active": 0, "total": 100}
    return second_heartbeat_server


@pytest.fixture
def node(step_node, heartbeat_server, application, clock):
    """The shop 1.0.0 runs on it, was taken out by this run, and is drained."""
    step_node.installed["shop"] = shop("1.0.0")
    step_node.runs("shop")
    clock.advance(100)
    heartbeat_server.status.update(state="standby", revision=8, run_id="r2")
    # What is started reports the package that is installed.
    step_node.hooks["restart"] = lambda: heartbeat_server.status.update(release=step_node.installed["shop"].version)
    keep()
    clock.advance(1)
    return step_node


def keep(run_id="r2", batch_id="r2/1", name="shop", **changes):
    _records.prepare()
    return _proof.keep(run_id, batch_id, {name: dict(dict(revision=8, ran=True, requests=100, exception=""), **changes)})


@pytest.fixture
def args(heartbeat_server, application):
    def made(**changes):
        component = dict(name="shop", package="shop", service="shop", version="2.0.0", release="1", url=heartbeat_server.url)
        component.update(changes.pop("component", {}))
        counted = dict(name="shop", service="shop", in_flight_url=application.url, in_flight_key="active", requests_key="total")
        found = dict(components=[component], run_id="r2", batch_id="r2/1", by="me@here", token="secret-token")
        found["drain"] = dict(dict(components=[counted]), **changes.pop("drain", {}))
        return dict(found, **changes)

    return made


def test_stop_install_start_healthy_read(run_module, node, args, heartbeat_server):
    result = run_module(release, args(), diff=True)
    assert node.done == ["stop shop", "install", "daemon-reload", "restart shop"]
    assert (result["changed"], result["stopped"], result["started"], result["waited_s"]) == (True, ["shop"], ["shop"], 0.0)
    assert result["packages"] == [
        dict(name="shop", before="shop-1.0.0-1.noarch", after="shop-2.0.0-1.noarch", exact=dict(shop("2.0.0")._asdict()), differing=[], stale=False)
    ]
    assert result["diff"] == {"before": "shop-1.0.0-1.noarch\n", "after": "shop-2.0.0-1.noarch\n"}
    assert result["proof"] == _proof.read()
    (component,) = result["components"]
    assert (component["nevra"], component["active"], component["error"]) == ("shop-2.0.0-1.noarch", True, None)
    assert component["started_at"] >= component["installed_at"]
    assert (component["heartbeat"]["state"], result["batch_id"], result["machine"], result["lock"]) == ("standby", "r2/1", _machine.machine(), None)
    assert "secret-token" not in result.output
    (line,) = _records.journal(5)
    assert (line["what"], line["before"], line["after"], line["result"], line["by"]) == (
        "packages",
        ["shop-1.0.0-1.noarch"],
        ["shop-2.0.0-1.noarch"],
        "ok",
        "me@here",
    )


def test_nothing_to_do(run_module, node, args):
    result = run_module(release, args(component=dict(version="1.0.0")))
    assert node.done == []
    assert (result["changed"], result["stopped"], result["started"], result["proof"]) == (False, [], [], None)
    assert result["components"][0]["nevra"] == "shop-1.0.0-1.noarch"


def test_nothing_is_stopped_before_it_was_rehearsed(run_module, node, args):
    run_module(release, args(rehearse=True))
    assert node.done[:3] == ["rehearse", "stop shop", "install"]


def test_a_rehearsal_that_fails_stops_nothing(run_module, node, args):
    node.failure = "No space left on device"
    result = run_module(release, args(rehearse=True))
    assert result.failed and result["msg"].startswith("%s: dnf could not rehearse" % NODE)
    assert node.done == ["rehearse"] and node.units["shop"]["ActiveState"] == "active"


def test_a_store_from_which_it_cannot_be_installed_stops_nothing(run_module, node, args, tmp_path):
    folder = tmp_path / "store" / str(shop("2.0.0"))
    folder.mkdir(parents=True)
    node.write_rpm(folder / "shop.rpm", shop("2.0.0"))
    node.objection = lambda before, after: "lib = 1 is needed by shop-2.0.0-1.noarch"
    result = run_module(release, args(store=str(tmp_path / "store")))
    assert result.failed and "cannot be installed from %s: error: Failed dependencies: lib = 1" % (tmp_path / "store") in result["msg"]
    assert node.done == [] and node.units["shop"]["ActiveState"] == "active"
    node.objection = lambda before, after: None
    run_module(release, args(store=str(tmp_path / "store")))
    assert node.done == ["stop shop", "install", "daemon-reload", "restart shop"]


# ---- The proof ----------------------------------------------------------------------------------------------------------------------


def refused(run_module, node, asked):
    result = run_module(release, asked)
    assert result.failed and result["msg"].startswith("Not stopped: component shop: "), result["msg"]
    assert "take the node out again" in result["msg"]
    assert node.done == [] and node.units["shop"]["ActiveState"] == "active"
    return result["msg"]


def test_without_a_proof_nothing_is_stopped(run_module, node, args):
    _proof.remove()
    assert "no proof lies on this node that nobody uses it" in refused(run_module, node, args())


@pytest.mark.parametrize(
    "changes, text",
    [
        (dict(run_id="r1"), "the proof on this node is of run r1, and this is run r2"),
        (dict(batch_id="r2/2"), "the proof on this node is of batch r2/2, and this is batch r2/1"),
        (dict(name="cart"), "the proof on this node does not name it"),
        (dict(revision=7), "its heartbeat is at revision 8 (by ops@laptop, run r2), and the proof was made at 7"),
        (dict(ran=False), "its service shop runs, and did not when the node was taken out"),
        (dict(requests=98), "requests have come since it was drained (98 then, 100 now)"),
    ],
)
def test_a_proof_of_something_else(run_module, node, args, changes, text):
    keep(**changes)
    assert text in refused(run_module, node, args())


def test_a_boot_since_the_proof(run_module, node, args, monkeypatch):
    monkeypatch.setattr(_proof, "boot_id", lambda: "another")
    assert "the node was started again after the proof was made" in refused(run_module, node, args())


def test_a_node_whose_boot_is_not_known(run_module, node, args, monkeypatch):
    monkeypatch.setattr(_proof, "boot_id", lambda: None)
    keep()
    assert "the node was started again" in refused(run_module, node, args())


def test_a_heartbeat_that_is_live(run_module, node, args, heartbeat_server):
    heartbeat_server.status.update(state="live")
    assert "its heartbeat says live (by ops@laptop, run r2)" in refused(run_module, node, args())


def test_a_heartbeat_that_does_not_answer(run_module, node, args):
    assert "no heartbeat answers at http://127.0.0.1:1" in refused(run_module, node, args(component=dict(url="http://127.0.0.1:1")))


def test_a_component_without_a_heartbeat(run_module, node, args):
    assert "neither a url nor a heartbeat" in refused(run_module, node, args(component=dict(url=None)))


def test_a_request_in_flight(run_module, node, args, application, clock):
    application.status["active"] = 2
    assert "component shop: 2 in flight" in refused(run_module, node, args())


def test_what_is_in_flight_for_a_moment_is_looked_at_again(run_module, node, args, application, clock):
    application.status["active"] = 1
    clock.at(102, lambda: application.status.update(active=0))
    assert not run_module(release, args()).failed


def test_an_application_that_does_not_tell(run_module, node, args, application):
    assert "http://127.0.0.1:1 does not answer" in refused(run_module, node, args(drain=SILENT))


def test_a_component_that_the_drain_does_not_name(run_module, node, args, application):
    drain = dict(components=[dict(name="cart", service="cart", in_flight_url=application.url)])
    assert "drain.components does not name it" in refused(run_module, node, args(drain=drain))


def test_a_damaged_proof(run_module, node, args, records):
    (records / "proof.json").write_bytes(b"{}")
    result = run_module(release, args())
    assert result.failed and "proof.json is damaged" in result["msg"]
    assert node.done == []


@pytest.mark.parametrize("changes", [dict(exception="on_timeout is proceed"), dict(exception="method seconds")])
def test_an_exception_is_not_looked_at_again(run_module, node, args, application, changes):
    keep(**changes)
    application.status["active"] = 2
    result = run_module(release, args())
    assert not result.failed and result["proof"]["components"]["shop"]["exception"] == changes["exception"]
    assert application.asked == []


SILENT = dict(components=[dict(name="shop", service="shop", in_flight_url="http://127.0.0.1:1")])


def test_a_process_that_was_started_in_standby_has_never_had_a_user(run_module, node, args):
    """The way back: the new release has had a sanity test, or does not answer."""
    node.runs("shop")
    assert not run_module(release, args(drain=SILENT)).failed
    assert node.done[:2] == ["stop shop", "install"]


def test_a_process_that_was_started_in_standby_of_another_revision(run_module, node, args, heartbeat_server):
    node.runs("shop")
    heartbeat_server.status.update(revision=10)
    assert "its heartbeat is at revision 10" in refused(run_module, node, args())


def test_what_does_not_run_needs_no_proof(run_module, node, args):
    node.is_down("shop")
    _proof.remove()
    result = run_module(release, args())
    assert node.done == ["install", "daemon-reload", "restart shop"]
    assert (result["stopped"], result["proof"]) == ([], None)


def test_a_service_between_two_starts_is_stopped(run_module, node, args):
    node.is_down("shop", ActiveState="activating", SubState="auto-restart")
    assert not run_module(release, args(drain=SILENT)).failed
    assert node.done[0] == "stop shop"


def test_a_long_lived_connection_since_the_proof_counts(run_module, node, args, application, monkeypatch, tmp_path):
    """long_lived_wait_s leaves out what the drain has seen, which would be an exception in the proof."""
    table = tmp_path / "tcp"
    rows = ["  sl  local_address rem_address   st", "   0: 0100007F:1F9A 00000000:0000 0A", "   1: 0100007F:1F9A 0100007F:D431 01"]
    table.write_bytes("\n".join(rows).encode("ascii"))
    monkeypatch.setattr(_drain, "SOCKET_TABLES", (str(table), str(tmp_path / "none")))
    counted = dict(name="shop", service="shop", in_flight_url=application.url, in_flight_key="active", long_lived_ports=[8090])
    assert "component shop: 1 in flight" in refused(run_module, node, args(drain=dict(components=[counted], long_lived_wait_s=0)))


def test_only_what_changes_is_stopped(run_module, node, args, heartbeat_server):
    node.installed["cart"] = shop("1.0.0", "cart")
    node.runs("cart")
    asked = args()
    asked["components"].append(dict(name="cart", package="cart", service="cart", version="1.0.0", release="1", url=heartbeat_server.url, wait_release="2.0.0"))
    result = run_module(release, asked)
    assert node.done == ["stop shop", "install", "daemon-reload", "restart shop"]
    assert [c["name"] for c in result["components"]] == ["shop", "cart"]


def test_a_service_is_stopped_with_every_component_that_it_runs(run_module, node, args, second_heartbeat_server, heartbeat_server):
    node.installed["cart"] = shop("1.0.0", "cart")
    asked = args()
    asked["components"].append(dict(name="cart", package="cart", service="shop", version="1.0.0", release="1", url=heartbeat_server.url))
    result = run_module(release, asked)
    assert result.failed and result["msg"].startswith("Not stopped: component cart: the proof on this node does not name it")
    assert node.done == []
    proven = dict(revision=8, ran=True, requests=100, exception="")
    _proof.keep("r2", "r2/1", dict(shop=proven, cart=proven))
    asked["drain"]["components"].append(dict(asked["drain"]["components"][0], name="cart"))
    assert run_module(release, asked)["stopped"] == ["shop"]


@pytest.mark.parametrize("restart", [True, False])
def test_a_restart_needs_the_proof_too(run_module, node, args, restart):
    if not restart:
        # The process is older than the package.
        node.installed_at = 1050
    asked = args(component=dict(version="1.0.0"), restart=restart)
    _proof.remove()
    assert "no proof lies on this node" in refused(run_module, node, asked)
    keep()
    result = run_module(release, asked)
    assert node.done == ["stop shop", "restart shop"]
    assert (result["changed"], result["packages"][0]["stale"], result["stopped"], result["started"]) == (True, not restart, ["shop"], ["shop"])


def test_alone_no_proof_is_asked_for_and_the_output_says_so(run_module, node, args):
    _proof.remove()
    result = run_module(release, dict(components=args()["components"], alone=True))
    assert node.done == ["stop shop", "install", "daemon-reload", "restart shop"]
    assert "Nobody proved that shop is not in use before it was stopped" in result["warnings"][0]
    assert result["proof"] is None


def test_alone_nothing_is_told_where_nothing_was_stopped(run_module, node, args):
    node.is_down("shop")
    assert "warnings" not in run_module(release, dict(components=args()["components"], alone=True))


@pytest.mark.parametrize("missing", ["run_id", "drain"])
def test_what_the_proof_takes_is_required(run_module, node, args, missing):
    asked = args()
    del asked[missing]
    result = run_module(release, asked)
    assert result.failed and "alone is False but all of the following are missing: %s" % missing in result["msg"]


def test_a_fault_of_the_drain_stops_nothing(run_module, node, args):
    result = run_module(release, args(drain=dict(method="kernel")))
    assert result.failed and result["msg"] == "Not stopped: component shop has no ports, which method kernel needs."
    assert node.done == []


def test_the_lock_of_another_run(run_module, node, args):
    _lock.acquire("r9", "bob@ops2", "ops2", "other", 600.0)
    result = run_module(release, args())
    assert result.failed and result["msg"].startswith("Refused, nothing was changed: the lock is held by bob@ops2")
    assert node.done == []


def test_needs_root(run_module, node, args, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "this needs root" in run_module(release, args())["msg"]


# ---- What is done -------------------------------------------------------------------------------------------------------------------


def test_what_started_meanwhile_is_started_again(run_module, node, args):
    node.hooks["transaction"] = lambda: node.runs("shop", since=node.clock.now - 1)
    result = run_module(release, args())
    assert node.done[-1] == "restart shop"
    (component,) = result["components"]
    assert component["started_at"] >= component["installed_at"]


# ---- What starts a service besides us ------------------------------------------------------------------------------------------------


@pytest.fixture(params=["socket", "timer", "path"])
def trigger(request, node):
    """Something of systemd's that starts the shop whenever it does not run."""
    name = "shop.%s" % request.param
    node.units["shop"].update(TriggeredBy=name, UnitFileState="static")
    node.units[name] = dict(ActiveState="active", SubState="listening", UnitFileState="enabled")
    return name


def test_what_triggers_it_is_stopped_with_it_and_started_before_it(run_module, node, args, trigger):
    result = run_module(release, args())
    assert node.done == ["stop %s shop" % trigger, "install", "daemon-reload", "start %s" % trigger, "restart shop"]
    assert (result["stopped"], result["started"]) == ([trigger, "shop"], [trigger, "shop"])
    assert node.units[trigger]["ActiveState"] == node.units["shop"]["ActiveState"] == "active"


def test_a_trigger_that_systemd_forgets_once_it_is_stopped_is_started_again(run_module, node, args, trigger):
    """One that is not enabled, such as a timer under /run: nothing names it any more."""
    node.hooks["transaction"] = lambda: node.units["shop"].update(TriggeredBy="")
    result = run_module(release, args())
    assert node.done == ["stop %s shop" % trigger, "install", "daemon-reload", "start %s" % trigger, "restart shop"]
    assert result["started"] == [trigger, "shop"]


def test_what_triggers_a_service_that_does_not_run_is_stopped_too(run_module, node, args, trigger):
    """One that ends when it is idle would be started by the next health check."""
    node.is_down("shop")
    run_module(release, args())
    assert node.done == ["stop %s" % trigger, "install", "daemon-reload", "start %s" % trigger, "restart shop"]


def test_a_socket_is_not_opened_beside_a_service_that_was_started_meanwhile(run_module, node, args, trigger):
    node.hooks["transaction"] = lambda: node.runs("shop")
    run_module(release, args())
    assert node.done[3:] == ["stop shop", "start %s" % trigger, "restart shop"]


def test_what_an_earlier_run_has_left_stopped_is_started(run_module, node, args, trigger):
    node.is_down("shop")
    node.is_down(trigger, UnitFileState="enabled")
    result = run_module(release, args(component=dict(version="1.0.0")))
    assert node.done == ["start %s" % trigger, "start shop"] and result["started"] == [trigger, "shop"]


@pytest.mark.parametrize("changes", [dict(UnitFileState="disabled"), dict(UnitFileState="masked", LoadState="masked")])
def test_what_was_not_running_and_no_boot_starts_stays_down(run_module, node, args, trigger, changes):
    node.is_down(trigger)
    node.units[trigger].update(changes)
    run_module(release, args())
    assert [step for step in node.done if trigger in step] == []


def test_an_installation_that_fails_names_the_trigger_that_is_stopped(run_module, node, args, trigger):
    node.failure = "No space left on device"
    result = run_module(release, args())
    assert "Stopped for it, and not started again: %s, shop." % trigger in result["msg"]


def test_a_service_whose_socket_is_enabled_is_not_enabled_itself(run_module, node, args):
    node.units["shop"].update(TriggeredBy="shop.socket", UnitFileState="disabled")
    node.units["shop.socket"] = dict(ActiveState="active", UnitFileState="enabled")
    asked = args(component=dict(version="1.0.0"))
    assert run_module(release, asked)["changed"] is False
    node.units["shop.socket"]["UnitFileState"] = "disabled"
    run_module(release, asked)
    assert node.done == ["enable shop"]


def test_check_mode_names_the_trigger(run_module, node, args, trigger):
    result = run_module(release, args(), check_mode=True)
    assert node.done == [] and result["stopped"] == [trigger, "shop"]


# ---- The process is proven ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("changes", [dict(), dict(MainPID=0), dict(MainPID=0, SubState="exited")])
def test_a_restart_that_leaves_the_former_process_fails(run_module, node, args, monkeypatch, changes):
    """KillMode=none, a script of System V whose stop does nothing."""
    node.units["shop"].update(changes)
    old = node.clock.now - 50
    monkeypatch.setattr(_systemd, "_started", lambda blocks: [old for _block in blocks])
    result = run_module(release, args())
    assert result.failed and result["msg"].startswith("shop was restarted, but a process of it is older than that, so it still runs what was installed before")
    assert "systemctl kill shop" in result["msg"] and "See journalctl -u shop" in result["msg"]
    # The next run does not believe it either.
    assert _owed.services() == ["shop"]


def test_a_service_without_any_process_is_judged_by_what_it_answers(run_module, node, args, monkeypatch):
    monkeypatch.setattr(_systemd, "_started", lambda blocks: [None for _block in blocks])
    assert not run_module(release, args()).failed


def test_a_run_that_was_cut_off_before_the_restart_is_made_good(run_module, node, args, monkeypatch):
    """Somebody starts the service within the transaction, and our process is killed before it starts it again: rpm's date does not tell."""
    node.hooks["transaction"] = lambda: node.runs("shop")

    def killed(self):
        raise KeyboardInterrupt()

    with monkeypatch.context() as cut_off:
        cut_off.setattr(release_step.Release, "start", killed)
        with pytest.raises(KeyboardInterrupt):
            run_module(release, args())
    del node.calls[:], node.hooks["transaction"]
    node.clock.advance(60)
    keep()
    result = run_module(release, args())
    assert node.done == ["stop shop", "restart shop"] and result["components"][0]["owed"] is False
    assert _owed.services() == []


def test_an_installation_that_failed_is_followed_by_a_restart(run_module, node, args):
    node.failure = "No space left on device"
    run_module(release, args())
    node.runs("shop")
    node.failure = None
    del node.calls[:]
    # The way back: the database says that nothing changes.
    run_module(release, args(component=dict(version="1.0.0")))
    assert node.done == ["stop shop", "restart shop"]


def test_a_first_installation(run_module, node, args):
    del node.installed["shop"], node.units["shop"]
    node.hooks["transaction"] = lambda: node.is_down("shop", UnitFileState="disabled")
    result = run_module(release, args())
    assert node.done == ["install", "daemon-reload", "enable shop", "restart shop"]
    assert (result["stopped"], result["started"], result["packages"][0]["before"]) == ([], ["shop"], None)


def test_what_does_not_run_is_started(run_module, node, args):
    node.is_down("shop")
    result = run_module(release, args(component=dict(version="1.0.0")))
    assert node.done == ["start shop"]
    assert (result["changed"], result["started"]) == (True, ["shop"])


def test_what_is_not_enabled_is_enabled(run_module, node, args):
    node.units["shop"]["UnitFileState"] = "disabled"
    asked = args(component=dict(version="1.0.0"))
    assert run_module(release, asked, check_mode=True)["changed"] is True
    result = run_module(release, asked)
    assert (node.done, result["changed"], result["started"]) == (["enable shop"], True, [])
    assert run_module(release, asked)["changed"] is False


def test_a_unit_file_that_changed_is_read(run_module, node, args):
    node.reload = True
    run_module(release, args(component=dict(version="1.0.0")))
    assert node.done == ["daemon-reload"]


def test_a_stop_that_fails_installs_nothing(run_module, node, args):
    node.failing["stop"] = "Failed to stop shop.service: Connection timed out"
    result = run_module(release, args())
    assert result.failed and "systemctl stop shop failed: Failed to stop shop.service" in result["msg"]
    assert "Nothing was installed." in result["msg"]
    assert node.done == ["stop shop"] and result["stopped"] == []


def test_an_installation_that_fails_says_what_is_stopped(run_module, node, args):
    node.failure = "No space left on device"
    result = run_module(release, args())
    assert result.failed and "No space left on device. Stopped for it, and not started again: shop." in result["msg"]
    assert (node.done, result["stopped"], result["started"]) == (["stop shop", "install"], ["shop"], [])
    # Whoever brings the node back reads it anew.
    assert "components" not in result
    assert _records.journal(1)[0]["result"] == "failed"


@pytest.mark.parametrize("component, release_told", [({}, "2.0.0"), (dict(wait_release="two"), "two")])
def test_waits_for_health_and_release(run_module, node, args, heartbeat_server, clock, component, release_told):
    node.hooks["restart"] = lambda: heartbeat_server.status.update(healthy=False, release="1.0.0")
    clock.at(105, lambda: heartbeat_server.status.update(healthy=True))
    clock.at(106, lambda: heartbeat_server.status.update(release=release_told))
    result = run_module(release, args(component=component))
    assert result["waited_s"] == pytest.approx(3, abs=0.3)


def test_a_component_that_reports_no_release_is_taken_at_its_health(run_module, node, args, heartbeat_server):
    node.hooks["restart"] = lambda: heartbeat_server.status.update(release=None)
    assert not run_module(release, args()).failed


def test_a_component_without_a_heartbeat_is_not_waited_for(run_module, node, args):
    result = run_module(release, dict(components=args(component=dict(url=None))["components"], alone=True))
    assert not result.failed and result["waited_s"] == 0.0


def test_not_healthy_in_time(run_module, node, args, heartbeat_server, clock):
    heartbeat_server.status.update(healthy=False, why="HTTP 503")
    result = run_module(release, args(health_timeout_s=3))
    assert result.failed and result["waited_s"] == pytest.approx(3, abs=0.3)
    assert result["msg"] == (
        "Not ready after 3.0 s: component shop is not healthy: HTTP 503. That was the whole wait (bluegreen_health_timeout_s, health_timeout_s: 3 s); raise it "
        "where the application needs longer to start. shop is active (running, result success). "
        "Its journal ends with: started | ready. See journalctl -u shop."
    )
    assert ["journalctl", "--unit=shop", "-n", "10", "-o", "cat", "--no-pager", "--quiet"] in node.calls


@pytest.mark.parametrize(
    "changes, text",
    [
        (
            dict(ActiveState="failed", SubState="failed", Result="exit-code", MainPID=0, ExecMainCode=1, ExecMainStatus=3),
            "failed (failed, result exit-code, exit status 3)",
        ),
        (
            dict(ActiveState="failed", SubState="failed", Result="signal", MainPID=0, ExecMainCode=2, ExecMainStatus=9),
            "failed (failed, result signal, killed by signal 9)",
        ),
        (
            dict(ActiveState="activating", SubState="auto-restart", Result="exit-code", MainPID=0, ExecMainCode=1, ExecMainStatus=1),
            "activating (auto-restart, ",
        ),
        (dict(ActiveState="inactive", SubState="dead", MainPID=0, ExecMainCode=1, ExecMainStatus=0), "inactive (dead, result success, exit status 0)"),
        (dict(NRestarts=1), "active (running, "),
        # A systemd that does not count them, between two looks.
        ({}, "active (running, "),
    ],
)
def test_a_service_that_has_ended_is_not_waited_for(run_module, node, args, heartbeat_server, clock, changes, text):
    heartbeat_server.status.update(healthy=False, why="connection refused")
    node.journal = "Traceback:\n  \x1b[31mno database\x1b[0m {{ 7 * 7 }}\n"
    clock.at(104, lambda: node.runs("shop", **changes))
    result = run_module(release, args())
    assert result.failed and result["waited_s"] < 3
    assert result["msg"].startswith("Not ready after %.1f s: component shop is not healthy: connection refused. It was not waited for" % result["waited_s"])
    assert "because the process that was started has ended (shop). shop is %s" % text in result["msg"]
    assert "bluegreen_health_timeout_s" not in result["msg"]
    assert "Its journal ends with: Traceback: | \\x1b[31mno database\\x1b[0m \\x7b{ 7 * 7 }}. See journalctl -u shop." in result["msg"]


def test_a_start_that_fails_tells_the_unit(run_module, node, args):
    node.failing["restart"] = "Job for shop.service failed"
    node.hooks["stop"] = lambda: node.is_down("shop", ActiveState="failed", SubState="failed", Result="exit-code", ExecMainCode=1, ExecMainStatus=203)
    result = run_module(release, args())
    assert (
        result.failed
        and "systemctl restart shop failed: Job for shop.service failed. shop is failed (failed, result exit-code, exit status 203)" in result["msg"]
    )
    assert result["msg"].endswith("See journalctl -u shop.")


def test_without_a_reading(run_module, node, args):
    result = run_module(release, args(read=False))
    assert not result.failed and "components" not in result and result["started"] == ["shop"]


def test_what_only_the_controller_reaches(run_module, node, args, heartbeat_server):
    """Its word of before serves for the proof; of the health after the start it says nothing."""
    seen = dict(heartbeat_server.status)
    result = run_module(release, args(component=dict(heartbeat=dict(via="controller", relayed=dict(status=seen)))))
    assert not result.failed and "components" not in result and result["waited_s"] == 0.0
    assert heartbeat_server.asked == []
    live = dict(seen, state="live")
    node.runs("shop")
    result = run_module(release, args(component=dict(version="1.0.0", heartbeat=dict(via="controller", relayed=dict(status=live)))))
    assert result.failed and "its heartbeat says live" in result["msg"]


def test_check_mode_says_what_would_change(run_module, node, args):
    _proof.remove()
    result = run_module(release, args(), check_mode=True, diff=True)
    assert node.done == []
    assert (result["changed"], result["stopped"], result["started"], result["proof"]) == (True, ["shop"], ["shop"], None)
    assert result["diff"]["after"] == "shop-2.0.0-1.noarch\n" and "components" not in result
    result = run_module(release, args(component=dict(version="1.0.0")), check_mode=True)
    assert (result["changed"], result["stopped"], result["started"]) == (False, [], [])


# ---- Files on the disk that are not those of the package ----------------------------------------------------------------------------------------


@pytest.fixture
def store(node, tmp_path):
    for version in ("1.0.0", "2.0.0"):
        folder = tmp_path / "store" / str(shop(version))
        folder.mkdir(parents=True)
        node.write_rpm(folder / "shop.rpm", shop(version))
    return str(tmp_path / "store")


def test_the_way_back_from_a_mixture_installs_the_files_again(run_module, node, args, store, heartbeat_server):
    """RPM's database names 1.0.0 before and after the transaction that failed."""
    node.failure, node.altered = "cpio: rename failed - Device or resource busy", {"shop": ["..5......    /opt/shop/version"]}
    failed = run_module(release, args(store=store))
    assert failed.failed and "Stopped for it, and not started again: shop" in failed["msg"] and "It has left a mixture" in failed["msg"]
    assert node.done == ["stop shop", "install"]
    node.failure = None
    back = run_module(release, args(component=dict(version="1.0.0"), store=store))
    assert node.done[2:] == ["install", "daemon-reload", "restart shop"] and node.altered == {}
    assert (back["components"][0]["nevra"], back["components"][0]["differing"]) == ("shop-1.0.0-1.noarch", [])


def test_a_process_that_runs_on_a_mixture_is_stopped_for_its_files(run_module, node, args, store):
    node.altered = {"shop": ["S.5....T.    /opt/shop/app.py"]}
    result = run_module(release, args(component=dict(version="1.0.0"), store=store))
    assert node.done == ["stop shop", "install", "daemon-reload", "restart shop"] and result["changed"]


def test_what_the_application_changes_once_it_runs_is_told(run_module, node, args, store):
    node.hooks["restart"] = lambda: node.altered.update(shop=["S.5....T.    /opt/shop/cache/x"])
    component = dict(version="1.0.0")
    node.altered = {"shop": ["S.5....T.    /opt/shop/app.py"]}
    assert run_module(release, args(component=component, store=store))["components"][0]["differing"] == ["/opt/shop/cache/x (size, content)"]
    keep()
    mine = run_module(release, args(component=dict(component, may_differ=["/opt/shop/cache/*"]), store=store))
    assert (mine["changed"], mine["components"][0]["differing"]) == (False, [])


# ---- What serves without a package --------------------------------------------------------------------------------------------------


@pytest.fixture
def foreign(node, args, heartbeat_server, monkeypatch):
    """The shop was unpacked, and runs in a unit of its own; the node was taken out and is drained."""
    del node.installed["shop"]
    del node.units["shop"]
    node.runs("old", since=node.clock.now - 50, LoadState="loaded")
    node.held = None
    monkeypatch.setattr(release_step, "holder_of", lambda port: node.held)

    def started():
        heartbeat_server.status.update(release=node.installed["shop"].version if "shop" in node.installed else None)

    node.hooks.update(restart=started, start=started)
    # As systemd tells of a unit that a package has brought.
    node.hooks["transaction"] = lambda: node.units.setdefault("shop", dict(UnitFileState="disabled", ActiveState="inactive", LoadState="loaded"))

    def made(**changes):
        changes["component"] = dict(dict(replaces="old"), **changes.get("component", {}))
        changes["drain"] = dict(components=[dict(args()["drain"]["components"][0], replaces="old", ports=[8080])])
        return args(**changes)

    return made


def as_adopted(foreign, **more):
    asked = foreign(component=more)
    asked["components"][0].pop("version")
    asked["components"][0].pop("release")
    asked["components"][0]["as_adopted"] = True
    return asked


def test_the_first_package_stops_what_it_replaces_for_good(run_module, node, foreign):
    result = run_module(release, foreign())
    assert node.done == ["stop old", "disable old", "install", "daemon-reload", "enable shop", "restart shop"]
    assert (result["stopped"], result["started"], result["changed"]) == (["old"], ["shop"], True)
    (component,) = result["components"]
    assert (component["nevra"], component["replaces"], component["replaced_active"]) == ("shop-2.0.0-1.noarch", "old", False)
    # It is as it should be now, and no further deployment looks for more.
    node.calls = []
    assert not run_module(release, foreign())["changed"] and node.done == []


def test_what_it_replaces_is_not_stopped_while_it_may_be_used(run_module, node, foreign):
    for changes, text in (
        (dict(requests=98), "requests have come"),
        (dict(ran=False), "its service old runs, and did not"),
        (dict(name="cart"), "does not name"),
    ):
        keep(**changes)
        result = run_module(release, foreign())
        assert result.failed and text in result["msg"] and node.done == []
    _proof.remove()
    assert "no proof lies on this node" in run_module(release, foreign())["msg"]
    assert node.done == [] and node.units["old"]["ActiveState"] == "active"


def test_nothing_is_installed_while_somebody_is_left_on_the_port(run_module, node, foreign):
    """A unit that starts something in the background and does not end it: the new process could not listen, and users would get the former release."""
    node.held = "process 4711 (java)"
    result = run_module(release, foreign())
    assert result.failed and "old was stopped, and port 8080 of component shop is held by process 4711 (java): its unit does not end all" in result["msg"]
    assert node.done == ["stop old", "disable old"] and "shop" not in node.installed


def test_a_container_without_a_process_of_its_unit_is_stopped_as_well(run_module, node, foreign):
    node.units["old"].update(MainPID=0, SubState="exited")
    assert run_module(release, foreign())["stopped"] == ["old"]


def test_a_first_package_that_fails_goes_back_to_what_was_adopted(run_module, node, foreign, heartbeat_server):
    node.failing["restart"] = "Job for shop.service failed"
    assert run_module(release, foreign()).failed
    assert node.installed["shop"] == shop("2.0.0") and _owed.services() == ["shop"]
    node.calls, node.failing = [], {}
    result = run_module(release, as_adopted(foreign))
    assert node.done == ["disable shop", "remove shop", "daemon-reload", "enable old", "start old"]
    assert not result.failed and (result["started"], result["changed"]) == (["old"], True)
    (component,) = result["components"]
    assert (component["nevra"], component["replaced_active"], component["owed"]) == (None, True, False)
    (line,) = [line for line in _records.journal(10) if line["before"] == ["shop-2.0.0-1.noarch"]]
    assert (line["what"], line["after"], line["result"]) == ("packages", [], "ok")


def test_what_came_in_is_stopped_and_disabled_on_the_way_back(run_module, node, foreign):
    run_module(release, foreign())
    node.calls = []
    run_module(release, as_adopted(foreign))
    assert node.done == ["stop shop", "disable shop", "remove shop", "daemon-reload", "enable old", "start old"]


def test_what_was_only_drained_is_left_as_it_is(run_module, node, foreign):
    result = run_module(release, as_adopted(foreign))
    assert not result.failed and not result["changed"] and node.done == []


def test_there_is_no_way_back_without_a_unit_to_start(run_module, node, foreign):
    run_module(release, foreign())
    node.calls = []
    for replaces, text in ((None, "the component has no key replaces"), ("gone", "systemd has no unit gone")):
        node.units["gone"] = dict(LoadState="not-found", ActiveState="inactive", UnitFileState="")
        result = run_module(release, as_adopted(foreign, replaces=replaces))
        assert result.failed and text in result["msg"] and "Nothing was changed: shop-2.0.0-1.noarch is installed" in result["msg"]
        assert node.done == [] and "shop" in node.installed


def test_a_package_that_cannot_be_removed_is_told(run_module, node, foreign):
    run_module(release, foreign())
    node.failure = "shop is needed by cart-1.0.0-1.noarch"
    result = run_module(release, as_adopted(foreign))
    assert result.failed and "rpm could not remove shop-2.0.0-1.noarch: error: shop is needed by cart" in result["msg"]
    assert node.units["old"]["ActiveState"] != "active"


def test_what_was_adopted_has_to_be_healthy_again(run_module, node, foreign, heartbeat_server):
    run_module(release, foreign())
    heartbeat_server.status.update(healthy=False, why="HTTP 503")
    result = run_module(release, as_adopted(foreign))
    assert result.failed and "component shop is not healthy: HTTP 503" in result["msg"]


def test_a_version_is_left_out_by_no_mistake(run_module, node, args):
    asked = args()
    del asked["components"][0]["version"]
    result = run_module(release, asked)
    assert result.failed and "version" in result["msg"] and node.done == []
