# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils._components import ComponentError, view

SHOP = {
    "name": "shop",
    "package": "shop-app",
    "service": "shop",
    "port": 8080,
    "heartbeat": {"port": 9100, "control_port": 9101},
    "health_url": "http://127.0.0.1:8080/health",
    "status_url": "http://127.0.0.1:8080/status",
    "release_key": "release",
    "in_flight_key": "in_flight",
    "requests_key": "requests",
    "build": {"summary": "Orders"},
    "release_header": "X-Release",
}
SANITY = {
    "name": "shop",
    "url": None,
    "further": False,
    "further_alone": False,
    "node_url": "http://127.0.0.1:8080",
    "checks": [{"name": "answers", "path": "/"}],
    "release": "",
    "release_header": "",
    "commands": [],
    "compare": {},
}
OWN = {**SHOP, "name": "own", "heartbeat": {"url": "http://127.0.0.1:8080", "port": 8080}}
STARTABLE = {"service": "shop", "health_url": SHOP["health_url"]}
BARE = {key: SHOP[key] for key in ("name", "package", "service", "port", "heartbeat", "health_url")}


@pytest.mark.parametrize(
    "kind, release, expected",
    [
        ("heartbeat", None, {"name": "shop", "url": "http://127.0.0.1:9101"}),
        ("node", None, {"name": "shop", "package": "shop-app", "service": "shop", "url": "http://127.0.0.1:9101"}),
        ("watch", None, {"name": "shop", "url": "http://127.0.0.1:9101"}),
        ("verify", None, {"name": "shop", "path": "/", "standby_url": "", "unit": "halfswap-heartbeat@shop.service"}),
        ("verify", "store", {"name": "shop", "path": "/", "standby_url": "", "unit": "halfswap-heartbeat@store.shop.service"}),
        (
            "agent",
            None,
            {
                "name": "shop",
                "probe": "0.0.0.0:9100",
                "control": "127.0.0.1:9101",
                "health": {"url": "http://127.0.0.1:8080/health"},
                "status": {"url": "http://127.0.0.1:8080/status", "release_key": "release", "requests_key": "requests"},
            },
        ),
        (
            "drain",
            None,
            {
                "name": "shop",
                "service": "shop",
                "ports": [8080],
                "in_flight_url": "http://127.0.0.1:8080/status",
                "in_flight_key": "in_flight",
                "requests_key": "requests",
            },
        ),
        ("package", "2.0.0", {"name": "shop-app", "version": "2.0.0", **STARTABLE}),
        ("package", {"shop": 2.1}, {"name": "shop-app", "version": "2.1", **STARTABLE}),
        (
            "package",
            {"shop": "shop-app-1:2.0.0-3.el8.noarch"},
            {"name": "shop-app", "version": "2.0.0", "release": "3.el8", "epoch": 1, "arch": "noarch", **STARTABLE},
        ),
        ("package", {"shop": "shop-app-2.0.0-3.x86_64"}, {"name": "shop-app", "version": "2.0.0", "release": "3", "arch": "x86_64", **STARTABLE}),
        (
            "release",
            "2.0.0",
            {"name": "shop", "package": "shop-app", "version": "2.0.0", "service": "shop", "url": "http://127.0.0.1:9101"},
        ),
        ("build", "2.0.0", {"name": "shop-app", "version": "2.0.0", "summary": "Orders"}),
        ("sanity", "2.0.0", {**SANITY, "release": "2.0.0", "release_header": "X-Release"}),
        ("observe", None, {"name": "shop", "service": "shop", "url": "http://127.0.0.1:9101"}),
        ("frontend", None, {"name": "shop", "bind": "*:8080", "port": 8080, "heartbeat_port": 9100}),
        ("frontend", "192.0.2.5", {"name": "shop", "bind": "192.0.2.5:8080", "port": 8080, "heartbeat_port": 9100}),
    ],
)
def test_views(kind, release, expected):
    assert view([SHOP], kind, release) == [expected]


def test_an_application_with_a_heartbeat_of_its_own_needs_no_agent():
    assert view([OWN], "agent") == []
    assert view([OWN], "heartbeat") == [{"name": "own", "url": "http://127.0.0.1:8080"}]


def test_the_least_description():
    assert view([BARE], "agent")[0]["status"] == {}


def test_how_often_health_is_checked_is_the_components_affair():
    patient = {**BARE, "health_timeout_s": 3, "health_interval_s": 1.5, "health_fall": 4}
    assert view([patient], "agent")[0]["health"] == {"url": "http://127.0.0.1:8080/health", "timeout_s": 3, "interval_s": 1.5, "fall": 4}


def test_the_tests_of_a_component():
    compare = {"log": "/var/log/haproxy.log", "log_host": "lb-live"}
    commands = [{"name": "suite", "argv": ["pytest"], "env": {"A": "1", "SANITY_RELEASE": "mine"}}, {"name": "newman", "argv": ["newman"]}]
    tested = {**BARE, "standby_url": "http://lb", "node_url": "https://10.0.0.1", "sanity": [{"path": "/"}], "sanity_commands": commands, "compare": compare}
    (found,) = view([tested], "sanity", {"shop": "shop-app-1:2.0.0-3.el8.noarch"})
    assert (found["url"], found["node_url"], found["checks"], found["compare"]) == ("http://lb", "https://10.0.0.1", [{"path": "/"}], compare)
    # The commands are told the release, whether answers tell it or not.
    assert [command["env"] for command in found["commands"]] == [
        {"SANITY_RELEASE": "mine", "SANITY_COMPONENT": "shop", "A": "1"},
        {"SANITY_RELEASE": "2.0.0", "SANITY_COMPONENT": "shop"},
    ]


def test_what_a_bare_component_needs():
    assert view([BARE], "build", "1") == []
    assert view([BARE], "sanity", "1") == [SANITY]
    assert view([BARE], "drain", "kernel") == [{"name": "shop", "service": "shop", "ports": [8080]}]
    assert view([{**BARE, "long_lived_ports": [8090]}], "drain", "kernel") == [{"name": "shop", "service": "shop", "ports": [8080], "long_lived_ports": [8090]}]


@pytest.mark.parametrize(
    "changes, further, alone",
    [
        ({}, False, False),
        ({"sanity": [{"path": "/"}, {"path": "/b", "through": "balancer"}]}, False, False),
        ({"sanity": [{"path": "/"}, {"path": "/b", "through": "node"}]}, True, True),
        ({"sanity": [{"path": "/", "through": "both"}]}, True, True),
        ({"sanity_commands": [{"name": "suite", "argv": ["pytest"]}]}, True, True),
        # Where there is nothing to compare with, there is nothing further.
        ({"compare": {"log": "/var/log/haproxy.log", "log_host": "lb-live"}}, True, False),
    ],
)
def test_what_is_more_than_checks_through_the_load_balancer(changes, further, alone):
    (found,) = view([{**BARE, **changes}], "sanity", "2.0.0")
    assert (found["further"], found["further_alone"]) == (further, alone)


@pytest.mark.parametrize(
    "components, text",
    [
        (None, "must be a list with at least one component"),
        ([], "must be a list with at least one component"),
        (["shop"], "bluegreen_components[1] is 'shop', but a dictionary belongs there"),
        ([{**SHOP, "package": "shop-1.0.0-1.noarch"}], "bluegreen_components[shop].package is"),
        ([{key: SHOP[key] for key in SHOP if key != "port"}], "bluegreen_components[shop] has no port"),
        (
            [{key: SHOP[key] for key in SHOP if key not in ("name", "heartbeat")}],
            "bluegreen_components[1] has no name: name of the component. bluegreen_components[1] has no heartbeat",
        ),
        ([{**SHOP, "heartbeat": {"url": "http://127.0.0.1:8080"}}], "bluegreen_components[shop].heartbeat has no port"),
        ([{**SHOP, "heartbeat": 9100}], "bluegreen_components[shop].heartbeat is 9100, but a dictionary belongs there"),
        ([SHOP, SHOP], "component shop is described twice"),
        (
            [SHOP, {**SHOP, "name": "shop2", "service": "shop@2"}],
            "components shop and shop2 have the same package shop-app: several instances of one RPM on a node",
        ),
        (
            [{key: SHOP[key] for key in SHOP if key != "package"}, {**SHOP, "name": "web", "package": "shop"}],
            "components shop and web have the same package shop:",
        ),
        ([{**SHOP, "service": "shop.socket"}], "a service belongs there, whose process can be proven: name the service that the socket starts"),
        ([{**SHOP, "service": "shop.target"}], "name the service that the target starts"),
        ([{**SHOP, "service": "shop@"}], "a template runs nothing by itself: name one instance of it"),
        ([{**SHOP, "service": "shop@.service"}], "a template runs nothing by itself"),
        ([{**SHOP, "service": "shop cart"}], "the name of a systemd unit has letters, digits"),
        ([{**SHOP, "service": "../shop"}], "the name of a systemd unit has letters, digits"),
        ([{**SHOP, "sanity": [{"path": "/", "regex": "("}]}], "component shop: sanity, check GET /: regex is not a regular expression ("),
    ],
)
def test_a_wrong_description_names_component_and_key(components, text):
    with pytest.raises(ComponentError) as error:
        view(components, "node")
    assert text in str(error.value)


@pytest.mark.parametrize("service", ["shop", "shop.service", "shop@1", "shop@1.service", "my.shop", "shop\\x2dapp", "dbus-:1.2-org.shop@0"])
def test_names_of_services(service):
    assert view([{**SHOP, "service": service}], "observe")[0]["service"] == service


def test_a_package_whose_health_is_its_heartbeats_affair():
    own = {**BARE, "heartbeat": {"port": 8080, "url": "http://127.0.0.1:8080"}, "health_url": ""}
    assert view([own], "package", "2.0.0") == [{"name": "shop-app", "version": "2.0.0", "service": "shop"}]


@pytest.mark.parametrize("release", [None, "", {}, {"other": "1"}])
def test_no_release(release):
    with pytest.raises(ComponentError) as error:
        view([SHOP], "release", release)
    assert "no release is given for component shop: set bluegreen_release" in str(error.value)


def test_a_count_that_nobody_keeps():
    with pytest.raises(ComponentError) as error:
        view([BARE], "drain", "counter")
    assert "component shop has no status_url and in_flight_key" in str(error.value) and "bluegreen_drain_method to kernel" in str(error.value)


def test_an_unknown_view():
    with pytest.raises(ComponentError) as error:
        view([SHOP], "nonsense")
    assert "there is no view nonsense" in str(error.value)


def test_what_follows_from_other_keys():
    least = {"name": "shop", "port": 8080, "health_url": "http://127.0.0.1:8080/health", "heartbeat": {"port": 9180}}
    assert view([least], "node") == [{"name": "shop", "package": "shop", "service": "shop", "url": "http://127.0.0.1:9181"}]
    assert view([least], "agent")[0]["control"] == "127.0.0.1:9181"


def test_how_much_a_node_can_serve():
    assert view([SHOP], "capacity") == []
    assert view([{**SHOP, "capacity_per_s": 80}], "capacity") == [{"name": "shop", "per_s": 80.0}]
    with pytest.raises(ComponentError) as error:
        view([{**BARE, "capacity_per_s": 80}], "capacity")
    assert "component shop has a capacity_per_s, but no requests_key" in str(error.value)


FLAG = {**SHOP, "heartbeat": {"profile": "file", "path": "/var/www/shop/live", "port": 80}}
GET = {"url": "http://127.0.0.1:8080/ready"}
ACTUATOR = {
    **SHOP,
    "health_timeout_s": 3,
    "heartbeat": {
        "profile": "http",
        "via": "tunnel",
        "port": 8080,
        "read": {**GET, "live": {"status": [200]}, "standby": {"status": [503]}},
        "live": {**GET, "method": "POST"},
        "standby": {**GET, "method": "DELETE"},
    },
}


def test_a_heartbeat_of_another_kind_goes_to_the_modules_as_it_is_described():
    status = {"url": "http://127.0.0.1:8080/status", "release_key": "release", "requests_key": "requests"}
    file = {"profile": "file", "path": "/var/www/shop/live", "health": {"url": "http://127.0.0.1:8080/health"}, "status": status}
    assert view([FLAG], "heartbeat") == [{"name": "shop", "heartbeat": file}]
    assert view([FLAG], "node") == [{"name": "shop", "package": "shop-app", "service": "shop", "heartbeat": file}]
    assert view([FLAG], "observe") == [{"name": "shop", "service": "shop", "heartbeat": file}]
    assert view([FLAG], "release", "2.0.0") == [{"name": "shop", "package": "shop-app", "version": "2.0.0", "service": "shop", "heartbeat": file}]
    assert view([FLAG], "agent") == view([ACTUATOR], "agent") == []
    assert view([FLAG], "frontend")[0]["heartbeat_port"] == 80
    (actuator,) = view([ACTUATOR], "heartbeat")
    assert actuator["heartbeat"]["via"] == "tunnel" and actuator["heartbeat"]["health"] == {"url": "http://127.0.0.1:8080/health", "timeout_s": 3}
    bare = {**FLAG, "status_url": None}
    assert view([bare], "heartbeat")[0]["heartbeat"]["status"] == {}


def test_a_way_to_the_agent():
    through = {**SHOP, "heartbeat": {**SHOP["heartbeat"], "via": "tunnel"}}
    assert view([through], "heartbeat") == [{"name": "shop", "url": "http://127.0.0.1:9101", "heartbeat": {"via": "tunnel"}}]
    assert len(view([through], "agent")) == 1


@pytest.mark.parametrize(
    "components, text",
    [
        ([{**FLAG, "heartbeat": {"profile": "file", "path": "/live"}}], "bluegreen_components[shop].heartbeat has no port"),
        ([{**FLAG, "health_url": ""}], "component shop has no health_url"),
        ([{**FLAG, "heartbeat": {**FLAG["heartbeat"], "via": "tunnel"}}], "a heartbeat of profile file is only reached on the node"),
        ([{**FLAG, "heartbeat": {**FLAG["heartbeat"], "control_port": 9101}}], "component shop: heartbeat (profile file): unknown key control_port"),
        (
            [{**FLAG, "heartbeat": {**FLAG["heartbeat"], "profile": "smoke"}}],
            "bluegreen_components[shop].heartbeat.profile is 'smoke', but there are api, command, file, http",
        ),
        ([{**ACTUATOR, "heartbeat": {**ACTUATOR["heartbeat"], "via": "pigeon"}}], "heartbeat.via is 'pigeon', but there are node, controller, tunnel"),
        ([{**SHOP, "heartbeat": {**SHOP["heartbeat"], "via": "controller"}}], "listens on the node's 127.0.0.1 only"),
        ([{**SHOP, "heartbeat": {**SHOP["heartbeat"], "path": "/live"}}], "heartbeat has the key path, which its profile (api) does not have"),
        ([ACTUATOR, {**SHOP, "name": "cart"}], "heartbeat.via is node for one and tunnel for another"),
    ],
)
def test_a_wrong_heartbeat_is_named(components, text):
    with pytest.raises(ComponentError) as error:
        view(components, "node")
    assert text in str(error.value)


def test_a_load_that_nobody_tells():
    with pytest.raises(ComponentError) as error:
        view([{**FLAG, "capacity_per_s": 80}], "capacity")
    assert "a heartbeat of another kind does not tell its load" in str(error.value)


def test_requests_that_change_nothing_go_where_the_sanity_test_reads():
    checks = [{"path": "/order", "method": "post"}, {"name": "list", "path": "/orders"}, {"path": "/"}]
    component = {**SHOP, "sanity": checks, "standby_url": "http://192.0.2.6:81"}
    assert view([component], "verify") == [{"name": "shop", "path": "/orders", "standby_url": "http://192.0.2.6:81", "unit": "halfswap-heartbeat@shop.service"}]


def test_only_a_heartbeat_beside_the_application_is_stopped_and_only_one_with_a_book_is_watched():
    assert view([OWN], "verify")[0]["unit"] == ""
    assert view([OWN], "watch") == [{"name": "own", "url": "http://127.0.0.1:8080"}]
    flag = {**SHOP, "heartbeat": {"profile": "file", "port": 8080, "path": "/run/live"}}
    assert (view([flag], "verify")[0]["unit"], view([flag], "watch")) == ("", [])


@pytest.mark.parametrize(("address", "probe"), [("::", "[::]:9100"), ("[::]", "[::]:9100"), ("fd00::5", "[fd00::5]:9100"), ("192.0.2.5", "192.0.2.5:9100")])
def test_an_agent_listens_on_addresses_of_both_families(address, probe):
    (agent,) = view([{**SHOP, "heartbeat": {**SHOP["heartbeat"], "address": address}}], "agent")
    assert agent["probe"] == probe


def test_where_a_node_looks_before_a_deployment():
    (found,) = view([{**BARE, "status_url": "http://127.0.0.1:8080/status", "in_flight_key": "in_flight"}], "check")
    agent = f"halfswap-heartbeat@{BARE['name']}.service"
    assert (found["agent"], found["health_url"], found["keys"]) == (agent, BARE["health_url"], {"release": "release", "in_flight": "in_flight"})
    heartbeat = BARE["heartbeat"]["port"]
    assert [(port["port"], port["unit"], port["outside"]) for port in found["ports"]] == [
        (BARE["port"], BARE["name"], True),
        (heartbeat, agent, True),
        (heartbeat + 1, agent, False),
    ]


def test_an_application_with_a_heartbeat_of_its_own_has_no_agent_to_look_for():
    own = {**BARE, "heartbeat": {"port": BARE["port"], "url": "http://127.0.0.1:8080"}}
    (found,) = view([own], "check")
    assert (found["agent"], found["keys"], [port["port"] for port in found["ports"]]) == ("", {}, [BARE["port"]])


def test_the_ways_of_a_component_have_no_secrets():
    secret = {**BARE, "sanity": [{"path": "/", "headers": {"Authorization": "s3cret"}}], "heartbeat": {**BARE["heartbeat"], "address": "10.0.0.1"}}
    assert view([secret], "way") == [{"name": BARE["name"], "port": BARE["port"], "heartbeat": {"port": BARE["heartbeat"]["port"]}}]


def test_what_the_application_changes_is_told_to_whoever_compares_files():
    changing = {**SHOP, "may_differ": ["/opt/shop/cache/*"]}
    for kind in ("node", "package", "release"):
        assert view([changing], kind, "2.0.0")[0]["may_differ"] == ["/opt/shop/cache/*"]
        assert "may_differ" not in view([SHOP], kind, "2.0.0")[0]
    # The switch compares none.
    assert "may_differ" not in view([changing], "switch")[0]


def test_what_was_adopted_has_no_package_to_stage_and_no_version():
    shop = {**SHOP, "replaces": "old"}
    assert view([shop], "package", {"shop": None}) == []
    (released,) = view([shop], "release", {"shop": None})
    assert (released["as_adopted"], released["replaces"], "version" in released) == (True, "old", False)
    assert (view([shop], "sanity", {"shop": None})[0]["release"], view([shop], "test", {"shop": None})[0].get("release")) == ("", None)
    for kind in ("node", "switch", "observe", "check"):
        assert view([shop], kind)[0]["replaces"] == "old"
    assert view([shop], "drain", "kernel")[0]["replaces"] == "old"
    assert view([shop], "package", "2.0.0")[0]["replaces"] == "old" and "as_adopted" not in view([shop], "release", "2.0.0")[0]
    # Nobody asks for it by leaving the version out.
    for nothing in (None, "", {}, {"basket": None}):
        with pytest.raises(ComponentError):
            view([shop], "package", nothing)
