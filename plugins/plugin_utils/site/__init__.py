# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The site: every `bluegreen_*` variable and every key of one, described once, and checked before anything else happens.

- key.py: what a row of the table is
- table.py: the table
- check.py: a value against its row
- rules.py: what no row can say by itself, such as two keys that belong together
- description.py: where the variables of an application are found, and the whole of them checked
- reading.py: how Ansible hands them over
"""
