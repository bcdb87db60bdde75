# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shop, a small web application that keeps orders in PostgreSQL.

What releases do not share lies in ``releases/``: each adds its ``release.py``, and what that needs.
"""
