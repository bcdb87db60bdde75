# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy
from pathlib import Path

import pytest

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.site.description import INTERNAL, KNOWN, Description, SiteError, Untemplated
from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.site.table import VARIABLES

SITE = {
    "bluegreen_components": [{"name": "shop", "port": 8080, "health_url": "http://127.0.0.1:8080/health", "heartbeat": {"port": 9180}}],
    "bluegreen_load_balancers": [{"name": "live", "follows": "live"}, {"name": "standby", "follows": "standby", "url": "http://192.0.2.6"}],
    "bluegreen_repository": {"url": "http://192.0.2.30:8008/"},
    "bluegreen_token": "0123456789abcdef",
}


def template(value):
    """Jinja's part: what has braces is undefined, but for one name."""
    if isinstance(value, dict):
        return {key: template(each) for key, each in value.items()}
    if isinstance(value, list):
        return [template(each) for each in value]
    if value == "{{ the_release }}":
        return "2.0.0"
    if isinstance(value, str) and "{{" in value:
        raise Untemplated(f"its template cannot be filled in ('{value.strip('{} ')}' is undefined).")
    return value


def check(variables, playbook="deploy", needed=(), extra=()):
    return Description(variables, template, extra).check(playbook, needed)


def faults(variables, playbook="deploy", needed=(), extra=()):
    with pytest.raises(SiteError) as error:
        check(variables, playbook, needed, extra)
    return list(error.value.faults)


@pytest.mark.parametrize("name", ["__bluegreen_run_id", "__bluegreen_complete", "__swap_result"])
def test_what_a_run_finds_out_is_not_given_with_e(name):
    (fault,) = faults({**SITE, name: "x"}, extra=[name, "__mine"])
    assert fault.startswith(f"{name} is given with -e, but names that begin with __ are the collection's own")
    assert check({**SITE, name: "x"})


def test_roles_have_names_that_are_kept_for_them():
    roles = {path.name for path in (Path(__file__).parents[5] / "roles").iterdir()}
    assert {f"__{role}_" for role in roles} | {"__bluegreen_"} == set(INTERNAL)


def test_the_smallest_site_with_its_defaults():
    site = check(SITE)
    assert site["components"][0]["package"] == site["components"][0]["service"] == "shop"
    assert site["components"][0]["heartbeat"] == {"port": 9180, "control_port": 9181}
    assert site["load_balancers"][0] == {"name": "live", "follows": "live", "kind": "haproxy", "path": "/heartbeat/live", "fall": 3, "rise": 2, "probers": 1}
    assert site["repository"]["name"] == "halfswap"
    assert (site["strategy"], site["min_live"], site["without"], site["observe_s"], site["drain_quiet_s"]) == ("halves", 0, [], None, 1.0)
    assert set(site) == set(KNOWN) - {"application", "applications"}


# Every key of the table --------------------------------------------------------------------------------

GOOD = {"str": "x", "int": 7, "float": 1.5, "bool": True, "list": ["x"], "dict": {}, "count": "25%", "any": "2.0.0"}
WRONG = {"str": 5, "int": "many", "float": [], "bool": "perhaps", "list": "opaque", "dict": "opaque", "count": "half"}
# Where a name alone does not do.
SAMPLES = {
    "url": "http://192.0.2.1/",
    "path": "/heartbeat/x",
    "follows": "live",
    "addresses": ["10.0.0.5"],
    "days": ["mon"],
    "from": "09:00",
    "until": "10:00",
    "live_url": "http://x/",
}


def rows(keys, parents=(), playbook="deploy"):
    """Every key with the keys around it, and a playbook that reads it."""
    for key in keys:
        reader = key.reads[0] if key.reads else playbook
        yield parents, key, reader
        if key.keys is not None:
            yield from rows(key.keys, (*parents, key), reader)


ROWS = [row for row in rows(VARIABLES) if row[1].name not in ("application", "applications")]


def name_of(row):
    return ".".join(key.name for key in (*row[0], row[1]))


def sample(key):
    """The least that is right for a key."""
    if key.choices:
        return key.choices[0]
    if key.keys is not None:
        inner = {each.name: sample(each) for each in key.keys if each.required}
        return [inner] if key.type == "list" else inner
    if key.name in SAMPLES or key.name.endswith("_url"):
        return SAMPLES.get(key.name, "http://192.0.2.1/")
    if key.type == "list":
        return [GOOD[key.elements]]
    return int(key.maximum or 7) if key.type == "int" else GOOD[key.type]


def place(row, value, name=None):
    """A site in which this key has this value (with name: under another name), and the place of it in messages."""
    parents, key, _playbook = row
    variables = copy.deepcopy(SITE)
    name = name or key.name
    if not parents:
        variables.pop(f"bluegreen_{key.name}", None)
        if value is not ...:
            variables[f"bluegreen_{name}"] = value
        return variables, f"bluegreen_{key.name}"
    where, top = f"bluegreen_{parents[0].name}", parents[0]
    entry = variables.setdefault(where, sample(top))
    for number, parent in enumerate(parents):
        if number:
            entry = entry.setdefault(parent.name, sample(parent))
        if parent.type == "list":
            if not entry:
                entry.append(sample(parent)[0])
            entry = entry[0]
    had = entry.pop(key.name, None)
    if value is not ...:
        entry[name] = value
    del had
    return variables, key.name


@pytest.mark.parametrize("row", ROWS, ids=name_of)
def test_every_key_misspelt(row):
    key = row[1]
    variables, _where = place(row, sample(key), f"{key.name}x")
    found = faults(variables, row[2])
    text = f"bluegreen_{key.name}x is no variable of this collection" if not row[0] else f"has the unknown key {key.name}x"
    (said,) = [fault for fault in found if text in fault]
    assert key.name in said.split(text)[1]


@pytest.mark.parametrize("row", [row for row in ROWS if row[1].type in WRONG], ids=name_of)
def test_every_key_of_a_wrong_type(row):
    value = WRONG[row[1].type]
    variables, where = place(row, value)
    found = faults(variables, row[2])
    (said,) = [fault for fault in found if f"{where} is " in fault and "belongs there" in fault]
    if row[1].secret:
        assert str(value) not in said


@pytest.mark.parametrize("row", [row for row in ROWS if row[1].minimum is not None], ids=name_of)
def test_every_number_too_small(row):
    key = row[1]
    low = key.minimum if key.above else key.minimum - 1
    if key.type == "count" and low < 0:
        pytest.skip("a count has no sign: it is of a wrong type")
    variables, where = place(row, str(int(low)) if key.type == "count" else low)
    (said,) = [fault for fault in faults(variables, row[2]) if f"{where} is " in fault]
    assert f"it must be {'above' if key.above else 'at least'} {key.minimum:g}" in said


@pytest.mark.parametrize("row", [row for row in ROWS if row[1].maximum is not None], ids=name_of)
def test_every_number_too_large(row):
    variables, where = place(row, row[1].maximum + 1)
    (said,) = [fault for fault in faults(variables, row[2]) if f"{where} is " in fault]
    assert f"it must be at most {row[1].maximum:g}" in said


@pytest.mark.parametrize("row", [row for row in ROWS if row[1].choices], ids=name_of)
def test_every_choice_that_is_none(row):
    variables, where = place(row, "nonsense")
    (said,) = [fault for fault in faults(variables, row[2]) if f"{where} is 'nonsense'" in fault]
    assert ", ".join(row[1].choices) in said


@pytest.mark.parametrize("row", [row for row in ROWS if row[1].required], ids=name_of)
def test_every_key_that_is_needed_and_missing(row):
    parents, key, playbook = row
    variables, _where = place(row, ...)
    found = faults(variables, playbook, [] if parents else [key.name])
    assert [fault for fault in found if (f"bluegreen_{key.name} is not given" if not parents else f"has no {key.name}") in fault]


@pytest.mark.parametrize("row", [row for row in ROWS if not row[0] and row[1].type in ("int", "float", "bool")], ids=name_of)
def test_what_comes_as_text_from_the_command_line_or_a_survey(row):
    key, playbook = row[1], row[2]
    value = sample(key)
    assert check({**SITE, f"bluegreen_{key.name}": str(value)}, playbook)[key.name] == value
    assert check({**SITE, f"bluegreen_{key.name}": ""}, playbook)[key.name] == key.default


@pytest.mark.parametrize("value", ["nan", "inf", float("nan"), float("inf"), True, "1e999"])
def test_a_number_that_is_none(value):
    (said,) = faults({**SITE, "bluegreen_drain_quiet_s": value})
    assert "a number belongs there" in said


def test_a_sanity_test_without_a_way():
    site = {**SITE, "bluegreen_load_balancers": [{"name": "live", "follows": "live"}, {"name": "standby", "follows": "standby"}]}
    assert faults(site)[0].startswith("bluegreen_load_balancers: none that follows standby has a url, through which the sanity test goes")
    # Whoever sets a site up is told what its first deployment would be refused for.
    with pytest.raises(SiteError, match="none that follows standby has a url"):
        check(site, "setup")
    check(site, "status")
    check({**site, "bluegreen_components": [{**SITE["bluegreen_components"][0], "standby_url": "http://192.0.2.6:81"}]})


def test_a_comparison_without_a_way():
    balancers = [{"name": "live", "follows": "live"}, {"name": "standby", "follows": "standby", "url": "http://192.0.2.6"}]
    compared = {**SITE["bluegreen_components"][0], "compare": {"paths": ["/"]}}
    site = {**SITE, "bluegreen_load_balancers": balancers, "bluegreen_components": [compared]}
    assert faults(site) == [
        f"component {compared['name']} has the key compare, but no load balancer that follows live has a url (bluegreen_load_balancers): give one, or "
        "live_url in compare."
    ]
    check(site, "status")
    check({**site, "bluegreen_load_balancers": [{**balancers[0], "url": "http://192.0.2.5"}, balancers[1]]})
    check({**site, "bluegreen_components": [{**compared, "compare": {"paths": ["/"], "live_url": "http://192.0.2.5"}}]})


@pytest.mark.parametrize(
    "live, standby, says",
    [
        ({"path": "/heartbeat/live"}, {"path": "/heartbeat/live"}, "two check the same path /heartbeat/live"),
        # The path that nobody wrote down counts, too.
        ({}, {"path": "/heartbeat/live"}, "two check the same path /heartbeat/live"),
        ({"path": "/heartbeat/standby"}, {}, "two check the same path /heartbeat/standby"),
        ({}, {"path": "/heartbeat/live?lb=2"}, "standby follows standby and checks /heartbeat/live?lb=2, which answers 200 for nodes that are live"),
        ({"path": "/heartbeat/standby?lb=2"}, {}, "live follows live and checks /heartbeat/standby?lb=2, which answers 200 for nodes that are standby"),
        ({"path": "/heartbeat/standby"}, {"path": "/heartbeat/live"}, "live follows live and checks /heartbeat/standby, which answers 200"),
    ],
)
@pytest.mark.parametrize("playbook", ["setup", "deploy"])
def test_paths_of_load_balancers_that_would_send_users_to_the_wrong_nodes(live, standby, says, playbook):
    described = SITE["bluegreen_load_balancers"]
    site = {**SITE, "bluegreen_load_balancers": [{**described[0], **live}, {**described[1], **standby}]}
    with pytest.raises(SiteError) as refused:
        check(site, playbook)
    assert any(says in fault for fault in refused.value.faults)


def test_paths_of_load_balancers_that_can_be_told_apart():
    live, standby = SITE["bluegreen_load_balancers"]
    check({**SITE, "bluegreen_load_balancers": [live, {**live, "name": "live2", "path": "/heartbeat/live?lb=2"}, standby]}, "setup")
    # Whoever matches the body may ask for both states at one path.
    check({**SITE, "bluegreen_load_balancers": [{**live, "path": "/heartbeat?lb=1"}, {**standby, "path": "/heartbeat?lb=2"}]}, "setup")


# Names of packages -------------------------------------------------------------------------------------


def with_package(name):
    return {**SITE, "bluegreen_components": [{**SITE["bluegreen_components"][0], "package": name}]}


@pytest.mark.parametrize("name", ["shop.x86_64", "shop.noarch", "shop-1.0.noarch", "shop-1.0-1.noarch", "shop-2:1.0-1.el8.aarch64"])
def test_a_package_with_more_than_its_name(name):
    (said,) = faults(with_package(name))
    assert "the name alone belongs there: version and architecture come with bluegreen_release" in said or "the name of an RPM has" in said


@pytest.mark.parametrize("name", ["shop", "java-1.8.0-openjdk", "python3.11", "gtk2.0"])
def test_a_package_whose_name_has_digits(name):
    assert check(with_package(name))["components"][0]["package"] == name


# Releases ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["2.0.0", "2.0.0~rc1", "12e4567", "1.0+git.3", "shop-2.0.0-1.noarch", "shop-1:2.0.0-1.el8.x86_64", {"shop": "2.0.0"}])
def test_a_release(value):
    assert check({**SITE, "bluegreen_release": value})["release"] == value


@pytest.mark.parametrize(
    "value, text",
    [
        (3.10, "bluegreen_release is 3.1, which is no text: write the version in quotes"),
        (float("inf"), "bluegreen_release is inf, which is no text"),
        (True, "bluegreen_release is True, which is no text"),
        (["2.0.0"], "bluegreen_release is ['2.0.0'], which is no text"),
        ("2.0.0-1", "bluegreen_release is '2.0.0-1', but a version belongs there, which has no dash"),
        ("1.4.0-rc-1.x", "or the exact package as a plan names it (shop-2.0.0-1.noarch)"),
        ("basket-1.4.0-1.noarch", "but a version belongs there"),
        ("shop-1.4.0-1.z80", "but a version belongs there"),
        ("2.0 0", "but a version belongs there"),
        ("2.0.0\n", "but a version belongs there"),
        ({"shop": 2.0}, "bluegreen_release.shop is 2.0, which is no text"),
        ({"shop": "2.0.0", "basket": "1"}, "bluegreen_release names the component basket, which bluegreen_components does not have (there are shop)"),
        ({}, "bluegreen_release gives no release for the component shop"),
    ],
)
def test_what_is_no_release(value, text):
    (said,) = faults({**SITE, "bluegreen_release": value})
    assert text in said


# What a playbook does not read -------------------------------------------------------------------------


def test_what_is_not_read_is_not_templated():
    shop = {**SITE["bluegreen_components"][0], "build": {"contents": [{"src": "/srv/{{ bluegreen_release }}", "dest": "/usr/share/shop"}]}}
    site = {**SITE, "bluegreen_components": [shop], "bluegreen_repository": {"url": "{{ nobody }}"}}
    assert "build" not in check(site)["components"][0]
    assert any("bluegreen_components: its template cannot be filled in ('" in fault for fault in faults(site, "package"))
    assert check({**site, "bluegreen_token": "{{ vault }}"}, "status")["token"] is None
    (said,) = faults({**SITE, "bluegreen_token": "{{ vault }}"})
    assert said.startswith("bluegreen_token: its template cannot be filled in")


def test_what_is_not_read_is_checked_where_it_is_plain():
    shop = {**SITE["bluegreen_components"][0], "build": {"sumary": "The shop"}}
    (said,) = faults({**SITE, "bluegreen_components": [shop]})
    assert said == "bluegreen_components[shop].build has the unknown key sumary: did you mean summary?"
    (said,) = faults({**SITE, "bluegreen_history_count": 0})
    assert said == "bluegreen_history_count is 0, but it must be at least 1 runs."


def test_every_fault_is_named_at_once_and_nothing_else():
    balancers = [{"name": "live", "follows": "live", "fall": 0, "probers": 0}, {"name": "standby", "follows": "standby"}]
    found = faults({**SITE, "bluegreen_window": {}, "bluegreen_min_lives": 1, "bluegreen_min_live": -1, "bluegreen_load_balancers": balancers})
    assert found == [
        "bluegreen_min_lives is no variable of this collection: did you mean bluegreen_min_live?",
        "bluegreen_window is no variable of this collection: did you mean bluegreen_windows?",
        "bluegreen_load_balancers[live].fall is 0, but it must be at least 1 checks.",
        "bluegreen_load_balancers[live].probers is 0, but it must be at least 1 addresses.",
        "bluegreen_min_live is -1, but it must be at least 0 nodes.",
    ]


@pytest.mark.parametrize(
    "addresses, says",
    [
        (["10.0.0.300"], ".addresses: '10.0.0.300' is no address, such as 10.0.0.5 or fd00::5, and no network, such as 10.0.0.0/28."),
        (["10.0.0.5/24", "0.0.0.0/0"], "the network is 10.0.0.0/24, and the address alone is 10.0.0.5; '0.0.0.0/0' is no network: its length is from 1 to 32."),
        ("10.0.0.5", ".addresses is '10.0.0.5', but a list belongs there."),
        ([10.5], ".addresses[1] is 10.5, but text belongs there: write it in quotes, because YAML changes what looks like a number."),
    ],
)
def test_addresses_that_are_none(addresses, says):
    live, standby = SITE["bluegreen_load_balancers"]
    (said,) = faults({**SITE, "bluegreen_load_balancers": [{**live, "addresses": addresses}, standby]})
    assert said.startswith("bluegreen_load_balancers[live].addresses") and said.endswith(says)


def test_the_variable_that_is_gone_says_what_to_do_instead():
    says = "whoever is no load balancer is not waited for any more: delete it, and give each of bluegreen_load_balancers its addresses."
    assert faults({**SITE, "bluegreen_ignore_probers": ["10.0.0.9"]}) == [f"bluegreen_ignore_probers is no variable of this collection: {says}"]
    own = {**OWN, "ignore_probers": []}
    assert faults({"bluegreen_applications": {"shop": own}}) == [f"bluegreen_applications.shop has the unknown key ignore_probers: {says}"]


@pytest.mark.parametrize("token", ["two words", "line\n", "line\r\n", "tab\tbed", "esc\x1b[2J", "nul\0", "p\u00e4ss"])
def test_a_secret_is_never_quoted(token):
    (said,) = faults({**SITE, "bluegreen_token": token})
    assert said.startswith("bluegreen_token is given, but it has blanks") and token not in said


# Several applications ----------------------------------------------------------------------------------

OWN = {"components": SITE["bluegreen_components"], "load_balancers": SITE["bluegreen_load_balancers"], "token": "of-shop", "strategy": "rolling"}
TWO = {"bluegreen_applications": {"shop": OWN, "crm": {**OWN, "strategy": "cutover"}}}


def test_the_description_under_the_name_of_the_application():
    assert check({"bluegreen_applications": {"shop": OWN}})["strategy"] == "rolling"
    chosen = check({**TWO, "bluegreen_application": "crm", "bluegreen_min_live": 1})
    assert (chosen["strategy"], chosen["min_live"]) == ("cutover", 1)
    # What the operator says now wins over what the inventory says; what the inventory says for all, does not.
    given = {**TWO, "bluegreen_application": "crm", "bluegreen_strategy": "halves"}
    assert check(given)["strategy"] == "cutover"
    assert check(given, extra=["bluegreen_strategy"])["strategy"] == "halves"


def test_an_application_that_nobody_chose_or_knows():
    assert faults(TWO)[0].startswith("bluegreen_application is not given, but bluegreen_applications describes shop, crm: choose one with -e")
    assert faults({**TWO, "bluegreen_application": "cash"})[0].startswith("bluegreen_application is 'cash', but bluegreen_applications describes shop, crm")
    assert (
        faults({**SITE, "bluegreen_application": "../shop"})[0]
        == "bluegreen_application is '../shop': a name has letters, digits, and _ . - after the first one."
    )
    wrong = {"bluegreen_applications": {"shop": {**OWN, "stratgy": "halves", "min_live": -1}}}
    assert faults(wrong) == [
        "bluegreen_applications.shop has the unknown key stratgy: did you mean strategy?",
        "bluegreen_applications.shop.min_live is -1, but it must be at least 0 nodes.",
    ]


# Break-glass -------------------------------------------------------------------------------------------


def glass(**changes):
    given = {"reason": "CHG-4711", "refusals": ["HS-PEAK"], **changes}
    return {**SITE, "bluegreen_override": {key: value for key, value in given.items() if value is not ...}}


def test_an_override_that_is_right():
    assert check(glass(), extra=["bluegreen_override"])["override"] == {"reason": "CHG-4711", "refusals": ["HS-PEAK"]}
    assert check(SITE)["override"] == {}


@pytest.mark.parametrize(
    "changes, text",
    [
        ({"refusals": ["HS-PEEK"]}, "bluegreen_override.refusals: HS-PEEK is the name of no refusal (did you mean HS-PEAK?)"),
        ({"refusals": ["hs-window"]}, "hs-window is the name of no refusal (did you mean HS-WINDOW?)"),
        ({"refusals": ["PEAK"]}, "PEAK is the name of no refusal (did you mean HS-PEAK?)"),
        ({"refusals": ["everything"]}, "everything is the name of no refusal (there are HS-SITE, "),
        ({"refusals": ["HS-PEAK", "HS-LAST"]}, "HS-LAST cannot be passed, whatever the reason: Bring the other half back first"),
        ({"refusals": ["HS-UNREAD"]}, "HS-UNREAD cannot be passed"),
        ({"refusals": ["HS-LOCKED", "HS-SITE"]}, "HS-LOCKED cannot be passed, whatever the reason: Wait for that run. If it is dead: "),
        ({"refusals": []}, "bluegreen_override.refusals is a list, but it is empty: at least one belongs there"),
        ({"refusals": "HS-PEAK"}, "bluegreen_override.refusals is 'HS-PEAK', but a list belongs there"),
        ({"refusals": [7]}, "text belongs there"),
        ({"refusals": ...}, "bluegreen_override has no refusals: "),
        ({"reason": ""}, "bluegreen_override has no reason: why, in words for whoever reads the history"),
        ({"reason": "   "}, "bluegreen_override.reason is '   ', but text belongs there"),
        ({"reason": ...}, "bluegreen_override has no reason: "),
        ({"reason": None}, "bluegreen_override has no reason: "),
        ({"until": "tomorrow"}, "bluegreen_override has the unknown key until: "),
    ],
)
def test_an_override_that_is_refused_before_the_lock(changes, text):
    assert any(text in fault for fault in faults(glass(**changes), extra=["bluegreen_override"]))


def test_an_override_is_for_one_run():
    for variables in (glass(), {**SITE, "bluegreen_applications": {"shop": {"override": glass()["bluegreen_override"]}}}):
        (fault,) = faults(variables)
        assert fault.endswith("override is for one run alone: give it with -e, and take it out of the inventory, where it would outlast the run.")


def replacing(name, **changes):
    return {**SITE, "bluegreen_components": [{**SITE["bluegreen_components"][0], "replaces": name, **changes}]}


@pytest.mark.parametrize("changes", [{}, {"service": "shop.service"}, {"service": "shop"}])
@pytest.mark.parametrize("name", ["shop", "shop.service"])
def test_what_is_replaced_is_not_the_service(name, changes):
    (said,) = faults(replacing(name, **changes))
    assert f"component shop replaces {name}, which is the service of a component" in said


def test_a_unit_that_is_replaced():
    assert check(replacing("shop-legacy"))["components"][0]["replaces"] == "shop-legacy"
    assert check(replacing("shop@1", service="shop@2"))["components"][0]["replaces"] == "shop@1"
    (said,) = faults(replacing("shop.socket"))
    assert "a service belongs there" in said
