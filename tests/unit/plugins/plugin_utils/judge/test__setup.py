# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy
from typing import Any

import pytest

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge import _setup
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._doctor import Seen, place_of
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._evidence import read_node
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.judge._interlock import Limits

NAMES = ["blue1", "blue2", "green1", "green2"]
BALANCERS = [
    {"name": name, "follows": name, "path": f"/heartbeat/{name}", "addresses": ["10.0.0.5"], "fall": 3, "rise": 2, "probers": 1} for name in ("live", "standby")
]
LIMITS = Limits(load_balancers=BALANCERS)
REPOSITORY = {"name": "halfswap", "url": "http://repo:8008/", "gpgcheck": False, "proxy": ""}
UNIT = "halfswap-heartbeat@shop.service"
NO_AGENT = {"heartbeat": None, "error": "component shop: no heartbeat answers at http://127.0.0.1:8791"}
LOCK = {"run_id": "r9", "owner": "ops@other", "reason": "release 2.0.0", "since": "2026-11-20T10:15:00Z"}


def place(agent: bool = True, **changes: Any) -> dict[str, Any]:
    """What a node says of its place where all is well."""
    unit = {"component": "shop", "package": "shop", "role": "agent", "unit": UNIT, "id": UNIT, "file": ""}
    known = {"baseurl": "http://repo:8008/", "proxy": "_none_", "gpgcheck": "0"}
    found = {
        "errors": {},
        "units": [{**unit, "load": "loaded" if agent else "not-found", "active": "active" if agent else "inactive"}],
        "ports": [],
        "free": [{"path": "/var", "free_bytes": 5 * 1024**3}],
        "host": {"python": "3.9", "user": 0, "name": "node"},
        "mounts": [{"path": "/tmp", "noexec": False, "read_only": False}],
        "manager": [{"file": "/etc/yum.repos.d/halfswap.repo", "section": "halfswap", "option": name, "value": value} for name, value in known.items()],
        "answers": [answered("repository", 200)],
    }
    return {**found, **changes}


def answered(what: str, status: int | None, error: str | None = None) -> dict[str, Any]:
    component = "" if what == "repository" else "shop"
    return {"component": component, "what": what, "url": f"http://there/{what}", "status": status, "error": error, "took_s": 0.1, "values": []}


def asked(takes: str = "reload", **changes: Any) -> dict[str, Any]:
    """What the role heartbeat_agent says of a node with one agent."""
    running = {"version": "0.1.0", "config": "abc", "healthy": True, "state": "live"}
    differs = [] if takes == "nothing" else ["health interval_s is 1, and 2 is described"]
    return {"components": [{"name": "shop", "running": running, "differs": differs, "takes": takes, "faults": [], **changes}], "changed": takes != "nothing"}


@pytest.fixture
def plan(said):
    """plan(node=..., places={node: ...}, agents={node: ...}) is that of four live nodes whose agents would be reloaded, or what is said instead."""

    def made(places=None, agents=None, limits=LIMITS, published=True, components=("shop",), **nodes):
        told = {name: nodes.get(name, said()) for name in NAMES}
        there = {name: place_of({"checked": (places or {}).get(name, place())}) for name in NAMES}
        seen = Seen(
            [read_node(name, name[:-1], told[name]) for name in NAMES],
            places={name: each for name, each in there.items() if not told[name].get("unreachable")},
            repository=REPOSITORY,
        )
        return _setup.plan(seen, {name: (agents or {}).get(name, asked()) for name in NAMES}, list(components), "r1", limits, published)

    return made


def refused(found) -> list[str]:
    assert found.refusals and _setup.plan_lines(found)[0] == "SET-UP refused:"
    return [refusal.told for refusal in found.refusals]


# The plan ------------------------------------------------------------------------------------------


def test_one_node_after_the_other(plan):
    found = plan()
    assert not found.refusals and found.order == NAMES
    told = _setup.plan_lines(found)
    assert told[0] == "SET-UP of 4 of 4 nodes, one at a time"
    assert told[3].split(maxsplit=2)[:2] == ["1", "blue1"]
    assert told[3].endswith("  shop: health interval_s is 1, and 2 is described  nothing: the new agent answers its probes")


def test_nothing_differs(plan):
    found = plan(agents=dict.fromkeys(NAMES, asked("nothing")))
    assert not found.refusals and found.order == []
    assert _setup.plan_lines(found)[0] == "SET-UP nothing to do on the nodes: all 4 have what is described"


def test_what_differs_and_takes_nothing_has_its_turn_all_the_same(plan):
    """A token counts at once."""
    found = plan(agents=dict.fromkeys(NAMES, asked("nothing", differs=["tokens"])))
    assert found.order == NAMES and _setup.plan_lines(found)[3].split() == ["1", "blue1", "shop:", "tokens", "nothing"]


def test_why_an_agent_has_to_be_restarted_and_what_is_worth_a_look(plan):
    found = plan(agents={"blue1": asked("restart", restart_because="it is of version 0.1.0", notes=["its health URL took 3 s"])})
    (line,) = (line for line in _setup.plan_lines(found) if "blue1" in line and "WARNING" not in line)
    assert line.endswith("the agent restarts: its probes are not answered for some milliseconds (it is of version 0.1.0)")
    assert found.notes == ("blue1: shop: its health URL took 3 s",)
    # What takes no restart has no reason for one.
    assert plan(agents={"blue1": asked(restart_because=None, notes=None)}).changes[0].because == ""


def test_a_first_set_up(plan, said):
    fresh = said(version=None, **NO_AGENT)
    found = plan(dict.fromkeys(NAMES, place(agent=False)), agents=dict.fromkeys(NAMES), **dict.fromkeys(NAMES, fresh))
    assert not found.refusals and found.order == NAMES
    assert {(change.takes, change.live, change.agents) for change in found.changes} == {("start", False, ("shop: it has no agent",))}
    assert "nothing: it is a first start, and nothing serves here yet" in _setup.plan_lines(found)[3]


def test_who_serves_nobody_comes_first_and_who_stays_as_it_is_comes_last(plan, said):
    standby = asked(running={"version": "0.1.0", "config": "abc", "healthy": True, "state": "standby"})
    found = plan(
        {"green2": place(agent=False)}, {"blue1": asked("nothing"), "green1": standby}, green1=said(state="standby"), green2=said(version=None, **NO_AGENT)
    )
    assert found.order == ["green2", "green1", "blue2"]
    assert [change.node for change in found.changes] == [*found.order, "blue1"]


def test_an_application_with_a_heartbeat_of_its_own_has_no_agent_to_set_up(plan):
    found = plan(agents=dict.fromkeys(NAMES), components=())
    assert not found.refusals and found.order == []


@pytest.mark.parametrize("names", [["green2"], NAMES], ids=["one", "all"])
def test_a_node_that_would_go_down_keeps_all_as_they_are(plan, names):
    found = plan(agents=dict.fromkeys(names, asked(faults=["health_url answers 302"])))
    assert refused(found) == [f"HS-AGENT: {name}: shop: health_url answers 302" for name in names]


@pytest.mark.parametrize(
    "answer, says",
    [
        (None, "nobody asked what would become of its agents"),
        ({"skipped": True}, "nobody asked what would become of its agents"),
        ({"failed": True, "msg": "no space left"}, "it could not say what would become of its agents: no space left"),
        ({"unreachable": True, "msg": "no route"}, "it could not say what would become of its agents: no route"),
        ({"changed": True}, "it answers in another dialect than the role heartbeat_agent: components is missing"),
        (asked(takes="explode"), "components[0].takes is"),
        (asked(faults="none"), "components[0].faults is"),
        ({"components": [], "changed": False}, "it said nothing of the agent of shop"),
    ],
)
def test_what_a_node_does_not_say_of_its_agents_is_a_reason_to_refuse(plan, answer, says):
    (told,) = refused(plan(agents={"blue2": answer}))
    assert told.startswith("HS-AGENT: blue2: ") and says in told


def test_a_restart_of_a_live_node_asks_who_else_serves(plan, said):
    assert not plan(agents={"blue1": asked("restart")}).refusals
    told = refused(plan(agents={"blue1": asked("restart")}, green1=said(healthy=False), green2=said(state="standby")))
    assert told[0].startswith("HS-MIN-LIVE: blue1 would be interrupted: 1 of at least 3 other nodes")
    # What would not be noticed does not ask.
    assert not plan(green1=said(healthy=False), green2=said(state="standby")).refusals


def test_the_last_node_that_serves_is_not_restarted(plan, said):
    out = {name: said(state="standby") for name in NAMES[1:]}
    told = refused(plan(agents={"blue1": asked("restart")}, limits=Limits(min_live=1, load_balancers=BALANCERS), **out))
    assert told[0].startswith("HS-LAST: blue1 would be interrupted: 0 of at least 1 other nodes")


def test_a_restart_beside_nodes_that_are_begun(plan, said):
    """They are in standby then, which min_live may allow; without it, all others have to serve."""
    fresh = {"green2": said(version=None, **NO_AGENT)}
    there, agents = {"green2": place(agent=False)}, {"blue1": asked("restart")}
    assert not plan(there, agents, Limits(min_live=2, load_balancers=BALANCERS), **fresh).refusals
    assert "green2" in " ".join(refused(plan(there, agents, **fresh)))


def test_a_node_that_cannot_be_read_may_be_serving(plan, said):
    """Its agent says live, in whatever dialect: a restart of it asks the others, and the node itself counts as none of them."""
    told = refused(plan(agents={"blue1": asked("restart")}, blue1=said(error="it answers in another dialect", heartbeat=None)))
    assert any("blue1 counts as not live" in text for text in told)


@pytest.mark.parametrize(
    "changes, says",
    [
        ({"host": {"python": "3.9", "user": 1000, "name": "n"}}, "HS-PLACE: blue2: it is user 1000 there, not root: set ansible_become"),
        ({"free": [{"path": "/var", "free_bytes": 1024}]}, "HS-PLACE: blue2: the file system of /var has 0 MiB free"),
        ({"mounts": [{"path": "/var", "noexec": False, "read_only": True}]}, "HS-PLACE: blue2: /var is on a file system that is mounted read-only"),
        ({"answers": [answered("repository", 404)]}, "HS-REPOSITORY: blue2: http://there/repository answers 404"),
        ({"answers": [answered("repository", None, "timed out")]}, "HS-REPOSITORY: blue2: the node does not reach http://there/repository (timed out)"),
        ({"errors": {"ports": "/proc is not there"}}, "HS-PLACE: blue2: it could not be read: /proc is not there"),
        ({"units": "all are well"}, "HS-PLACE: blue2: it could not be read: it answers in another dialect than halfswap.bluegreen.node_check"),
    ],
)
def test_a_node_where_nothing_may_be_written_keeps_all_as_they_are(plan, changes, says):
    assert any(told.startswith(says) for told in refused(plan({"blue2": place(**changes)})))


def port(**changes):
    heard = {"heard": True, "loopback": False, "pid": 99, "program": "node_exporter", "by": "node_exporter.service"}
    return {"component": "shop", "port": 8790, "what": "heartbeat", "unit": UNIT, "outside": True, **heard, **changes}


def test_a_port_that_is_taken(plan, said):
    fresh = {"blue2": said(version=None, **NO_AGENT)}
    (told,) = refused(plan({"blue2": place(agent=False, ports=[port()])}, **fresh))
    assert told.startswith("HS-PLACE: blue2: port 8790 (shop, heartbeat) is taken by node_exporter of node_exporter.service, process 99")
    # An agent that runs is to come there from another port.
    (told,) = refused(plan({"blue2": place(ports=[port(), port(port=8791, by=UNIT)])}))
    assert told.startswith("HS-PLACE: blue2: port 8790 (shop, heartbeat) is taken by node_exporter")
    # An agent of such a component may give way to one that is called by its application; that of another component does not.
    for by, is_its_own in (("halfswap-heartbeat@crm.shop.service", True), ("halfswap-heartbeat@basket.service", False), ("halfswap-heartbeat@eshop", False)):
        assert bool(plan({"blue2": place(ports=[port(program="python3", by=by)])}).refusals) is not is_its_own
    # Its own.
    assert not plan({"blue2": place(ports=[port(program="python3", by=UNIT)])}).refusals


def test_a_masked_agent_is_refused_and_a_masked_application_is_for_the_deployment(plan):
    masked = {"load": "masked", "active": "inactive", "file": "masked"}
    agent = {**place()["units"][0], **masked}
    service = {**agent, "role": "service", "unit": "shop.service"}
    assert refused(plan({"blue2": place(units=[agent])}))[0].startswith(f"HS-PLACE: blue2: {UNIT} is masked")
    assert not plan({"blue2": place(units=[service, place()["units"][0]])}).refusals


def test_a_node_that_is_not_reached(plan):
    told = refused(plan(blue2={"unreachable": True}, agents={"blue2": None}))
    assert any(text.startswith("HS-UNREAD: blue2: it is unreachable") for text in told)


def test_a_lock_of_another_run_and_a_clock(plan, said):
    assert refused(plan(blue2={**said(), "lock": LOCK})) == ["HS-LOCKED: blue2: the lock is held by ops@other (run r9)"]
    assert refused(plan(blue2={**said(), "clock_skew_s": 9.0}))[0].startswith("HS-CLOCK: blue2: its clock differs by 9 s")


def test_a_repository_that_is_to_be_set_up_yet_is_told(plan):
    found = plan(dict.fromkeys(NAMES, place(answers=[answered("repository", None, "Connection refused")])), published=False)
    assert not found.refusals and found.notes[0].startswith("there is no repository yet: blue1: the node does not reach")
    assert "WARNING: there is no repository yet" in " ".join(_setup.plan_lines(found))


def test_what_an_application_answers_where_nobody_asked_before_is_told(plan, said):
    found = plan({"blue2": place(agent=False, answers=[answered("repository", 200), answered("health", 302)])}, blue2=said(version=None, **NO_AGENT))
    assert not found.refusals
    assert found.notes == ("blue2: shop: http://there/health answers 302: 200 to 299 is good: mend the application, or health_url (bluegreen_components)",)


@pytest.mark.parametrize(
    "has, differs",
    [
        ({}, ()),
        ({"baseurl": "http://old/"}, ("baseurl of the repository is http://old/",)),
        ({"proxy": "http://proxy:3128"}, ("proxy of the repository is http://proxy:3128",)),
        ({"gpgcheck": "True"}, ("gpgcheck of the repository is True",)),
    ],
)
def test_what_is_otherwise_in_the_file_of_the_repository(plan, has, differs):
    manager = [{**entry, "value": has.get(entry["option"], entry["value"])} for entry in place()["manager"]]
    found = plan({"blue2": place(manager=manager)}, agents=dict.fromkeys(NAMES, asked("nothing")))
    assert {change.node: change.client for change in found.changes}["blue2"] == differs
    # Nothing that runs reads it.
    assert not found.order
    assert plan({"blue2": place(manager=[])}).changes[1].client[-1] == "it does not know the repository halfswap"


def test_whose_agents_can_be_asked(said):
    there = {"blue1": place_of({"checked": place()}), "blue2": place_of({"checked": place(agent=False)}), "green1": {}}
    assert _setup.with_agents(Seen([], places=there)) == ["blue1"]


def test_what_nodes_say_is_fit_to_be_shown(plan, canary):
    found = plan(agents={"blue1": asked(differs=[canary.text], faults=[]), "blue2": asked(faults=[canary.text])})
    for line in [*_setup.plan_lines(found), *(refusal.told for refusal in found.refusals)]:
        canary.shown_in(line)
    for line in _setup.plan_lines(plan(agents={"blue1": asked(differs=[canary.text])})):
        canary.shown_in(line)


# Whether a node may be changed now ------------------------------------------------------------------


@pytest.fixture
def permitted(said):
    def judged(takes="reload", live=True, unanswered=None, unproven=(), lost=(), **nodes):
        read = [read_node(name, name[:-1], nodes.get(name, said())) for name in NAMES]
        change = {"node": "blue1", "takes": takes, "live": live}
        return [refusal.told for refusal in _setup.refuse_change(read, change, unanswered or {}, unproven, lost, "r1", LIMITS)]

    return judged


def test_a_change_that_nobody_notices_may_be_made(permitted, said):
    assert permitted() == [] and permitted("start", live=False, blue1=said(version=None, **NO_AGENT)) == []
    # Who else serves is no matter.
    assert permitted(green1=said(healthy=False), green2=said(state="standby")) == []


def test_what_keeps_every_change_from_being_made(permitted, said):
    assert permitted(lost=["green2"]) == ["HS-LOST: green2 has left this run, see above"]
    assert permitted(unanswered={"green2": "it is unreachable"}) == ["HS-UNREAD: green2: it is unreachable"]
    assert permitted(unproven=["blue2"]) == ["HS-UNPROVEN: blue2 was to be set up before, and nothing proves that it was"]
    assert permitted(green2={**said(), "lock": LOCK}) == ["HS-LOCKED: green2: the lock is held by ops@other (run r9)"]


def test_a_restart_is_judged_by_what_the_others_say_now(permitted, said):
    assert permitted("restart") == []
    assert permitted("restart", green1=said(healthy=False))[0].startswith("HS-MIN-LIVE: 2 of at least 3 other nodes")
    assert permitted("restart", live=False, blue1=said(state="standby"), green1=said(healthy=False)) == []
    # It has come live since the plan was made, or nobody knows.
    assert permitted("restart", live=False, green1=said(healthy=False)) != []
    assert permitted("restart", live=False, blue1=said(version=None, **NO_AGENT)) != []


# Whether it answers as before -----------------------------------------------------------------------


def after(before, ago=0.1, **heartbeat):
    now = copy.deepcopy(before)
    now["components"][0]["heartbeat"].update(heartbeat)
    for prober in now["components"][0]["heartbeat"]["probers"] or ():
        prober["last_seen_s"] = ago
    return now


def lacking(before, now, since_s=1.0, agents=("shop",)):
    return _setup.unproven("blue1", before, now, agents, BALANCERS, since_s)


def test_a_node_that_answers_as_before_is_proven(said):
    before = said()
    assert lacking(before, after(before)) == []
    # What was down may stay so, and what was not asked need not be.
    down = said(healthy=False)
    assert lacking(down, after(down)) == []
    quiet = after(before, ago=3600.0)
    assert lacking(quiet, after(quiet, probers=[])) == []


@pytest.mark.parametrize(
    "changes, says",
    [
        ({"state": "standby"}, "shop: it was live, and is standby"),
        ({"healthy": False, "why": "HTTP 302"}, "shop: it was healthy, and is not any more: HTTP 302"),
        ({"probers": []}, "shop: load balancer live (10.0.0.5) asked for /heartbeat/live, and has not asked again"),
    ],
)
def test_what_is_otherwise_than_before_is_told(said, changes, says):
    before = said()
    assert says in lacking(before, after(before, **changes))


def test_who_asks_has_to_ask_again_after_the_change(said):
    before = said()
    assert lacking(before, after(before, ago=1.5), since_s=1.0) != []
    assert lacking(before, after(before, ago=0.9), since_s=1.0) == []


def test_a_stranger_does_not_have_to_ask_again(said):
    """Somebody's monitoring asks every five minutes."""
    before = said()
    stranger = {**before["components"][0]["heartbeat"]["probers"][0], "address": "10.0.0.9", "interval_s": 300.0, "last_seen_s": 200.0}
    asked_before = after(before)
    asked_before["components"][0]["heartbeat"]["probers"].append(stranger)
    assert lacking(asked_before, after(before)) == []
    assert _setup.patience_s("blue1", asked_before, BALANCERS) == 10.0


def test_a_node_that_does_not_answer_is_not_proven(said):
    before = said()
    for now, says in (({"failed": True, "msg": "no rpm"}, "its reading failed: no rpm"), (None, "it was not read"), (said(**NO_AGENT), "no heartbeat answers")):
        (told,) = lacking(before, now)
        assert says in told


def test_a_first_start_is_proven_by_an_answer(said):
    assert lacking(said(version=None, **NO_AGENT), said(state="standby", healthy=False)) == []
    assert lacking({"failed": True}, said(state="standby")) == []


def test_only_what_has_an_agent_is_proven(said):
    """Another component keeps its heartbeat by itself, and is not deployed yet."""
    both = said()
    both["components"].append({**said(**NO_AGENT)["components"][0], "name": "basket"})
    assert lacking(both, after(both)) == []
    assert lacking(both, after(both), agents=["shop", "basket"]) != []


@pytest.mark.parametrize("interval_s, expected", [(0.5, 10.0), (4.0, 20.0), (60.0, 300.0), (None, 10.0)])
def test_how_long_a_proof_may_take(said, interval_s, expected):
    before = said()
    for prober in before["components"][0]["heartbeat"]["probers"]:
        prober["interval_s"] = interval_s
    assert _setup.patience_s("blue1", before, BALANCERS) == expected
    assert _setup.patience_s("blue1", {"failed": True}, BALANCERS) == 10.0


# Where it stands ------------------------------------------------------------------------------------


def test_where_a_set_up_stands():
    assert _setup.end_lines(NAMES, NAMES, "green2", True, False) == ["SET-UP complete: blue1, blue2, green1, green2 changed and proven."]
    assert _setup.end_lines([], [], "", True, False) == ["SET-UP complete: no node had to be changed."]
    assert _setup.end_lines(NAMES, [], "", True, True) == ["This run changed nothing (--check)."]
    assert _setup.end_lines(NAMES, ["blue1"], "blue2", False, False) == [
        "SET-UP stopped.",
        "Changed and proven: blue1.",
        "Begun, and not proven: blue2.",
        "As before: green1, green2.",
        "Mend what is said above, and run the same command again: it does what is missing.",
    ]
    assert _setup.end_lines(NAMES, [], "", False, False)[1] == "As before: blue1, blue2, green1, green2."
