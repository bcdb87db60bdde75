# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # What PACKAGES of module_utils/rpm/_rpm_wanted.py takes.
    DOCUMENTATION = r"""
options:
  packages:
    description: The packages. Each name only once.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the package.
        type: str
        required: true
      version:
        description: Version wanted.
        type: str
        required: true
      release:
        description:
          - Release wanted.
          - Where not given, the newest release of the version. That is what is installed, unless the repositories hold a newer release
            of this version. They are asked each time, for their newest state, so that every node comes to the same answer.
          - Where given, and the package is the one installed or lies in O(store), no repository is asked.
        type: str
      epoch:
        description: Epoch wanted. Where not given, the highest one counts.
        type: int
      arch:
        description: Architecture wanted. Where not given, V(noarch) or that of the node, and any other only where there is neither.
        type: str
      service:
        description: >-
          The systemd unit that runs what is in the package. When given, RV(halfswap.bluegreen.rpm_release#module:packages[].stale)
          says whether its process is older than the package, and M(halfswap.bluegreen.rpm_stage) refuses a unit that is masked, one that neither the
          package nor the node has, and one of several instances of a template that run.
        type: str
      replaces:
        description: >-
          The systemd unit in which it serves as long as the package is not installed. It may hold the port of O(packages[].health_url). With
          O(halfswap.bluegreen.rpm_stage#module:way_back=true), M(halfswap.bluegreen.rpm_stage) refuses a first package that would replace files which are
          on the disk and belong to no package, since that unit may need them to come back; and, without this option, a first package for a service that runs.
        type: str
      health_url:
        description: >-
          Where the health of the service is asked, as the node reaches it. When given with O(packages[].service), M(halfswap.bluegreen.rpm_stage) refuses a
          port that somebody else listens on while the service is down. It does not refuse a proxy, which answers 502, 503 or 504 for it.
        type: str
      may_differ:
        description: Paths of files of the package that the application itself changes, with C(*) for any characters. They are not compared.
        type: list
        elements: str
        default: []
"""
