"""What was folded from a log, kept so that a start need not fold all of it again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0004_checkpoints"
down_revision = "r0003_journal"

COUNTED_BY_ALEMBIC = 4
"""From here on `alembic_version` counts; programs that do not know it refuse this number."""


def upgrade() -> None:
    """Make the table, and tell older programs that the ledger is none of theirs any more."""
    op.create_table(
        "checkpoints",
        sa.Column("zone", sa.String(64), primary_key=True),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("checksum", sa.String(64), nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    version = sa.table("schema_version", sa.column("version", sa.Integer))
    op.execute(sa.delete(version))
    op.execute(sa.insert(version).values(version=COUNTED_BY_ALEMBIC))
