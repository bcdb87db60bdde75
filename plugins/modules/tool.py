#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: tool
short_description: Run a command, and make what it prints fit to be shown
version_added: 0.1.0
description:
  - Runs a command of the application, such as a test or a migration, as M(ansible.builtin.command) does.
  - Of what it prints, the last 4000 characters of each stream are kept, in which control characters and the openings of templates are escaped.
    Bytes that are not UTF-8 are replaced; newer versions of Ansible refuse a result with them.
author:
  - halfswap.bluegreen contributors (@halfswap)
attributes:
  check_mode:
    description: Runs nothing.
    support: full
  diff_mode:
    description: Nobody knows what a command changes.
    support: none
  idempotent:
    description: Nobody knows what a command changes.
    support: none
options:
  argv:
    description: The command and its arguments. No shell sees them.
    type: list
    elements: str
    required: true
  chdir:
    description: Directory to run it in.
    type: path
seealso:
  - module: ansible.builtin.command
"""

EXAMPLES = r"""
- name: Run the tests of the application
  halfswap.bluegreen.tool:
    argv: [pytest, tests/smoke]
  changed_when: false
"""

RETURN = r"""
rc:
  description: Its status.
  returned: when it was run
  type: int
  sample: 0
stdout:
  description: What it printed last.
  returned: when it was run
  type: str
  sample: 12 passed
stdout_lines:
  description: The same, line by line.
  returned: when it was run
  type: list
  elements: str
  sample: [12 passed]
stderr:
  description: What it printed last as errors.
  returned: when it was run
  type: str
  sample: ""
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.halfswap.bluegreen.plugins.module_utils._shown import LONG, shown


def main():
    module = AnsibleModule(
        argument_spec=dict(argv=dict(type="list", elements="str", required=True), chdir=dict(type="path")),
        supports_check_mode=True,
    )
    argv = module.params["argv"]
    if module.check_mode:
        module.exit_json(changed=True, skipped=True, cmd=argv, rc=0, stdout="", stderr="")
    # As bytes, of which whoever shows them makes text.
    rc, out, err = module.run_command(argv, cwd=module.params["chdir"], encoding=None)
    # The reason is at the end.
    out, err = [shown(stream.rstrip(b"\r\n"), LONG, lines=True, end=True) for stream in (out, err)]
    result = dict(changed=True, cmd=argv, rc=rc, stdout=out, stderr=err)
    if rc:
        module.fail_json(msg="non-zero return code", **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
