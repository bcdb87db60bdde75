# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the token of the heartbeats may lie, with Ansible itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ansible_collections.halfswap.bluegreen import plugins

TOKEN = "a-t0ken-of-this-test"
COLLECTIONS = Path(next(iter(plugins.__path__))).parents[3]
PLAY = """
- hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - halfswap.bluegreen.site: {playbook: adopt}
      register: site
    # It is sent as a header, to where nobody listens, and comes back in no text.
    - halfswap.bluegreen.heartbeat_info:
        components: [{name: shop, url: "http://127.0.0.1:1", heartbeat: {via: controller}}]
        token: "{{ lookup('halfswap.bluegreen.setting', 'token') }}"
      register: asked
      failed_when: "'no heartbeat answers' not in asked.msg"
    - ansible.builtin.assert:
        that: lookup('halfswap.bluegreen.setting', 'token') == lookup('ansible.builtin.env', 'EXPECTED')
        quiet: true
"""


def vaulted(folder: Path) -> str:
    (folder / "password").write_text("pw")
    command = [sys.executable, "-m", "ansible.cli.vault", "encrypt_string", "--vault-password-file", "password", "--name", "bluegreen_token", TOKEN]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def play(folder: Path, token: str) -> subprocess.CompletedProcess[str]:
    site = {
        "bluegreen_components": [{"name": "shop", "port": 8080, "health_url": "http://127.0.0.1:8080/health", "heartbeat": {"port": 9180}}],
        "bluegreen_load_balancers": [{"name": "live", "follows": "live"}, {"name": "standby", "follows": "standby"}],
    }
    (folder / "group_vars").mkdir()
    (folder / "group_vars" / "all.yml").write_text(yaml.safe_dump(site) + token)
    (folder / "inventory.ini").write_text("[blue]\nblue1\n[green]\ngreen1\n")
    (folder / "play.yml").write_text(PLAY)
    (folder / "password").write_text("pw")
    given = {"ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS), "EXPECTED": TOKEN, "TOKEN": TOKEN, "ANSIBLE_HOME": str(folder), "ANSIBLE_NOCOLOR": "1"}
    command = [sys.executable, "-m", "ansible.cli.playbook", "-vvv", "-i", "inventory.ini", "--vault-password-file", "password", "play.yml"]
    return subprocess.run(command, cwd=folder, env={**os.environ, **given}, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("where", ["file", "vault", "env"])
def test_a_token_lies_in_a_file_a_vault_or_wherever_a_lookup_finds_it(tmp_path, where):
    (tmp_path / "token").write_text(TOKEN + "\n")
    ways = {
        "file": "bluegreen_token: \"{{ lookup('ansible.builtin.file', inventory_dir ~ '/token') }}\"\n",
        "env": "bluegreen_token: \"{{ lookup('ansible.builtin.env', 'TOKEN') }}\"\n",
    }
    ran = play(tmp_path, ways.get(where) or vaulted(tmp_path))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert TOKEN not in ran.stdout + ran.stderr


def test_a_token_that_no_header_takes_is_refused_and_not_shown(tmp_path):
    ran = play(tmp_path, f'bluegreen_token: "{TOKEN}\\n"\n')
    assert ran.returncode != 0
    assert "bluegreen_token is given, but it has blanks, line breaks or other characters that no HTTP header takes" in ran.stdout
    assert TOKEN not in ran.stdout + ran.stderr
