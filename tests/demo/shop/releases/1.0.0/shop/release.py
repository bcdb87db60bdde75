# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Release 1.0.0: orders, and nothing else."""

from shop.orders import Orders

__all__ = ["VERSION", "Orders", "add_routes"]

VERSION = "1.0.0"


def add_routes(app, orders) -> None:
    """This release has no page of its own."""
