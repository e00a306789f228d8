"""The journal of inputs: what was told, on which travel times; positions keep their place in it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0003_journal"
down_revision = "r0002_pictures"


def upgrade() -> None:
    """Make the tables, and the columns of the track; older rows of it have none of these."""
    op.add_column("tracks", sa.Column("n", sa.BigInteger, nullable=True))
    op.add_column("tracks", sa.Column("received_at", sa.BigInteger, nullable=True))
    op.create_table(
        "journal",
        sa.Column("zone", sa.String(64), primary_key=True),
        sa.Column("n", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("after_seq", sa.BigInteger, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("data", sa.JSON, nullable=False),
    )
    op.create_table(
        "travel_times",
        sa.Column("zone", sa.String(64), primary_key=True),
        sa.Column("version", sa.String(255), primary_key=True),
        sa.Column("data", sa.LargeBinary, nullable=False),
    )
