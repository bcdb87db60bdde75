#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: node_check
short_description: Read a node and the place where an application is to be deployed
version_added: 0.1.0
description:
  - Reads, in one round trip, what M(halfswap.bluegreen.node_info) reads and everything around it that a deployment rests on. That is the units of each
    component and who listens on its ports, what its URLs answer and the values of the keys there, free disk space and how file systems are mounted, proxies,
    what the package manager was told and what it offers, the signing keys, the files of the packages, and the packages to go back to.
  - It judges nothing, and changes nothing but what a package manager remembers of its repositories. M(halfswap.bluegreen.doctor) judges what was registered.
  - What cannot be read is an entry of RV(checked.errors) or RV(unreadable). The action does not fail for it, so that one run tells everything that is wrong.
author:
  - halfswap.bluegreen contributors (@halfswap)
extends_documentation_fragment:
  - halfswap.bluegreen.node
  - halfswap.bluegreen.repositories
  - halfswap.bluegreen.attributes
  - halfswap.bluegreen.records
attributes:
  check_mode:
    description: It only reads.
options:
  checks:
    description: Where to look, for each component. The filter P(halfswap.bluegreen.components#filter) makes it, with V(check).
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the component.
        type: str
        required: true
      package:
        description: Name of its RPM.
        type: str
        required: true
      service:
        description: Name of its systemd unit.
        type: str
        required: true
      replaces:
        description: Name of the systemd unit in which it serves as long as its package is not installed, where that is not O(checks[].service).
        type: str
      agent:
        description: Name of the systemd unit of its heartbeat agent. Empty where the application keeps its heartbeat by itself.
        type: str
        default: ""
      ports:
        description: The ports that have to be free or its own, each with C(port), C(what), C(unit), and C(outside) where others have to get there.
        type: list
        elements: dict
        default: []
      health_url:
        description: The URL of its health.
        type: str
        default: ""
      status_url:
        description: The URL of its status, as JSON.
        type: str
        default: ""
      keys:
        description: The keys of the status, by their meaning (C(release), C(in_flight), C(requests)).
        type: dict
        default: {}
  drain:
    description: As O(halfswap.bluegreen.begin#module:drain).
    type: dict
  store:
    description: The directory on the node that holds packages, as O(halfswap.bluegreen.rpm_stage#module:store).
    type: path
    default: packages
  remote_tmp:
    description: The directory on the node where Ansible puts what it runs there. The action gives it.
    type: str
    default: ~/.ansible/tmp
  repository_url:
    description: >-
      The URL of the repository as the node reaches it, whose C(repodata/repomd.xml) is asked for. Without it no request is sent there, nor where it has a
      variable of the package manager in it (C($releasever)).
    type: str
    default: ""
  repository_proxy:
    description: The proxy through which it is asked; empty for none. One that does not speak plain HTTP is left to the package manager.
    type: str
    default: ""
seealso:
  - module: halfswap.bluegreen.doctor
  - module: halfswap.bluegreen.node_info
"""

EXAMPLES = r"""
- name: Examine every node
  halfswap.bluegreen.node_check:
    components: "{{ components | halfswap.bluegreen.components('node') }}"
    checks: "{{ components | halfswap.bluegreen.components('check') }}"
    token: "{{ heartbeat_token }}"
  register: bluegreen_checked
"""

RETURN = r"""
checked:
  description: What the node says of the place, part by part. A part that could not be read is not there.
  returned: when the node is reached
  type: dict
  contains:
    errors:
      description: For each part that could not be read, why.
      type: dict
      returned: always
      sample: {offered: "dnf could not ask the repositories for shop: Cannot download repomd.xml"}
    units:
      description: What systemd says of each unit.
      type: list
      elements: dict
      returned: where it can be read
      sample: [{component: shop, package: shop, role: service, unit: shop, id: shop.service, load: loaded, active: active, file: enabled}]
    ports:
      description: Who listens on each port.
      type: list
      elements: dict
      returned: where it can be read
      sample: [{component: shop, port: 8080, heard: true, loopback: false, pid: 4711, program: gunicorn, by: shop.service}]
    answers:
      description: What each URL answers, with the values of the keys.
      type: list
      elements: dict
      returned: where it can be read
      sample: [{component: shop, what: health, url: "http://127.0.0.1:8080/health", status: 200, error: null, values: []}]
unreadable:
  description: Why the components could not be read. Everything that M(halfswap.bluegreen.node_info) returns is returned where they could.
  returned: when they could not be read
  type: str
  sample: Missing sudo password
undrainable:
  description: As RV(halfswap.bluegreen.begin#module:undrainable).
  returned: when the components could be read
  type: str
  sample: null
"""

from ansible_collections.halfswap.bluegreen.plugins.module_utils.steps.node_check import main

if __name__ == "__main__":
    main()
