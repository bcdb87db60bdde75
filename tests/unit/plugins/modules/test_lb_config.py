# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function, unicode_literals

__metaclass__ = type

import fcntl
import hashlib
import json
import os
import socket

import pytest
from ansible.module_utils.basic import AnsibleModule

from ansible_collections.halfswap.bluegreen.plugins.module_utils.node import _systemd
from ansible_collections.halfswap.bluegreen.plugins.module_utils.traffic import _lb_program
from ansible_collections.halfswap.bluegreen.plugins.modules import lb_config

COMMON = "# Managed by halfswap.bluegreen.load_balancer for all applications of this HAProxy\nglobal\n    user haproxy\n    stats socket %s\n"
NODES = [dict(name="blue1", address="192.0.2.11"), dict(name="green1", address="192.0.2.21")]
OTHER_NODES = [dict(name="blue1", address="198.51.100.11")]
FORMER = """# Load balancer "live": sends traffic to the nodes whose heartbeat answers live.
# Rendered once by the role halfswap.bluegreen.load_balancer, for HAProxy 2.4 and later. No deployment changes this file.
global
frontend web
    bind 127.0.0.1:18080
backend web-nodes
    server blue1 192.0.2.11:8080 check port 8790
"""
BY_PACKAGE = "global\n    daemon\n"
BY_HAND = BY_PACKAGE + "listen intranet\n    bind *:8000\n"


def part(application="shop", name="live", port=18080, frontend="web", nodes=NODES, more=""):
    label = ".".join(each for each in (application, name) if each)
    text = '# Managed by halfswap.bluegreen.load_balancer: application "%s", load balancer "%s". Setup writes it.\n' % (application, name)
    text += "defaults\n    mode http\nfrontend %s.%s\n    bind 127.0.0.1:%s\nbackend %s.%s-nodes\n" % (label, frontend, port, label, frontend)
    return text + "".join("    server %s %s:8080 check\n" % (node["name"], node["address"]) for node in nodes) + more


class Balancer(object):
    """A load balancer's host: systemd, a program that reads one file, and its socket. What the program has read is `read`."""

    def __init__(self, tmp_path, monkeypatch, run_module):
        self.tmp_path, self.run_module = tmp_path, run_module
        self.etc = tmp_path / "etc"
        self.etc.mkdir()
        self.dest = self.etc / "haproxy.cfg"
        self.directory = self.etc / "haproxy.cfg.d"
        self.active, self.enabled = True, True
        self.read = None
        self.process = 100
        self.did = []
        # What it says at its socket; a text for each command.
        self.said = {}
        # The files that it found while it read its configuration.
        self.states_read = None
        # Given the text: how it fails to go on with it, "stays" on the former one, "ends", or "refuses".
        self.fails = lambda text: None
        # Given the text: what its own check says.
        self.complains = lambda text: None
        # What the package has brought, by path.
        self.packaged = {}
        self.checked = []
        monkeypatch.setattr(_systemd, "look", self.look)
        monkeypatch.setattr(_systemd, "act", self.act)
        monkeypatch.setattr(_systemd, "told", lambda module, unit: "The journal says why.")
        monkeypatch.setattr(_lb_program, "ask", self.ask)
        monkeypatch.setattr(_lb_program, "answers", lambda host, port: True)
        monkeypatch.setattr(_lb_program, "in_the_way", lambda host, port: "Another program listens at" if port == 22 else "")
        monkeypatch.setattr(AnsibleModule, "run_command", lambda module, argv, **kwargs: self.run_command(module, argv, **kwargs))
        monkeypatch.setattr(AnsibleModule, "get_bin_path", lambda module, name, *args, **kwargs: "/usr/bin/" + name if name == "dpkg-query" else None)

    def look(self, module, units):
        said = dict(ActiveState="active" if self.active else "failed", UnitFileState="enabled" if self.enabled else "disabled")
        return {unit: _systemd.Unit(unit, said) for unit in units}

    def act(self, module, verb, units=()):
        self.did.append(verb)
        if verb == "enable":
            self.enabled = True
        if verb in ("daemon-reload", "enable"):
            return
        text = self.dest.read_text()
        states = self.etc / "states"
        self.states_read = states.read_text() if states.exists() else None
        failure = self.fails(text)
        if failure == "refuses":
            raise _systemd.SystemdError("systemctl %s haproxy failed" % verb)
        self.active = failure != "ends"
        if not failure:
            self.read = text
            self.process += 1

    def ask(self, path, command):
        if not self.active or not self.read or str(self.etc / "sock") not in self.read:
            return None
        return dict(self.said, **{"show info": "Name: HAProxy\nPid: %d\n" % self.process}).get(command)

    def run_command(self, module, argv, **kwargs):
        if argv[0] == "check":
            with open(argv[-1]) as staged:
                text = staged.read()
            self.checked.append(text)
            complaint = self.complains(text)
            return (1, b"", complaint.encode()) if complaint else (0, b"", b"")
        if argv[:2] == ["/usr/bin/dpkg-query", "--search"]:
            return (0, "haproxy: %s\n" % argv[2], "") if argv[2] in self.packaged else (1, "", "no path found")
        if argv[:2] == ["/usr/bin/dpkg-query", "--show"]:
            return 0, "".join(" %s %s\n" % (path, hashlib.md5(text.encode()).hexdigest()) for path, text in self.packaged.items()), ""
        raise AssertionError(argv)

    def setup(self, application="shop", name="live", port=18080, frontend="web", nodes=NODES, check_mode=False, **args):
        given = dict(
            application=application,
            name=name,
            frontends=[frontend],
            nodes=nodes,
            title="HAProxy",
            dest=str(self.dest),
            content=args.pop("content", None) or part(application, name, port, frontend, nodes),
            common=COMMON % (self.etc / "sock"),
            check="check -f %s",
            service="haproxy",
            binds=["127.0.0.1:%s" % port],
            listens="(?m)^ *bind +([!-~]+)",
            readable=True,
            socket=str(self.etc / "sock"),
            states=str(self.etc / "states"),
        )
        return self.run_module(lb_config, dict(given, **args), check_mode=check_mode, diff=True)

    def alone(self, **args):
        """Another kind, which serves one application."""
        return self.setup(common="", socket="", states="", title="nginx", **args)

    def everything(self):
        """All files but the lock, by path."""
        return {str(path): path.read_text() for path in sorted(self.etc.rglob("*")) if path.is_file() and path.name != "haproxy.cfg.lock"}

    def refuses(self, *said, **args):
        """Nothing was changed, nothing was done with the program."""
        before, did = self.everything(), list(self.did)
        result = (args.pop("by", None) or self.setup)(**args)
        assert result.failed, result
        for each in said:
            assert each in result["msg"]
        assert (self.everything(), self.did) == (before, did)
        return result["msg"]


@pytest.fixture
def balancer(tmp_path, monkeypatch, run_module, clock):
    return Balancer(tmp_path, monkeypatch, run_module)


def test_the_first_application(balancer):
    result = balancer.setup()
    assert (result["changed"], result["done"], result["applications"]) == (True, "reloaded", [])
    own = balancer.directory / "live@shop.cfg"
    assert own.read_text() == part()
    assert balancer.dest.read_text() == balancer.read == (balancer.directory / "common").read_text() + "\n" + part()
    assert (balancer.dest.stat().st_mode & 0o777, own.stat().st_mode & 0o777) == (0o644, 0o644)


def test_what_is_there_already_is_left_alone(balancer):
    balancer.setup()
    balancer.did = []
    result = balancer.setup()
    assert (result["changed"], result["done"], result["files"], balancer.did) == (False, "nothing", [], [])


def test_a_second_application_beside_it(balancer):
    balancer.setup()
    result = balancer.setup("stock", port=18081, nodes=OTHER_NODES)
    assert result["applications"] == ["application shop (load balancer live)"]
    assert sorted(path.name for path in balancer.directory.iterdir()) == ["common", "live@shop.cfg", "live@stock.cfg"]
    assert part() in balancer.read and part("stock", port=18081, nodes=OTHER_NODES) in balancer.read
    # Both were checked together.
    assert balancer.checked[-1] == balancer.read
    # The first one changes its own, and the second one stays.
    balancer.setup(port=18090)
    assert part(port=18090) in balancer.read and part() not in balancer.read and part("stock", port=18081, nodes=OTHER_NODES) in balancer.read


@pytest.mark.parametrize("there", [part(application="stock"), part(nodes=OTHER_NODES), part(frontend="api")], ids=["name", "nodes", "frontends"])
def test_the_file_of_another_application_is_not_replaced(balancer, there):
    """Two inventories that give their application one name, or none."""
    balancer.setup()
    (balancer.directory / "live@shop.cfg").write_bytes(there.encode("utf-8"))
    balancer.dest.write_bytes(lb_config._joined((balancer.directory / "common").read_text(), {"": there}).encode("utf-8"))
    balancer.refuses("live@shop.cfg serves", "is not replaced for application shop", "bluegreen_application", "Nothing was changed")


def test_two_applications_without_names(balancer):
    balancer.setup("")
    message = balancer.refuses("live.cfg serves an application without a name", "bluegreen_application", application="", nodes=OTHER_NODES, port=18081)
    assert "with other nodes or other frontends: live.web" in message


def test_an_application_gets_its_name(balancer):
    balancer.setup("")
    assert balancer.setup("shop")["changed"]
    assert sorted(path.name for path in balancer.directory.iterdir()) == ["common", "live@shop.cfg"]
    assert part("") not in balancer.read


def test_both_load_balancers_of_an_application_on_one_host(balancer):
    balancer.setup()
    assert not balancer.setup(name="standby", port=18081).failed
    assert part() in balancer.read and part(name="standby", port=18081) in balancer.read


def test_a_file_of_an_earlier_version_is_taken_over_in_one_reload(balancer):
    balancer.dest.write_bytes(FORMER.encode("utf-8"))
    (balancer.etc / "haproxy.cfg.running").write_bytes(FORMER.encode("utf-8"))
    balancer.read = FORMER
    assert balancer.setup()["done"] == "reloaded"
    assert balancer.did == ["reload"]
    assert "frontend web\n" not in balancer.read and part() in balancer.read
    assert not (balancer.etc / "haproxy.cfg.running").exists()


def test_a_file_of_an_earlier_version_that_serves_another_application(balancer):
    """As it was tried: set-up of a second inventory with the same load balancers."""
    balancer.dest.write_bytes(FORMER.encode("utf-8"))
    balancer.refuses("haproxy.cfg serves an application without a name", "An earlier version wrote it", nodes=OTHER_NODES)
    balancer.refuses("haproxy.cfg serves an application without a name", frontend="api")
    balancer.refuses("is the configuration of load balancer live of the same application", name="standby")


@pytest.mark.parametrize("text", [BY_HAND, "", "# Rendered once by some other role\n"])
def test_a_file_that_somebody_else_wrote(balancer, text):
    balancer.dest.write_bytes(text.encode("utf-8"))
    balancer.refuses("haproxy.cfg was written by somebody else", "Nothing was changed", "move it away and run setup again")
    balancer.refuses("haproxy.cfg was written by somebody else", "only HAProxy is shared", by=balancer.alone)


def test_the_file_of_the_package(balancer):
    balancer.dest.write_bytes(BY_PACKAGE.encode("utf-8"))
    balancer.packaged[str(balancer.dest)] = BY_PACKAGE
    assert balancer.setup()["done"] == "reloaded"
    assert part() in balancer.read


def test_the_file_of_the_package_that_somebody_has_changed(balancer):
    balancer.dest.write_bytes(BY_HAND.encode("utf-8"))
    balancer.packaged[str(balancer.dest)] = BY_PACKAGE
    balancer.refuses("haproxy.cfg was written by somebody else")


@pytest.mark.parametrize(
    "said, taken", [("", True), (".......T.  c %s\n", True), (".M...UG..  c %s\n", True), ("S.5....T.  c %s\n", False), ("missing   c %s\n", False)]
)
def test_the_file_of_a_package_as_rpm_tells(balancer, monkeypatch, said, taken):
    balancer.dest.write_bytes(BY_PACKAGE.encode("utf-8"))
    monkeypatch.setattr(AnsibleModule, "get_bin_path", lambda module, name, *args, **kwargs: "/bin/rpm" if name == "rpm" else None)
    former = balancer.run_command

    def rpm(module, argv, **kwargs):
        if argv[:2] == ["/bin/rpm", "--query"]:
            return 0, "haproxy-2.4.22-1.el9.x86_64\n", ""
        if argv[:2] == ["/bin/rpm", "--verify"]:
            return int(bool(said)), said % balancer.dest if said else "", ""
        return former(module, argv, **kwargs)

    monkeypatch.setattr(AnsibleModule, "run_command", lambda module, argv, **kwargs: rpm(module, argv, **kwargs))
    assert balancer.setup().failed != taken


def test_what_somebody_has_put_into_the_directory(balancer):
    balancer.setup()
    (balancer.directory / "zz.cfg").write_bytes(b"listen intranet\n    bind *:8000\n")
    balancer.refuses("zz.cfg was written by somebody else", "Move it out of")
    # What is no configuration is not looked at.
    (balancer.directory / "zz.cfg").rename(balancer.directory / "zz.cfg.off")
    assert not balancer.setup()["changed"]


def test_what_somebody_has_changed_by_hand(balancer):
    balancer.setup()
    balancer.dest.write_bytes((balancer.read + "listen intranet\n    bind *:8000\n").encode("utf-8"))
    balancer.refuses("haproxy.cfg was changed by hand", "Setup would undo that", application="stock", port=18081, nodes=OTHER_NODES)
    balancer.refuses("haproxy.cfg was changed by hand")
    balancer.dest.unlink()
    assert balancer.setup()["done"] == "reloaded"


@pytest.mark.parametrize("port", [18080, "18080,127.0.0.1:18085", "18000-18100"])
def test_two_applications_at_one_port(balancer, port):
    """HAProxy 2.6 finds nothing wrong with it."""
    balancer.setup()
    balancer.refuses("application shop (load balancer live) listens at", "application stock (load balancer live) at", application="stock", port=port)


def test_two_applications_with_one_name_of_a_section(balancer):
    balancer.setup("", name="shop.live")
    balancer.refuses(
        "shop.live.web is the name of a section of application shop (load balancer live) and of an application without a name (load balancer shop.live)",
        port=18081,
        nodes=OTHER_NODES,
    )


def test_one_haproxy_has_one_user(balancer):
    balancer.setup()
    common = (COMMON % (balancer.etc / "sock")).replace("user haproxy", "user lb")
    balancer.refuses("load_balancer_user is haproxy there and lb here", "application shop", application="stock", port=18081, nodes=OTHER_NODES, common=common)
    # Alone it may change it.
    assert balancer.setup(common=common)["changed"]


def test_the_program_refuses_what_is_put_together(balancer):
    balancer.setup()
    balancer.complains = lambda text: "unknown keyword 'x'" if "live@x" not in text and "stock" in text else None
    balancer.refuses("failed to validate", "unknown keyword 'x'", application="stock", port=18081, nodes=OTHER_NODES)


def test_an_address_where_another_program_listens(balancer):
    balancer.refuses("Another program listens at 127.0.0.1:22", port=22)
    # Its own it holds itself.
    balancer.dest.write_bytes(FORMER.replace("18080", "22").encode("utf-8"))
    assert not balancer.setup(port=22).failed


@pytest.mark.parametrize("failure", ["stays", "ends", "refuses"])
def test_the_former_configuration_is_put_back(balancer, failure):
    balancer.setup()
    before, read = balancer.everything(), balancer.read
    balancer.fails = lambda text: failure if "stock" in text else None
    result = balancer.setup("stock", port=18081, nodes=OTHER_NODES)
    assert result.failed and "HAProxy did not go on with the new configuration" in result["msg"]
    assert "The former configuration was put back, and the program goes on with it" in result["msg"]
    assert (balancer.everything(), balancer.read, balancer.active) == (before, read, True)
    balancer.fails = lambda text: None
    assert not balancer.setup()["changed"]


def test_neither_configuration_is_gone_on_with(balancer):
    balancer.setup()
    balancer.fails = lambda text: "ends"
    result = balancer.setup("stock", port=18081, nodes=OTHER_NODES)
    assert result.failed and "the program does not go on with them either" in result["msg"]
    # The next run makes it good, though no file is changed.
    balancer.fails = lambda text: None
    assert balancer.setup()["done"] == "started" and balancer.active


def test_the_first_application_fails_where_an_earlier_version_served(balancer):
    balancer.dest.write_bytes(FORMER.encode("utf-8"))
    balancer.fails = lambda text: "stays" if text != FORMER else None
    assert "The former configuration was put back" in balancer.setup()["msg"]
    assert balancer.dest.read_text() == FORMER


def test_a_program_that_does_not_run_is_started_and_enabled(balancer):
    balancer.active = balancer.enabled = False
    assert balancer.setup()["done"] == "started"
    assert balancer.did == ["daemon-reload", "start", "enable"]
    assert balancer.states_read == "1\n"


LINE = "3 shop.live.web-nodes 1 blue1 192.0.2.11 2 0 1 1 5 15 3 4 6 0 0 0 - 8080 - 0 8790 - - %d"
KEPT = LINE % 0
SAID = "1\n# be_id be_name srv_id srv_name\n%s\n5 stock.live.web-nodes 1 blue1 198.51.100.11 0\n\n" % (LINE % 8790)


def test_what_is_known_of_the_other_applications_nodes_is_kept(balancer):
    balancer.setup()
    assert balancer.states_read == "1\n"
    balancer.said["show servers state"] = SAID
    balancer.setup("stock", port=18081, nodes=OTHER_NODES)
    # With its own come the ports of before.
    assert "shop.live.web-nodes" in balancer.states_read and "stock.live.web-nodes" not in balancer.states_read
    # HAProxy complains of an agent's port where there is no agent.
    assert balancer.states_read.splitlines()[2] == KEPT
    # Nobody reads it at another time.
    assert (balancer.etc / "states").read_text() == "1\n"


def test_a_reload_waits_until_no_node_is_between_in_and_out(balancer, clock):
    balancer.setup()
    balancer.said["show stat"] = "# pxname,svname,status,\nshop.live.web-nodes,blue1,UP 2/3,\nshop.live.web-nodes,BACKEND,UP,\n"
    began = clock.elapsed
    clock.at(began + 3, lambda: balancer.said.update({"show stat": "# pxname,svname,status,\nshop.live.web-nodes,blue1,DOWN,\n"}))
    assert not balancer.setup("stock", port=18081, nodes=OTHER_NODES).failed
    assert 3 <= clock.elapsed - began < 4


def test_a_node_that_does_not_come_to_rest(balancer):
    balancer.setup()
    balancer.said["show stat"] = "# pxname,svname,status,\nshop.live.web-nodes,blue1,DOWN 1/2,\n"
    balancer.refuses("is taking nodes in or out", "shop.live.web-nodes/blue1", "Run setup again", application="stock", port=18081, nodes=OTHER_NODES)
    # Where nothing is to be reloaded, nothing is in the way.
    assert not balancer.setup()["changed"]


def test_another_setup_is_at_work(balancer):
    balancer.setup()
    with open(str(balancer.etc / "haproxy.cfg.lock"), "w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        json.dump(dict(who="application stock (load balancer live)", since="2026-01-01T00:00:00Z"), held)
        held.flush()
        balancer.refuses("Another set-up is at work", "application stock (load balancer live), since 2026-01-01T00:00:00Z", port=18090)
    # It was killed: the kernel has taken its lock back, and what it has written is read.
    assert balancer.setup()["done"] == "reloaded"
    assert not balancer.setup()["changed"]


def test_a_run_that_was_killed_while_it_wrote(balancer):
    balancer.setup()
    (balancer.etc / "haproxy.cfg.lock").write_bytes(json.dumps(dict(who="x", since="y")).encode("utf-8"))
    (balancer.directory / "live@stock.cfg").write_bytes(part("stock", port=18081, nodes=OTHER_NODES).encode("utf-8"))
    assert balancer.setup()["done"] == "reloaded"
    assert "stock" in balancer.read


def test_check_mode_shows_and_does_nothing(balancer):
    balancer.setup()
    before, did = balancer.everything(), list(balancer.did)
    result = balancer.setup("stock", port=18081, nodes=OTHER_NODES, check_mode=True)
    assert (result["changed"], result["done"]) == (True, "reloaded")
    assert [each["after_header"] for each in result["diff"]] == [str(balancer.dest), str(balancer.directory / "live@stock.cfg")]
    assert (balancer.everything(), balancer.did) == (before, did)
    # It refuses the same.
    balancer.refuses("listens at", application="stock", nodes=OTHER_NODES, check_mode=True)


def test_nothing_is_made_in_check_mode(balancer):
    assert balancer.setup(check_mode=True)["changed"]
    assert list(balancer.etc.iterdir()) == []


def test_an_application_is_taken_away_as_the_refusal_says(balancer):
    balancer.setup()
    message = balancer.refuses("move its file away from", application="stock", nodes=OTHER_NODES)
    assert "%s, and %s, too" % (balancer.directory, balancer.dest) in message
    (balancer.directory / "live@shop.cfg").unlink()
    balancer.dest.unlink()
    assert not balancer.setup("stock", nodes=OTHER_NODES).failed
    assert "shop" not in balancer.read


def test_another_kind_serves_one_application(balancer):
    assert balancer.alone()["done"] == "reloaded"
    assert balancer.dest.read_text() == part()
    assert not balancer.alone()["changed"]
    balancer.refuses("serves application shop (load balancer live)", "only HAProxy is shared", application="stock", nodes=OTHER_NODES, by=balancer.alone)
    balancer.refuses("with other nodes or other frontends", nodes=OTHER_NODES, by=balancer.alone)


def test_a_file_to_hand_over(balancer):
    assert balancer.alone(service="", check="")["done"] == "nothing"
    assert balancer.dest.read_text() == part() and balancer.did == []
    assert not (balancer.etc / "haproxy.cfg.lock").exists()
    balancer.refuses("serves application shop", application="stock", nodes=OTHER_NODES, by=balancer.alone, service="")


def test_a_file_put_together_is_not_replaced_by_a_whole_one(balancer):
    balancer.setup()
    balancer.refuses("is put together for several applications", by=balancer.alone, service="")


def test_a_second_file_is_read_at_the_start_only(balancer):
    beside = dict(dest=str(balancer.etc / "unit.d" / "halfswap.conf"), content="# halfswap.bluegreen\nListen=1\n", restart=True)
    assert balancer.alone(beside=beside)["done"] == "restarted"
    assert balancer.did == ["daemon-reload", "restart"]
    assert balancer.alone(beside=beside)["done"] == "nothing"
    assert balancer.alone(beside=dict(beside, content="# halfswap.bluegreen\nListen=2\n"))["done"] == "restarted"
    (balancer.etc / "unit.d" / "halfswap.conf").write_bytes(b"Listen=3\n")
    balancer.refuses("halfswap.conf was written by somebody else", by=balancer.alone, beside=beside)


def test_where_somebody_listens_is_found_out(monkeypatch):
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(1)
    port = listening.getsockname()[1]
    try:
        assert _lb_program.in_the_way("127.0.0.1", port) == _lb_program.in_the_way("*", port) == "Another program listens at"
        assert _lb_program.in_the_way("192.0.2.5", port) == "This machine does not have the address of"
        assert _lb_program.answers("*", port)
    finally:
        listening.close()
    assert _lb_program.in_the_way("127.0.0.1", port) == "" and not _lb_program.answers("127.0.0.1", port)


def test_nobody_answers_at_a_socket(tmp_path):
    assert _lb_program.ask(str(tmp_path / "none"), "show info") is None
    assert _lb_program.ask("", "show info") is None
    assert os.listdir(str(tmp_path)) == []
