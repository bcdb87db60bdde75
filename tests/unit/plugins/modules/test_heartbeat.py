# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils.node import _lock, _records, _release_record
from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm._rpm import Package
from ansible_collections.halfswap.bluegreen.plugins.modules import heartbeat

ONE = {"shop0": "shop-1.0.0-1.noarch"}
TWO = {"shop0": "shop-2.0.0-1.noarch"}
BALANCERS = [
    {"name": "live", "follows": "live", "path": "/heartbeat/live", "addresses": ["10.0.0.5"], "fall": 3, "rise": 2},
    {"name": "standby", "follows": "standby", "path": "/heartbeat/standby", "addresses": ["10.0.0.5"]},
]


def args(*servers, **changes):
    found = dict(
        components=[dict(name="shop%d" % number, url=server.url) for number, server in enumerate(servers)],
        state="standby",
        token="secret-token",
        run_id="r2",
        reason="release",
        by="me@here",
        batch_id="r2/1",
    )
    found.update(changes)
    return found


def prober(**consecutive):
    runs = dict(live=0, not_live=0, standby=0, not_standby=0)
    runs.update(consecutive)
    return dict(address="10.0.0.5", path="/heartbeat/live", consecutive=runs, seen=50, last_seen_s=0.1, interval_s=0.5)


def test_writes_and_tells(run_module, heartbeat_server):
    result = run_module(heartbeat, args(heartbeat_server), diff=True)
    assert result == {
        "changed": True,
        "components": [{"name": "shop0", "before": "live", "after": "standby", "revision": 8}],
        "diff": {"before": "shop0: live\n", "after": "shop0: standby\n"},
    }
    assert heartbeat_server.asked == [
        ("GET", "/heartbeat/status", None, None, "Bearer secret-token"),
        ("PUT", "/heartbeat", dict(state="standby", reason="release", run_id="r2", by="me@here"), '"7"', "Bearer secret-token"),
    ]
    assert "secret-token" not in result.output


def test_the_same_run_writes_once(run_module, heartbeat_server):
    run_module(heartbeat, args(heartbeat_server))
    result = run_module(heartbeat, args(heartbeat_server))
    assert result["changed"] is False
    assert len(heartbeat_server.puts) == 1


def test_another_run_puts_its_name_on_it(run_module, heartbeat_server):
    run_module(heartbeat, args(heartbeat_server))
    result = run_module(heartbeat, args(heartbeat_server, run_id="r3"))
    assert result["changed"] is True
    assert heartbeat_server.status["run_id"] == "r3"


def test_a_phase_is_written(run_module, heartbeat_server):
    run_module(heartbeat, args(heartbeat_server, phase="CLEANING_UP"))
    assert heartbeat_server.puts[0]["phase"] == "CLEANING_UP"
    assert run_module(heartbeat, args(heartbeat_server, phase="CLEANING_UP"))["changed"] is False


def test_check_mode_predicts_and_writes_nothing(run_module, heartbeat_server):
    result = run_module(heartbeat, args(heartbeat_server, load_balancers=BALANCERS), check_mode=True, diff=True)
    assert result == {
        "changed": True,
        "components": [{"name": "shop0", "before": "live", "after": "standby", "revision": 7}],
        "diff": {"before": "shop0: live\n", "after": "shop0: standby\n"},
    }
    assert heartbeat_server.puts == []


def test_those_that_leave_have_a_lead(run_module, heartbeat_server, clock):
    clock.at(0.5, lambda: heartbeat_server.asked.append("half a second later"))
    run_module(heartbeat, args(heartbeat_server, state="standby", lead_s=1))
    assert clock.elapsed == 0
    heartbeat_server.asked[:] = []
    run_module(heartbeat, args(heartbeat_server, state="live", lead_s=1))
    assert [asked if isinstance(asked, str) else asked[0] for asked in heartbeat_server.asked] == ["GET", "half a second later", "PUT"]
    run_module(heartbeat, args(heartbeat_server, state="live", lead_s=1))
    assert clock.elapsed == pytest.approx(1)


def test_a_stale_decision_changes_nothing_anywhere(run_module, heartbeat_server, second_heartbeat_server):
    asked = args(heartbeat_server, second_heartbeat_server)
    asked["components"][0]["revision"] = 7
    asked["components"][1]["revision"] = 6
    result = run_module(heartbeat, asked)
    assert result.failed
    assert "shop1: its heartbeat is at revision 7 (live by ops@laptop, run r1), but the decision was made on revision 6" in result["msg"]
    assert heartbeat_server.puts == second_heartbeat_server.puts == []


def test_a_writer_in_between_wins(run_module, heartbeat_server):
    def someone_else(server):
        server.next_answers = [(409, '{"error": "revision is 8"}')]
        server.after_each = lambda s: None

    heartbeat_server.after_each = someone_else
    result = run_module(heartbeat, args(heartbeat_server))
    assert result.failed
    assert "somebody else changed the heartbeat meanwhile (revision is 8)" in result["msg"]
    assert heartbeat_server.status["state"] == "live"


@pytest.mark.parametrize("token, sent", [("secret-token\n", "Bearer secret-token"), (" secret-token ", "Bearer secret-token")])
def test_white_space_around_the_token_is_not_sent(run_module, heartbeat_server, token, sent):
    run_module(heartbeat, args(heartbeat_server, token=token))
    assert heartbeat_server.asked[0][4] == sent


def test_a_token_that_cannot_be_sent_is_not_shown(run_module, heartbeat_server):
    result = run_module(heartbeat, args(heartbeat_server, token="secret\ntoken"))
    assert result.failed
    assert "bluegreen_token" in result["msg"]
    assert "secret" not in result.output.replace("VALUE_SPECIFIED", "")


def test_a_refused_token_is_named(run_module, heartbeat_server):
    heartbeat_server.next_answers = [(401, '{"error": "no"}')]
    result = run_module(heartbeat, args(heartbeat_server))
    assert result.failed
    assert "refuses the token" in result["msg"] and "bluegreen_token" in result["msg"]


@pytest.mark.parametrize(
    "answer, text",
    [
        ((500, "<html>"), "answered 500: <html>"),
        ((500, '{"error": "disk full"}'), "answered 500: disk full"),
        ((200, "<html>"), "not with the heartbeat API's JSON"),
        ((200, "[]"), "not with the heartbeat API's JSON"),
    ],
)
def test_another_answer_than_a_heartbeat_gives(run_module, heartbeat_server, answer, text):
    heartbeat_server.next_answers = [answer]
    result = run_module(heartbeat, args(heartbeat_server))
    assert result.failed
    assert text in result["msg"]


def test_no_agent(run_module, heartbeat_server):
    asked = args(heartbeat_server)
    asked["components"][0]["url"] = "http://127.0.0.1:1"
    result = run_module(heartbeat, asked)
    assert result.failed
    assert "no heartbeat answers at http://127.0.0.1:1" in result["msg"] and "halfswap.bluegreen.setup" in result["msg"]


def test_waits_until_every_prober_has_noticed(run_module, heartbeat_server, clock):
    heartbeat_server.status["probers"] = [prober(live=9)]

    def noticed():
        heartbeat_server.status["probers"] = [prober(not_live=3)]

    clock.at(1.5, noticed)
    result = run_module(heartbeat, args(heartbeat_server, load_balancers=BALANCERS))
    assert result["settled"] is True
    assert result["settled_s"] == pytest.approx(1.5, abs=0.06)
    # The last sleep is the grace after the last answer.
    assert clock.sleeps[-1] == 0.1


@pytest.mark.parametrize("state, before", [("standby", "live"), ("live", "standby")])
def test_an_application_that_answers_with_no_more_than_it_has_to(run_module, heartbeat_server, clock, state, before):
    for key in ("requests", "release", "since", "reason", "phase", "agent", "answer", "component"):
        heartbeat_server.status.pop(key, None)
    heartbeat_server.status.update(state=before, probers=[prober(live=9)])
    clock.at(1.5, lambda: heartbeat_server.status.update(probers=[prober(live=2, not_live=3)]))
    result = run_module(heartbeat, args(heartbeat_server, state=state, load_balancers=BALANCERS))
    assert result["settled"] is True and "warnings" not in result


def test_a_prober_that_does_not_notice_stops_the_run(run_module, heartbeat_server, clock):
    def late(server):
        server.status["probers"] = [prober(not_live=1)]

    heartbeat_server.after_each = late
    result = run_module(heartbeat, args(heartbeat_server, load_balancers=BALANCERS, settle_timeout_s=5))
    assert result.failed
    assert result["settled"] is False
    assert "prober 10.0.0.5 /heartbeat/live got 1 of 3 answers" in result["msg"]
    assert "nothing was stopped" in result["msg"]
    assert clock.elapsed == pytest.approx(5, abs=0.06)


def test_a_flip_by_somebody_else_while_waiting_is_an_error(run_module, heartbeat_server, clock):
    clock.at(1, lambda: heartbeat_server.status.update(state="live", by="else@where", run_id="r9"))
    result = run_module(heartbeat, args(heartbeat_server, load_balancers=BALANCERS))
    assert result.failed
    assert "went to live while the load balancers were waited for (by else@where, run r9)" in result["msg"]


def expecting(server, per_s=5.0, **changes):
    asked = args(server, **changes)
    asked["components"][0]["expected_per_s"] = per_s
    return asked


def into_live(server):
    server.status.update(state="standby", requests=dict(total=10, since_flip=0, rate_per_s=0.0))


def test_waits_for_the_first_live_request(run_module, heartbeat_server, clock):
    into_live(heartbeat_server)
    clock.at(2, lambda: heartbeat_server.status["requests"].update(since_flip=1))
    result = run_module(heartbeat, expecting(heartbeat_server, state="live"))
    assert result["components"] == [{"name": "shop0", "before": "standby", "after": "live", "revision": 8, "served": True}]
    assert clock.elapsed == pytest.approx(2, abs=0.06)


def test_no_live_request_where_there_is_traffic_is_a_warning(run_module, heartbeat_server, clock):
    into_live(heartbeat_server)
    result = run_module(heartbeat, expecting(heartbeat_server, state="live", traffic_timeout_s=4))
    assert not result.failed
    assert result["components"][0]["served"] is False
    assert "no request has reached shop0" in result["warnings"][0]
    assert clock.elapsed == pytest.approx(4, abs=0.06)


def test_little_traffic_is_not_waited_for(run_module, heartbeat_server, clock):
    into_live(heartbeat_server)
    result = run_module(heartbeat, expecting(heartbeat_server, per_s=0.9, state="live"))
    assert "served" not in result["components"][0]
    assert clock.elapsed == 0


def test_a_component_that_does_not_count_is_not_waited_for(run_module, heartbeat_server, clock):
    into_live(heartbeat_server)
    heartbeat_server.status["requests"] = dict(total=None, since_flip=None, rate_per_s=None)
    result = run_module(heartbeat, expecting(heartbeat_server, state="live"))
    assert result["components"][0]["served"] is None
    assert clock.elapsed == 0


def hold_lock(run_id):
    _lock.acquire(run_id, "alice@ops1", "ops1", "release 2.0.0", 600.0)


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize("state", ["live", "standby"])
def test_refuses_while_another_run_holds_the_lock(run_module, heartbeat_server, state, check_mode):
    hold_lock("r9")
    result = run_module(heartbeat, args(heartbeat_server, state=state), check_mode=check_mode)
    assert result.failed
    assert "nothing was changed: the lock is held by alice@ops1 (run r9, release 2.0.0)" in result["msg"]
    assert heartbeat_server.asked == []


def test_goes_on_with_its_own_lock_and_with_an_expired_one(run_module, heartbeat_server, clock):
    hold_lock("r2")
    assert run_module(heartbeat, args(heartbeat_server))["changed"] is True
    clock.advance(601)
    assert run_module(heartbeat, args(heartbeat_server, run_id="r3"))["changed"] is True


def test_a_damaged_lock_stops_the_run(run_module, heartbeat_server, records):
    records.mkdir()
    records.joinpath("lock.json").write_bytes(b"{")
    result = run_module(heartbeat, args(heartbeat_server))
    assert result.failed and "lock.json is damaged" in result["msg"]
    assert heartbeat_server.asked == []


def test_each_write_is_in_the_journal(run_module, heartbeat_server, second_heartbeat_server, clock):
    run_module(heartbeat, args(heartbeat_server, second_heartbeat_server))
    run_module(heartbeat, args(heartbeat_server, second_heartbeat_server))
    first, second = _records.journal(10)
    assert first == {
        "at": "1970-01-01T00:16:40Z",
        "run_id": "r2",
        "by": "me@here",
        "what": "heartbeat shop0",
        "before": "live",
        "after": "standby",
        "result": "revision 8",
        "reason": "release",
    }
    assert second["what"] == "heartbeat shop1"


def test_the_sanity_test_that_permitted_it_is_in_the_journal_before_it(run_module, heartbeat_server):
    into_live(heartbeat_server)
    asked = args(heartbeat_server, state="live", tested=dict(shop0=dict(checks=2, answers=4)))
    run_module(heartbeat, asked, check_mode=True)
    assert _records.journal(10) == []
    run_module(heartbeat, asked)
    run_module(heartbeat, asked)
    first, second = _records.journal(10)
    assert (first["what"], first["after"], first["result"]) == ("sanity test", {"shop0": {"checks": 2, "answers": 4}}, "passed")
    assert (first["run_id"], first["by"], second["what"]) == ("r2", "me@here", "heartbeat shop0")


def test_what_cannot_be_recorded_is_not_done(run_module, heartbeat_server, records):
    records.write_bytes(b"a file where the directory should be")
    result = run_module(heartbeat, args(heartbeat_server))
    assert result.failed and str(records) in result["msg"]
    assert heartbeat_server.puts == []


def test_check_mode_records_nothing(run_module, heartbeat_server, records):
    run_module(heartbeat, args(heartbeat_server, state="live", release=TWO), check_mode=True)
    assert not records.exists()


def test_the_release_record_follows_a_swap(run_module, heartbeat_server):
    _release_record.served(ONE, "r1")
    run_module(heartbeat, args(heartbeat_server))
    assert (_release_record.read()["phase"], _release_record.read()["run_id"]) == ("STANDING_BY", "r2")
    heartbeat_server.status["since_s"] = 12.5
    run_module(heartbeat, args(heartbeat_server, state="live", release=TWO, deployment="d2"))
    record = _release_record.read()
    assert (record["current"], record["deployment"], record["phase"], record["out_s"]) == (TWO, "d2", "SERVING", 12.5)
    assert record["previous"] == [dict(deployment="", packages=ONE)]


def test_a_deployment_that_is_gone_back_to(run_module, heartbeat_server):
    for release, deployment in ((ONE, "d1"), (TWO, "d2"), (ONE, "d3"), (TWO, "d4")):
        _release_record.served(release, "r1", deployment=deployment)
    run_module(heartbeat, args(heartbeat_server))
    run_module(heartbeat, args(heartbeat_server, state="live", release=ONE, deployment="d3"))
    record = _release_record.read()
    assert (record["deployment"], [former["deployment"] for former in record["previous"]]) == ("d3", ["d2", "d1"])


def test_out_for_as_long_as_the_component_that_left_first(run_module, heartbeat_server, second_heartbeat_server):
    _release_record.found(ONE, "r1")
    for server, since_s in ((heartbeat_server, 12.5), (second_heartbeat_server, 12.4)):
        server.status.update(state="standby", run_id="r2", since_s=since_s)
    run_module(heartbeat, args(heartbeat_server, second_heartbeat_server, state="live", release=TWO))
    assert _release_record.read()["out_s"] == 12.5


@pytest.mark.parametrize("before", [dict(state="standby", run_id="r1"), dict(state="live", run_id="r2")])
def test_the_time_out_of_service_is_told_by_the_run_that_took_the_node_out(run_module, heartbeat_server, before):
    _release_record.found(ONE, "r0")
    heartbeat_server.status.update(before, since_s=7200.0)
    run_module(heartbeat, args(heartbeat_server, state="live", release=TWO))
    record = _release_record.read()
    assert (record["current"], record["out_s"]) == (TWO, None)


def test_a_rehearsal_is_no_measure_of_a_swap(run_module, heartbeat_server):
    _release_record.served(ONE, "r1", 12.5)
    run_module(heartbeat, args(heartbeat_server))
    heartbeat_server.status["since_s"] = 3.0
    run_module(heartbeat, args(heartbeat_server, state="live", release=ONE, rehearsal=True))
    record = _release_record.read()
    assert (record["phase"], record["previous"], record["out_s"]) == ("SERVING", [], None)


def test_what_is_served_when_a_node_leaves_for_the_first_time(run_module, heartbeat_server):
    run_module(heartbeat, args(heartbeat_server, release=ONE))
    record = _release_record.read()
    assert (record["current"], record["previous"], record["phase"]) == (ONE, [], "STANDING_BY")


def test_no_release_record_on_a_node_that_was_never_brought_live(run_module, heartbeat_server):
    run_module(heartbeat, args(heartbeat_server))
    assert _release_record.read() is None


def test_a_release_that_did_not_go_live_everywhere_is_not_recorded(run_module, heartbeat_server, second_heartbeat_server):
    _release_record.served(ONE, "r1")
    for server in (heartbeat_server, second_heartbeat_server):
        server.status.update(state="standby", run_id="r2")

    def refuse(server):
        server.next_answers = [(409, '{"error": "revision is 8"}')]

    second_heartbeat_server.after_each = refuse
    result = run_module(heartbeat, args(heartbeat_server, second_heartbeat_server, state="live", release=TWO))
    assert result.failed
    assert _release_record.read()["current"] == ONE
    assert [line["what"] for line in _records.journal(10)] == ["heartbeat shop0"]


def test_another_phase_is_recorded(run_module, heartbeat_server):
    _release_record.served(ONE, "r1")
    run_module(heartbeat, args(heartbeat_server, phase="CLEANING_UP"))
    assert _release_record.read()["phase"] == "CLEANING_UP"


def test_a_flag_file_is_switched_and_given_the_time_that_was_declared(run_module, tmp_path, clock):
    path = tmp_path / "live"
    components = [dict(name="shop", heartbeat=dict(profile="file", path=str(path)))]
    paced = [dict(BALANCERS[0], interval_s=2.0), BALANCERS[1]]
    result = run_module(heartbeat, args(components=components, state="live", load_balancers=paced), diff=True)
    assert result["diff"] == {"before": "shop: standby\n", "after": "shop: live\n"}
    assert (result["changed"], result["settled"], result["guess"], result["settled_s"]) == (True, True, True, pytest.approx(4.5, abs=0.06))
    assert "is a guess: 4.5 s" in result["warnings"][0]
    assert path.read_bytes() == b"live\n"
    assert run_module(heartbeat, args(components=components, state="live", load_balancers=paced))["changed"] is False
    result = run_module(heartbeat, args(components=components, load_balancers=BALANCERS))
    assert result.failed and "its interval_s is needed" in result["msg"] and "Nothing was changed" in result["msg"]
    assert path.exists()


def test_a_component_needs_a_heartbeat(run_module):
    assert "url, heartbeat" in run_module(heartbeat, args(components=[dict(name="shop")]))["msg"]


def test_a_prober_that_has_gone_ends_the_wait(run_module, heartbeat_server, clock):
    def gone(server):
        server.status["probers"] = [dict(prober(not_live=1), last_seen_s=10.5)]

    heartbeat_server.after_each = gone
    result = run_module(heartbeat, args(heartbeat_server, load_balancers=BALANCERS))
    assert result.failed and result["changed"] is True and result["settled"] is False
    assert "prober 10.0.0.5 /heartbeat/live has fallen silent" in result["msg"]
    assert clock.elapsed == 0


# ---- What the node looks at once more before it goes live ------------------------------------------------------------------------------


@pytest.fixture
def proven(step_node, heartbeat_server, clock):
    """A node that may go live."""
    step_node.installed["shop"] = Package("shop", 0, "2.0.0", "1", "noarch")
    step_node.runs("shop")
    heartbeat_server.status.update(state="standby", release="2.0.0")
    return step_node


def going_live(server, **changes):
    asked = args(server, state="live", proof=TWO, **changes)
    asked["components"][0].update(package="shop", service="shop")
    return asked


def test_what_was_proven_is_looked_at_just_before_it_goes_live(run_module, heartbeat_server, proven):
    assert not run_module(heartbeat, going_live(heartbeat_server)).failed
    assert [path for _method, path, _body, _match, _token in heartbeat_server.asked] == ["/heartbeat/status", "/heartbeat/status?fresh=1", "/heartbeat"]


@pytest.mark.parametrize(
    "change, text",
    [
        (
            lambda node, server: node.installed.update(shop=Package("shop", 0, "1.0.0", "1", "noarch")),
            "shop-1.0.0-1.noarch is installed, not shop-2.0.0-1.noarch",
        ),
        (lambda node, server: node.installed.clear(), "no shop is installed, not shop-2.0.0-1.noarch"),
        (lambda node, server: node.is_down("shop", ActiveState="failed"), "its service shop does not run"),
        (lambda node, server: setattr(node, "installed_at", 1005), "its service shop runs a process that is older than the package"),
        (lambda node, server: server.status.update(healthy=False, why="HTTP 503"), "component shop0 is not healthy: HTTP 503"),
        (lambda node, server: server.status.update(release="1.0.0"), "component shop0 reports release 1.0.0, not 2.0.0"),
    ],
)
def test_what_is_not_so_any_more_keeps_it_in_standby(run_module, heartbeat_server, proven, change, text):
    change(proven, heartbeat_server)
    result = run_module(heartbeat, going_live(heartbeat_server))
    assert result.failed and text in result["msg"]
    assert result["msg"].startswith("Nothing was changed, the node stays in standby: what was proven of it is not true any more: component shop0")
    assert heartbeat_server.puts == []
    assert run_module(heartbeat, dict(going_live(heartbeat_server), step="judge")).failed


def test_a_release_that_is_not_told_is_no_reason(run_module, heartbeat_server, proven):
    heartbeat_server.status.update(release=None)
    assert not run_module(heartbeat, going_live(heartbeat_server)).failed


def test_nothing_is_looked_at_where_it_says_nothing_of_package_and_service_or_leaves(run_module, heartbeat_server, proven):
    proven.installed.clear()
    asked = going_live(heartbeat_server)
    del asked["components"][0]["service"]
    assert not run_module(heartbeat, asked).failed
    assert not run_module(heartbeat, dict(going_live(heartbeat_server), state="standby")).failed
    assert proven.calls == []


def test_an_adoption_is_in_the_journal_and_in_the_record(run_module, heartbeat_server):
    """By whose word it is that something serves of which nobody knows the package."""
    into_live(heartbeat_server)
    asked = args(heartbeat_server, state="live", adopt=True, release={"shop": None}, reason="adopt")
    run_module(heartbeat, asked)
    run_module(heartbeat, asked)
    first, second = _records.journal(10)
    assert (first["what"], first["after"], first["run_id"], first["by"], first["reason"]) == ("adopted", {"shop": None}, "r2", "me@here", "adopt")
    assert second["what"] == "heartbeat shop0"
    record = _release_record.read()
    assert (record["current"], record["deployment"], record["previous"], record["phase"]) == ({"shop": None}, "", [], "SERVING")
