#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: release
short_description: Bring a node that nobody uses to a release - stop, install, start, until healthy
version_added: 0.1.0
description:
  - One step of a swap, in one round trip. It finds the packages, asks for the proof that nobody uses what has to stop, stops it, installs all packages in
    one transaction as M(halfswap.bluegreen.rpm_release) does, starts the services, waits until each component is healthy and reports its release, and
    reads the node again as M(halfswap.bluegreen.node_info) does.
  - Only what has to is stopped - a service whose package changes, whose process is older than its package, or any with O(restart=true). The others are
    started where they do not run. All are enabled.
  - The proof is that of M(halfswap.bluegreen.out). It has to be of O(run_id), of O(batch_id) and of this boot of the node, the heartbeat has to be in
    standby at its revision, and another look with O(drain) must show nothing in flight and no request since. Where something of it is missing, nothing is
    stopped. A process that was started after the proof, in standby, has never had a user, and is not looked at.
  - What triggers a service (C(TriggeredBy) of systemd - a socket, a timer, a path) is stopped with it, and started before it again where it ran or is
    enabled. A service whose socket is enabled is not enabled itself.
  - What somebody started while the packages were installed is started again, and so is what a run that was cut off has not restarted. A process that is
    left from before the restart is a failure.
  - It does not wait for the health of a service that has failed, has ended or was started again by systemd. That fails at once, with the state of the
    unit, its exit status and the end of its journal.
  - It refuses while the lock of another run lies on the node.
  - Needs root.
author:
  - halfswap.bluegreen contributors (@halfswap)
extends_documentation_fragment:
  - halfswap.bluegreen.installation
  - halfswap.bluegreen.repositories
  - halfswap.bluegreen.records
attributes:
  check_mode:
    description: >-
      Says what would be installed, stopped and started; rehearses with O(rehearse=true). It asks for no proof, waits for nothing, and does not read the node
      again.
    support: full
  diff_mode:
    description: Shows the packages before and after.
    support: full
  idempotent:
    description: Nothing is done when every package is the one wanted, and every service is enabled and runs a process that is younger than its package.
    support: full
options:
  components:
    description: The components of the node.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the component.
        type: str
        required: true
      package:
        description: Name of its RPM, which no other component has.
        type: str
        required: true
      service:
        description: Name of its systemd unit.
        type: str
        required: true
      replaces:
        description:
          - The systemd unit in which it served before its package was installed for the first time. Where that is active or enabled, it is stopped and
            disabled, with the same proof as the service, and nobody may be left on the ports of O(drain) before anything is installed.
          - It stays as it is on the disk, for O(components[].as_adopted).
        type: str
      version:
        description: Version wanted. Required without O(components[].as_adopted=true).
        type: str
      as_adopted:
        description:
          - Instead of a version, what served before there was a package, as the playbook C(adopt) found it. A package that was installed since is removed,
            and the unit O(components[].replaces) is enabled and started, until it is healthy.
          - It fails, and changes nothing, where the package is installed and systemd has no such unit.
        type: bool
        default: false
      release:
        description: Release of the RPM wanted; see O(halfswap.bluegreen.rpm_release#module:packages[].release).
        type: str
      epoch:
        description: Epoch wanted. Where not given, the highest one counts.
        type: int
      arch:
        description: Architecture wanted. Where not given, V(noarch) or that of the node.
        type: str
      may_differ:
        description: Paths of files of the package that the application itself changes, with C(*) for any characters. They are not compared.
        type: list
        elements: str
        default: []
      url:
        description: Base URL of the control side of its heartbeat as the node reaches it, for instance V(http://127.0.0.1:8791).
        type: str
      heartbeat:
        description:
          - Instead of O(components[].url), the heartbeat of an application that does not answer the heartbeat API, see C(docs/heartbeats.md).
          - With neither of both nobody waits for its health, and it can only be stopped with O(alone=true).
          - Where only the controller reaches it (its key C(via)), what that has seen serves for the proof. Neither is its health waited for then, nor the node
            read again.
        type: dict
      wait_release:
        description: The release that the running process must report, where it reports one. Defaults to O(components[].version).
        type: str
  token:
    description: The bearer token of the heartbeats, for the reading.
    type: str
  restart:
    description: Restart services whose package is the right one already, too.
    type: bool
    default: false
  health_timeout_s:
    description: Longest wait for the health of all components, in seconds.
    type: float
    default: 60.0
  batch_id:
    description: The batch that the proof must be for, and that the node is read for. Required without O(alone=true).
    type: str
    default: ""
  drain:
    description: >-
      The options of M(halfswap.bluegreen.drain), each of its C(components) with the key C(service), as for M(halfswap.bluegreen.out), to look once more
      before anything is stopped. Required without O(alone=true).
    type: dict
  alone:
    description:
      - Stop what runs without asking for a proof, for use outside of a swap. Requests in flight are cut.
      - A warning names what was stopped so.
    type: bool
    default: false
  read:
    description: Whether to read the node again in the end.
    type: bool
    default: true
seealso:
  - module: halfswap.bluegreen.out
  - module: halfswap.bluegreen.rpm_release
  - module: halfswap.bluegreen.node_info
"""

EXAMPLES = r"""
- name: Bring the node to 2.0.0
  halfswap.bluegreen.release:
    components:
      - {name: shop, package: shop, service: shop, version: 2.0.0, url: "http://127.0.0.1:8791"}
    token: "{{ heartbeat_token }}"
    run_id: "{{ run_id }}"
    batch_id: "{{ run_id }}/1"
    drain:
      method: kernel
      components: [{name: shop, service: shop, ports: [8080]}]
  become: true

- name: Install the shop on a machine that nobody uses yet
  halfswap.bluegreen.release:
    components:
      - {name: shop, package: shop, service: shop, version: 2.0.0}
    alone: true
  become: true
"""

RETURN = r"""
packages:
  description: The packages, in the order of O(components), as RV(halfswap.bluegreen.rpm_release#module:packages).
  returned: when they were found
  type: list
  elements: dict
  sample: [{name: shop, before: shop-1.0.0-1.noarch, after: shop-2.0.0-1.noarch, stale: false}]
stopped:
  description: The units that were stopped, those that trigger a service included, or would be in check mode.
  returned: when the packages were found
  type: list
  elements: str
  sample: [shop]
started:
  description: The units that were started or restarted, or would be in check mode, where those that trigger a service are left out.
  returned: when the packages were found
  type: list
  elements: str
  sample: [shop]
waited_s:
  description: Seconds waited until all were healthy.
  returned: when the packages were found
  type: float
  sample: 1.2
proof:
  description: The proof that was asked for; null where nothing had to be stopped, with O(alone=true), and in check mode.
  returned: when the packages were found
  type: dict
  sample:
    run_id: 20261120T101500Z-4711
    batch_id: 20261120T101500Z-4711/1
    at: "2026-11-20T10:15:12Z"
    components: {shop: {revision: 8, ran: true, requests: 18044, exception: ""}}
components:
  description: >-
    The node as it was read in the end, as RV(halfswap.bluegreen.node_info#module:components). Everything else that M(halfswap.bluegreen.node_info)
    returns is returned, too.
  returned: success, with O(read=true), not in check mode
  type: list
  elements: dict
  sample: [{name: shop, nevra: shop-2.0.0-1.noarch, active: true, heartbeat: {state: standby, release: 2.0.0}, error: null}]
"""

from ansible_collections.halfswap.bluegreen.plugins.module_utils.steps.release import main

if __name__ == "__main__":
    main()
