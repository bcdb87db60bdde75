# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # What REQUEST_OPTIONS of module_utils/_http.py takes.
    DOCUMENTATION = r"""
options:
  request_timeout_s:
    description: Seconds for the whole of a request, from the connection to the last byte of its answer, which may have 16 MB.
    type: float
    default: 10.0
  node_header:
    description: Header of the answers in which the load balancer or the node gives the name of the node.
    type: str
    default: X-Served-By
  validate_certs:
    description: Whether to verify certificates.
    type: bool
    default: true
  ca_path:
    description: File with the certificates to verify them with, instead of those of the system.
    type: path
"""
