# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How Alembic reaches the shop's database."""

import json
import logging.config

from alembic import context
from sqlalchemy import create_engine, text

# Any number, the same in every migration of this application.
ONE_AT_A_TIME = 7467

logging.config.fileConfig(context.config.config_file_name, disable_existing_loggers=False)

with open("/etc/shop/shop.json", encoding="utf-8") as file:
    url = json.load(file)["database"]

with create_engine(url, connect_args={"connect_timeout": 5}).connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        # Alembic itself lets two run at once. The second one waits here, then finds nothing left to do.
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ONE_AT_A_TIME})
        # A migration that waits for a table makes everybody who uses the table wait behind it.
        connection.execute(text("SET LOCAL lock_timeout = '1s'"))
        context.run_migrations()
