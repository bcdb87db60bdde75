#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: heartbeat_test
short_description: Have a node in standby answer the load balancers what only a match that is not anchored takes for live or standby
version_added: 0.1.0
description:
  - For O(seconds), the heartbeat agents of a node answer some URLs with status 503 and a body that begins and ends with a word without being
    that word. A load balancer that takes the node in, or keeps it, finds the word anywhere in a body.
  - The agent refuses it on a node that is live, and ends it by itself.
  - It is noted in the journal of the node.
author:
  - halfswap.bluegreen contributors (@halfswap)
extends_documentation_fragment:
  - halfswap.bluegreen.records
  - halfswap.bluegreen.trial
attributes:
  check_mode:
    description: Nothing is tested in check mode; it is skipped.
    support: none
  diff_mode:
    description: Nothing changes but for these seconds.
    support: none
  idempotent:
    description: Each test is one of its own.
    support: none
options:
  seconds:
    description: How long, in seconds, up to 300.
    type: float
    required: true
seealso:
  - module: halfswap.bluegreen.lb_trial
  - module: halfswap.bluegreen.lb_watch
"""

EXAMPLES = r"""
- name: Test the match of both load balancers
  halfswap.bluegreen.heartbeat_test:
    components:
      - {name: shop, url: "http://127.0.0.1:8791"}
    token: "{{ token }}"
    words: {/heartbeat/live: live, /heartbeat/standby: standby}
    seconds: 5
    run_id: 20261120T101500Z-4711
    by: ops@controller
"""

RETURN = r"""
tested:
  description: The components whose agents do it.
  returned: always
  type: list
  elements: str
  sample: [shop]
unable:
  description: The components whose heartbeats cannot do it, because they are answered by the application or by an older agent.
  returned: always
  type: list
  elements: str
  sample: []
"""

from ansible_collections.halfswap.bluegreen.plugins.module_utils.heartbeat._heartbeat_api import HeartbeatError
from ansible_collections.halfswap.bluegreen.plugins.module_utils.heartbeat._match_test import SPEC, begin
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._records import RecordsError
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._whose import Keeping


def main():
    module = Keeping(guarded=["components"], argument_spec=SPEC, supports_check_mode=False)
    try:
        result = begin(module.params)
    except (HeartbeatError, RecordsError) as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(changed=bool(result["tested"]), **result)


if __name__ == "__main__":
    main()
