# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""That module rpm_stage refuses for it is tested there."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils.node import _startable, _systemd

OWN = "/usr/lib/systemd/system/shop.service"


class Node(object):
    """Stands in for an AnsibleModule: shop 1.0.0 is installed and runs, shop 2.0.0 is staged."""

    def __init__(self, proc):
        self.proc = proc
        self.units = {"shop": dict(LoadState="loaded", ActiveState="active", SubState="running", MainPID="7", FragmentPath=OWN)}
        # What rpm lists, of the installed package and of the staged file.
        self.files = {"shop": ["/opt/shop/run", OWN], "/store/shop.rpm": ["/opt/shop/run", OWN]}
        self.scripts = "postinstall scriptlet (using /bin/sh):\n/usr/lib/systemd/systemd-update-helper install-system-units shop.service\n"
        self.running = ""
        self.calls = []

    def run_command(self, command, **_kwargs):
        self.calls.append(command)
        if command[:2] == ["systemctl", "show"]:
            names = command[command.index("--") + 1 :]
            return 0, "\n".join("".join("%s=%s\n" % pair for pair in sorted(self.units.get(name, {"LoadState": "not-found"}).items())) for name in names), ""
        if command[:2] == ["systemctl", "list-units"]:
            return 0, self.running, ""
        assert command[:2] == ["rpm", "-q"]
        if "--scripts" in command:
            return 0, self.scripts, ""
        return 0, "".join("%s\n" % path for path in self.files[command[-1]]), ""

    def is_down(self, state="inactive", **changes):
        self.units["shop"] = dict(LoadState="loaded", ActiveState=state, SubState="dead", MainPID="0", FragmentPath=OWN, **changes)

    def listens(self, address, port, pid=None, program="node_exporter", unit="node_exporter.service"):
        """A row of the kernel's table, and who holds it."""
        row = "   0: %s:%04X 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4242 1\n" % (address, port)
        (self.proc / "net" / "tcp").write_bytes(("  sl  local_address rem_address   st\n" + row).encode("ascii"))
        if pid:
            folder = self.proc / str(pid)
            (folder / "fd").mkdir(parents=True)
            os.symlink("socket:[4242]", str(folder / "fd" / "3"))
            (folder / "comm").write_bytes(program.encode("utf-8") + b"\n")
            (folder / "cgroup").write_bytes(("0::/system.slice/%s\n" % unit).encode("ascii"))


@pytest.fixture
def node(monkeypatch, tmp_path):
    monkeypatch.setattr(_systemd, "PROC", str(tmp_path))
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "tcp").write_bytes(b"  sl  local_address rem_address   st\n")
    return Node(tmp_path)


def found(node, **changes):
    entry = dict(service="shop", changes=True, label="shop-2.0.0-1.noarch", files=["/store/shop.rpm"], former="shop", url=None)
    return _startable.obstacles(node, [dict(entry, **changes)])


def test_what_runs_and_comes_with_its_unit(node):
    assert found(node) == []
    assert [call[0] for call in node.calls] == ["systemctl", "rpm"]
    assert _startable.obstacles(node, []) == []


# ---- A masked unit ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["active", "inactive", "failed"])
def test_a_masked_unit(node, state):
    """Masked while it runs, it stops as it should, and never comes back."""
    node.units["shop"] = dict(LoadState="masked", ActiveState=state, UnitFileState="masked", MainPID="0")
    assert found(node) == ["shop is masked on this node, so that nobody can start it: unmask it (systemctl unmask shop)"]


def test_what_runs_and_is_not_changed_is_not_looked_at(node):
    node.units["shop"]["LoadState"] = "masked"
    assert found(node, changes=False) == []


# ---- A unit that the package lacks --------------------------------------------------------------------------------------------------


def test_a_first_installation_without_the_unit(node):
    del node.units["shop"]
    node.files["/store/shop.rpm"] = ["/opt/shop/run", "/usr/lib/systemd/system/shopd.service", "/usr/lib/systemd/system/shopd.socket"]
    (text,) = found(node, former=None)
    assert text.startswith("shop-2.0.0-1.noarch brings no unit shop.service (it has shopd.service, shopd.socket), so that nothing could be started")
    node.files["/store/shop.rpm"] = ["/opt/shop/run"]
    assert "(it has no unit at all)" in found(node, former=None)[0]


def test_a_new_release_that_has_lost_its_unit(node):
    node.files["/store/shop.rpm"] = ["/usr/lib/systemd/system/shop-web.service"]
    assert "brings no unit shop.service (it has shop-web.service)" in found(node)[0]


def test_a_service_that_the_node_does_not_know(node):
    del node.units["shop"]
    assert found(node, changes=False, former=None) == [
        "systemd has no unit shop.service to load on this node, so that nothing could be started: name the right one (key service of the component), or mend "
        "the package"
    ]


@pytest.mark.parametrize(
    "service, path",
    [
        ("shop", "/lib/systemd/system/shop.service"),
        ("shop.service", OWN),
        ("shop", "/etc/systemd/system/shop.service"),
        ("shop", "/etc/rc.d/init.d/shop"),
        ("shop", "/etc/init.d/shop"),
        ("shop@main", "/usr/lib/systemd/system/shop@.service"),
        ("shop@main.service", "/usr/lib/systemd/system/shop@.service"),
    ],
)
def test_where_a_package_may_have_it(node, service, path):
    node.files["/store/shop.rpm"] = [path]
    assert found(node, service=service, former=None) == []


@pytest.mark.parametrize(
    "path", [OWN + ".d/limits.conf", "/usr/share/doc/shop.service", "/usr/lib/systemd/user/shop.service", "/usr/lib/systemd/system/shop.socket"]
)
def test_what_is_no_unit_of_it(node, path):
    del node.units["shop"]
    node.files["/store/shop.rpm"] = [path]
    assert found(node, former=None)


def test_a_unit_that_somebody_else_brings_stays(node):
    node.files["/store/shop.rpm"] = ["/opt/shop/run"]
    node.units["shop"]["FragmentPath"] = "/etc/systemd/system/shop.service"
    assert found(node) == [] and found(node, former=None) == []


def test_a_script_that_went_with_the_former_package(node):
    node.files.update({"shop": ["/etc/rc.d/init.d/shop"], "/store/shop.rpm": ["/opt/shop/run"]})
    node.units["shop"].update(FragmentPath="/run/systemd/generator.late/shop.service", SourcePath="/etc/rc.d/init.d/shop")
    assert "brings no unit shop.service" in found(node)[0]


@pytest.mark.parametrize(
    "script", ["cp /opt/shop/shop.service /etc/systemd/system", "cat > /usr/lib/systemd/system/shop.service", "ln -s /opt/shop/init /etc/init.d/shop"]
)
def test_what_a_scriptlet_writes_is_not_judged(node, script):
    del node.units["shop"]
    node.files["/store/shop.rpm"], node.scripts = ["/opt/shop/run"], script
    assert found(node, former=None) == []


# ---- Several instances --------------------------------------------------------------------------------------------------------------


def test_another_instance_that_would_keep_the_former_release(node):
    node.units["shop@1"] = node.units["shop"]
    node.files["/store/shop.rpm"] = ["/usr/lib/systemd/system/shop@.service"]
    node.running = "shop@1.service loaded active running The shop\nshop@2.service loaded active running The shop\n"
    (text,) = found(node, service="shop@1")
    assert text.startswith("beside shop@1.service there runs shop@2.service, from the same package: they would go on with the former release")
    assert ["systemctl", "list-units", "--plain", "--no-legend", "--state=active,activating,reloading", "shop@*.service"] in node.calls
    node.running = "shop@1.service loaded active running The shop\n"
    assert found(node, service="shop@1") == []


# ---- A port that is taken -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url, address",
    [
        ("http://127.0.0.1:9100/health", "00000000"),
        ("http://127.0.0.1:9100/health", "0100007F"),
        ("http://localhost:9100/health", "00000000000000000000000000000000"),
        ("http://10.0.0.6:9100/health", "0600000A"),
        ("http://shop.example.com:9100/health", "00000000"),
    ],
)
def test_a_port_that_is_taken(node, monkeypatch, url, address):
    monkeypatch.setattr(_startable, "request", lambda url, timeout_s: Answer(200))
    node.is_down()
    node.listens(address, 9100, pid=4711)
    assert found(node, url=url) == [
        "port 9100, which shop is to listen on (%s), is taken by process 4711 (node_exporter, node_exporter.service): stop that, or choose another port" % url
    ]


class Answer(object):
    def __init__(self, status):
        self.status = status


@pytest.mark.parametrize("state", [("failed", "failed"), ("activating", "auto-restart")])
def test_a_service_that_cannot_start_for_it(node, monkeypatch, state):
    monkeypatch.setattr(_startable, "request", lambda url, timeout_s: Answer(404))
    node.is_down()
    node.units["shop"].update(ActiveState=state[0], SubState=state[1])
    node.listens("00000000", 9100)
    assert "is taken by somebody else" in found(node, url="http://127.0.0.1:9100/")[0]


@pytest.mark.parametrize("state", [("active", "running"), ("activating", "start"), ("reloading", "reload"), ("deactivating", "stop-sigterm")])
def test_who_listens_while_it_runs_is_itself(node, state):
    node.units["shop"].update(ActiveState=state[0], SubState=state[1])
    node.listens("00000000", 9100)
    assert found(node, url="http://127.0.0.1:9100/") == []


@pytest.mark.parametrize("address, port", [("0700000A", 9100), ("00000000", 9101)])
def test_another_address_or_port_is_in_nobodys_way(node, address, port):
    node.is_down()
    node.listens(address, port)
    assert found(node, url="http://127.0.0.1:9100/") == []


@pytest.mark.parametrize("status, taken", [(502, False), (503, False), (504, False), (200, True), (404, True), (500, True)])
def test_a_proxy_in_front_of_it_is_no_obstacle(node, monkeypatch, status, taken):
    monkeypatch.setattr(_startable, "request", lambda url, timeout_s: Answer(status))
    node.is_down()
    node.listens("00000000", 9100)
    assert bool(found(node, url="http://127.0.0.1:9100/health")) is taken


@pytest.mark.parametrize("error", [_startable.NotReached, _startable.NoAnswer])
def test_who_does_not_speak_http_is_no_proxy(node, monkeypatch, error):
    def silent(url, timeout_s):
        raise error("nothing")

    monkeypatch.setattr(_startable, "request", silent)
    node.is_down()
    node.listens("00000000", 9100)
    assert found(node, url="http://127.0.0.1:9100/health")


def test_its_own_socket_unit_listens_for_it(node):
    node.is_down(TriggeredBy="shop.socket")
    node.units["shop.socket"] = dict(LoadState="loaded", ActiveState="active", SubState="listening")
    node.listens("00000000", 9100, pid=1, program="systemd", unit="init.scope")
    assert found(node, url="http://127.0.0.1:9100/health") == []
    node.units["shop.socket"]["ActiveState"] = "inactive"
    (text,) = found(node, url="http://127.0.0.1:9100/health")
    assert "process 1 (systemd" in text


@pytest.mark.parametrize("url", [None, "", "http://127.0.0.1:bad/", "http:///health"])
def test_an_address_that_says_no_port(node, url):
    node.is_down()
    node.listens("00000000", 9100)
    assert found(node, url=url) == []


def test_what_others_call_themselves_is_shown(node, monkeypatch):
    monkeypatch.setattr(_startable, "request", lambda url, timeout_s: Answer(200))
    node.is_down()
    node.listens("00000000", 9100, pid=4711, program="\x1b[2J{{ 7 }}")
    (text,) = found(node, url="http://127.0.0.1:9100/")
    assert "\\x1b[2J\\x7b{ 7 }}" in text


FIRST = dict(former=None)


def test_a_port_that_is_held_by_what_is_replaced_is_not_taken(node):
    node.is_down()
    node.units["old"] = dict(LoadState="loaded", ActiveState="active", SubState="running", MainPID="9")
    node.listens("00000000", 8080, pid=9, program="java", unit="old.service")
    asked = dict(FIRST, url="http://127.0.0.1:8080/health")
    assert "is taken by process 9 (java, old.service)" in found(node, **asked)[0]
    assert found(node, replaces="old", **asked) == []
    # It is down, and somebody else holds the port.
    node.units["old"].update(ActiveState="inactive", MainPID="0")
    assert "is taken by" in found(node, replaces="old", **asked)[0]


def test_a_unit_that_would_hide_that_of_the_first_package_is_refused(node):
    own = "/etc/systemd/system/shop.service"
    node.units["shop"]["FragmentPath"] = own
    (text,) = found(node, **FIRST)
    assert "shop runs without a package, from the unit %s" % own in text and "name it in replaces" in text
    # The unit of the package takes its place; or it was the package's own all along; or nothing of it runs.
    node.files["/store/shop.rpm"] = ["/opt/shop/run", own]
    assert found(node, **FIRST) == []
    node.files["/store/shop.rpm"] = ["/opt/shop/run", OWN]
    assert found(node, former="shop") == []
    node.is_down()
    node.units["shop"]["FragmentPath"] = own
    assert found(node, **FIRST) == []


def test_who_holds_a_port(node):
    assert _startable.holder_of(8080) is None
    node.listens("00000000", 8080, pid=9, program="java", unit="old.service")
    assert _startable.holder_of(8080) == "process 9 (java, old.service)"
    assert _startable.holder_of(8081) is None
