# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Orders as every release keeps them."""

from __future__ import annotations

import decimal
from typing import Any

from psycopg2 import sql

from shop.database import Database

PAGE = 500


class Invalid(ValueError):
    """Not an order; the text says why."""


def parse(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise Invalid("an order is a JSON object with ref, customer and amount")
    for key in ("ref", "customer"):
        if not isinstance(body.get(key), str) or not 1 <= len(body[key]) <= 100:
            raise Invalid(f"{key} is a text of 1 to 100 characters")
    try:
        amount = decimal.Decimal(str(body.get("amount"))).quantize(decimal.Decimal("0.01"))
    except decimal.InvalidOperation:
        amount = decimal.Decimal(-1)
    if not 0 <= amount < 10**8:
        raise Invalid("amount is a number from 0 to 99999999.99")
    return {"ref": body["ref"], "customer": body["customer"], "amount": amount}


class Orders:
    """A ref is not unique on purpose: an order that a load balancer sent twice has to be visible as two."""

    health_query = "SELECT 1 FROM orders LIMIT 1"

    def __init__(self, database: Database) -> None:
        self.database = database

    def columns(self, cursor) -> list[str]:
        return ["id", "ref", "customer", "amount"]

    def row(self, cursor, order: dict[str, Any]) -> dict[str, Any]:
        return order

    def check(self) -> None:
        with self.database.cursor() as cursor:
            cursor.execute(self.health_query)

    def count(self) -> int:
        with self.database.cursor() as cursor:
            cursor.execute("SELECT count(*) AS orders FROM orders")
            return cursor.fetchone()["orders"]

    def add(self, order: dict[str, Any]) -> dict[str, Any]:
        with self.database.cursor() as cursor:
            row = self.row(cursor, order)
            insert = sql.SQL("INSERT INTO orders ({}) VALUES ({}) RETURNING {}").format(
                _names(row), sql.SQL(", ").join(map(sql.Placeholder, row)), _names(self.columns(cursor))
            )
            cursor.execute(insert, row)
            return cursor.fetchone()

    def by_ref(self, ref: str) -> list[dict[str, Any]]:
        return self._select("ref = %(ref)s", ref=ref)

    def by_prefix(self, prefix: str, after: int) -> list[dict[str, Any]]:
        return self._select("starts_with(ref, %(prefix)s) AND id > %(after)s", prefix=prefix, after=after)

    def _select(self, condition: str, **values: Any) -> list[dict[str, Any]]:
        with self.database.cursor() as cursor:
            select = sql.SQL("SELECT {} FROM orders WHERE {} ORDER BY id LIMIT {}").format(_names(self.columns(cursor)), sql.SQL(condition), sql.Literal(PAGE))
            cursor.execute(select, values)
            return cursor.fetchall()


def _names(names) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))
