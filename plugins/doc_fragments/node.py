# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # What OPTIONS of module_utils/node/_reading.py takes.
    DOCUMENTATION = r"""
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
        description: Name of its RPM.
        type: str
        required: true
      service:
        description: Name of its systemd unit.
        type: str
        required: true
      replaces:
        description: The systemd unit in which it serves as long as its package is not installed, where that is not O(components[].service).
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
          - Instead of O(components[].url), the heartbeat of an application that does not answer the heartbeat API. Its key C(profile) says which
            kind it is; C(docs/heartbeats.md) has the keys of each. With O(components[].url), only its key C(via) counts.
          - With C(via) being V(controller) or V(tunnel) the controller itself asks it, over the network or through SSH.
        type: dict
  token:
    description: The bearer token; when given, a node that refuses it says so in C(error).
    type: str
  batch_id:
    description: Names the batch that the evidence is gathered for. Evidence of one batch is worth nothing in the next one.
    type: str
    default: ""
"""
