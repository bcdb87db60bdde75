# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the swap rests on that is ansible-core's, and not promised by it: tried with a real ansible-playbook, on the core that runs the tests.

One run in the shape of playbooks/deploy.yml and roles/swap, four hosts, three batches. In the second one the first host is lost while it is read, and
another one cannot be read; so the interlock, which is judged once for all, refuses. Real are Ansible, the action plugins of the collection and the
connection; what each host says is in a file.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from ansible_collections.halfswap.bluegreen import plugins

COLLECTION = Path(next(iter(plugins.__path__))).parent
COLLECTIONS = COLLECTION.parents[2]
NAMES = ["blue1", "blue2", "green1", "green2"]
LOST, UNREADABLE = "blue1", "green1"
Ran = tuple[subprocess.CompletedProcess[str], list[tuple[str, str]]]

# Whatever is in the file is the result. WANT_JSON has Ansible hand the arguments over as a file.
SAY = """#!/usr/bin/python
# WANT_JSON
import json, sys
print(open(json.load(open(sys.argv[1]))["file"]).read())
"""

# A line for each host that comes to the task, whether its node can be reached or not.
MARK = """
import os
from ansible.plugins.action import ActionBase

class ActionModule(ActionBase):
    _requires_connection = False

    def run(self, tmp=None, task_vars=None):
        with open(os.environ["MARKS"], "a") as marks:
            marks.write("%s %s\\n" % (task_vars["inventory_hostname"], self._task.args["what"]))
        return dict(changed=False)
"""

# A host that nobody reaches.
GONE = """
from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.connection.local import Connection as Local

DOCUMENTATION = '''
name: gone
short_description: nobody is there
description: nobody is there
author: nobody
'''

class Connection(Local):
    transport = "gone"

    def _connect(self):
        raise AnsibleConnectionFailure("no route to host")

    def exec_command(self, *args, **kwargs):
        self._connect()

    put_file = fetch_file = exec_command
"""

PLAY = """
- name: Deploy
  hosts: all
  gather_facts: false
  strategy: ansible.builtin.linear
  any_errors_fatal: true
  tasks:
    - name: Under the lock
      block:
        - name: Swap batch after batch
          ansible.builtin.include_role:
            name: batches
            rolespec_validate: false
          loop: [1, 2, 3]
          loop_control:
            loop_var: number
      always:
        - name: End the run
          ansible.builtin.HOW: end.yml

- name: What would follow
  hosts: all
  gather_facts: false
  tasks:
    - name: Follow
      mark:
        what: followed
"""

END = """
- name: Give the lock back
  mark:
    what: end
- name: Tell whether the run is complete
  mark:
    what: complete {{ ansible_play_hosts | length == ansible_play_hosts_all | length }}
"""

ROLE = """
- name: Swap and watch
  vars:
    ansible_connection: "{{ 'gone' if inventory_hostname == 'LOST' and number | int == 2 else 'local' }}"
  module_defaults:
    halfswap.bluegreen.out:
      components: [{name: shop, url: "http://127.0.0.1:1"}]
      token: t
      run_id: r1
      load_balancers: "{{ site.load_balancers }}"
  block:
    - name: Swap the batch
      ansible.builtin.include_tasks: batch.yml
"""

BATCH = """
- name: Read every node for this batch
  say:
    file: "{{ playbook_dir }}/{{ inventory_hostname }}-{{ number }}.json"
  register: evidence
  ignore_errors: true
  ignore_unreachable: true

- name: Who is still there
  mark:
    what: read {{ number }} {{ 'unreachable' if evidence.unreachable | default(false) else 'failed' if evidence is failed else 'well' }}

- name: Judge for all
  block:
    - name: Interlock
      halfswap.bluegreen.interlock:
        site: "{{ site }}"
        batch: [blue1, blue2]
        batch_id: r1/{{ number }}
        evidence: evidence
      run_once: true
      register: permit

- name: Who knows the permit
  mark:
    what: permit {{ permit.batch_id }} for {{ permit.nodes | join(',') }}

- name: Swap
  when: inventory_hostname in ['blue1', 'blue2']
  block:
    # Refused by the plugin, so no module is sent anywhere.
    - name: Out, with what the defaults say
      halfswap.bluegreen.out:
        batch_id: another
        permit: permit
      register: refused
      ignore_errors: true
    - name: What came of it
      mark:
        what: out {{ refused.msg }}
"""

SITE = {
    "run_id": "r1",
    "load_balancers": [{"name": state, "follows": state, "path": f"/heartbeat/{state}", "addresses": ["10.0.0.5"]} for state in ("live", "standby")],
}


def said_by(name: str, number: int, said: dict) -> dict:
    if (name, number) == (UNREADABLE, 2):
        return {"failed": True, "msg": "rpm: the database is locked"}
    # Evidence may be a minute old. This one never is, however long the play takes.
    return {**said, "at": time.monotonic() + 1e6, "batch_id": f"r1/{number}", "machine": f"boot/{name}"}


def how_it_ends(playbook: str) -> str:
    """By which kind of task a playbook that takes the locks comes to give them back."""
    play = yaml.safe_load((COLLECTION / f"playbooks/{playbook}.yml").read_text(encoding="utf-8"))[0]
    (block,) = [task for task in play["tasks"] if "always" in task]
    (end,) = block["always"]
    return next(key for key in end if key.endswith("_tasks"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    made = tmp_path_factory.mktemp("core")
    files = {
        "library/say.py": SAY,
        "action_plugins/mark.py": MARK,
        # A module of that name has to be there for the syntax check of some cores.
        "library/mark.py": SAY,
        "connection_plugins/gone.py": GONE,
        "play.yml": PLAY.replace("ansible.builtin.HOW", how_it_ends("deploy")),
        "end.yml": END,
        "roles/batches/tasks/main.yml": ROLE.replace("LOST", LOST),
        "roles/batches/tasks/batch.yml": BATCH,
        "inventory.yml": yaml.safe_dump(
            {
                "all": {"vars": {"site": SITE, "ansible_connection": "local", "ansible_python_interpreter": sys.executable}},
                "blue": {"hosts": {"blue1": {}, "blue2": {}}},
                "green": {"hosts": {"green1": {}, "green2": {}}},
            }
        ),
    }
    for name, text in files.items():
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_text(text)
    return made


@pytest.fixture(scope="module")
def once() -> dict[str, Ran]:
    return {}


@pytest.fixture
def ran(folder: Path, once: dict[str, Ran], said) -> Ran:
    """The one run, and which host came where."""
    if "ran" not in once:
        for name in NAMES:
            for number in (1, 2, 3):
                (folder / f"{name}-{number}.json").write_text(json.dumps(said_by(name, number, said())))
        once["ran"] = run(folder)
    return once["ran"]


def run(folder: Path) -> Ran:
    given = {
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
        "ANSIBLE_HOME": str(folder / "home"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_RETRY_FILES_ENABLED": "0",
        "ANSIBLE_CONNECTION_PLUGINS": str(folder / "connection_plugins"),
        "MARKS": str(folder / "marks"),
    }
    command = [sys.executable, "-m", "ansible.cli.playbook", "-i", "inventory.yml", "play.yml"]
    found = subprocess.run(command, cwd=folder, env={**os.environ, **given}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    marks = (folder / "marks").read_text() if (folder / "marks").exists() else ""
    return found, [(line.split(" ")[0], line.split(" ", 1)[1]) for line in marks.splitlines()]


def hosts_at(ran, what: str) -> list[str]:
    found, marks = ran
    assert marks, found.stdout
    return sorted(name for name, mark in marks if mark == what)


def test_what_is_registered_by_a_task_that_runs_once_reaches_every_host(ran):
    assert hosts_at(ran, "permit r1/1 for blue1,blue2") == NAMES


def test_module_defaults_reach_an_action_plugin_in_included_tasks(ran):
    """Without them it would ask for its components; with them it comes to its own refusal."""
    assert hosts_at(ran, "out Interlock: blue1 does not go to standby, nothing was changed. HS-PERMIT: blue1: the interlock has judged r1/1, not another.") == [
        "blue1"
    ]
    assert hosts_at(ran, "out Interlock: blue2 does not go to standby, nothing was changed. HS-PERMIT: blue2: the interlock has judged r1/1, not another.") == [
        "blue2"
    ]


def test_who_is_lost_or_fails_in_a_reading_that_ignores_it_stays(ran):
    assert hosts_at(ran, "read 1 well") == NAMES
    assert hosts_at(ran, "read 2 unreachable") == [LOST]
    assert hosts_at(ran, "read 2 failed") == [UNREADABLE]
    assert hosts_at(ran, "read 2 well") == ["blue2", "green2"]


def test_a_judgement_needs_no_connection_to_the_host_on_which_it_runs_once(ran):
    """That is the first one, and the one that is lost. It is judged all the same, and said what of each of them was found."""
    found, _marks = ran
    refusal = "Interlock: blue1, blue2 does not leave, nothing was changed. "
    assert refusal in found.stdout
    reasons = found.stdout.partition(refusal)[2].partition("\n")[0]
    assert "blue1: it is unreachable" in reasons
    # blue2 is live and would leave with its capacity, so the others are judged, too.
    assert "green1 counts as not live: its reading failed: rpm: the database is locked" in reasons


def test_a_refusal_for_all_ends_it_for_all(ran):
    """Nobody acts without the permit, nobody begins with the next batch, and nothing follows."""
    found, marks = ran
    assert not [mark for mark in marks if mark[1].startswith(("permit r1/2", "read 3", "permit r1/3", "followed"))]
    assert found.returncode == 2, found.stdout


def test_and_every_host_comes_to_the_end(ran):
    """Which gives its lock back; the one that is lost, too, for it may be there again.

    By the very kind of task that is shipped: of tasks that are imported there, core 2.16 runs none.
    """
    assert hosts_at(ran, "end") == NAMES


@pytest.mark.parametrize("playbook", ["adopt", "migrate", "verify_lb"])
def test_the_others_end_in_the_same_way(playbook):
    assert how_it_ends(playbook) == how_it_ends("deploy")


def test_nobody_takes_it_for_complete(ran):
    """Who fails has left the play when the end comes, on core 2.16 as well, where some come to what follows the batches."""
    assert hosts_at(ran, "complete False") == NAMES
