# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import errno
import json
import os

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils import _secrets
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node import _lock, _owed, _records, _release_record, _whose
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._records import RecordsError
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._whose import Foreign
from ansible_collections.halfswap.bluegreen.plugins.module_utils.steps import node_info
from ansible_collections.halfswap.bluegreen.plugins.modules import journal_info, step

NEVRA = "%s-1.0.0-1.noarch"


@pytest.fixture
def said(run_module, monkeypatch):
    """said(step, options) is what the node says to it; of reading it, the record is enough."""
    monkeypatch.setattr(node_info, "read", lambda module, components: dict(changed=False, record=_release_record.read()))

    def run(name, check_mode=False, **options):
        if name == "journal_info":
            return run_module(journal_info, options, check_mode=check_mode)
        with monkeypatch.context() as patch:
            patch.setattr(_secrets.Module, "handed", None)
            return run_module(step, dict(step=name, options=options), check_mode=check_mode)

    return run


def own(records, name="shop"):
    return records / "applications" / name


def served(application, *components):
    """A run of the application brings the node live."""
    _whose.choose(application, components)
    _release_record.served({name: NEVRA % name for name in components}, "r1")
    _records.append("r1", "ops@laptop", "packages", [], [NEVRA % name for name in components])


def hold(application, *components, **more):
    params = dict(run_id="r2", owner="ops@laptop", host="laptop", reason="", ttl_s=600.0, take_over=None, process=None, node="blue1")
    _whose.choose(application, components)
    return _lock.hold(dict(params, **more), False)


def tree(directory):
    """Every file below it and its content, without locks of processes."""
    found = {}
    for folder, _folders, names in os.walk(str(directory)):
        for name in names:
            if not name.startswith("."):
                with open(os.path.join(folder, name)) as file:
                    found[os.path.relpath(os.path.join(folder, name), str(directory))] = file.read()
    return found


def without_a_name(records):
    """The records that an application shop has left on the node, with all that may be among them."""
    served("", "shop")
    _owed.keep(["shop.service"])
    folder = records / "packages" / (NEVRA % "shop")
    folder.mkdir(parents=True)
    (folder / (NEVRA % "shop" + ".rpm")).write_bytes(b"an RPM")
    return tree(records)


def test_an_application_without_a_name_keeps_its_records_where_they_were(records):
    served("", "shop")
    assert _records.path("release.json") == str(records / "release.json") and (records / "release.json").exists()


def test_one_with_a_name_has_its_own(records):
    served("shop", "shop")
    assert sorted(tree(own(records))) == ["journal.jsonl", "release.json"] and sorted(tree(records)) == [
        "applications/shop/journal.jsonl",
        "applications/shop/release.json",
    ]
    for folder in (records, records / "applications", own(records)):
        # The agents have users of their own.
        assert os.stat(str(folder)).st_mode & 0o777 == 0o755


@pytest.mark.parametrize("name", ["..", ".", "../etc", "a/b", "/etc", ".hidden", "-rf", "a b", "a\n", "a\x00", "shop\n", "{{ x }}", "caf\xe9", "a" * 101])
def test_a_name_that_is_no_directory_of_ours_is_refused(records, name):
    with pytest.raises(RecordsError, match="is no name of an application.*bluegreen_application"):
        _whose.choose(name, ["shop"])
    assert not records.exists()


@pytest.mark.parametrize("name", ["shop", "Shop_2", "web-shop", "7", "a.b", "a..b", "a" * 100])
def test_a_name_that_is_one(records, name):
    served(name, "shop")
    assert (own(records, name) / "release.json").exists()


def test_a_module_refuses_such_a_name_before_anything(said, records):
    result = said("deploy_lock", run_id="r1", owner="ops@laptop", host="laptop", application="../shop")
    assert result.failed and "../shop is no name of an application" in result["msg"] and not records.exists()
    assert said("journal_info", application="/etc").failed


def test_two_named_ones_are_apart(said, records):
    served("shop", "shop")
    served("crm", "crm")
    for name in ("shop", "crm"):
        held = said("deploy_lock", run_id="of-" + name, owner="ops", host="x", application=name, application_components=[name])
        assert held["changed"], held
    for name in ("shop", "crm"):
        found = said("journal_info", application=name, application_components=[name])
        assert found["lock"]["run_id"] == "of-" + name
        assert [line["after"] for line in found["lines"] if line["what"] == "packages"] == [[NEVRA % name]]
    # The same one twice is not.
    again = said("deploy_lock", run_id="r9", owner="ops", host="x", application="crm", application_components=["crm"])
    assert again.failed and "the lock is held by" in again["msg"]


@pytest.mark.parametrize("theirs, mine", [(["shop"], ["radicale"]), (["shop", "cart"], ["crm", "mail"]), (["a"], ["A"])])
def test_a_second_one_without_a_name_is_refused_in_words(records, theirs, mine):
    served("", *theirs)
    before = tree(records)
    with pytest.raises(Foreign) as refused:
        hold("", *mine)
    text = str(refused.value)
    assert text.startswith("Refused, nothing was changed: the records in %s on this node are those of an application with the component" % records)
    assert ", ".join(sorted(theirs)) in text and ", ".join(sorted(mine)) in text and "bluegreen_application" in text
    assert tree(records) == before


@pytest.mark.parametrize("more", [["shop", "cart"], ["shop"]])
def test_one_that_gets_or_loses_a_component_is_still_the_same(records, more):
    served("", "shop", "mail")
    assert hold("", *more)["changed"]


def test_where_the_components_are_not_known_nothing_is_compared(records):
    served("", "shop")
    assert hold("")["changed"]


@pytest.mark.parametrize(
    "name, options",
    [
        ("node_info", dict(components=[])),
        ("journal_info", {}),
        ("end", dict(components=[], run_id="r2", owner="ops", host="x")),
        ("deploy_lock", dict(run_id="r2", owner="ops", host="x")),
    ],
)
def test_who_only_reads_is_refused_as_well(said, records, name, options):
    served("", "shop")
    result = said(name, check_mode=True, application_components=["radicale"], **options)
    assert result.failed and "give this one a name of its own with bluegreen_application" in result["msg"]
    assert result.get("foreign") is (True if name == "deploy_lock" else None)


def test_a_named_one_beside_one_without_a_name(records):
    served("", "shop")
    before = tree(records)
    assert hold("crm", "crm")["changed"]
    assert {name: text for name, text in tree(records).items() if not name.startswith("applications/crm/")} == before


@pytest.mark.parametrize("there, here", [("crm", "shop"), ("crm", ""), ("", "crm")])
def test_a_component_belongs_to_one_application(records, there, here):
    served(there, "shop", "cart")
    before = tree(records)
    with pytest.raises(Foreign) as refused:
        hold(here, "cart", "mail")
    assert "the component cart belongs to %s on this node" % ("application crm" if there else "an application without a name") in str(refused.value)
    assert tree(records) == before


# ---- Taking over ------------------------------------------------------------------------------------------------------------------------


def test_the_first_run_under_a_name_takes_the_records_over_whole(records):
    before = without_a_name(records)
    assert hold("shop", "shop")["changed"]
    after = tree(own(records))
    journal = before.pop("journal.jsonl")
    assert after.pop("journal.jsonl").startswith(journal) and "lock.json" in after
    del after["lock.json"]
    assert after == before and "packages/shop-1.0.0-1.noarch/shop-1.0.0-1.noarch.rpm" in after
    # Nothing of it is left where it was.
    assert not [name for name in tree(records) if not name.startswith("applications/shop/")] and not (records / "packages").exists()
    assert not (own(records) / _whose.UNFINISHED).exists()
    # The next run finds them there.
    assert hold("shop", "shop")["changed"] is False


def test_until_then_they_are_used_where_they_are(said, records):
    before = without_a_name(records)
    asked = dict(application="shop", application_components=["shop"])
    assert said("node_info", components=[], **asked)["record"]["current"] == {"shop": NEVRA % "shop"}
    assert [line["what"] for line in said("journal_info", **asked)["lines"]] == ["packages"]
    assert said("deploy_lock", check_mode=True, run_id="r2", owner="ops", host="x", **asked)["changed"]
    assert tree(records) == before and not (records / "applications").exists()


def test_a_step_takes_them_over_too(said, records):
    without_a_name(records)
    assert said("deploy_lock", application="shop", application_components=["shop"], run_id="r2", owner="ops", host="x")["changed"]
    assert (own(records) / "release.json").exists() and not (records / "release.json").exists()


def test_afterwards_a_run_without_the_name_is_told_it(records):
    without_a_name(records)
    hold("shop", "shop")
    with pytest.raises(Foreign, match="the component shop belongs to application shop on this node.* -e bluegreen_application=shop"):
        hold("", "shop")


@pytest.mark.parametrize("mine", [["shop", "cart"], ["crm", "shop"]])
def test_records_of_other_components_are_not_taken_over(records, mine):
    before = without_a_name(records)
    with pytest.raises(Foreign, match="the component shop belongs to an application without a name.*just the components of its record"):
        hold("shop", *mine)
    assert tree(records) == before


def test_they_are_not_taken_over_while_another_run_holds_the_lock(records):
    without_a_name(records)
    hold("", "shop", run_id="r0")
    before = tree(records)
    with pytest.raises(_lock.Held) as held:
        hold("shop", "shop")
    assert held.value.holder["run_id"] == "r0" and tree(records) == before
    # Unless that one is the run to be taken over.
    assert hold("shop", "shop", take_over="r0")["taken_over"]["run_id"] == "r0"


def test_nor_while_a_process_is_at_it(records, clock):
    before = without_a_name(records)
    with _records.exclusive(_lock.FILE), pytest.raises(RecordsError, match="Another process of this node has held"):
        hold("shop", "shop")
    assert tree(records) == before


def test_what_a_newer_version_has_written_is_left_alone(records):
    without_a_name(records)
    record = json.loads((records / "release.json").read_text())
    (records / "release.json").write_bytes((json.dumps(dict(record, version=_records.VERSION + 1)) + "").encode("utf-8"))
    before = tree(records)
    with pytest.raises(RecordsError, match="written by a newer version of this collection.*Nothing was changed"):
        hold("shop", "shop")
    assert tree(records) == before


REAL = {name: getattr(os, name) for name in ("link", "mkdir", "rename", "unlink", "rmdir")}


class Dead(Exception):
    pass


def ends(patch, after):
    """Let the process end before the change of the disk that comes after so many others."""
    done = []

    def ending(act):
        def change(*args, **kwargs):
            if len(done) == after:
                raise Dead
            done.append(act)
            return act(*args, **kwargs)

        return change

    for name, act in REAL.items():
        patch.setattr(os, name, ending(act))


@pytest.mark.parametrize("dies_at", range(20))
def test_a_crash_anywhere_leaves_all_of_them_or_none_and_the_next_run_goes_on(records, monkeypatch, dies_at):
    before = without_a_name(records)
    with monkeypatch.context() as patch:
        ends(patch, dies_at)
        try:
            hold("shop", "shop")
            died = False
        except Dead:
            died = True
    # As many changes as there are: 18, or 19 by the Python.
    assert died or dies_at >= 18
    assert not died or dies_at < 19
    named = tree(own(records))
    # Either it has begun nothing that counts, or all of it is there.
    assert not named or all(named[name].startswith(text) for name, text in before.items())
    if not named:
        assert {name: text for name, text in tree(records).items() if not name.startswith("applications/")} == before
    assert hold("shop", "shop", run_id="r3" if died and not named else "r2", take_over="r2")
    assert all(tree(own(records))[name].startswith(text) for name, text in before.items())
    assert not [name for name in tree(records) if not name.startswith("applications/shop/")]
    assert _release_record.read()["current"] == {"shop": NEVRA % "shop"}


def test_a_store_on_another_file_system_is_said(records, monkeypatch):
    before = without_a_name(records)

    def link(old, new):
        if old.endswith(".rpm"):
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        REAL["link"](old, new)

    with monkeypatch.context() as patch:
        patch.setattr(os, "link", link)
        with pytest.raises(RecordsError, match="rpm is on another file system. Nothing was changed"):
            hold("shop", "shop")
    assert {name: text for name, text in tree(records).items() if not name.startswith("applications/")} == before


def test_what_somebody_wrote_meanwhile_is_not_removed(records, monkeypatch):
    without_a_name(records)
    with monkeypatch.context() as patch:
        patch.setattr(_whose, "_tidy", lambda name: None)
        hold("shop", "shop")
    # It has two names now; a process of another run replaces the one.
    (records / "owed.json").unlink()
    (records / "owed.json").write_bytes(b"{}")
    hold("shop", "shop")
    assert sorted(name for name in tree(records) if not name.startswith("applications/")) == ["owed.json"]
    assert json.loads((own(records) / "owed.json").read_text())["services"] == ["shop.service"]


def test_files_in_the_way_are_said(records):
    without_a_name(records)
    own(records).mkdir(parents=True)
    (own(records) / "journal.jsonl").write_bytes(b"{}\n")
    with pytest.raises(Foreign, match="its records were not taken over, because .*/applications/shop has files in it"):
        hold("shop", "shop")


def test_an_empty_directory_is_not_in_the_way(records):
    without_a_name(records)
    own(records).mkdir(parents=True)
    assert hold("shop", "shop")["changed"] and (own(records) / "release.json").exists()
