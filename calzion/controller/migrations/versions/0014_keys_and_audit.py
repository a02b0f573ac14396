"""keys say what they may push to; the audit trail"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("ssh_keys", schema=None) as batch_op:
        batch_op.add_column(sa.Column("repositories", sa.JSON(), nullable=False, server_default="[]"))
    _name_what_was_allowed()
    op.create_table(
        "audit",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )


def downgrade() -> None:
    op.drop_table("audit")
    # An older version knows the pattern `*`, too.
    with op.batch_alter_table("ssh_keys", schema=None) as batch_op:
        batch_op.drop_column("repositories")


def _name_what_was_allowed() -> None:
    """A key without patterns was allowed everything; from now on that has to be said."""
    keys = sa.table("ssh_keys", sa.column("id", sa.Integer), sa.column("allow", sa.JSON))
    connection = op.get_bind()
    for id_, allow in connection.execute(sa.select(keys.c.id, keys.c.allow)).all():
        if not allow:
            connection.execute(sa.update(keys).where(keys.c.id == id_).values(allow=["*"]))
