# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the files of load balancers come out for addresses of each family.

With a real ansible-playbook, because it reads a pattern in a variable otherwise than in a template.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ansible_collections.halfswap.bluegreen import plugins

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


@pytest.fixture(scope="module")
def rendered(tmp_path_factory) -> dict[str, str]:
    """The file of each kind."""
    place = tmp_path_factory.mktemp("files")
    # The variables of the role, and its templates, without the tasks around them.
    role = COLLECTION / "roles/load_balancer"
    task = {
        "name": "Render each kind",
        "ansible.builtin.template": {"src": f"{role}/templates/{{{{ __load_balancer_kind.template }}}}", "dest": f"{place}/{{{{ item }}}}"},
        "loop": [*URLS, *APPLIANCES],
        "vars": {
            "load_balancer_kind": "{{ item }}",
            "load_balancer_frontends": [{"name": "shop", "bind": "[fd00::1]:80", "port": 8080, "heartbeat_port": 9500}],
            "load_balancer_servers": [{"name": name, "address": address} for name, address in SERVERS.items()],
            "load_balancer_user": "",
            # It is looked up in the files of a role.
            "__load_balancer_lua_checksum": "none",
            "load_balancer_group": "",
        },
    }
    variables = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    files = [f"{role}/defaults/main.yml", f"{role}/vars/main.yml"]
    (place / "play.yml").write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "vars": variables, "vars_files": files, "tasks": [task]}]))
    ran = subprocess.run(
        [sys.executable, "-m", "ansible.cli.playbook", "-i", "balancer,", "play.yml"],
        cwd=place,
        env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(COLLECTION.parents[2]), "ANSIBLE_HOME": str(place / "home"), "ANSIBLE_RETRY_FILES_ENABLED": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout.decode()
    return {kind: (place / kind).read_text(encoding="utf-8") for kind in (*URLS, *APPLIANCES)}


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
