"""What was seen on the streets and what tracks taught, which was in files beside the ledger."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0007_streets_seen"
down_revision = "r0006_webhooks"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "streets_seen",
        sa.Column("zone", sa.String(64), primary_key=True),
        sa.Column("kind", sa.String(16), primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
