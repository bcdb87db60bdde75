# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections to PostgreSQL: a few, kept open, and none that can hang."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
import psycopg2.errors
import psycopg2.extras

# Together they bound how long a request can wait for the database. Who waits for a lock is told so first: that is no load but a migration.
LIMITS = {"connect_timeout": 5, "tcp_user_timeout": 5000, "options": "-c statement_timeout=5000 -c lock_timeout=4000"}
WAIT_S = 5.0


class Unavailable(Exception):
    """The database did not answer; the text says why."""


class Busy(Unavailable):
    """The database would have answered, had there been less to do: a limit of the shop, which it has without a deployment, too."""


class Database:
    def __init__(self, url: str, connections: int = 8) -> None:
        self._url = url
        self._connections = connections
        # Last in, first out: the idle ones stay idle. None is a connection not opened yet, so that the application starts, and
        # can tell what is wrong, while the database is away.
        self._free: queue.LifoQueue = queue.LifoQueue()
        for _connection in range(connections):
            self._free.put(None)

    @contextmanager
    def cursor(self) -> Iterator[psycopg2.extras.RealDictCursor]:
        try:
            connection = self._free.get(timeout=WAIT_S)
        except queue.Empty:
            raise Busy(f"all {self._connections} database connections were busy for {WAIT_S:g} s") from None
        try:
            if connection is None:
                connection = psycopg2.connect(self._url, cursor_factory=psycopg2.extras.RealDictCursor, **LIMITS)
                # Nothing here writes with more than one statement.
                connection.autocommit = True
            with connection.cursor() as cursor:
                yield cursor
        except psycopg2.errors.QueryCanceled as error:
            raise Busy(str(error).strip()) from error
        except (psycopg2.OperationalError, psycopg2.InterfaceError) as error:
            raise Unavailable(str(error).strip()) from error
        finally:
            self._free.put(None if connection is None or connection.closed else connection)
