"""Pictures that prove a delivery, and the ledger's own secrets."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0002_pictures"
down_revision = "r0001_log"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "blobs",
        sa.Column("zone", sa.String(64), primary_key=True),
        sa.Column("blob_id", sa.String(64), primary_key=True),
        sa.Column("content_type", sa.String(64), nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "secrets",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("value", sa.LargeBinary, nullable=False),
    )
