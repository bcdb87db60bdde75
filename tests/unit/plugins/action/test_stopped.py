# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.errors import AnsibleConnectionFailure

BATCH = {"number": 2, "nodes": ["blue1", "blue2"]}
ARGS = {"batch": BATCH, "run_id": "r2", "task": "Release: stop", "way_back": "way", "back": ["back", "live"], "services": ["shop", "cart"]}
GOES = {"packages": {"shop": "shop-1.0.0-1.noarch"}, "stays": ""}
DONE, SKIPPED = {"changed": True}, {"changed": False, "skipped": True}
END = 'No node outside the batch was touched by it. See "journalctl -u shop -u cart" on the node.'


def stopped(run_action, answer=None, args=ARGS, **variables):
    found = {"ansible_failed_result": {"failed": True, "msg": "no space"}, "way": GOES, "back": DONE, "live": DONE, **variables}
    ran = run_action(
        "stopped", args, {"inventory_hostname": "blue1", "hostvars": {}, **{key: value for key, value in found.items() if value is not None}}, answer
    )
    assert (ran.result["failed"], ran.result["changed"]) == (True, False)
    return ran


@pytest.mark.parametrize(
    "variables, rest",
    [
        ({}, "blue1 is back on shop-1.0.0-1.noarch and live."),
        ({"back": {"failed": True, "msg": "dnf: no way"}, "live": SKIPPED}, "blue1 was not brought back (dnf: no way) and stays in standby."),
        ({"live": {"failed": True, "msg": "Interlock: no"}}, "blue1 was not brought back (Interlock: no) and stays in standby."),
        ({"back": {"unreachable": True, "msg": "no route"}, "live": SKIPPED}, "blue1 was not brought back (no route) and stays in standby."),
        ({"way": {"packages": {}, "stays": "blue1 was left as it is."}, "back": SKIPPED, "live": SKIPPED}, "blue1 was left as it is."),
        ({"way": {"packages": {}, "stays": "blue1 stays in standby as it is."}, "back": SKIPPED, "live": SKIPPED}, "blue1 stays in standby as it is."),
        ({"way": None, "back": None, "live": None}, "Nothing is known of blue1."),
    ],
)
def test_the_message_of_each_outcome(run_action, variables, rest):
    assert stopped(run_action, **variables).result["msg"] == f'Batch 2 (blue1, blue2) stopped at "Release: stop": no space\n\n{rest} {END}'


@pytest.mark.parametrize(
    "others, here, why",
    [
        ({"blue2": {"ansible_failed_task": {"name": "Release: stop"}}}, ["blue1", "green1"], 'blue2 failed at "Release: stop"'),
        ({"blue2": {}}, ["blue1", "green1"], "blue2 was lost"),
        ({"blue2": {}}, ["blue1", "blue2"], "another node of the batch failed or was lost"),
        ({}, None, "another node of the batch failed or was lost"),
        ({"blue2": {"ansible_failed_task": {"action": "fail"}}}, None, 'blue2 failed at "a task without a name"'),
        # What stopped a node of another batch is not why this one stopped.
        ({"blue2": {}, "green1": {"ansible_failed_task": {"name": "Out"}}}, ["blue1", "blue2"], "another node of the batch failed or was lost"),
    ],
)
def test_a_healthy_node_says_which_of_the_others_stopped_it(run_action, others, here, why):
    args = {key: value for key, value in ARGS.items() if key != "task"}
    for given in (args, {**args, "task": ""}):
        ran = stopped(run_action, args=given, ansible_failed_result=None, hostvars=others, ansible_play_hosts=here)
        assert ran.result["msg"].startswith(f"Batch 2 (blue1, blue2) stopped: nothing failed on blue1, but {why} (see the output above).\n\nblue1 is back on")
        assert ran.sent[0][1]["after"] == {"task": "", "why": f"nothing failed on blue1, but {why} (see the output above)"}


def test_a_task_that_failed_without_a_word(run_action):
    for failed in (None, {"failed": True}, "text"):
        msg = stopped(run_action, ansible_failed_result=failed).result["msg"]
        assert msg.startswith('Batch 2 (blue1, blue2) stopped at "Release: stop": see the output above\n\n')


def test_of_a_loop_each_item_that_failed_has_its_reason(run_action):
    results = [{"item": "a", "failed": False}, {"_ansible_item_label": "b", "failed": True, "msg": "no route"}]
    results.append({"ansible_loop_var": "command", "command": {"name": "smoke"}, "failed": True, "msg": "non-zero return code", "stderr": "boom\n"})
    msg = stopped(run_action, ansible_failed_result={"failed": True, "msg": "One or more items failed", "results": results}).result["msg"]
    assert "b: no route; smoke: non-zero return code: boom" in msg and "One or more" not in msg


def test_the_journal_of_the_node_has_it(run_action):
    ((module, line),) = stopped(run_action, awx_user_name="alice").sent
    assert module == "halfswap.bluegreen.journal"
    assert (line["run_id"], line["what"], line["result"]) == ("r2", "batch stopped", "failed")
    assert line["after"] == {"task": "Release: stop", "why": "no space"} and line["by"].startswith("alice@")


def test_a_line_that_cannot_be_written_hides_nothing(run_action):
    ran = stopped(run_action, answer={"failed": True, "msg": "the disk is full"})
    assert "no space" in ran.result["msg"] and "the disk is full" not in ran.result["msg"]


def test_nor_does_a_node_that_nobody_reaches_any_more(run_action):
    """Its way back has failed for that; where it stands is all the more of interest."""

    def lost(args):
        raise AnsibleConnectionFailure("no route to host")

    ran = stopped(run_action, answer=lost, back={"unreachable": True, "msg": "no route"}, live=SKIPPED)
    assert "blue1 was not brought back (no route) and stays in standby." in ran.result["msg"]


@pytest.mark.parametrize("where", ["ansible_failed_result", "back"])
def test_what_a_node_says_is_cut_and_harmless(run_action, where):
    said = {"failed": True, "msg": "\x1b[2J{{ 7 * 7 }}{% set x = 1 %}\u202e" + "A" * 1000000}
    ran = stopped(run_action, **{where: said, "live": SKIPPED})
    for text in (ran.result["msg"], str(ran.sent)):
        assert not {"\x1b", "\u202e"} & set(text) and "{{" not in text and "{%" not in text and len(text) < 10000
    assert len(ran.sent[0][1]["after"]["why"]) <= 2000
