# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Release 2.0.1: 2.0.0 with a fault, for trying what a deployment does about it.

Its health check reads a table that no migration makes.
"""

from shop.points import OrdersWithPoints, add_routes

__all__ = ["VERSION", "Orders", "add_routes"]

VERSION = "2.0.1"


class Orders(OrdersWithPoints):
    health_query = "SELECT 1 FROM discounts LIMIT 1"
