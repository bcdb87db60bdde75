# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Release 2.0.0: customers collect points."""

from shop.points import OrdersWithPoints as Orders
from shop.points import add_routes

__all__ = ["VERSION", "Orders", "add_routes"]

VERSION = "2.0.0"
