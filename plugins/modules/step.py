#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: step
short_description: Carry out any of the steps of a swap, for their own actions
version_added: 0.1.0
description:
  - Not for playbooks. There you write the step that you mean, such as M(halfswap.bluegreen.out); its action has this module carry it out on the node.
  - It is one module for all of them because Ansible builds what it sends for each module anew, which takes as long as a step itself. So that is done once a
    run. The node keeps it, compiled, until it is restarted; a step whose node has it is sent as the arguments and a page of Python.
author:
  - halfswap.bluegreen contributors (@halfswap)
extends_documentation_fragment:
  - halfswap.bluegreen.attributes
attributes:
  check_mode:
    description: As that of the step.
options:
  step:
    description: Which one.
    type: str
    required: true
    choices: [begin, deploy_lock, end, heartbeat, journal, node_check, node_info, out, release, rpm_stage]
  options:
    description: The options of the module of that name.
    type: dict
    required: true
  keep:
    description:
      - Where to keep, on the node, what Ansible has sent with this step, so that later ones need not be sent. The name of the Python that runs is added.
      - Without it, or in check mode, nothing is kept.
    type: str
seealso:
  - module: halfswap.bluegreen.begin
  - module: halfswap.bluegreen.out
  - module: halfswap.bluegreen.release
  - module: halfswap.bluegreen.heartbeat
  - module: halfswap.bluegreen.end
"""

EXAMPLES = r"""
- name: "Out: standby, settle, drain"
  halfswap.bluegreen.out:
    batch_id: "{{ batch_id }}"
    permit: permit
"""

RETURN = r"""
changed:
  description: As that of the step, and so is everything else.
  returned: always
  type: bool
  sample: true
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.halfswap.bluegreen.plugins.module_utils._secrets import Module

STEPS = ["begin", "deploy_lock", "end", "heartbeat", "journal", "node_check", "node_info", "out", "release", "rpm_stage"]


def named(step):
    """What carries it out. Of the others nothing is imported, which would take a node longer than the rest."""
    if step == "begin":
        from ansible_collections.halfswap.bluegreen.plugins.module_utils.steps.begin import main as carry_out
    elif step == "deploy_lock":
        from ansible_collections.halfswap.bluegreen.plugins.module_utils.steps.deploy_lock import main as carry_out
    elif step == "end":
        from ansible_collections.halfswap.bluegreen.plugins.module_utils.steps.end import main as carry_out
    elif step == "heartbeat":
        from ansible_collections.halfswap.bluegreen.plugins.module_utils.steps.heartbeat import main as carry_out
    elif step == "journal":
        from ansible_collections.halfswap.bluegreen.plugins.module_utils.steps.journal import main as carry_out
    elif step == "node_check":
        from ansible_collections.halfswap.bluegreen.plugins.module_utils.steps.node_check import main as carry_out
    elif step == "node_info":
        from ansible_collections.halfswap.bluegreen.plugins.module_utils.steps.node_info import main as carry_out
    elif step == "out":
        from ansible_collections.halfswap.bluegreen.plugins.module_utils.steps.out import main as carry_out
    elif step == "release":
        from ansible_collections.halfswap.bluegreen.plugins.module_utils.steps.release import main as carry_out
    else:
        from ansible_collections.halfswap.bluegreen.plugins.module_utils.steps.rpm_stage import main as carry_out
    return carry_out


def main():
    given = AnsibleModule(
        argument_spec=dict(
            step=dict(type="str", required=True, choices=STEPS),
            # The step checks them, and knows what of them is secret.
            options=dict(type="dict", required=True, no_log=True),
            keep=dict(type="str"),
        ),
        supports_check_mode=True,
    )
    # Whoever builds modules otherwise than Ansible does sends no zip.
    sent = globals().get("_modlib_path")
    if given.params["keep"] and sent and not given.check_mode:
        from ansible_collections.halfswap.bluegreen.plugins.module_utils._library import keep

        keep(given.params["keep"], sent)
    Module.handed = given.params["options"]
    named(given.params["step"])()


if __name__ == "__main__":
    main()
