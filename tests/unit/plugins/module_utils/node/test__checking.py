# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json
import os

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils.node import _checking, _systemd
from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm._rpm import Package

PORTS = [
    dict(port=8080, what="application", unit="shop", outside=True),
    dict(port=9100, what="heartbeat", unit="halfswap-heartbeat@shop.service", outside=True),
]
SHOP = dict(name="shop", package="shop", service="shop", agent="halfswap-heartbeat@shop.service", ports=PORTS, health_url="", status_url="", keys={})
MORE = dict(store="/nowhere/store", remote_tmp="/home/ops/.ansible/tmp", repository_url="", repository_proxy="")
TABLE = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"


class Node(object):
    """Answers commands as they are scripted, by the beginning of the command."""

    def __init__(self, **answers):
        self.answers = answers
        self.params = dict(lock_timeout_s=1, enablerepo=[], disablerepo=[])

    def run_command(self, command, **_more):
        return self.answers.get(os.path.basename(command[0]), (0, "", ""))

    def get_bin_path(self, name):
        return None


def write(path, text):
    if not path.parent.is_dir():
        path.parent.mkdir(parents=True)
    with open(str(path), "wb") as file:
        file.write(text if isinstance(text, bytes) else text.encode("utf-8"))


@pytest.fixture
def proc(monkeypatch, tmp_path):
    directory = tmp_path / "proc"
    write(directory / "net" / "tcp", TABLE)
    monkeypatch.setattr(_checking, "PROC", str(directory))
    monkeypatch.setattr(_systemd, "PROC", str(directory))
    return directory


@pytest.fixture
def etc(monkeypatch, tmp_path):
    directory = tmp_path / "etc"
    directory.mkdir()
    monkeypatch.setattr(_checking, "ETC", str(directory))
    return directory


def listens(proc, address, port, inode, pid, name, cgroup, table="tcp"):
    path = proc / "net" / table
    before = path.read_bytes() if path.exists() else TABLE.encode("ascii")
    write(
        path, before + ("   0: %s:%04X 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 %d 1\n" % (address, port, inode)).encode("ascii")
    )
    process = proc / str(pid)
    (process / "fd").mkdir(parents=True)
    os.symlink("socket:[%d]" % inode, str(process / "fd" / "3"))
    write(process / "comm", name + "\n")
    write(process / "cgroup", cgroup + "\n")


def test_units_are_asked_in_one_call_and_told_by_component():
    said = "LoadState=loaded\nActiveState=active\nUnitFileState=enabled\n\nLoadState=masked\nActiveState=inactive\nUnitFileState=masked\n"
    service, agent = _checking.units(Node(systemctl=(0, said, "")), [SHOP])
    assert (service["component"], service["role"], service["unit"], service["load"], service["active"]) == ("shop", "service", "shop", "loaded", "active")
    assert (agent["role"], agent["unit"], agent["load"], agent["file"]) == ("agent", "halfswap-heartbeat@shop.service", "masked", "masked")


def test_what_systemctl_does_not_tell_is_an_error():
    found = _checking.look(Node(systemctl=(1, "", "Failed to connect to bus")), [SHOP], MORE)
    assert "Failed to connect to bus" in found["errors"]["units"] and "units" not in found
    # The others are there all the same.
    assert found["free"] and "free" not in found["errors"]


def test_who_listens_and_in_which_unit(proc):
    listens(proc, "00000000", 8080, 11, 100, "gunicorn", "0::/system.slice/shop.service")
    listens(proc, "0100007F", 9100, 12, 200, "node_exporter", "1:name=systemd:/system.slice/node_exporter.service/inner")
    application, heartbeat = _checking.ports([SHOP])
    assert application == dict(
        component="shop", port=8080, what="application", unit="shop", outside=True, heard=True, loopback=False, pid=100, program="gunicorn", by="shop.service"
    )
    assert (heartbeat["program"], heartbeat["by"], heartbeat["loopback"]) == ("node_exporter", "node_exporter.service", True)


def test_ports_of_both_families_and_ports_that_nobody_has(proc):
    listens(proc, "00000000000000000000000001000000", 8080, 11, 100, "java", "0::/", table="tcp6")
    application, heartbeat = _checking.ports([SHOP])
    assert (application["heard"], application["loopback"], application["by"]) == (True, True, "")
    assert (heartbeat["heard"], heartbeat["loopback"], heartbeat["pid"], heartbeat["program"], heartbeat["by"]) == (False, False, None, None, None)


def test_a_port_whose_process_nobody_sees_is_heard_all_the_same(proc):
    listens(proc, "00000000", 8080, 11, 100, "shop", "0::/system.slice/shop.service")
    os.remove(str(proc / "100" / "fd" / "3"))
    assert (_checking.ports([SHOP])[0]["heard"], _checking.ports([SHOP])[0]["pid"]) == (True, None)


def test_how_file_systems_are_mounted(proc):
    write(proc / "mounts", "/dev/a / ext4 rw 0 0\ntmpfs /tmp tmpfs rw,noexec 0 0\n/dev/b /home ext4 ro,nosuid 0 0\n/dev/c /tmp ext4 rw 0 0\n")
    found = {entry["path"]: (entry["noexec"], entry["read_only"]) for entry in _checking.mounts(MORE)}
    # The last one that was mounted there counts.
    assert (found["/tmp"], found["/home/ops/.ansible/tmp"], found["/usr"]) == ((False, False), (False, True), (False, False))
    write(proc / "mounts", "/dev/a / ext4 rw 0 0\ntmpfs /tmp tmpfs rw,noexec 0 0\ntmpfs /tmpx tmpfs ro 0 0\n")
    assert {entry["path"] for entry in _checking.mounts(MORE) if entry["noexec"]} == {"/tmp"}
    assert not [entry for entry in _checking.mounts(MORE) if entry["read_only"]]


def test_proxies_are_told_without_their_password(monkeypatch, etc):
    for name in list(os.environ):
        if name.lower() in _checking.PROXIES:
            monkeypatch.delenv(name)
    assert _checking.proxies() == []
    monkeypatch.setenv("HTTP_PROXY", "http://ops:s3cret@proxy:3128")
    write(etc / "environment", 'PATH=/bin\nexport https_proxy="http://proxy:3128"\nno_proxy=localhost\n')
    found = _checking.proxies()
    assert [(entry["name"], entry["value"]) for entry in found] == [
        ("HTTP_PROXY", "http://proxy:3128"),
        ("https_proxy", "http://proxy:3128"),
        ("no_proxy", "localhost"),
    ]
    assert "s3cret" not in json.dumps(found)


def test_what_the_package_manager_was_told(etc):
    write(etc / "dnf" / "dnf.conf", "[main]\ngpgcheck=1\nexcludepkgs=shop*\nlocalpkg_gpgcheck\nproxy=http://u:s3cret@proxy:3128\npassword=s3cret\n")
    write(etc / "yum.repos.d" / "halfswap.repo", b"[halfswap]\nname=\xff%x\nenabled=0\nenabled=1\nbaseurl=http://repo:8008/\nexclude=a\n  b\n")
    write(etc / "dnf" / "plugins" / "versionlock.list", "# locked\n\nshop-0:1.0.0-1.*\n")
    found = {(entry["section"], entry["option"]): entry["value"] for entry in _checking.manager_options()}
    assert found[("main", "excludepkgs")] == "shop*" and found[("main", "localpkg_gpgcheck")] == "" and found[("main", "versionlock")] == "shop-0:1.0.0-1.*"
    assert (found[("halfswap", "enabled")], found[("halfswap", "exclude")]) == ("1", "a b")
    assert "s3cret" not in json.dumps(_checking.manager_options())


def test_a_file_that_is_no_configuration_is_an_error(etc, proc):
    write(etc / "yum.repos.d" / "halfswap.repo", "enabled=1\n")
    found = _checking.look(Node(), [SHOP], MORE)
    assert "section" in found["errors"]["manager"] and "manager" not in found


def test_keys_of_rpm():
    assert _checking.signing_keys(Node(rpm=(0, "gpg-pubkey-1-1\ngpg-pubkey-2-2\n", ""))) == 2
    assert _checking.signing_keys(Node(rpm=(1, "package gpg-pubkey is not installed\n", ""))) == 0


def test_changed_files_are_those_that_matter(monkeypatch):
    monkeypatch.setattr(_checking, "installed_packages", lambda module, names: {"shop": dict(nevra="shop-1.0.0-1.noarch")})
    said = (
        "rpm: RPM should not be used directly install RPM packages, use Alien instead!\n"
        "S.5....T.    /usr/share/shop/shop.py\n"
        "S.5....T.  c /etc/shop.conf\n"
        ".......T.    /usr/share/shop/touched\n"
        ".M....G..  g /var/log/shop\n"
        "missing     /usr/share/shop/gone.py\n"
        "missing   d /usr/share/doc/shop\n"
        "Unsatisfied dependencies for shop\n"
    )
    (entry,) = _checking.changed_files(Node(rpm=(1, said, "")), [SHOP])
    assert entry["files"] == ["/usr/share/shop/shop.py", "/usr/share/shop/gone.py (missing)", "/usr/share/doc/shop (missing)"]
    assert (entry["package"], entry["count"]) == ("shop", 3)
    assert _checking.changed_files(Node(rpm=(0, "", "")), [SHOP])[0]["count"] == 0


def test_what_repositories_offer_and_what_the_manager_complains_of(monkeypatch):
    class Manager(object):
        command = ["dnf"]
        complaints = ["Errors during downloading metadata for repository 'other'"]

        def available(self, names, refresh):
            assert names == ["shop"] and refresh and self.command[1:] == _checking.IMPATIENT
            return [(Package("shop", 0, version, "1", "noarch"), "halfswap") for version in ("1.0.0", "10.0.0", "2.0.0")]

    monkeypatch.setattr(_checking, "find_manager", lambda module: Manager())
    found = _checking.offered(Node(), [SHOP, SHOP])
    assert [offer["nevra"] for offer in found["packages"]] == ["shop-10.0.0-1.noarch", "shop-2.0.0-1.noarch", "shop-1.0.0-1.noarch"]
    assert found["complaints"] == Manager.complaints


def test_a_node_without_a_package_manager_tells_the_rest(proc, etc):
    found = _checking.look(Node(), [SHOP], MORE)
    assert found["errors"]["offered"] == "neither dnf nor yum is on PATH of this node" and "offered" not in found
    assert found["host"]["user"] == os.geteuid() and found["record"] is None


def test_what_urls_answer_and_the_values_of_the_keys(heartbeat_server):
    url = heartbeat_server.url
    keys = dict(release="release", in_flight="traffic.in_flight", requests="traffic.requests")
    component = dict(SHOP, health_url=url + "/health", status_url=url.replace("//", "//ops:s3cret@") + "/status", keys=keys)
    heartbeat_server.next_answers = [(503, "no"), (200, json.dumps({"release": "1.0.0", "traffic": {"in_flight": "3"}})), (404, "")]
    health, status, repository = _checking.answers([component], dict(MORE, repository_url=url))
    assert (health["what"], health["status"], health["values"]) == ("health", 503, [])
    values = {value["meaning"]: (value["kind"], value["value"]) for value in status["values"]}
    assert values == {"release": ("text", '"1.0.0"'), "in_flight": ("text", '"3"'), "requests": (None, None)}
    assert "no requests at key traffic.requests" in [value["error"] for value in status["values"] if value["meaning"] == "requests"][0]
    assert (repository["what"], repository["status"], repository["error"]) == ("repository", 404, None)
    assert "s3cret" not in json.dumps(status)


def test_a_repository_is_asked_for_what_each_one_has(heartbeat_server):
    heartbeat_server.next_answers = [(200, "<repomd/>")]
    (repository,) = _checking.answers([], dict(MORE, repository_url=heartbeat_server.url + "/rpms/"))
    assert repository["url"] == heartbeat_server.url + "/rpms/repodata/repomd.xml" and repository["status"] == 200


def test_a_repository_is_asked_through_its_proxy(monkeypatch):
    asked = []
    monkeypatch.setattr(_checking, "request", lambda url, **how: asked.append((url, how["proxy"])) or _checking_answer(None))
    for proxy, through in (("http://proxy:3128", "http://proxy:3128"), ("", None)):
        assert _checking.answers([], dict(MORE, repository_url="http://repo", repository_proxy=proxy))
        assert asked.pop() == ("http://repo/repodata/repomd.xml", through)


@pytest.mark.parametrize("url, proxy", [("http://repo/$basearch/", ""), ("file:///srv/rpms", ""), ("http://repo/", "socks5://proxy:1080"), ("", "")])
def test_what_only_the_package_manager_can_ask_is_left_to_it(monkeypatch, url, proxy):
    monkeypatch.delattr(_checking, "request")
    assert _checking.answers([], dict(MORE, repository_url=url, repository_proxy=proxy)) == []


@pytest.mark.parametrize("value, kind", [(3, "whole"), (52341.0, "number"), (True, "truth"), (None, "null"), ([], "structure"), ({}, "structure")])
def test_kinds_of_values(value, kind):
    assert _checking._value({"key": value}, "requests", "key")["kind"] == kind


def test_what_does_not_answer_and_what_is_no_json(heartbeat_server):
    component = dict(SHOP, health_url="http://127.0.0.1:1/health", status_url=heartbeat_server.url + "/status", keys=dict(release="release"))
    heartbeat_server.next_answers = [(200, "<html>")]
    health, status = _checking.answers([component], MORE)
    assert health["status"] is None and health["error"]
    assert status["error"] == "it is no JSON: <html>" and status["values"] == []


def test_whatever_is_said_is_fit_to_be_shown(canary, monkeypatch, proc, etc):
    monkeypatch.setattr(_checking, "installed_packages", lambda module, names: {"shop": dict(nevra="shop-1.0.0-1.noarch")})
    monkeypatch.setattr(_checking, "find_manager", lambda module: (_ for _ in ()).throw(ValueError(canary.text)))
    monkeypatch.setattr(_checking, "request", lambda url, **how: _checking_answer(canary))
    listens(proc, "00000000", 8080, 11, 100, "shop", "0::/system.slice/shop.service")
    write(proc / "100" / "comm", canary.said[:1000])
    write(etc / "environment", b"http_proxy=" + canary.said)
    write(etc / "dnf" / "dnf.conf", b"[main]\nexcludepkgs=" + canary.said.replace(b"\r", b" ").replace(b"\n", b" "))
    said = canary.text.replace("\n", " ").replace("\r", " ")
    node = Node(systemctl=(0, "LoadState=%s\nActiveState=%s\n" % (said, said), ""), rpm=(1, "S.5....T.    /%s\n" % said, ""))
    component = dict(SHOP, health_url="http://127.0.0.1/health", status_url="http://127.0.0.1/status", keys=dict(release="release"))
    found = _checking.look(node, [component], dict(MORE, repository_url="http://127.0.0.1/"))
    assert found["answers"] and found["units"] and found["manager"] and found["changed_files"]
    for text in canary.texts(found):
        canary.shown_in(text)
    assert "{{" not in json.dumps(found).replace('{{"', "") and "{%" not in json.dumps(found)


def _checking_answer(canary):
    class Answer(object):
        status = 200
        body = json.dumps({"release": canary.text if canary else ""})

    return Answer()
