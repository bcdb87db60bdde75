# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json
import os
import platform

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils import steps
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._systemd import SystemdError
from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm import _rpm_release, _rpm_store
from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm._rpm import Package
from ansible_collections.halfswap.bluegreen.plugins.module_utils.steps import rpm_stage as stage_step
from ansible_collections.halfswap.bluegreen.plugins.modules import rpm_release, rpm_stage

NODE = platform.node()


def package(name, version, release="1", epoch=0):
    return Package(name, epoch, version, release, "noarch")


OLD, NEW = package("shop", "1.0.0"), package("shop", "2.0.0")


def free(monkeypatch, megabytes):
    """How much is free where the path ends like this."""

    def statvfs(path):
        left = [free for end, free in megabytes.items() if path.endswith(end)] + [5000]
        return os.statvfs_result((1024, 1024, 0, 0, left[0] * 1024, 0, 0, 0, 0, 255))

    monkeypatch.setattr(_rpm_store.os, "statvfs", statvfs)


@pytest.fixture
def node(rpm_node, monkeypatch, tmp_path):
    free(monkeypatch, {})
    rpm_node.store = tmp_path / "lib" / "packages"
    rpm_node.installed["shop"] = OLD
    return rpm_node


@pytest.fixture(params=["dnf", "yum"])
def any_node(request, node):
    node.manager = request.param
    return node


@pytest.fixture
def stage(run_module, node):
    def run(*packages, **changes):
        mode = {key: changes.pop(key) for key in ("check_mode", "diff") if key in changes}
        packages = [dict(zip(("name", "version", "release"), each)) for each in packages]
        return run_module(rpm_stage, dict(dict(packages=packages, store=str(node.store)), **changes), **mode)

    return run


def tree(node):
    """The store as it is on the disk."""
    if not node.store.exists():
        return None
    return {str(folder.name): sorted(str(file.name) for file in folder.iterdir()) for folder in node.store.iterdir()}


def only(*packages):
    return {str(each): ["%s.rpm" % (each,)] for each in packages}


def shown(*packages):
    return [dict(package=str(each), files=["%s.rpm" % (each,)], size_bytes=len("shop 0 1.0.0 1 noarch")) for each in packages]


def entry(before, after):
    return dict(name=after.name, before=str(before) if before else None, after=str(after), exact=dict(after._asdict()), differing=[])


def test_what_is_wanted_and_the_way_back_are_kept(stage, any_node):
    result = stage(("shop", "2.0.0", "1"), diff=True)
    assert result == {
        "changed": True,
        "packages": [entry(OLD, NEW)],
        "staged": shown(NEW, OLD),
        "removed": [],
        "diff": {"before": "", "after": "shop-1.0.0-1.noarch\nshop-2.0.0-1.noarch\n"},
    }
    assert tree(any_node) == only(OLD, NEW)
    assert any_node.installed == {"shop": OLD}
    assert [path.stat().st_mode & 0o777 for path in (any_node.store, any_node.store / str(NEW))] == [0o755, 0o755]


def test_nothing_is_downloaded_twice_and_nobody_is_asked(stage, any_node):
    stage(("shop", "2.0.0", "1"))
    any_node.repository = []
    del any_node.calls[:]
    result = stage(("shop", "2.0.0", "1"))
    assert not result["changed"]
    assert result["staged"] == shown(NEW, OLD)
    assert any_node.managed == []


def test_a_version_alone_is_looked_up_each_time(stage, any_node):
    stage(("shop", "2.0.0"))
    any_node.published = [package("shop", "2.0.0", "3")]
    assert stage(("shop", "2.0.0"))["packages"][0]["after"] == "shop-2.0.0-3.noarch"
    assert sorted(tree(any_node)) == ["shop-1.0.0-1.noarch", "shop-2.0.0-2.noarch", "shop-2.0.0-3.noarch"]


def with_service(*packages):
    return dict(packages=[dict(name=name, version=version, release="1", service=name, health_url="http://127.0.0.1:8080/health") for name, version in packages])


def test_what_could_not_be_started_is_refused_while_all_still_runs(run_module, any_node, monkeypatch):
    asked = []

    def obstacles(module, wanted):
        asked.extend(wanted)
        return ["shop is masked on this node", "port 8080 is taken"]

    monkeypatch.setattr(stage_step, "obstacles", obstacles)
    result = run_module(rpm_stage, dict(with_service(("shop", "2.0.0")), store=str(any_node.store)))
    assert result["msg"] == "%s: the release could not be started: shop is masked on this node; port 8080 is taken" % NODE
    (entry,) = asked
    assert (entry["service"], entry["changes"], str(entry["label"]), entry["former"]) == ("shop", True, str(NEW), "shop")
    assert entry["url"] == "http://127.0.0.1:8080/health"
    # What is not staged, but only looked at, is there, too.
    assert [os.path.basename(path) for path in entry["files"]] == ["%s.rpm" % (NEW,)]


def test_a_masked_unit_is_refused(run_module, any_node):
    any_node.service = "LoadState=masked\nActiveState=active\nMainPID=0\n"
    result = run_module(rpm_stage, dict(with_service(("shop", "2.0.0")), store=str(any_node.store)), check_mode=True)
    assert "the release could not be started: shop is masked on this node" in result["msg"]


def test_systemd_that_does_not_answer_is_told(run_module, any_node, monkeypatch):
    def obstacles(module, wanted):
        raise SystemdError("systemctl cannot tell the state of shop on this node: no bus")

    monkeypatch.setattr(stage_step, "obstacles", obstacles)
    assert run_module(rpm_stage, dict(with_service(("shop", "2.0.0")), store=str(any_node.store)))["msg"].startswith(NODE + ": systemctl cannot tell the state")


def test_a_first_installation_needs_no_way_back(stage, any_node):
    any_node.installed = {}
    assert stage(("shop", "2.0.0", "1"))["staged"] == shown(NEW)
    assert tree(any_node) == only(NEW)
    assert len(any_node.managed) == 2


def test_where_nothing_changes_nothing_is_needed(stage, any_node):
    any_node.repository = []
    assert stage(("shop", "1.0.0", "1")) == {"changed": False, "packages": [entry(OLD, OLD)], "staged": [], "removed": []}
    assert any_node.managed == []


def test_all_are_resolved_together(stage, any_node):
    any_node.installed["cart"] = package("cart", "2.0.0")
    stage(("shop", "2.0.0", "1"), ("cart", "1.0.0", "1"))
    assert tree(any_node) == only(OLD, NEW, package("cart", "1.0.0"), package("cart", "2.0.0"))
    assert len(any_node.transactions) == 1
    # The one that is there does not have to be in the repositories any more.
    any_node.repository = [each for each in any_node.repository if each != NEW] + [package("cart", "0.9.0")]
    stage(("shop", "2.0.0", "1"), ("cart", "0.9.0", "1"))
    assert "cart-0.9.0-1.noarch" in tree(any_node)


def test_what_it_pulls_in_is_kept_with_it_and_what_that_replaces_with_the_way_back(stage, run_module, any_node):
    lib1, lib2, other = package("lib", "1"), package("lib", "2"), package("other", "1")
    any_node.installed["lib"] = lib1
    any_node.repository += [lib1, lib2, other]
    any_node.pulls = {"shop-2.0.0-1.noarch": [lib2, other]}

    def needs_its_own_lib(before, after):
        wanted = {OLD: lib1, NEW: lib2}[after["shop"]]
        return None if after["lib"] == wanted else "%s is needed by %s" % (wanted, after["shop"])

    any_node.objection = needs_its_own_lib
    stage(("shop", "2.0.0", "1"))
    assert tree(any_node) == {
        "shop-2.0.0-1.noarch": ["lib-2-1.noarch.rpm", "other-1-1.noarch.rpm", "shop-2.0.0-1.noarch.rpm"],
        "shop-1.0.0-1.noarch": ["lib-1-1.noarch.rpm", "shop-1.0.0-1.noarch.rpm"],
    }
    # There and back, without a repository.
    any_node.repository = []
    for shop, lib in ((NEW, lib2), (OLD, lib1)):
        run_module(rpm_release, dict(packages=[dict(name="shop", version=shop.version, release="1")], store=str(any_node.store)))
        assert any_node.installed == dict(shop=shop, lib=lib, other=other)


def test_for_what_only_came_along_nobody_is_asked_while_the_way_back_goes_without_it(stage, any_node):
    lib1, lib2 = package("lib", "1"), package("lib", "2")
    any_node.installed["lib"] = lib1
    any_node.repository += [lib2]
    any_node.pulls = {"shop-2.0.0-1.noarch": [lib2]}
    stage(("shop", "2.0.0", "1"))
    del any_node.calls[:]
    assert not stage(("shop", "2.0.0", "1"))["changed"]
    assert any_node.managed == []
    any_node.objection = lambda before, after: "lib = 1 is needed by shop" if (after["shop"], after["lib"]) == (OLD, lib2) else None
    assert "the way back fails" in stage(("shop", "2.0.0", "1"))["msg"]
    any_node.repository += [lib1]
    assert stage(("shop", "2.0.0", "1"))["changed"]
    assert tree(any_node)["shop-1.0.0-1.noarch"] == ["lib-1-1.noarch.rpm", "shop-1.0.0-1.noarch.rpm"]


def test_each_can_go_its_way_alone_although_they_were_staged_together(stage, any_node):
    lib1, lib2 = package("lib", "1"), package("lib", "2")
    any_node.installed.update(cart=package("cart", "1.0.0"), lib=lib1)
    any_node.repository += [lib1, lib2]
    any_node.pulls = {"cart-2.0.0-1.noarch": [lib2], "cart-1.0.0-1.noarch": [lib1]}
    stage(("shop", "2.0.0", "1"), ("cart", "2.0.0", "1"))
    cart1, cart2 = ["cart-1.0.0-1.noarch.rpm", "lib-1-1.noarch.rpm"], ["cart-2.0.0-1.noarch.rpm", "lib-2-1.noarch.rpm"]
    assert tree(any_node) == dict(only(OLD, NEW), **{"cart-1.0.0-1.noarch": cart1, "cart-2.0.0-1.noarch": cart2})


def test_a_way_back_that_nobody_has(stage, any_node):
    any_node.repository.remove(OLD)
    folder = any_node.store / str(OLD)
    said = "No packages marked for reinstall."
    assert stage(("shop", "2.0.0", "1"))["msg"] == (
        "%s: there is no way back: the RPM of shop-1.0.0-1.noarch, which is installed, is neither in the store nor in the repositories asked (halfswap); "
        "put it into %s/ on this node, or publish it again, or go without a way back (way_back: false, bluegreen_way_back: false); %s said: %s"
        % (NODE, folder, any_node.manager, said)
    )
    assert not stage(("shop", "2.0.0", "1"), way_back=False).failed
    # Under any name that an operator gives it.
    folder.mkdir()
    any_node.write_rpm(folder / "by-hand.rpm", OLD)
    assert not stage(("shop", "2.0.0", "1")).failed


def test_without_a_way_back_none_is_rehearsed(stage, any_node):
    any_node.objection = lambda before, after: "no way" if before["shop"] == NEW else None
    assert stage(("shop", "2.0.0", "1"), way_back=False)["staged"] == shown(NEW)
    assert tree(any_node) == only(NEW)


def test_the_way_there_fails(stage, any_node):
    any_node.objection = lambda before, after: "nothing is needed by %s" % (after["shop"],) if after["shop"] == NEW else None
    assert stage(("shop", "2.0.0", "1"))["msg"] == (
        "%s: the way there fails: shop-2.0.0-1.noarch cannot be installed from %s: error: Failed dependencies: nothing is needed by shop-2.0.0-1.noarch"
        % (NODE, any_node.store)
    )


def test_the_way_back_fails(stage, any_node):
    any_node.objection = lambda before, after: "shop < 2 conflicts with itself" if before["shop"] == NEW else None
    assert stage(("shop", "2.0.0", "1"))["msg"] == (
        "%s: the way back fails: once shop-2.0.0-1.noarch is installed, shop-1.0.0-1.noarch cannot be installed again: error: Failed dependencies: "
        "shop < 2 conflicts with itself; mend the packages, or go without a way back (way_back: false, bluegreen_way_back: false)" % NODE
    )
    assert any_node.installed == {"shop": OLD}
    # The copy of the database and whatever else was in use is gone.
    assert tree(any_node) == only(OLD, NEW)


def test_the_rehearsal_starts_no_script_and_no_plugin(stage, node):
    stage(("shop", "2.0.0", "1"))
    (there,) = [call for call in node.calls if "--justdb" in call]
    assert "--noscripts" in there and "--notriggers" in there
    assert not os.path.exists(there[there.index("--define") + 1].split()[1])


def test_a_manager_that_downloads_nothing(stage, node, monkeypatch):
    monkeypatch.setattr(node, "_download", lambda *_: None)
    assert "dnf did not download shop-2.0.0-1.noarch; it said: Transaction test succeeded" in stage(("shop", "2.0.0", "1"))["msg"]


def test_a_download_that_fails_leaves_nothing(stage, any_node):
    any_node.failure = "Curl error (28): Timeout was reached"
    assert "could not rehearse the installation of shop-2.0.0-1.noarch: Curl error" in stage(("shop", "2.0.0", "1"))["msg"]
    assert tree(any_node) == {}


def test_check_mode_changes_nothing_and_answers_the_same(stage, any_node, tmp_path, monkeypatch):
    (tmp_path / "var-tmp").mkdir()
    monkeypatch.setattr(_rpm_store, "LARGE_TEMPORARY_FILES", str(tmp_path / "var-tmp"))
    result = stage(("shop", "2.0.0", "1"), check_mode=True, diff=True)
    assert tree(any_node) is None
    assert [call for call in any_node.calls if any(str(tmp_path / "var-tmp") in word for word in call)]
    assert list((tmp_path / "var-tmp").iterdir()) == []
    assert result["changed"]
    assert [each["package"] for each in result["staged"]] == [str(NEW), str(OLD)]
    assert result == dict(stage(("shop", "2.0.0", "1"), diff=True), staged=result["staged"])
    any_node.objection = lambda before, after: "no way" if before["shop"] == NEW else None
    assert "the way back fails" in stage(("shop", "2.0.0", "1"), check_mode=True)["msg"]


def test_what_nobody_wants_any_more_is_removed(stage, any_node):
    stage(("shop", "2.0.0", "1"))
    stage(("shop", "2.0.0", "2"), ("cart", "1.0.0", "1"))
    assert len(tree(any_node)) == 4
    kept = dict(keep=["shop-2.0.0-1.noarch"])
    assert stage(("shop", "2.0.0", "2"), **kept)["removed"] == []
    result = stage(("shop", "2.0.0", "2"), keep=[], check_mode=True, diff=True)
    assert (result["changed"], result["removed"]) == (True, ["shop-2.0.0-1.noarch"])
    assert "shop-2.0.0-1.noarch" in result["diff"]["before"]
    assert "shop-2.0.0-1.noarch" not in result["diff"]["after"]
    assert len(tree(any_node)) == 4
    assert stage(("shop", "2.0.0", "2"), keep=[])["removed"] == ["shop-2.0.0-1.noarch"]
    # What belongs to other names is somebody else's.
    assert tree(any_node) == only(OLD, package("shop", "2.0.0", "2"), package("cart", "1.0.0"))


def test_nothing_is_removed_when_something_fails(stage, node):
    stage(("shop", "2.0.0", "1"))
    node.objection = lambda before, after: "no way"
    assert stage(("shop", "2.0.0", "2"), keep=[]).failed
    assert "shop-2.0.0-1.noarch" in tree(node)


def test_an_epoch_has_a_folder_of_its_own(stage, any_node):
    new = package("shop", "1.0.0", epoch=2)
    any_node.repository.append(new)
    stage(("shop", "1.0.0", "1"))
    stage(("shop", "1.0.0"))
    assert tree(any_node) == only(OLD, new)


def test_a_disk_that_is_about_to_be_full(stage, node, monkeypatch, tmp_path):
    monkeypatch.setattr(steps.rpm_stage, "HEARTBEAT_STATE", str(tmp_path / "heartbeat"))
    (tmp_path / "heartbeat").mkdir()
    free(monkeypatch, {"/heartbeat": 255})
    said = stage(("shop", "2.0.0"))["msg"]
    assert "%s: the file system of %s has 255 MiB free, and a deployment wants 256 MiB there" % (NODE, tmp_path / "heartbeat") in said
    # What is not there yet will be where its parent is.
    free(monkeypatch, {str(tmp_path): 10})
    assert "the file system of %s has 10 MiB free" % node.store in stage(("shop", "2.0.0"))["msg"]
    assert node.calls == []
    free(monkeypatch, {"/heartbeat": 256})
    assert not stage(("shop", "2.0.0")).failed


def test_what_a_killed_run_left_is_taken_away(stage, node):
    left = node.store / ".work-x"
    left.mkdir(parents=True)
    (left / "half.rpm").write_bytes(b"shop")
    stage(("shop", "2.0.0", "1"))
    assert tree(node) == only(OLD, NEW)


def test_two_at_once(stage, node, clock, monkeypatch):
    held = []

    def flock(lock, operation):
        held.append(operation)
        if clock.elapsed < 3:
            raise IOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(_rpm_store.fcntl, "flock", flock)
    assert stage(("shop", "2.0.0"))["changed"]
    assert clock.sleeps == [1, 1, 1]
    monkeypatch.setattr(clock, "start", clock.now)
    said = stage(("shop", "2.0.0"), lock_timeout_s=2)["msg"]
    assert "another process has been staging packages in %s for 2 s (lock_timeout_s)" % node.store in said


@pytest.mark.parametrize(
    "packages, text",
    [([("shop", "2.0-1")], "version of shop '2.0-1' cannot be used in an RPM"), ([("shop", "1"), ("shop", "2")], "package shop is listed more than once")],
)
def test_bad_input_asks_nobody(stage, node, packages, text):
    assert text in stage(*packages)["msg"]
    assert node.calls == []


def test_a_version_that_is_not_there(stage, node):
    assert "the repositories have no shop 3.0.0 for this node" in stage(("shop", "3.0.0"))["msg"]


def test_not_root(stage, node, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert stage(("shop", "2.0.0"))["msg"] == "%s: this needs root: set become" % NODE
    assert node.calls == []


# ---- Files on the disk that are not those of the package ----------------------------------------------------------------------------------------

EDITED = "S.5....T.    /opt/shop/app.py"


def test_what_is_to_be_installed_again_is_kept(stage, any_node):
    any_node.altered = {"shop": [EDITED]}
    result = stage(("shop", "1.0.0", "1"))
    assert result["packages"] == [dict(entry(OLD, OLD), differing=["/opt/shop/app.py (size, content)"])]
    assert (result["staged"], tree(any_node)) == (shown(OLD), only(OLD))
    assert any_node.altered and [call for call in any_node.upgrades if "--test" not in call] == []


def test_one_beside_another_that_changes(stage, any_node):
    any_node.installed["cart"] = package("cart", "1.0.0")
    any_node.altered = {"cart": ["missing     /opt/cart/x"]}
    stage(("shop", "2.0.0", "1"), ("cart", "1.0.0", "1"))
    assert tree(any_node) == only(OLD, NEW, package("cart", "1.0.0"))


def test_files_of_what_is_exchanged_are_not_compared(stage, node):
    node.altered = {"shop": [EDITED]}
    assert stage(("shop", "2.0.0", "1"))["packages"] == [entry(OLD, NEW)]
    assert not [call for call in node.calls if "-V" in call]


def test_what_the_application_changes_does_not_count(stage, run_module, node):
    node.altered = {"shop": [EDITED]}
    wanted = dict(name="shop", version="1.0.0", release="1", may_differ=["/opt/shop/*"])
    assert run_module(rpm_stage, dict(packages=[wanted], store=str(node.store)))["packages"] == [entry(OLD, OLD)]
    assert tree(node) == {}


def test_what_cannot_be_installed_again_is_said(stage, any_node):
    any_node.altered, any_node.repository = {"shop": [EDITED]}, []
    said = stage(("shop", "1.0.0", "1"))["msg"]
    assert "files on the disk differ from those of the package, and it cannot be installed again: the RPM of shop-1.0.0-1.noarch" in said
    assert "or deploy another release, whose files replace them" in said


# ---- The transaction is tried as it will be -----------------------------------------------------------------------------------------------------


@pytest.fixture
def checking(any_node, monkeypatch, tmp_path):
    """A node whose manager checks the signatures of files, too, which rpm does not."""
    (tmp_path / "dnf.conf").write_bytes(b"[main]\ngpgcheck=1\nlocalpkg_gpgcheck = True\n")
    monkeypatch.setattr(_rpm_release, "CONFIGURATION", (str(tmp_path / "dnf.conf"),))
    return any_node


def test_what_the_manager_would_refuse_is_refused_before_anything_is_stopped(stage, checking):
    checking.unsigned = [NEW]
    said = stage(("shop", "2.0.0", "1"))["msg"]
    assert "the way there fails: shop-2.0.0-1.noarch cannot be installed from" in said and "Package shop-2.0.0-1.noarch is not signed" in said


def test_what_the_manager_would_refuse_on_the_way_back(stage, checking):
    checking.unsigned = [OLD]
    said = stage(("shop", "2.0.0", "1"))["msg"]
    assert "the way back fails: once shop-2.0.0-1.noarch is installed, shop-1.0.0-1.noarch cannot be installed again" in said
    assert "Package shop-1.0.0-1.noarch is not signed" in said
    assert not stage(("shop", "2.0.0", "1"), way_back=False).failed


def test_what_the_manager_takes_both_ways(stage, checking):
    assert tree(checking) is None and not stage(("shop", "2.0.0", "1")).failed
    assert checking.installed == {"shop": OLD}


# ---- Filters, and names that are none -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def filtered(any_node, monkeypatch, tmp_path):
    for name, text in (("dnf.conf", b"[main]\nexcludepkgs = shop-2*  lib\n"), ("site.repo", b"[site]\n#exclude=cart\nincludepkgs=tools\n")):
        (tmp_path / name).write_bytes(text)
    (tmp_path / "link.conf").symlink_to(tmp_path / "dnf.conf")
    (tmp_path / "versionlock.list").write_bytes(b"shop-0:1.0.0-1.*\n")
    monkeypatch.setattr(_rpm_release, "FILTERED", tuple(str(tmp_path / form) for form in ("*.conf", "site.repo", "none.repo")))
    monkeypatch.setattr(_rpm_release, "LOCKED_VERSIONS", (str(tmp_path / "versionlock.list"), str(tmp_path / "none.list")))
    any_node.hidden = [NEW, package("shop", "2.0.0", "2")]
    return any_node


@pytest.mark.parametrize("release", [None, "1"])
def test_a_filter_is_named(stage, filtered, tmp_path, release):
    said = stage(("shop", "2.0.0") + ((release,) if release else ()))["msg"]
    assert "the repositories have shop-2.0.0-1.noarch (halfswap)" in said
    told = ("excludepkgs = shop-2* lib in %s" % (tmp_path / "dnf.conf"), "includepkgs=tools in %s" % (tmp_path / "site.repo"))
    told += ("the list %s" % (tmp_path / "versionlock.list"),)
    assert "and a filter hides it on this node (%s): take it out of the filter" % "; ".join(told) in said
    assert "have no shop" not in said


def test_what_no_filter_hides_is_not_there(stage, filtered):
    said = stage(("shop", "3.0.0"))["msg"]
    assert "the repositories have no shop 3.0.0 for this node" in said and "filter" not in said


def test_repositories_that_do_not_answer_without_filters(stage, filtered, monkeypatch):
    seen = filtered._seen

    def refuses(options):
        assert "--setopt=plugins=0" not in options and "--noplugins" not in options, "no credentials"
        return seen(options)

    def answers(words, options, data):
        try:
            refuses(options)
        except AssertionError as exc:
            return 1, "", "Error: %s\n" % exc
        return asked(words, options, data)

    asked = getattr(filtered, "repoquery" if filtered.manager == "dnf" else "list")
    monkeypatch.setattr(filtered, "repoquery" if filtered.manager == "dnf" else "list", answers)
    assert "the repositories have no shop 2.0.0 for this node" in stage(("shop", "2.0.0"))["msg"]


@pytest.mark.parametrize("name", ["shop.noarch", "shop-1.0.0", "shop-1.0.0-1", "shop-1.0.0-1.noarch"])
def test_a_name_with_more_in_it_is_refused(stage, any_node, name):
    said = stage((name, "1.0.0"))["msg"]
    assert "%s is no name of a package: it is shop with a version or an architecture. Write package: shop" % name in said
    any_node.installed = {}
    assert "%s is no name of a package" % name in stage((name, "1.0.0"))["msg"]


def test_a_name_that_only_looks_like_that(stage, any_node):
    """As java-1.8.0-openjdk does."""
    any_node.installed = {}
    any_node.repository.append(package("shop-1.0.0", "5"))
    assert stage(("shop-1.0.0", "5"))["packages"][0]["after"] == "shop-1.0.0-5-1.noarch"


def test_a_file_in_the_store_whose_name_is_not_utf_8(stage, node):
    stage(("shop", "2.0.0", "1"))
    folder = os.path.join(str(node.store).encode(), str(OLD).encode())
    os.rename(os.path.join(folder, str(OLD).encode() + b".rpm"), os.path.join(folder, b"caf\xe9.rpm"))
    (_new, old) = stage(("shop", "2.0.0", "1"))["staged"]
    assert len(old["files"]) == 1 and old["files"][0].startswith("caf")
    json.dumps(old).encode("ascii")


def replacing(any_node, **changes):
    package = dict(name="shop", version="2.0.0", release="1", service="shop", replaces="old")
    return dict(dict(packages=[package], store=str(any_node.store)), **changes)


@pytest.fixture
def first(any_node, monkeypatch):
    """Nothing is installed, and the shop runs in a unit of its own."""
    any_node.installed.clear()
    any_node.service = "ActiveState=active\nLoadState=loaded\nMainPID=0\n"
    monkeypatch.setattr(stage_step, "obstacles", lambda module, wanted: [])
    return any_node


def test_a_first_package_leaves_the_files_of_what_it_replaces(run_module, first, tmp_path):
    for name in ("app.py", "lib.py"):
        (tmp_path / name).write_bytes(b"old")
    first.files = [("drwxr-xr-x", str(tmp_path)), ("-rw-r--r--", str(tmp_path / "app.py")), ("-rw-r--r--", str(tmp_path / "lib.py"))]
    first.files.append(("-rw-r--r--", str(tmp_path / "new.py")))
    first.owned = [str(tmp_path / "lib.py")]
    result = run_module(rpm_stage, replacing(first))
    assert result.failed and "there is no way back to what serves without a package: shop-2.0.0-1.noarch would replace files that" in result["msg"]
    assert "(%s)" % (tmp_path / "app.py") in result["msg"] and "bluegreen_way_back: false" in result["msg"]
    assert not run_module(rpm_stage, replacing(first, way_back=False)).failed
    (tmp_path / "app.py").unlink()
    assert not run_module(rpm_stage, replacing(first)).failed


def test_a_first_package_for_a_service_that_runs_has_no_way_back(run_module, first):
    asked = replacing(first)
    del asked["packages"][0]["replaces"]
    result = run_module(rpm_stage, asked)
    assert result.failed and "runs without a package, and the unit of shop-2.0.0-1.noarch has the same name" in result["msg"]
    assert not run_module(rpm_stage, dict(asked, way_back=False)).failed
    first.service = "ActiveState=inactive\nLoadState=not-found\nMainPID=0\n"
    assert not run_module(rpm_stage, asked).failed


def test_what_was_adopted_has_nothing_to_be_staged(run_module, any_node):
    """A rollback to a half that stands by on it."""
    result = run_module(rpm_stage, dict(packages=[], store=str(any_node.store), keep=["shop-1.0.0-1.noarch"]))
    assert not result.failed and (result["packages"], result["changed"]) == ([], False)
