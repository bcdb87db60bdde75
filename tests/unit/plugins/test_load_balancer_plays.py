# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the files of load balancers come out for addresses of each family, and that HAProxy takes those of two applications together.

With a real ansible-playbook, because it reads a pattern in a variable otherwise than in a template.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ansible_collections.halfswap.bluegreen import plugins
from ansible_collections.halfswap.bluegreen.plugins.module_utils.traffic._lb_files import COMMON, Wanted, clashes, owner_of

COLLECTION = Path(next(iter(plugins.__path__))).parent
SERVERS = {"blue1": "fd00::5", "blue2": "::ffff:192.0.2.6", "green1": "192.0.2.7"}
# How each kind writes the place of a node's application and of its heartbeat.
URLS = {
    "apache": ('ProxyPass "/" "http://{host}:8080/"', 'ProxyPass "/.halfswap/" "http://{host}:9500/"'),
    "nginx": ("proxy_pass http://{host}:8080;", "proxy_pass http://{host}:9500/heartbeat/live;"),
    "caddy": ("\t\t{host}:8080 {name}\n", "{host}:8080"),
    "haproxy": ("server {name} {address}:8080 check port 9500",),
    "varnish": ('.host = "{address}";',),
}
APPLIANCES = {
    "keepalived": ("real_server {address} 8080 {{",),
    "f5": ("        {address}{dot}8080 {{\n            address {address}\n",),
    "citrix": ("add server {name} {address}",),
}
# The files that HAProxy's is put together of.
TOGETHER = ("common", "of-shop", "of-stock")


@pytest.fixture(scope="module")
def rendered(tmp_path_factory) -> dict[str, str]:
    """The file of each kind."""
    place = tmp_path_factory.mktemp("files")
    # The variables of the role, and its templates, without the tasks around them.
    role = COLLECTION / "roles/load_balancer"
    values = {
        "load_balancer_kind": "{{ item }}",
        "load_balancer_frontends": [{"name": "shop", "bind": "[fd00::1]:80", "port": 8080, "heartbeat_port": 9500}],
        "load_balancer_servers": [{"name": name, "address": address} for name, address in SERVERS.items()],
        "load_balancer_user": "",
        # It is looked up in the files of a role.
        "__load_balancer_lua_checksum": "none",
        "load_balancer_group": "",
    }
    tasks = [
        {
            "name": "Render each kind",
            "ansible.builtin.template": {"src": f"{role}/templates/{{{{ __load_balancer_kind.template }}}}", "dest": f"{place}/{{{{ item }}}}"},
            "loop": [*URLS, *APPLIANCES],
            "vars": values,
        },
        {
            "name": "Render what HAProxy has for two applications, and a whole file",
            "ansible.builtin.template": {"src": f"{role}/templates/{{{{ item.src }}}}", "dest": f"{place}/{{{{ item.dest }}}}"},
            "loop": [
                {"src": "haproxy_common.cfg.j2", "dest": "common", "manage": True, "application": "", "port": 80},
                {"src": "haproxy.cfg.j2", "dest": "of-shop", "manage": True, "application": "shop", "port": 80},
                {"src": "haproxy.cfg.j2", "dest": "of-stock", "manage": True, "application": "stock", "port": 81},
                {"src": "haproxy.cfg.j2", "dest": "whole", "manage": False, "application": "shop", "port": 80},
            ],
            "vars": {
                **values,
                "load_balancer_kind": "haproxy",
                "load_balancer_dest": f"{place}/haproxy.cfg",
                "load_balancer_application": "{{ item.application }}",
                "load_balancer_manage_service": "{{ item.manage }}",
                "load_balancer_stats_bind": "127.0.0.1:{{ item.port }}04",
                "load_balancer_frontends": [{"name": "web", "bind": "*:{{ item.port }}", "port": 8080, "heartbeat_port": 9500}],
            },
        },
    ]
    variables = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    files = [f"{role}/defaults/main.yml", f"{role}/vars/main.yml"]
    (place / "play.yml").write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "vars": variables, "vars_files": files, "tasks": tasks}]))
    ran = subprocess.run(
        [sys.executable, "-m", "ansible.cli.playbook", "-i", "balancer,", "play.yml"],
        cwd=place,
        env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(COLLECTION.parents[2]), "ANSIBLE_HOME": str(place / "home"), "ANSIBLE_RETRY_FILES_ENABLED": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout.decode()
    return {kind: (place / kind).read_text(encoding="utf-8") for kind in (*URLS, *APPLIANCES, *TOGETHER, "whole")}


@pytest.mark.parametrize("name", SERVERS)
@pytest.mark.parametrize("kind", [*URLS, *APPLIANCES])
def test_every_address_of_a_node_stands_as_its_program_reads_it(rendered: dict[str, str], kind: str, name: str) -> None:
    address = SERVERS[name]
    host = f"[{address}]" if ":" in address else address
    for text in {**URLS, **APPLIANCES}[kind]:
        assert text.format(name=name, address=address, host=host, dot="." if ":" in address else ":") in rendered[kind]


@pytest.mark.parametrize("kind", [*URLS, *APPLIANCES])
def test_no_pattern_is_left_in_a_file(rendered: dict[str, str], kind: str) -> None:
    assert "\\1" not in rendered[kind] and "\\2" not in rendered[kind]


@pytest.mark.parametrize("kind", [*URLS, *APPLIANCES])
def test_a_file_says_whose_it_is(rendered: dict[str, str], kind: str) -> None:
    owner = owner_of(rendered[kind])
    assert owner is not None and (owner.application, owner.load_balancer, owner.former) == ("", "live", False)
    assert "change it there, not here.\n# " in rendered[kind]
    servers = [{"name": name, "address": address} for name, address in SERVERS.items()]
    assert not Wanted("", "live", ["shop"], servers[:1]).objection("FILE", rendered[kind], owner)
    # Another application has other nodes, or other frontends.
    assert Wanted("", "live", ["shop"], [{"name": "blue1", "address": "fd00::6"}]).objection("FILE", rendered[kind], owner)
    assert Wanted("", "live", ["stock"], servers).objection("FILE", rendered[kind], owner)


def test_two_applications_with_equal_frontends_and_nodes_do_not_clash(rendered: dict[str, str]) -> None:
    assert COMMON.search(rendered["common"]) and not owner_of(rendered["common"])
    assert owner_of(rendered["of-stock"])[:2] == ("stock", "live")
    assert clashes([("shop", rendered["of-shop"]), ("stock", rendered["of-stock"])]) == []


@pytest.mark.skipif(not shutil.which("haproxy"), reason="haproxy is not installed here; scenario load_balancer runs it")
@pytest.mark.parametrize("files", [TOGETHER, TOGETHER[:2], ("whole",)], ids="+".join)
def test_haproxy_takes_them_together(rendered: dict[str, str], tmp_path: Path, files: tuple[str, ...]) -> None:
    config = tmp_path / "haproxy.cfg"
    config.write_text("\n".join(rendered[name] for name in files), encoding="utf-8")
    checked = subprocess.run(
        ["haproxy", "-c", "-f", str(config)],
        env={**os.environ, "HALFSWAP_HOLD_LUA": str(COLLECTION / "roles/load_balancer/files/halfswap-hold.lua")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout.decode()
    warnings = [line for line in checked.stdout.decode().splitlines() if "WARNING" in line]
    # Setup makes that file before HAProxy reads the configuration.
    assert [line for line in warnings if "server state file" not in line] == []


@pytest.mark.parametrize("name", ["of-shop", "of-stock", "whole"])
def test_what_requests_wait_for_is_there(rendered: dict[str, str], name: str) -> None:
    """HAProxy does not check the words that it hands to Lua."""
    text = rendered[name]
    backends = set(re.findall(r"(?m)^backend (\S+)", text))
    named = re.findall(r"lua\.hold_while_told (\S+) \d+ (\S+) ", text) + re.findall(r"lua\.sleep_unless_known \d+ (\S+) ", text)
    assert named and {each for one in named for each in ([one] if isinstance(one, str) else one)} <= backends
    # A process that ends after a reload counts no server of any backend: it would take all nodes, those in standby, too.
    asked = [line for line in text.splitlines() if re.match(" *(use_backend|http-request lua.hold)", line)]
    assert len(asked) == 2 and all("!{ stopping }" in line for line in asked)
