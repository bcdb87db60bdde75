# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the last play of deploy costs where no migration is wanted, with a real ansible-playbook."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.halfswap.bluegreen import plugins

COLLECTION = Path(next(iter(plugins.__path__))).parent
# The play of deploy that is left, as it stands there.
LAST = yaml.safe_load((COLLECTION / "playbooks/deploy.yml").read_text(encoding="utf-8"))[-1]
NODES = [f"{stack}{number}" for stack in ("blue", "green") for number in range(1, 6)]
PLAY, END = "PLAY [Run the database migrations, where they are asked for]", "TASK [End the play where no migration is asked for]"


def ended(folder: Path, *deployments: dict[str, Any], options: tuple[str, ...] = ()) -> list[str]:
    """The lines that the ends of deployments with these variables print until the recap, without stars and empty ones."""
    hosts = {stack: {"hosts": {name: {"ansible_connection": "local"} for name in NODES if name.startswith(stack)}} for stack in ("blue", "green")}
    (folder / "inventory.yml").write_text(yaml.safe_dump({"all": {"children": hosts}}), encoding="utf-8")
    migrate = str(COLLECTION / "playbooks/migrate.yml")
    plays = [{**LAST, "ansible.builtin.import_playbook": migrate, "vars": {**LAST["vars"], **variables}} for variables in deployments]
    (folder / "play.yml").write_text(yaml.safe_dump(plays), encoding="utf-8")
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(COLLECTION.parents[2]), "ANSIBLE_HOME": str(folder / "home"), "ANSIBLE_NOCOLOR": "1"}
    command = [sys.executable, "-m", "ansible.cli.playbook", "-i", "inventory.yml", *options, "play.yml"]
    printed = subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False).stdout
    return [line.rstrip(" *") for line in printed.partition("PLAY RECAP")[0].splitlines() if line]


def test_a_migration_that_is_not_wanted_costs_no_line_of_any_node(tmp_path):
    """rollback, confirm and all_live are deploy with another target. The last one is asked for its migrations, and finds no site here to migrate."""
    wanted = {"bluegreen_migrate": True}
    lines = ended(tmp_path, {}, {"bluegreen_migrate": "false"}, {**wanted, "__bluegreen_target": "rollback"}, wanted)
    assert lines[:8] == [PLAY, END, PLAY, END, PLAY, END, PLAY, END] and "TASK [Check the description of the site]" in lines[8:]


def test_nor_does_one_that_check_mode_would_not_run(tmp_path):
    assert ended(tmp_path, {"bluegreen_migrate": True}, options=("--check",)) == [PLAY, END]
