# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Points that an order earned; orders taken before have none.

A column without a default is added at once, whatever the size of the table, and a release that does not know it goes on working.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("orders", sa.Column("points", sa.Integer))


def downgrade() -> None:
    op.drop_column("orders", "points")
