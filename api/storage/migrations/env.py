"""What Alembic runs: the versions in this folder, on the connection it is given."""

from __future__ import annotations

from alembic import context

from api.storage import tables

context.configure(
    connection=context.config.attributes["connection"], target_metadata=tables.metadata
)
context.run_migrations()
